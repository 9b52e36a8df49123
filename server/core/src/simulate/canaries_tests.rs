//! Who goes first with a recipe that has not soaked here yet.

use std::{
    collections::{BTreeMap, BTreeSet},
    time::Duration,
};

use super::{
    PerMille, Simulated,
    tests::{Fleet, HOUR, all, left},
};
use crate::{decide::Fact, plan::Phase};

/// When each host began for the first time, and when it was migrated, both in order.
fn course(fleet: &Fleet) -> (Vec<i64>, Vec<i64>, Simulated) {
    let (mut began, mut migrated) = (BTreeMap::new(), Vec::new());
    let done = fleet.trace(|step| {
        for event in step.events {
            if let Fact::OrderIssued { .. } = event.fact {
                began.entry(step.plan.host_id).or_insert(event.at_ms);
            }
            if let Fact::Moved {
                to: Phase::Migrated, ..
            } = event.fact
            {
                migrated.push(event.at_ms);
            }
        }
    });
    let mut began: Vec<i64> = began.into_values().collect();
    began.sort_unstable();
    (began, migrated, done)
}

#[test]
fn five_go_first_with_a_recipe_and_it_opens_when_they_have_soaked() {
    // One after another, so that the first is through long before the fifth.
    let mut fleet = Fleet::of(12, all("first_canaries = 5\nsoak = \"6h\"\nstarts_per_hour = 1\n"));
    let done = fleet.go();
    assert_eq!(done.done, 0, "nobody lets one start");
    assert!(
        left(&done)[0].0.contains("has not soaked here yet"),
        "{:?}",
        left(&done)
    );
    fleet.assumptions.fails = PerMille(0);
    fleet.assumptions.goes_dark = PerMille(0);
    fleet.assumptions.people_within = Some(Duration::from_hours(1));
    let (began, migrated, done) = course(&fleet);
    assert_eq!((began.len(), done.done), (12, 12));
    assert!(began[4] - began[0] >= 4 * HOUR, "{began:?}");
    assert!(migrated[0] < migrated[4] - 3 * HOUR, "{migrated:?}");
    assert_eq!(began[5], migrated[4], "as soon as all five are through, and no earlier");
}

#[test]
fn what_fails_on_every_host_is_tried_on_five_and_no_more() {
    let mut fleet = Fleet::of(12, all("first_canaries = 5\nsoak = \"6h\"\nattempts = 1\n"));
    fleet.assumptions.fails = PerMille(1000);
    fleet.assumptions.people_within = Some(Duration::from_hours(1));
    let (began, _, done) = course(&fleet);
    assert_eq!((began.len(), done.done), (5, 0));
    let words: BTreeSet<&str> = left(&done).into_iter().map(|(why, _)| why).collect();
    assert!(
        words
            .iter()
            .any(|why| why.starts_with("the slots of hosts that go first")),
        "{words:?}"
    );
}
