use cutover_proto::ids::CampaignId;

use super::*;
use crate::{
    campaign::Campaign,
    plan::{Phase, Plan, Verify},
    samples,
};

const HOUR: i64 = 3_600_000;

fn campaign() -> Campaign {
    samples::campaign("recovery_target = \"2027-01-31T00:00:00Z\"\n[policy]\ngrace = \"0s\"\nsoak = \"2h\"\n")
}

fn plan(phase: Phase) -> Plan {
    Plan {
        phase,
        ..Plan::unborn(samples::host(), CampaignId::new("c"))
    }
}

#[test]
fn a_host_is_late_once_work_and_soak_no_longer_fit() {
    let campaign = campaign();
    let target_ms = campaign.target_ms().unwrap();
    let queued = plan(Phase::Queued);
    let last_ms = latest_start_ms(&plan(Phase::Queued), &campaign);
    assert_eq!(last_ms, target_ms - 6 * HOUR);
    assert_eq!(slack_ms(&queued, &campaign, last_ms), Some(0));
    assert_eq!(late(&queued, &campaign, last_ms), Some(false));
    assert_eq!(late(&queued, &campaign, last_ms + 1), Some(true));
    // One that is at work, or soaking, needs less.
    assert_eq!(late(&plan(Phase::Migrating), &campaign, last_ms + 1), Some(false));
    let mut soaking = plan(Phase::Verifying);
    soaking.verify = Some(Verify::Soaking { until_ms: target_ms });
    assert_eq!(late(&soaking, &campaign, target_ms - 1), Some(false));
    soaking.verify = Some(Verify::Soaking {
        until_ms: target_ms + 1,
    });
    assert_eq!(late(&soaking, &campaign, target_ms - 1), Some(true));
}

#[test]
fn a_retry_or_grace_ahead_takes_from_the_slack() {
    let campaign = campaign();
    let now_ms = latest_start_ms(&plan(Phase::Queued), &campaign) - HOUR;
    let mut queued = plan(Phase::Queued);
    queued.retry_at_ms = Some(now_ms + 2 * HOUR);
    assert_eq!(slack_ms(&queued, &campaign, now_ms), Some(-HOUR));
}

#[test]
fn a_priority_moves_a_hosts_turn_and_not_its_latest_safe_start() {
    let rules = "[[priority]]\nname = \"tills\"\nmatch = { tag = [\"till\"] }\nby = \"30d\"\n[[priority]]\nname = \"last\"\nmatch = { class = [\"server\"] }\nby = \"-30d\"\n";
    let of = |tags: &[&str]| {
        let mut plan = plan(Phase::Queued);
        plan.known.tags = tags.iter().map(|tag| (*tag).to_owned()).collect();
        plan
    };
    let (first, plain, last) = (of(&["class=server", "till"]), of(&[]), of(&["class=server"]));
    for has_target in [true, false] {
        let mut campaign = samples::campaign(rules);
        if !has_target {
            campaign.milestones.clear();
        }
        let turns = [&first, &plain, &last].map(|plan| turn_ms(plan, &campaign));
        assert!(
            turns.is_sorted() && turns[0] < turns[1] && turns[1] < turns[2],
            "{turns:?}"
        );
        assert_eq!((turns[1] - turns[0], turns[2] - turns[1]), (720 * HOUR, 720 * HOUR));
        let starts = [&first, &plain, &last].map(|plan| latest_start_ms(plan, &campaign));
        assert!(starts.iter().all(|start| *start == starts[0]), "{starts:?}");
        // Without a target all are as far as can be, with room behind them.
        assert_eq!(turns[1], if has_target { starts[1] } else { i64::MAX / 2 });
    }
}

#[test]
fn what_is_done_or_outside_has_no_slack() {
    for phase in [
        Phase::Clear,
        Phase::Migrated,
        Phase::Exempt,
        Phase::Concluded,
        Phase::OutOfScope,
        Phase::Retired,
    ] {
        assert_eq!(slack_ms(&plan(phase), &campaign(), 0), None, "{phase}");
    }
}

#[test]
fn a_past_cutoff_without_a_recovery_target_is_said_not_computed() {
    let campaign = samples::campaign("");
    let now_ms = campaign.cutoff_ms().unwrap();
    assert_eq!(late(&plan(Phase::Queued), &campaign, now_ms), None);
    assert!(
        no_target_text(&campaign, now_ms)
            .unwrap()
            .contains("set recovery_target")
    );
    assert_eq!(no_target_text(&campaign, now_ms - 1), None);
    let with = super::tests::campaign();
    assert_eq!(no_target_text(&with, now_ms), None);
    let target_ms = with.target_ms().unwrap();
    assert!(no_target_text(&with, target_ms).unwrap().contains("set a later one"));
}

#[test]
fn where_work_has_hours_the_latest_safe_start_lies_in_them() {
    let mut campaign = samples::campaign(
        "recovery_target = \"2027-01-31T00:00:00Z\"\n\
         [[window]]\ndays = [\"mon\"]\nfrom = \"08:00\"\nto = \"10:00\"\n[policy]\ntime_zone = \"UTC\"\n",
    );
    let last_ms = latest_start_ms(&plan(Phase::Queued), &campaign);
    assert_eq!(
        last_ms,
        samples::instant("2027-01-25T10:00:00Z") - 1,
        "the last Monday before it"
    );
    campaign.recovery_target_ms = None;
    campaign.milestones.clear();
    assert_eq!(latest_start_ms(&plan(Phase::Queued), &campaign), i64::MAX);
}
