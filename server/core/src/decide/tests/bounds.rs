//! At a bound itself, and a millisecond beside it.

use cutover_proto::{
    record::FailureCause,
    verdict::{HealthState, Protection},
};

use super::*;
use crate::{
    coverage::Ownership,
    plan::{Cover, JournalFault, Reason, Stop, Verify},
    rollout::Outcome,
    samples::{carrying, inventory, replaced, with_clamav},
};

#[test]
fn a_look_of_the_very_millisecond_proves_nothing_and_the_next_one_does() {
    // After the steps.
    let mut host = Host::new();
    host.look(&carrying());
    host.start_and_fetch();
    host.work();
    let Some(Verify::FirstLook { fresh_after_ms }) = host.plan.verify else {
        panic!("{:?}", host.plan.verify);
    };
    host.look_of(&replaced(), fresh_after_ms);
    assert_eq!(host.plan.verify, Some(Verify::FirstLook { fresh_after_ms }));
    host.look_of(&replaced(), fresh_after_ms + 1);
    assert!(matches!(host.plan.verify, Some(Verify::Soaking { .. })));

    // After the soak.
    host.wake();
    host.check_in();
    host.send(Input::CheckedIn {
        looked_at_ms: Some(fresh_after_ms + 1),
        boot_id: "boot-1".to_owned(),
        running: None,
    });
    let Some(Verify::LastLook { fresh_after_ms }) = host.plan.verify else {
        panic!("{:?}", host.plan.verify);
    };
    host.look_of(&replaced(), fresh_after_ms);
    assert_eq!(host.plan.phase, Phase::Verifying);
    host.look_of(&replaced(), fresh_after_ms + 1);
    assert_eq!(host.plan.phase, Phase::Migrated);
}

#[test]
fn a_journal_is_settled_by_a_look_after_the_one_that_was_known_and_not_by_that_one() {
    let mut host = Host::new();
    host.look(&carrying());
    host.start_and_fetch();
    host.send(Input::JournalDistrusted {
        fault: JournalFault::Lost,
    });
    host.check_in();
    let known_ms = host.plan.journal_look_after_ms.expect("marked by the first contact");
    host.look_of(&carrying(), known_ms);
    assert!(host.plan.journal_fault.is_some());
    host.look_of(&carrying(), known_ms + 1);
    assert_eq!(host.plan.journal_fault, None);
}

#[test]
fn room_is_believed_of_a_look_after_the_disk_was_full_and_of_none_before() {
    let mut host = Host::new();
    host.look(&carrying());
    host.start_and_fetch();
    host.pass(60_000).report(RecordEvent::OrderAccepted, 0, None);
    host.report(RecordEvent::StepFailed, 0, Some(FailureCause::DiskFull));
    host.report(RecordEvent::OrderFailed, 0, Some(FailureCause::DiskFull));
    assert_eq!(host.plan.phase, Phase::Blocked, "{}", host.told());
    let stop = host.plan.last_failure.as_ref().and_then(|failure| failure.stop.clone());
    let Some(Stop::Room { fresh_after_ms }) = stop else {
        panic!("{stop:?}");
    };
    let before = host.look_of(&carrying(), fresh_after_ms);
    assert_eq!((before.events, host.plan.phase), (Vec::new(), Phase::Blocked));
    host.look_of(&carrying(), fresh_after_ms + 1);
    assert_eq!(host.plan.phase, Phase::Queued);
}

