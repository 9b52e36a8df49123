//! Several writers at once.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Barrier};

use super::lab::{Lab, NOW, event, on_both, plan, stream};
use crate::store::enrol_tokens::{self, EnrolTokenRow, TokenUse};
use crate::store::events::{self, ChainState};
use crate::store::{Store, StoreError, StreamName, leases, plans, slots, totals};

on_both!(
    of_two_that_decide_at_once_one_must_decide_again,
    deciders_on_one_stream_lose_no_event,
    positions_have_no_gap_and_never_appear_out_of_order,
    slots_are_never_overbooked,
    a_token_is_never_used_too_often,
    a_lease_has_one_holder,
    totals_stay_right_under_concurrent_changes,
);

/// Runs `work` on several threads at once, with the thread's number.
pub(super) fn together<T: Send>(threads: usize, work: impl Fn(usize) -> T + Sync) -> Vec<T> {
    let start = Barrier::new(threads);
    std::thread::scope(|scope| {
        let running: Vec<_> = (0..threads)
            .map(|number| {
                let (start, work) = (&start, &work);
                scope.spawn(move || {
                    start.wait();
                    work(number)
                })
            })
            .collect();
        running
            .into_iter()
            .map(|thread| thread.join().expect("no panic"))
            .collect()
    })
}

/// What a service does after a conflict: it loads again and decides again.
fn until_done<T: Send + 'static>(
    store: &Store,
    work: impl Fn(&mut crate::store::WriteTx<'_>) -> Result<T, StoreError> + Send + Sync + 'static,
) -> T {
    let work = Arc::new(work);
    for _ in 0..200 {
        let again = Arc::clone(&work);
        match store.write_now(move |tx| again(tx)) {
            Err(StoreError::Conflict { .. }) => {}
            other => return other.expect("nothing but conflicts"),
        }
    }
    panic!("a conflict that never ends");
}

fn of_two_that_decide_at_once_one_must_decide_again(lab: &Lab) {
    let seen = lab.store.read_now(|tx| events::head(tx, &stream())).expect("read").seq;
    let answers = together(2, |number| {
        lab.store.write_now(move |tx| {
            let kind = format!("decided-by-{number}");
            events::append(tx, &stream(), seen, &[event(&kind)])?;
            let mut row = plan("host-1", &kind);
            row.seq = seen + 1;
            plans::compare_and_set(tx, seen, &row)
        })
    });
    let won = answers.iter().filter(|answer| answer.is_ok()).count();
    assert_eq!(won, 1, "{answers:?}");
    assert!(
        answers
            .iter()
            .any(|answer| matches!(answer, Err(StoreError::Conflict { .. }))),
        "{answers:?}"
    );
    // Who lost loads again and decides again.
    until_done(&lab.store, |tx| {
        let before = plans::load(tx, "us-2024", "host-1")?.expect("the winner's plan");
        events::append(tx, &stream(), before.seq, &[event("decided-again")])?;
        let row = plans::PlanRow {
            seq: before.seq + 1,
            ..before.clone()
        };
        plans::compare_and_set(tx, before.seq, &row)
    });
    let state = lab.store.read_now(|tx| events::verify_chain(tx, &stream()));
    assert_eq!(state, Ok(ChainState::Whole { events: 2 }));
}

fn deciders_on_one_stream_lose_no_event(lab: &Lab) {
    const THREADS: usize = 4;
    const EACH: usize = 15;
    together(THREADS, |_| {
        for _ in 0..EACH {
            until_done(&lab.store, |tx| {
                let seq = events::head(tx, &stream())?.seq;
                events::append(tx, &stream(), seq, &[event("decided")])
            });
        }
    });
    let all = (THREADS * EACH) as i64;
    let (state, pos) = lab
        .store
        .read_now(|tx| Ok::<_, StoreError>((events::verify_chain(tx, &stream())?, events::last_pos(tx)?)))
        .expect("read");
    assert_eq!(state, ChainState::Whole { events: all });
    assert_eq!(pos, all);
}

