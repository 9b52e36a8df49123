//! When a host's agent is asked to leave, and when not.

use std::time::Duration;

use cutover_proto::{inventory::Inventory, verdict::HealthState};

use super::*;
use crate::{
    campaign::Mode,
    leaving::{Stays, stays},
    plan::{Exemption, Hold, HoldKind, Personal, Pool},
    samples::{carrying, inventory, replaced, with_clamav},
};

const AFTER: i64 = 30 * DAY;

/// A migrated host of a campaign whose agents leave after thirty days.
fn migrated() -> Host {
    let mut host = Host::new();
    host.campaign.policy.retire = Some(Duration::from_hours(30 * 24));
    host.look(&carrying());
    host.migrate();
    assert_eq!(host.plan.phase, Phase::Migrated);
    host
}

/// The same on the day.
fn due() -> Host {
    let mut host = migrated();
    host.pass(AFTER);
    assert_eq!(host.stays(), None);
    host
}

impl Host {
    fn stays(&self) -> Option<Stays> {
        stays(&self.plan, &self.campaign, self.run, self.now_ms)
    }

    fn busy(&self) -> &'static str {
        match self.stays() {
            Some(Stays::Busy(why)) => why,
            other => panic!("not busy: {other:?}"),
        }
    }
}

#[test]
fn a_migrated_host_is_asked_when_its_time_is_over_and_not_a_moment_earlier() {
    let mut host = migrated();
    let since_ms = host.plan.phase_since_ms;
    assert_eq!(host.stays(), Some(Stays::Until(since_ms + AFTER)));
    host.pass(since_ms + AFTER - 1 - host.now_ms);
    assert!(host.stays().is_some());
    host.pass(1);
    assert_eq!(host.stays(), None);
    host.send(Input::Concluded);
    assert_eq!(host.stays(), Some(Stays::NotMigrated(Phase::Concluded)));
    assert_eq!(host.next_wake(), None);
}

#[test]
fn nobody_is_asked_where_the_campaign_does_not_say_so() {
    let mut host = due();
    host.campaign.policy.retire = None;
    assert_eq!(host.stays(), Some(Stays::Never));
    let mut host = due();
    host.campaign.mode = Mode::Observe;
    assert_eq!(host.stays(), Some(Stays::Observes));
    for run in [RunState::Paused, RunState::Stopped, RunState::Closed] {
        let mut host = due();
        host.run = run;
        assert_eq!(host.stays(), Some(Stays::Halted(run)));
    }
}

#[test]
fn a_clear_host_and_one_that_still_carries_its_target_are_never_asked() {
    let ends: [(Inventory, Phase); 2] = [(inventory(), Phase::Clear), (carrying(), Phase::Queued)];
    for (seen, phase) in ends {
        let mut host = Host::new();
        host.campaign.policy.retire = Some(Duration::from_hours(1));
        host.look(&seen);
        host.pass(AFTER);
        assert_eq!(host.stays(), Some(Stays::NotMigrated(phase)));
    }
}

#[test]
fn a_host_that_is_held_or_exempt_is_not_asked() {
    let somebody = || Personal::from("ann");
    for kind in HoldKind::ALL {
        let mut host = due();
        host.send(Input::HoldPlaced(Hold {
            kind: *kind,
            who: somebody(),
            why: somebody(),
            until_ms: None,
        }));
        assert_eq!(host.busy(), "it is held");
        host.send(Input::HoldLifted {
            kind: *kind,
            by: somebody(),
        });
        assert_eq!(host.stays(), None);
    }
    let mut host = due();
    host.send(Input::HeldLocally {
        why: Some("a freeze".to_owned()),
    });
    assert_eq!(host.busy(), "a hold on the machine itself is set");
    let mut host = due();
    host.send(Input::Exempted(Exemption {
        why: somebody(),
        owner: somebody(),
        control: None,
        until_ms: None,
        by: None,
    }));
    assert_eq!(host.stays(), Some(Stays::NotMigrated(Phase::Exempt)));
}

#[test]
fn a_host_whose_target_came_back_is_not_asked_until_somebody_has_said_what_put_it_there() {
    let mut host = due();
    host.look(&carrying());
    assert_eq!(host.stays(), Some(Stays::NotMigrated(Phase::Queued)));
    host.migrate();
    host.pass(AFTER);
    assert!(host.busy().starts_with("its target came back"));

    host.look(&carrying());
    assert_eq!(host.plan.phase, Phase::Handwork);
    host.send(Input::HandworkDone {
        by: "ann".into(),
        evidence: "the console's task is off".into(),
    });
    host.pass(HOUR).look(&replaced());
    host.confirm();
    host.pass(2 * DAY).look(&replaced());
    assert_eq!(host.plan.phase, Phase::Migrated, "{}", host.told());
    host.pass(AFTER);
    assert_eq!(host.stays(), None, "a person has acted on it");
}

#[test]
fn a_host_on_which_something_is_open_is_not_asked() {
    let mut host = due();
    host.look(&with_clamav(inventory(), HealthState::Unhealthy));
    assert_eq!(host.busy(), "its replacement is not healthy");
    host.look(&replaced());
    assert_eq!(host.stays(), None);

    let mut host = due();
    host.send(Input::JournalDistrusted {
        fault: crate::plan::JournalFault::Lost,
    });
    assert!(host.stays().is_some());

    let mut host = due();
    host.plan.pool = Some(Pool {
        name: "kiosks".to_owned(),
        owner: "desktops".into(),
        within: Duration::from_hours(24),
    });
    assert_eq!(host.busy(), "its machines come and go from an image");
}

#[test]
fn why_says_when_an_agent_leaves_and_that_a_host_is_watched_no_longer() {
    let mut host = migrated();
    let ahead = |host: &Host| {
        let contact = waiting::Contact {
            last_ms: host.now_ms,
            every_ms: HOUR,
        };
        waiting::ahead(&host.plan, None, contact, &host.campaign, &[], host.now_ms).join("\n")
    };
    let told = ahead(&host);
    assert!(told.contains("its agent is asked to leave from 2027-"), "{told}");
    host.pass(AFTER);
    assert!(ahead(&host).contains("its agent is asked to leave, if it can"));
    host.send(Input::Concluded);
    let reason = host.plan.reason.as_ref().map(crate::plan::Reason::text).unwrap();
    assert_eq!(
        reason,
        "proven on 2027-02-04T09:02:20Z, when its agent left with a last signed statement; it is watched no longer"
    );
}
