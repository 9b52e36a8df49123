//! Domain controllers that answer at a site.

use super::lab::{Lab, on_both};
use crate::store::domain_controllers;

on_both!(controllers_are_counted_by_site_and_gone_when_they_no_longer_answer);

fn put(lab: &Lab, host: &'static str, site: &'static str) {
    let put = move |tx: &mut crate::store::WriteTx<'_>| domain_controllers::put(tx, "us-2024", host, site);
    lab.store.write_now(put).expect("kept");
}

fn controllers_are_counted_by_site_and_gone_when_they_no_longer_answer(lab: &Lab) {
    for (host, site) in [("a", "kiel"), ("b", "kiel"), ("c", "ulm"), ("b", "kiel")] {
        put(lab, host, site);
    }
    let counted = || {
        let read = lab.store.read_now(|tx| domain_controllers::by_site(tx, "us-2024"));
        read.expect("read")
    };
    assert_eq!(counted(), [("kiel".to_owned(), 2), ("ulm".to_owned(), 1)]);
    put(lab, "a", "ulm");
    let removed = lab.store.write_now(|tx| domain_controllers::remove(tx, "us-2024", "b"));
    assert_eq!(removed, Ok(()));
    assert_eq!(counted(), [("ulm".to_owned(), 2)]);
    let elsewhere = lab.store.read_now(|tx| domain_controllers::by_site(tx, "other"));
    assert_eq!(elsewhere, Ok(Vec::new()));
}
