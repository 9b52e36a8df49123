//! The straight way, and every way off it and back.

use cutover_proto::{
    record::{FailureCause, RecordEvent},
    verdict::{HealthState, Verdict},
};

use super::*;
use crate::{
    plan::{HoldKind, JournalFault, Origin, Reason, Verify},
    samples::{carrying, inventory, replaced, with, with_clamav},
};

#[test]
fn a_host_goes_from_a_look_to_migrated() {
    let mut host = Host::new();
    host.look(&carrying());
    host.migrate();
    insta::assert_snapshot!(host.told());
    assert_eq!(host.plan.order, None);
    assert_eq!(host.plan.attempts_used, 0);
    let issued = host
        .effects
        .iter()
        .filter(|it| matches!(it, Effect::IssueOrder { .. }))
        .count();
    let freed = host
        .effects
        .iter()
        .filter(|it| matches!(it, Effect::FreeSlots { .. }))
        .count();
    assert_eq!((issued, freed), (1, 1));
}

#[test]
fn a_clear_host_is_clear_and_needs_no_replacement() {
    let mut host = Host::new();
    host.look(&inventory());
    assert_eq!(host.plan.phase, Phase::Clear);
    assert_eq!(host.waiting(), None);
    host.look(&with(inventory(), "kesl", Verdict::Remnant));
    assert_eq!(host.plan.phase, Phase::Clear);
    assert_eq!(host.plan.leftovers.len(), 1);
    assert!(!host.told().contains("vanished"), "what was never there cannot vanish");
    host.look(&carrying());
    assert_eq!(host.plan.phase, Phase::Queued);
}

#[test]
fn a_look_from_before_the_end_of_the_steps_confirms_nothing() {
    let mut host = Host::new();
    host.look(&carrying());
    host.start_and_fetch();
    let before_ms = host.looked_at_ms;
    host.work();
    host.look_of(&replaced(), before_ms + 1);
    assert!(
        matches!(host.plan.verify, Some(Verify::FirstLook { .. })),
        "{:?}",
        host.plan.verify
    );
    assert!(host.plan.wants_look());
    host.confirm();
    assert_eq!(host.plan.phase, Phase::Migrated);
}

#[test]
fn a_look_from_within_the_soak_does_not_end_it() {
    let mut host = Host::new();
    host.look(&carrying());
    host.start_and_fetch();
    host.work();
    host.pass(60_000).look(&replaced());
    // Away through the soak, with a look of its middle in the pocket.
    host.pass(HOUR);
    host.looked_at_ms = host.now_ms;
    host.wake();
    assert_eq!(host.plan.verify, Some(Verify::LastContact));
    host.check_in();
    assert_eq!(host.plan.phase, Phase::Verifying, "the pocketed look is not fresh");
    host.pass(60_000).look_again();
    assert_eq!(host.plan.phase, Phase::Migrated);
}

#[test]
fn without_a_soak_one_fresh_look_suffices() {
    let mut host = Host::of(samples::campaign("[policy]\ngrace = \"0s\"\nsoak = \"0s\"\n"));
    host.look(&carrying());
    host.start_and_fetch();
    host.work();
    host.pass(60_000).look(&replaced());
    assert_eq!(host.plan.phase, Phase::Migrated);
}

#[test]
fn absence_alone_is_not_migrated_and_a_replacement_alone_is_not() {
    let mut host = Host::new();
    host.look(&carrying());
    host.start_and_fetch();
    host.work();
    host.pass(60_000)
        .look(&with_clamav(inventory(), HealthState::Unhealthy));
    assert_eq!(host.plan.phase, Phase::Verifying);
    assert!(matches!(host.plan.reason, Some(Reason::ReplacementUnhealthy { .. })));
    // It recovers within the bound.
    host.confirm();
    assert_eq!(host.plan.phase, Phase::Migrated);

    let mut host = Host::new();
    host.look(&carrying());
    host.start_and_fetch();
    host.work();
    host.pass(60_000).look(&with_clamav(carrying(), HealthState::Healthy));
    assert_eq!(host.plan.phase, Phase::Queued, "still there: an attempt is used up");
    assert_eq!(host.plan.attempts_used, 1);
    assert!(host.plan.retry_at_ms.is_some());
}

#[test]
fn a_replacement_that_stays_unhealthy_becomes_handwork() {
    let mut host = Host::new();
    host.look(&carrying());
    host.start_and_fetch();
    host.work();
    host.pass(60_000)
        .look(&with_clamav(inventory(), HealthState::Unhealthy));
    host.wake();
    assert_eq!(host.plan.phase, Phase::Handwork, "{}", host.told());
    host.look(&replaced());
    assert_eq!(host.plan.phase, Phase::Verifying);
    host.confirm();
    assert_eq!(host.plan.phase, Phase::Migrated);
}

