//! What a closure can rely on.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, mpsc};
use std::time::Duration;

use super::lab::{CaseError, Lab, NOW, event, on_both, stream};
use crate::store::events::{self, ChainState};
use crate::store::value::params;
use crate::store::{Reader, Store, StoreError, meta};

on_both!(
    what_was_written_is_read_back_after_a_reopening,
    a_refused_closure_leaves_nothing,
    refused_closures_spoil_no_other_of_their_group,
    a_panic_is_answered_and_the_next_closure_runs,
    after_a_failed_statement_the_transaction_is_over,
    a_conflict_that_was_handled_does_not_end_the_transaction,
    reads_cannot_write,
    a_read_sees_one_state,
    a_closed_store_says_so,
    an_async_caller_is_answered,
);

fn set(lab: &Lab, key: &'static str, value: &'static str) {
    lab.store
        .write_now(move |tx| meta::set(tx, key, value))
        .expect("written");
}

fn get(store: &Store, key: &'static str) -> Option<String> {
    store.read_now(move |tx| meta::get(tx, key)).expect("read")
}

fn what_was_written_is_read_back_after_a_reopening(lab: &Lab) {
    set(lab, "a", "1");
    set(lab, "a", "2");
    assert_eq!(get(&lab.store, "a"), Some("2".to_owned()));
    assert_eq!(get(&lab.store, "b"), None);
    let again = lab.replica();
    assert_eq!(get(&again, "a"), Some("2".to_owned()));
    let first = again.write_now(|tx| meta::ensure(tx, meta::STORE_EPOCH, "e1"));
    assert_eq!(first, Ok("e1".to_owned()));
    let second = again.write_now(|tx| meta::ensure(tx, meta::STORE_EPOCH, "e2"));
    assert_eq!(second, Ok("e1".to_owned()), "the first value stands");
    again.close();
}

fn a_refused_closure_leaves_nothing(lab: &Lab) {
    let refused = lab.store.write_now(|tx| {
        meta::set(tx, "a", "1")?;
        events::append(tx, &stream(), 0, &[event("made")])?;
        Err::<(), _>(CaseError::Refused("no"))
    });
    assert_eq!(refused, Err(CaseError::Refused("no")));
    assert_eq!(get(&lab.store, "a"), None);
    let head = lab.store.read_now(|tx| events::head(tx, &stream()));
    assert_eq!(head.map(|head| head.seq), Ok(0));
    assert_eq!(lab.store.read_now(|tx| events::last_pos(tx)), Ok(0));
}

/// Queues closures behind one that waits, so that SQLite runs them as one group.
fn refused_closures_spoil_no_other_of_their_group(lab: &Lab) {
    let (open, gate) = mpsc::channel::<()>();
    let gate = Mutex::new(gate);
    let runtime = tokio::runtime::Builder::new_current_thread()
        .build()
        .expect("a runtime");
    let store = lab.store.clone();
    runtime.block_on(async move {
        let waiting = store.write(move |tx| {
            // Opened once all are queued; an error means that it was opened before.
            let _opened = gate.lock().expect("one user").recv();
            meta::set(tx, "first", "1")
        });
        let put = |key: &'static str| {
            store.write(move |tx| {
                meta::set(tx, key, "1")?;
                events::append_next(tx, &stream(), &[event(key)])?;
                Ok::<_, CaseError>(())
            })
        };
        let refused = store.write(|tx| {
            meta::set(tx, "refused", "1")?;
            meta::set(tx, "good-1", "spoiled")?;
            events::append_next(tx, &stream(), &[event("refused")])?;
            Err::<(), _>(CaseError::Refused("no"))
        });
        let malformed = store.write(|tx| {
            meta::set(tx, "malformed", "1")?;
            tx.execute("SELEKT 1", params![])?;
            Ok::<_, CaseError>(())
        });
        let panicking = store.write(|tx| {
            meta::set(tx, "panicking", "1")?;
            assert_eq!(meta::get(tx, "panicking")?, None, "a panic on purpose");
            Ok::<_, CaseError>(())
        });
        let after = async { drop(open) };
        let (first, one, refused, malformed, panicking, two, ()) = tokio::join!(
            waiting,
            put("good-1"),
            refused,
            malformed,
            panicking,
            put("good-2"),
            after
        );
        assert_eq!(first, Ok(()));
        assert_eq!(one, Ok(()));
        assert_eq!(two, Ok(()));
        assert_eq!(refused, Err(CaseError::Refused("no")));
        assert!(
            matches!(malformed, Err(CaseError::Store(StoreError::Statement { .. }))),
            "{malformed:?}"
        );
        assert!(
            matches!(panicking, Err(CaseError::Store(StoreError::Panicked { .. }))),
            "{panicking:?}"
        );
    });
    for (key, value) in [
        ("first", Some("1")),
        ("good-1", Some("1")),
        ("good-2", Some("1")),
        ("refused", None),
        ("malformed", None),
        ("panicking", None),
    ] {
        assert_eq!(get(&lab.store, key).as_deref(), value, "{key}");
    }
    let (state, pos) = lab
        .store
        .read_now(|tx| Ok::<_, StoreError>((events::verify_chain(tx, &stream())?, events::last_pos(tx)?)))
        .expect("read");
    assert_eq!(state, ChainState::Whole { events: 2 });
    assert_eq!(pos, 2, "refused closures took no position");
}

