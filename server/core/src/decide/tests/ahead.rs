//! What is said of what lies ahead of a host, held against what then comes.

use super::*;
use crate::waiting::{Contact, ahead};

impl Host {
    fn ahead(&self) -> [String; 3] {
        let contact = Contact {
            last_ms: self.last_seen_ms,
            every_ms: 360_000,
        };
        let waiting = self.waiting();
        let lines = ahead(
            &self.plan,
            waiting.as_ref(),
            contact,
            &self.campaign,
            &self.outages,
            self.now_ms,
        );
        lines.try_into().unwrap_or_else(|lines| panic!("not three: {lines:?}"))
    }

    fn then(&self) -> String {
        self.ahead()[1].clone()
    }
}

#[test]
fn the_next_contact_is_due_within_an_interval_and_late_after_it() {
    let mut host = Host::new();
    host.look(&samples::carrying());
    assert_eq!(host.ahead()[0], "next contact: by 2027-01-04T09:06:00Z");
    host.pass(360_001);
    assert_eq!(
        host.ahead()[0],
        "next contact: was due by 2027-01-04T09:06:00Z; whenever it comes back"
    );
}

#[test]
fn what_the_next_contact_brings_is_said_on_the_whole_way() {
    let mut host = Host::of(samples::campaign(
        "recovery_target = \"2027-06-30T00:00:00-04:00\"\n[policy]\ngrace = \"0s\"\nsoak = \"24h\"\n",
    ));
    assert!(host.then().contains("a look is asked for"), "{}", host.then());
    host.turn_wave(WaveState::Closed);
    host.look(&samples::carrying());
    assert!(
        host.then().contains("nothing starts before wave all opens"),
        "{}",
        host.then()
    );
    host.turn_wave(WaveState::Open);
    host.send(Input::WaveOpened);
    assert!(
        host.then().contains("the work order that it gets by then"),
        "{}",
        host.then()
    );
    host.start();
    assert!(host.then().contains("work order 1 goes to it"), "{}", host.then());
    host.send(Input::OrderFetched { number: 1 });
    assert!(host.then().contains("how far work order 1 is"), "{}", host.then());
    host.work();
    assert!(host.then().contains("a fresh look is asked for"), "{}", host.then());
    host.pass(60_000).look(&samples::replaced());
    assert_eq!(host.plan.phase, Phase::Verifying);
    assert!(
        host.then().contains("once they held until 2027-01-05T09:01"),
        "{}",
        host.then()
    );
    host.wake();
    host.check_in();
    host.pass(60_000).look_again();
    assert_eq!(host.plan.phase, Phase::Migrated);
    assert!(host.then().contains("whether the target came back"), "{}", host.then());
}

#[test]
fn a_machine_that_is_to_restart_says_so_or_that_it_did() {
    let mut host = Host::new();
    let mut pending = samples::carrying();
    pending.facts.restart_pending = Some(true);
    host.look(&pending);
    host.start_and_fetch();
    host.report(RecordEvent::StepBegun, 0, None);
    assert_eq!(host.plan.phase, Phase::Rebooting);
    assert!(
        host.then().contains("it says when it restarts, or that it did"),
        "{}",
        host.then()
    );
}

#[test]
fn a_host_that_may_not_start_yet_is_told_from_when_on() {
    let mut host = Host::of(samples::campaign("recovery_target = \"2027-06-30T00:00:00-04:00\"\n"));
    host.look(&samples::carrying());
    assert_eq!(host.plan.phase, Phase::Queued);
    assert!(
        host.then().ends_with("nothing starts before 2027-01-07T09:00:00Z"),
        "three working days of grace: {}",
        host.then()
    );
}

#[test]
fn what_comes_without_a_contact_is_the_next_wake_and_comes() {
    let mut host = Host::new();
    host.look(&samples::carrying());
    host.start();
    assert_eq!(
        host.ahead()[2],
        "without it: at 2027-01-04T09:10:00Z its work order is taken back, and no attempt is used"
    );
    host.wake();
    assert_eq!((host.now_ms, host.plan.attempts_used), (START + 600_000, 0));
    assert!(host.plan.order.is_none());
    assert!(host.ahead()[2].ends_with("it counts as unknown"), "{}", host.ahead()[2]);
    host.wake();
    assert!(host.plan.stale);
    assert!(host.then().contains("takes its turn again"), "{}", host.then());
    assert_eq!(host.ahead()[2], "without it: it stays unknown");
}

#[test]
fn nothing_lies_ahead_of_a_host_that_is_watched_no_longer() {
    let mut host = Host::new();
    host.look(&samples::carrying());
    host.send(Input::Retired {
        by: "admin".into(),
        why: "scrapped".into(),
    });
    let contact = Contact {
        last_ms: host.last_seen_ms,
        every_ms: 360_000,
    };
    assert_eq!(
        ahead(&host.plan, None, contact, &host.campaign, &[], host.now_ms),
        Vec::<String>::new()
    );
}
