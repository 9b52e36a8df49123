//! Campaigns and their slots.

use super::lab::{Lab, NOW, on_both};
use crate::store::campaigns::{self, CampaignRow, CampaignVersionRow};
use crate::store::{StoreError, slots};

on_both!(
    slots_are_taken_and_given_within_their_cap,
    a_campaign_moves_by_compare_and_set,
    a_campaign_that_changed_meanwhile_stops_the_issuing,
);

fn slots_are_taken_and_given_within_their_cap(lab: &Lab) {
    let take = |cap: i64| lab.store.write_now(move |tx| slots::take(tx, "us-2024", "all", cap));
    let give = || lab.store.write_now(|tx| slots::give(tx, "us-2024", "all"));
    assert_eq!([take(2), take(2), take(2)], [Ok(true), Ok(true), Ok(false)]);
    assert_eq!(give(), Ok(()));
    assert_eq!(take(1), Ok(false), "one is still out and the cap is one");
    assert_eq!(give(), Ok(()));
    assert!(matches!(give(), Err(StoreError::Corrupt { .. })));
    assert_eq!(take(1), Ok(true));
    let rows = lab.store.read_now(|tx| slots::list(tx, "us-2024")).expect("read");
    assert_eq!((rows.len(), rows[0].used, rows[0].cap), (1, 1, 1));
}

fn campaign() -> CampaignRow {
    CampaignRow {
        campaign_id: "us-2024".to_owned(),
        seq: 1,
        version: 1,
        epoch: 1,
        mode: "observe".to_owned(),
        state: "running".to_owned(),
        body: "{}".to_owned(),
        progress: "{}".to_owned(),
        created_ms: NOW,
        updated_ms: NOW,
    }
}

fn a_campaign_moves_by_compare_and_set(lab: &Lab) {
    let set = |expected: i64, row: CampaignRow| {
        lab.store
            .write_now(move |tx| campaigns::compare_and_set(tx, expected, &row))
    };
    set(0, campaign()).expect("made");
    assert!(matches!(set(0, campaign()), Err(StoreError::Conflict { .. })));
    let paused = CampaignRow {
        seq: 2,
        version: 2,
        epoch: 2,
        mode: "automatic".to_owned(),
        state: "paused".to_owned(),
        body: "{\"a\":1}".to_owned(),
        progress: "{\"b\":2}".to_owned(),
        updated_ms: NOW + 1,
        ..campaign()
    };
    set(1, paused.clone()).expect("moved");
    assert!(matches!(set(1, campaign()), Err(StoreError::Conflict { .. })));
    let read = lab.store.read_now(|tx| campaigns::load(tx, "us-2024"));
    assert_eq!(read, Ok(Some(paused.clone())));
    let but = |known: i64| lab.store.read_now(move |tx| campaigns::load_but(tx, "us-2024", known));
    let without = CampaignRow {
        body: String::new(),
        ..paused.clone()
    };
    assert_eq!(
        but(2),
        Ok(Some(without)),
        "who knows version 2 is not told its text again"
    );
    assert_eq!(but(1), Ok(Some(paused.clone())));
    assert_eq!(but(3), Ok(Some(paused.clone())));
    assert_eq!(lab.store.read_now(|tx| campaigns::list(tx)), Ok(vec![paused]));
    let version = |number: i64| CampaignVersionRow {
        campaign_id: "us-2024".to_owned(),
        version: number,
        catalog_revision: 7,
        made_ms: NOW,
        made_by: "admin".to_owned(),
        body: "{}".to_owned(),
    };
    for number in [2, 1] {
        lab.store
            .write_now(move |tx| campaigns::add_version(tx, &version(number)))
            .expect("kept");
    }
    let taken = lab.store.write_now(move |tx| campaigns::add_version(tx, &version(1)));
    assert!(matches!(taken, Err(StoreError::Conflict { .. })), "{taken:?}");
    let versions = lab.store.read_now(|tx| campaigns::versions(tx, "us-2024"));
    assert_eq!(versions, Ok(vec![version(1), version(2)]));
}

fn a_campaign_that_changed_meanwhile_stops_the_issuing(lab: &Lab) {
    lab.store
        .write_now(|tx| campaigns::compare_and_set(tx, 0, &campaign()))
        .expect("made");
    let seq = campaign().seq;
    let hold = |epoch: i64, seq: i64| {
        lab.store
            .write_now(move |tx| campaigns::hold(tx, "us-2024", epoch, seq))
    };
    assert_eq!(hold(1, seq), Ok(()));
    assert!(matches!(hold(2, seq), Err(StoreError::Conflict { .. })));
    assert!(matches!(hold(1, seq + 1), Err(StoreError::Conflict { .. })));
    let unchanged = lab.store.read_now(|tx| campaigns::load(tx, "us-2024"));
    assert_eq!(unchanged, Ok(Some(campaign())));
}
