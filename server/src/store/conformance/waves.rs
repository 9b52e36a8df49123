//! What came of a wave's orders, and the head of its queue.

use cutover_core::rollout::{Outcome, Tally};

use super::lab::{Lab, NOW, on_both, plan};
use crate::store::plans::{self, PlanRow};
use crate::store::queue::{self, Queue};
use crate::store::{StoreError, host_seen, tallies};

on_both!(
    a_tally_counts_a_host_where_its_order_was_issued,
    a_tally_that_does_not_fit_is_reported,
    who_is_not_ready_is_not_at_the_head,
    what_has_ripened_comes_in_the_order_of_its_slack,
    who_is_away_is_put_off_until_it_is_heard_of,
);

fn store(lab: &Lab, expected_seq: i64, row: PlanRow) -> Result<(), StoreError> {
    lab.store
        .write_now(move |tx| plans::compare_and_set(tx, expected_seq, &row))
}

fn tried(host_id: &str, seq: i64, outcome: Outcome, wave: &str, round: i64) -> PlanRow {
    PlanRow {
        seq,
        outcome: outcome.to_string(),
        tried_in: wave.to_owned(),
        round,
        ..plan(host_id, "queued")
    }
}

fn tally(lab: &Lab, wave: &'static str, round: u32) -> Tally {
    lab.store
        .read_now(move |tx| {
            tallies::check(tx, "us-2024")?;
            tallies::of_wave(tx, "us-2024", wave, round)
        })
        .expect("read")
}

fn a_tally_counts_a_host_where_its_order_was_issued(lab: &Lab) {
    assert_eq!(tally(lab, "1", 0), Tally::default());
    for host in ["a", "b", "c"] {
        store(lab, 0, tried(host, 1, Outcome::UnderWay, "1", 0)).expect("stored");
    }
    store(lab, 0, plan("d", "queued")).expect("stored");
    let under_way = |under_way| Tally {
        under_way,
        ..Tally::default()
    };
    assert_eq!(tally(lab, "1", 0), under_way(3));
    store(lab, 1, tried("a", 2, Outcome::Failed, "1", 0)).expect("stored");
    store(lab, 1, tried("b", 2, Outcome::Succeeded, "1", 0)).expect("stored");
    // Its wave is another one by now, and it left the fleet: it goes on counting where it was tried.
    let moved = PlanRow {
        wave: "2".to_owned(),
        phase: "retired".to_owned(),
        closed: true,
        ..tried("a", 3, Outcome::Failed, "1", 0)
    };
    store(lab, 2, moved).expect("stored");
    store(lab, 1, tried("c", 2, Outcome::NotBack, "1", 0)).expect("stored");
    let settled = Tally {
        succeeded: 1,
        failed: 1,
        not_back: 1,
        ..Tally::default()
    };
    assert_eq!(tally(lab, "1", 0), settled);
    assert_eq!(tally(lab, "2", 0), Tally::default());
    // Tried again in the next round, and taken back.
    store(lab, 2, tried("c", 3, Outcome::UnderWay, "1", 1)).expect("stored");
    assert_eq!(tally(lab, "1", 1), under_way(1));
    assert_eq!(tally(lab, "1", 0).not_back, 0);
    store(lab, 3, tried("c", 4, Outcome::NotBack, "1", 0)).expect("stored");
    assert_eq!(tally(lab, "1", 1), Tally::default());
    assert_eq!(tally(lab, "1", 0), settled);
    // A change that is refused moves nothing.
    let late = store(lab, 1, tried("b", 2, Outcome::Failed, "1", 0));
    assert!(matches!(late, Err(StoreError::Conflict { .. })), "{late:?}");
    assert_eq!(tally(lab, "1", 0), settled);
}

fn a_tally_that_does_not_fit_is_reported(lab: &Lab) {
    store(lab, 0, tried("a", 1, Outcome::UnderWay, "1", 0)).expect("stored");
    lab.conn()
        .execute("UPDATE wave_tally SET hosts = 0", &[])
        .expect("falsified");
    let check = lab.store.read_now(|tx| tallies::check(tx, "us-2024"));
    assert!(matches!(check, Err(StoreError::Corrupt { .. })), "{check:?}");
    let refused = store(lab, 1, tried("a", 2, Outcome::Failed, "1", 0));
    assert!(matches!(refused, Err(StoreError::Corrupt { .. })), "{refused:?}");
    lab.conn()
        .execute("UPDATE wave_tally SET hosts = 1, outcome = 'eaten'", &[])
        .expect("falsified");
    let unknown = lab.store.read_now(|tx| tallies::of_wave(tx, "us-2024", "1", 0));
    assert!(matches!(unknown, Err(StoreError::Corrupt { .. })), "{unknown:?}");
}

const QUEUE: Queue<'_> = Queue {
    campaign_id: "us-2024",
    wave: "1",
    phase: "queued",
};

/// Queued, with a latest start and a date to be ready.
fn queue(lab: &Lab, plans: &[(&str, i64, i64)]) {
    for (id, latest, ready_at_ms) in plans {
        let row = PlanRow {
            latest_start_ms: Some(*latest),
            ready_at_ms: *ready_at_ms,
            ..plan(id, "queued")
        };
        store(lab, 0, row).expect("stored");
    }
}

