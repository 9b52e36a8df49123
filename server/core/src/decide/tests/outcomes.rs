//! What came of an order, for the gate and the breaker of its wave.

use cutover_proto::{
    ids::ProductId,
    record::{FailureCause, RecordEvent},
    step::StepKind,
    verdict::HealthState,
};

use super::*;
use crate::{
    campaign::{Selector, Wave},
    catalog::RestartNeed,
    plan::{Hold, HoldKind, Origin, Personal},
    rollout::Outcome,
    samples::{carrying, replaced},
};

fn personal() -> Personal {
    Personal::of_digest(&"ab".repeat(32)).unwrap()
}

/// Queued, and never tried.
fn queued() -> Host {
    let mut host = Host::new();
    host.pass(HOUR).look(&carrying());
    assert_eq!(host.plan.phase, Phase::Queued, "{}", host.told());
    assert_eq!(outcome(&host), (Outcome::None, "", 0));
    host
}

fn outcome(host: &Host) -> (Outcome, &str, u32) {
    (host.plan.outcome, host.plan.tried_in.as_str(), host.plan.round)
}

/// Has begun a step.
fn working() -> Host {
    let mut host = queued();
    host.start_and_fetch();
    host.report(RecordEvent::OrderAccepted, 0, None);
    host.pass(1000).report(RecordEvent::StepBegun, 0, None);
    host
}

/// A step failed, and the order with it.
fn fail(host: &mut Host, cause: FailureCause) {
    host.pass(1000).report(RecordEvent::StepFailed, 0, Some(cause));
    host.report(RecordEvent::OrderFailed, 0, Some(cause));
}

/// The next try, up to its first step.
fn try_again(host: &mut Host) {
    host.wake();
    host.look(&carrying());
    host.start_and_fetch();
    host.report(RecordEvent::OrderAccepted, 0, None);
    host.report(RecordEvent::StepBegun, 0, None);
}

#[test]
fn an_order_is_under_way_from_its_issue_and_succeeded_when_its_work_is_confirmed() {
    let mut host = queued();
    host.start();
    assert_eq!(outcome(&host), (Outcome::UnderWay, "all", 0));
    host.send(Input::OrderFetched { number: 1 });
    host.work();
    assert_eq!(host.plan.phase, Phase::Verifying);
    assert_eq!(outcome(&host), (Outcome::UnderWay, "all", 0), "nothing is shown yet");
    host.confirm();
    assert_eq!(outcome(&host), (Outcome::Succeeded, "all", 0));
}

#[test]
fn an_order_that_nobody_fetched_leaves_what_was_before() {
    let mut host = queued();
    host.start();
    host.wake();
    assert_eq!(outcome(&host), (Outcome::None, "", 0));

    let mut host = working();
    fail(&mut host, FailureCause::ToolFailed);
    host.turn_round(3);
    host.wake();
    host.look(&carrying());
    host.start();
    assert_eq!(outcome(&host), (Outcome::UnderWay, "all", 3));
    host.wake();
    assert_eq!(outcome(&host), (Outcome::Failed, "all", 0), "{}", host.told());
}

#[test]
fn a_failure_that_uses_an_attempt_counts_and_a_hindrance_does_not() {
    let mut host = working();
    fail(&mut host, FailureCause::Network);
    assert_eq!(host.plan.attempts_used, 0);
    assert_eq!(outcome(&host), (Outcome::None, "", 0));

    let mut host = working();
    fail(&mut host, FailureCause::ToolFailed);
    assert_eq!(host.plan.attempts_used, 1);
    assert_eq!(outcome(&host), (Outcome::Failed, "all", 0));

    let mut host = working();
    host.report(RecordEvent::StepInterrupted, 0, None);
    assert_eq!(outcome(&host), (Outcome::Failed, "all", 0));
}

#[test]
fn a_failure_counts_in_its_round_until_the_host_succeeds_and_not_only_until_it_is_tried_again() {
    let mut host = working();
    fail(&mut host, FailureCause::ToolFailed);
    try_again(&mut host);
    assert_eq!(outcome(&host), (Outcome::Failed, "all", 0));
    host.pass(1000).report(RecordEvent::StepDone, 0, None);
    host.report(RecordEvent::OrderCompleted, 0, None);
    assert_eq!(outcome(&host), (Outcome::Failed, "all", 0));
    host.confirm();
    assert_eq!(outcome(&host), (Outcome::Succeeded, "all", 0), "{}", host.told());
}

#[test]
fn another_try_in_a_later_round_counts_there() {
    let mut host = working();
    fail(&mut host, FailureCause::ToolFailed);
    host.turn_round(1);
    try_again(&mut host);
    assert_eq!(outcome(&host), (Outcome::UnderWay, "all", 1));
    // The round may go on meanwhile: the order was issued in this one.
    host.turn_round(2);
    fail(&mut host, FailureCause::ToolFailed);
    assert_eq!(outcome(&host), (Outcome::Failed, "all", 1));
}

