//! Assets: one row per source and key, totals in the same transaction, identifiers both ways.

use super::lab::{Lab, NOW, on_both};
use crate::store::assets::{self, AssetFilter, AssetRow};
use crate::store::identifiers::{self, Owner};
use crate::store::{asset_totals, hosts};

on_both!(
    an_asset_counts_where_it_is_and_the_totals_follow,
    a_transaction_that_fails_moves_no_asset_between_totals,
    a_source_names_an_asset_once,
    assets_are_listed_by_what_they_are,
    attestations_are_due_by_their_end,
    identifiers_lead_to_whoever_has_them,
);

fn asset(n: u8, bucket: &str) -> AssetRow {
    AssetRow {
        asset_id: format!("asset-{n}"),
        source: "ad".to_owned(),
        source_key: format!("key:{n}"),
        name: format!("pc-{n}"),
        class: "workstation".to_owned(),
        owner: String::new(),
        said: "{}".to_owned(),
        identity: "[]".to_owned(),
        pin: String::new(),
        place: "{\"is\":\"alone\"}".to_owned(),
        is_word: "alone".to_owned(),
        host_id: String::new(),
        bucket: bucket.to_owned(),
        claim: String::new(),
        claimed_by: String::new(),
        claimed_why: String::new(),
        claim_ends_ms: None,
        wake_at_ms: None,
        import_id: "i1".to_owned(),
        first_ms: NOW,
        updated_ms: NOW,
        missing_ms: None,
        look: String::new(),
        seen: String::new(),
        claimed_ms: None,
    }
}

fn put(lab: &Lab, row: AssetRow, before: &'static str) {
    lab.store
        .write_now(move |tx| assets::put(tx, &row, before))
        .expect("stored");
}

fn totals(lab: &Lab) -> Vec<(String, i64)> {
    let (kept, counted) = lab
        .store
        .read_now(|tx| Ok::<_, crate::store::StoreError>((asset_totals::list(tx)?, asset_totals::recount(tx)?)))
        .expect("read");
    assert_eq!(kept, counted);
    kept
}

fn an_asset_counts_where_it_is_and_the_totals_follow(lab: &Lab) {
    for n in 1..=3 {
        put(lab, asset(n, "unknown"), "");
    }
    assert_eq!(totals(lab), [("unknown".to_owned(), 3)]);
    put(lab, asset(1, "attested-clear"), "unknown");
    put(lab, asset(2, ""), "unknown");
    put(lab, asset(3, "unknown"), "unknown");
    assert_eq!(
        totals(lab),
        [("attested-clear".to_owned(), 1), ("unknown".to_owned(), 1)]
    );
    put(lab, asset(1, ""), "attested-clear");
    assert_eq!(totals(lab), [("unknown".to_owned(), 1)]);
}

fn a_transaction_that_fails_moves_no_asset_between_totals(lab: &Lab) {
    put(lab, asset(1, "unknown"), "");
    let row = asset(2, "unknown");
    let refused = lab.store.write_now(move |tx| {
        assets::put(tx, &row, "")?;
        Err::<(), _>(crate::store::StoreError::Aborted)
    });
    assert!(refused.is_err());
    assert_eq!(totals(lab), [("unknown".to_owned(), 1)]);
    let row = asset(1, "unknown");
    let wrong = lab.store.write_now(move |tx| assets::put(tx, &row, "attested-gone"));
    assert!(wrong.is_err(), "it left a bucket that it was not in");
    assert_eq!(totals(lab), [("unknown".to_owned(), 1)]);
}

fn a_source_names_an_asset_once(lab: &Lab) {
    put(lab, asset(1, "unknown"), "");
    let twin = AssetRow {
        asset_id: "asset-2".to_owned(),
        ..asset(1, "unknown")
    };
    let refused = lab.store.write_now(move |tx| assets::put(tx, &twin, ""));
    assert!(refused.is_err());
    let found = lab
        .store
        .read_now(|tx| assets::by_keys(tx, "ad", ["key:1", "key:9"]))
        .expect("read");
    assert_eq!(found, [asset(1, "unknown")]);
}

