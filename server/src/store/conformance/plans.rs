//! Plans, their listings and their totals.

use proptest::prelude::*;
use proptest::test_runner::{Config, TestCaseError, TestRunner};

use super::lab::{CaseError, Lab, NOW, host, on_both, plan};
use crate::store::host_seen::{self, HostSeenRow};
use crate::store::plans::{self, PlanFilter, PlanRow};
use crate::store::{StoreError, WriteTx, hosts, tallies, totals, views};
use cutover_core::rollout::Outcome;

on_both!(
    a_plan_comes_back_as_it_went,
    a_plan_that_changed_meanwhile_is_a_conflict,
    due_plans_come_longest_due_first,
    a_wake_is_rearmed_without_an_event,
    the_least_slack_is_first,
    listings_page_and_filter,
    totals_equal_a_recount_under_random_changes,
    a_total_that_does_not_fit_is_reported,
);

fn store_plan(lab: &Lab, expected_seq: i64, row: &PlanRow) -> Result<(), StoreError> {
    let row = row.clone();
    lab.store
        .write_now(move |tx| plans::compare_and_set(tx, expected_seq, &row))
}

fn load_plan(lab: &Lab, host_id: &str) -> Option<PlanRow> {
    let host_id = host_id.to_owned();
    lab.store
        .read_now(move |tx| plans::load(tx, "us-2024", &host_id))
        .expect("read")
}

fn ids(rows: &[PlanRow]) -> Vec<&str> {
    rows.iter().map(|row| row.host_id.as_str()).collect()
}

fn a_plan_comes_back_as_it_went(lab: &Lab) {
    let full = PlanRow {
        seq: 3,
        site: "berlin".to_owned(),
        stale: true,
        late: true,
        closed: true,
        carried: true,
        cover: "protected".into(),
        state: "{\"phase\":\"queued\"}".to_owned(),
        wake_at_ms: Some(NOW + 5),
        latest_start_ms: Some(NOW + 6),
        outcome: "not-back".to_owned(),
        tried_in: "2".to_owned(),
        round: 7,
        ready_at_ms: i64::MAX,
        ..plan("host-1", "queued")
    };
    store_plan(lab, 0, &full).expect("stored");
    assert_eq!(load_plan(lab, "host-1").as_ref(), Some(&full));
    let bare = PlanRow {
        seq: 4,
        ..plan("host-1", "clear")
    };
    store_plan(lab, 3, &bare).expect("stored");
    assert_eq!(load_plan(lab, "host-1").as_ref(), Some(&bare));
    assert_eq!(load_plan(lab, "host-2"), None);
    let of_host = lab.store.read_now(|tx| plans::of_host(tx, "host-1")).expect("read");
    assert_eq!(of_host, [bare]);
}

fn a_plan_that_changed_meanwhile_is_a_conflict(lab: &Lab) {
    let row = plan("host-1", "planned");
    store_plan(lab, 0, &row).expect("stored");
    for wrong in [0, 2] {
        let refused = store_plan(lab, wrong, &plan("host-1", "queued"));
        assert!(matches!(refused, Err(StoreError::Conflict { .. })), "{refused:?}");
    }
    let missing = store_plan(lab, 1, &plan("host-2", "queued"));
    assert!(matches!(missing, Err(StoreError::Conflict { .. })), "{missing:?}");
    assert_eq!(load_plan(lab, "host-1"), Some(row));
    lab.store.read_now(|tx| totals::check(tx, "us-2024")).expect("totals");
}

fn due_plans_come_longest_due_first(lab: &Lab) {
    for (id, wake) in [
        ("a", Some(30)),
        ("b", Some(10)),
        ("c", None),
        ("d", Some(20)),
        ("e", Some(10)),
    ] {
        let row = PlanRow {
            wake_at_ms: wake,
            ..plan(id, "planned")
        };
        store_plan(lab, 0, &row).expect("stored");
    }
    let due = |now: i64, limit: i64| lab.store.read_now(move |tx| plans::due(tx, now, limit)).expect("read");
    assert_eq!(ids(&due(9, 10)), [""; 0]);
    assert_eq!(ids(&due(20, 10)), ["b", "e", "d"]);
    assert_eq!(ids(&due(99, 2)), ["b", "e"]);
    assert_eq!(lab.store.read_now(|tx| plans::next_wake_ms(tx)), Ok(Some(10)));
}