#[test]
fn a_host_whose_clock_is_a_little_ahead_is_believed_and_one_further_ahead_is_not_waited_for() {
    for (ahead_ms, fresh_after_ms) in [(60_000, 60_000), (60_001, 0), (DAY, 0)] {
        let mut host = Host::new();
        host.look(&carrying());
        host.start_and_fetch();
        host.pass(HOUR);
        let steps = host.plan.order.as_ref().map_or(0, |order| order.steps.len());
        host.report(RecordEvent::StepDone, u32::try_from(steps).unwrap() - 1, None);
        let mut record = host.record(RecordEvent::OrderCompleted, 0, None);
        record.at_ms = host.now_ms + ahead_ms;
        host.send(Input::Recorded(Box::new(record)));
        assert_eq!(
            host.plan.verify,
            Some(Verify::FirstLook {
                fresh_after_ms: host.now_ms + fresh_after_ms
            }),
            "{ahead_ms}"
        );
    }
}

#[test]
fn each_hindrance_and_each_attempt_waits_longer_than_the_one_before_by_the_policy() {
    let mut host = Host::new();
    host.look(&carrying());
    let fail = |host: &mut Host, cause| {
        host.start_and_fetch();
        host.report(RecordEvent::OrderFailed, 0, Some(cause));
        host.plan.retry_at_ms.expect("never at once") - host.now_ms
    };
    for nth in 1..=3 {
        let wait_ms = fail(&mut host, FailureCause::Network);
        assert_eq!(
            wait_ms,
            host.campaign.policy.backoff_ms(nth, host.seed),
            "hindrance {nth}"
        );
        host.wake();
    }
    let mut host = Host::new();
    host.look(&carrying());
    for nth in 1..=2 {
        let wait_ms = fail(&mut host, FailureCause::ToolFailed);
        assert_eq!(
            wait_ms,
            host.campaign.policy.backoff_ms(nth, host.seed),
            "attempt {nth}"
        );
        host.wake();
    }
}

#[test]
fn an_order_waits_for_its_restart_from_when_that_begins_to_when_it_is_done_and_for_nothing_else() {
    let mut host = Host::new();
    let mut pending = carrying();
    pending.facts.restart_pending = Some(true);
    host.look(&carrying());
    host.start_and_fetch();
    host.report(RecordEvent::StepBegun, 0, None);
    let restart = |host: &Host| host.plan.order.as_ref().unwrap().restart.clone();
    assert_eq!(restart(&host), None, "to fetch is no restart");

    let mut host = Host::new();
    host.look(&pending);
    host.start_and_fetch();
    host.report(RecordEvent::StepBegun, 0, None);
    let since_ms = host.now_ms;
    assert_eq!(restart(&host).map(|due| (due.step, due.since_ms)), Some((0, since_ms)));
    host.pass(HOUR).report(RecordEvent::StepBegun, 0, None);
    assert_eq!(restart(&host).map(|due| due.since_ms), Some(since_ms), "said again");
    host.report(RecordEvent::StepDone, 1, None);
    assert!(restart(&host).is_some(), "another step says nothing of it");
    host.report(RecordEvent::StepFailed, 0, Some(FailureCause::TimeLimit));
    assert_eq!(restart(&host), None);
}

#[test]
fn protection_that_the_campaign_does_not_accept_counts_as_none() {
    let mut host = Host::new();
    let mut on_demand = with_clamav(inventory(), HealthState::Healthy);
    on_demand.protection = Protection::OnDemand;
    host.look(&on_demand);
    assert_eq!(host.plan.account.cover, Cover::Protected);
    host.campaign.accepted_grades.clear();
    host.campaign.version = 2;
    host.send(Input::CampaignChanged { assessment: None });
    assert_eq!(
        (host.plan.account.grade, host.plan.account.cover),
        (Protection::OnDemand, Cover::Unprotected)
    );
}

#[test]
fn a_start_is_refused_on_a_machine_that_is_not_the_organisations_even_where_its_row_is_queued() {
    let mut host = Host::new();
    host.look(&carrying());
    let start = Input::Started {
        order_number: 1,
        epoch: 1,
    };
    host.plan.known.ownership = Some(Ownership::Personal);
    let refused = host.refusal(&start);
    assert!(refused.contains("not the organisation's (personal)"), "{refused}");
    host.plan.known.ownership = Some(Ownership::Corporate);
    assert_eq!(host.start(), 1);
}

