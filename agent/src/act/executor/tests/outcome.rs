//! A look decides whether a step succeeded; causes are told apart.

use cutover_proto::{
    record::{FailureCause, RecordEvent},
    step::StepKind,
    verdict::Verdict,
};

use super::{
    super::End,
    world::{World, fetch, install, remove, restart, sweep, test},
};
use crate::host::sandbox::{Behaviour, Fault};

fn with_fault(step: StepKind, cause: FailureCause) -> World {
    World::new(Behaviour {
        fail_first: Some(Fault { step, cause, times: 1 }),
        ..Behaviour::default()
    })
}

#[test]
fn the_usual_order_migrates_the_host() {
    let world = World::new(Behaviour::default());
    assert_eq!(world.run(&world.usual()).unwrap(), End::Completed { number: 1 });
    for product in ["kesl", "kesl-gui", "klnagent64"] {
        assert_eq!(world.sighting(product).verdict, Verdict::Absent, "{product}");
    }
    let done = world
        .events()
        .into_iter()
        .filter(|(_, event)| *event == RecordEvent::StepDone);
    assert_eq!(done.count(), 8);
}

#[test]
fn each_failure_keeps_its_cause_and_ends_the_order() {
    let causes = [
        FailureCause::Locked,
        FailureCause::Network,
        FailureCause::DiskFull,
        FailureCause::TimeLimit,
        FailureCause::ToolFailed,
        FailureCause::StillThere,
    ];
    for (step, index) in [
        (StepKind::FetchPackages, 0),
        (StepKind::RemovePackages, 1),
        (StepKind::InstallPackages, 4),
    ] {
        for cause in causes {
            let world = with_fault(step, cause);
            let end = world.run(&world.usual()).unwrap();
            let End::Failed { cause: told, .. } = end else {
                panic!("{step} {cause}: {end:?}");
            };
            assert_eq!(told, cause, "{step}");
            let records = world.records();
            let failed = &records[records.len() - 2];
            assert_eq!((failed.step, failed.event), (index, RecordEvent::StepFailed));
            assert_eq!(failed.cause, Some(cause));
            assert!(!failed.log_tail.is_empty(), "{step} {cause}: the log is kept");
            assert_eq!(records.last().unwrap().event, RecordEvent::OrderFailed);
        }
    }
}

#[test]
fn a_replacement_that_names_nothing_fails_the_test() {
    let world = World::new(Behaviour {
        detection_works: false,
        ..Behaviour::default()
    });
    let order = world.order(&[(install(), false), (test(), false)]);
    let end = world.run(&order).unwrap();
    assert!(
        matches!(
            end,
            End::Failed {
                cause: FailureCause::NotDetected,
                ..
            }
        ),
        "{end:?}"
    );
}

#[test]
fn what_is_gone_already_is_found_done() {
    let world = World::new(Behaviour::default());
    let first = world.order(&[(remove("kesl", &["kesl"]), false)]);
    world.run(&first).unwrap();
    world.ledger.lock().unwrap().clear();
    let mut second = first;
    second.number = 2;
    assert_eq!(world.run(&second).unwrap(), End::Completed { number: 2 });
    assert!(world.ledger.lock().unwrap().is_empty(), "nothing was removed again");
    let events = world.events();
    assert!(events.contains(&(0, RecordEvent::StepFoundDone)), "{events:?}");
}

#[test]
fn files_of_a_product_that_is_still_installed_are_not_swept() {
    let world = World::new(Behaviour::default());
    let order = world.order(&[(sweep("kesl", &["/var/opt/kaspersky/kesl"]), false)]);
    let end = world.run(&order).unwrap();
    let End::Failed { cause, why, .. } = end else {
        panic!("{end:?}");
    };
    assert_eq!(cause, FailureCause::StillThere);
    assert!(why.contains("would break it"), "{why}");
    assert!(world.root.path().join("var/opt/kaspersky/kesl").exists());
}

#[test]
fn a_look_that_cannot_tell_is_never_success() {
    let world = World::new(Behaviour::default());
    let order = world.order(&[(fetch(), true), (remove("kesl", &["kesl"]), false)]);
    let status = world.root.path().join("var/lib/dpkg/status");
    let ledger = world.ledger.clone();
    let mut executor = world.executor();
    let damaged = status;
    executor.parts.on_record = Box::new(move || {
        // The database is cut in the middle while packages are fetched.
        if !ledger.lock().unwrap().is_empty() {
            let bytes = std::fs::read(&damaged).unwrap();
            std::fs::write(&damaged, &bytes[..bytes.len() / 2 + 20]).unwrap();
        }
    });
    let end = executor.run(&world.sign(&order)).unwrap();
    assert!(matches!(end, End::Failed { .. }), "{end:?}");
    assert_eq!(*world.ledger.lock().unwrap(), ["fetch clamav clamav-freshclam"]);
}

#[test]
fn a_machine_that_does_not_restart_in_time_fails_the_step() {
    let world = World::new(Behaviour {
        restarts: false,
        ..Behaviour::default()
    });
    let end = world.run(&world.order(&[(restart(), false)])).unwrap();
    assert!(
        matches!(
            end,
            End::Failed {
                cause: FailureCause::TimeLimit,
                ..
            }
        ),
        "{end:?}"
    );
}