fn a_wake_is_rearmed_without_an_event(lab: &Lab) {
    assert_eq!(lab.store.read_now(|tx| plans::next_wake_ms(tx)), Ok(None));
    store_plan(lab, 0, &plan("host-1", "planned")).expect("stored");
    let rearm = |seq: i64, at: Option<i64>| {
        lab.store
            .write_now(move |tx| plans::rearm(tx, "us-2024", "host-1", seq, at))
    };
    assert_eq!(rearm(1, Some(NOW)), Ok(()));
    assert_eq!(
        load_plan(lab, "host-1").map(|row| (row.seq, row.wake_at_ms)),
        Some((1, Some(NOW)))
    );
    assert!(matches!(rearm(2, None), Err(StoreError::Conflict { .. })));
    assert_eq!(rearm(1, None), Ok(()));
    assert_eq!(load_plan(lab, "host-1").map(|row| row.wake_at_ms), Some(None));
}

fn the_least_slack_is_first(lab: &Lab) {
    for (id, latest, wave, phase) in [
        ("a", None, "1", "queued"),
        ("b", Some(20), "1", "queued"),
        ("c", Some(-5), "1", "queued"),
        ("d", Some(1), "2", "queued"),
        ("e", Some(1), "1", "planned"),
    ] {
        let row = PlanRow {
            latest_start_ms: latest,
            wave: wave.to_owned(),
            ..plan(id, phase)
        };
        store_plan(lab, 0, &row).expect("stored");
    }
    let first = |limit: i64| {
        lab.store
            .read_now(move |tx| plans::first_in_phase(tx, "us-2024", "1", "queued", NOW, limit))
            .expect("read")
    };
    assert_eq!(ids(&first(10)), ["c", "b", "a"]);
    assert_eq!(ids(&first(1)), ["c"]);
}

fn listings_page_and_filter(lab: &Lab) {
    for (number, phase) in ["planned", "queued", "planned", "migrated", "planned"]
        .iter()
        .enumerate()
    {
        let id = format!("host-{number}");
        let row = PlanRow {
            site: if number < 3 { "berlin" } else { "" }.to_owned(),
            stale: number == 4,
            late: number == 1,
            ..plan(&id, phase)
        };
        store_plan(lab, 0, &row).expect("stored");
        lab.store
            .write_now(move |tx| hosts::insert(tx, &host(&id)))
            .expect("stored");
    }
    let seen = HostSeenRow {
        host_id: "host-2".to_owned(),
        seen_ms: NOW,
        boot_id: "boot".to_owned(),
        looked_agent_ms: None,
    };
    lab.store
        .write_now(move |tx| host_seen::flush(tx, std::slice::from_ref(&seen), NOW, 600_000))
        .expect("stored");
    let page = |filter: PlanFilter, after: Option<&'static str>, limit: i64| {
        let (rows, lines) = lab
            .store
            .read_now(move |tx| {
                Ok::<_, StoreError>((
                    plans::list(tx, "us-2024", &filter, after, limit)?,
                    views::host_lines(tx, "us-2024", &filter, after, limit)?,
                ))
            })
            .expect("read");
        let found: Vec<String> = rows.into_iter().map(|row| row.host_id).collect();
        assert_eq!(found, lines.iter().map(|line| line.host_id.clone()).collect::<Vec<_>>());
        (found.join(" "), lines)
    };
    let all = PlanFilter::default;
    assert_eq!(page(all(), None, 2).0, "host-0 host-1");
    assert_eq!(page(all(), Some("host-1"), 2).0, "host-2 host-3");
    assert_eq!(page(all(), Some("host-4"), 2).0, "");
    let planned = PlanFilter {
        phase: Some("planned".to_owned()),
        ..all()
    };
    assert_eq!(page(planned.clone(), None, 9).0, "host-0 host-2 host-4");
    let fresh = PlanFilter {
        stale: Some(false),
        site: Some("berlin".to_owned()),
        ..planned
    };
    let (found, lines) = page(fresh, None, 9);
    assert_eq!(found, "host-0 host-2");
    assert_eq!(lines[0].seen_ms, None);
    assert_eq!(
        (lines[1].seen_ms, lines[1].name.as_str()),
        (Some(NOW), "name-of-host-2")
    );
    let late = PlanFilter {
        late: Some(true),
        wave: Some("1".to_owned()),
        ..all()
    };
    assert_eq!(page(late, None, 9).0, "host-1");
    let phases = lab.store.read_now(|tx| views::phases(tx, "us-2024")).expect("read");
    let expected = [("migrated", 1), ("planned", 3), ("queued", 1)].map(|(p, n)| (p.to_owned(), n));
    assert_eq!(phases, expected);
}