#[test]
fn failures_use_attempts_up_and_an_operator_retries() {
    let mut host = Host::new();
    host.look(&carrying());
    for attempt in 1..=3 {
        assert_eq!(host.plan.phase, Phase::Queued);
        host.start_and_fetch();
        assert_eq!(host.plan.order.as_ref().unwrap().attempt, attempt);
        host.report(RecordEvent::OrderAccepted, 0, None);
        host.report(RecordEvent::StepFailed, 1, Some(FailureCause::ToolFailed));
        host.report(RecordEvent::OrderFailed, 0, None);
        if attempt < 3 {
            assert!(matches!(host.waiting(), Some(Waiting::Retry { .. })));
            let early = Input::Started {
                order_number: 99,
                epoch: 1,
            };
            assert!(host.refusal(&early).contains("next try"));
            host.wake();
            assert_eq!(host.plan.retry_at_ms, None);
        }
    }
    assert_eq!(host.plan.phase, Phase::Failed);
    let text = host.plan.reason.as_ref().unwrap().text();
    assert!(text.contains("3 attempts") && text.contains("tool-failed"), "{text}");
    assert!(host.effects.iter().any(|it| matches!(
        it,
        Effect::Alarm {
            kind: AlarmKind::Failed,
            ..
        }
    )));
    host.send(Input::Retried { by: "ann".into() });
    assert_eq!(host.plan.phase, Phase::Queued);
    host.migrate();
}

#[test]
fn a_lock_or_a_lost_network_uses_no_attempt() {
    let mut host = Host::new();
    host.look(&carrying());
    for cause in [FailureCause::Locked, FailureCause::Network, FailureCause::TooLongAway] {
        host.start_and_fetch();
        host.report(RecordEvent::OrderFailed, 0, Some(cause));
        assert_eq!((host.plan.phase, host.plan.attempts_used), (Phase::Queued, 0));
        host.wake();
    }
    assert_eq!(host.plan.hindrances, 3);
    // Too many in a row do use one.
    for _ in 0..10 {
        host.last_seen_ms = host.now_ms;
        host.start_and_fetch();
        host.report(RecordEvent::OrderFailed, 0, Some(FailureCause::Locked));
        host.wake();
    }
    assert_eq!(host.plan.attempts_used, 1);
    assert_eq!(host.plan.hindrances, 0, "{}", host.told());
}

#[test]
fn an_order_that_nobody_fetched_is_withdrawn_without_an_attempt() {
    let mut host = Host::new();
    host.look(&carrying());
    let number = host.start();
    assert!(matches!(host.waiting(), Some(Waiting::Fetch { .. })));
    let decision = host.wake();
    assert!(decision.effects.contains(&Effect::WithdrawOrder {
        number,
        slots: vec![IN_FLIGHT.to_owned()],
    }));
    assert_eq!((host.plan.phase, host.plan.attempts_used), (Phase::Queued, 0));
    host.pass(1);
    assert!(
        matches!(host.waiting(), Some(Waiting::Away { .. })),
        "it is not issued again before it is heard of"
    );
    host.check_in();
    assert_eq!(host.start(), number + 1);
}

#[test]
fn silence_uses_an_attempt_and_outages_of_the_server_do_not_count() {
    let mut host = Host::new();
    host.look(&carrying());
    host.start_and_fetch();
    let due_ms = host.next_wake().unwrap().at_ms;
    assert_eq!(due_ms, host.now_ms + DAY);
    host.outages = vec![Outage {
        from_ms: host.now_ms + HOUR,
        until_ms: host.now_ms + 5 * HOUR,
    }];
    assert_eq!(host.next_wake().unwrap().at_ms, due_ms + 4 * HOUR);
    host.now_ms = due_ms;
    assert_eq!(host.send(Input::Woke { last_seen_ms: START }).events, []);
    host.wake();
    assert_eq!((host.plan.phase, host.plan.attempts_used), (Phase::Queued, 1));
    // The host comes back with it: it is told to stop, and its records change nothing.
    assert_eq!(host.plan.stray_order(Some(1)), Some(1));
    assert_eq!(host.report(RecordEvent::StepDone, 0, None).events, []);
}

