//! Check-ins, cancels and the hold.

use std::{fs, sync::Arc};

use cutover_proto::{
    envelope::{Context, seal_message},
    ids::HostId,
    order::OrderRefused,
    record::{FailureCause, RecordEvent},
    v1,
};

use super::{
    super::End,
    world::{World, fetch, install, remove, sweep},
};
use crate::{act::Control, host::sandbox::Behaviour};

fn cancel(world: &World, host: HostId, number: u64) -> v1::Envelope {
    let cancel = v1::Cancel {
        host_id: host.to_string(),
        order_number: number,
        reason: "campaign paused".to_owned(),
    };
    seal_message(Context::Cancel, &cancel, &world.server).unwrap()
}

#[test]
fn a_cancel_before_the_first_step_changes_nothing() {
    let world = World::new(Behaviour::default());
    let envelope = cancel(&world, world.identity.host_id, 1);
    world.control.take_cancel(&envelope, &world.identity).unwrap();
    let before = world.contents();
    let end = world.run(&world.usual()).unwrap();
    assert!(
        matches!(&end, End::Cancelled { why, .. } if why.contains("campaign paused")),
        "{end:?}"
    );
    assert_eq!(world.contents(), before);
    assert_eq!(
        world.events(),
        [(0, RecordEvent::OrderAccepted), (0, RecordEvent::OrderCancelled)]
    );
}

#[test]
fn a_cancel_of_another_order_or_host_does_nothing() {
    let world = World::new(Behaviour::default());
    let other = HostId::new(uuid::Uuid::from_u128(8));
    let error = world.control.take_cancel(&cancel(&world, other, 1), &world.identity);
    assert_eq!(error, Err(OrderRefused::OtherHost(other)));
    let mut changed = cancel(&world, world.identity.host_id, 1);
    changed.body[40] ^= 1;
    assert!(world.control.take_cancel(&changed, &world.identity).is_err());
    let envelope = cancel(&world, world.identity.host_id, 2);
    world.control.take_cancel(&envelope, &world.identity).unwrap();
    assert_eq!(world.run(&world.usual()).unwrap(), End::Completed { number: 1 });
}

/// Holds the host as soon as a step of this product's removal has ended.
fn held_after(world: &World, what: &'static str) -> super::super::Executor {
    let ledger = world.ledger.clone();
    let hold = world.state.path().join("hold");
    let mut executor = world.executor();
    executor.parts.on_record = Box::new(move || {
        if ledger.lock().unwrap().iter().any(|did| did.starts_with(what)) {
            fs::write(&hold, "").unwrap();
        }
    });
    executor
}

#[test]
fn a_hold_between_removal_and_protection_waits_for_protection() {
    let world = World::new(Behaviour::default());
    let order = world.usual();
    let end = held_after(&world, "remove kesl-gui").run(&world.sign(&order)).unwrap();
    assert!(matches!(end, End::Cancelled { .. }), "{end:?}");
    let last = world.events().into_iter().rev().nth(1).unwrap();
    // Step 4 is the installation: the first safe point after the removals.
    assert_eq!(last, (4, RecordEvent::StepDone));
}

#[test]
fn past_its_last_safe_point_an_order_finishes() {
    let world = World::new(Behaviour::default());
    let order = world.usual();
    let end = held_after(&world, "delete /var/opt/kaspersky/kesl")
        .run(&world.sign(&order))
        .unwrap();
    assert_eq!(end, End::Completed { number: 1 });
}

#[test]
fn the_first_destructive_step_waits_for_a_check_in_and_gives_up_in_the_end() {
    let mut world = World::new(Behaviour::default());
    world.control = Arc::new(Control::new(None));
    let end = world.run(&world.usual()).unwrap();
    let End::Failed { cause, why, .. } = end else {
        panic!("{end:?}");
    };
    assert_eq!(cause, FailureCause::TooLongAway);
    assert!(why.contains("no check-in within 120 s"), "{why}");
    // The download was made, nothing was removed.
    assert_eq!(*world.ledger.lock().unwrap(), ["fetch clamav clamav-freshclam"]);
    assert_eq!(world.events()[3], (1, RecordEvent::StepFailed));
}

#[test]
fn an_offline_order_needs_no_check_in() {
    let mut world = World::new(Behaviour::default());
    world.control = Arc::new(Control::new(None));
    let mut order = world.usual();
    order.offline = true;
    assert_eq!(world.run(&order).unwrap(), End::Completed { number: 1 });
}

#[test]
fn a_check_in_of_two_minutes_ago_is_too_old() {
    for (age_ms, end_is_completed) in [(119_999, true), (120_000, false)] {
        let mut world = World::new(Behaviour::default());
        world.control = Arc::new(Control::new(None));
        world.control.checked_in(world.start_ms - age_ms);
        let order = world.order(&[(remove("kesl", &["kesl"]), false)]);
        let end = world.run(&order).unwrap();
        assert_eq!(
            matches!(end, End::Completed { .. }),
            end_is_completed,
            "{age_ms}: {end:?}"
        );
    }
}

#[test]
fn a_cancel_while_waiting_for_a_check_in_acts_at_once() {
    let world = World::new(Behaviour::default());
    let control = Arc::new(Control::new(None));
    let order = world.order(&[(fetch(), true), (remove("kesl", &["kesl"]), false), (install(), true)]);
    let envelope = cancel(&world, world.identity.host_id, 1);
    let mut executor = world.executor();
    executor.parts.control = control.clone();
    let (identity, from_now_on) = (world.identity.clone(), control);
    executor.parts.on_record = Box::new(move || from_now_on.take_cancel(&envelope, &identity).unwrap());
    let end = executor.run(&world.sign(&order)).unwrap();
    assert!(matches!(end, End::Cancelled { .. }), "{end:?}");
}

#[test]
fn what_check_ins_tell_of_the_running_order_follows_its_steps() {
    let world = World::new(Behaviour::default());
    let order = world.order(&[
        (fetch(), true),
        (remove("kesl", &["kesl"]), false),
        (install(), false),
        (sweep("kesl", &["/var/opt/kaspersky/kesl"]), false),
    ]);
    let mut executor = world.executor();
    let told = Arc::new(std::sync::Mutex::new(Vec::new()));
    let journal = executor.parts.journal.clone();
    let telling = told.clone();
    executor.parts.on_record = Box::new(move || {
        let running = journal.lock().unwrap().running();
        telling
            .lock()
            .unwrap()
            .push(running.map(|running| (running.step, running.past_last_safe_point)));
    });
    executor.run(&world.sign(&order)).unwrap();
    let mut told = told.lock().unwrap().clone();
    told.dedup();
    assert_eq!(
        told,
        [
            Some((0, false)),
            Some((1, false)),
            Some((2, true)),
            Some((3, true)),
            Some((4, true)),
            None
        ]
    );
}
