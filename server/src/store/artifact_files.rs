//! The bytes of artifacts, each under its hash: `aa/SHA256` below one directory. What lies there is whole and on disk; what
//! is on its way lies in `incoming`, and is deleted when it does not come to its end.

use std::{
    io,
    path::{Path, PathBuf},
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use cutover_proto::artifact::ArtifactDigest;
use sha2::{Digest, Sha256};
use tokio::{
    fs::{self, File},
    io::{AsyncReadExt as _, AsyncWriteExt as _},
};

/// What is on its way, below the directory.
const INCOMING: &str = "incoming";

/// Read at once when a file is hashed.
const CHUNK: usize = 256 * 1024;

/// An upload that a crash cut off lies for so long at least: another server may be at it.
const ABANDONED: Duration = Duration::from_secs(24 * 3600);

/// A directory of artifacts. Several servers may share it.
#[derive(Debug, Clone)]
pub struct ArtifactFiles(PathBuf);

/// A file could not be written or read.
#[derive(Debug, thiserror::Error)]
#[error("{path}: {source}; check that the directory is there, belongs to the server's user and has room")]
pub struct FilesError {
    /// Which.
    pub path: PathBuf,
    /// What the system says.
    pub source: io::Error,
}

/// An artifact on its way in. Dropped before its end, it is deleted.
#[derive(Debug)]
pub struct Incoming {
    file: File,
    path: TemporaryFile,
    hasher: Sha256,
    size: u64,
}

#[derive(Debug)]
struct TemporaryFile {
    path: PathBuf,
    kept: bool,
}

impl Drop for TemporaryFile {
    fn drop(&mut self) {
        if !self.kept
            && let Err(error) = std::fs::remove_file(&self.path)
        {
            tracing::warn!(path = %self.path.display(), %error, "unfinished upload not deleted");
        }
    }
}

impl ArtifactFiles {
    /// In this directory; made when the first artifact comes.
    #[must_use]
    pub fn new(directory: impl Into<PathBuf>) -> Self {
        Self(directory.into())
    }

    /// Where an artifact lies, or would.
    #[must_use]
    pub fn path(&self, digest: &ArtifactDigest) -> PathBuf {
        let name = digest.to_string();
        self.0.join(&name[..2]).join(name)
    }

    /// Opens an artifact for reading, and says how long it is; `None` when its file is not there.
    ///
    /// # Errors
    /// When it cannot be told or read.
    pub async fn open(&self, digest: &ArtifactDigest) -> Result<Option<(File, u64)>, FilesError> {
        let path = self.path(digest);
        let file = match File::open(&path).await {
            Ok(file) => file,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(source) => return Err(FilesError { path, source }),
        };
        match file.metadata().await {
            Ok(meta) => Ok(Some((file, meta.len()))),
            Err(source) => Err(FilesError { path, source }),
        }
    }

    /// What an artifact's bytes hash to at this moment; `None` when its file is not there.
    ///
    /// # Errors
    /// When it cannot be told or read.
    pub async fn hash(&self, digest: &ArtifactDigest) -> Result<Option<ArtifactDigest>, FilesError> {
        let Some((mut file, _)) = self.open(digest).await? else {
            return Ok(None);
        };
        let (mut hasher, mut part) = (Sha256::new(), vec![0; CHUNK]);
        loop {
            let read = file.read(&mut part).await.map_err(failed(&self.path(digest)))?;
            if read == 0 {
                return Ok(Some(ArtifactDigest::new(hasher.finalize().into())));
            }
            hasher.update(&part[..read]);
        }
    }

    /// Begins one; `name` tells it from others on their way. Uploads that were abandoned before `now_ms` are deleted.
    ///
    /// # Errors
    /// When the file cannot be made.
    pub async fn begin(&self, name: &str, now_ms: i64) -> Result<Incoming, FilesError> {
        let directory = self.0.join(INCOMING);
        private_directory(&directory).await?;
        drop_abandoned(&directory, now_ms).await;
        let path = directory.join(format!("{name}.part"));
        let mut options = fs::OpenOptions::new();
        options.write(true).create_new(true).mode(0o600);
        let file = options.open(&path).await.map_err(failed(&path))?;
        Ok(Incoming {
            file,
            path: TemporaryFile { path, kept: false },
            hasher: Sha256::new(),
            size: 0,
        })
    }

    /// Puts a whole one in its place, durably. The same content again replaces itself.
    ///
    /// # Errors
    /// When it cannot be written; nothing of it is left then.
    pub async fn keep(&self, mut incoming: Incoming) -> Result<ArtifactDigest, FilesError> {
        let from = incoming.path.path.clone();
        incoming.file.flush().await.map_err(failed(&from))?;
        incoming.file.sync_all().await.map_err(failed(&from))?;
        let digest = incoming.digest();
        let to = self.path(&digest);
        let directory = to.parent().unwrap_or(&self.0);
        private_directory(directory).await?;
        fs::rename(&from, &to).await.map_err(failed(&to))?;
        incoming.path.kept = true;
        for directory in [directory, &self.0] {
            let opened = File::open(directory).await.map_err(failed(directory))?;
            opened.sync_all().await.map_err(failed(directory))?;
        }
        Ok(digest)
    }
}

impl Incoming {
    /// Takes the next bytes.
    ///
    /// # Errors
    /// When they cannot be written.
    pub async fn write(&mut self, bytes: &[u8]) -> Result<(), FilesError> {
        self.file.write_all(bytes).await.map_err(failed(&self.path.path))?;
        self.hasher.update(bytes);
        self.size += bytes.len() as u64;
        Ok(())
    }

    /// How much came so far, in bytes.
    #[must_use]
    pub const fn size(&self) -> u64 {
        self.size
    }

    /// The hash of what came so far.
    #[must_use]
    pub fn digest(&self) -> ArtifactDigest {
        ArtifactDigest::new(self.hasher.clone().finalize().into())
    }
}

async fn private_directory(path: &Path) -> Result<(), FilesError> {
    let mut builder = fs::DirBuilder::new();
    builder.recursive(true).mode(0o700);
    builder.create(path).await.map_err(failed(path))
}

/// What cannot be looked at or deleted only takes room.
async fn drop_abandoned(directory: &Path, now_ms: i64) {
    let now: SystemTime = UNIX_EPOCH + Duration::from_millis(u64::try_from(now_ms).unwrap_or_default());
    let Ok(mut entries) = fs::read_dir(directory).await else {
        return;
    };
    while let Ok(Some(entry)) = entries.next_entry().await {
        let changed = entry.metadata().await.and_then(|meta| meta.modified());
        let age = changed.ok().and_then(|changed| now.duration_since(changed).ok());
        if age.is_some_and(|age| age > ABANDONED) {
            tracing::info!(path = %entry.path().display(), "abandoned upload deleted");
            if let Err(error) = fs::remove_file(entry.path()).await {
                tracing::warn!(path = %entry.path().display(), %error, "abandoned upload not deleted");
            }
        }
    }
}

fn failed(path: &Path) -> impl FnOnce(io::Error) -> FilesError {
    let path = path.to_owned();
    move |source| FilesError { path, source }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(directory: &Path) -> Vec<String> {
        let entries = std::fs::read_dir(directory).into_iter().flatten().flatten();
        entries
            .map(|entry| entry.file_name().to_string_lossy().into_owned())
            .collect()
    }

    #[tokio::test]
    async fn an_artifact_lies_under_its_hash_and_only_the_server_reads_it() {
        use std::os::unix::fs::PermissionsExt;
        let root = tempfile::tempdir().unwrap();
        let files = ArtifactFiles::new(root.path().join("artifacts"));
        let mut incoming = files.begin("one", 0).await.unwrap();
        incoming.write(b"ab").await.unwrap();
        incoming.write(b"c").await.unwrap();
        assert_eq!(incoming.size(), 3);
        let digest = files.keep(incoming).await.unwrap();
        // FIPS 180-2, appendix B.1.
        let known = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad";
        assert_eq!(digest.to_string(), known);
        let path = root.path().join("artifacts/ba").join(known);
        assert_eq!(files.path(&digest), path);
        assert_eq!(std::fs::read(&path).unwrap(), b"abc");
        let mode = |path: &Path| std::fs::metadata(path).unwrap().permissions().mode() & 0o777;
        assert_eq!((mode(&path), mode(&root.path().join("artifacts"))), (0o600, 0o700));
        let (_, size) = files.open(&digest).await.unwrap().expect("it is there");
        assert_eq!(size, 3);
        assert!(files.open(&ArtifactDigest::new([0; 32])).await.unwrap().is_none());
    }

    #[tokio::test]
    async fn what_does_not_come_to_its_end_leaves_nothing() {
        let root = tempfile::tempdir().unwrap();
        let files = ArtifactFiles::new(root.path());
        let mut incoming = files.begin("one", 0).await.unwrap();
        incoming.write(b"half").await.unwrap();
        drop(incoming);
        assert_eq!(names(&root.path().join(INCOMING)), [""; 0]);
        assert_eq!(names(root.path()), [INCOMING]);
    }

    #[tokio::test]
    async fn an_upload_that_a_crash_cut_off_is_deleted_after_a_day_and_not_before() {
        let root = tempfile::tempdir().unwrap();
        let files = ArtifactFiles::new(root.path());
        let cut_off = root.path().join(INCOMING).join("old.part");
        std::fs::create_dir(root.path().join(INCOMING)).unwrap();
        std::fs::write(&cut_off, b"half").unwrap();
        let written = std::fs::metadata(&cut_off).unwrap().modified().unwrap();
        let written_ms = i64::try_from(written.duration_since(UNIX_EPOCH).unwrap().as_millis()).unwrap();
        drop(files.begin("two", written_ms + 23 * 3_600_000).await.unwrap());
        assert!(cut_off.exists());
        drop(files.begin("three", written_ms + 25 * 3_600_000).await.unwrap());
        assert!(!cut_off.exists());
    }
}
