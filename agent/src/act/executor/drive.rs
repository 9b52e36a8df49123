//! The executor itself: what it is made of, how it is started, and its loop.

use std::sync::{Arc, MutexGuard, PoisonError};

use cutover_proto::{
    envelope::EnvelopeError,
    order::WorkOrder,
    record::{FailureCause, RecordEvent},
    v1,
};

use super::records::Entry;
use crate::{
    act::{
        artifacts::Artifacts,
        clock::Clock,
        control::Control,
        identity::Identity,
        journal::{Journal, JournalError, Next, SharedJournal},
        looker::Looker,
        safe_points,
        scrub::Secrets,
    },
    detect::RuleSet,
    host::hands::HostHands,
};

/// What an executor is made of.
pub struct Parts {
    /// What changes the host.
    pub hands: Box<dyn HostHands>,
    /// What brings artifacts.
    pub artifacts: Box<dyn Artifacts>,
    /// What looks at it.
    pub looker: Box<dyn Looker>,
    /// Trusted time.
    pub clock: Arc<dyn Clock>,
    /// Shared with the session, which sends its records.
    pub journal: SharedJournal,
    /// Check-ins, cancels, the hold.
    pub control: Arc<Control>,
    /// This host.
    pub identity: Arc<Identity>,
    /// The rules in force.
    pub rules: Arc<RuleSet>,
    /// Called when a record is in the journal, so that the session sends it soon.
    pub on_record: Box<dyn Fn() + Send>,
}

/// Runs one order at a time, on a thread of its own. It is cheap to make: a new one for each order takes up a renewed
/// identity and new rules.
pub struct Executor {
    pub(super) parts: Parts,
    pub(super) secrets: Secrets,
}

impl std::fmt::Debug for Executor {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Executor")
            .field("host_id", &self.parts.identity.host_id)
            .finish_non_exhaustive()
    }
}

/// How an order ended. The server learns it from the records.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum End {
    /// Before its first step; nothing was changed.
    Refused {
        /// As the order says, which may be a lie; 0 when it could not be read.
        number: u64,
        /// Which check it failed.
        cause: FailureCause,
        /// For a person.
        why: String,
    },
    /// Every step is done.
    Completed {
        /// Of the order.
        number: u64,
    },
    /// A step failed.
    Failed {
        /// Of the order.
        number: u64,
        /// Of the step's failure.
        cause: FailureCause,
        /// For a person.
        why: String,
    },
    /// Ended at a safe point.
    Cancelled {
        /// Of the order.
        number: u64,
        /// By whom.
        why: String,
    },
}

