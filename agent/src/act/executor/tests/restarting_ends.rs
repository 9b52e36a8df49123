//! The agent ends anywhere around a restart: what was acknowledged holds, and nothing is asked for twice.

use std::{
    fs,
    sync::{Arc, Mutex},
    time::Duration,
};

use cutover_proto::record::{FailureCause, RecordEvent};

use super::{
    super::{End, defer, restart_state},
    bystanders::Busy,
    restarting::{meanwhile, of, order, restarted, restarts},
    world::World,
};
use crate::{act::journal::SharedJournal, host::sandbox::Behaviour};

const MINUTE_MS: i64 = 60_000;

#[test]
fn a_machine_that_its_user_restarts_meanwhile_is_not_restarted_again() {
    let world = World::new(Behaviour::default());
    let envelope = world.sign(&order(&world));
    world.faults.crash_at(u32::MAX);
    // Ends while it waits: nothing was asked for.
    let faults = world.faults.clone();
    let act = move |journal: &SharedJournal, _: i64| {
        if journal
            .try_lock()
            .is_ok_and(|journal| restart_state(&journal).is_some_and(|due| due.comes_ms.is_some()))
        {
            faults.crash_at(0);
            faults.place();
        }
    };
    assert!(world.survive(|| meanwhile(&world, act).run(&envelope)).is_none());
    fs::write(
        world.root.path().join(".sandbox/boot-id.json"),
        "\"6f6b0f5e-0000-4000-8000-00000000000f\"",
    )
    .unwrap();
    let end = world.executor().resume().unwrap();
    assert_eq!(end, Some(End::Completed { number: 1 }));
    assert_eq!(restarts(&world), 0);
}

/// Runs the order with a deferral in it, by agents that end at these places and are started again.
fn with_ends(world: &World, at: &[u32]) -> End {
    let envelope = world.sign(&order(world));
    let mut at = at.iter();
    for _ in 0..8 {
        if let Some(place) = at.next() {
            world.faults.crash_at(*place);
        }
        let end = world.survive(|| {
            let mut executor = world.executor();
            let journal = executor.parts.journal.clone();
            let user = put_off_once(world);
            executor.parts.clock = Arc::new(Busy {
                inner: world.clock.clone(),
                act: Mutex::new(Box::new(move |now_ms| user(&journal, now_ms))),
            });
            executor
                .resume()
                .and_then(|end| end.map_or_else(|| executor.run(&envelope), Ok))
                .unwrap()
        });
        match end {
            Some(End::Refused { cause, .. }) => {
                assert_eq!(cause, FailureCause::Replayed);
                return End::Completed { number: 1 };
            }
            Some(end) => return end,
            None => {}
        }
    }
    panic!("no end");
}

/// Puts it off two minutes after it became due, unless the journal says that this was done.
fn put_off_once(world: &World) -> impl Fn(&SharedJournal, i64) + Send + use<> {
    let identity = world.identity.clone();
    move |journal, now_ms| {
        let due = journal.try_lock().ok().and_then(|journal| restart_state(&journal));
        if let Some(due) = due
            && !due.is_deferred
            && !due.is_asked
            && now_ms - due.due_ms >= 2 * MINUTE_MS
        {
            defer(journal, &identity, now_ms, "boot", Duration::from_secs(7200)).unwrap();
        }
    }
}

#[test]
fn an_agent_that_ends_anywhere_around_a_restart_comes_to_the_same_end() {
    let world = World::new(Behaviour::default());
    world.faults.crash_at(u32::MAX);
    assert_eq!(with_ends(&world, &[]), End::Completed { number: 1 });
    let places = world.faults.passed();
    assert!(places > 20, "{places} places");
    let mut interrupted = 0;
    for place in 0..places {
        let world = World::new(Behaviour::default());
        let end = with_ends(&world, &[place]);
        let at = format!("crash at place {place} of {places}");
        let records = world.records();
        assert!(restarts(&world) <= 1, "{at}: asked for twice");
        let deferred = of(&records, RecordEvent::RestartDeferred);
        assert_eq!(deferred.len(), 1, "{at}: put off once, and kept");
        match end {
            End::Completed { .. } => {
                let done = restarted(&records);
                assert!(
                    done[0].at_ms >= deferred[0].until_ms.unwrap(),
                    "{at}: what was acknowledged holds"
                );
                assert_eq!(restarts(&world), 1, "{at}");
            }
            // Between the line that it is asked for and the asking: nobody knows whether it was.
            End::Failed { cause, .. } => {
                assert_eq!(cause, FailureCause::Interrupted, "{at}");
                assert_eq!(restarts(&world), 0, "{at}");
                interrupted += 1;
            }
            other @ (End::Refused { .. } | End::Cancelled { .. }) => panic!("{at}: {other:?}"),
        }
    }
    assert_eq!(interrupted, 2);
}
