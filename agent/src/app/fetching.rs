//! Brings artifacts from the network into the cache: for an order, and ahead of one.

use std::{
    collections::BTreeMap,
    path::PathBuf,
    sync::{Arc, PoisonError},
    time::Duration,
};

use cutover_proto::{
    artifact::{ArtifactDigest, ArtifactRef},
    record::FailureCause,
};
use tokio::{
    runtime::Handle,
    sync::{Mutex, watch},
};

use super::clock::HostClock;
use crate::{
    act::{ArtifactCache, Artifacts, Clock, FetchError, Partial},
    link::{DownloadError, Link, Source},
};

/// After the first pass over all sources that brought nothing.
const FIRST_WAIT: Duration = Duration::from_secs(1);
/// After many.
const LONGEST_WAIT: Duration = Duration::from_secs(60);
/// What is fetched ahead is given up after so long and tried again with a later hint.
const AHEAD_LIMIT: Duration = Duration::from_secs(3600);

/// What one agent fetches. One download at a time; an order's goes before those that are ahead of one.
pub(super) struct Fetching {
    link: Arc<Link>,
    cache: ArtifactCache,
    clock: Arc<HostClock>,
    /// While this file exists the link is metered and nothing is fetched.
    metered_file: Option<PathBuf>,
    seed: u64,
    at_work: Mutex<()>,
    /// How many wait for what is fetched ahead to make way; the agent's end is one of them.
    urgent: watch::Sender<usize>,
    /// What was not to be had ahead, and when that was found: hints come again with each check-in.
    not_ahead: std::sync::Mutex<BTreeMap<ArtifactDigest, i64>>,
}

/// How a source failed.
enum Failed {
    /// Another try may go through; after this wait at least.
    Soft(FetchError, Option<Duration>),
    /// Another try brings the same.
    Hard(FetchError),
    /// No source can help.
    Here(FetchError),
}

impl Fetching {
    pub(super) fn new(
        link: Arc<Link>,
        cache: ArtifactCache,
        clock: Arc<HostClock>,
        metered_file: Option<PathBuf>,
        seed: u64,
    ) -> Self {
        Self {
            link,
            cache,
            clock,
            metered_file,
            seed,
            at_work: Mutex::new(()),
            urgent: watch::Sender::new(0),
            not_ahead: std::sync::Mutex::default(),
        }
    }

    /// Ends what is fetched ahead; nothing more is.
    pub(super) fn close(&self) {
        self.urgent.send_modify(|waiting| *waiting += 1);
    }

    async fn for_order(
        &self,
        artifact: &ArtifactRef,
        limit: Duration,
        keep: &[ArtifactDigest],
    ) -> Result<(), FetchError> {
        self.urgent.send_modify(|waiting| *waiting += 1);
        let _at_work = self.at_work.lock().await;
        let fetched = self.fetch(artifact, limit, keep).await;
        self.urgent.send_modify(|waiting| *waiting -= 1);
        fetched
    }

    /// Fills the cache with what an order may name later. Gives way to an order, and to the agent's end.
    pub(super) async fn ahead(&self, artifacts: &[ArtifactRef], keep: &[ArtifactDigest]) {
        let Ok(_at_work) = self.at_work.try_lock() else {
            return;
        };
        let mut urgent = self.urgent.subscribe();
        // What is fetched ahead never drives out what was: a cache that is too small for all would be filled for ever.
        let hinted = artifacts.iter().map(|artifact| artifact.sha256);
        let keep: Vec<ArtifactDigest> = keep.iter().copied().chain(hinted).collect();
        let missing = artifacts.iter().filter(|artifact| !self.cache.has(artifact));
        for artifact in missing {
            if self.was_not_to_be_had(&artifact.sha256) {
                continue;
            }
            if self.is_metered() {
                tracing::debug!("nothing is fetched ahead over a metered link");
                return;
            }
            let fetched = tokio::select! {
                biased;
                _ = urgent.wait_for(|waiting| *waiting > 0) => return,
                fetched = self.fetch(artifact, AHEAD_LIMIT, &keep) => fetched,
            };
            match fetched {
                Ok(()) => tracing::info!(file = artifact.file_name, "fetched ahead"),
                Err(error) => {
                    tracing::info!(file = artifact.file_name, %error, "not fetched ahead");
                    let mut not_ahead = self.not_ahead.lock().unwrap_or_else(PoisonError::into_inner);
                    not_ahead.insert(artifact.sha256, self.clock.now_ms());
                }
            }
        }
    }

