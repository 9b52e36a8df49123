//! A store without threads (SQLite alone): it answers as the others do, on the thread that asks.

use super::lab::{CaseError, NOW, event, stream};
use crate::store::events::{self, ChainState};
use crate::store::value::params;
use crate::store::{Reader as _, Store, StoreError, StoreOptions, meta};

fn options(directory: &std::path::Path) -> StoreOptions {
    StoreOptions {
        in_place: true,
        ..StoreOptions::sqlite(&directory.join("store.db"))
    }
}

fn get(store: &Store, key: &'static str) -> Option<String> {
    store.read_now(move |tx| meta::get(tx, key)).expect("read")
}

#[test]
fn what_was_written_in_place_is_there_after_a_reopening_and_a_refused_closure_leaves_nothing() {
    let dir = tempfile::tempdir().expect("a directory");
    let store = Store::open(&options(dir.path()), NOW).expect("opens");
    let mut told = store.subscribe();
    let written = store.write_now(|tx| {
        events::append(tx, &stream(), 0, &[event("made")])?;
        tx.after_commit("made");
        meta::set(tx, "a", "1")
    });
    assert_eq!(written, Ok(()));
    assert_eq!(
        told.try_recv().map(|event| (event.pos, event.topic)),
        Ok((Some(1), "made".to_owned()))
    );
    let refused = store.write_now(|tx| {
        meta::set(tx, "a", "2")?;
        events::append_next(tx, &stream(), &[event("refused")])?;
        tx.after_commit("refused");
        Err::<(), _>(CaseError::Refused("no"))
    });
    assert_eq!(refused, Err(CaseError::Refused("no")));
    assert!(told.try_recv().is_err(), "what was refused is told to nobody");
    let panicked = store.write_now(|tx| -> Result<(), StoreError> {
        meta::set(tx, "a", "3")?;
        panic!("on purpose")
    });
    assert!(matches!(panicked, Err(StoreError::Panicked { .. })), "{panicked:?}");
    assert_eq!(get(&store, "a").as_deref(), Some("1"));
    store.close();
    assert_eq!(store.read_now(|tx| events::last_pos(tx)), Err(StoreError::Closed));
    // Any other store opens what it left.
    let again = Store::open(&StoreOptions::sqlite(&dir.path().join("store.db")), NOW).expect("opens again");
    assert_eq!(get(&again, "a").as_deref(), Some("1"));
    let chain = again.read_now(|tx| events::verify_chain(tx, &stream()));
    assert_eq!(chain, Ok(ChainState::Whole { events: 1 }));
    again.close();
}

#[test]
fn a_read_in_place_cannot_write_though_its_connection_could() {
    let dir = tempfile::tempdir().expect("a directory");
    let store = Store::open(&options(dir.path()), NOW).expect("opens");
    store.write_now(|tx| meta::set(tx, "a", "1")).expect("written");
    for sql in [
        "DELETE FROM meta RETURNING key",
        "UPDATE counter SET value = 7 RETURNING value",
    ] {
        let refused = store.read_now(move |tx| tx.query(sql, params![]).map(drop));
        assert!(matches!(refused, Err(StoreError::Statement { .. })), "{refused:?}");
    }
    assert_eq!(get(&store, "a").as_deref(), Some("1"));
    assert_eq!(
        store.write_now(|tx| meta::set(tx, "a", "2")),
        Ok(()),
        "the next write may"
    );
    assert_eq!(get(&store, "a").as_deref(), Some("2"));
}

#[test]
fn an_async_caller_is_answered_in_place_without_a_runtime_that_waits() {
    let dir = tempfile::tempdir().expect("a directory");
    let store = Store::open(&options(dir.path()), NOW).expect("opens");
    let runtime = tokio::runtime::Builder::new_current_thread()
        .build()
        .expect("a runtime");
    let (here, there) = runtime.block_on(async {
        let ran_on = store.write(|_| Ok::<_, StoreError>(std::thread::current().id()));
        (std::thread::current().id(), ran_on.await.expect("answered"))
    });
    assert_eq!(here, there);
}
