//! Migrated hosts by what their work rests on.

use std::collections::BTreeMap;

use cutover_core::plan::ShownBy;

use super::lab::{Lab, host, on_both, plan};
use crate::store::{StoreError, grades, hosts, plans};

on_both!(
    grades_are_counted_where_they_move_and_nowhere_else,
    grades_that_do_not_fit_are_reported,
);

const CAMPAIGN: &str = "us-2024";

fn shift(lab: &Lab, before: Option<ShownBy>, after: Option<ShownBy>) -> Result<(), StoreError> {
    lab.store.write_now(move |tx| {
        grades::shift(tx, CAMPAIGN, before, after);
        Ok(())
    })
}

fn kept(lab: &Lab) -> BTreeMap<ShownBy, i64> {
    lab.store.read_now(|tx| grades::list(tx, CAMPAIGN)).expect("read")
}

fn grades_are_counted_where_they_move_and_nowhere_else(lab: &Lab) {
    assert_eq!(kept(lab), BTreeMap::new());
    for _ in 0..2 {
        shift(lab, None, Some(ShownBy::Machine)).expect("counted");
    }
    shift(lab, None, None).expect("nothing");
    shift(lab, Some(ShownBy::Machine), Some(ShownBy::Machine)).expect("nothing");
    shift(lab, Some(ShownBy::Machine), Some(ShownBy::Others)).expect("moved");
    assert_eq!(kept(lab), BTreeMap::from([(ShownBy::Machine, 1), (ShownBy::Others, 1)]));
    shift(lab, Some(ShownBy::Others), None).expect("it left");
    assert_eq!(kept(lab), BTreeMap::from([(ShownBy::Machine, 1)]));
    let more = shift(lab, Some(ShownBy::Others), None);
    assert!(matches!(more, Err(StoreError::Corrupt { .. })), "{more:?}");
    // Another campaign's are its own.
    let other = lab.store.read_now(|tx| grades::list(tx, "other")).expect("read");
    assert_eq!(other, BTreeMap::new());
}

fn grades_that_do_not_fit_are_reported(lab: &Lab) {
    lab.store
        .write_now(|tx| {
            hosts::insert(tx, &host("a"))?;
            plans::compare_and_set(tx, 0, &plan("a", "blocked"))
        })
        .expect("stored");
    let check = || lab.store.read_now(|tx| grades::check(tx, CAMPAIGN));
    check().expect("none is migrated, and none is counted");
    shift(lab, None, Some(ShownBy::Field)).expect("counted");
    let wrong = check();
    assert!(matches!(wrong, Err(StoreError::Corrupt { .. })), "{wrong:?}");
    lab.conn()
        .execute("UPDATE grade_total SET grade = 'eaten'", &[])
        .expect("falsified");
    let unknown = lab.store.read_now(|tx| grades::list(tx, CAMPAIGN));
    assert!(matches!(unknown, Err(StoreError::Corrupt { .. })), "{unknown:?}");
}
