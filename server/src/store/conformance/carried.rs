//! What people carry to the server: looks byte for byte, records from before, and what does not fit together.

use super::lab::{Lab, NOW, on_both};
use crate::store::{
    StoreError,
    earlier_records::{self, RecordRow},
    findings::{self, FindingRow},
    imported_looks::{self, LookRow},
};

on_both!(
    a_look_is_kept_byte_for_byte_and_once,
    looks_are_listed_by_whose_they_are_the_last_made_first,
    a_record_of_one_file_about_one_asset_is_kept_once,
    findings_are_replaced_and_those_that_stay_keep_their_time,
    findings_are_listed_a_page_at_a_time,
);

fn look(sha256: &str, asset_id: &str, host_id: &str, taken_ms: i64) -> LookRow {
    LookRow {
        sha256: sha256.to_owned(),
        vouched: "signed".to_owned(),
        key_id: "k".to_owned(),
        asset_id: asset_id.to_owned(),
        host_id: host_id.to_owned(),
        file_name: "one.signed".to_owned(),
        taken_ms,
        imported_ms: NOW,
        imported_by: String::new(),
        rules_revision: 1,
        catalog_revision: 2,
        campaign_version: 3,
        found: "carries".to_owned(),
        inventory: "{}".to_owned(),
    }
}

fn keep(lab: &Lab, row: LookRow, bytes: &'static [u8]) -> bool {
    lab.store
        .write_now(move |tx| imported_looks::insert(tx, &row, bytes))
        .expect("kept")
}

fn a_look_is_kept_byte_for_byte_and_once(lab: &Lab) {
    let row = look("aa", "asset-1", "", NOW);
    assert!(keep(lab, row.clone(), b"\x00\xff one"));
    assert!(
        !keep(lab, look("aa", "asset-2", "", 0), b"other"),
        "the same file is the same look"
    );
    let (kept, bytes) = lab
        .store
        .read_now(|tx| Ok::<_, StoreError>((imported_looks::load(tx, "aa")?, imported_looks::bytes(tx, "aa")?)))
        .expect("read");
    assert_eq!((kept, bytes), (Some(row), Some(b"\x00\xff one".to_vec())));
}

fn looks_are_listed_by_whose_they_are_the_last_made_first(lab: &Lab) {
    for row in [
        look("a1", "asset-1", "", 1),
        look("a2", "asset-1", "", 2),
        look("h1", "", "host-1", 3),
    ] {
        keep(lab, row, b"");
    }
    let (of_asset, of_host, of_nobody) = lab
        .store
        .read_now(|tx| {
            Ok::<_, StoreError>((
                imported_looks::of_asset(tx, "asset-1", 10)?,
                imported_looks::of_host(tx, "host-1", 10)?,
                imported_looks::of_asset(tx, "", 10)?,
            ))
        })
        .expect("read");
    let names = |rows: Vec<LookRow>| rows.into_iter().map(|row| row.sha256).collect::<Vec<_>>();
    assert_eq!(names(of_asset), ["a2", "a1"]);
    assert_eq!(names(of_host), ["h1"]);
    assert_eq!(of_nobody, []);
}

fn a_record_of_one_file_about_one_asset_is_kept_once(lab: &Lab) {
    let row = RecordRow {
        asset_id: "asset-1".to_owned(),
        source: "ksc".to_owned(),
        sha256: "aa".to_owned(),
        at_ms: 5,
        says: "clear".to_owned(),
        imported_ms: NOW,
        imported_by: String::new(),
    };
    let again = RecordRow {
        says: "carries".to_owned(),
        ..row.clone()
    };
    let (first, second) = (row.clone(), again);
    let kept = lab
        .store
        .write_now(move |tx| {
            Ok::<_, StoreError>((
                earlier_records::insert(tx, &first)?,
                earlier_records::insert(tx, &second)?,
            ))
        })
        .expect("kept");
    assert_eq!(kept, (true, false));
    let rows = lab
        .store
        .read_now(|tx| earlier_records::of_asset(tx, "asset-1"))
        .expect("read");
    assert_eq!(rows, [row]);
}

fn finding(of_id: &str, kind: &str, detail: &str, since_ms: i64) -> FindingRow {
    FindingRow {
        of_id: of_id.to_owned(),
        of_kind: "host".to_owned(),
        kind: kind.to_owned(),
        source: "ksc".to_owned(),
        detail: detail.to_owned(),
        since_ms,
    }
}

fn replace(lab: &Lab, of_id: &'static str, rows: Vec<FindingRow>) -> bool {
    lab.store
        .write_now(move |tx| findings::replace(tx, of_id, &rows))
        .expect("replaced")
}

fn findings_are_replaced_and_those_that_stay_keep_their_time(lab: &Lab) {
    assert!(replace(
        lab,
        "h1",
        vec![finding("h1", "a", "one", 1), finding("h1", "b", "two", 1)]
    ));
    assert!(!replace(
        lab,
        "h1",
        vec![finding("h1", "a", "one", 9), finding("h1", "b", "two", 9)]
    ));
    assert!(replace(lab, "h1", vec![finding("h1", "a", "other", 9)]));
    let rows = lab.store.read_now(|tx| findings::of(tx, "h1")).expect("read");
    assert_eq!(rows, [finding("h1", "a", "other", 1)]);
}

fn findings_are_listed_a_page_at_a_time(lab: &Lab) {
    replace(lab, "h1", vec![finding("h1", "a", "", 1), finding("h1", "b", "", 1)]);
    replace(lab, "h2", vec![finding("h2", "a", "", 1)]);
    let page = |after: (&'static str, &'static str, &'static str)| {
        let rows = lab
            .store
            .read_now(move |tx| findings::list(tx, after, 2))
            .expect("read");
        rows.into_iter()
            .map(|row| format!("{} {}", row.of_id, row.kind))
            .collect::<Vec<_>>()
    };
    assert_eq!(page(("", "", "")), ["h1 a", "h1 b"]);
    assert_eq!(page(("h1", "b", "ksc")), ["h2 a"]);
}
