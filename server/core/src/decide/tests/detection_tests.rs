//! On which hosts a replacement is shown a test file.

use cutover_proto::step::{Action, SetUpState};

use super::*;
use crate::{campaign::TestedOn, samples::carrying};

/// What shows that the replacement protects, in the order that a host gets; whatever stands before the removals comes first.
fn proofs(host: &mut Host) -> Vec<&'static str> {
    host.look(&carrying());
    host.start_and_fetch();
    let steps = &host.plan.order.as_ref().unwrap().steps;
    let proof = steps.iter().filter_map(|step| {
        let looks = matches!(&step.action, Action::SetUp { state, .. } if *state == SetUpState::Active);
        let tests = matches!(step.action, Action::DetectionTest { .. });
        tests.then_some("test").or(looks.then_some("look"))
    });
    proof.collect()
}

/// The recipe that installs its replacement, as others call it once it has soaked.
fn installation(host: &mut Host) -> String {
    host.look(&carrying());
    let it = host.plan.assessment.clone().unwrap();
    host.catalog.installation_for(&it, &"clamav".into()).unwrap()
}

#[test]
fn a_test_is_made_until_the_recipe_has_soaked_here_and_a_look_is_the_proof_after_that() {
    let mut first = Host::new();
    assert_eq!(
        first.campaign.detection_tests.on,
        TestedOn::Canaries,
        "unless it is said"
    );
    assert_eq!(proofs(&mut first), ["test"]);

    let mut later = Host::new();
    let recipe = installation(&mut later);
    assert!(recipe.starts_with("install clamav on debian ("), "{recipe}");
    later.succeeded.insert(recipe);
    assert_eq!(proofs(&mut later), ["look"]);
}

#[test]
fn a_recipe_that_changed_since_or_was_only_seen_to_remove_is_tested_again() {
    let mut host = Host::new();
    let recipe = installation(&mut host);
    host.succeeded.insert(recipe.replace('(', "(0"));
    host.succeeded.insert(recipe.replace("install", "remove"));
    assert_eq!(proofs(&mut host), ["test"]);
}

#[test]
fn a_campaign_may_have_all_of_them_tested_or_none() {
    for (on, proof) in [(TestedOn::All, "test"), (TestedOn::None, "look")] {
        let mut host = Host::new();
        host.campaign.detection_tests.on = on;
        let recipe = installation(&mut host);
        assert_eq!(proofs(&mut host), [proof], "{on:?}, not soaked");
        let mut host = Host::new();
        host.campaign.detection_tests.on = on;
        host.succeeded.insert(recipe);
        assert_eq!(proofs(&mut host), [proof], "{on:?}, soaked");
    }
}
