//! One server on one database file. Data stays whole with two, but notices reach only the process that wrote, and each
//! would think itself alone; several servers share a PostgreSQL.

use std::fs::{File, OpenOptions};
use std::io::{Read as _, Seek as _, Write as _};
use std::path::{Path, PathBuf};

use rustix::fs::{FlockOperation, flock};

use super::error::StoreError;

/// The right to serve from a database file; gone with the process, however that ends.
#[derive(Debug)]
pub struct Sole(#[expect(dead_code, reason = "held for its lock")] File);

impl Sole {
    /// Claims the database at `path` for this process.
    ///
    /// # Errors
    /// [`StoreError::Served`] while another server has it, [`StoreError::File`] when the mark beside it cannot be written.
    pub fn claim(path: &Path) -> Result<Self, StoreError> {
        let mark = mark_of(path);
        let failed = |error: std::io::Error| StoreError::File {
            path: mark.clone(),
            why: error.to_string(),
        };
        let mut options = OpenOptions::new();
        options.read(true).write(true).create(true).truncate(false);
        #[cfg(unix)]
        std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
        let mut file = options.open(&mark).map_err(failed)?;
        if flock(&file, FlockOperation::NonBlockingLockExclusive).is_err() {
            let mut by = String::new();
            // Who it is only helps the reader; without it the message still says what to do.
            let _ = file.read_to_string(&mut by);
            return Err(StoreError::Served {
                path: path.to_owned(),
                by: by.trim().to_owned(),
            });
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

    #[test]
    fn a_second_server_on_a_database_is_refused_until_the_first_has_ended() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("cutover.db");
        let first = Sole::claim(&path).unwrap();
        let refused = Sole::claim(&path).unwrap_err().to_string();
        assert!(
            refused.contains(&format!("process {}", std::process::id())),
            "{refused}"
        );
        assert!(refused.contains("store.url"), "{refused}");
        drop(first);
        Sole::claim(&path).unwrap();
        let lost = directory.path().join("nowhere/cutover.db");
        assert!(matches!(Sole::claim(&lost), Err(StoreError::File { .. })));
    }
}
