//! The time that is left until a host must start.

use std::time::Duration;

use crate::{
    campaign::{Campaign, span, zone::utc},
    hours::{Calendar, HORIZON_MS},
    notice,
    plan::{Drain, Phase, Plan, Verify},
};

/// What an attempt is allowed from its start to its last record, a restart and one retry included.
pub const WORK_ALLOWANCE: Duration = Duration::from_secs(4 * 3600);

/// Time left until the host must start for the target to be met, in milliseconds; negative when it is over. `None` when
/// the campaign has no target ahead: a cutoff in the past needs a recovery target ([`no_target_text`]). `None` too where
/// nothing is to be done.
#[must_use]
pub fn slack_ms(plan: &Plan, campaign: &Campaign, now_ms: i64) -> Option<i64> {
    let target_ms = campaign.target_ms().filter(|target| *target > now_ms)?;
    let soak_ms = span::ms(campaign.policy.soak);
    let done_ms = match plan.phase {
        Phase::Unassessed
        | Phase::Unplanned
        | Phase::Planned
        | Phase::Queued
        | Phase::Blocked
        | Phase::Handwork
        | Phase::Failed => {
            let grace_end_ms = campaign.policy.grace_end_ms(plan.grace_from_ms);
            let ready_ms = now_ms
                .max(grace_end_ms)
                .max(plan.retry_at_ms.unwrap_or(i64::MIN))
                .max(notice::earliest_start_ms(plan, campaign, now_ms));
            let host = plan.traits();
            let start_ms = campaign
                .calendar_for(&host)
                .next_open_ms(ready_ms, &campaign.zone_for(&host));
            start_ms
                .unwrap_or(i64::MAX)
                .saturating_add(span::ms(WORK_ALLOWANCE))
                .saturating_add(soak_ms)
        }
        Phase::Migrating | Phase::Rebooting => now_ms.saturating_add(soak_ms),
        Phase::Verifying => match plan.verify {
            Some(Verify::Soaking { until_ms }) => until_ms,
            Some(Verify::LastContact | Verify::LastLook { .. }) => now_ms,
            Some(Verify::FirstContact | Verify::FirstLook { .. }) | None => now_ms.saturating_add(soak_ms),
        },
        Phase::Clear | Phase::Migrated | Phase::Exempt | Phase::Concluded | Phase::OutOfScope | Phase::Retired => {
            return None;
        }
    };
    Some(target_ms.saturating_sub(done_ms))
}

/// The latest instant at which a start still meets the target, in hours in which one may be.
/// [`i64::MAX`] without a target. Where no hour before the target is left, it lies as far back as one was looked for.
#[must_use]
pub fn latest_start_ms(plan: &Plan, campaign: &Campaign) -> i64 {
    let Some(target_ms) = campaign.target_ms() else {
        return i64::MAX;
    };
    let needed_ms = span::ms(WORK_ALLOWANCE).saturating_add(span::ms(campaign.policy.soak));
    let plain_ms = target_ms.saturating_sub(needed_ms);
    let host = plan.traits();
    let calendar = campaign.calendar_for(&host);
    if calendar == Calendar::default() {
        return plain_ms;
    }
    calendar
        .latest_start_ms(target_ms, needed_ms, &campaign.zone_for(&host))
        .unwrap_or_else(|| plain_ms.saturating_sub(HORIZON_MS))
}

/// Where a host is in its wave's queue, the lowest first: its latest safe start, as if its target were earlier or later by what
/// its priority says. Windows, limits, gates and approvals hold for it as for any other.
#[must_use]
pub fn turn_ms(plan: &Plan, campaign: &Campaign) -> i64 {
    if plan.drain.as_ref().is_some_and(Drain::is_drained) {
        // It works for nobody until its order has ended.
        return i64::MIN / 2;
    }
    let latest_ms = latest_start_ms(plan, campaign);
    if campaign.priorities.is_empty() {
        return latest_ms;
    }
    let by_ms = campaign.priority_for(&plan.traits()).map_or(0, |it| it.by_ms);
    // Without a target all are equally far, and there must be room behind them for who goes last.
    latest_ms.min(i64::MAX / 2).saturating_sub(by_ms)
}

/// Whether the plan will miss the target: its slack is used up. `None` where that cannot be said.
#[must_use]
pub fn late(plan: &Plan, campaign: &Campaign, now_ms: i64) -> Option<bool> {
    slack_ms(plan, campaign, now_ms).map(|slack| slack < 0)
}

/// What pages say where slack and lateness are not computed; `None` where they are.
#[must_use]
pub fn no_target_text(campaign: &Campaign, now_ms: i64) -> Option<String> {
    match (campaign.recovery_target_ms, campaign.cutoff_ms()) {
        (Some(target), _) if target <= now_ms => Some(format!(
            "the recovery target {} is past: slack and lateness are not computed; set a later one",
            utc(target)
        )),
        (None, Some(cutoff)) if cutoff <= now_ms => Some(format!(
            "the cutoff {} is past and no recovery target is set: slack and lateness are not computed; set recovery_target in the campaign",
            utc(cutoff)
        )),
        (None, None) => Some("the campaign has no cutoff: slack and lateness are not computed".to_owned()),
        (Some(_), _) | (None, Some(_)) => None,
    }
}