#[test]
fn a_replacement_that_never_got_well_was_no_protection_that_was_lost() {
    let mut host = Host::new();
    host.look(&carrying());
    host.start_and_fetch();
    host.work();
    host.pass(60_000)
        .look(&with_clamav(inventory(), HealthState::Unhealthy));
    let decision = host.wake();
    assert_eq!(host.plan.phase, Phase::Handwork);
    assert!(matches!(host.plan.reason, Some(Reason::ReplacementUnhealthy { .. })));
    assert_eq!(host.plan.protection_losses, 0);
    let is_loss = |effect: &Effect| {
        matches!(
            effect,
            Effect::Alarm {
                kind: AlarmKind::ProtectionLost,
                ..
            }
        )
    };
    assert!(!decision.effects.iter().any(is_loss), "{decision:?}");
}

#[test]
fn a_host_that_enrols_anew_is_in_its_wave_by_what_is_known_now_and_by_no_earlier_look() {
    let text = samples::campaign("[policy]\ngrace = \"0s\"\n").source.replace(
        "[wave]\nname = \"all\"\n",
        "[[wave]]\nname = \"pilot\"\nmatch = { tag = [\"pilot\"] }\n[[wave]]\nname = \"debian\"\nmatch = { os_id = [\"debian\"] }\n",
    );
    let wave_of = |known: Known| {
        let mut host = Host::of(Campaign::parse("waves.toml", &text, 1).unwrap());
        host.look(&carrying());
        assert_eq!(host.plan.wave, "debian");
        let decision = host.send(Input::Enrolled { known });
        decision.events.iter().find_map(|event| {
            let Fact::Enrolled { wave, .. } = &event.fact else {
                return None;
            };
            Some(wave.clone())
        })
    };
    assert_eq!(wave_of(Known::default()).as_deref(), Some(crate::campaign::UNMATCHED));
    assert_eq!(wave_of(samples::tagged("pilot")).as_deref(), Some("pilot"));
}

#[test]
fn each_input_has_its_own_name_and_a_refusal_says_it() {
    let mut host = Host::new();
    let inputs = [
        Input::WaveOpened,
        Input::Halted,
        Input::Concluded,
        Input::Retried { by: "ann".into() },
        Input::Forecast { late: true },
        Input::Approved { by: "ann".into() },
        Input::ApprovedByName { by: "ann".into() },
    ];
    let names: BTreeSet<&str> = inputs.iter().map(Input::name).collect();
    assert_eq!(names.len(), inputs.len());
    assert!(!names.contains(""));
    let refused = host.refusal(&Input::HandworkDone {
        by: "ann".into(),
        evidence: "ticket 7".into(),
    });
    assert!(refused.contains("handwork-done"), "{refused}");
}

#[test]
fn an_outage_that_begins_when_something_is_due_puts_nothing_off_and_one_that_begins_before_does() {
    let mut host = Host::new();
    host.look(&carrying());
    host.start_and_fetch();
    let due_ms = host.next_wake().unwrap().at_ms;
    let outage = |from_ms, until_ms| vec![Outage { from_ms, until_ms }];
    host.outages = outage(due_ms, due_ms + HOUR);
    assert_eq!(host.next_wake().unwrap().at_ms, due_ms);
    host.outages = outage(due_ms - 1, due_ms + HOUR);
    assert_eq!(host.next_wake().unwrap().at_ms, due_ms + HOUR + 1);
    host.outages = outage(START - HOUR, START);
    assert_eq!(host.next_wake().unwrap().at_ms, due_ms, "over before it was issued");
    host.outages = outage(START - HOUR, START + HOUR);
    assert_eq!(host.next_wake().unwrap().at_ms, due_ms + HOUR, "only what fell into it");
}

