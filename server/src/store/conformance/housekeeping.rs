//! Leases, availability, reports and the outbox.

use super::lab::{Lab, NOW, on_both};
use crate::store::availability::{self, Interval};
use crate::store::outbox::{self, DeliveryState, Tried};
use crate::store::report_runs::{self, ReportRunRow};
use crate::store::{StoreError, leases};

on_both!(
    a_lease_is_kept_lost_and_taken_over,
    the_database_has_a_clock,
    availability_is_gathered_in_intervals,
    intervals_of_two_replicas_are_joined,
    a_period_has_one_report,
    a_delivery_is_tried_until_it_ends,
    only_one_of_two_may_note_a_try,
);

fn a_lease_is_kept_lost_and_taken_over(lab: &Lab) {
    let take = |holder: &'static str, now: i64| {
        lab.store
            .write_now(move |tx| leases::take(tx, "wake", holder, now, 100))
            .expect("asked")
            .map(|lease| (lease.until_ms, lease.term))
    };
    assert_eq!(take("a", 0), Some((100, 1)));
    assert_eq!(take("b", 50), None);
    assert_eq!(take("a", 60), Some((160, 1)), "the holder extends it");
    assert_eq!(take("b", 159), None);
    assert_eq!(take("b", 160), Some((260, 2)), "it ran out");
    assert_eq!(take("a", 170), None, "who lost it must not go on");
    let release = |holder: &'static str| lab.store.write_now(move |tx| leases::release(tx, "wake", holder));
    release("a").expect("nothing to give");
    assert_eq!(take("a", 171), None, "somebody else's is left alone");
    release("b").expect("given back");
    assert_eq!(take("a", 172), Some((272, 3)));
    let other = lab.store.write_now(|tx| leases::take(tx, "reports", "b", 172, 100));
    assert_eq!(other.map(|lease| lease.map(|lease| lease.term)), Ok(Some(1)));
    let held = lab.store.read_now(|tx| leases::load(tx, "wake")).expect("read");
    assert_eq!(held.map(|lease| lease.holder), Some("a".to_owned()));
}

fn the_database_has_a_clock(lab: &Lab) {
    let (first, second) = lab
        .store
        .write_now(|tx| Ok::<_, StoreError>((tx.database_now_ms()?, tx.database_now_ms()?)))
        .expect("asked");
    // Milliseconds, and not seconds or micros: between 2020 and 2200.
    assert!((1_577_836_800_000..7_258_118_400_000).contains(&first), "{first}");
    assert!(second >= first);
}

fn availability_is_gathered_in_intervals(lab: &Lab) {
    let beat = |now: i64| {
        lab.store
            .write_now(move |tx| availability::heartbeat(tx, now, 30))
            .expect("noted")
    };
    let between = |from: i64, to: i64| {
        lab.store
            .read_now(move |tx| availability::between(tx, from, to))
            .expect("read")
    };
    assert_eq!(between(0, 1000), []);
    for now in [100, 110, 140, 135, 200, 220] {
        beat(now);
    }
    let interval = |from_ms, to_ms| Interval { from_ms, to_ms };
    assert_eq!(between(0, 1000), [interval(100, 140), interval(200, 220)]);
    assert_eq!(between(120, 210), [interval(120, 140), interval(200, 210)]);
    assert_eq!(between(150, 190), []);
    let length = lab.store.read_now(|tx| availability::available_ms(tx, 120, 1000));
    assert_eq!(length, Ok(40));
}

fn intervals_of_two_replicas_are_joined(lab: &Lab) {
    let mut conn = lab.conn();
    for (from, to) in [(100_i64, 200_i64), (150, 250), (160, 170), (250, 260), (300, 310)] {
        conn.execute(
            "INSERT INTO availability (from_ms, to_ms) VALUES (?1, ?2)",
            &[from.into(), to.into()],
        )
        .expect("a row");
    }
    let joined = lab
        .store
        .read_now(|tx| availability::between(tx, 0, 1000))
        .expect("read");
    let interval = |from_ms, to_ms| Interval { from_ms, to_ms };
    assert_eq!(joined, [interval(100, 260), interval(300, 310)]);
}

