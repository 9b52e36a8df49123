//! What is said of hosts' disks.

use super::lab::{Lab, NOW, host, on_both, plan};
use crate::store::disks::{self, ReportRow};
use crate::store::ending::EndingRow;
use crate::store::{hosts, plans};

on_both!(
    attestations_are_listed_by_their_end_a_page_at_a_time,
    a_report_takes_the_place_of_the_one_before,
);

fn attestation(host_id: &str, until_ms: i64) -> EndingRow {
    EndingRow {
        campaign_id: "us-2024".to_owned(),
        host_id: host_id.to_owned(),
        until_ms,
        since_ms: NOW,
    }
}

fn put(lab: &Lab, row: EndingRow) {
    lab.store.write_now(move |tx| disks::put(tx, &row)).expect("kept");
}

fn listed(lab: &Lab, after: (i64, &'static str), limit: i64) -> Vec<EndingRow> {
    let lines = lab
        .store
        .read_now(move |tx| disks::list(tx, "us-2024", after, limit))
        .expect("read");
    lines
        .into_iter()
        .map(|line| {
            assert!(!line.name.is_empty() && !line.state.is_empty(), "{line:?}");
            line.row
        })
        .collect()
}

fn attestations_are_listed_by_their_end_a_page_at_a_time(lab: &Lab) {
    for host_id in ["a", "b"] {
        lab.store
            .write_now(move |tx| {
                hosts::insert(tx, &host(host_id))?;
                plans::compare_and_set(tx, 0, &plan(host_id, "blocked"))
            })
            .expect("stored");
    }
    let (a, b) = (attestation("a", NOW + 9), attestation("b", NOW + 5));
    let other = EndingRow {
        campaign_id: "other".to_owned(),
        ..a.clone()
    };
    for row in [&a, &b, &other] {
        put(lab, row.clone());
    }
    assert_eq!(listed(lab, (0, ""), 10), [b.clone(), a.clone()]);
    assert_eq!(listed(lab, (0, ""), 1), [b]);
    assert_eq!(listed(lab, (NOW + 5, "b"), 10), [a]);
    // A second signature moved its end: there is one of it.
    let shorter = attestation("a", NOW + 2);
    put(lab, shorter.clone());
    lab.store
        .write_now(|tx| disks::remove(tx, "us-2024", "b").and_then(|()| disks::remove(tx, "us-2024", "b")))
        .expect("removed, and once more");
    assert_eq!(listed(lab, (0, ""), 10), [shorter]);
}

fn a_report_takes_the_place_of_the_one_before(lab: &Lab) {
    let first = ReportRow {
        asset_id: "asset-1".to_owned(),
        sha256: "ab".repeat(32),
        says: "decrypted".to_owned(),
        seen_ms: Some(NOW - 5),
        imported_ms: NOW,
        imported_by: "personal:1".to_owned(),
    };
    let second = ReportRow {
        says: "by-target".to_owned(),
        seen_ms: None,
        imported_ms: NOW + 1,
        sha256: "cd".repeat(32),
        imported_by: "personal:2".to_owned(),
        ..first.clone()
    };
    let read = |id: &'static str| lab.store.read_now(move |tx| disks::report_of(tx, id)).expect("read");
    for row in [first, second] {
        let kept = row.clone();
        lab.store
            .write_now(move |tx| disks::put_report(tx, &kept))
            .expect("kept");
        assert_eq!(read("asset-1"), Some(row));
    }
    assert_eq!(read("asset-2"), None);
    lab.store
        .write_now(|tx| disks::remove_report(tx, "asset-1").and_then(|()| disks::remove_report(tx, "asset-1")))
        .expect("removed, and once more");
    assert_eq!(read("asset-1"), None);
}
