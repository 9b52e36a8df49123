//! Pools of machines from one image.

use super::lab::{Lab, NOW, on_both};
use crate::store::{
    StoreError,
    image_pools::{self, MemberLook, MemberRow, PoolToken},
};

on_both!(
    a_pool_is_made_once_and_a_token_is_for_one,
    the_machine_furthest_from_done_is_found_among_those_heard_of,
);

const HOUR: i64 = 3_600_000;

fn member(host_id: &str, seen_ms: i64) -> MemberRow {
    MemberRow {
        host_id: host_id.to_owned(),
        pool: "vdi".to_owned(),
        image: "october".to_owned(),
        enrolled_ms: NOW,
        seen_ms,
        look: None,
    }
}

fn look(distance: i64, campaign_version: i64) -> MemberLook {
    MemberLook {
        digest: format!("digest-{distance}"),
        distance,
        campaign_version,
    }
}

fn a_pool_is_made_once_and_a_token_is_for_one(lab: &Lab) {
    let token = PoolToken {
        pool: "vdi".to_owned(),
        image: "october".to_owned(),
        owner: "the desktop team".to_owned(),
        within_ms: 7,
    };
    let kept = token.clone();
    lab.store
        .write_now(move |tx| {
            image_pools::insert(tx, "vdi", "record", NOW)?;
            image_pools::add_token(tx, "hash", &kept)
        })
        .expect("made");
    let again = lab.store.write_now(|tx| image_pools::insert(tx, "vdi", "another", NOW));
    assert!(matches!(again, Err(StoreError::Conflict { .. })), "{again:?}");
    lab.store
        .read_now(move |tx| {
            assert_eq!(image_pools::record_of(tx, "vdi")?.as_deref(), Some("record"));
            assert_eq!(image_pools::of_record(tx, "record")?.as_deref(), Some("vdi"));
            assert_eq!(image_pools::of_record(tx, "another")?, None);
            assert_eq!(image_pools::of_token(tx, "hash")?.as_ref(), Some(&token));
            assert_eq!(image_pools::of_token(tx, "none")?, None);
            Ok::<_, StoreError>(())
        })
        .expect("read");
}

fn the_machine_furthest_from_done_is_found_among_those_heard_of(lab: &Lab) {
    lab.store
        .write_now(|tx| {
            for (host, seen_ms) in [("a", NOW), ("b", NOW), ("c", NOW - 10), ("new", NOW)] {
                image_pools::add_member(tx, &member(host, seen_ms))?;
            }
            image_pools::note_look(tx, "a", &look(0, 1))?;
            image_pools::note_look(tx, "b", &look(4, 2))?;
            image_pools::note_look(tx, "c", &look(5, 1))
        })
        .expect("kept");
    let furthest = |since_ms| {
        let found = lab
            .store
            .read_now(move |tx| image_pools::furthest(tx, "vdi", since_ms, (4, HOUR)));
        found.expect("read").map(|row| row.host_id)
    };
    assert_eq!(furthest(NOW - 10).as_deref(), Some("c"));
    assert_eq!(furthest(NOW).as_deref(), Some("b"));
    assert_eq!(furthest(NOW + 1), None);
    lab.store
        .read_now(|tx| {
            let counted = [Some(5), Some(4), Some(0), None].map(|distance| ("october".to_owned(), distance, 1));
            assert_eq!(image_pools::images(tx, "vdi", NOW - 10)?, counted);
            let otherwise = image_pools::judged_otherwise(tx, "vdi", NOW, 2, 9)?;
            assert_eq!(
                otherwise.iter().map(|row| row.host_id.as_str()).collect::<Vec<_>>(),
                ["a"]
            );
            let silent = image_pools::silent(tx, "vdi", NOW, 9)?;
            assert_eq!(silent.iter().map(|row| row.host_id.as_str()).collect::<Vec<_>>(), ["c"]);
            assert_eq!(image_pools::member(tx, "b")?.and_then(|row| row.look), Some(look(4, 2)));
            Ok::<_, StoreError>(())
        })
        .expect("read");
    lab.store
        .write_now(|tx| {
            image_pools::note_seen(tx, "c", NOW + 5)?;
            image_pools::forget(tx, "b")
        })
        .expect("changed");
    assert_eq!(furthest(NOW).as_deref(), Some("c"));
    // One that was heard of for long enough and never looked.
    lab.store
        .write_now(|tx| {
            image_pools::forget(tx, "c")?;
            image_pools::note_seen(tx, "new", NOW + HOUR - 1)
        })
        .expect("changed");
    assert_eq!(furthest(NOW).as_deref(), Some("a"));
    lab.store
        .write_now(|tx| image_pools::note_seen(tx, "new", NOW + HOUR))
        .expect("changed");
    assert_eq!(furthest(NOW).as_deref(), Some("new"));
    let gone = lab.store.read_now(|tx| image_pools::member(tx, "b")).expect("read");
    assert_eq!(gone, None);
}
