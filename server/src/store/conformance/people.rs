//! Tokens, sessions and one-time logins of people.

use super::lab::{Lab, NOW, on_both};
use crate::store::StoreError;
use crate::store::api_tokens::{self, ApiTokenRow};
use crate::store::one_time_logins::{self, OneTimeLoginRow};
use crate::store::sessions::{self, SessionRow};

on_both!(
    a_token_is_listed_used_and_revoked,
    a_session_ends_when_idle_or_old,
    a_one_time_login_is_good_once,
);

fn token(hash: &str, name: &str) -> ApiTokenRow {
    ApiTokenRow {
        token_hash: hash.to_owned(),
        name: name.to_owned(),
        role: "admin".to_owned(),
        created_ms: NOW,
        ends_ms: Some(NOW + 1000),
        revoked_ms: None,
        last_used_ms: None,
    }
}

fn a_token_is_listed_used_and_revoked(lab: &Lab) {
    for (hash, name) in [("x", "zoe"), ("y", "ada")] {
        lab.store
            .write_now(move |tx| api_tokens::insert(tx, &token(hash, name)))
            .expect("added");
    }
    for (hash, name) in [("x", "new"), ("new", "ada")] {
        let taken = lab
            .store
            .write_now(move |tx| api_tokens::insert(tx, &token(hash, name)));
        assert!(matches!(taken, Err(StoreError::Conflict { .. })), "{taken:?}");
    }
    let load = |hash: &'static str| lab.store.read_now(move |tx| api_tokens::load(tx, hash)).expect("read");
    assert_eq!(load("x"), Some(token("x", "zoe")));
    assert_eq!(load("none"), None);
    for used in [
        vec![("y".to_owned(), 7), ("x".to_owned(), 5)],
        vec![("x".to_owned(), 3)],
    ] {
        lab.store
            .write_now(move |tx| api_tokens::flush_used(tx, &used))
            .expect("noted");
    }
    assert_eq!(load("x").and_then(|row| row.last_used_ms), Some(5));
    let revoke = |at: i64| lab.store.write_now(move |tx| api_tokens::revoke(tx, "zoe", at));
    assert_eq!([revoke(8), revoke(9)], [Ok(true), Ok(false)]);
    assert_eq!(load("x").and_then(|row| row.revoked_ms), Some(8));
    let names: Vec<String> = lab
        .store
        .read_now(|tx| api_tokens::list(tx))
        .expect("read")
        .into_iter()
        .map(|row| row.name)
        .collect();
    assert_eq!(names, ["ada", "zoe"]);
}

fn a_session_ends_when_idle_or_old(lab: &Lab) {
    let session = SessionRow {
        session_hash: "s".to_owned(),
        name: "ada".to_owned(),
        role: "admin".to_owned(),
        csrf: "c".to_owned(),
        created_ms: NOW,
        idle_until_ms: NOW + 10,
        ends_ms: NOW + 100,
    };
    let row = session.clone();
    lab.store
        .write_now(move |tx| sessions::insert(tx, &row))
        .expect("added");
    let load = |now: i64| {
        lab.store
            .read_now(move |tx| sessions::load(tx, "s", now))
            .expect("read")
    };
    let extend = |until: i64| {
        lab.store
            .write_now(move |tx| sessions::extend(tx, "s", until))
            .expect("moved")
    };
    assert_eq!(load(NOW + 9), Some(session));
    assert_eq!(load(NOW + 10), None, "idle for too long");
    extend(NOW + 500);
    extend(NOW + 20);
    assert_eq!(
        load(NOW + 99).map(|row| row.idle_until_ms),
        Some(NOW + 500),
        "it never goes back"
    );
    assert_eq!(load(NOW + 100), None, "too old");
    let sweep = |now: i64| lab.store.write_now(move |tx| sessions::delete_ended(tx, now));
    assert_eq!([sweep(NOW + 99), sweep(NOW + 100)], [Ok(0), Ok(1)]);
    let gone = lab.store.write_now(|tx| sessions::delete(tx, "s"));
    assert_eq!(gone, Ok(false));
}

fn a_one_time_login_is_good_once(lab: &Lab) {
    let login = |hash: &str| OneTimeLoginRow {
        login_hash: hash.to_owned(),
        name: "demo".to_owned(),
        role: "admin".to_owned(),
        ends_ms: NOW + 10,
    };
    for hash in ["a", "b"] {
        lab.store
            .write_now(move |tx| one_time_logins::insert(tx, &login(hash)))
            .expect("added");
    }
    let take = |hash: &'static str, now: i64| lab.store.write_now(move |tx| one_time_logins::take(tx, hash, now));
    assert_eq!(take("a", NOW), Ok(Some(login("a"))));
    assert_eq!(take("a", NOW), Ok(None));
    assert_eq!(take("b", NOW + 10), Ok(None), "it has ended");
    assert_eq!(take("none", NOW), Ok(None));
}
