//! Hosts, their keys, tokens, last-seen and inventories.

use super::lab::{Lab, NOW, host, on_both};
use crate::store::enrol_tokens::{self, EnrolTokenRow, TokenUse};
use crate::store::enrolments::{self, EnrolmentRow};
use crate::store::host_keys::{self, HostKeyRow};
use crate::store::host_seen::{self, HostSeenRow};
use crate::store::hosts::HostRow;
use crate::store::inventories::{self, InventoryRow};
use crate::store::{StoreError, hosts};

on_both!(
    a_host_comes_back_as_it_went,
    tags_change_by_one_persons_word_after_another_and_by_nothing_that_a_host_tells,
    hosts_are_found_by_name_whatever_its_case,
    order_numbers_only_rise,
    a_key_speaks_for_one_host_until_it_is_revoked,
    a_token_says_why_it_is_refused,
    enrolling_again_with_one_key_costs_no_second_use,
    an_older_sign_never_replaces_a_newer_one,
    inventories_are_kept_once_and_never_replaced,
);

fn load(lab: &Lab, host_id: &'static str) -> Option<HostRow> {
    lab.store.read_now(move |tx| hosts::load(tx, host_id)).expect("read")
}

fn a_host_comes_back_as_it_went(lab: &Lab) {
    lab.store.write_now(|tx| hosts::insert(tx, &host("h"))).expect("added");
    assert_eq!(load(lab, "h"), Some(host("h")));
    assert_eq!(load(lab, "none"), None);
    let again = lab.store.write_now(|tx| hosts::insert(tx, &host("h")));
    assert!(matches!(again, Err(StoreError::Conflict { .. })), "{again:?}");
    let changed = HostRow {
        name: "other".to_owned(),
        site: Some("berlin".to_owned()),
        facts: "{\"os\":1}".to_owned(),
        reported: "{\"journal\":\"sound\"}".to_owned(),
        agent_version: "0.2.0".to_owned(),
        rules_revision: 9,
        inventory_digest: Some("aa".to_owned()),
        inventory_at_ms: Some(NOW + 1),
        sealing_key: None,
        ..host("h")
    };
    let row = changed.clone();
    lab.store.write_now(move |tx| hosts::update(tx, &row)).expect("changed");
    assert_eq!(load(lab, "h"), Some(changed));
    let missing = lab.store.write_now(|tx| hosts::update(tx, &host("none")));
    assert!(matches!(missing, Err(StoreError::Corrupt { .. })), "{missing:?}");
    assert_eq!(lab.store.read_now(|tx| hosts::count(tx)), Ok(1));
}

fn tags_change_by_one_persons_word_after_another_and_by_nothing_that_a_host_tells(lab: &Lab) {
    lab.store.write_now(|tx| hosts::insert(tx, &host("h"))).expect("added");
    let set = |before: &'static str, after: &'static str| {
        lab.store.write_now(move |tx| hosts::set_tags(tx, "h", before, after))
    };
    assert_eq!(set("[]", "[\"a\"]"), Ok(()));
    lab.store
        .write_now(|tx| hosts::update(tx, &host("h")))
        .expect("changed");
    assert_eq!(load(lab, "h").expect("a host").tags, "[\"a\"]");
    let late = set("[]", "[\"b\"]");
    assert!(matches!(late, Err(StoreError::Conflict { .. })), "{late:?}");
    assert_eq!(load(lab, "h").expect("a host").tags, "[\"a\"]");
}

fn hosts_are_found_by_name_whatever_its_case(lab: &Lab) {
    for (id, name) in [("a", "Büro-ÄPFEL"), ("b", "büro-äpfel"), ("c", "other")] {
        let row = HostRow {
            name: name.to_owned(),
            ..host(id)
        };
        lab.store.write_now(move |tx| hosts::insert(tx, &row)).expect("added");
    }
    let found = lab.store.read_now(|tx| hosts::by_name(tx, "BÜRO-äpfel")).expect("read");
    let ids: Vec<&str> = found.iter().map(|row| row.host_id.as_str()).collect();
    assert_eq!(ids, ["a", "b"]);
    let page = lab.store.read_now(|tx| hosts::list(tx, Some("a"), 1)).expect("read");
    assert_eq!(page[0].host_id, "b");
}

