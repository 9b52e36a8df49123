//! Finishing what an earlier installer left half done.

use cutover_proto::{
    record::{FailureCause, RecordEvent},
    step::{Action, StepKind},
    verdict::Verdict,
};

use super::{
    super::End,
    world::{APT, World, fetch, remove},
};
use crate::host::sandbox::{Behaviour, Fault, leave_half_configured};

const REPAIR: Action = Action::RepairPackages { manager: APT };

#[test]
fn a_half_configured_product_is_finished_and_then_removed() {
    let world = World::new(Behaviour::default());
    leave_half_configured(world.root.path(), "kesl").unwrap();
    assert!(
        world
            .sighting("kesl")
            .evidence
            .iter()
            .any(|it| it.detail.contains("(half-configured)"))
    );
    let order = world.order(&[
        (REPAIR, true),
        (remove("kesl-gui", &["kesl-gui"]), true),
        (remove("kesl", &["kesl"]), true),
    ]);
    assert_eq!(world.run(&order).unwrap(), End::Completed { number: 1 });
    let done = |step| world.events().contains(&(step, RecordEvent::StepDone));
    assert!(done(0) && done(2), "{:?}", world.events());
    assert!(matches!(
        world.sighting("kesl").verdict,
        Verdict::Remnant | Verdict::Absent
    ));
}

fn failing_repair() -> World {
    World::new(Behaviour {
        fail_first: Some(Fault {
            step: StepKind::RepairPackages,
            cause: FailureCause::ToolFailed,
            times: 9,
        }),
        ..Behaviour::default()
    })
}

/// A product that cannot be configured must not keep its own removal from beginning.
#[test]
fn a_product_that_cannot_be_finished_does_not_hold_up_its_removal() {
    let world = failing_repair();
    leave_half_configured(world.root.path(), "klnagent64").unwrap();
    let order = world.order(&[(REPAIR, true), (remove("klnagent64", &["klnagent64"]), true)]);
    assert_eq!(world.run(&order).unwrap(), End::Completed { number: 1 });
}

#[test]
fn what_is_somebody_elses_and_stays_half_done_ends_the_order_before_anything_changed() {
    let world = failing_repair();
    leave_half_configured(world.root.path(), "base-files").unwrap();
    let order = world.order(&[
        (REPAIR, true),
        (fetch(), true),
        (remove("klnagent64", &["klnagent64"]), true),
    ]);
    let end = world.run(&order).unwrap();
    assert!(
        matches!(
            end,
            End::Failed {
                cause: FailureCause::ToolFailed,
                ..
            }
        ),
        "{end:?}"
    );
    let records = world.records();
    let failed = records
        .iter()
        .find(|record| record.event == RecordEvent::StepFailed)
        .unwrap();
    assert_eq!(failed.step, 0);
    assert!(failed.detail.contains("base-files"), "{}", failed.detail);
    assert_eq!(world.sighting("klnagent64").verdict, Verdict::Running);
}
