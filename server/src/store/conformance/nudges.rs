//! What subscribers hear, and when.

use std::time::Duration;

use tokio::sync::broadcast::error::TryRecvError;

use super::lab::{Lab, event, on_both, stream};
use crate::store::{StoreError, StoreEvent, events, meta};

on_both!(
    a_nudge_comes_after_the_commit_and_once,
    a_refused_closure_nudges_nobody,
    a_long_topic_is_cut,
);

fn a_nudge_comes_after_the_commit_and_once(lab: &Lab) {
    let mut heard = lab.store.subscribe();
    lab.store
        .write_now(|tx| {
            tx.after_commit("plan");
            tx.after_commit("plan");
            tx.after_commit("host");
            events::append(tx, &stream(), 0, &[event("a"), event("b")])
        })
        .expect("written");
    let said = |topic: &str, pos| StoreEvent {
        pos,
        topic: topic.to_owned(),
    };
    // Both were sent before the answer, so no waiting is needed.
    assert_eq!(heard.try_recv(), Ok(said("host", Some(2))));
    assert_eq!(heard.try_recv(), Ok(said("plan", Some(2))));
    lab.store
        .write_now(|tx| {
            tx.after_commit("settings");
            meta::set(tx, "a", "1")
        })
        .expect("written");
    assert_eq!(heard.try_recv(), Ok(said("settings", None)));
    assert_eq!(heard.try_recv(), Err(TryRecvError::Empty));
}

fn a_refused_closure_nudges_nobody(lab: &Lab) {
    let mut heard = lab.store.subscribe();
    let refused = lab.store.write_now(|tx| {
        tx.after_commit("plan");
        Err::<(), _>(StoreError::Aborted)
    });
    assert!(refused.is_err());
    assert_eq!(heard.try_recv(), Err(TryRecvError::Empty));
}

fn a_long_topic_is_cut(lab: &Lab) {
    let mut heard = lab.store.subscribe();
    lab.store
        .write_now(|tx| {
            tx.after_commit("ä".repeat(5000));
            Ok::<_, StoreError>(())
        })
        .expect("written");
    assert_eq!(heard.try_recv().map(|event| event.topic), Ok("ä".repeat(100)));
}

/// Only PostgreSQL has replicas.
#[test]
fn a_nudge_reaches_other_replicas_and_comes_back_to_none() {
    let Some(lab) = Lab::postgres() else { return };
    let other = lab.replica();
    let (mut here, mut there) = (lab.store.subscribe(), other.subscribe());
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_time()
        .build()
        .expect("a runtime");
    // The other replica may not listen yet: nudges are repeated until one is heard.
    let mut sent = 0;
    let heard = (0..100).find_map(|_| {
        sent += 1;
        lab.store
            .write_now(|tx| {
                tx.after_commit("plan changed");
                Ok::<_, StoreError>(())
            })
            .expect("written");
        let wait = Duration::from_millis(200);
        runtime
            .block_on(async { tokio::time::timeout(wait, there.recv()).await })
            .ok()
    });
    let expected = StoreEvent {
        pos: None,
        topic: "plan changed".to_owned(),
    };
    assert_eq!(heard, Some(Ok(expected.clone())));
    // Another one, from the other side: whatever this side said has passed its own listener by the time it is heard.
    other
        .write_now(|tx| {
            tx.after_commit("from the other side");
            events::append(tx, &stream(), 0, &[event("a")])
        })
        .expect("written");
    let mut own = 0;
    let answered = loop {
        let next = runtime
            .block_on(async { tokio::time::timeout(Duration::from_secs(30), here.recv()).await })
            .expect("heard in time")
            .expect("not closed");
        if next == expected {
            own += 1;
        } else {
            break next;
        }
    };
    assert_eq!(own, sent, "each of our own was heard once");
    assert_eq!(
        (answered.topic.as_str(), answered.pos),
        ("from the other side", Some(1))
    );
    other.close();
}
