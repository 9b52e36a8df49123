//! When a plan must be looked at again: the one column that drives every deadline, retry, soak and hold.

use std::time::Duration;

use cutover_proto::words;

use crate::{
    campaign::{Campaign, span},
    decide::Outage,
    drain,
    judge::Assessment,
    notice,
    plan::{OpenOrder, Phase, Plan, Verify},
};

words! {
    /// What a wake is for, in the order in which one pass handles them.
    pub enum WakeKind("wake") {
        /// A hold ends.
        Hold = "hold",
        /// An exemption ends.
        Exemption = "exemption",
        /// What was attested of its disks ends.
        Disks = "disks",
        /// An order that nobody fetched is withdrawn.
        Fetch = "fetch",
        /// Silence uses an attempt up.
        Silence = "silence",
        /// A restart took too long.
        Restart = "restart",
        /// A retry is due.
        Retry = "retry",
        /// A notice before the start is due, or the notices that were given are too old.
        Notice = "notice",
        /// Whoever is to drain the host has not, or it is drained for long.
        Drain = "drain",
        /// The soak is over.
        Soak = "soak",
        /// The replacement was not healthy for too long.
        Protection = "protection",
        /// An order left the host without protection for too long.
        Gap = "gap",
        /// Handwork was to be done by now.
        Handwork = "handwork",
        /// The product may have removed the agent.
        AgentLost = "agent-lost",
        /// The host may have gone stale.
        Stale = "stale",
    }
}

/// When a plan must be looked at again, and for what. Not stored in the plan: the row's column follows from it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Wake {
    /// When.
    pub at_ms: i64,
    /// For what.
    pub kind: WakeKind,
}

/// The earliest instant at which [`Input::Woke`](crate::decide::Input::Woke) is due; `None` for plans that are no longer
/// watched. A pure function of plan and campaign, so that a changed policy re-arms every wake.
#[must_use]
pub fn next_wake(plan: &Plan, last_seen_ms: i64, campaign: &Campaign, outages: &[Outage]) -> Option<Wake> {
    wakes(plan, last_seen_ms, campaign, outages)
        .into_iter()
        .min_by_key(|wake| wake.at_ms)
}

/// Everything that is awaited.
pub(crate) fn wakes(plan: &Plan, last_seen_ms: i64, campaign: &Campaign, outages: &[Outage]) -> Vec<Wake> {
    let mut wakes = Vec::new();
    let mut add = |kind, at_ms| wakes.push(Wake { at_ms, kind });
    // Who left the fleet while it was drained is still to be released.
    if let Some((since_ms, length_ms)) = drain::due(plan, campaign) {
        add(WakeKind::Drain, after_ms(since_ms, length_ms, outages));
    }
    if plan.is_closed() || !plan.is_enrolled() {
        return wakes;
    }
    let policy = &campaign.policy;
    if let Some(until_ms) = plan.holds.values().filter_map(|hold| hold.until_ms).min() {
        add(WakeKind::Hold, until_ms);
    }
    if let Some(until_ms) = plan.exemption.as_ref().and_then(|exemption| exemption.until_ms) {
        add(WakeKind::Exemption, until_ms);
    }
    if let Some(disks) = &plan.disks {
        add(WakeKind::Disks, disks.until_ms);
    }
    if let Some(order) = &plan.order {
        match (order.fetched_ms, plan.phase) {
            (None, _) => {
                let within_ms = order.fetch_by_ms.saturating_sub(order.issued_ms);
                add(WakeKind::Fetch, after_ms(order.issued_ms, within_ms, outages));
            }
            (Some(_), Phase::Rebooting) => {
                let (_, back_by_ms) = restart_limits_ms(plan, order, campaign);
                let length_ms = back_by_ms.saturating_sub(plan.phase_since_ms);
                add(WakeKind::Restart, after_ms(plan.phase_since_ms, length_ms, outages));
            }
            (Some(_), _) => add(WakeKind::Silence, silent_at_ms(plan, campaign, outages)),
        }
    }
    if let Some(at_ms) = plan.retry_at_ms {
        add(WakeKind::Retry, at_ms);
    }
    if let Some(at_ms) = notice_at_ms(plan, campaign) {
        add(WakeKind::Notice, at_ms);
    }
    if let Some(Verify::Soaking { until_ms }) = plan.verify {
        add(WakeKind::Soak, until_ms);
    }
    if let Some(since_ms) = plan.unhealthy_since_ms {
        add(WakeKind::Protection, after(since_ms, policy.protection_bound, outages));
    }
    if let Some(gap) = plan.gap.filter(|gap| !gap.told) {
        add(WakeKind::Gap, after_ms(gap.since_ms, gap.bound_ms, outages));
    }
    if let Some(due_ms) = plan.handwork_due_ms(campaign)
        && !plan.handwork.as_ref().is_some_and(|handwork| handwork.told)
    {
        add(WakeKind::Handwork, due_ms);
    }
    if may_lose_its_agent(plan, last_seen_ms) {
        add(
            WakeKind::AgentLost,
            after(last_seen_ms, policy.agent_lost_after, outages),
        );
    }
    if !plan.stale {
        add(WakeKind::Stale, after(last_seen_ms, policy.stale_after, outages));
    }
    wakes
}