#[test]
fn an_interrupted_step_is_a_persons_work_and_then_verified() {
    let mut host = Host::new();
    host.look(&carrying());
    host.start_and_fetch();
    host.report(RecordEvent::StepBegun, 2, None);
    host.report(RecordEvent::StepInterrupted, 2, Some(FailureCause::Interrupted));
    assert_eq!(host.plan.phase, Phase::Handwork);
    let text = host.plan.reason.as_ref().unwrap().text();
    assert!(text.contains("step 3 (test that clamav detects)"), "{text}");
    assert_eq!(
        host.report(RecordEvent::OrderFailed, 0, Some(FailureCause::Interrupted))
            .events,
        []
    );
    host.look(&replaced());
    assert_eq!(host.plan.phase, Phase::Handwork, "a person must say so");
    host.send(Input::HandworkDone {
        by: "bob".into(),
        evidence: "ticket 7".into(),
    });
    host.check_in();
    assert_eq!(host.plan.origin, Some(Origin::Handwork));
    host.confirm();
    assert_eq!(host.plan.phase, Phase::Migrated);
}

#[test]
fn the_targets_return_is_a_regression() {
    let mut host = Host::new();
    host.look(&carrying());
    host.migrate();
    let decision = host.look(&with_clamav(carrying(), HealthState::Healthy));
    assert!(decision.effects.iter().any(|it| matches!(
        it,
        Effect::Alarm {
            kind: AlarmKind::Regression,
            ..
        }
    )));
    assert_eq!((host.plan.phase, host.plan.regressions), (Phase::Queued, 1));
    host.migrate();
}

#[test]
fn lost_protection_reopens_after_the_bound_and_not_before() {
    let mut host = Host::new();
    host.look(&carrying());
    host.migrate();
    host.look(&inventory());
    assert_eq!(host.plan.phase, Phase::Migrated);
    assert!(matches!(
        host.waiting(),
        Some(Waiting::Stuck(Reason::ReplacementAbsent { .. }))
    ));
    host.pass(HOUR).look(&replaced());
    assert_eq!(host.plan.unhealthy_since_ms, None);
    host.pass(HOUR).look(&inventory());
    let decision = host.wake();
    assert!(decision.effects.iter().any(|it| matches!(
        it,
        Effect::Alarm {
            kind: AlarmKind::ProtectionLost,
            ..
        }
    )));
    assert_eq!((host.plan.phase, host.plan.protection_losses), (Phase::Queued, 1));
    host.start_and_fetch();
    let steps: Vec<String> = host
        .plan
        .order
        .as_ref()
        .unwrap()
        .steps
        .iter()
        .map(|it| it.action.describe())
        .collect();
    assert_eq!(steps, ["fetch clamav", "install clamav", "test that clamav detects"]);
    host.work();
    host.confirm();
}

#[test]
fn what_a_hold_stops_and_what_lifts_it() {
    let mut host = Host::new();
    host.look(&carrying());
    host.start_and_fetch();
    let until_ms = Some(host.now_ms + 2 * DAY);
    let hold = crate::plan::Hold {
        kind: HoldKind::Operator,
        who: "ann".into(),
        why: "payday".into(),
        until_ms,
    };
    let decision = host.send(Input::HoldPlaced(hold));
    assert!(
        decision
            .effects
            .iter()
            .any(|it| matches!(it, Effect::CancelOrder { .. }))
    );
    assert_eq!(host.plan.order_to_send(None), None);
    assert!(host.plan.order_to_cancel().is_some());
    host.report(RecordEvent::OrderCancelled, 0, None);
    assert_eq!((host.plan.phase, host.plan.attempts_used), (Phase::Queued, 0));
    assert!(
        host.refusal(&Input::Started {
            order_number: 9,
            epoch: 1
        })
        .contains(&crate::plan::Personal::from("payday").to_string())
    );
    assert!(matches!(host.waiting(), Some(Waiting::Held { .. })));
    host.wake();
    assert!(host.plan.holds.is_empty());
    host.migrate();
}

