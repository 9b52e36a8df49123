//! Hosts that do not go the straight way by themselves.

use cutover_proto::{
    inventory::DiskEncryption,
    record::RecordEvent,
    rule::{Role, Rule},
    verdict::{Protection, Verdict},
};

use super::*;
use crate::{
    plan::{Cover, Owner, Reason, Spent},
    samples::{carrying, inventory, replaced, sighting, with},
};

fn encrypted(encryption: DiskEncryption) -> Inventory {
    let mut inventory = carrying();
    inventory.facts.encryption = encryption;
    inventory
}

#[test]
fn encryption_blocks_and_nobody_forces_past_it() {
    let mut host = Host::new();
    host.look(&encrypted(DiskEncryption::ByTarget));
    assert_eq!(
        (host.plan.phase, host.plan.reason.clone()),
        (Phase::Blocked, Some(Reason::EncryptedByTarget))
    );
    assert!(
        host.refusal(&Input::Retried { by: "ann".into() })
            .contains("never be forced")
    );
    host.refusal(&Input::Started {
        order_number: 1,
        epoch: 1,
    });
    host.look(&encrypted(DiskEncryption::Unknown));
    assert_eq!(host.plan.reason, Some(Reason::EncryptionUnknown));
    host.look(&carrying());
    host.migrate();
}

#[test]
fn disks_that_turn_out_encrypted_end_the_order() {
    let mut host = Host::new();
    host.look(&carrying());
    host.start();
    host.look(&encrypted(DiskEncryption::ByTarget));
    assert_eq!(
        (host.plan.phase, host.plan.order.clone()),
        (Phase::Blocked, None),
        "not fetched: withdrawn"
    );
    host.look(&carrying());
    host.start_and_fetch();
    let decision = host.look(&encrypted(DiskEncryption::ByTarget));
    assert!(
        decision
            .effects
            .iter()
            .any(|it| matches!(it, Effect::CancelOrder { .. }))
    );
    assert_eq!(host.look_again().effects, [], "asked once");
    host.report(RecordEvent::OrderCancelled, 0, None);
    assert_eq!(host.plan.phase, Phase::Blocked);
}

#[test]
fn a_failed_look_is_unassessed_with_reason_owner_and_remedy() {
    let mut host = Host::new();
    assert!(matches!(host.waiting(), Some(Waiting::Stuck(Reason::NoInventory))));
    host.look(&with(inventory(), "kesl", Verdict::Unknown));
    assert_eq!(host.plan.phase, Phase::Unassessed);
    let waiting = host.waiting().unwrap();
    assert!(
        waiting.text().contains("dpkg status could not be read"),
        "{}",
        waiting.text()
    );
    assert!(!waiting.remedy().is_empty());
    // After a target was seen, an unknown is no absence either.
    host.look(&carrying());
    host.look(&with(inventory(), "kesl", Verdict::Unknown));
    assert_eq!(host.plan.phase, Phase::Unassessed);
    host.look(&carrying());
    host.migrate();
    host.look(&with(replaced(), "kesl", Verdict::Unknown));
    assert_eq!(host.plan.phase, Phase::Unassessed);
    host.look(&replaced());
    host.confirm();
    assert_eq!(host.plan.regressions, 0);
}

#[test]
fn a_target_that_vanished_without_a_replacement_gets_one() {
    let mut host = Host::new();
    host.look(&carrying());
    host.look(&inventory());
    assert_eq!(host.plan.phase, Phase::Queued);
    host.migrate();
}

#[test]
fn a_product_that_nobody_approved_in_the_targets_place_is_unplanned() {
    let mut host = Host::new();
    let intruder = "schema = 1\nproduct = \"ultraav\"\nname = \"UltraAV\"\nrole = \"unapproved\"\nscope = \"exempt\"\n\
        protection = \"none\"\nsources = [\"x\"]\n[[look]]\nos = \"linux\"\nkind = \"package\"\nneed = \"required\"\n\
        shows = \"installed\"\nnames = [\"ultraav\"]\n";
    let rule = Rule::parse("ultraav.toml", intruder).unwrap();
    assert_eq!(rule.role, Role::Unapproved);
    host.catalog.rules.insert(rule.product.clone(), rule);
    host.look(&carrying());
    let mut swapped = inventory();
    swapped.sightings.push(sighting("ultraav", Verdict::Running));
    host.look(&swapped);
    assert_eq!(host.plan.phase, Phase::Unplanned);
    assert!(host.plan.reason.as_ref().unwrap().text().contains("ultraav"));
    host.look(&inventory());
    assert_eq!(host.plan.phase, Phase::Queued);
}