/// Why an order could neither be run nor ended. It stays open; the agent tries [`Executor::resume`] again later.
#[derive(Debug, thiserror::Error)]
pub enum ExecuteError {
    /// The journal refused a line, so what it speaks of did not happen.
    #[error(transparent)]
    Journal(#[from] JournalError),
    /// A record could not be signed.
    #[error("record not signed: {0}")]
    Signing(#[from] EnvelopeError),
}

impl Executor {
    /// Takes its parts.
    #[must_use]
    pub fn new(parts: Parts) -> Self {
        Self {
            parts,
            secrets: Secrets::default(),
        }
    }

    /// Judges a work order, and runs it to its end if it may begin. Blocks until then.
    ///
    /// # Errors
    /// When the journal cannot be trusted or written, or another order is open.
    pub fn run(&mut self, envelope: &v1::Envelope) -> Result<End, ExecuteError> {
        {
            let journal = self.journal();
            journal.require_sound()?;
            if let Some(open) = journal.progress() {
                return Err(JournalError::OrderOpen(open.order.number).into());
            }
        }
        match self.admit(envelope) {
            Ok(order) => {
                self.journal().begin(order.number, envelope)?;
                self.drive_and_tidy()
            }
            Err(refusal) => self.refuse(refusal),
        }
    }

    /// Goes on with the order that the journal holds open; `None` when there is none. Call it when the agent starts.
    ///
    /// # Errors
    /// As [`Self::run`].
    pub fn resume(&mut self) -> Result<Option<End>, ExecuteError> {
        let open = {
            let journal = self.journal();
            journal.require_sound()?;
            journal.progress().map(|open| open.order.clone())
        };
        let Some(order) = open else {
            // The agent may have ended between the last record of an order and this.
            self.parts.hands.tidy();
            return Ok(None);
        };
        self.secrets = self.open_secrets(&order).unwrap_or_else(|(_, why)| {
            tracing::warn!(order = order.number, why, "logs of this order are withheld");
            Secrets::unopened()
        });
        self.wait_after_boot(&order);
        // The first reply after a start may have shown that the journal is too old.
        self.journal().require_sound()?;
        self.drive_and_tidy().map(Some)
    }

    /// Begins a new journal in place of one that cannot be trusted. Call it once an inventory that was taken after the
    /// agent's start is durable at the server.
    ///
    /// # Errors
    /// When the server's marks are not known yet, or the disk refuses.
    pub fn settle(&mut self) -> Result<(), ExecuteError> {
        let boot_id = self.boot_id();
        let now_ms = self.parts.clock.now_ms();
        let parts = &self.parts;
        let mut journal = parts.journal.lock().unwrap_or_else(PoisonError::into_inner);
        journal.settle(|number, sequence| {
            let end = Entry::failed(
                RecordEvent::OrderFailed,
                FailureCause::Journal,
                "the journal could not be trusted when the agent started",
            );
            let record = end.into_record(parts.identity.host_id, number, sequence, now_ms, boot_id);
            super::records::signed(record, &parts.identity)
        })
    }

    /// However it ends; one that stays open may still have a tool at work on what was put aside for it.
    fn drive_and_tidy(&mut self) -> Result<End, ExecuteError> {
        let end = self.drive()?;
        self.parts.hands.tidy();
        Ok(end)
    }

    fn drive(&mut self) -> Result<End, ExecuteError> {
        loop {
            let progress = self.journal().progress().cloned();
            let Some(progress) = progress else {
                // Only another holder of the journal could have closed it.
                return Err(JournalError::NotSound("its open order is gone".to_owned()).into());
            };
            let order = &progress.order;
            let number = order.number;
            let span = tracing::info_span!(
                "order",
                host = %self.parts.identity.host_id,
                order = number,
                attempt = order.attempt
            );
            let _entered = span.enter();
            match progress.next() {
                Next::Accept => {
                    self.write(order, Entry::of(RecordEvent::OrderAccepted))?;
                }
                Next::Begin(step) => {
                    let stop = match self.stop_before(order, step) {
                        Some(why) => Some(why),
                        None => self.begin(&progress, step)?,
                    };
                    if let Some(why) = stop {
                        return self.cancelled(order, why);
                    }
                }
                Next::TakeUp(step, begun) => {
                    if let Some(why) = self.take_up(order, step, &begun)? {
                        return self.cancelled(order, why);
                    }
                }
                Next::Fail(step, cause, why) => {
                    let entry = Entry::failed(RecordEvent::OrderFailed, cause, &why);
                    self.write(order, entry.about(step))?;
                    return Ok(End::Failed { number, cause, why });
                }
                Next::Complete => {
                    self.write(order, Entry::of(RecordEvent::OrderCompleted))?;
                    return Ok(End::Completed { number });
                }
            }
        }
    }

    /// Why the order should end before this step, where it may.
    pub(super) fn stop_before(&self, order: &WorkOrder, step: usize) -> Option<String> {
        let control = &self.parts.control;
        let stop = safe_points::is_before(order, step)
            .then(|| control.stop(order.number))
            .flatten();
        stop.or_else(|| {
            // Once something was begun, the start is not to be put off any more.
            let now_ms = (step == 0).then(|| self.parts.clock.now_ms());
            now_ms.and_then(|now_ms| control.is_put_off(now_ms))
        })
    }

    fn cancelled(&mut self, order: &WorkOrder, why: String) -> Result<End, ExecuteError> {
        let mut entry = Entry::of(RecordEvent::OrderCancelled);
        entry.detail.clone_from(&why);
        self.write(order, entry)?;
        Ok(End::Cancelled {
            number: order.number,
            why,
        })
    }

    pub(super) fn journal(&self) -> MutexGuard<'_, Journal> {
        self.parts.journal.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn boot_id(&mut self) -> String {
        self.parts.looker.boot_id().unwrap_or_default()
    }
}
