//! When a queued plan could start at the earliest, so that the head of the queue is read without those that cannot yet.

use super::approval_cause;
use crate::{
    campaign::{Campaign, Mode},
    hours::Calendar,
    notice,
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
    let waits_for_approval = plan.approval.is_none() && approval_cause(plan, campaign).is_some();
    // Each of them ends by an event, which writes the row anew.
    if campaign.mode == Mode::Observe
        || waits_for_approval
        || !plan.holds.is_empty()
        || plan.local_hold.is_some()
        || plan.journal_fault.is_some()
        || plan.stale
        || plan.executor(campaign).is_some()
        || plan.drain.as_ref().is_some_and(|drain| !drain.is_drained())
    {
        return i64::MAX;
    }
    let retry_ms = plan.retry_at_ms.unwrap_or(i64::MIN);
    let told_ms = notice::ready_at_ms(plan, campaign);
    if told_ms == i64::MAX {
        return i64::MAX;
    }
    let ready_ms = retry_ms
        .max(told_ms)
        .max(campaign.policy.grace_end_ms(plan.grace_from_ms));
    open_after_ms(plan, campaign, ready_ms).unwrap_or(i64::MAX)
}

/// The first instant from `ready_ms` on at which work may start by the hours of the host; `None` where there is none.
pub(crate) fn open_after_ms(plan: &Plan, campaign: &Campaign, ready_ms: i64) -> Option<i64> {
    let host = plan.traits();
    let calendar = campaign.calendar_for(&host);
    if calendar == Calendar::default() {
        return Some(ready_ms);
    }
    calendar.next_open_ms(ready_ms, &campaign.zone_for(&host))
}

#[cfg(test)]
mod tests {
    use cutover_proto::ids::CampaignId;

    use super::*;
    use crate::{plan::JournalFault, samples};

    const NOW_MS: i64 = 1_799_053_200_000;
    const HOUR_MS: i64 = 3_600_000;

    fn queued() -> Plan {
        let mut plan = Plan::unborn(samples::host(), CampaignId::new("c"));
        plan.phase = Phase::Queued;
        plan.grace_from_ms = NOW_MS;
        plan
    }

    #[test]
    fn a_plan_is_ready_when_both_grace_and_its_retry_are_over() {
        let campaign = samples::campaign("[policy]\ngrace = \"2h\"\n");
        let mut plan = queued();
        assert_eq!(ready_at_ms(&plan, &campaign), NOW_MS + 2 * HOUR_MS);
        for (retry, ready) in [(1, 2), (3, 3)] {
            plan.retry_at_ms = Some(NOW_MS + retry * HOUR_MS);
            assert_eq!(ready_at_ms(&plan, &campaign), NOW_MS + ready * HOUR_MS);
        }
        plan.phase = Phase::Planned;
        assert_eq!(ready_at_ms(&plan, &campaign), i64::MIN, "only a queue has a head");
    }

    #[test]
    fn what_only_an_event_ends_has_no_date() {
        let mut campaign = samples::campaign("[policy]\ngrace = \"0s\"\n");
        let mut faulty = queued();
        faulty.journal_fault = Some(JournalFault::Lost);
        let mut stale = queued();
        stale.stale = true;
        let mut held = queued();
        held.local_hold = Some("an exam is written".to_owned());
        for plan in [faulty, stale, held] {
            assert_eq!(ready_at_ms(&plan, &campaign), i64::MAX);
        }
        assert_eq!(ready_at_ms(&queued(), &campaign), NOW_MS);
        for mode in [Mode::Approve, Mode::Observe] {
            campaign.mode = mode;
            assert_eq!(ready_at_ms(&queued(), &campaign), i64::MAX);
        }
    }
}