    /// Brings the program of a release. Gives way to an order, and to the agent's end: an error then.
    pub(super) async fn for_release(&self, program: &ArtifactRef) -> Result<PathBuf, FetchError> {
        let mut urgent = self.urgent.subscribe();
        let fetch = async {
            let _at_work = self.at_work.lock().await;
            self.fetch(program, AHEAD_LIMIT, &[]).await?;
            let fetched = self.cache.verified(program, self.clock.now_ms())?;
            fetched.ok_or_else(|| FetchError::new(FailureCause::WrongHash, "it is not what it was when it came"))
        };
        tokio::select! {
            biased;
            _ = urgent.wait_for(|waiting| *waiting > 0) => {
                Err(FetchError::new(FailureCause::Network, "something else is fetched first"))
            }
            fetched = fetch => fetched,
        }
    }

    /// Within the time after which it is tried again.
    fn was_not_to_be_had(&self, digest: &ArtifactDigest) -> bool {
        let now_ms = self.clock.now_ms();
        let mut not_ahead = self.not_ahead.lock().unwrap_or_else(PoisonError::into_inner);
        not_ahead.retain(|_, found_ms| {
            let ago_ms = u64::try_from(now_ms.saturating_sub(*found_ms)).unwrap_or_default();
            Duration::from_millis(ago_ms) < AHEAD_LIMIT
        });
        not_ahead.contains_key(digest)
    }

    fn is_metered(&self) -> bool {
        self.metered_file
            .as_ref()
            .is_some_and(|path| path.symlink_metadata().is_ok())
    }

    /// Asks each source in turn, again and again until the time is over or no source can help.
    async fn fetch(&self, artifact: &ArtifactRef, limit: Duration, keep: &[ArtifactDigest]) -> Result<(), FetchError> {
        if self.cache.verified(artifact, self.clock.now_ms())?.is_some() {
            return Ok(());
        }
        let mut last = FetchError::new(FailureCause::Network, "no source was asked in time");
        let asking = self.ask_again_and_again(artifact, keep, &mut last);
        let in_time = tokio::time::timeout(limit, asking).await;
        // The time limit of the step: what went wrong last tells more than that it is over.
        in_time.unwrap_or(Err(last))
    }

    async fn ask_again_and_again(
        &self,
        artifact: &ArtifactRef,
        keep: &[ArtifactDigest],
        last: &mut FetchError,
    ) -> Result<(), FetchError> {
        let mut wait = FIRST_WAIT;
        for round in 0_u64.. {
            let mut longest_asked = None;
            let mut may_pass = false;
            if self.is_metered() {
                let why = "this host's link is metered, and nothing is fetched over it";
                *last = FetchError::new(FailureCause::Network, why);
                may_pass = true;
            } else {
                let mut hard = None;
                let sha256 = artifact.sha256.to_string();
                let mirrors = artifact.urls.iter().map(|url| Source::Url(url));
                for source in mirrors.chain([Source::Server { sha256: &sha256 }]) {
                    match self.try_source(source, artifact, keep).await {
                        Ok(()) => return Ok(()),
                        Err(Failed::Here(error)) => return Err(error),
                        Err(Failed::Hard(error)) => {
                            tracing::warn!(file = artifact.file_name, %error, "a source does not give the artifact");
                            hard.get_or_insert(error);
                        }
                        Err(Failed::Soft(error, asked)) => {
                            tracing::info!(file = artifact.file_name, %error, "download is tried again");
                            longest_asked = longest_asked.max(asked);
                            *last = error;
                            may_pass = true;
                        }
                    }
                }
                if let Some(error) = hard.filter(|_| !may_pass) {
                    return Err(error);
                }
            }
            debug_assert!(may_pass, "a round ends by success, by a hard failure, or in hope");
            let asked = longest_asked.unwrap_or_default().max(wait);
            tokio::time::sleep(self.spread(asked, round)).await;
            wait = (wait * 2).min(LONGEST_WAIT);
        }
        Err(last.clone())
    }

