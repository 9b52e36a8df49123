//! What an executor asks of artifacts.

use std::{io, path::PathBuf, time::Duration};

use cutover_proto::{
    artifact::{ArtifactDigest, ArtifactRef},
    order::WorkOrder,
    record::FailureCause,
};

/// Brings artifacts to this host. The app implements it over the network and the cache; nothing here knows either.
pub trait Artifacts: Send {
    /// Brings an artifact into the cache, resuming what is there of it. `keep` must not be deleted for it.
    ///
    /// # Errors
    /// When no source gave what the order states within the time.
    fn fetch(&mut self, artifact: &ArtifactRef, limit: Duration, keep: &[ArtifactDigest]) -> Result<(), FetchError>;

    /// Where an artifact lies, hashed just now; `None` when it is not here.
    ///
    /// # Errors
    /// When it cannot be told.
    fn verified(&mut self, artifact: &ArtifactRef) -> Result<Option<PathBuf>, FetchError>;
}

/// Why an artifact did not come.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{why}")]
pub struct FetchError {
    /// What is to be told of it.
    pub cause: FailureCause,
    /// For a person.
    pub why: String,
}

impl FetchError {
    /// With this cause.
    #[must_use]
    pub fn new(cause: FailureCause, why: impl Into<String>) -> Self {
        Self { cause, why: why.into() }
    }

    /// From the disk.
    pub(super) fn disk(what: &str, error: &io::Error) -> Self {
        let full = [io::ErrorKind::StorageFull, io::ErrorKind::QuotaExceeded].contains(&error.kind());
        let cause = if full {
            FailureCause::DiskFull
        } else {
            FailureCause::ToolFailed
        };
        Self::new(cause, format!("cannot {what}: {error}"))
    }
}

/// What the cache must not lose while the order is open.
pub(crate) fn artifacts_of(order: &WorkOrder) -> Vec<ArtifactDigest> {
    let files = order.steps.iter().flat_map(|step| step.action.files());
    files.map(|file| file.sha256).collect()
}
