//! The agent ends before, inside and after every step and at every write of its journal; the end is the same.

use std::collections::BTreeMap;

use cutover_proto::{
    order::WorkOrder,
    record::{FailureCause, RecordEvent, StepRecord},
    step::Replay,
    verdict::{HealthState, Verdict},
};

use super::{
    super::End,
    doubles::{Deadly, Orphaning},
    world::{World, install, remove, restart, sweep, test},
};
use crate::host::sandbox::{Behaviour, SandboxHands};

/// Runs an order to its end, with an agent that is started again whenever it ended.
pub(super) fn to_the_end(world: &World, order: &WorkOrder, crashes: &[u32]) -> End {
    let envelope = world.sign(order);
    let mut crashes = crashes.iter();
    for _ in 0..=crashes.len() + 1 {
        if let Some(place) = crashes.next() {
            world.faults.crash_at(*place);
        }
        let end = world.survive(|| {
            let mut executor = world.executor();
            // An order that was not taken on when the agent ended is handed out again.
            executor
                .resume()
                .and_then(|end| end.map_or_else(|| executor.run(&envelope), Ok))
                .unwrap()
        });
        match end {
            // The agent ended after the order's last record: the order is over, and not begun again.
            Some(End::Refused { cause, .. }) => {
                assert_eq!(cause, FailureCause::Replayed);
                return end_on_record(world);
            }
            Some(end) => return end,
            None => {}
        }
    }
    panic!("no end after {crashes:?}");
}

fn end_on_record(world: &World) -> End {
    let last = world.records().pop().unwrap();
    let number = last.order_number;
    match last.event {
        RecordEvent::OrderCompleted => End::Completed { number },
        RecordEvent::OrderFailed => End::Failed {
            number,
            cause: last.cause.unwrap(),
            why: last.detail,
        },
        RecordEvent::OrderAccepted
        | RecordEvent::OrderRefused
        | RecordEvent::OrderCancelled
        | RecordEvent::StepBegun
        | RecordEvent::StepDone
        | RecordEvent::StepFoundDone
        | RecordEvent::StepFailed
        | RecordEvent::StepInterrupted
        | RecordEvent::RestartNoticed
        | RecordEvent::RestartDeferred => panic!("{} is no end", last.event),
    }
}

fn count(records: &[StepRecord], step: usize, event: RecordEvent) -> usize {
    let step = u32::try_from(step).unwrap();
    records
        .iter()
        .filter(|record| record.step == step && record.event == event)
        .count()
}

/// What must hold of the records of every run, however often its agent ended.
pub(super) fn check_records(world: &World, order: &WorkOrder, at: &str) -> Vec<StepRecord> {
    let records = world.records();
    let sequences: Vec<u32> = records.iter().map(|record| record.sequence).collect();
    let expected: Vec<u32> = (1..).take(records.len()).collect();
    assert_eq!(sequences, expected, "{at}: numbered without gaps");
    let ends = records.iter().filter(|record| record.event.ends_order()).count();
    assert_eq!(ends, 1, "{at}: one end");
    assert!(records.last().unwrap().event.ends_order(), "{at}: the end comes last");
    for (index, step) in order.steps.iter().enumerate() {
        let begun = count(&records, index, RecordEvent::StepBegun);
        let done = count(&records, index, RecordEvent::StepDone) + count(&records, index, RecordEvent::StepFoundDone);
        assert!(done <= 1, "{at}: step {index} is done once");
        if step.action.kind().replay() == Replay::Once {
            assert!(begun <= 1, "{at}: once step {index} was begun {begun} times");
        } else {
            let interrupted = count(&records, index, RecordEvent::StepInterrupted);
            assert_eq!(interrupted, 0, "{at}: step {index} can be taken up");
        }
    }
    // No probe step was brought to its end twice.
    let mut ended: BTreeMap<String, u32> = BTreeMap::new();
    for entry in world.ledger.lock().unwrap().iter() {
        *ended.entry(entry.clone()).or_default() += 1;
    }
    for (what, times) in ended {
        if what.starts_with("remove") || what.starts_with("install") {
            assert_eq!(times, 1, "{at}: {what} was done {times} times");
        }
    }
    records
}

fn check_end(world: &World, end: &End, records: &[StepRecord], at: &str) {
    let interrupted = records
        .iter()
        .any(|record| record.event == RecordEvent::StepInterrupted);
    if interrupted {
        let End::Failed { cause, .. } = end else {
            panic!("{at}: {end:?}");
        };
        assert_eq!(*cause, FailureCause::Interrupted, "{at}");
    } else {
        assert_eq!(*end, End::Completed { number: 1 }, "{at}");
        for product in ["kesl", "kesl-gui", "klnagent64"] {
            assert_eq!(world.sighting(product).verdict, Verdict::Absent, "{at}: {product}");
        }
    }
    let clamav = world.sighting("clamav");
    assert_eq!(clamav.verdict, Verdict::Installed, "{at}");
    assert_eq!(clamav.health.unwrap().state, HealthState::Healthy, "{at}");
}

fn places(order: impl Fn(&World) -> WorkOrder) -> u32 {
    let world = World::new(Behaviour::default());
    world.faults.crash_at(u32::MAX);
    let order = order(&world);
    assert_eq!(to_the_end(&world, &order, &[]), End::Completed { number: 1 });
    world.faults.passed()
}

