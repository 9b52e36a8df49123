//! Recipes that have not soaked here yet: who goes first, who lets them, and when it is over.

use cutover_proto::record::{FailureCause, RecordEvent};

use super::*;
use crate::{
    campaign::FirstCanaries,
    catalog::{Platform, Proven},
    plan::{Exemption, Hold, HoldKind},
    rollout::{self, ready_at_ms},
    samples::{carrying, replaced},
};

const POLICY: &str = "recovery_target = \"2027-06-30T00:00:00-04:00\"\n[policy]\ngrace = \"0s\"\nfirst_canaries = 5\n";

/// Queued, with recipes of which none has soaked here.
pub(super) fn queued() -> Host {
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
pub(super) fn succeeded(host: &Host) -> Vec<String> {
    let told = host.effects.iter().filter_map(|effect| {
        if let Effect::RecipesSucceeded { recipes, .. } = effect {
            Some(recipes.clone())
        } else {
            None
        }
    });
    told.flatten().collect()
}

/// Places that stay taken since their host succeeded.
pub(super) fn handed_over(host: &Host) -> Vec<String> {
    let told = host.effects.iter().filter_map(|effect| {
        if let Effect::RecipesSucceeded { places, .. } = effect {
            Some(places.clone())
        } else {
            None
        }
    });
    told.flatten().collect()
}

/// The places that its next order would take.
fn to_take(host: &Host) -> usize {
    let slots = rollout::slots(&host.plan, &host.campaign);
    slots.iter().filter(|slot| slot.name.starts_with("first:")).count()
}

/// Its order is out, and its first step fails.
pub(super) fn fail(host: &mut Host) {
    host.start_and_fetch();
    host.report(RecordEvent::OrderAccepted, 0, None);
    host.report(RecordEvent::StepBegun, 0, None);
    host.report(RecordEvent::StepFailed, 0, Some(FailureCause::ToolFailed));
    host.report(RecordEvent::OrderFailed, 0, Some(FailureCause::ToolFailed));
}

/// Places that were given back.
pub(super) fn given_back(host: &Host) -> Vec<String> {
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
    assert!(host.waiting().unwrap().text().contains("has not soaked here yet"));
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
        text.starts_with("5 of 5 slots of hosts that go first, until it has soaked here, to remove kesl"),
        "{text}"
    );
}

