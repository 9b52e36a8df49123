//! Slack and lateness, in small.

use crate::{campaign::Campaign, plan::Plan};

/// Time left until the host must start for the target to be met, in milliseconds; negative when it is over. `None` when
/// the campaign has no target ahead: a cutoff in the past needs a recovery target ([`no_target_text`]).
#[must_use]
pub fn slack_ms(plan: &Plan, campaign: &Campaign, now_ms: i64) -> Option<i64> {
    todo!("{plan:?} {campaign:?} {now_ms}")
}

/// The latest instant at which a start still meets the target; the queue's order. [`i64::MAX`] without a target.
#[must_use]
pub fn latest_start_ms(campaign: &Campaign) -> i64 {
    todo!("{campaign:?}")
}

/// Whether the plan will miss the target. `None` where that cannot be said.
#[must_use]
pub fn late(plan: &Plan, campaign: &Campaign, now_ms: i64) -> Option<bool> {
    todo!("{plan:?} {campaign:?} {now_ms}")
}

/// What pages say where slack and lateness are not computed; `None` where they are.
#[must_use]
pub fn no_target_text(campaign: &Campaign, now_ms: i64) -> Option<String> {
    todo!("{campaign:?} {now_ms}")
}
