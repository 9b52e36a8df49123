//! Releases of the agent: offers are counted by compare-and-set, hosts by their states.

use super::lab::{Lab, NOW, on_both};
use crate::store::StoreError;
use crate::store::agent_releases::{self, AgentReleaseRow, AgentUpdateRow};

on_both!(
    a_revision_is_given_once_and_the_newest_is_the_highest,
    two_offers_by_one_count_conflict_and_a_halted_release_has_none,
    hosts_are_counted_and_listed_by_their_states_up_to_a_limit,
);

fn release(revision: i64) -> AgentReleaseRow {
    AgentReleaseRow {
        revision,
        version: format!("0.{revision}.0"),
        programs: "[]".to_owned(),
        trial_seconds: 600,
        pace: r#"{"canaries":3,"at_once":50}"#.to_owned(),
        is_halted: false,
        why: String::new(),
        offers: 0,
        made_by: "mention".to_owned(),
        made_ms: NOW,
    }
}

fn add(lab: &Lab, revision: i64) -> Result<(), StoreError> {
    lab.store
        .write_now(move |tx| agent_releases::insert(tx, &release(revision)))
}

fn newest(lab: &Lab) -> Option<AgentReleaseRow> {
    lab.store.read_now(|tx| agent_releases::newest(tx)).expect("read")
}

fn a_revision_is_given_once_and_the_newest_is_the_highest(lab: &Lab) {
    assert_eq!(newest(lab), None);
    for revision in [2, 1, 3] {
        add(lab, revision).expect("added");
    }
    assert!(matches!(add(lab, 2), Err(StoreError::Conflict { .. })));
    assert_eq!(newest(lab), Some(release(3)));
    let listed = lab.store.read_now(|tx| agent_releases::list(tx, 2)).expect("listed");
    assert_eq!(listed, [release(3), release(2)]);
}

fn two_offers_by_one_count_conflict_and_a_halted_release_has_none(lab: &Lab) {
    add(lab, 1).expect("added");
    let offer = |row: AgentReleaseRow| lab.store.write_now(move |tx| agent_releases::count_offer(tx, &row));
    assert_eq!(offer(release(1)), Ok(()));
    assert!(matches!(offer(release(1)), Err(StoreError::Conflict { .. })));
    let seen = newest(lab).expect("there");
    assert_eq!(seen.offers, 1);
    let halt = |why: Option<&'static str>| lab.store.write_now(move |tx| agent_releases::halt(tx, 1, why));
    assert_eq!(halt(Some("it crashes")), Ok(true));
    let halted = newest(lab).expect("there");
    assert_eq!((halted.is_halted, halted.why.as_str()), (true, "it crashes"));
    assert!(matches!(offer(halted), Err(StoreError::Conflict { .. })));
    assert_eq!(halt(None), Ok(true));
    assert_eq!(newest(lab), Some(seen));
}

fn hosts_are_counted_and_listed_by_their_states_up_to_a_limit(lab: &Lab) {
    let put = |host: &'static str, state: &'static str, told_ms: Option<i64>| {
        let row = AgentUpdateRow {
            revision: 1,
            host_id: host.to_owned(),
            state: state.to_owned(),
            why: String::new(),
            offered_ms: NOW,
            told_ms,
        };
        lab.store
            .write_now(move |tx| agent_releases::put_update(tx, &row))
            .expect("put");
    };
    for (host, state) in [("a", "offered"), ("b", "tried"), ("c", "in-force"), ("d", "offered")] {
        put(host, state, None);
    }
    let count = |limit| {
        lab.store
            .read_now(move |tx| agent_releases::count(tx, 1, ["offered", "tried"], limit))
            .expect("counted")
    };
    assert_eq!((count(10), count(2)), (3, 2));
    put("a", "in-force", Some(NOW + 5));
    assert_eq!(count(10), 2);
    let of_a = lab
        .store
        .read_now(|tx| agent_releases::update_of(tx, 1, "a"))
        .expect("read");
    let of_a = of_a.expect("there");
    assert_eq!(
        (of_a.state.as_str(), of_a.offered_ms, of_a.told_ms),
        ("in-force", NOW, Some(NOW + 5))
    );
    let listed = lab
        .store
        .read_now(|tx| agent_releases::updates(tx, 1, ["in-force", "in-force"], 1))
        .expect("listed");
    assert_eq!(listed.iter().map(|row| row.host_id.as_str()).collect::<Vec<_>>(), ["a"]);
}
