//! Files below the planted root. What is read back after a crash is written whole or not at all.

use std::{
    fs, io,
    path::{Path, PathBuf},
};

use serde::{Serialize, de::DeserializeOwned};

/// Why a planted host cannot be made or used.
#[derive(Debug, thiserror::Error)]
pub enum SandboxError {
    /// A file could not be read or written.
    #[error("cannot {what} {path}: {source}")]
    File {
        /// What was tried.
        what: &'static str,
        /// On what.
        path: PathBuf,
        /// What the system says.
        source: io::Error,
    },
    /// A planted file does not read as it was written.
    #[error("{path} is not as it was planted: {why}; plant the host anew")]
    Damaged {
        /// Which.
        path: PathBuf,
        /// What is wrong.
        why: String,
    },
    /// No such host can be planted.
    #[error("no such host can be planted: {0}")]
    Impossible(&'static str),
    /// The planted root cannot be looked at.
    #[error(transparent)]
    View(#[from] crate::host::HostError),
}

/// The planted root's own bookkeeping.
pub(super) const OWN: &str = "/.sandbox";

/// A planted root.
#[derive(Debug, Clone)]
pub(super) struct Files {
    root: PathBuf,
}

impl Files {
    pub(super) fn new(root: &Path) -> Self {
        Self { root: root.to_owned() }
    }

    pub(super) fn root(&self) -> &Path {
        &self.root
    }

    pub(super) fn at(&self, path: &str) -> PathBuf {
        self.root.join(path.trim_start_matches('/'))
    }

    pub(super) fn exists(&self, path: &str) -> bool {
        self.at(path).symlink_metadata().is_ok()
    }

    pub(super) fn make_directory(&self, path: &str) -> Result<(), SandboxError> {
        let path = self.at(path);
        fs::create_dir_all(&path).map_err(failed("make", &path))
    }

    /// Writes a file whole, with the directories above it.
    pub(super) fn write(&self, path: &str, bytes: &[u8]) -> Result<(), SandboxError> {
        let path = self.at(path);
        if let Some(above) = path.parent() {
            fs::create_dir_all(above).map_err(failed("make", above))?;
        }
        let mut name = path.file_name().unwrap_or_default().to_owned();
        name.push(".cutover-new");
        let new = path.with_file_name(name);
        fs::write(&new, bytes).map_err(failed("write", &new))?;
        fs::rename(&new, &path).map_err(failed("write", &path))
    }

    /// [`Self::write`], executable.
    pub(super) fn write_program(&self, path: &str) -> Result<(), SandboxError> {
        use std::os::unix::fs::PermissionsExt;
        self.write(path, b"planted: stands for a program and runs nothing\n")?;
        let path = self.at(path);
        fs::set_permissions(&path, fs::Permissions::from_mode(0o755)).map_err(failed("make executable", &path))
    }

    pub(super) fn read(&self, path: &str) -> Result<Vec<u8>, SandboxError> {
        let path = self.at(path);
        fs::read(&path).map_err(failed("read", &path))
    }

    /// Deletes a file or directory; nothing there is fine.
    pub(super) fn delete(&self, path: &str) -> Result<(), SandboxError> {
        let path = self.at(path);
        let deleted = match path.symlink_metadata() {
            Ok(meta) if meta.is_dir() => fs::remove_dir_all(&path),
            Ok(_) => fs::remove_file(&path),
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
            Err(error) => Err(error),
        };
        deleted.map_err(failed("delete", &path))
    }

    pub(super) fn read_own<T: DeserializeOwned>(&self, name: &str) -> Result<T, SandboxError> {
        let path = format!("{OWN}/{name}");
        let bytes = self.read(&path)?;
        serde_json::from_slice(&bytes).map_err(|error| SandboxError::Damaged {
            path: self.at(&path),
            why: error.to_string(),
        })
    }

    pub(super) fn write_own<T: Serialize>(&self, name: &str, value: &T) -> Result<(), SandboxError> {
        let path = format!("{OWN}/{name}");
        let bytes = serde_json::to_vec(value).map_err(|error| SandboxError::Damaged {
            path: self.at(&path),
            why: error.to_string(),
        })?;
        self.write(&path, &bytes)
    }
}

fn failed<'p>(what: &'static str, path: &'p Path) -> impl FnOnce(io::Error) -> SandboxError + 'p {
    move |source| SandboxError::File {
        what,
        path: path.to_owned(),
        source,
    }
}
