//! One loop over all background work.

use std::{
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use tokio::{sync::watch, task::JoinHandle};

use super::deliver;
use crate::service::{Changes, Passed, Service, ServiceError};

/// How long a pass waits for a change before it looks again. Short, because a wake is due to the second.
const REST: Duration = Duration::from_millis(250);

/// How long between passes when there is work, or when something was committed.
const REST_AT_WORK: Duration = Duration::from_millis(20);

/// How long after a failure.
const REST_AFTER_FAILURE: Duration = Duration::from_secs(5);

/// The background work of one process.
#[derive(Debug)]
pub struct Tasks {
    service: Service,
    http: reqwest::Client,
    asking: reqwest::Client,
    passes: watch::Sender<u64>,
    judging: Mutex<Option<Judging>>,
}

/// Who is late is being judged, beside the passes: it follows the whole fleet to its target, and holds nothing up.
#[derive(Debug)]
struct Judging {
    stop: Arc<AtomicBool>,
    task: JoinHandle<()>,
}

/// What one pass did.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Pass {
    /// Hosts whose last contact was written down.
    pub seen: usize,
    /// What the service did by itself.
    pub done: Passed,
    /// Reports that were made.
    pub reports: usize,
    /// Documents that were delivered or given up.
    pub delivered: usize,
}

impl Pass {
    /// Whether there was anything to do.
    #[must_use]
    pub fn is_idle(&self) -> bool {
        *self == Self::default()
    }
}

impl Tasks {
    /// For this service: `http` delivers, `asking` asks at gates.
    #[must_use]
    pub fn new(service: Service, http: reqwest::Client, asking: reqwest::Client) -> Self {
        let passes = watch::Sender::new(0);
        Self {
            service,
            http,
            asking,
            passes,
            judging: Mutex::default(),
        }
    }

    /// Counts passes of [`Self::run`], also those that failed: a loop that hangs is noticed by it.
    #[must_use]
    pub fn passes(&self) -> watch::Receiver<u64> {
        self.passes.subscribe()
    }

    /// Runs until told to stop, then writes down who was seen last.
    pub async fn run(self, mut stop: watch::Receiver<bool>) {
        let mut changes = self.service.changes();
        loop {
            let rest = match self.pass().await {
                Ok(pass) if pass.is_idle() => REST,
                Ok(pass) => {
                    tracing::debug!(?pass, "background pass");
                    REST_AT_WORK
                }
                Err(error) => {
                    tracing::warn!(%error, "background pass failed; it is tried again");
                    REST_AFTER_FAILURE
                }
            };
            self.passes.send_modify(|count| *count += 1);
            tokio::select! {
                () = tokio::time::sleep(rest) => {}
                () = after_change(&mut changes), if rest == REST => {}
                changed = stop.changed() => if changed.is_err() || *stop.borrow() { break },
            }
        }
        self.stop_judging();
        if let Err(error) = self.service.flush_seen().await {
            tracing::warn!(%error, "last contacts of the final seconds are lost; hosts repeat them");
        }
    }

    /// One pass. Last contacts are written by every process, the rest by the one that holds the lease.
    ///
    /// # Errors
    /// When the store fails; what was done before stays done.
    pub async fn pass(&self) -> Result<Pass, ServiceError> {
        let seen = self.service.flush_seen().await?;
        if !self.service.leads().await? {
            self.stop_judging();
            return Ok(Pass {
                seen,
                ..Pass::default()
            });
        }
        self.begin_judging().await?;
        Ok(Pass {
            seen,
            done: self.service.pass().await?,
            reports: self.service.make_due_reports().await?,
            delivered: deliver::due(&self.service, &self.http, &self.asking).await?,
        })
    }
}

impl Tasks {
    /// Begins to judge anew who is late, where that is due and not under way.
    async fn begin_judging(&self) -> Result<(), ServiceError> {
        let is_judging = {
            let judging = self.judging.lock().unwrap_or_else(PoisonError::into_inner);
            judging.as_ref().is_some_and(|it| !it.task.is_finished())
        };
        if is_judging || !self.service.late_is_due().await? {
            return Ok(());
        }
        let stop = Arc::new(AtomicBool::new(false));
        let (service, told) = (self.service.clone(), Arc::clone(&stop));
        let task = tokio::spawn(async move {
            if let Err(error) = service.judge_late(told).await {
                tracing::warn!(%error, "who is late was not judged to the end; it is done anew");
            }
        });
        *self.judging.lock().unwrap_or_else(PoisonError::into_inner) = Some(Judging { stop, task });
        Ok(())
    }

    /// Another replica does it from here on, or nobody: it ends after the course or batch that it is at.
    fn stop_judging(&self) {
        let judging = self.judging.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(judging) = judging.as_ref() {
            judging.stop.store(true, Ordering::Relaxed);
        }
    }
}

/// Until something was committed. Many commits in a row are one reason to look.
async fn after_change(changes: &mut Changes) {
    changes.wait().await;
    tokio::time::sleep(REST_AT_WORK).await;
}
