//! How far the start may be put off.

use std::time::Duration;

use super::{course, of, starts_ms};
use crate::{
    campaign::{Campaign, HostUse, span},
    forecast::latest_start_ms,
    plan::{Phase, Plan},
};

/// How far the start may be put off.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Allowed {
    /// By so long at a time, counted from when it would begin.
    pub longest: Duration,
    /// So many times more.
    pub left: u32,
    /// To then at the latest, now.
    pub latest_ms: i64,
    /// Never beyond this: later the target is missed. `None` without a target ahead.
    pub target_ms: Option<i64>,
}

/// How far whoever works at the host may put the start off at an instant.
///
/// # Errors
/// Why not at all, for them.
pub fn allowed(plan: &Plan, campaign: &Campaign, at_ms: i64) -> Result<Allowed, String> {
    let notice = of(plan, campaign).ok_or("no work is announced on this machine")?;
    if plan.phase != Phase::Queued || plan.order.is_some() {
        return Err("the work is not ahead any more".to_owned());
    }
    if plan.traits().usage() == Some(HostUse::MultiSession) {
        return Err(
            "several people work at this machine, and none of them puts the work off for the others".to_owned(),
        );
    }
    if course(plan, notice).given == 0 {
        return Err("no work is announced on this machine yet".to_owned());
    }
    let target_ms = campaign.target_ms().filter(|target_ms| *target_ms > at_ms);
    let (count, longest) = notice.deferral.at(target_ms.map(|target_ms| target_ms - at_ms));
    if longest.is_zero() || count == 0 {
        return Err(match notice.deferral.count {
            0 => "the start cannot be put off: its campaign allows none".to_owned(),
            _ => "the start cannot be put off any more: the day by which it must be done is too near".to_owned(),
        });
    }
    let used = plan.notices.put_offs;
    let left = count.saturating_sub(used);
    if left == 0 {
        return Err(format!("the start was put off {used} times, and cannot be more often"));
    }
    let cap_ms = target_ms.map(|_| latest_start_ms(plan, campaign));
    let from_ms = starts_ms(plan, campaign, at_ms);
    let latest_ms = from_ms
        .saturating_add(span::ms(longest))
        .min(cap_ms.unwrap_or(i64::MAX));
    if latest_ms <= from_ms {
        return Err("the start cannot be put off: later the work would not be done in time".to_owned());
    }
    Ok(Allowed {
        longest,
        left,
        latest_ms,
        target_ms: cap_ms,
    })
}
