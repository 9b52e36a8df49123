//! Kernel sessions, and incidents of several machines under one identity.

use cutover_core::trail::Sight;

use super::lab::{Lab, NOW, on_both};
use crate::store::{
    StoreError,
    clones::{self, MemberRow},
    host_sessions,
};

on_both!(
    a_session_is_kept_once_and_comes_back_as_it_went,
    an_incident_is_one_however_often_it_is_noticed,
    a_kernel_session_becomes_one_host,
);

fn sight(boot_id: &str, run: i64) -> Sight {
    Sight {
        boot_id: boot_id.to_owned(),
        first_ms: NOW + run,
        last_ms: NOW + run,
        first_run: run,
        last_run: run,
    }
}

fn a_session_is_kept_once_and_comes_back_as_it_went(lab: &Lab) {
    let back = Sight {
        last_ms: NOW + 9,
        last_run: 3,
        ..sight("a", 1)
    };
    let again = back.clone();
    lab.store
        .write_now(move |tx| {
            host_sessions::keep(tx, "h", &sight("a", 1))?;
            host_sessions::keep(tx, "h", &sight("b", 2))?;
            host_sessions::keep(tx, "other", &sight("a", 7))?;
            host_sessions::keep(tx, "h", &again)
        })
        .expect("kept");
    lab.store
        .read_now(move |tx| {
            assert_eq!(host_sessions::newest(tx, "h")?, Some(back.clone()));
            assert_eq!(host_sessions::of_host(tx, "h")?, [back.clone(), sight("b", 2)]);
            assert_eq!(host_sessions::load(tx, "h", "b")?, Some(sight("b", 2)));
            assert_eq!(host_sessions::newest(tx, "none")?, None);
            Ok::<_, StoreError>(())
        })
        .expect("read");
    lab.store
        .write_now(|tx| host_sessions::forget(tx, "h", "a"))
        .expect("forgotten");
    let left = lab.store.read_now(|tx| host_sessions::of_host(tx, "h")).expect("read");
    assert_eq!(left, [sight("b", 2)]);
}

fn an_incident_is_one_however_often_it_is_noticed(lab: &Lab) {
    let opened = lab.store.write_now(|tx| clones::open(tx, "h", NOW)).expect("opened");
    assert!(opened);
    assert!(!lab.store.write_now(|tx| clones::open(tx, "h", NOW + 5)).expect("known"));
    lab.store
        .write_now(|tx| {
            clones::refuse(tx, "h", NOW + 7)?;
            clones::refuse(tx, "h", NOW + 8)
        })
        .expect("refused");
    let (one, page) = lab
        .store
        .read_now(|tx| Ok::<_, StoreError>((clones::incident(tx, "h")?, clones::list(tx, Some("h"), 5)?)))
        .expect("read");
    let one = one.expect("it is there");
    assert_eq!((one.opened_ms, one.refused_ms), (NOW, Some(NOW + 7)));
    assert!(page.is_empty());
}

fn a_kernel_session_becomes_one_host(lab: &Lab) {
    let member = |boot_id: &str, host_id: &str, at_ms| MemberRow {
        ancestor_id: "h".to_owned(),
        boot_id: boot_id.to_owned(),
        host_id: host_id.to_owned(),
        at_ms,
        settled_ms: None,
    };
    let (one, two, twice) = (
        member("a", "one", NOW + 1),
        member("b", "two", NOW),
        member("a", "three", NOW),
    );
    let both = (one.clone(), two.clone());
    lab.store
        .write_now(move |tx| {
            clones::join(tx, &both.0)?;
            clones::join(tx, &both.1)
        })
        .expect("joined");
    let again = lab.store.write_now(move |tx| clones::join(tx, &twice));
    assert!(matches!(again, Err(StoreError::Conflict { .. })), "{again:?}");
    lab.store
        .write_now(|tx| {
            clones::settle(tx, "one", NOW + 3)?;
            clones::settle(tx, "one", NOW + 4)
        })
        .expect("settled");
    let settled = MemberRow {
        settled_ms: Some(NOW + 3),
        ..one
    };
    let (members, of_two) = lab
        .store
        .read_now(|tx| Ok::<_, StoreError>((clones::members(tx, "h")?, clones::of_member(tx, "two")?)))
        .expect("read");
    assert_eq!(members, [two.clone(), settled]);
    assert_eq!(of_two, Some(two));
}
