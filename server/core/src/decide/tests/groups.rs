//! Waves, scope, ownership, and what a pause or a stop does.

use super::*;
use crate::{
    coverage::Ownership,
    plan::{OrderEnd, Reason},
    samples::{carrying, instant, tagged},
};

fn with_waves(waves: &str) -> Host {
    let sample = samples::campaign(
        "recovery_target = \"2027-06-30T00:00:00-04:00\"\n[policy]\ngrace = \"0s\"\n[[window]]\ndays = [\"sat\"]\nfrom = \"22:00\"\nto = \"23:00\"\nmatch = { tag = [\"weekend\"] }\n",
    );
    let text = sample.source.replace("[wave]\nname = \"all\"\n", waves);
    let mut host = Host::of(Campaign::parse("waves.toml", &text, 1).unwrap());
    host.waves = Waves::default();
    host
}

const TWO: &str = "[[wave]]\nname = \"pilot\"\nmatch = { tag = [\"pilot\"] }\nlate_joiners = \"approve\"\n[[wave]]\nname = \"rest\"\nmatch = { os_id = [\"debian\"] }\n";

fn describe(host: &mut Host, known: Known) {
    host.send(Input::Described { known });
}

#[test]
fn a_host_is_in_no_wave_that_asks_for_a_look_before_its_first() {
    let mut host = with_waves(TWO);
    assert_eq!(host.plan.wave, crate::campaign::UNMATCHED);
    host.look(&carrying());
    assert_eq!((host.plan.wave.as_str(), host.plan.phase), ("rest", Phase::Planned));
}

#[test]
fn a_queued_host_that_falls_into_a_closed_wave_waits_for_that_one() {
    let mut host = with_waves(TWO);
    host.waves.turn("rest", WaveState::Open);
    host.look(&carrying());
    assert_eq!(host.plan.phase, Phase::Queued);
    describe(&mut host, tagged("pilot"));
    assert_eq!((host.plan.wave.as_str(), host.plan.phase), ("pilot", Phase::Planned));
    assert_eq!(host.waiting(), Some(Waiting::WaveClosed { wave: "pilot".into() }));
    host.waves.turn("pilot", WaveState::Open);
    host.send(Input::WaveOpened);
    assert_eq!(host.plan.phase, Phase::Queued);
    assert!(!host.plan.is_late_joiner, "it was there when the wave opened");
}

#[test]
fn whoever_comes_into_an_open_wave_that_asks_it_waits_for_a_person() {
    let mut host = with_waves(TWO);
    host.waves.turn("pilot", WaveState::Open);
    host.look(&carrying());
    describe(&mut host, tagged("pilot"));
    let cause = ApprovalCause::LateJoiner;
    assert_eq!(host.waiting(), Some(Waiting::Approval { cause }));
    assert!(host.refusal(&start()).contains("approval"));
    host.send(Input::Approved { by: "ann".into() });
    assert_eq!(host.waiting(), Some(Waiting::NextPass));
}

fn start() -> Input {
    Input::Started {
        order_number: 9,
        epoch: 1,
    }
}

#[test]
fn a_wave_is_kept_while_an_order_is_out() {
    let mut host = with_waves(TWO);
    host.waves.turn("rest", WaveState::Open);
    host.look(&carrying());
    host.start_and_fetch();
    describe(&mut host, tagged("pilot"));
    assert_eq!((host.plan.wave.as_str(), host.plan.phase), ("rest", Phase::Migrating));
    assert_eq!(host.plan.known, tagged("pilot"), "what was said is known all the same");
}

#[test]
fn a_server_waits_for_a_person_unless_its_wave_says_otherwise() {
    let mut server = carrying();
    server.facts.roles.push(cutover_proto::inventory::HostRole::Database);
    let mut host = Host::new();
    host.look(&server);
    let cause = ApprovalCause::Class;
    assert_eq!(host.waiting(), Some(Waiting::Approval { cause }));
    let mut host = with_waves("[[wave]]\nname = \"all\"\napproval = false\n");
    host.waves.turn("all", WaveState::Open);
    host.look(&server);
    assert_eq!(host.waiting(), Some(Waiting::NextPass));
}

#[test]
fn a_machine_that_is_not_the_organisations_gets_no_order_and_its_open_one_ends() {
    for ownership in [Ownership::Personal, Ownership::Contractor] {
        let mut host = Host::new();
        host.look(&carrying());
        host.start_and_fetch();
        let known = Known {
            ownership: Some(ownership),
            ..Known::default()
        };
        describe(&mut host, known.clone());
        assert!(host.plan.order_to_cancel().is_some(), "it ends at its next safe point");
        let mut host = Host::new();
        describe(&mut host, known);
        host.look(&carrying());
        assert_eq!(
            (host.plan.phase, host.plan.reason.clone()),
            (Phase::Handwork, Some(Reason::NotOurs { ownership }))
        );
        describe(&mut host, Known::default());
        assert_eq!(host.plan.phase, Phase::Queued, "the record was wrong");
    }
}

