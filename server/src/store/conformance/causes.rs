//! What holds hosts up, and how many were done on which day.

use super::lab::{Lab, on_both, plan};
use crate::store::StoreError;
use crate::store::causes::{self, CauseTotal, HeldBy};
use crate::store::plans::{self, PlanRow};

on_both!(
    a_host_is_counted_at_the_cause_that_it_has,
    what_is_refused_counts_nothing,
    a_total_of_causes_that_does_not_fit_is_reported,
    hosts_that_are_done_are_counted_by_day,
    a_plan_is_held_as_it_was_read,
);

const CAMPAIGN: &str = "us-2024";

fn by(cause: &str, phase: &str, wave: &str) -> HeldBy {
    HeldBy {
        cause: cause.to_owned(),
        phase: phase.to_owned(),
        wave: wave.to_owned(),
    }
}

fn set(lab: &Lab, host: &'static str, held: Option<HeldBy>) {
    let set = move |tx: &mut crate::store::WriteTx<'_>| causes::set(tx, CAMPAIGN, host, held.clone());
    lab.store.write_now(set).expect("stored");
}

fn listed(lab: &Lab) -> Vec<CauseTotal> {
    lab.store
        .read_now(|tx| {
            causes::check(tx, CAMPAIGN)?;
            causes::list(tx, CAMPAIGN)
        })
        .expect("read")
}

fn a_host_is_counted_at_the_cause_that_it_has(lab: &Lab) {
    assert!(listed(lab).is_empty());
    for host in ["c", "a", "b"] {
        set(lab, host, Some(by("room", "blocked", "1")));
    }
    set(lab, "d", None);
    let total = |held, hosts| CauseTotal { by: held, hosts };
    assert_eq!(listed(lab), [total(by("room", "blocked", "1"), 3)]);
    // Again the same, in another wave, by another cause, and by none.
    set(lab, "a", Some(by("room", "blocked", "1")));
    set(lab, "b", Some(by("room", "blocked", "2")));
    set(lab, "c", Some(by("approval", "queued", "1")));
    assert_eq!(
        listed(lab),
        [
            total(by("approval", "queued", "1"), 1),
            total(by("room", "blocked", "1"), 1),
            total(by("room", "blocked", "2"), 1)
        ]
    );
    let (hosts, first, of_b) = lab
        .store
        .read_now(|tx| {
            let hosts = causes::hosts(tx, CAMPAIGN, "room", 9)?;
            Ok::<_, StoreError>((
                hosts,
                causes::hosts(tx, CAMPAIGN, "room", 1)?,
                causes::of_host(tx, CAMPAIGN, "b")?,
            ))
        })
        .expect("read");
    assert_eq!(
        (hosts, first),
        (vec!["a".to_owned(), "b".to_owned()], vec!["a".to_owned()])
    );
    assert_eq!(of_b, Some(by("room", "blocked", "2")));
    for host in ["a", "b", "c"] {
        set(lab, host, None);
    }
    assert!(listed(lab).is_empty());
    let other = lab.store.read_now(|tx| causes::list(tx, "another")).expect("read");
    assert!(other.is_empty());
}

fn what_is_refused_counts_nothing(lab: &Lab) {
    set(lab, "a", Some(by("room", "blocked", "1")));
    let refused = lab.store.write_now(|tx| {
        causes::set(tx, CAMPAIGN, "a", None)?;
        causes::set(tx, CAMPAIGN, "b", Some(by("room", "blocked", "1")))?;
        causes::note_done(tx, CAMPAIGN, "2026-11-30");
        Err::<(), StoreError>(StoreError::Aborted)
    });
    assert!(refused.is_err());
    assert_eq!(listed(lab).len(), 1);
    let done = lab.store.read_now(|tx| causes::done(tx, CAMPAIGN, 9)).expect("read");
    assert!(done.is_empty());
}

fn a_total_of_causes_that_does_not_fit_is_reported(lab: &Lab) {
    set(lab, "a", Some(by("room", "blocked", "1")));
    lab.conn()
        .execute("UPDATE cause_total SET hosts = 0", &[])
        .expect("falsified");
    let check = lab.store.read_now(|tx| causes::check(tx, CAMPAIGN));
    assert!(matches!(check, Err(StoreError::Corrupt { .. })), "{check:?}");
    let lowered = lab.store.write_now(|tx| causes::set(tx, CAMPAIGN, "a", None));
    assert!(matches!(lowered, Err(StoreError::Corrupt { .. })), "{lowered:?}");
}

fn hosts_that_are_done_are_counted_by_day(lab: &Lab) {
    for day in ["2026-11-27", "2026-11-30", "2026-11-27", "2026-10-01"] {
        let note = move |tx: &mut crate::store::WriteTx<'_>| {
            causes::note_done(tx, CAMPAIGN, day);
            causes::note_done(tx, "another", "2026-11-30");
            Ok::<_, StoreError>(())
        };
        lab.store.write_now(note).expect("stored");
    }
    let done = lab.store.read_now(|tx| causes::done(tx, CAMPAIGN, 2)).expect("read");
    assert_eq!(done, [("2026-11-30".to_owned(), 1), ("2026-11-27".to_owned(), 2)]);
}

fn a_plan_is_held_as_it_was_read(lab: &Lab) {
    let (first, next) = (
        plan("a", "queued"),
        PlanRow {
            seq: 2,
            ..plan("a", "blocked")
        },
    );
    let read = first.clone();
    lab.store
        .write_now(move |tx| {
            plans::compare_and_set(tx, 0, &first)?;
            plans::hold(tx, &first)
        })
        .expect("held");
    lab.store
        .write_now(move |tx| plans::compare_and_set(tx, 1, &next))
        .expect("stored");
    let late = lab.store.write_now(move |tx| plans::hold(tx, &read));
    assert!(matches!(late, Err(StoreError::Conflict { .. })), "{late:?}");
}
