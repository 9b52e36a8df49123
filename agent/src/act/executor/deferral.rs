//! Puts a restart off, as its user asks. What is acknowledged is on disk and survives the agent.

use std::{sync::PoisonError, time::Duration};

use cutover_proto::{
    record::RecordEvent,
    step::{Action, Step},
};

use super::{
    ExecuteError,
    records::{Entry, signed},
};
use crate::act::{
    identity::Identity,
    journal::{Begun, Journal, SharedJournal},
};

/// A restart that is due. Instants by trusted time.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RestartState {
    /// Of which order.
    pub order: u64,
    /// For people.
    pub reason: String,
    /// When it became due.
    pub due_ms: i64,
    /// When it is to come; `None` until that was told.
    pub comes_ms: Option<i64>,
    /// Whether the user put it off to then.
    pub is_deferred: bool,
    /// It cannot be put off beyond this.
    pub latest_ms: i64,
    /// It was asked for, and the machine is about to go down.
    pub is_asked: bool,
}

/// A restart that was put off.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Deferral {
    /// To then.
    pub until_ms: i64,
    /// Further than this it cannot be.
    pub latest_ms: i64,
}

/// Why a restart is not put off.
#[derive(Debug, thiserror::Error)]
pub enum DeferRefused {
    /// None is due.
    #[error("no restart is due on this machine")]
    NothingDue,
    /// The order does not allow it.
    #[error("this restart cannot be put off: its campaign allows no deferral")]
    NotAllowed,
    /// It was asked for already.
    #[error("the machine is restarting already")]
    TooLate,
    /// Beyond the budget.
    #[error("that is longer than is allowed")]
    TooLong {
        /// The latest instant to which it can be put off.
        latest_ms: i64,
    },
    /// It comes later than that anyhow.
    #[error("the restart comes no earlier than that anyhow")]
    Earlier {
        /// When it comes.
        comes_ms: i64,
        /// The latest instant to which it can be put off.
        latest_ms: i64,
    },
    /// It could not be kept, so it does not hold.
    #[error(transparent)]
    NotKept(#[from] ExecuteError),
}

/// The restart that is due, if one is.
#[must_use]
pub fn restart_state(journal: &Journal) -> Option<RestartState> {
    let progress = journal.progress()?;
    let (index, begun) = progress.begun()?;
    let (reason, latest_ms) = terms(progress.order.steps.get(index)?, begun)?;
    Some(RestartState {
        order: progress.order.number,
        reason: reason.to_owned(),
        due_ms: begun.at_ms,
        comes_ms: begun.comes_ms,
        is_deferred: begun.deferred_ms.is_some(),
        latest_ms,
        is_asked: begun.asked.is_some(),
    })
}

/// Puts the restart that is due off by this long from now. Who asks was checked by whoever calls; the server is told that
/// the user did, not who that was.
///
/// # Errors
/// Why not; then nothing has changed.
pub fn defer(
    journal: &SharedJournal,
    identity: &Identity,
    now_ms: i64,
    boot_id: &str,
    length: Duration,
) -> Result<Deferral, DeferRefused> {
    // Held throughout: between the judgement and the record nobody asks for the restart.
    let mut journal = journal.lock().unwrap_or_else(PoisonError::into_inner);
    let due = restart_state(&journal).ok_or(DeferRefused::NothingDue)?;
    let latest_ms = due.latest_ms;
    if due.is_asked {
        return Err(DeferRefused::TooLate);
    }
    if latest_ms <= due.due_ms {
        return Err(DeferRefused::NotAllowed);
    }
    let until_ms = now_ms.saturating_add(i64::try_from(length.as_millis()).unwrap_or(i64::MAX));
    if until_ms > latest_ms {
        return Err(DeferRefused::TooLong { latest_ms });
    }
    if let Some(comes_ms) = due.comes_ms.filter(|comes_ms| *comes_ms >= until_ms) {
        return Err(DeferRefused::Earlier { comes_ms, latest_ms });
    }
    let step = journal.progress().map_or(0, |progress| progress.at_hand());
    let entry = Entry {
        detail: format!("put off by {} s", length.as_secs()),
        until_ms: Some(until_ms),
        ..Entry::of(RecordEvent::RestartDeferred).about(step)
    };
    let sequence = journal.next_sequence(due.order);
    let record = entry.into_record(identity.host_id, due.order, sequence, now_ms, boot_id.to_owned());
    let (record, envelope) = signed(record, identity)?;
    journal.record(record, envelope).map_err(ExecuteError::from)?;
    tracing::info!(
        order = due.order,
        until_ms,
        latest_ms,
        "the restart is put off by its user"
    );
    Ok(Deferral { until_ms, latest_ms })
}

/// Why, and how long it may be put off.
fn terms<'s>(step: &'s Step, begun: &Begun) -> Option<(&'s str, i64)> {
    let Action::Restart { reason, defer, .. } = &step.action else {
        return None;
    };
    let defer_ms = i64::try_from(defer.as_millis()).unwrap_or(i64::MAX);
    Some((reason, begun.at_ms.saturating_add(defer_ms)))
}