#[test]
fn an_order_ends_where_a_rule_turns_out_to_leave_the_host_out() {
    let mut host = Host::new();
    host.look(&carrying());
    host.start();
    describe(&mut host, tagged("kiosk"));
    assert_eq!(host.plan.phase, Phase::OutOfScope, "nobody had the order");
    describe(&mut host, Known::default());
    host.start_and_fetch();
    describe(&mut host, tagged("kiosk"));
    assert_eq!(host.plan.phase, Phase::Migrating);
    assert!(host.plan.order_to_cancel().unwrap().1.contains("kiosks"));
}

#[test]
fn a_pause_takes_back_what_no_host_has_and_leaves_the_rest() {
    let mut host = Host::new();
    host.look(&carrying());
    host.start();
    host.run = RunState::Paused;
    host.send(Input::Halted);
    assert_eq!(host.plan.phase, Phase::Queued);
    assert_eq!(host.waiting(), Some(Waiting::Halted { run: RunState::Paused }));
    assert!(host.refusal(&start()).contains("paused"));
    host.run = RunState::Running;
    host.start_and_fetch();
    host.run = RunState::Paused;
    host.send(Input::Halted);
    assert!(host.plan.order_to_cancel().is_none());
}

#[test]
fn a_stop_ends_what_hosts_have_too_and_uses_no_attempt() {
    let mut host = Host::new();
    host.look(&carrying());
    host.start_and_fetch();
    host.run = RunState::Stopped;
    host.send(Input::Halted);
    assert!(host.plan.order_to_cancel().is_some());
    let used = host.plan.attempts_used;
    host.report(RecordEvent::OrderCancelled, 0, None);
    let ended = host.events.iter().any(|event| {
        matches!(
            event.fact,
            Fact::OrderEnded {
                end: OrderEnd::Cancelled,
                used_attempt: false,
                ..
            }
        )
    });
    assert!(ended && host.plan.attempts_used == used, "{}", host.told());
    host.run = RunState::Running;
    assert!(host.refusal(&Input::Halted).contains("runs by its row"));
}

#[test]
fn nothing_starts_outside_the_hours_that_are_for_the_host() {
    let mut host = with_waves("[[wave]]\nname = \"all\"\n");
    host.waves.turn("all", WaveState::Open);
    host.look(&carrying());
    assert_eq!(host.waiting(), Some(Waiting::NextPass), "no window is for it");
    describe(&mut host, tagged("weekend"));
    let opens_ms = Some(instant("2027-01-09T22:00:00Z"));
    assert_eq!(host.waiting(), Some(Waiting::Hours { opens_ms }));
    assert!(host.refusal(&start()).contains("no work starts at this hour"));
    // The clock on its wall decides, where it tells it.
    let mut in_samoa = carrying();
    in_samoa.facts.time_zone = "Pacific/Apia".to_owned();
    host.look(&in_samoa);
    let opens_ms = Some(instant("2027-01-09T09:00:00Z"));
    assert_eq!(host.waiting(), Some(Waiting::Hours { opens_ms }));
    host.look(&carrying());
    host.now_ms = instant("2027-01-09T22:30:00Z");
    host.last_seen_ms = host.now_ms;
    assert_eq!(host.waiting(), Some(Waiting::NextPass));
    host.start();
    assert_eq!(host.plan.phase, Phase::Migrating);
}

#[test]
fn a_halted_wave_refuses_a_start_that_was_chosen_before() {
    let mut host = Host::new();
    host.look(&carrying());
    let cause = crate::rollout::Cause::NotBack { hosts: 2 };
    let tripped = Breaker::default().tripped(cause, host.now_ms);
    host.breakers.set("all", tripped);
    assert!(host.refusal(&start()).contains("halted: 2 hosts did not come back"));
    assert!(matches!(host.waiting(), Some(Waiting::Tripped { .. })));
}

#[test]
fn a_plan_of_a_closed_campaign_stands_still_whatever_comes_and_refuses_what_people_ask() {
    let mut host = Host::new();
    host.look(&carrying());
    let before = host.plan.clone();
    host.run = RunState::Closed;
    let mut gone = carrying();
    gone.boot_id = "boot-2".to_owned();
    for decision in [host.look(&gone), host.check_in(), host.send(Input::Concluded)] {
        assert_eq!(decision, Decision::default());
    }
    host.pass(365 * DAY);
    let last_seen_ms = host.last_seen_ms;
    let woke = host.send(Input::Woke { last_seen_ms });
    assert_eq!(
        woke,
        Decision::default(),
        "no silence is judged, and no alarm is raised"
    );
    assert!(host.refusal(&start()).contains("closed"));
    let retired = Input::Retired {
        by: "ann".into(),
        why: "scrapped".into(),
    };
    assert!(host.refusal(&retired).contains("the campaign is closed"));
    assert_eq!(host.plan, before);
}