#[test]
fn what_no_rule_recipe_or_grade_fits_is_unplanned_with_a_remedy() {
    let mut host = Host::new();
    let mut other = carrying();
    other.facts.os_id = "arch".to_owned();
    host.look(&other);
    assert_eq!(host.plan.reason, Some(Reason::NoReplacementRule));
    let mut unpackaged = carrying();
    for sighting in &mut unpackaged.sightings {
        sighting.evidence.clear();
    }
    host.look(&unpackaged);
    assert!(
        matches!(host.plan.reason, Some(Reason::NoRecipe { .. })),
        "{:?}",
        host.plan.reason
    );
    host.campaign.accepted_grades.clear();
    host.campaign.version = 2;
    host.look(&carrying());
    assert_eq!(host.plan.phase, Phase::Unplanned);
    assert!(
        host.plan
            .reason
            .as_ref()
            .unwrap()
            .remedy()
            .contains("accepted_grades = [\"on-demand\"]")
    );
    host.campaign.accepted_grades.push(Protection::OnDemand);
    host.campaign.version = 3;
    host.send(Input::CampaignChanged { assessment: None });
    assert_eq!((host.plan.phase, host.plan.campaign_version), (Phase::Queued, 3));
}

#[test]
fn what_others_remove_is_handwork_after_ours_is_done_and_is_migrated_once_it_is_gone() {
    let beside = |inventory| with(inventory, "epagent", Verdict::Installed);
    let mut host = Host::new();
    host.look(&beside(carrying()));
    assert_eq!(host.plan.phase, Phase::Queued, "ours goes first");
    host.start_and_fetch();
    host.work();
    host.pass(HOUR).look(&beside(replaced()));
    assert_eq!(
        (host.plan.phase, host.plan.attempts_used, host.plan.order.is_none()),
        (Phase::Handwork, 0, true)
    );
    let reason = host.plan.reason.clone().unwrap();
    assert_eq!(reason.text(), "no work order removes epagent: it goes by hand");
    assert!(
        reason.remedy().contains("machine's package manager"),
        "{}",
        reason.remedy()
    );
    assert_eq!(reason.owner(), Owner::Technician);
    let stored = serde_json::to_string(&reason).unwrap();
    assert_eq!(serde_json::from_str::<Reason>(&stored).unwrap(), reason, "{stored}");
    let cause = crate::blockers::cause(&host.plan, &host.campaign).unwrap();
    assert_eq!(
        (cause.key.as_str(), cause.owner),
        ("handwork/by-others/epagent", Owner::Technician)
    );
    // However often it is looked at, no order follows, and nobody is migrated.
    for _ in 0..5 {
        host.pass(DAY).look(&beside(replaced()));
        host.wake();
        assert_eq!((host.plan.phase, host.plan.attempts_used), (Phase::Handwork, 0));
    }
    host.pass(HOUR).look(&replaced());
    assert_eq!(host.plan.phase, Phase::Verifying);
}

#[test]
fn an_order_that_left_something_of_ours_is_not_confirmed_though_others_have_work_there_too() {
    let beside = |inventory| with(inventory, "epagent", Verdict::Installed);
    let mut host = Host::new();
    host.look(&beside(carrying()));
    host.start_and_fetch();
    host.work();
    host.pass(HOUR).look(&beside(carrying()));
    assert_eq!((host.plan.phase, host.plan.attempts_used), (Phase::Queued, 1));
}

#[test]
fn what_a_person_calls_removed_and_a_look_still_shows_stays_handwork() {
    let beside = |inventory| with(inventory, "epagent", Verdict::Installed);
    let mut host = Host::new();
    host.look(&beside(replaced()));
    assert_eq!(host.plan.phase, Phase::Handwork);
    host.look(&replaced());
    assert_eq!(host.plan.phase, Phase::Verifying);
    host.pass(HOUR).look(&beside(replaced()));
    assert_eq!((host.plan.phase, host.plan.attempts_used), (Phase::Handwork, 0));
}

#[test]
fn a_part_of_another_product_is_the_vendors_work() {
    let mut host = Host::new();
    host.look(&with(inventory(), "kesl", Verdict::Embedded));
    assert_eq!(host.plan.phase, Phase::Handwork);
    assert!(host.plan.ever_carried);
    host.send(Input::HandworkDone {
        by: "bob".into(),
        evidence: "vendor's update".into(),
    });
    host.check_in();
    host.look(&with(inventory(), "kesl", Verdict::Embedded));
    assert_eq!(host.plan.phase, Phase::Handwork, "{}", host.told());
    host.look(&replaced());
    host.confirm();
    assert_eq!(host.plan.phase, Phase::Migrated);
}