fn a_period_has_one_report(lab: &Lab) {
    let run = |schedule: &str, period: &str, made: i64| ReportRunRow {
        schedule: schedule.to_owned(),
        period: period.to_owned(),
        made_ms: made,
        as_of_pos: 7,
        body: "{}".to_owned(),
    };
    let make = |row: ReportRunRow| {
        lab.store.write_now(move |tx| {
            let made = report_runs::insert(tx, &row)?;
            if made {
                outbox::insert(
                    tx,
                    &format!("report:{}", row.period),
                    "webhook",
                    "http://x",
                    "{}",
                    row.made_ms,
                )?;
            }
            Ok::<_, StoreError>(made)
        })
    };
    assert_eq!(make(run("daily", "2026-11-22", 1)), Ok(true));
    assert_eq!(
        make(run("daily", "2026-11-22", 2)),
        Ok(false),
        "once a period, also after a restart"
    );
    assert_eq!(make(run("daily", "2026-11-23", 3)), Ok(true));
    let due = lab.store.read_now(|tx| outbox::due(tx, 10, 10)).expect("read");
    assert_eq!(due.len(), 2);
    let loaded = lab.store.read_now(|tx| report_runs::load(tx, "daily", "2026-11-22"));
    assert_eq!(loaded, Ok(Some(run("daily", "2026-11-22", 1))), "the first stands");
    let newest = lab.store.read_now(|tx| report_runs::newest(tx, "daily"));
    assert_eq!(newest, Ok(Some(run("daily", "2026-11-23", 3))));
    assert_eq!(lab.store.read_now(|tx| report_runs::newest(tx, "weekly")), Ok(None));
    let listed = lab.store.read_now(|tx| report_runs::list(tx, 1)).expect("read");
    assert_eq!(listed[0].period, "2026-11-23");
}

fn add(lab: &Lab, id: &'static str) -> bool {
    lab.store
        .write_now(move |tx| outbox::insert(tx, id, "webhook", "http://127.0.0.1/x", "{}", NOW))
        .expect("added")
}

fn note(lab: &Lab, id: &'static str, attempts: i64, tried: Tried) -> Result<(), StoreError> {
    lab.store
        .write_now(move |tx| outbox::note(tx, id, attempts, &tried, NOW + 9))
}

fn a_delivery_is_tried_until_it_ends(lab: &Lab) {
    assert!(add(lab, "a") && add(lab, "b"));
    assert!(!add(lab, "a"), "telling twice is one row");
    let due = |now: i64| {
        let rows = lab.store.read_now(move |tx| outbox::due(tx, now, 10)).expect("read");
        rows.iter().map(|row| row.outbox_id.clone()).collect::<Vec<_>>()
    };
    assert_eq!(due(NOW - 1), [""; 0]);
    assert_eq!(due(NOW), ["a", "b"]);
    let again = Tried::Again {
        next_ms: NOW + 60,
        error: "connection refused".to_owned(),
    };
    note(lab, "a", 0, again).expect("noted");
    assert_eq!(due(NOW + 59), ["b"]);
    assert_eq!(due(NOW + 60), ["b", "a"]);
    note(lab, "a", 1, Tried::Delivered).expect("noted");
    note(
        lab,
        "b",
        0,
        Tried::Dead {
            error: "410 gone".to_owned(),
        },
    )
    .expect("noted");
    assert_eq!(due(NOW + 1000), [""; 0]);
    let load = |id: &'static str| {
        lab.store
            .read_now(move |tx| outbox::load(tx, id))
            .expect("read")
            .expect("there")
    };
    let (a, b) = (load("a"), load("b"));
    assert_eq!(
        (a.state, a.attempts, a.last_error, a.ended_ms),
        (DeliveryState::Delivered, 2, None, Some(NOW + 9))
    );
    assert_eq!(
        (b.state, b.attempts, b.ended_ms),
        (DeliveryState::Dead, 1, Some(NOW + 9))
    );
    assert_eq!(b.last_error.as_deref(), Some("410 gone"));
    let dead = lab
        .store
        .read_now(|tx| outbox::in_state(tx, DeliveryState::Dead, 10))
        .expect("read");
    assert_eq!(dead.len(), 1);
    for state in DeliveryState::ALL {
        assert_eq!(DeliveryState::parse(state.as_str()), Some(state));
    }
}

fn only_one_of_two_may_note_a_try(lab: &Lab) {
    add(lab, "a");
    note(lab, "a", 0, Tried::Delivered).expect("noted");
    let late = note(
        lab,
        "a",
        0,
        Tried::Dead {
            error: "timeout".to_owned(),
        },
    );
    assert!(matches!(late, Err(StoreError::Conflict { .. })), "{late:?}");
}
