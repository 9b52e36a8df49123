//! Exemptions that are in force.

use super::lab::{Lab, NOW, host, on_both, plan};
use crate::store::exemptions::{self, ExemptionRow};
use crate::store::{hosts, plans};

on_both!(exemptions_are_listed_by_their_end_a_page_at_a_time);

fn exemption(host_id: &str, until_ms: Option<i64>) -> ExemptionRow {
    ExemptionRow {
        campaign_id: "us-2024".to_owned(),
        host_id: host_id.to_owned(),
        until_ms,
        since_ms: NOW,
    }
}

fn put(lab: &Lab, row: ExemptionRow) {
    lab.store.write_now(move |tx| exemptions::put(tx, &row)).expect("kept");
}

fn listed(lab: &Lab, after: (i64, &'static str), limit: i64) -> Vec<ExemptionRow> {
    let lines = lab
        .store
        .read_now(move |tx| exemptions::list(tx, "us-2024", after, limit))
        .expect("read");
    lines
        .into_iter()
        .map(|line| {
            assert!(!line.name.is_empty() && !line.state.is_empty(), "{line:?}");
            line.row
        })
        .collect()
}

fn exemptions_are_listed_by_their_end_a_page_at_a_time(lab: &Lab) {
    for host_id in ["a", "b", "c"] {
        lab.store
            .write_now(move |tx| {
                hosts::insert(tx, &host(host_id))?;
                plans::compare_and_set(tx, 0, &plan(host_id, "exempt"))
            })
            .expect("stored");
    }
    let (a, b, c) = (
        exemption("a", None),
        exemption("b", Some(NOW + 9)),
        exemption("c", Some(NOW + 5)),
    );
    for row in [&a, &b, &c] {
        put(lab, row.clone());
    }
    let other = ExemptionRow {
        campaign_id: "other".to_owned(),
        ..a.clone()
    };
    put(lab, other);
    assert_eq!(listed(lab, (0, ""), 10), [c.clone(), b.clone(), a.clone()]);
    assert_eq!(listed(lab, (0, ""), 1), [c]);
    assert_eq!(listed(lab, (NOW + 5, "c"), 10), [b.clone(), a.clone()]);
    assert_eq!(listed(lab, (i64::MAX, "a"), 10), []);
    // Granted anew with another end: there is one of it.
    let longer = exemption("c", Some(NOW + 20));
    put(lab, longer.clone());
    assert_eq!(listed(lab, (0, ""), 10), [b, longer.clone(), a.clone()]);
    lab.store
        .write_now(|tx| exemptions::remove(tx, "us-2024", "b").and_then(|()| exemptions::remove(tx, "us-2024", "b")))
        .expect("removed, and once more");
    assert_eq!(listed(lab, (0, ""), 10), [longer, a]);
}
