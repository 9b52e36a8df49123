//! A replacement stands back, is onboarded, and takes over; the stand-in of Defender for Endpoint is brought there.

use cutover_proto::{
    order::WorkOrder,
    record::{FailureCause, RecordEvent},
    step::{Action, SetUpState},
    verdict::{HealthState, Protection, Verdict},
};

use super::{
    super::End,
    kill::{check_records, to_the_end},
    world::{APT, World, remove, words},
};
use crate::host::sandbox::Behaviour;

const DEFENDER: &str = "defender-endpoint";
/// Places of the steps in [`way`].
const STANDING_BACK: u32 = 1;
const ONBOARDED: u32 = 2;
const ACTIVE: u32 = 4;

fn to(state: SetUpState) -> Action {
    Action::SetUp {
        product: DEFENDER.into(),
        state,
        tenant: None,
    }
}

/// As the recipe composes it.
fn way(world: &World) -> WorkOrder {
    world.order(&[
        (
            Action::InstallPackages {
                manager: APT,
                product: DEFENDER.into(),
                packages: words(&["mdatp"]),
            },
            true,
        ),
        (to(SetUpState::StandingBack), true),
        (to(SetUpState::Onboarded), true),
        (remove("kesl", &["kesl"]), false),
        (to(SetUpState::Active), true),
    ])
}

fn behaving(never: Option<SetUpState>) -> World {
    World::new(Behaviour {
        never_set_up: never,
        ..Behaviour::default()
    })
}

/// Where it failed, by what cause, and in which words.
fn failed(never: SetUpState) -> (World, u32, FailureCause, String) {
    let world = behaving(Some(never));
    let End::Failed { cause, why, .. } = world.run(&way(&world)).unwrap() else {
        panic!("the order did not fail");
    };
    let records = world.records();
    let failed = records.iter().find(|it| it.event == RecordEvent::StepFailed).unwrap();
    assert!(world.clock.waited().as_secs() <= 600, "within the step's time");
    let step = failed.step;
    (world, step, cause, why)
}

#[test]
fn a_replacement_is_ready_before_the_target_goes_and_takes_over_after_it() {
    let world = behaving(None);
    assert_eq!(world.run(&way(&world)).unwrap(), End::Completed { number: 1 });
    let health = world.sighting(DEFENDER).health.unwrap();
    assert_eq!(
        (health.state, health.grade),
        (HealthState::Healthy, Protection::RealTime)
    );
    assert_ne!(world.sighting("kesl").verdict, Verdict::Running);
}

#[test]
fn where_nothing_else_protects_it_is_not_made_to_stand_back() {
    let world = behaving(None);
    assert_eq!(world.run(&way(&world)).unwrap(), End::Completed { number: 1 });
    let mut order = world.order(&[(to(SetUpState::StandingBack), true)]);
    order.number = 2;
    assert_eq!(world.run(&order).unwrap(), End::Completed { number: 2 });
    let records = world.records();
    let step = records
        .iter()
        .find(|it| it.order_number == 2 && it.event == RecordEvent::StepFoundDone);
    let detail = &step.unwrap().detail;
    assert!(detail.contains("nothing else protects"), "{detail}");
    let health = world.sighting(DEFENDER).health.unwrap();
    assert_eq!(health.grade, Protection::RealTime, "it was all that protects");
}

#[test]
fn what_does_not_stand_back_removes_nothing() {
    let (world, step, cause, why) = failed(SetUpState::StandingBack);
    assert_eq!((step, cause), (STANDING_BACK, FailureCause::NotSetUp), "{why}");
    assert_eq!(world.sighting("kesl").verdict, Verdict::Running);
}

#[test]
fn what_is_not_ready_while_it_stands_back_removes_nothing() {
    let (world, step, cause, why) = failed(SetUpState::Onboarded);
    assert_eq!((step, cause), (ONBOARDED, FailureCause::NotSetUp));
    assert!(why.contains("not onboarded"), "{why}");
    assert_eq!(world.sighting("kesl").verdict, Verdict::Running);
}

#[test]
fn what_was_made_anothers_removes_nothing() {
    let world = behaving(None);
    let mut order = way(&world);
    for step in &mut order.steps {
        if let Action::SetUp {
            state: SetUpState::Onboarded,
            tenant,
            ..
        } = &mut step.action
        {
            *tenant = Some("0000-1111".to_owned());
        }
    }
    let End::Failed { cause, why, .. } = world.run(&order).unwrap() else {
        panic!("the order did not fail");
    };
    assert_eq!(cause, FailureCause::NotSetUp);
    assert!(why.contains("the campaign names 0000-1111"), "{why}");
    assert_eq!(world.sighting("kesl").verdict, Verdict::Running);
}

#[test]
fn a_passive_mode_that_is_never_lifted_fails_and_says_where_it_may_come_from() {
    let (world, step, cause, why) = failed(SetUpState::Active);
    assert_eq!((step, cause), (ACTIVE, FailureCause::NotSetUp));
    assert!(why.contains("mdatp_managed.json"), "{why}");
    let health = world.sighting(DEFENDER).health.unwrap();
    // All is right with it, and it protects nothing.
    assert_eq!(
        (health.state, health.grade),
        (HealthState::Healthy, Protection::Passive)
    );
}

/// Why an order ends that brings ClamAV into a state, of which this machine has nothing, and then removes.
fn refused(state: SetUpState) -> FailureCause {
    let world = behaving(None);
    let order = world.order(&[
        (
            Action::SetUp {
                product: "clamav".into(),
                state,
                tenant: None,
            },
            true,
        ),
        (remove("kesl", &["kesl"]), true),
    ]);
    let End::Failed { cause, .. } = world.run(&order).unwrap() else {
        panic!("the order did not fail");
    };
    assert_eq!(world.sighting("kesl").verdict, Verdict::Running);
    cause
}

#[test]
fn a_replacement_that_nobody_knows_how_to_set_up_is_refused_before_anything_goes() {
    for state in [SetUpState::StandingBack, SetUpState::Onboarded] {
        assert_eq!(refused(state), FailureCause::Unsupported, "{state:?}");
    }
}

#[test]
fn one_that_protects_by_itself_is_waited_for_and_nothing_goes_where_it_does_not() {
    assert_eq!(refused(SetUpState::Active), FailureCause::NotSetUp);
}

#[test]
fn an_agent_that_ended_anywhere_brings_it_there_all_the_same() {
    let calm = behaving(None);
    assert_eq!(calm.run(&way(&calm)).unwrap(), End::Completed { number: 1 });
    let places = calm.faults.passed();
    assert!(places > 20, "only {places} places");
    for place in 0..places {
        let world = behaving(None);
        let order = way(&world);
        let end = to_the_end(&world, &order, &[place]);
        assert_eq!(end, End::Completed { number: 1 }, "place {place}");
        check_records(&world, &order, &format!("place {place}"));
        let health = world.sighting(DEFENDER).health.unwrap();
        assert_eq!(health.grade, Protection::RealTime, "place {place}");
    }
}
