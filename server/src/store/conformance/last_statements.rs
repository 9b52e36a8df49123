//! Hosts that were asked to leave, and what they said last.

use super::lab::{Lab, NOW, on_both};
use crate::store::{
    StoreError,
    last_statements::{self, LastStatementRow, Said},
};

on_both!(
    a_host_is_asked_by_one_request_however_often,
    the_first_statement_to_its_request_stays,
    what_fails_leaves_nothing_and_what_was_said_is_durable,
);

fn ask(lab: &Lab, host: &'static str, request: &'static str) -> bool {
    let asked = lab
        .store
        .write_now(move |tx| last_statements::ask(tx, host, request, NOW));
    asked.expect("asked")
}

fn said(word: &str) -> Said {
    Said {
        digest: word.to_owned(),
        envelope: word.as_bytes().to_vec(),
        received_ms: NOW + 1,
    }
}

fn keep(lab: &Lab, host: &'static str, request: &'static str, word: &'static str) -> bool {
    let kept = lab
        .store
        .write_now(move |tx| last_statements::keep(tx, host, request, &said(word)));
    kept.expect("kept or not")
}

fn known(lab: &Lab, host: &'static str) -> Option<LastStatementRow> {
    let read = lab.store.read_now(move |tx| last_statements::load(tx, host));
    read.expect("read")
}

fn a_host_is_asked_by_one_request_however_often(lab: &Lab) {
    assert_eq!(known(lab, "a"), None);
    assert!(ask(lab, "a", "r-1"));
    assert!(!ask(lab, "a", "r-2"), "it was asked before");
    assert!(ask(lab, "b", "r-3"));
    let asked = LastStatementRow {
        host_id: "a".to_owned(),
        request_id: "r-1".to_owned(),
        asked_ms: NOW,
        said: None,
    };
    assert_eq!(known(lab, "a"), Some(asked));
}

fn the_first_statement_to_its_request_stays(lab: &Lab) {
    assert!(!keep(lab, "a", "r-1", "unasked"), "nobody asked it");
    ask(lab, "a", "r-1");
    assert!(!keep(lab, "a", "r-2", "to another request"));
    assert!(keep(lab, "a", "r-1", "first"));
    assert!(!keep(lab, "a", "r-1", "second"), "it has said something");
    assert_eq!(known(lab, "a").and_then(|row| row.said), Some(said("first")));

    // Once it is here again, another request may be made.
    ask(lab, "b", "r-5");
    lab.store
        .write_now(|tx| last_statements::forget(tx, "a"))
        .expect("forgotten");
    assert_eq!(known(lab, "a"), None);
    assert!(ask(lab, "a", "r-4"));
    assert!(known(lab, "b").is_some(), "another host's is its own");
}

fn what_fails_leaves_nothing_and_what_was_said_is_durable(lab: &Lab) {
    let undone: Result<(), StoreError> = lab.store.write_now(|tx| {
        last_statements::ask(tx, "a", "r-1", NOW)?;
        Err(StoreError::conflict("given up"))
    });
    assert!(undone.is_err());
    assert_eq!(known(lab, "a"), None, "nothing of a transaction that failed");
    ask(lab, "a", "r-1");
    keep(lab, "a", "r-1", "first");
    let rows = lab
        .conn()
        .query("SELECT digest FROM last_statement", &[])
        .expect("rows");
    assert_eq!(rows.len(), 1, "another connection sees it");
}
