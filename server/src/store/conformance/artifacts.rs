//! Artifacts: one row per content, listed by hash.

use super::lab::{Lab, NOW, on_both};
use crate::store::StoreError;
use crate::store::artifacts::{self, ArtifactRow};
use crate::store::value::params;

on_both!(
    the_same_content_has_one_row_and_the_first_stands,
    artifacts_are_listed_by_hash_a_page_at_a_time,
    an_empty_artifact_or_one_of_no_kind_is_refused,
);

fn artifact(digit: char) -> ArtifactRow {
    ArtifactRow {
        sha256: digit.to_string().repeat(64),
        size: 3_000_000_000,
        file_name: format!("{digit}_1.0_amd64.deb"),
        kind: "deb".to_owned(),
        added_by: "mention".to_owned(),
        added_ms: NOW,
    }
}

fn the_same_content_has_one_row_and_the_first_stands(lab: &Lab) {
    let insert = |row: ArtifactRow| lab.store.write_now(move |tx| artifacts::insert(tx, &row));
    let load = |sha256: String| lab.store.read_now(move |tx| artifacts::load(tx, &sha256));
    assert_eq!(load(artifact('a').sha256), Ok(None));
    assert_eq!(insert(artifact('a')), Ok(true));
    let renamed = ArtifactRow {
        file_name: "other.deb".to_owned(),
        added_ms: NOW + 1,
        ..artifact('a')
    };
    assert_eq!(insert(renamed), Ok(false));
    assert_eq!(load(artifact('a').sha256), Ok(Some(artifact('a'))));
}

fn artifacts_are_listed_by_hash_a_page_at_a_time(lab: &Lab) {
    for digit in ['c', 'a', 'b'] {
        let row = artifact(digit);
        lab.store
            .write_now(move |tx| artifacts::insert(tx, &row))
            .expect("added");
    }
    let page = |after: Option<String>| {
        lab.store
            .read_now(move |tx| artifacts::list(tx, after.as_deref(), 2))
            .expect("read")
    };
    let first = page(None);
    assert_eq!(first, [artifact('a'), artifact('b')]);
    assert_eq!(page(Some(first[1].sha256.clone())), [artifact('c')]);
    assert_eq!(page(Some(artifact('c').sha256)), []);
}

fn an_empty_artifact_or_one_of_no_kind_is_refused(lab: &Lab) {
    for (size, kind) in [(0, "deb"), (1, "script")] {
        let kept: Result<u64, StoreError> = lab.store.write_now(move |tx| {
            tx.execute(
                "INSERT INTO artifact (sha256, size, file_name, kind, added_by, added_ms) VALUES (?1, ?2, ?3, ?4, ?5, ?6)",
                params!["a", size, "a.deb", kind, "m", NOW],
            )
        });
        assert!(kept.is_err(), "{size} {kind}");
    }
}