/// A change that a service may make in one closure.
#[derive(Debug, Clone)]
enum Change {
    Set {
        host: u8,
        phase: u8,
        wave: u8,
        stale: bool,
        late: bool,
        closed: bool,
        outcome: Outcome,
        round: u8,
    },
    Late {
        host: u8,
        late: bool,
    },
}

fn change() -> impl Strategy<Value = Change> {
    prop_oneof![
        3 => (
            (0..4_u8, 0..3_u8, 0..2_u8, any::<bool>(), any::<bool>(), any::<bool>()),
            (prop::sample::select(Outcome::ALL), 0..2_u8),
        )
            .prop_map(|((host, phase, wave, stale, late, closed), (outcome, round))| Change::Set {
                host, phase, wave, stale, late, closed, outcome, round
            }),
        1 => (0..4_u8, any::<bool>()).prop_map(|(host, late)| Change::Late { host, late }),
    ]
}

fn make_change(tx: &mut WriteTx<'_>, campaign: &str, change: &Change) -> Result<(), StoreError> {
    match change {
        Change::Set {
            host,
            phase,
            wave,
            stale,
            late,
            closed,
            outcome,
            round,
        } => {
            let id = format!("host-{host}");
            let seq = plans::load(tx, campaign, &id)?.map_or(0, |row| row.seq);
            let row = PlanRow {
                campaign_id: campaign.to_owned(),
                seq: seq + 1,
                wave: wave.to_string(),
                stale: *stale,
                late: *late,
                closed: *closed,
                carried: *late,
                cover: "unobserved".into(),
                outcome: outcome.to_string(),
                tried_in: format!("tried-{wave}"),
                round: i64::from(*round),
                ..plan(&id, &format!("phase-{phase}"))
            };
            plans::compare_and_set(tx, seq, &row)
        }
        Change::Late { host, late } => plans::set_late(tx, campaign, &format!("host-{host}"), *late).map(drop),
    }
}

fn totals_equal_a_recount_under_random_changes(lab: &Lab) {
    // Transactions of several changes, some of which end in a refusal.
    let transactions = prop::collection::vec((prop::collection::vec(change(), 1..5), prop::bool::weighted(0.2)), 1..8);
    let mut runner = TestRunner::new(Config {
        cases: 24,
        failure_persistence: None,
        ..Config::default()
    });
    let next = std::cell::Cell::new(0);
    runner
        .run(&transactions, |transactions| {
            // One campaign for each run, in the same store.
            next.set(next.get() + 1);
            let campaign = format!("run-{}", next.get());
            for (changes, refused) in transactions {
                let id = campaign.clone();
                let answer = lab.store.write_now(move |tx| {
                    for change in &changes {
                        make_change(tx, &id, change)?;
                    }
                    if refused { Err(CaseError::Refused("no")) } else { Ok(()) }
                });
                prop_assert_eq!(answer.is_err(), refused, "{:?}", answer);
                let id = campaign.clone();
                lab.store
                    .read_now(move |tx| totals::check(tx, &id).and_then(|()| tallies::check(tx, &id)))
                    .map_err(|error| TestCaseError::fail(error.to_string()))?;
            }
            Ok(())
        })
        .expect("totals equal a recount");
}

fn a_total_that_does_not_fit_is_reported(lab: &Lab) {
    store_plan(lab, 0, &plan("host-1", "planned")).expect("stored");
    lab.conn()
        .execute("UPDATE total SET hosts = 0", &[])
        .expect("falsified");
    let check = lab.store.read_now(|tx| totals::check(tx, "us-2024"));
    assert!(matches!(check, Err(StoreError::Corrupt { .. })), "{check:?}");
    let moved = PlanRow {
        seq: 2,
        ..plan("host-1", "queued")
    };
    let refused = store_plan(lab, 1, &moved);
    assert!(matches!(refused, Err(StoreError::Corrupt { .. })), "{refused:?}");
    assert_eq!(
        load_plan(lab, "host-1").map(|row| row.seq),
        Some(1),
        "nothing was changed"
    );
}