#[test]
fn modes_and_grace_hold_starts_back_with_their_reasons() {
    let start = Input::Started {
        order_number: 1,
        epoch: 1,
    };
    let mut host = Host::of(Campaign {
        notice: None,
        ..Campaign::preset().unwrap()
    });
    host.campaign.accepted_grades.push(Protection::OnDemand);
    host.look(&carrying());
    assert_eq!(
        (host.plan.phase, host.waiting()),
        (Phase::Planned, Some(Waiting::ObserveMode))
    );
    assert_eq!(host.send(Input::WaveOpened).events, []);

    host.campaign.mode = crate::campaign::Mode::Approve;
    host.turn_wave(WaveState::Closed);
    host.check_in();
    assert_eq!(host.waiting(), Some(Waiting::WaveClosed { wave: "all".into() }));
    assert!(host.refusal(&Input::WaveOpened).contains("closed"));
    host.turn_wave(WaveState::Open);
    host.send(Input::WaveOpened);
    assert_eq!(
        (host.plan.phase, host.waiting()),
        (
            Phase::Queued,
            Some(Waiting::Approval {
                cause: ApprovalCause::Mode
            })
        )
    );
    assert!(host.refusal(&start).contains("approval"));
    host.send(Input::Approved { by: "ann".into() });
    assert!(host.refusal(&start).contains("grace"));
    let Some(Waiting::Grace { until_ms }) = host.waiting() else {
        panic!("{:?}", host.waiting())
    };
    assert_eq!(until_ms, START + 3 * DAY);
    host.now_ms = until_ms;
    host.turn_wave(WaveState::Paused);
    host.check_in();
    assert!(host.refusal(&start).contains("paused"));
    host.turn_wave(WaveState::Open);
    host.migrate();
}

#[test]
fn a_stale_host_is_unobserved_and_gets_grace_when_it_comes_back() {
    let mut host = Host::of(samples::campaign("[policy]\nstale_after = \"2d\"\n"));
    host.look(&carrying());
    let seen_ms = host.last_seen_ms;
    host.pass(DAY).last_seen_ms += DAY;
    let asleep = host.send(Input::Woke {
        last_seen_ms: seen_ms + DAY,
    });
    assert_eq!(asleep.events, [], "seen since: re-armed without an event");
    host.wake();
    assert!(host.plan.stale && host.plan.bucket().stale);
    assert_eq!(host.plan.account.cover, Cover::Unobserved);
    assert_eq!(
        host.plan.account.since_ms,
        seen_ms + DAY,
        "unobserved since it was last heard of"
    );
    host.pass(10 * DAY).look_again();
    assert!(!host.plan.stale);
    assert_eq!(host.plan.grace_from_ms, host.now_ms);
    assert_eq!(host.plan.account.cover, Cover::Protected);
}

#[test]
fn the_protection_gap_is_told_from_step_to_step() {
    let mut host = Host::new();
    let clamav = cutover_proto::ids::ProductId::new("clamav");
    let recipe = host.catalog.recipes.get_mut(&clamav).unwrap();
    recipe.install.as_mut().unwrap().beside = crate::catalog::Beside::Never;
    host.pass(10_000).look(&carrying());
    host.start_and_fetch();
    host.work();
    // fetch, gui, kesl | klnagent64, install, test | ...: two seconds each from the removal to the proof.
    let spent = host.plan.account.at(host.now_ms);
    assert_eq!(spent.unprotected_ms, 6_000);
    assert_eq!(spent.unobserved_ms, 10_000);
    assert_eq!(spent.total_ms(), host.now_ms - START);
    host.confirm();
    assert_eq!(host.plan.account.at(host.now_ms).unprotected_ms, 6_000);
}

#[test]
fn where_the_replacement_comes_first_there_is_no_gap() {
    let mut host = Host::new();
    host.look(&carrying());
    host.migrate();
    let spent = host.plan.account.at(host.now_ms);
    assert_eq!(
        spent,
        Spent {
            protected_ms: host.now_ms - START,
            ..Spent::default()
        }
    );
}