#[test]
fn a_fresh_look_is_asked_for_where_something_waits_for_it_and_nowhere_else() {
    let mut host = Host::new();
    assert!(host.plan.wants_look(), "it has not looked yet");
    host.look(&carrying());
    assert!(!host.plan.wants_look());
    host.start_and_fetch();
    host.work();
    assert!(host.plan.wants_look());
    host.pass(60_000).look(&replaced());
    assert!(!host.plan.wants_look(), "it soaks");
    host.wake();
    assert!(host.plan.wants_look());
    host.check_in();
    host.pass(60_000).look_again();
    assert!(host.plan.phase == Phase::Migrated && !host.plan.wants_look());
}

#[test]
fn an_order_is_stray_where_a_host_runs_it_and_it_is_not_the_open_one() {
    let mut host = Host::new();
    host.look(&carrying());
    assert_eq!(
        (host.plan.stray_order(None), host.plan.stray_order(Some(7))),
        (None, Some(7))
    );
    let number = host.start_and_fetch();
    assert_eq!(host.plan.stray_order(Some(number)), None);
    assert_eq!(host.plan.stray_order(Some(number + 1)), Some(number + 1));
}

#[test]
fn a_host_that_is_done_and_not_heard_of_waits_for_that() {
    for (shown, phase) in [(inventory(), Phase::Clear), (carrying(), Phase::Migrated)] {
        let mut host = Host::new();
        host.look(&shown);
        if phase == Phase::Migrated {
            host.migrate();
        }
        assert_eq!((host.plan.phase, host.waiting()), (phase, None));
        let last_seen_ms = host.last_seen_ms;
        host.wake();
        assert!(host.plan.stale);
        assert_eq!(host.waiting(), Some(Waiting::Away { last_seen_ms }));
    }
}

#[test]
fn what_is_being_done_is_told_by_its_place_and_why_the_last_try_failed_by_its_own_words() {
    let mut host = Host::new();
    host.look(&carrying());
    host.start_and_fetch();
    let place = |host: &Host| match host.waiting() {
        Some(Waiting::Steps { step, of, .. }) => (step, of),
        other => panic!("{other:?}"),
    };
    assert_eq!(place(&host), (1, 10));
    host.report(RecordEvent::StepBegun, 1, None);
    assert_eq!(place(&host), (2, 10));
    let mut record = host.record(RecordEvent::OrderFailed, 0, Some(FailureCause::ToolFailed));
    record.detail = "no such package".to_owned();
    host.send(Input::Recorded(Box::new(record)));
    let Some(Waiting::Retry { why, .. }) = host.waiting() else {
        panic!("{:?}", host.waiting());
    };
    assert_eq!(why, "tool-failed: no such package");
}

#[test]
fn a_plan_on_which_nothing_of_it_happened_is_stored_without_it_and_one_on_which_it_did_keeps_it() {
    let mut host = Host::new();
    host.look(&inventory());
    let stored = serde_json::to_value(&host.plan).unwrap();
    for key in ["fetches", "rounds", "outcome", "round", "notices"] {
        assert_eq!(stored.get(key), None, "{key}");
    }
    (host.plan.fetches, host.plan.rounds, host.plan.round) = (7, 1, 2);
    host.plan.outcome = Outcome::Failed;
    let stored = serde_json::to_value(&host.plan).unwrap();
    assert_eq!(serde_json::from_value::<Plan>(stored).unwrap(), host.plan);
}

#[test]
fn whoever_waits_for_an_hour_reads_from_when_on_or_that_none_is_left() {
    let said = |opens_ms| Waiting::Hours { opens_ms }.text();
    assert!(
        said(Some(START)).ends_with("it may from 2027-01-04T09:00:00Z"),
        "{}",
        said(Some(START))
    );
    assert!(
        said(None).ends_with("no hour is left to it within two years"),
        "{}",
        said(None)
    );
}