fn positions_have_no_gap_and_never_appear_out_of_order(lab: &Lab) {
    const THREADS: usize = 4;
    const EACH: i64 = 20;
    let writing = AtomicUsize::new(THREADS);
    let found = together(THREADS + 1, |number| {
        if number < THREADS {
            let own = StreamName::host(&format!("host-{number}"));
            for round in 0..EACH {
                let name = own.clone();
                let answer = lab.store.write_now(move |tx| {
                    events::append_next(tx, &name, &[event("one"), event("two")])?;
                    // Each third closure thinks better of it.
                    if round % 3 == 2 {
                        Err(StoreError::Aborted)
                    } else {
                        Ok(())
                    }
                });
                assert_eq!(answer.is_ok(), round % 3 != 2);
            }
            writing.fetch_sub(1, Ordering::SeqCst);
            return Vec::new();
        }
        // A reader that follows the feed meets every position once and in order, at whatever moment it looks.
        let mut followed: Vec<i64> = Vec::new();
        loop {
            let last_look = writing.load(Ordering::SeqCst) == 0;
            let from = followed.last().copied().unwrap_or(0);
            let page = lab.store.read_now(move |tx| events::since(tx, from, 7)).expect("read");
            if page.is_empty() && last_look {
                return followed;
            }
            followed.extend(page.iter().map(|event| event.pos));
        }
    });
    let followed = found.last().expect("the reader's");
    let kept = THREADS as i64 * (0..EACH).filter(|round| round % 3 != 2).count() as i64 * 2;
    assert_eq!(*followed, (1..=kept).collect::<Vec<_>>());
}

fn slots_are_never_overbooked(lab: &Lab) {
    let taken = together(6, |_| until_done(&lab.store, |tx| slots::take(tx, "us-2024", "all", 3)));
    assert_eq!(taken.iter().filter(|taken| **taken).count(), 3);
    let row = lab
        .store
        .read_now(|tx| slots::list(tx, "us-2024"))
        .expect("read")
        .remove(0);
    assert_eq!((row.used, row.cap), (3, 3));
}

fn a_token_is_never_used_too_often(lab: &Lab) {
    lab.store
        .write_now(|tx| {
            enrol_tokens::insert(
                tx,
                &EnrolTokenRow {
                    token_hash: "t".to_owned(),
                    name: "first".to_owned(),
                    created_ms: NOW,
                    ends_ms: NOW + 1000,
                    uses_left: 2,
                    tags: "[]".to_owned(),
                    revoked_ms: None,
                },
            )
        })
        .expect("made");
    let uses = together(6, |_| until_done(&lab.store, |tx| enrol_tokens::take_use(tx, "t", NOW)));
    let granted = uses
        .iter()
        .filter(|used| matches!(used, TokenUse::Granted { .. }))
        .count();
    assert_eq!(granted, 2);
    assert_eq!(uses.iter().filter(|used| **used == TokenUse::UsedUp).count(), 4);
}

fn a_lease_has_one_holder(lab: &Lab) {
    let other = lab.replica();
    let held = together(6, |number| {
        let store = if number % 2 == 0 { &lab.store } else { &other };
        until_done(store, move |tx| {
            leases::take(tx, "wake", &format!("replica-{number}"), NOW, 1000)
        })
    });
    assert_eq!(held.iter().flatten().count(), 1);
    other.close();
}

fn totals_stay_right_under_concurrent_changes(lab: &Lab) {
    const HOSTS: usize = 12;
    for number in 0..HOSTS {
        lab.store
            .write_now(move |tx| plans::compare_and_set(tx, 0, &plan(&format!("host-{number}"), "unassessed")))
            .expect("made");
    }
    together(4, |thread| {
        for round in 0..12_usize {
            // Every thread works on every host, some of them twice in one transaction.
            let host = format!("host-{}", (round * 5 + thread) % HOSTS);
            let phase = ["planned", "queued", "migrating", "migrated"][(round + thread) % 4];
            until_done(&lab.store, move |tx| {
                let before = plans::load(tx, "us-2024", &host)?.expect("made above");
                let mut row = before.clone();
                row.seq += 1;
                row.phase = phase.to_owned();
                plans::compare_and_set(tx, before.seq, &row)?;
                plans::set_late(tx, "us-2024", &host, round % 2 == 0).map(drop)
            });
        }
    });
    lab.store
        .read_now(|tx| totals::check(tx, "us-2024"))
        .expect("totals equal a recount");
    let all: i64 = lab
        .store
        .read_now(|tx| totals::list(tx, "us-2024"))
        .expect("read")
        .iter()
        .map(|total| total.hosts)
        .sum();
    assert_eq!(all, HOSTS as i64);
}
