//! An artifact on its way: appended to, cut off at its stated size, and judged by its hash at the end.

use std::{
    fs::{self, File, OpenOptions},
    io::{Read as _, Seek as _, SeekFrom, Write as _},
    path::PathBuf,
};

use cutover_proto::{artifact::ArtifactRef, record::FailureCause};
use sha2::{Digest, Sha256};

use super::FetchError;
use crate::disk;

const CHUNK: usize = 256 * 1024;

/// What is there of an artifact so far.
#[derive(Debug)]
pub struct Partial {
    file: File,
    path: PathBuf,
    whole: PathBuf,
    artifact: ArtifactRef,
    hasher: Sha256,
    have: u64,
}

impl Partial {
    /// Goes on with what lies at `path`, or begins. What is longer than the artifact is begun anew.
    pub(super) fn open(path: PathBuf, whole: PathBuf, artifact: &ArtifactRef) -> Result<Self, FetchError> {
        let mut options = OpenOptions::new();
        let file = disk::private(options.create(true).append(true).read(true))
            .open(&path)
            .map_err(|error| FetchError::disk(&format!("open {}", path.display()), &error))?;
        let mut partial = Self {
            file,
            path,
            whole,
            artifact: artifact.clone(),
            hasher: Sha256::new(),
            have: 0,
        };
        partial.read_back()?;
        if partial.have > artifact.size {
            partial.restart()?;
        }
        Ok(partial)
    }

    /// How many bytes are here.
    #[must_use]
    pub const fn have(&self) -> u64 {
        self.have
    }

    /// Whether all are here.
    #[must_use]
    pub const fn is_whole(&self) -> bool {
        self.have == self.artifact.size
    }

    fn read_back(&mut self) -> Result<(), FetchError> {
        let failed = |error: std::io::Error| FetchError::disk("read what was fetched before", &error);
        self.file.seek(SeekFrom::Start(0)).map_err(failed)?;
        let mut part = vec![0; CHUNK];
        // No more than decides that it is too long.
        while self.have <= self.artifact.size {
            let read = self.file.read(&mut part).map_err(failed)?;
            if read == 0 {
                return Ok(());
            }
            self.hasher.update(&part[..read]);
            self.have += read as u64;
        }
        Ok(())
    }

    /// Throws away what is here: the source begins at the beginning.
    ///
    /// # Errors
    /// When the disk refuses.
    pub fn restart(&mut self) -> Result<(), FetchError> {
        // A handle that appends may not cut on Windows.
        let cut = OpenOptions::new().write(true).open(&self.path);
        cut.and_then(|file| file.set_len(0))
            .map_err(|error| FetchError::disk("begin the download anew", &error))?;
        self.hasher = Sha256::new();
        self.have = 0;
        Ok(())
    }

    /// Takes the next bytes.
    ///
    /// # Errors
    /// `TOO_LARGE` when there are more than the order states, `DISK_FULL` when they find no room; nothing of the artifact is
    /// left then.
    pub fn write(&mut self, bytes: &[u8]) -> Result<(), FetchError> {
        let left = self.artifact.size.saturating_sub(self.have);
        if bytes.len() as u64 > left {
            let why = format!(
                "the source gives more than the {} bytes that the order states for {}",
                self.artifact.size, self.artifact.file_name
            );
            return Err(self.give_up(FetchError::new(FailureCause::TooLarge, why)));
        }
        if let Err(error) = self.file.write_all(bytes) {
            let error = FetchError::disk(&format!("write {}", self.path.display()), &error);
            return Err(self.give_up(error));
        }
        self.hasher.update(bytes);
        self.have += bytes.len() as u64;
        Ok(())
    }

    /// Judges what came by its hash, and puts it in its place, durably.
    ///
    /// # Errors
    /// `WRONG_HASH` when it is not what the order states; nothing of it is left then.
    pub fn finish(mut self) -> Result<PathBuf, FetchError> {
        let digest: [u8; 32] = self.hasher.finalize_reset().into();
        if digest != *self.artifact.sha256.bytes() {
            let why = format!(
                "{} hashes to {} and not to {} as the order states",
                self.artifact.file_name,
                hex::encode(digest),
                self.artifact.sha256
            );
            return Err(self.give_up(FetchError::new(FailureCause::WrongHash, why)));
        }
        let placed = self.file.sync_all();
        let placed = placed.and_then(|()| disk::replace(&self.path, &self.whole));
        match placed {
            Ok(()) => Ok(self.whole),
            Err(error) => {
                let error = FetchError::disk(&format!("keep {}", self.whole.display()), &error);
                Err(self.give_up(error))
            }
        }
    }

    /// Leaves nothing of it.
    ///
    /// # Errors
    /// When the disk refuses.
    pub fn discard(&mut self) -> Result<(), FetchError> {
        self.restart()?;
        fs::remove_file(&self.path).map_err(|error| FetchError::disk("delete a partial download", &error))
    }

    fn give_up(&self, error: FetchError) -> FetchError {
        if let Err(kept) = fs::remove_file(&self.path) {
            tracing::warn!(path = %self.path.display(), error = %kept, "partial download not deleted");
        }
        error
    }
}

#[cfg(all(test, target_os = "linux"))]
mod tests {
    use cutover_proto::artifact::ArtifactDigest;

    use super::*;

    #[test]
    fn a_full_disk_is_told_and_leaves_nothing() {
        let root = tempfile::tempdir().unwrap();
        let path = root.path().join("goods.part");
        fs::write(&path, b"").unwrap();
        let mut partial = Partial {
            // full(4): each write to it finds no room.
            file: OpenOptions::new().write(true).open("/dev/full").unwrap(),
            path: path.clone(),
            whole: root.path().join("goods"),
            artifact: ArtifactRef {
                sha256: ArtifactDigest::new([1; 32]),
                size: 6,
                file_name: "goods.deb".to_owned(),
                urls: Vec::new(),
            },
            hasher: Sha256::new(),
            have: 0,
        };
        assert_eq!(partial.write(b"abc").unwrap_err().cause, FailureCause::DiskFull);
        assert!(!path.exists());
    }
}
