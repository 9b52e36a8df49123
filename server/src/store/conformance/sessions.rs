//! What only PostgreSQL can do to us: races between sessions, deadlocks, and sessions that end.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Barrier};
use std::time::Duration;

use super::concurrency::together;
use super::lab::{Lab, event, stream};
use crate::store::{StoreError, events, slots};

/// Two sessions that have both read before either writes.
#[test]
fn a_closure_that_lost_a_race_runs_again_on_fresh_rows() {
    let Some(lab) = Lab::postgres() else { return };
    let meeting = Arc::new(Barrier::new(2));
    let runs = Arc::new(AtomicUsize::new(0));
    let heads = together(2, |_| {
        let (meeting, runs) = (Arc::clone(&meeting), Arc::clone(&runs));
        lab.store.write_now(move |tx| {
            let seq = events::head(tx, &stream())?.seq;
            if runs.fetch_add(1, Ordering::SeqCst) < 2 {
                meeting.wait();
            }
            events::append(tx, &stream(), seq, &[event("decided")])
        })
    });
    let mut ends: Vec<i64> = heads.into_iter().map(|head| head.expect("both end well").seq).collect();
    ends.sort_unstable();
    assert_eq!(ends, [1, 2]);
    assert_eq!(runs.load(Ordering::SeqCst), 3, "one of them ran twice");
}

/// Two closures that take two rows crosswise: the server ends one of them, which runs again.
#[test]
fn a_deadlock_is_dissolved_by_running_again() {
    let Some(lab) = Lab::postgres() else { return };
    // The rows are there: two that make the same ones would meet at the key already.
    for slot in ["a", "b"] {
        let taken = lab.store.write_now(move |tx| slots::take(tx, "us-2024", slot, 9));
        assert_eq!(taken, Ok(true));
    }
    let meeting = Arc::new(Barrier::new(2));
    let runs = Arc::new(AtomicUsize::new(0));
    let taken = together(2, |number| {
        let (meeting, runs) = (Arc::clone(&meeting), Arc::clone(&runs));
        let (first, second) = if number == 0 { ("a", "b") } else { ("b", "a") };
        lab.store.write_now(move |tx| {
            let one = slots::take(tx, "us-2024", first, 9)?;
            if runs.fetch_add(1, Ordering::SeqCst) < 2 {
                meeting.wait();
            }
            Ok::<_, StoreError>(one && slots::take(tx, "us-2024", second, 9)?)
        })
    });
    assert_eq!(taken, [Ok(true), Ok(true)]);
    assert!(runs.load(Ordering::SeqCst) > 2, "one of them ran again");
    let rows = lab.store.read_now(|tx| slots::list(tx, "us-2024")).expect("read");
    assert_eq!(rows.iter().map(|row| row.used).collect::<Vec<_>>(), [3, 3]);
}

/// Ends every session of the case's stores and returns when the server has done it.
fn end_sessions(lab: &Lab) {
    let mut conn = lab.conn();
    // The sessions of a case bear its name.
    let sql = "SELECT pid FROM pg_stat_activity
               WHERE pid <> pg_backend_pid() AND application_name = current_setting('application_name')";
    let sessions = conn.query(sql, &[]).expect("rows");
    assert!(!sessions.is_empty());
    for session in sessions {
        let pid = session.int("pid").expect("a number");
        let end = "SELECT pg_terminate_backend(CAST(?1 AS INTEGER))";
        conn.execute(end, &[pid.into()]).expect("told to end");
        let gone = (0..100_000).any(|_| {
            conn.query("SELECT pid FROM pg_stat_activity WHERE pid = ?1", &[pid.into()])
                .expect("rows")
                .is_empty()
        });
        assert!(gone, "session {pid} does not end");
    }
}

/// A session that the server ended while it was idle is replaced without anybody noticing.
#[test]
fn a_session_that_died_while_idle_is_replaced() {
    let Some(lab) = Lab::postgres() else { return };
    for round in 0..3 {
        lab.store
            .write_now(move |tx| events::append(tx, &stream(), round, &[event("made")]).map(drop))
            .expect("written");
        let seen = lab.store.read_now(|tx| events::head(tx, &stream()));
        assert_eq!(seen.map(|head| head.seq), Ok(round + 1));
        end_sessions(&lab);
    }
}

/// The session that listens is replaced as well.
#[test]
fn nudges_come_back_after_the_listening_session_died() {
    let Some(lab) = Lab::postgres() else { return };
    let other = lab.replica();
    end_sessions(&lab);
    let mut there = other.subscribe();
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_time()
        .build()
        .expect("a runtime");
    // Nudges sent before the session is back are lost, so they are repeated until one is heard.
    let heard = (0..300).any(|_| {
        lab.store
            .write_now(|tx| {
                tx.after_commit("plan");
                Ok::<_, StoreError>(())
            })
            .expect("written");
        let wait = Duration::from_millis(100);
        runtime
            .block_on(async { tokio::time::timeout(wait, there.recv()).await })
            .is_ok()
    });
    assert!(heard);
    other.close();
}
