//! Machines at which several people work, and machines at which nobody does.

use std::time::Duration;

use cutover_proto::{
    record::RecordEvent,
    step::{Action, Step},
};

use super::*;
use crate::{
    blockers::cause,
    forecast,
    plan::Owner,
    samples::{carrying, instant, tagged},
};

const MINUTE: i64 = 60_000;

/// A host of that use, in a campaign with these rules before its wave.
fn host(usage: &str, rules: &str) -> Host {
    let mut host = Host::of(samples::campaign(&format!(
        "recovery_target = \"2027-06-30T00:00:00-04:00\"\n[policy]\ngrace = \"0s\"\n{rules}"
    )));
    host.send(Input::Described {
        known: tagged(&format!("use={usage}")),
    });
    host
}

fn start() -> Input {
    Input::Started {
        order_number: 9,
        epoch: 1,
    }
}

/// Notice and deferral of the restart in the open order.
fn restart(host: &Host) -> (Duration, Duration) {
    let restart = |step: &Step| {
        if let Action::Restart { notice, defer, .. } = &step.action {
            Some((*notice, *defer))
        } else {
            None
        }
    };
    let order = host.plan.order.as_ref().unwrap();
    order.steps.iter().find_map(restart).unwrap()
}

/// A host on which something already waits for a restart, so that its first order is one.
fn with_restart() -> Inventory {
    let mut inventory = carrying();
    inventory.facts.restart_pending = Some(true);
    inventory
}

#[test]
fn where_several_people_work_a_person_lets_it_start_and_none_of_them_puts_the_restart_off() {
    let mut host = host("multi-session", "");
    host.look(&with_restart());
    let cause = ApprovalCause::MultiSession;
    assert_eq!(host.waiting(), Some(Waiting::Approval { cause }));
    assert!(host.refusal(&start()).contains("approval"));
    host.send(Input::Approved { by: "ann".into() });
    host.start_and_fetch();
    assert_eq!(restart(&host), (Duration::from_mins(5), Duration::ZERO));
    host.report(RecordEvent::OrderAccepted, 0, None);
    host.report(RecordEvent::StepBegun, 0, None);
    let mut told = host.record(RecordEvent::RestartNoticed, 0, None);
    told.until_ms = Some(host.now_ms + 5 * MINUTE);
    host.send(Input::Recorded(Box::new(told)));
    let waiting = host.waiting().unwrap();
    assert!(
        waiting.text().contains("nobody at the machine may put it off"),
        "{}",
        waiting.text()
    );
    assert_eq!((waiting.owner(), waiting.remedy().as_str()), (Owner::Agent, ""));
}

#[test]
fn a_wave_may_let_them_start_all_the_same() {
    let mut campaign = samples::campaign("[policy]\ngrace = \"0s\"\n");
    campaign.waves[0].approval = Some(false);
    let mut host = Host::of(campaign);
    host.send(Input::Described {
        known: tagged("use=multi-session"),
    });
    host.look(&carrying());
    assert_eq!(host.waiting(), Some(Waiting::NextPass));
}

#[test]
fn a_kiosk_without_a_window_waits_and_says_so() {
    let mut host = host("kiosk", "");
    host.look(&carrying());
    assert_eq!(host.waiting(), Some(Waiting::NoWindow));
    let waiting = host.waiting().unwrap();
    assert!(waiting.text().contains("no [[window]]") && waiting.remedy().contains("use=kiosk"));
    assert!(host.refusal(&start()).contains("no [[window]]"));
    assert_eq!(crate::rollout::ready_at_ms(&host.plan, &host.campaign), i64::MAX);
    assert_eq!(forecast::late(&host.plan, &host.campaign, host.now_ms), Some(true));
    assert_eq!(cause(&host.plan, &host.campaign).unwrap().key, "queued/no-window");
    host.send(Input::Described {
        known: Known::default(),
    });
    assert_eq!(
        host.waiting(),
        Some(Waiting::NextPass),
        "somebody works there after all"
    );
}

#[test]
fn a_kiosk_starts_within_its_window_and_is_asked_nothing() {
    let window = "[[window]]\ndays = [\"sat\"]\nfrom = \"22:00\"\nto = \"23:00\"\nmatch = { use = [\"kiosk\"] }\n";
    let mut host = host("kiosk", window);
    host.look(&with_restart());
    let opens_ms = Some(instant("2027-01-09T22:00:00Z"));
    assert_eq!(host.waiting(), Some(Waiting::Hours { opens_ms }));
    host.now_ms = instant("2027-01-09T22:30:00Z");
    host.last_seen_ms = host.now_ms;
    host.start_and_fetch();
    assert_eq!(restart(&host), (Duration::ZERO, Duration::ZERO));
}