#[test]
fn a_host_that_holds_itself_gets_no_order_and_its_plan_says_why() {
    let mut host = Host::new();
    host.look(&carrying());
    let held = |why: Option<&str>| Input::HeldLocally {
        why: why.map(str::to_owned),
    };
    // One that nobody fetched is taken back, and uses no attempt.
    host.start();
    let decision = host.send(held(Some("held on this host")));
    assert!(
        decision
            .effects
            .iter()
            .any(|it| matches!(it, Effect::WithdrawOrder { .. }))
    );
    assert_eq!(
        (host.plan.phase, host.plan.order.clone(), host.plan.attempts_used),
        (Phase::Queued, None, 0)
    );
    let Some(waiting) = host.waiting() else {
        panic!("it waits for the hold to go");
    };
    assert!(matches!(waiting, Waiting::HeldLocally { .. }), "{waiting:?}");
    assert!(waiting.text().contains("held on this host"), "{}", waiting.text());
    assert!(!waiting.remedy().is_empty() && !host.plan.is_moving());
    let refusal = host.refusal(&Input::Started {
        order_number: 9,
        epoch: 1,
    });
    assert!(refusal.contains("held on this host"), "{refusal}");
    // The same again says nothing.
    assert_eq!(
        host.send(held(Some("held on this host"))),
        super::super::Decision::default()
    );
    host.send(held(None));
    assert_eq!(host.plan.local_hold, None);

    // One that it has is the agent's to end, at its next safe point; nothing comes after it.
    host.start_and_fetch();
    let decision = host.send(held(Some("held again")));
    assert_eq!(decision.effects, []);
    assert_eq!((host.plan.phase, host.plan.order_to_cancel()), (Phase::Migrating, None));
    host.report(RecordEvent::OrderCancelled, 0, None);
    assert_eq!((host.plan.phase, host.plan.attempts_used), (Phase::Queued, 0));
    assert!(matches!(host.waiting(), Some(Waiting::HeldLocally { .. })));
    host.send(held(None));
    host.migrate();
}

#[test]
fn an_exemption_takes_the_host_out_and_its_end_brings_it_back() {
    let mut host = Host::new();
    host.look(&carrying());
    host.start();
    let exemption = crate::plan::Exemption {
        why: "laboratory".into(),
        owner: "eve".into(),
        control: Some("no network".into()),
        until_ms: Some(host.now_ms + 3 * DAY),
        by: Some("ann".into()),
    };
    host.send(Input::Exempted(exemption.clone()));
    assert_eq!((host.plan.phase, host.plan.order.clone()), (Phase::Exempt, None));
    host.wake();
    assert_eq!(host.plan.phase, Phase::Queued);
    // While an order runs, its end comes first.
    host.check_in();
    host.start_and_fetch();
    host.send(Input::Exempted(crate::plan::Exemption {
        until_ms: None,
        ..exemption
    }));
    assert_eq!(host.plan.phase, Phase::Migrating);
    host.report(RecordEvent::OrderCancelled, 0, None);
    assert_eq!(host.plan.phase, Phase::Exempt);
    host.send(Input::ExemptionRevoked {
        by: "eve".into(),
        why: "it is over".into(),
    });
    assert_eq!(host.plan.phase, Phase::Queued);
}

#[test]
fn an_untrusted_journal_stops_everything_until_a_fresh_look() {
    let mut host = Host::new();
    host.look(&carrying());
    host.start_and_fetch();
    host.send(Input::JournalDistrusted {
        fault: JournalFault::Lost,
    });
    assert_eq!((host.plan.phase, host.plan.attempts_used), (Phase::Queued, 0));
    assert_eq!(
        host.send(Input::JournalDistrusted {
            fault: JournalFault::Lost
        })
        .events,
        []
    );
    assert!(matches!(host.waiting(), Some(Waiting::Journal)));
    host.check_in();
    assert!(
        host.plan.journal_fault.is_some(),
        "the look that it had settles nothing"
    );
    host.pass(1000).look_again();
    assert_eq!(host.plan.journal_fault, None);
    host.migrate();
}

#[test]
fn a_plan_survives_its_json() {
    let mut host = Host::new();
    host.look(&carrying());
    host.start_and_fetch();
    let text = serde_json::to_string(&host.plan).unwrap();
    assert_eq!(serde_json::from_str::<Plan>(&text).unwrap(), host.plan);
    for event in &host.events {
        let text = serde_json::to_string(event).unwrap();
        assert_eq!(&serde_json::from_str::<Event>(&text).unwrap(), event);
        assert!(text.contains(&format!("\"fact\":\"{}\"", event.fact.name())), "{text}");
    }
}

#[test]
fn a_plan_of_a_later_version_is_read_and_one_without_newer_fields_too() {
    let host = Host::new();
    let mut json = serde_json::to_value(&host.plan).unwrap();
    json["of_a_later_version"] = serde_json::json!({ "x": 1 });
    json.as_object_mut().unwrap().remove("hindrances");
    json.as_object_mut().unwrap().remove("journal_look_after_ms");
    assert_eq!(serde_json::from_value::<Plan>(json).unwrap(), host.plan);
}