fn order_numbers_only_rise(lab: &Lab) {
    lab.store.write_now(|tx| hosts::insert(tx, &host("h"))).expect("added");
    let take = || lab.store.write_now(|tx| hosts::take_order_number(tx, "h"));
    assert_eq!([take(), take()], [Ok(1), Ok(2)]);
    // An update with an old row does not bring a number back.
    lab.store
        .write_now(|tx| hosts::update(tx, &host("h")))
        .expect("changed");
    assert_eq!(take(), Ok(3));
    for number in [2, 1] {
        lab.store
            .write_now(move |tx| hosts::note_begun(tx, "h", number))
            .expect("noted");
    }
    assert_eq!(load(lab, "h").map(|row| row.highest_begun), Some(2));
    let missing = lab.store.write_now(|tx| hosts::take_order_number(tx, "none"));
    assert!(matches!(missing, Err(StoreError::Corrupt { .. })), "{missing:?}");
}

fn key(spki_hash: &str, host_id: &str) -> HostKeyRow {
    HostKeyRow {
        spki_hash: spki_hash.to_owned(),
        host_id: host_id.to_owned(),
        from_ms: NOW,
        to_ms: NOW + 1000,
        revoked_ms: None,
        certificate: vec![1, 2, 3],
    }
}

fn a_key_speaks_for_one_host_until_it_is_revoked(lab: &Lab) {
    for (spki, id) in [("k1", "h1"), ("k2", "h1"), ("k3", "h2")] {
        lab.store
            .write_now(move |tx| host_keys::insert(tx, &key(spki, id)))
            .expect("added");
    }
    let load = |spki: &'static str| lab.store.read_now(move |tx| host_keys::load(tx, spki)).expect("read");
    assert_eq!(load("k1"), Some(key("k1", "h1")));
    assert_eq!(load("k9"), None);
    let stolen = lab.store.write_now(|tx| host_keys::insert(tx, &key("k1", "h2")));
    assert!(matches!(stolen, Err(StoreError::Conflict { .. })), "{stolen:?}");
    let revoke = |now: i64| lab.store.write_now(move |tx| host_keys::revoke(tx, "k1", now));
    assert_eq!([revoke(NOW + 1), revoke(NOW + 2)], [Ok(true), Ok(false)]);
    assert_eq!(
        load("k1").and_then(|row| row.revoked_ms),
        Some(NOW + 1),
        "the first stands"
    );
    let all = lab.store.write_now(|tx| host_keys::revoke_host(tx, "h1", NOW + 3));
    assert_eq!(all, Ok(1));
    assert_eq!(load("k3").and_then(|row| row.revoked_ms), None);
    let of_host = lab.store.read_now(|tx| host_keys::of_host(tx, "h1")).expect("read");
    assert_eq!(of_host.len(), 2);
}

fn token(hash: &str) -> EnrolTokenRow {
    EnrolTokenRow {
        token_hash: hash.to_owned(),
        name: "first floor".to_owned(),
        created_ms: NOW,
        ends_ms: NOW + 1000,
        uses_left: 1,
        tags: "[\"floor-1\"]".to_owned(),
        revoked_ms: None,
    }
}

fn a_token_says_why_it_is_refused(lab: &Lab) {
    for hash in ["a", "b"] {
        lab.store
            .write_now(move |tx| enrol_tokens::insert(tx, &token(hash)))
            .expect("added");
    }
    let again = lab.store.write_now(|tx| enrol_tokens::insert(tx, &token("a")));
    assert!(matches!(again, Err(StoreError::Conflict { .. })), "{again:?}");
    let take = |hash: &'static str, now: i64| lab.store.write_now(move |tx| enrol_tokens::take_use(tx, hash, now));
    assert_eq!(take("none", NOW), Ok(TokenUse::Unknown));
    assert_eq!(take("a", NOW + 1000), Ok(TokenUse::Expired { ends_ms: NOW + 1000 }));
    let tags = "[\"floor-1\"]".to_owned();
    assert_eq!(take("a", NOW + 999), Ok(TokenUse::Granted { tags }));
    assert_eq!(take("a", NOW + 999), Ok(TokenUse::UsedUp));
    let revoke = || lab.store.write_now(|tx| enrol_tokens::revoke(tx, "b", NOW));
    assert_eq!([revoke(), revoke()], [Ok(true), Ok(false)]);
    assert_eq!(take("b", NOW), Ok(TokenUse::Revoked));
    let listed = lab.store.read_now(|tx| enrol_tokens::list(tx)).expect("read");
    assert_eq!(listed.iter().map(|row| row.uses_left).collect::<Vec<_>>(), [0, 1]);
}

