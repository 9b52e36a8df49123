//! When a queued plan could start at the earliest, so that the head of the queue is read without those that cannot yet.

use crate::{
    campaign::{Campaign, Mode},
    plan::{Phase, Plan},
};

/// The instant before which a plan cannot start, by its own row and its campaign's version; far in the past where nothing of
/// them stands against it, [`i64::MAX`] where only a change of one of them lets it start. What it never says is that a plan
/// may start: the rollout asks that of each.
#[must_use]
pub fn ready_at_ms(plan: &Plan, campaign: &Campaign) -> i64 {
    if plan.phase != Phase::Queued {
        return i64::MIN;
    }
    let waits_for_approval = match campaign.mode {
        Mode::Observe => true,
        Mode::Approve => plan.approval.is_none(),
        Mode::Automatic => false,
    };
    // Each of them ends by an event, which writes the row anew.
    if waits_for_approval
        || !plan.holds.is_empty()
        || plan.local_hold.is_some()
        || plan.journal_fault.is_some()
        || plan.stale
        || plan.executor(campaign).is_some()
    {
        return i64::MAX;
    }
    let retry_ms = plan.retry_at_ms.unwrap_or(i64::MIN);
    retry_ms.max(campaign.policy.grace_end_ms(plan.grace_from_ms))
}
