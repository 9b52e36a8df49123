//! The cache: one directory, one file an artifact, named by its hash. What was used longest ago goes first.

use std::{
    fs::{self, File},
    io::{self, Read as _},
    path::{Path, PathBuf},
    time::{Duration, SystemTime, UNIX_EPOCH},
};

use cutover_proto::{
    artifact::{ArtifactDigest, ArtifactRef},
    record::FailureCause,
};
use sha2::{Digest, Sha256};

use super::{FetchError, Partial};
use crate::disk::make_private_dir;

const CHUNK: usize = 256 * 1024;
const MIB: u64 = 1 << 20;
/// What a file on its way is called after its hash.
const PART: &str = ".part";

/// Where artifacts lie on this host.
#[derive(Debug, Clone)]
pub struct ArtifactCache {
    directory: PathBuf,
    limit: u64,
}

/// A file of the cache.
struct Entry {
    path: PathBuf,
    digest: Option<ArtifactDigest>,
    size: u64,
    used: SystemTime,
}

impl ArtifactCache {
    /// In this directory, of at most so many MiB; made when the first artifact comes.
    #[must_use]
    pub fn new(directory: impl Into<PathBuf>, limit_mib: u64) -> Self {
        Self {
            directory: directory.into(),
            limit: limit_mib.saturating_mul(MIB),
        }
    }

    fn whole(&self, digest: &ArtifactDigest) -> PathBuf {
        self.directory.join(digest.to_string())
    }

    /// Whether an artifact is here, by name and size alone.
    #[must_use]
    pub fn has(&self, artifact: &ArtifactRef) -> bool {
        let found = fs::symlink_metadata(self.whole(&artifact.sha256));
        found.is_ok_and(|meta| meta.is_file() && meta.len() == artifact.size)
    }

    /// Where an artifact lies, hashed now and marked as used at `now_ms`. One that is no longer what it was is deleted.
    ///
    /// # Errors
    /// When it cannot be read.
    pub fn verified(&self, artifact: &ArtifactRef, now_ms: i64) -> Result<Option<PathBuf>, FetchError> {
        if !self.has(artifact) {
            return Ok(None);
        }
        let path = self.whole(&artifact.sha256);
        let digest = hashed(&path).map_err(|error| FetchError::disk(&format!("read {}", path.display()), &error))?;
        if digest != *artifact.sha256.bytes() {
            tracing::warn!(path = %path.display(), "a cached artifact is not what it was and is deleted");
            remove(&path);
            return Ok(None);
        }
        mark_used(&path, now_ms);
        Ok(Some(path))
    }

    /// Goes on with an artifact, or begins it, after making room. What `keep` names is not deleted for it.
    ///
    /// # Errors
    /// `DISK_FULL` when the cache's limit has no room for it.
    pub fn partial(&self, artifact: &ArtifactRef, keep: &[ArtifactDigest]) -> Result<Partial, FetchError> {
        make_private_dir(&self.directory)
            .map_err(|error| FetchError::disk(&format!("make {}", self.directory.display()), &error))?;
        self.make_room(artifact, keep)?;
        let whole = self.whole(&artifact.sha256);
        let mut path = whole.clone().into_os_string();
        path.push(PART);
        Partial::open(path.into(), whole, artifact)
    }

    fn make_room(&self, artifact: &ArtifactRef, keep: &[ArtifactDigest]) -> Result<(), FetchError> {
        let is_kept = |entry: &Entry| {
            let named = |digest: &ArtifactDigest| *digest == artifact.sha256 || keep.contains(digest);
            entry.digest.as_ref().is_some_and(named)
        };
        let mut entries = self.entries();
        // What is there of the artifact itself counts once, at its full size.
        let own = |entry: &Entry| entry.digest == Some(artifact.sha256);
        let mut taken: u64 = entries.iter().filter(|entry| !own(entry)).map(|entry| entry.size).sum();
        entries.retain(|entry| !is_kept(entry));
        entries.sort_by(|a, b| (a.used, &a.path).cmp(&(b.used, &b.path)));
        for entry in entries {
            if taken.saturating_add(artifact.size) <= self.limit {
                break;
            }
            tracing::info!(path = %entry.path.display(), bytes = entry.size, "artifact leaves the cache");
            if remove(&entry.path) {
                taken = taken.saturating_sub(entry.size);
            }
        }
        if taken.saturating_add(artifact.size) <= self.limit {
            return Ok(());
        }
        let why = format!(
            "the cache may hold {} MiB and has no room for the {} bytes of {} beside what the open order names; raise cache_mib",
            self.limit / MIB,
            artifact.size,
            artifact.file_name
        );
        Err(FetchError::new(FailureCause::DiskFull, why))
    }

    /// What cannot be read is not counted and not deleted.
    fn entries(&self) -> Vec<Entry> {
        let listed = fs::read_dir(&self.directory).into_iter().flatten().flatten();
        listed
            .filter_map(|entry| {
                let meta = entry.metadata().ok()?;
                let name = entry.file_name().to_string_lossy().into_owned();
                let digest = name.strip_suffix(PART).unwrap_or(&name).parse().ok();
                meta.is_file().then(|| Entry {
                    path: entry.path(),
                    digest,
                    size: meta.len(),
                    used: meta.modified().unwrap_or(UNIX_EPOCH),
                })
            })
            .collect()
    }
}

/// SHA-256 of a file, read in parts.
pub(crate) fn hashed(path: &Path) -> io::Result<[u8; 32]> {
    let (mut file, mut hasher, mut part) = (File::open(path)?, Sha256::new(), vec![0; CHUNK]);
    loop {
        let read = file.read(&mut part)?;
        if read == 0 {
            return Ok(hasher.finalize().into());
        }
        hasher.update(&part[..read]);
    }
}

/// The order in which files leave; where it cannot be noted a file leaves early.
fn mark_used(path: &Path, now_ms: i64) {
    let now = UNIX_EPOCH + Duration::from_millis(u64::try_from(now_ms).unwrap_or_default());
    let marked = File::options()
        .write(true)
        .open(path)
        .and_then(|file| file.set_modified(now));
    if let Err(error) = marked {
        tracing::debug!(path = %path.display(), %error, "use not noted");
    }
}

fn remove(path: &Path) -> bool {
    let removed = fs::remove_file(path);
    if let Err(error) = &removed {
        tracing::warn!(path = %path.display(), %error, "cached artifact not deleted");
    }
    removed.is_ok()
}