/// The first notice is asked for by nothing but the wait itself: it goes out with the next check-in.
fn notice_at_ms(plan: &Plan, campaign: &Campaign) -> Option<i64> {
    let notice = notice::of(plan, campaign).filter(|_| plan.phase == Phase::Queued)?;
    let course = notice::course(plan, notice);
    let due_ms = course.due_ms.filter(|_| plan.notices.asked <= course.given);
    due_ms.or(course.lapses_ms)
}

/// Products that guard machines take new programs for attackers, the sooner the newer they are. A host with an order out
/// has limits of its own.
fn may_lose_its_agent(plan: &Plan, last_seen_ms: i64) -> bool {
    const RIGHT_AFTER_MS: i64 = 24 * 3_600_000;
    let is_new = last_seen_ms.saturating_sub(plan.enrolled_ms) <= RIGHT_AFTER_MS;
    let carries = plan.assessment.as_ref().is_some_and(Assessment::carries);
    is_new && carries && plan.order.is_none() && !plan.stale && !plan.agent_perhaps_lost
}

/// When an order that was fetched counts as silent: `silence` after its last record, or after the step's own time limit
/// where that is longer.
pub(crate) fn silent_at_ms(plan: &Plan, campaign: &Campaign, outages: &[Outage]) -> i64 {
    let Some(order) = &plan.order else {
        return i64::MAX;
    };
    let limit = order
        .last_step
        .and_then(|step| order.steps.get(usize::try_from(step).ok()?))
        .map_or(Duration::ZERO, |step| step.time_limit);
    after(order.last_progress_ms, campaign.policy.silence.max(limit), outages)
}

/// Until when a restart that is due may be put off, and when the machine must be back: as its order says, counted from
/// when it became due.
pub(crate) fn restart_limits_ms(plan: &Plan, order: &OpenOrder, campaign: &Campaign) -> (i64, i64) {
    order.restart_limits_ms().unwrap_or_else(|| {
        let policy = &campaign.policy;
        let latest_ms = plan.phase_since_ms.saturating_add(span::ms(policy.restart_within));
        (latest_ms, latest_ms.saturating_add(span::ms(policy.restart_time)))
    })
}

fn after(from_ms: i64, length: Duration, outages: &[Outage]) -> i64 {
    after_ms(from_ms, span::ms(length), outages)
}

/// `length_ms` after `from_ms`, counting only time in which the server took check-ins.
fn after_ms(from_ms: i64, length_ms: i64, outages: &[Outage]) -> i64 {
    let mut due_ms = from_ms.saturating_add(length_ms);
    for outage in outages {
        let begin_ms = outage.from_ms.max(from_ms);
        if begin_ms < due_ms {
            due_ms = due_ms.saturating_add(outage.until_ms.saturating_sub(begin_ms).max(0));
        }
    }
    due_ms
}
