//! Where the journal lies: a file that is appended to and forced to disk, or replaced as a whole.

use std::{
    fs::{self, File, OpenOptions},
    io::{self, Read, Write},
    path::{Path, PathBuf},
};

use crate::disk;

/// The few things that a journal does to a disk. Tests put crashes into them.
pub(crate) trait Medium: Send {
    /// Everything that is there; `None` when nothing ever was. At most `max` bytes and one.
    fn read(&mut self, max: u64) -> io::Result<Option<Vec<u8>>>;
    /// Appends; with `force` it is durable on return.
    fn append(&mut self, bytes: &[u8], force: bool) -> io::Result<()>;
    /// Cuts off what lies behind `length`.
    fn truncate(&mut self, length: u64) -> io::Result<()>;
    /// Puts new contents in place of the old, whole or not at all; durable on return.
    fn replace(&mut self, bytes: &[u8]) -> io::Result<()>;
    /// Keeps damaged contents aside for people, at most `max` bytes of them, and in place until they are replaced.
    fn keep_aside(&mut self, max: u64) -> io::Result<()>;
}

/// A file beside its temporary.
pub(crate) struct FileMedium {
    path: PathBuf,
    file: Option<File>,
}

impl FileMedium {
    pub(crate) fn new(directory: &Path, name: &str) -> Self {
        Self {
            path: directory.join(name),
            file: None,
        }
    }

    fn open(&mut self) -> io::Result<&mut File> {
        if self.file.is_none() {
            let options = OpenOptions::new().read(true).append(true).clone();
            self.file = Some(options.open(&self.path)?);
        }
        self.file
            .as_mut()
            .ok_or_else(|| io::Error::other("journal file is not open"))
    }
}

impl Medium for FileMedium {
    fn read(&mut self, max: u64) -> io::Result<Option<Vec<u8>>> {
        match self.open() {
            Ok(file) => {
                let mut bytes = Vec::new();
                file.take(max.saturating_add(1)).read_to_end(&mut bytes)?;
                Ok(Some(bytes))
            }
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(error),
        }
    }

    fn append(&mut self, bytes: &[u8], force: bool) -> io::Result<()> {
        let file = self.open()?;
        file.write_all(bytes)?;
        if force { file.sync_data() } else { Ok(()) }
    }

    fn truncate(&mut self, length: u64) -> io::Result<()> {
        // A handle that appends may not cut on Windows.
        let file = OpenOptions::new().write(true).open(&self.path)?;
        file.set_len(length)?;
        file.sync_all()
    }

    fn replace(&mut self, bytes: &[u8]) -> io::Result<()> {
        let temporary = self.path.with_extension("new");
        let mut options = OpenOptions::new();
        let mut file = disk::private(options.write(true).create(true).truncate(true)).open(&temporary)?;
        file.write_all(bytes)?;
        file.sync_all()?;
        // Windows replaces no file that is open in every case.
        drop(file);
        self.file = None;
        disk::replace(&temporary, &self.path)
    }

    fn keep_aside(&mut self, max: u64) -> io::Result<()> {
        let aside = self.path.with_extension("damaged");
        let there = match fs::metadata(&self.path) {
            Ok(meta) => meta,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
            Err(error) => return Err(error),
        };
        match fs::remove_file(&aside) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
            Ok(()) | Err(_) => {}
        }
        // A second name needs no room, which a full disk does not have.
        fs::hard_link(&self.path, &aside)?;
        if there.len() > max {
            // Nothing in it was read: it was not written by an agent.
            OpenOptions::new().write(true).open(&aside)?.set_len(max)?;
        }
        disk::sync_name(&aside)
    }
}
