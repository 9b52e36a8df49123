//! Recipes that have not succeeded here yet: who goes first, who lets them, and when it is over.

use cutover_proto::record::{FailureCause, RecordEvent};

use super::*;
use crate::{
    rollout::{self, ready_at_ms},
    samples::carrying,
};

const POLICY: &str = "recovery_target = \"2027-06-30T00:00:00-04:00\"\n[policy]\ngrace = \"0s\"\nfirst_canaries = 5\n";

/// Queued, with recipes of which none has succeeded here.
fn queued() -> Host {
    let mut host = Host::of(samples::campaign(POLICY));
    host.look(&carrying());
    assert_eq!(host.plan.phase, Phase::Queued, "{}", host.told());
    host
}

fn start() -> Input {
    Input::Started {
        order_number: 9,
        epoch: 1,
    }
}

/// The recipes that the last decision said have succeeded.
fn succeeded(host: &Host) -> Vec<String> {
    let told = host.effects.iter().filter_map(|effect| {
        if let Effect::RecipesSucceeded { recipes } = effect {
            Some(recipes.clone())
        } else {
            None
        }
    });
    told.flatten().collect()
}

/// Places that were given back.
fn given_back(host: &Host) -> Vec<String> {
    let told = host.effects.iter().filter_map(|effect| {
        if let Effect::GiveBack { slots } = effect {
            Some(slots.clone())
        } else {
            None
        }
    });
    told.flatten().collect()
}

#[test]
fn in_mode_automatic_too_a_person_lets_each_start_that_goes_first_with_a_recipe() {
    let mut host = queued();
    let cause = ApprovalCause::Recipe;
    assert_eq!(host.waiting(), Some(Waiting::Approval { cause }));
    assert!(host.waiting().unwrap().text().contains("has not succeeded here yet"));
    assert!(host.refusal(&start()).contains("approval"));
    assert_eq!(
        ready_at_ms(&host.plan, &host.campaign),
        i64::MAX,
        "it hides nobody behind it"
    );
    // A wave that lets its hosts start by themselves does not let these.
    host.campaign.waves[0].approval = Some(false);
    assert_eq!(host.waiting(), Some(Waiting::Approval { cause }));
    host.send(Input::Approved { by: "ann".into() });
    assert_eq!(host.waiting(), Some(Waiting::NextPass));
    host.start();
    assert_eq!(host.plan.phase, Phase::Migrating);
}

#[test]
fn a_sixth_waits_while_five_are_out_with_the_recipe() {
    let mut host = queued();
    host.send(Input::Approved { by: "ann".into() });
    let first: Vec<rollout::Slot> = rollout::slots(&host.plan, &host.campaign)
        .into_iter()
        .filter(|slot| slot.name.starts_with("first:"))
        .collect();
    let named: Vec<&str> = first.iter().map(|slot| slot.name.split(" (").next().unwrap()).collect();
    assert_eq!(
        named,
        [
            "first:install clamav on debian",
            "first:remove kesl on debian",
            "first:remove kesl-gui on debian",
            "first:remove klnagent64 on debian",
        ]
    );
    let with = |host: &Host, taken: u32| {
        let mut group = host.group();
        group.taken.insert(first[1].name.clone(), taken);
        waiting::hindrance(&host.plan, &group, host.last_seen_ms, &host.campaign, host.now_ms)
    };
    assert_eq!(with(&host, 4), None);
    let text = with(&host, 5).unwrap().text();
    assert!(
        text.starts_with("5 of 5 slots of hosts that go first, until it has succeeded here, to remove kesl"),
        "{text}"
    );
}

#[test]
fn its_places_are_held_until_it_is_known_what_came_of_it_and_one_success_is_enough() {
    let mut host = queued();
    host.send(Input::Approved { by: "ann".into() });
    host.start_and_fetch();
    let held = host.plan.first_places.clone();
    assert_eq!(held.len(), 4);
    host.work();
    assert_eq!(host.plan.phase, Phase::Verifying);
    assert_eq!(
        (host.plan.first_places.len(), given_back(&host)),
        (4, Vec::new()),
        "nothing is shown yet"
    );
    let freed = host
        .effects
        .iter()
        .any(|effect| matches!(effect, Effect::FreeSlots { slots, .. } if *slots == [IN_FLIGHT]));
    assert!(freed, "the order's other slots are free: {:?}", host.effects);
    assert_eq!(succeeded(&host), Vec::<String>::new());
    host.confirm();
    assert_eq!(host.plan.phase, Phase::Migrated, "{}", host.told());
    assert_eq!(given_back(&host), held);
    assert_eq!(succeeded(&host), host.plan.recipes);

    let mut next = queued();
    next.succeeded = host.plan.recipes.iter().cloned().collect();
    next.send(Input::CampaignChanged { assessment: None });
    assert_eq!(next.waiting(), Some(Waiting::NextPass));
    next.migrate();
    assert_eq!(
        (succeeded(&next), given_back(&next)),
        (Vec::new(), Vec::new()),
        "that is no news"
    );
}

#[test]
fn one_that_fails_gives_its_places_back_and_shows_nothing() {
    let mut host = queued();
    host.send(Input::Approved { by: "ann".into() });
    host.start_and_fetch();
    host.report(RecordEvent::OrderAccepted, 0, None);
    host.report(RecordEvent::StepBegun, 0, None);
    host.report(RecordEvent::StepFailed, 0, Some(FailureCause::ToolFailed));
    host.report(RecordEvent::OrderFailed, 0, Some(FailureCause::ToolFailed));
    assert_eq!(
        (given_back(&host).len(), succeeded(&host).len()),
        (4, 0),
        "{}",
        host.told()
    );
    // And so does one whose order nobody fetched.
    let mut host = queued();
    host.send(Input::Approved { by: "ann".into() });
    host.start();
    host.wake();
    assert_eq!(given_back(&host).len(), 4, "{}", host.told());
}

#[test]
fn another_text_of_a_recipe_or_another_system_is_another_recipe() {
    let mut host = queued();
    let before = host.plan.untried.clone();
    host.succeeded = before.iter().cloned().collect();
    host.send(Input::CampaignChanged { assessment: None });
    assert_eq!(host.plan.untried, Vec::<String>::new());
    // Chosen before, it does not start on what succeeded in another text.
    host.catalog.recipes.get_mut(&"clamav".into()).unwrap().digest += 1;
    host.send(start());
    assert_eq!((host.plan.phase, host.plan.untried.len()), (Phase::Queued, 1));
    let mut elsewhere = carrying();
    elsewhere.facts.os_id = "ubuntu".to_owned();
    host.look(&elsewhere);
    assert_eq!(host.plan.untried.len(), 4, "{:?}", host.plan.untried);
}

#[test]
fn without_the_key_nothing_waits_for_it_and_successes_are_noted_all_the_same() {
    let mut host = Host::new();
    host.look(&carrying());
    assert_eq!(host.waiting(), Some(Waiting::NextPass));
    host.migrate();
    assert_eq!(succeeded(&host).len(), 4);
    let told = host
        .events
        .iter()
        .any(|event| matches!(event.fact, Fact::RecipesUntried { .. }));
    assert!(!told && given_back(&host).is_empty(), "{}", host.told());
}
