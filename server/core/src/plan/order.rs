//! The work order that is out.

use cutover_proto::{
    ids::ProductId,
    record::FailureCause,
    step::{Action, Step, StepKind},
    words,
};
use serde::{Deserialize, Serialize};

use crate::{campaign::span, rollout::IN_FLIGHT, secret::Tries};

words! {
    /// How an order ended.
    pub enum OrderEnd("order end") {
        /// Every step is done.
        Completed = "completed",
        /// A step failed.
        Failed = "failed",
        /// Refused before its first step.
        Refused = "refused",
        /// Ended at a safe point because of a cancel or a hold.
        Cancelled = "cancelled",
        /// A step that must not run twice was interrupted.
        Interrupted = "interrupted",
        /// Nothing was heard of it for too long.
        Silent = "silent",
        /// Taken back before any host had it.
        Withdrawn = "withdrawn",
        /// The host's journal can no longer say how far it came.
        JournalLost = "journal-lost",
        /// The host left the fleet with it.
        Abandoned = "abandoned",
    }
}

/// A restart that is due on the host: its step was begun and has not ended.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RestartDue {
    /// Index of the step.
    pub step: u32,
    /// Since when, by the server's clock. What limits it counts from here.
    pub since_ms: i64,
    /// The kernel session that it is to end.
    pub boot_id: String,
    /// When it is to come, as the host says; `None` before the users were told.
    #[serde(default)]
    pub comes_ms: Option<i64>,
    /// Whether the user put it off to then.
    #[serde(default)]
    pub is_deferred: bool,
}

/// A work order that was issued and has not ended.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct OpenOrder {
    /// Its number on this host.
    pub number: u64,
    /// The attempt that it is, from 1.
    pub attempt: u32,
    /// The campaign's epoch when it was issued.
    pub epoch: u64,
    /// The replacement that it brings.
    pub replacement: ProductId,
    /// Its steps.
    pub steps: Vec<Step>,
    /// The slots that it takes. An order of an earlier version names none, and took the campaign's.
    #[serde(default = "campaigns_slot")]
    pub slots: Vec<String>,
    /// The secrets that it brings, by their places.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub secrets: Vec<Tries>,
    /// Kernel session that the host was in when it was issued.
    #[serde(default)]
    pub boot_id: String,
    /// When it was issued.
    pub issued_ms: i64,
    /// It may not begin later.
    pub expires_ms: i64,
    /// Withdrawn when no host fetched it by then.
    pub fetch_by_ms: i64,
    /// When it left in a reply.
    #[serde(default)]
    pub fetched_ms: Option<i64>,
    /// Server time of the last sign that it is alive.
    pub last_progress_ms: i64,
    /// Sequence of the highest record that was taken in; 0 before the first.
    #[serde(default)]
    pub records_mark: u32,
    /// Index of the step that was last spoken of.
    #[serde(default)]
    pub last_step: Option<u32>,
    /// The cause that a failed step gave, until the order's own record ends it.
    #[serde(default)]
    pub failing: Option<FailureCause>,
    /// What a failed step said.
    #[serde(default)]
    pub failing_detail: String,
    /// The exit code that came with it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub failing_exit: Option<i32>,
    /// Host time of the last record: a look must be newer to count.
    #[serde(default)]
    pub last_record_host_ms: i64,
    /// Whether it was asked to end.
    #[serde(default)]
    pub cancelling: Option<String>,
    /// The restart that is due.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub restart: Option<RestartDue>,
}

/// What an order took that names no slots: there was one then.
pub(crate) fn campaigns_slot() -> Vec<String> {
    vec![IN_FLIGHT.to_owned()]
}

impl OpenOrder {
    /// A step by its index; none where the order does not have it.
    #[must_use]
    pub fn step(&self, index: u32) -> Option<&Step> {
        self.steps.get(usize::try_from(index).ok()?)
    }

    /// The latest instant to which the restart that is due may be put off, and the one by which the machine must be back.
    #[must_use]
    pub fn restart_limits_ms(&self) -> Option<(i64, i64)> {
        let due = self.restart.as_ref()?;
        let step = self.step(due.step)?;
        let Action::Restart { notice, defer, .. } = &step.action else {
            return None;
        };
        let latest_ms = due.since_ms.saturating_add(span::ms((*notice).max(*defer)));
        Some((latest_ms, latest_ms.saturating_add(span::ms(step.time_limit))))
    }

    /// Whether anybody at the machine may put its restart off. As long as no order says otherwise, they may.
    #[must_use]
    pub fn may_put_restart_off(&self) -> bool {
        let is_final = |step: &Step| matches!(&step.action, Action::Restart { defer, .. } if defer.is_zero());
        !self.steps.iter().any(is_final)
    }

    /// Whether a kernel session is another one than that which the restart is to end.
    #[must_use]
    pub fn is_after_restart(&self, boot_id: &str) -> bool {
        let before = self.restart.as_ref().map_or(&self.boot_id, |due| &due.boot_id);
        !boot_id.is_empty() && before != boot_id
    }

    /// Whether it does nothing but restart the machine.
    #[must_use]
    pub fn is_restart_alone(&self) -> bool {
        self.steps.iter().all(|step| step.action.kind() == StepKind::Restart)
    }
}