#[test]
fn its_places_are_held_until_it_is_known_what_came_of_it_and_stay_taken_where_it_succeeded() {
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
    assert_eq!(succeeded(&host), host.plan.recipes);
    assert_eq!(
        (handed_over(&host), given_back(&host)),
        (held, Vec::new()),
        "nobody takes them before all are through"
    );

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
fn one_that_comes_through_when_its_recipes_have_soaked_gives_its_places_back() {
    let mut host = queued();
    host.send(Input::Approved { by: "ann".into() });
    host.start_and_fetch();
    let held = host.plan.first_places.clone();
    host.work();
    // It had started as the others were found to be through.
    host.succeeded = host.plan.recipes.iter().cloned().collect();
    host.confirm();
    assert_eq!((given_back(&host), handed_over(&host)), (held, Vec::new()));
}

#[test]
fn all_that_went_first_are_through_when_only_those_that_succeeded_hold_places() {
    let succeeded: BTreeMap<String, u32> = [("remove a".to_owned(), 2), ("install b".to_owned(), 0)].into();
    let soaked = |taken: u32| rollout::soaked(&succeeded, |slot| if slot == "first:remove a" { taken } else { 0 });
    assert_eq!(
        soaked(3),
        ["install b"],
        "one is under way, or failed and is not decided about"
    );
    assert_eq!(soaked(2), ["install b", "remove a"]);
    assert!(
        rollout::soaked(&BTreeMap::new(), |_| 0).is_empty(),
        "none has succeeded"
    );
}

#[test]
fn one_that_fails_keeps_its_places_until_it_succeeds_after_all() {
    let mut host = queued();
    host.send(Input::Approved { by: "ann".into() });
    assert_eq!(to_take(&host), 4);
    fail(&mut host);
    assert_eq!(
        (given_back(&host), succeeded(&host)),
        (Vec::new(), Vec::new()),
        "{}",
        host.told()
    );
    assert_eq!((host.plan.kept_places.len(), host.plan.first_places.len()), (4, 0));
    assert_eq!(to_take(&host), 0, "it has them");
    host.pass(DAY).wake();
    fail(&mut host);
    assert_eq!(
        (host.plan.kept_places.len(), given_back(&host)),
        (4, Vec::new()),
        "nor twice"
    );
    host.pass(DAY).wake();
    host.look_again();
    host.migrate();
    assert_eq!(
        (handed_over(&host).len(), given_back(&host)),
        (4, Vec::new()),
        "{}",
        host.told()
    );
    assert_eq!(host.plan.kept_places, Vec::<String>::new());
}

#[test]
fn one_that_failed_gives_its_places_back_when_a_person_sets_it_aside_or_others_did_its_work() {
    let exemption = Exemption {
        why: "it runs a lathe".into(),
        owner: "eve".into(),
        control: None,
        until_ms: Some(START + 90 * DAY),
        by: None,
    };
    let hold = |kind| {
        Input::HoldPlaced(Hold {
            kind,
            who: "ann".into(),
            why: "its disk is ill".into(),
            until_ms: None,
        })
    };
    let retired = Input::Retired {
        by: "ann".into(),
        why: "scrapped".into(),
    };
    for (input, back) in [
        (hold(HoldKind::Operator), 4),
        (hold(HoldKind::Legal), 4),
        (Input::Exempted(exemption), 4),
        (retired, 4),
        // Nobody decided about it.
        (hold(HoldKind::Clone), 0),
        (Input::Retried { by: "ann".into() }, 0),
    ] {
        let mut host = queued();
        host.send(Input::Approved { by: "ann".into() });
        fail(&mut host);
        let said = format!("{input:?}");
        host.send(input);
        assert_eq!(
            (given_back(&host).len(), host.plan.kept_places.len()),
            (back, 4 - back),
            "{said}"
        );
    }
    let mut host = queued();
    host.send(Input::Approved { by: "ann".into() });
    fail(&mut host);
    host.pass(60_000).look(&replaced());
    host.confirm();
    assert_eq!(host.plan.phase, Phase::Migrated, "{}", host.told());
    assert_eq!(
        (given_back(&host).len(), succeeded(&host).len()),
        (4, 0),
        "by others' hands"
    );
}

#[test]
fn one_with_which_nothing_was_tried_gives_its_places_back() {
    // Its order was fetched by nobody.
    let mut host = queued();
    host.send(Input::Approved { by: "ann".into() });
    host.start();
    host.wake();
    assert_eq!(
        (given_back(&host).len(), host.plan.kept_places.len()),
        (4, 0),
        "{}",
        host.told()
    );
    // Another installer was at work.
    let mut host = queued();
    host.send(Input::Approved { by: "ann".into() });
    host.start_and_fetch();
    host.report(RecordEvent::OrderAccepted, 0, None);
    host.report(RecordEvent::OrderFailed, 0, Some(FailureCause::Locked));
    assert_eq!(host.plan.attempts_used, 0, "{}", host.told());
    assert_eq!((given_back(&host).len(), host.plan.kept_places.len()), (4, 0));
}

#[test]
fn a_recipe_that_never_ran_in_the_field_starts_by_approval_on_five_hosts_at_most() {
    let silent = "recovery_target = \"2027-06-30T00:00:00-04:00\"\n[policy]\ngrace = \"0s\"\n";
    let mut host = Host::of(samples::campaign(silent));
    assert_eq!(
        host.campaign
            .policy
            .trust_unproven
            .as_ref()
            .map(|it| it.why().is_empty()),
        Some(false)
    );
    host.campaign.policy.first_canaries = FirstCanaries::Unproven;
    host.campaign.policy.trust_unproven = None;
    host.look(&carrying());
    let cause = ApprovalCause::Recipe;
    assert_eq!(host.waiting(), Some(Waiting::Approval { cause }));
    let caps: Vec<u32> = rollout::slots(&host.plan, &host.campaign)
        .iter()
        .filter(|slot| slot.name.starts_with("first:"))
        .map(|slot| slot.cap)
        .collect();
    assert_eq!(caps, [5; 4]);
    // With what ran on machines of an organisation nobody goes first, where the campaign says nothing.
    for (product, left) in [("kesl", 3), ("kesl-gui", 2), ("klnagent64", 1), ("clamav", 0)] {
        let recipe = host.catalog.recipes.get_mut(&product.into()).unwrap();
        recipe.proven.insert(Platform::LinuxApt, Proven::Field);
        host.send(Input::CampaignChanged { assessment: None });
        assert_eq!(host.plan.untried.len(), left, "{product}: {:?}", host.plan.untried);
    }
    assert_eq!(host.waiting(), Some(Waiting::NextPass));
    // Of the system that the host is, and no other.
    let recipe = host.catalog.recipes.get_mut(&"kesl".into()).unwrap();
    recipe.proven.insert(Platform::LinuxApt, Proven::Machine);
    recipe.proven.insert(Platform::LinuxDnf, Proven::Field);
    host.send(Input::CampaignChanged { assessment: None });
    assert_eq!(host.plan.untried.len(), 1);
    // A campaign that names a number means every recipe.
    host.campaign.policy.first_canaries = FirstCanaries::Every(2);
    host.send(Input::CampaignChanged { assessment: None });
    assert_eq!(host.plan.untried.len(), 4);
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
fn where_the_campaign_trusts_them_nothing_waits_for_it_and_successes_are_noted_all_the_same() {
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