#[test]
fn repeated_late_and_reordered_records_change_nothing() {
    let mut host = Host::new();
    host.look(&carrying());
    host.start_and_fetch();
    let first = host.record(RecordEvent::OrderAccepted, 0, None);
    host.send(Input::Recorded(Box::new(first.clone())));
    assert_eq!(host.send(Input::Recorded(Box::new(first))).events, [], "repeated");
    let mut ahead = host.record(RecordEvent::OrderCompleted, 0, None);
    ahead.sequence += 1;
    assert_eq!(host.send(Input::Recorded(Box::new(ahead))).events, [], "ahead of a gap");
    let mut other = host.record(RecordEvent::OrderCompleted, 0, None);
    other.order_number += 1;
    assert_eq!(
        host.send(Input::Recorded(Box::new(other))).events,
        [],
        "of another order"
    );
    assert_eq!(
        host.send(Input::OrderFetched { number: 1 }).events,
        [],
        "fetched before"
    );
    let mut foreign = host.record(RecordEvent::OrderAccepted, 0, None);
    foreign.host_id = "01890000-0000-7000-8000-000000000002".parse().unwrap();
    assert!(host.refusal(&Input::Recorded(Box::new(foreign))).contains("another") || host.plan.order.is_some());
    let late = Input::CheckedIn {
        looked_at_ms: Some(host.looked_at_ms - 5),
        boot_id: "boot-1".into(),
        running: None,
    };
    assert_eq!(host.send(late).events, [], "an older look");
}

#[test]
fn a_restart_is_seen_by_a_new_kernel_session_and_one_that_never_ends_is_a_persons_work() {
    let restart = |host: &mut Host| {
        host.look(&carrying());
        host.start();
        let order = host.plan.order.as_mut().unwrap();
        order.steps.push(cutover_proto::step::Step {
            action: cutover_proto::step::Action::Restart {
                reason: "drivers".into(),
                notice: std::time::Duration::from_secs(300),
                defer: std::time::Duration::from_secs(86_400),
            },
            time_limit: std::time::Duration::from_secs(60),
            safe_point_after: true,
        });
        let last = u32::try_from(order.steps.len() - 1).unwrap();
        host.report(RecordEvent::StepBegun, last, None);
        assert_eq!(host.plan.phase, Phase::Rebooting);
        last
    };
    let mut host = Host::new();
    let last = restart(&mut host);
    host.check_in();
    assert_eq!(host.plan.phase, Phase::Rebooting, "the same session is no restart");
    let boot_id = "boot-2".to_owned();
    host.send(Input::CheckedIn {
        looked_at_ms: Some(host.looked_at_ms),
        boot_id,
        running: Some(1),
    });
    assert_eq!(host.plan.phase, Phase::Migrating);
    host.report(RecordEvent::StepDone, last, None);
    host.report(RecordEvent::OrderCompleted, 0, None);
    assert_eq!(host.plan.phase, Phase::Verifying);

    let mut host = Host::new();
    restart(&mut host);
    host.wake();
    assert_eq!(host.plan.phase, Phase::Handwork);
    assert!(matches!(host.plan.reason, Some(Reason::RestartOverdue { .. })));
}

#[test]
fn leaving_and_coming_again() {
    let mut host = Host::new();
    host.look(&carrying());
    assert!(host.refusal(&Input::Concluded).contains("retire it"));
    host.migrate();
    host.send(Input::Concluded);
    assert_eq!((host.plan.phase, host.next_wake()), (Phase::Concluded, None));
    let news = Input::CheckedIn {
        looked_at_ms: None,
        boot_id: String::new(),
        running: None,
    };
    assert!(host.refusal(&news).contains("enrol it again"));
    host.send(Input::Enrolled {
        known: Known {
            site: "berlin".into(),
            ..Known::default()
        },
    });
    assert_eq!(
        (host.plan.phase, host.plan.site.as_str()),
        (Phase::Unassessed, "berlin")
    );
    assert!(host.plan.ever_carried);
    host.look(&carrying());
    host.start_and_fetch();
    let decision = host.send(Input::Retired {
        by: "ann".into(),
        why: "scrapped, form 12".into(),
    });
    assert!(decision.effects.iter().any(|it| matches!(it, Effect::FreeSlots { .. })));
    assert_eq!((host.plan.phase, host.plan.order.clone()), (Phase::Retired, None));
}

#[test]
fn before_enrolment_nothing_is_taken() {
    let mut host = Host::new();
    host.plan = Plan::unborn(samples::host(), CampaignId::new("c"));
    assert!(host.refusal(&Input::WaveOpened).contains("enrol"));
    let event = Event {
        at_ms: 0,
        fact: Fact::SeenAgain,
    };
    assert_eq!(apply(&host.plan, &event), Err(ApplyError::NotEnrolled("seen-again")));
}
