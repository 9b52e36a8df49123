//! Secrets, which are sealed before they come to the store.

use super::lab::{Lab, NOW, on_both};
use crate::store::secrets::{self, SecretRow};
use crate::store::value::params;
use crate::store::{AsOf, StoreError};

on_both!(
    a_new_revision_takes_the_place_of_the_one_before,
    a_revision_is_never_given_twice,
    what_has_ended_keeps_its_row_and_none_of_its_bytes,
    secrets_are_not_kept_as_they_were,
);

/// Bytes that are nowhere else.
const SEALED: &[u8] = b"sealed-bytes-of-a-case-that-are-nowhere-else";

fn secret(name: &str, revision: i64) -> SecretRow {
    SecretRow {
        product: "kesl".to_owned(),
        name: name.to_owned(),
        revision,
        candidates: 2,
        key_id: "00ff".to_owned(),
        sealed: [SEALED, &revision.to_be_bytes()].concat(),
        set_ms: NOW + revision,
        set_by: "personal:00".to_owned(),
    }
}

fn set(lab: &Lab, row: SecretRow) -> Result<(), StoreError> {
    lab.store.write_now(move |tx| {
        secrets::end(tx, &row.product, &row.name)?;
        secrets::insert(tx, &row)
    })
}

fn remove(lab: &Lab, name: &'static str) -> Option<i64> {
    lab.store
        .write_now(move |tx| secrets::end(tx, "kesl", name))
        .expect("removed")
}

fn listed(lab: &Lab) -> Vec<SecretRow> {
    lab.store.read_now(|tx| secrets::list(tx)).expect("read")
}

fn newest(lab: &Lab, name: &'static str) -> i64 {
    lab.store
        .read_now(move |tx| secrets::newest_revision(tx, "kesl", name))
        .expect("read")
}

fn a_new_revision_takes_the_place_of_the_one_before(lab: &Lab) {
    set(lab, secret("token", 1)).expect("set");
    set(lab, secret("password", 1)).expect("set");
    set(lab, secret("password", 2)).expect("set anew");
    assert_eq!(listed(lab), [secret("password", 2), secret("token", 1)]);
    assert_eq!((newest(lab, "password"), newest(lab, "other")), (2, 0));
}

fn a_revision_is_never_given_twice(lab: &Lab) {
    set(lab, secret("password", 1)).expect("set");
    assert_eq!(remove(lab, "password"), Some(1));
    assert_eq!(remove(lab, "password"), None, "it is gone already");
    assert_eq!((newest(lab, "password"), listed(lab).len()), (1, 0));
    let again = lab.store.write_now(|tx| secrets::insert(tx, &secret("password", 1)));
    assert!(matches!(again, Err(StoreError::Conflict { .. })), "{again:?}");
}

fn what_has_ended_keeps_its_row_and_none_of_its_bytes(lab: &Lab) {
    set(lab, secret("password", 1)).expect("set");
    set(lab, secret("password", 2)).expect("set anew");
    assert_eq!(remove(lab, "password"), Some(2));
    let rows = lab
        .conn()
        .query("SELECT sealed, state FROM secret ORDER BY revision", params![])
        .expect("rows");
    let left: Vec<_> = rows.iter().map(|row| (row.blob("sealed"), row.text("state"))).collect();
    let gone = (Ok(vec![0; SEALED.len() + 8]), Ok("gone".to_owned()));
    assert_eq!(left, [gone.clone(), gone]);
}

fn secrets_are_not_kept_as_they_were(lab: &Lab) {
    set(lab, secret("password", 1)).expect("set");
    let then = lab.store.read_now(|tx| {
        tx.go_back(AsOf { pos: 0, at_ms: NOW });
        secrets::list(tx)
    });
    let table = "secret".to_owned();
    assert_eq!(then, Err(StoreError::NotKept { table }));
}

#[test]
fn the_file_of_the_store_holds_the_bytes_of_a_secret_until_it_ends_and_no_longer() {
    let lab = Lab::sqlite();
    // More than a page: what does not fit lies on pages of its own.
    let large = SecretRow {
        sealed: SEALED.repeat(300),
        ..secret("onboarding", 1)
    };
    for row in [secret("password", 1), large] {
        set(&lab, row).expect("set");
    }
    let times = || {
        // Who is alone with it and writes brings the journal into the file when it closes.
        drop(lab.conn());
        assert!(!lab.file().with_extension("db-wal").exists(), "no journal is left");
        let bytes = std::fs::read(lab.file()).expect("readable");
        bytes.windows(SEALED.len()).filter(|window| *window == SEALED).count()
    };
    lab.store.close();
    assert!(times() > 200, "they are there while it is in force");
    let again = lab.replica();
    again
        .write_now(|tx| {
            secrets::end(tx, "kesl", "onboarding")?;
            secrets::end(tx, "kesl", "password")
        })
        .expect("ended");
    again.close();
    assert_eq!(times(), 0);
}