fn head(lab: &Lab, ready_by_ms: i64, limit: i64) -> String {
    let rows = lab
        .store
        .read_now(move |tx| plans::first_in_phase(tx, "us-2024", "1", "queued", ready_by_ms, limit))
        .expect("read");
    rows.iter()
        .map(|row| row.host_id.as_str())
        .collect::<Vec<_>>()
        .join(" ")
}

fn who_is_not_ready_is_not_at_the_head(lab: &Lab) {
    queue(
        lab,
        &[
            ("a", 5, 0),
            ("b", 1, NOW + 1),
            ("c", 2, NOW),
            ("d", 9, 0),
            ("e", 0, i64::MAX),
            ("f", 7, NOW - 1),
        ],
    );
    assert_eq!(head(lab, NOW, 10), "c a f d");
    assert_eq!(head(lab, NOW + 1, 10), "b c a f d");
    assert_eq!(head(lab, NOW, 2), "c a");
    // Of those whose date has come, the longest ready are looked at first.
    assert_eq!(head(lab, NOW, 1), "a");
    assert_eq!(head(lab, 0, 10), "a d");
}

fn what_has_ripened_comes_in_the_order_of_its_slack(lab: &Lab) {
    queue(
        lab,
        &[
            ("a", 5, 0),
            ("b", 1, NOW + 1),
            ("c", 2, NOW),
            ("e", 0, i64::MAX),
            ("f", 7, NOW - 1),
        ],
    );
    let ripen = |now_ms: i64, limit: i64| lab.store.write_now(move |tx| queue::ripen(tx, QUEUE, now_ms, limit));
    assert_eq!(ripen(NOW, 1), Ok(1));
    assert_eq!(head(lab, 0, 10), "a f", "the longest ready first");
    let is_ripe = || lab.store.read_now(|tx| queue::is_ripe(tx, QUEUE, NOW));
    assert_eq!(is_ripe(), Ok(true));
    assert_eq!(ripen(NOW, 10), Ok(1));
    assert_eq!(is_ripe(), Ok(false));
    assert_eq!(ripen(NOW, 10), Ok(0));
    assert_eq!(head(lab, NOW, 1), "c");
    assert_eq!(head(lab, NOW, 10), "c a f");
    assert_eq!(ripen(NOW + 1, 10), Ok(1));
    assert_eq!(head(lab, 0, 10), "b c a f");
    // It is no change of the plan.
    let row = lab.store.read_now(|tx| plans::load(tx, "us-2024", "b")).expect("read");
    assert_eq!(row.map(|row| (row.seq, row.ready_at_ms)), Some((1, 0)));
}

fn see(lab: &Lab, host_id: &str, seen_ms: i64) {
    let row = host_seen::HostSeenRow {
        host_id: host_id.to_owned(),
        seen_ms,
        boot_id: "boot".to_owned(),
        looked_agent_ms: None,
    };
    lab.store
        .write_now(move |tx| host_seen::flush(tx, std::slice::from_ref(&row), NOW, 600_000))
        .expect("stored");
}

fn who_is_away_is_put_off_until_it_is_heard_of(lab: &Lab) {
    queue(lab, &[("a", 1, 0), ("b", 2, 0), ("c", 3, 0), ("d", 4, i64::MAX)]);
    see(lab, "b", NOW - 1);
    see(lab, "c", NOW);
    let away = |limit: i64| {
        let ids = lab
            .store
            .read_now(move |tx| queue::away(tx, QUEUE, NOW, limit))
            .expect("read");
        ids.join(" ")
    };
    let put_off = |ids: &[&str]| {
        let ids: Vec<String> = ids.iter().map(|id| (*id).to_owned()).collect();
        lab.store
            .write_now(move |tx| queue::put_off(tx, QUEUE, ids.clone(), NOW))
    };
    assert_eq!(away(1), "a");
    assert_eq!(away(10), "a b");
    // One that is heard of meanwhile, or that waits for something else, stays where it is.
    assert_eq!(put_off(&["d", "c", "b", "a"]), Ok(2));
    assert_eq!(head(lab, NOW, 10), "c");
    assert_eq!(head(lab, i64::MAX - 2, 10), "c", "no date brings them forward");
    assert_eq!(away(10), "");
    let many: Vec<String> = (0..250).map(|number| format!("nobody-{number}")).collect();
    let come_forward = || {
        let many = many.clone();
        lab.store.write_now(move |tx| {
            let mut ids: Vec<&str> = many.iter().map(String::as_str).collect();
            ids.extend(["d", "b"]);
            queue::come_forward(tx, &ids)
        })
    };
    assert_eq!(come_forward(), Ok(1));
    assert_eq!(come_forward(), Ok(0));
    assert_eq!(head(lab, NOW, 10), "b c");
    // Any change of the plan says anew when it is ready.
    let changed = PlanRow {
        seq: 2,
        latest_start_ms: Some(9),
        ..plan("a", "queued")
    };
    store(lab, 1, changed).expect("stored");
    assert_eq!(head(lab, NOW, 10), "b c a");
}
