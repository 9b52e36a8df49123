//! Configuration is written, services are started and waited for.

use std::fs;

use cutover_proto::{
    record::{FailureCause, RecordEvent},
    step::Action,
    verdict::HealthState,
};

use super::{
    super::End,
    kill::{check_records, to_the_end},
    world::{APT, World, words},
};
use crate::{detect::RuleSet, host::sandbox::Behaviour};

const CONF: &str = "/etc/clamav/freshclam.conf";

fn write(mirror: &str) -> Action {
    let rules = RuleSet::built_in();
    let config = rules
        .rule(&"clamav-daemon".into())
        .and_then(|rule| rule.config_at(CONF))
        .unwrap();
    let settings = [("private-mirror".to_owned(), vec![mirror.to_owned()])];
    Action::WriteConfig {
        product: "clamav-daemon".into(),
        path: CONF.to_owned(),
        contents: config.fill(&settings.into()).unwrap(),
        mode: config.mode_bits().unwrap(),
    }
}

fn enable(service: &str) -> Action {
    Action::EnableService {
        product: "clamav-daemon".into(),
        services: words(&[service]),
    }
}

fn install() -> Action {
    Action::InstallPackages {
        manager: APT,
        product: "clamav-daemon".into(),
        packages: words(&["clamav-freshclam", "clamdscan", "clamav-daemon"]),
    }
}

/// The way of the recipe, on a host that brings services up after so many starts.
fn daemon(service_starts: u32) -> (World, End) {
    let world = World::new(Behaviour {
        service_starts,
        ..Behaviour::default()
    });
    let test = Action::DetectionTest {
        product: "clamav-daemon".into(),
    };
    let order = world.order(&[
        (install(), true),
        (write("https://mirror.example/clamav"), true),
        (enable("clamav-freshclam.service"), true),
        (enable("clamav-daemon.service"), true),
        (test, true),
    ]);
    let end = world.run(&order).unwrap();
    (world, end)
}

#[test]
fn a_service_is_set_up_started_and_proven() {
    let (world, end) = daemon(1);
    assert_eq!(end, End::Completed { number: 1 });
    let conf = fs::read_to_string(world.root.path().join("etc/clamav/freshclam.conf")).unwrap();
    assert!(conf.contains("PrivateMirror https://mirror.example/clamav\n"), "{conf}");
    let health = world.sighting("clamav-daemon").health.unwrap();
    assert_eq!(health.state, HealthState::Healthy, "{}", health.why);
}

#[test]
fn a_service_that_waits_for_something_is_started_again_until_it_is_at_work() {
    let (world, end) = daemon(5);
    assert_eq!(end, End::Completed { number: 1 });
    let waited = world.clock.waited();
    // Four waits of ten seconds for each of the two.
    assert_eq!(waited.as_secs(), 80);
}

#[test]
fn a_service_that_never_comes_up_fails_in_the_steps_time_and_by_its_own_cause() {
    let (world, end) = daemon(0);
    let End::Failed { cause, why, .. } = end else {
        panic!("{end:?}");
    };
    assert_eq!(cause, FailureCause::ServiceNotActive);
    assert!(why.contains("clamav-freshclam.service not at work"), "{why}");
    assert!(world.clock.waited().as_secs() <= 600);
    let failed = world
        .records()
        .into_iter()
        .find(|record| record.event == RecordEvent::StepFailed)
        .unwrap();
    assert_eq!(failed.step, 2);
    assert!(
        failed.log_tail.contains("Started clamav-freshclam.service"),
        "the log is kept"
    );
}

#[test]
fn an_agent_that_ended_anywhere_sets_the_service_up_all_the_same() {
    let order = |world: &World| {
        world.order(&[
            (install(), true),
            (write("https://mirror.example/clamav"), true),
            (enable("clamav-daemon.service"), true),
        ])
    };
    let calm = World::new(Behaviour::default());
    assert_eq!(calm.run(&order(&calm)).unwrap(), End::Completed { number: 1 });
    let places = calm.faults.passed();
    assert!(places > 20, "only {places} places");
    for place in 0..places {
        let world = World::new(Behaviour::default());
        let order = order(&world);
        let end = to_the_end(&world, &order, &[place]);
        assert_eq!(end, End::Completed { number: 1 }, "place {place}");
        check_records(&world, &order, &format!("place {place}"));
        let health = world.sighting("clamav-daemon").health.unwrap();
        // Without freshclam's service it is not healthy; clamd's is at work.
        assert!(
            health.why.contains("clamav-freshclam.service"),
            "place {place}: {}",
            health.why
        );
    }
}
