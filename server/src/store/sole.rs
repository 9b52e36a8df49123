//! One server on one database file. Data stays whole with two, but notices reach only the process that wrote, and each
//! would think itself alone; several servers share a PostgreSQL.

use std::fs::{File, OpenOptions};
use std::io::{Read as _, Seek as _, Write as _};
use std::path::{Path, PathBuf};

use rustix::fs::{FlockOperation, flock};
use rustix::io::Errno;

use super::error::StoreError;
use super::file_system::{self, FileSystemProbe};

/// The right to serve from a database file; gone with the process, however that ends.
#[derive(Debug)]
pub struct Sole(#[expect(dead_code, reason = "held for its lock")] File);

impl Sole {
    /// Claims the database at `path` for this process. A network file system is refused first: its locks do not hold,
    /// and one that has none would look like another server's.
    ///
    /// # Errors
    /// [`StoreError::NetworkFileSystem`], [`StoreError::Served`] while another server has it, [`StoreError::File`] when
    /// the mark beside it cannot be written or locked.
    pub fn claim(path: &Path, probe: FileSystemProbe) -> Result<Self, StoreError> {
        let path = file_system::settle(path, probe)?;
        let mark = mark_of(&path);
        let failed = |error: std::io::Error| StoreError::File {
            path: mark.clone(),
            why: error.to_string(),
        };
        let mut options = OpenOptions::new();
        options.read(true).write(true).create(true).truncate(false);
        #[cfg(unix)]
        std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
        let mut file = options.open(&mark).map_err(failed)?;
        match flock(&file, FlockOperation::NonBlockingLockExclusive) {
            Ok(()) => {}
            Err(Errno::WOULDBLOCK) => {
                let mut by = String::new();
                // Who it is only helps the reader; without it the message still says what to do.
                let _ = file.read_to_string(&mut by);
                return Err(StoreError::Served {
                    path,
                    by: by.trim().to_owned(),
                });
            }
            Err(errno) => return Err(failed(errno.into())),
        }
        file.set_len(0).and_then(|()| file.rewind()).map_err(failed)?;
        writeln!(file, "{}", std::process::id()).map_err(failed)?;
        Ok(Self(file))
    }
}

fn mark_of(path: &Path) -> PathBuf {
    let mut mark = path.as_os_str().to_owned();
    mark.push(".serving");
    PathBuf::from(mark)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::store::FileSystem;

    fn local(_: &Path) -> std::io::Result<FileSystem> {
        Ok(FileSystem {
            magic: 0xEF53,
            name: "ext4".to_owned(),
        })
    }

    #[test]
    fn a_second_server_on_a_database_is_refused_until_the_first_has_ended() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("cutover.db");
        let first = Sole::claim(&path, local).unwrap();
        let refused = Sole::claim(&path, local).unwrap_err().to_string();
        assert!(
            refused.contains(&format!("process {}", std::process::id())),
            "{refused}"
        );
        assert!(refused.contains("store.url"), "{refused}");
        drop(first);
        Sole::claim(&path, local).unwrap();
        let lost = directory.path().join("nowhere/cutover.db");
        assert!(matches!(Sole::claim(&lost, local), Err(StoreError::File { .. })));
    }

    #[test]
    fn a_database_on_a_network_file_system_is_refused_before_its_locks_are_asked() {
        let directory = tempfile::tempdir().unwrap();
        let refused = Sole::claim(&directory.path().join("cutover.db"), |_| {
            Ok(FileSystem {
                magic: 0x6969,
                name: "nfs4".to_owned(),
            })
        });
        let refused = refused.unwrap_err().to_string();
        assert!(refused.contains("nfs4") && refused.contains("local disk"), "{refused}");
        assert_eq!(std::fs::read_dir(directory.path()).unwrap().count(), 0);
    }
}
