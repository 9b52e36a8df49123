//! A simulated fleet starts a site's only domain controller by a person's word alone.

use std::time::Duration;

use cutover_proto::inventory::HostRole;

use super::{
    Habit,
    tests::{DAY, Fleet, HOUR, START, all},
};
use crate::{campaign::Term, plan::Known, samples};

/// One controller at each of two sites, and two at a third.
fn controllers() -> Fleet {
    let mut fleet = Fleet::of(0, all("soak = \"0s\"\napproval_for = []\n"));
    let mut inventory = samples::carrying();
    inventory.facts.roles = vec![HostRole::DomainController];
    for (number, site) in ["a", "b", "c", "c"].into_iter().enumerate() {
        let known = Known {
            site: site.to_owned(),
            ..Known::default()
        };
        fleet.add(number, known, &inventory);
    }
    fleet
}

#[test]
fn without_people_the_only_ones_are_left_and_with_them_they_start_when_these_have_said_so() {
    let mut fleet = controllers();
    let alone = fleet.go();
    assert_eq!((alone.done, alone.left.len()), (2, 1), "{:?}", alone.left);
    assert!(
        alone.left[0]
            .why
            .contains("no other domain controller answers for its site")
    );
    fleet.assumptions.people_within = Some(Duration::from_hours(24));
    assert_eq!(fleet.go().done, 4);
    let late = fleet.starts().into_iter().filter(|at_ms| *at_ms >= START + DAY).count();
    assert_eq!(late, 2);
}

#[test]
fn who_becomes_the_only_one_is_asked_for_then() {
    let mut fleet = controllers();
    fleet.hosts.drain(..2);
    fleet.campaign.policy.grace = Term::For(Duration::from_hours(240));
    fleet.assumptions.people_within = Some(Duration::from_hours(1));
    // The other one is never there, and is called stale after a week.
    fleet.hosts[1].habit = Some(Habit::Hours([0; 168].into()));
    assert_eq!(fleet.starts(), [START + 10 * DAY + HOUR]);
}
