//! A journal that forgot: no step that must not run twice does, whatever became of the file.

use std::fs;

use cutover_proto::record::{FailureCause, RecordEvent};
use proptest::prelude::*;

use super::{
    super::End,
    doubles::Deadly,
    world::{World, fetch, install, test},
};
use crate::{
    act::journal::damage::{Damage, damages},
    host::sandbox::{Behaviour, SandboxHands},
};

/// A host whose agent ended within the test of the replacement: begun, and nobody knows how it went.
fn within_the_test() -> (World, cutover_proto::v1::Envelope) {
    let world = World::new(Behaviour::default());
    let order = world.order(&[(fetch(), true), (install(), true), (test(), false)]);
    let envelope = world.sign(&order);
    let hands = Deadly {
        inner: SandboxHands::open(world.root.path()).unwrap(),
        faults: world.faults.clone(),
    };
    assert!(
        world
            .survive(|| world.executor_with(Box::new(hands)).run(&envelope))
            .is_none()
    );
    assert_eq!(world.events().last(), Some(&(2, RecordEvent::StepBegun)));
    (world, envelope)
}

fn damage(world: &World, damages: &[Damage]) {
    let file = world.state.path().join("journal");
    let mut bytes = fs::read(&file).unwrap();
    damages.iter().for_each(|damage| damage.apply(&mut bytes));
    fs::write(&file, bytes).unwrap();
}

fn tests_made(world: &World) -> usize {
    let ledger = world.ledger.lock().unwrap();
    ledger.iter().filter(|entry| entry.starts_with("test")).count()
}

#[test]
fn a_once_step_whose_beginning_the_journal_lost_is_interrupted_and_not_run() {
    let (world, _) = within_the_test();
    damage(&world, &[Damage::Older(1)]);
    let end = world.executor().resume().unwrap();
    let Some(End::Failed { cause, why, .. }) = end else {
        panic!("{end:?}");
    };
    assert_eq!(cause, FailureCause::Interrupted);
    assert!(why.contains("must not run twice"), "{why}");
    assert_eq!(tests_made(&world), 0);
}

#[test]
fn an_order_that_the_journal_lost_and_the_server_sends_again_does_not_repeat_its_once_step() {
    let (world, envelope) = within_the_test();
    // Back to the first line: as if the order had never come.
    let file = world.state.path().join("journal");
    let bytes = fs::read(&file).unwrap();
    let first = bytes.iter().position(|byte| *byte == b'\n').unwrap();
    fs::write(&file, &bytes[..=first]).unwrap();
    assert_eq!(world.executor().resume().unwrap(), None);
    let end = world.executor().run(&envelope).unwrap();
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
    assert_eq!(tests_made(&world), 0);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn no_damage_of_the_journal_makes_a_once_step_run_twice(damages in damages()) {
        let (world, envelope) = within_the_test();
        damage(&world, &damages);
        // As the agent does: what is open goes on, then the server may send the order again.
        let resumed = world.executor().resume();
        if !matches!(resumed, Err(_) | Ok(Some(_))) {
            let _ = world.executor().run(&envelope);
        }
        prop_assert_eq!(tests_made(&world), 0, "{:?}", resumed);
    }
}