    /// Up to a fifth longer, so that hosts that were told the same time do not come together.
    fn spread(&self, wait: Duration, round: u64) -> Duration {
        let drawn = self
            .seed
            .rotate_left(7)
            .wrapping_add(round.wrapping_mul(0x9E37_79B9_7F4A_7C15))
            % 1000;
        wait + wait * u32::try_from(drawn).unwrap_or_default() / 5000
    }

    async fn try_source(
        &self,
        source: Source<'_>,
        artifact: &ArtifactRef,
        keep: &[ArtifactDigest],
    ) -> Result<(), Failed> {
        let mut partial = self.cache.partial(artifact, keep).map_err(Failed::Here)?;
        if !partial.is_whole() {
            self.receive(source, artifact, &mut partial).await?;
        }
        // Another source may give the right bytes.
        partial.finish().map(drop).map_err(of_content)
    }

    async fn receive(&self, source: Source<'_>, artifact: &ArtifactRef, partial: &mut Partial) -> Result<(), Failed> {
        let begun = self.link.download(source, partial.have()).await;
        let mut download = begun.map_err(|error| of_download(error, artifact, partial))?;
        if let Some(total) = download.total.filter(|total| *total != artifact.size) {
            return Err(other_size(artifact, total, partial));
        }
        if download.from != partial.have() {
            partial.restart().map_err(Failed::Here)?;
        }
        while let Some(part) = download
            .next()
            .await
            .map_err(|error| of_download(error, artifact, partial))?
        {
            partial.write(part.as_ref()).map_err(of_content)?;
        }
        if partial.is_whole() {
            return Ok(());
        }
        let why = format!(
            "the source ended after {} of the {} bytes of {}",
            partial.have(),
            artifact.size,
            artifact.file_name
        );
        Err(Failed::Soft(FetchError::new(FailureCause::Network, why), None))
    }
}

/// What came is not what the order states, or could not be kept.
fn of_content(error: FetchError) -> Failed {
    if matches!(error.cause, FailureCause::WrongHash | FailureCause::TooLarge) {
        Failed::Hard(error)
    } else {
        Failed::Here(error)
    }
}

/// A source that says how long its file is cannot have the one that the order means.
fn other_size(artifact: &ArtifactRef, total: u64, partial: &mut Partial) -> Failed {
    let (cause, than) = if total > artifact.size {
        (FailureCause::TooLarge, "more")
    } else {
        (FailureCause::WrongHash, "less")
    };
    let why = format!(
        "the source has {total} bytes, {than} than the {} that the order states for {}",
        artifact.size, artifact.file_name
    );
    match partial.discard() {
        Ok(()) => Failed::Hard(FetchError::new(cause, why)),
        Err(error) => Failed::Here(error),
    }
}

fn of_download(error: DownloadError, artifact: &ArtifactRef, partial: &mut Partial) -> Failed {
    let network = FetchError::new(FailureCause::Network, error.to_string());
    match error {
        DownloadError::Busy { retry_after, .. } => Failed::Soft(network, retry_after),
        DownloadError::Unreachable(_) => Failed::Soft(network, None),
        DownloadError::Redirected { .. } | DownloadError::Refused { .. } => Failed::Hard(network),
        DownloadError::BeyondEnd { total: Some(total), .. } => other_size(artifact, total, partial),
        DownloadError::BeyondEnd { total: None, .. } => Failed::Hard(network),
    }
}

/// What an order's thread holds: it waits there for the runtime.
pub(super) struct OrderArtifacts {
    pub(super) fetching: Arc<Fetching>,
    pub(super) runtime: Handle,
}

impl Artifacts for OrderArtifacts {
    fn fetch(&mut self, artifact: &ArtifactRef, limit: Duration, keep: &[ArtifactDigest]) -> Result<(), FetchError> {
        self.runtime.block_on(self.fetching.for_order(artifact, limit, keep))
    }

    fn verified(&mut self, artifact: &ArtifactRef) -> Result<Option<PathBuf>, FetchError> {
        self.fetching.cache.verified(artifact, self.fetching.clock.now_ms())
    }
}