#[test]
fn what_used_the_attempts_up_is_mended_each_in_its_way_and_then_tried_again() {
    let remedy = |last| {
        Reason::AttemptsUsed {
            attempts: 3,
            last,
            detail: String::new(),
        }
        .remedy()
    };
    for (cause, says) in [
        (FailureCause::WrongHash, "gives other bytes"),
        (FailureCause::TooLarge, "gives more bytes"),
        (FailureCause::Network, "let the host reach the source"),
        (FailureCause::DiskFull, "free room on the host"),
        (FailureCause::Locked, "end the other installer"),
        (FailureCause::TimeLimit, "what it waited for"),
        (FailureCause::UnknownStep, "upgrade the agent"),
        (FailureCause::ToolFailed, "read the kept log"),
    ] {
        let said = remedy(Some(cause));
        assert!(
            said.contains(says) && said.ends_with("`cutover hosts retry`"),
            "{cause}: {said}"
        );
    }
    assert!(remedy(None).contains("read the kept log"));
}

#[test]
fn a_look_that_shows_again_what_verifying_found_wanting_is_no_news_and_a_soak_that_broke_begins_anew() {
    let mut host = Host::new();
    host.look(&carrying());
    host.start_and_fetch();
    host.work();
    host.pass(60_000).look(&replaced());
    let Some(Verify::Soaking { until_ms }) = host.plan.verify else {
        panic!("{:?}", host.plan.verify);
    };
    let unwell = with_clamav(inventory(), HealthState::Unhealthy);
    host.pass(60_000).look(&unwell);
    assert!(
        matches!(host.plan.verify, Some(Verify::FirstLook { .. })),
        "{:?}",
        host.plan.verify
    );
    assert_eq!(host.pass(60_000).look(&unwell).events, []);
    host.pass(60_000).look(&replaced());
    assert_eq!(
        host.plan.verify,
        Some(Verify::Soaking {
            until_ms: until_ms + 180_000
        })
    );
}

#[test]
fn where_nothing_is_left_to_do_and_no_restart_is_owed_there_is_no_order_without_steps() {
    let mut host = Host::new();
    host.look(&carrying());
    host.migrate();
    let it = host.plan.assessment.clone().unwrap();
    let steps = super::super::restart::steps(&host.plan, &it, &"clamav".into(), &host.cx());
    assert!(
        matches!(steps, Err(crate::catalog::ComposeError::NothingToDo)),
        "{steps:?}"
    );
}

#[test]
fn a_restart_has_the_limits_of_its_order_whatever_the_campaign_says_since() {
    let mut host = Host::new();
    let mut pending = carrying();
    pending.facts.restart_pending = Some(true);
    host.look(&pending);
    host.start_and_fetch();
    host.report(RecordEvent::StepBegun, 0, None);
    let back_by_ms = host.next_wake().unwrap().at_ms;
    host.campaign.policy.restart_within *= 2;
    host.campaign.policy.restart_time *= 2;
    assert_eq!(host.next_wake().unwrap().at_ms, back_by_ms);
}

#[test]
fn an_order_of_before_there_were_slots_took_the_campaigns() {
    let mut host = Host::new();
    host.look(&carrying());
    host.start_and_fetch();
    let mut stored = serde_json::to_value(&host.plan).unwrap();
    assert!(stored["order"].as_object_mut().unwrap().remove("slots").is_some());
    let read: Plan = serde_json::from_value(stored).unwrap();
    assert_eq!(read.order.unwrap().slots, [IN_FLIGHT]);
}

#[test]
fn a_machine_is_the_organisations_unless_somebody_says_whose_else_it_is() {
    let known = |ownership| Known {
        ownership,
        ..Known::default()
    };
    assert!(known(None).is_ours() && known(Some(Ownership::Corporate)).is_ours());
    assert!(!known(Some(Ownership::Personal)).is_ours() && !known(Some(Ownership::Contractor)).is_ours());
}