fn assets_are_listed_by_what_they_are(lab: &Lab) {
    let host = AssetRow {
        is_word: "host".to_owned(),
        host_id: "h-1".to_owned(),
        ..asset(1, "")
    };
    let missing = AssetRow {
        missing_ms: Some(NOW),
        import_id: "i0".to_owned(),
        ..asset(2, "unknown")
    };
    for row in [host.clone(), missing.clone(), asset(3, "unknown")] {
        put(lab, row, "");
    }
    let list = |filter: AssetFilter, after: Option<&'static str>| {
        lab.store
            .read_now(move |tx| assets::list(tx, &filter, after, 2))
            .expect("read")
    };
    let all = AssetFilter::default();
    assert_eq!(list(all.clone(), None), [host.clone(), missing.clone()]);
    assert_eq!(list(all, Some("asset-2")), [asset(3, "unknown")]);
    let is = |word: &str| AssetFilter {
        is_word: Some(word.to_owned()),
        ..AssetFilter::default()
    };
    assert_eq!(list(is("host"), None), std::slice::from_ref(&host));
    let gone = AssetFilter {
        missing: true,
        source: Some("ad".to_owned()),
        ..AssetFilter::default()
    };
    assert_eq!(list(gone, None), [missing]);
    let of_host = lab
        .store
        .read_now(|tx| assets::by_hosts(tx, [&"h-1".to_owned(), &String::new()]));
    assert_eq!(of_host.expect("read"), [host]);
    let rest = lab
        .store
        .read_now(|tx| assets::not_named(tx, "ad", "i2", 9))
        .expect("read");
    assert_eq!(rest.len(), 2, "the one that is missing is known to be");
}

fn attestations_are_due_by_their_end(lab: &Lab) {
    let ends = |n, wake_at_ms| AssetRow {
        wake_at_ms,
        ..asset(n, "unknown")
    };
    for row in [ends(1, Some(NOW + 2)), ends(2, Some(NOW)), ends(3, None)] {
        put(lab, row, "");
    }
    let due = |now_ms| lab.store.read_now(move |tx| assets::due(tx, now_ms, 9)).expect("read");
    assert_eq!(due(NOW - 1), []);
    assert_eq!(due(NOW), [ends(2, Some(NOW))]);
    assert_eq!(due(NOW + 2), [ends(2, Some(NOW)), ends(1, Some(NOW + 2))]);
}

fn identifiers_lead_to_whoever_has_them(lab: &Lab) {
    let pair = |kind: &str, value: &str| (kind.to_owned(), value.to_owned());
    let (asset, host) = (Owner::Asset("a".to_owned()), Owner::Host("h".to_owned()));
    let of_both = pair("name", "pc-1");
    let (first, second) = (asset.clone(), host.clone());
    let (shared, own) = (of_both.clone(), pair("serial", "S1"));
    lab.store
        .write_now(move |tx| {
            assets::take_turn(tx)?;
            identifiers::set(tx, &first, &[shared.clone(), own.clone()])?;
            identifiers::set(tx, &second, std::slice::from_ref(&shared))
        })
        .expect("stored");
    let sharing = |pairs: Vec<(String, String)>| {
        lab.store
            .read_now(move |tx| identifiers::sharing(tx, &pairs))
            .expect("read")
    };
    assert_eq!(sharing(vec![of_both.clone()]), [asset.clone(), host.clone()].into());
    assert_eq!(sharing(vec![pair("serial", "S1")]), [asset.clone()].into());
    assert_eq!(sharing(vec![]), [].into());
    let again = asset.clone();
    lab.store
        .write_now(move |tx| identifiers::set(tx, &again, &[]))
        .expect("stored");
    let of = lab
        .store
        .read_now(move |tx| identifiers::of(tx, &[asset.clone(), host.clone()]));
    assert_eq!(of.expect("read"), [vec![], vec![of_both]]);
    assert_eq!(lab.store.read_now(|tx| hosts::count(tx)), Ok(0));
}