fn enrolling_again_with_one_key_costs_no_second_use(lab: &Lab) {
    lab.store
        .write_now(|tx| enrol_tokens::insert(tx, &token("t")))
        .expect("added");
    let enrol = |new_id: &'static str| {
        lab.store
            .write_now(move |tx| {
                if let Some(known) = enrolments::load(tx, "k")? {
                    return Ok(known.host_id);
                }
                assert!(matches!(
                    enrol_tokens::take_use(tx, "t", NOW)?,
                    TokenUse::Granted { .. }
                ));
                hosts::insert(tx, &host(new_id))?;
                enrolments::insert(
                    tx,
                    &EnrolmentRow {
                        spki_hash: "k".to_owned(),
                        token_hash: "t".to_owned(),
                        host_id: new_id.to_owned(),
                        at_ms: NOW,
                    },
                )?;
                Ok::<_, StoreError>(new_id.to_owned())
            })
            .expect("enrolled")
    };
    assert_eq!(enrol("h1"), "h1");
    assert_eq!(enrol("h2"), "h1", "a lost reply is asked for again");
    assert_eq!(lab.store.read_now(|tx| hosts::count(tx)), Ok(1));
}

fn an_older_sign_never_replaces_a_newer_one(lab: &Lab) {
    let sign = |id: &str, seen: i64, boot: &str, looked: Option<i64>| HostSeenRow {
        host_id: id.to_owned(),
        seen_ms: seen,
        boot_id: boot.to_owned(),
        looked_agent_ms: looked,
    };
    let flush = |rows: Vec<HostSeenRow>| {
        lab.store
            .write_now(move |tx| host_seen::flush(tx, &rows, NOW, 600_000))
            .expect("flushed")
    };
    let load = |id: &'static str| lab.store.read_now(move |tx| host_seen::load(tx, id)).expect("read");
    flush(vec![]);
    flush(vec![
        sign("b", 5, "boot-1", Some(1)),
        sign("a", 9, "boot-1", None),
        sign("a", 7, "boot-0", None),
    ]);
    flush(vec![sign("b", 4, "boot-0", Some(9))]);
    flush(
        (0..250)
            .map(|n| sign(&format!("many-{n:03}"), n, "boot", None))
            .collect(),
    );
    assert_eq!(load("many-249").map(|row| row.seen_ms), Some(249));
    assert_eq!(load("b"), Some(sign("b", 5, "boot-1", Some(1))));
    flush(vec![sign("b", 6, "boot-2", None)]);
    assert_eq!(
        load("b"),
        Some(sign("b", 6, "boot-2", Some(1))),
        "no news of a look keeps the old"
    );
    assert_eq!(load("a"), Some(sign("a", 9, "boot-1", None)));
    assert_eq!(load("c"), None);
    let page = lab
        .store
        .read_now(|tx| host_seen::list(tx, Some("a"), 1))
        .expect("read");
    assert_eq!(page.len(), 1);
}

fn inventories_are_kept_once_and_never_replaced(lab: &Lab) {
    let inventory = |digest: &str, received: i64, envelope: u8| InventoryRow {
        host_id: "h".to_owned(),
        digest: digest.to_owned(),
        taken_agent_ms: NOW,
        received_ms: received,
        envelope: vec![envelope; 3000],
    };
    let keep = |row: InventoryRow| {
        lab.store
            .write_now(move |tx| inventories::insert(tx, &row))
            .expect("kept")
    };
    assert!(keep(inventory("aa", 1, 1)));
    assert!(keep(inventory("bb", 2, 2)));
    assert!(!keep(inventory("aa", 3, 3)), "it is kept already");
    let loaded = lab.store.read_now(|tx| inventories::load(tx, "h", "aa"));
    assert_eq!(loaded, Ok(Some(inventory("aa", 1, 1))));
    let present = || lab.store.read_now(|tx| inventories::present(tx, "h"));
    assert_eq!(present(), Ok(None), "of a host that is not known");
    lab.store.write_now(|tx| hosts::insert(tx, &host("h"))).expect("added");
    assert_eq!(present(), Ok(None), "before one counts");
    for digest in ["bb", "aa"] {
        let row = HostRow {
            inventory_digest: Some(digest.to_owned()),
            ..host("h")
        };
        lab.store.write_now(move |tx| hosts::update(tx, &row)).expect("changed");
        assert_eq!(
            present().map(|row| row.map(|row| row.digest)),
            Ok(Some(digest.to_owned()))
        );
    }
}