#[test]
fn an_agent_that_ends_anywhere_comes_to_the_same_end() {
    let places = places(World::usual);
    assert!(places > 60, "{places} places");
    let mut interrupted = 0;
    for place in 0..places {
        let world = World::new(Behaviour::default());
        let order = world.usual();
        let end = to_the_end(&world, &order, &[place]);
        let at = format!("crash at place {place} of {places}");
        let records = check_records(&world, &order, &at);
        check_end(&world, &end, &records, &at);
        interrupted += u32::from(matches!(end, End::Failed { .. }));
    }
    // Only an end of the agent inside the detection test, which must not run twice, leads elsewhere: after the record
    // that it is begun is on disk and before the one that it is done is.
    assert_eq!(interrupted, 5);
}

#[test]
fn an_agent_that_ends_twice_comes_to_the_same_end() {
    let places = places(World::usual);
    for first in (0..places).step_by(9) {
        for second in (0..places).step_by(13) {
            let world = World::new(Behaviour::default());
            let order = world.usual();
            let end = to_the_end(&world, &order, &[first, second]);
            let at = format!("crashes at {first}, then {second}");
            let records = check_records(&world, &order, &at);
            check_end(&world, &end, &records, &at);
        }
    }
}

#[test]
fn a_restart_is_proven_by_a_new_kernel_session_and_asked_for_once() {
    let order = |world: &World| {
        world.order(&[
            (remove("kesl", &["kesl"]), false),
            (install(), false),
            (restart(), true),
            (sweep("kesl", &["/var/opt/kaspersky/kesl"]), false),
        ])
    };
    let places = places(order);
    for place in 0..places {
        let world = World::new(Behaviour::default());
        let order = order(&world);
        let end = to_the_end(&world, &order, &[place]);
        let at = format!("crash at place {place} of {places}");
        let records = check_records(&world, &order, &at);
        let asked = world
            .ledger
            .lock()
            .unwrap()
            .iter()
            .filter(|did| did.starts_with("restart"))
            .count();
        assert!(asked <= 1, "{at}");
        match end {
            End::Completed { .. } => assert_eq!(asked, 1, "{at}"),
            // It ended between the record and the restart: nobody knows whether one was asked for.
            End::Failed { cause, .. } => {
                assert_eq!(cause, FailureCause::Interrupted, "{at}");
                assert_eq!(asked, 0, "{at}");
                assert_eq!(count(&records, 2, RecordEvent::StepInterrupted), 1, "{at}");
            }
            other @ (End::Refused { .. } | End::Cancelled { .. }) => panic!("{at}: {other:?}"),
        }
    }
}

#[test]
fn a_step_that_always_ends_the_agent_is_not_begun_for_ever() {
    let world = World::new(Behaviour::default());
    let order = world.order(&[(remove("kesl", &["kesl"]), false)]);
    let envelope = world.sign(&order);
    let hands = |world: &World| {
        Box::new(Deadly {
            inner: SandboxHands::open(world.root.path()).unwrap(),
            faults: world.faults.clone(),
        })
    };
    let mut starts = 0;
    let end = loop {
        starts += 1;
        assert!(starts < 20, "begun for ever");
        let end = world.survive(|| {
            let mut executor = world.executor_with(hands(&world));
            executor
                .resume()
                .and_then(|end| end.map_or_else(|| executor.run(&envelope), Ok))
                .unwrap()
        });
        if let Some(end) = end {
            break end;
        }
    };
    assert!(
        matches!(
            end,
            End::Failed {
                cause: FailureCause::Interrupted,
                ..
            }
        ),
        "{end:?}"
    );
    assert_eq!(count(&world.records(), 0, RecordEvent::StepBegun), 5);
}

#[test]
fn a_tool_that_outlives_its_agent_is_waited_for() {
    let world = World::new(Behaviour::default());
    let order = world.order(&[(remove("kesl", &["kesl"]), false)]);
    let envelope = world.sign(&order);
    let orphaning = |agent_ends: bool| {
        Box::new(Orphaning {
            inner: SandboxHands::open(world.root.path()).unwrap(),
            faults: world.faults.clone(),
            agent_ends,
            polls: 0,
        })
    };
    world.survive(|| world.executor_with(orphaning(true)).run(&envelope));
    let end = world.executor_with(orphaning(false)).resume().unwrap();
    assert_eq!(end, Some(End::Completed { number: 1 }));
    let events: Vec<RecordEvent> = world.events().into_iter().map(|(_, event)| event).collect();
    assert_eq!(
        events,
        [
            RecordEvent::OrderAccepted,
            RecordEvent::StepBegun,
            RecordEvent::StepFoundDone,
            RecordEvent::OrderCompleted
        ]
    );
}

#[test]
fn an_interrupted_once_step_fails_the_order_and_is_not_begun_again() {
    let world = World::new(Behaviour::default());
    let order = world.order(&[(install(), false), (test(), true)]);
    let envelope = world.sign(&order);
    let deadly = Deadly {
        inner: SandboxHands::open(world.root.path()).unwrap(),
        faults: world.faults.clone(),
    };
    assert!(
        world
            .survive(|| world.executor_with(Box::new(deadly)).run(&envelope))
            .is_none()
    );
    let end = world.executor().resume().unwrap().unwrap();
    assert!(
        matches!(
            end,
            End::Failed {
                cause: FailureCause::Interrupted,
                ..
            }
        ),
        "{end:?}"
    );
    let records = world.records();
    assert_eq!(count(&records, 1, RecordEvent::StepBegun), 1);
    assert_eq!(count(&records, 1, RecordEvent::StepInterrupted), 1);
    assert!(world.ledger.lock().unwrap().is_empty());
}