#[test]
fn silence_beyond_the_limit_is_dark_and_work_that_was_done_in_silence_is_not_held_against_the_host() {
    let mut host = working();
    host.wake();
    assert_eq!(outcome(&host), (Outcome::Dark, "all", 0), "{}", host.told());
    // It comes back with everything done.
    host.pass(HOUR).look(&replaced());
    assert_eq!(host.plan.origin, Some(Origin::Unclear));
    host.confirm();
    host.pass(60_000).look_again();
    assert_eq!(host.plan.phase, Phase::Migrated, "{}", host.told());
    assert_eq!(outcome(&host), (Outcome::Succeeded, "all", 0));
}

#[test]
fn what_failed_and_is_then_found_done_by_nobody_knows_whom_stays_a_failure_of_ours() {
    let mut host = working();
    fail(&mut host, FailureCause::ToolFailed);
    host.pass(HOUR).look(&replaced());
    host.confirm();
    host.pass(60_000).look_again();
    assert_eq!(host.plan.phase, Phase::Migrated, "{}", host.told());
    assert_eq!(outcome(&host), (Outcome::Failed, "all", 0));
}

#[test]
fn a_host_that_does_not_come_back_from_its_restart_is_not_back() {
    let mut host = Host::new();
    let recipe = host.catalog.recipes.get_mut(&ProductId::new("kesl")).unwrap();
    recipe.remove.as_mut().unwrap().restart = RestartNeed::Due;
    host.pass(HOUR).look(&carrying());
    host.start_and_fetch();
    let steps = &host.plan.order.as_ref().unwrap().steps;
    let restart = steps
        .iter()
        .position(|step| step.action.kind() == StepKind::Restart)
        .unwrap();
    let restart = u32::try_from(restart).unwrap();
    host.report(RecordEvent::OrderAccepted, 0, None);
    for step in 0..restart {
        host.report(RecordEvent::StepBegun, step, None);
        host.report(RecordEvent::StepDone, step, None);
    }
    host.report(RecordEvent::StepBegun, restart, None);
    assert_eq!(host.plan.phase, Phase::Rebooting);
    host.wake();
    assert_eq!(host.plan.phase, Phase::Handwork, "{}", host.told());
    assert_eq!(outcome(&host), (Outcome::NotBack, "all", 0));
    // Even when somebody mended it by hand: it did not come back by itself.
    host.send(Input::HandworkDone {
        by: personal(),
        evidence: personal(),
    });
    let mut mended = replaced();
    mended.boot_id = "boot-2".to_owned();
    for _ in 0..4 {
        host.pass(25 * HOUR).look(&mended);
        host.send(Input::Woke {
            last_seen_ms: host.last_seen_ms,
        });
    }
    assert_eq!(host.plan.phase, Phase::Migrated, "{}", host.told());
    assert_eq!(outcome(&host), (Outcome::NotBack, "all", 0));
}

#[test]
fn a_look_that_does_not_agree_is_a_failure_whatever_the_order_said() {
    let mut host = queued();
    host.start_and_fetch();
    host.work();
    host.pass(HOUR).look(&carrying());
    assert_eq!(outcome(&host), (Outcome::Failed, "all", 0), "{}", host.told());
}

#[test]
fn a_success_that_does_not_last_is_a_failure() {
    let mut host = queued();
    host.migrate();
    host.pass(DAY).look(&carrying());
    assert_eq!(host.plan.regressions, 1);
    assert_eq!(outcome(&host), (Outcome::Failed, "all", 0));

    let mut host = queued();
    host.migrate();
    host.pass(DAY)
        .look(&samples::with_clamav(replaced(), HealthState::Unhealthy));
    assert_eq!(host.plan.outcome, Outcome::Succeeded, "within the bound");
    host.wake();
    assert_eq!(host.plan.protection_losses, 1, "{}", host.told());
    assert_eq!(outcome(&host), (Outcome::Failed, "all", 0));
}

#[test]
fn a_failed_host_that_leaves_the_fleet_keeps_its_failure() {
    // eclipse/hawkbit PR 328: with the target its failure was deleted, and the rate looked better.
    let mut host = working();
    fail(&mut host, FailureCause::ToolFailed);
    host.send(retire());
    assert_eq!(outcome(&host), (Outcome::Failed, "all", 0));
}

fn retire() -> Input {
    Input::Retired {
        by: personal(),
        why: personal(),
    }
}