fn a_panic_is_answered_and_the_next_closure_runs(lab: &Lab) {
    for _ in 0..2 {
        let panicked = lab
            .store
            .write_now(|_| -> Result<(), StoreError> { panic!("on purpose {}", 1) });
        let Err(StoreError::Panicked { what }) = panicked else {
            panic!("{panicked:?}");
        };
        assert_eq!(what, "on purpose 1");
        let panicked = lab
            .store
            .read_now(|_| -> Result<(), StoreError> { panic!("on purpose") });
        assert!(matches!(panicked, Err(StoreError::Panicked { .. })), "{panicked:?}");
    }
    set(lab, "a", "1");
    assert_eq!(get(&lab.store, "a"), Some("1".to_owned()));
}

fn after_a_failed_statement_the_transaction_is_over(lab: &Lab) {
    set(lab, "a", "1");
    let answer = lab.store.write_now(|tx| {
        let taken = tx.execute("INSERT INTO meta (key, value) VALUES ('a', '2')", params![]);
        assert!(matches!(taken, Err(StoreError::Conflict { .. })), "{taken:?}");
        let next = tx.query("SELECT 1 AS one", params![]).map(drop);
        assert_eq!(next, Err(StoreError::Aborted));
        // A closure that overlooks the error must not be committed.
        Ok::<_, StoreError>(())
    });
    assert!(
        matches!(answer, Err(StoreError::Conflict { .. })),
        "the first error is the answer: {answer:?}"
    );
}

fn a_conflict_that_was_handled_does_not_end_the_transaction(lab: &Lab) {
    let answer = lab.store.write_now(|tx| {
        let conflict = events::append(tx, &stream(), 7, &[event("too-late")]);
        assert!(matches!(conflict, Err(StoreError::Conflict { .. })), "{conflict:?}");
        meta::set(tx, "a", "1")
    });
    assert_eq!(answer, Ok(()));
    assert_eq!(get(&lab.store, "a"), Some("1".to_owned()));
}

fn reads_cannot_write(lab: &Lab) {
    set(lab, "a", "1");
    for sql in [
        "DELETE FROM meta RETURNING key",
        "INSERT INTO meta (key, value) VALUES ('b', '1') RETURNING key",
        "UPDATE counter SET value = 7 RETURNING value",
    ] {
        let refused = lab.store.read_now(move |tx| tx.query(sql, params![]).map(drop));
        assert!(matches!(refused, Err(StoreError::Statement { .. })), "{refused:?}");
    }
    assert_eq!(get(&lab.store, "a"), Some("1".to_owned()));
    assert_eq!(get(&lab.store, "b"), None);
}

fn a_read_sees_one_state(lab: &Lab) {
    set(lab, "a", "1");
    let store = lab.store.clone();
    let (before, after) = lab
        .store
        .read_now(move |tx| {
            let before = meta::get(tx, "a")?;
            store.write_now(|tx| meta::set(tx, "a", "2"))?;
            Ok::<_, StoreError>((before, meta::get(tx, "a")?))
        })
        .expect("read");
    assert_eq!(before, after);
    assert_eq!(get(&lab.store, "a"), Some("2".to_owned()));
}

fn a_closed_store_says_so(lab: &Lab) {
    let other = lab.replica();
    let ran = Arc::new(AtomicUsize::new(0));
    other.close();
    other.close();
    let counted = Arc::clone(&ran);
    let refused = other.write_now(move |_| {
        counted.fetch_add(1, Ordering::SeqCst);
        Ok::<_, StoreError>(())
    });
    assert_eq!(refused, Err(StoreError::Closed));
    assert_eq!(other.read_now(|tx| events::last_pos(tx)), Err(StoreError::Closed));
    assert_eq!(ran.load(Ordering::SeqCst), 0);
}

fn an_async_caller_is_answered(lab: &Lab) {
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(1)
        .enable_time()
        .build()
        .expect("a runtime");
    let store = lab.store.clone();
    let options = lab.options().clone();
    let work = async move {
        // Opening from a thread of the runtime must not panic.
        let opened = Store::open(&options, NOW).expect("opens");
        opened.write(|tx| meta::set(tx, "a", "1")).await.expect("written");
        let seen = store.read(|tx| meta::get(tx, "a")).await;
        opened.close();
        seen
    };
    let seen = runtime
        .block_on(async { tokio::time::timeout(Duration::from_secs(60), work).await })
        .expect("answered in time");
    assert_eq!(seen, Ok(Some("1".to_owned())));
}