#[test]
fn a_host_that_leaves_the_fleet_under_way_is_dark_unless_it_never_had_the_order() {
    let mut host = queued();
    host.start();
    host.send(retire());
    assert_eq!(outcome(&host), (Outcome::None, "", 0));

    for work in [false, true] {
        let mut host = queued();
        host.start_and_fetch();
        if work {
            host.work();
        }
        host.send(retire());
        assert_eq!(outcome(&host), (Outcome::Dark, "all", 0), "{}", host.told());
    }
}

/// It enrols anew, and falls into another wave, which is open too.
fn enrol_in_second(host: &mut Host) {
    let second = Wave {
        hosts: Selector {
            tag: vec!["second".to_owned()],
            ..Selector::default()
        },
        ..Wave::everybody("second")
    };
    host.campaign.waves.insert(0, second);
    host.waves.turn("second", WaveState::Open);
    host.send(Input::Enrolled {
        known: samples::tagged("second"),
    });
}

#[test]
fn a_host_that_enrols_anew_under_way_is_dark_in_the_wave_in_which_it_began() {
    for work in [false, true] {
        let mut host = queued();
        host.turn_round(2);
        host.start_and_fetch();
        if work {
            host.work();
        }
        host.pass(HOUR);
        enrol_in_second(&mut host);
        assert_eq!(host.plan.wave, "second");
        assert_eq!(outcome(&host), (Outcome::Dark, "all", 2), "{}", host.told());
    }
    let mut host = queued();
    host.start();
    host.send(Input::Enrolled {
        known: Known::default(),
    });
    assert_eq!(outcome(&host), (Outcome::None, "", 0));
}

#[test]
fn a_host_that_goes_stale_while_its_work_is_verified_is_dark_until_it_is_confirmed() {
    let mut host = queued();
    host.start_and_fetch();
    host.work();
    while !host.plan.stale {
        host.wake();
    }
    assert_eq!(outcome(&host), (Outcome::Dark, "all", 0), "{}", host.told());
    host.check_in();
    assert_eq!(
        host.plan.outcome,
        Outcome::Dark,
        "being heard of shows nothing of the work"
    );
    host.confirm();
    assert_eq!(host.plan.phase, Phase::Migrated, "{}", host.told());
    assert_eq!(outcome(&host), (Outcome::Succeeded, "all", 0));
}

#[test]
fn what_is_tried_again_in_another_wave_counts_there() {
    let mut host = working();
    fail(&mut host, FailureCause::ToolFailed);
    enrol_in_second(&mut host);
    assert_eq!(
        outcome(&host),
        (Outcome::Failed, "all", 0),
        "nothing was tried there yet"
    );
    host.pass(DAY).look(&carrying());
    host.start();
    assert_eq!(outcome(&host), (Outcome::UnderWay, "second", 0), "{}", host.told());
}

#[test]
fn a_host_that_goes_stale_before_it_fetched_its_order_is_not_dark() {
    let mut host = queued();
    host.campaign.policy.stale_after = std::time::Duration::from_hours(1);
    host.campaign.policy.fetch_within = std::time::Duration::from_hours(2);
    host.start();
    host.wake();
    assert!(host.plan.stale && host.plan.order.is_some(), "{}", host.told());
    assert_eq!(outcome(&host), (Outcome::UnderWay, "all", 0));
    host.wake();
    assert_eq!(outcome(&host), (Outcome::None, "", 0), "{}", host.told());
}

#[test]
fn a_hold_at_a_safe_point_takes_the_order_back() {
    let mut host = working();
    host.send(Input::HoldPlaced(Hold {
        kind: HoldKind::Operator,
        who: personal(),
        why: personal(),
        until_ms: None,
    }));
    assert_eq!(host.plan.outcome, Outcome::UnderWay, "it still runs");
    host.report(RecordEvent::OrderCancelled, 0, None);
    assert_eq!(outcome(&host), (Outcome::None, "", 0));
}

#[test]
fn work_that_others_did_has_no_outcome() {
    let mut host = queued();
    host.pass(HOUR).look(&replaced());
    host.confirm();
    host.pass(60_000).look_again();
    assert_eq!(host.plan.phase, Phase::Migrated, "{}", host.told());
    assert_eq!(outcome(&host), (Outcome::None, "", 0));
}

#[test]
fn a_plan_that_was_stored_before_there_were_outcomes_reads_and_its_order_still_counts() {
    let mut host = working();
    let mut stored = serde_json::to_value(&host.plan).unwrap();
    let row = stored.as_object_mut().unwrap();
    for key in ["outcome", "round", "tried_in", "tried_before"] {
        row.remove(key);
    }
    host.plan = serde_json::from_value(stored).unwrap();
    assert_eq!(outcome(&host), (Outcome::None, "", 0));
    fail(&mut host, FailureCause::ToolFailed);
    assert_eq!(outcome(&host), (Outcome::Failed, "all", 0));
}
