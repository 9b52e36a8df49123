//! Artifacts: one row per content, listed by hash.

use super::lab::{Lab, NOW, on_both};
use crate::store::StoreError;
use crate::store::artifact_uses::{self, ArtifactUseRow};
use crate::store::artifacts::{self, ArtifactRow};
use crate::store::value::params;

on_both!(
    the_same_content_has_one_row_and_the_first_stands,
    artifacts_are_listed_by_hash_a_page_at_a_time,
    an_empty_artifact_or_one_of_no_kind_is_refused,
    what_is_bound_again_takes_the_later_word_and_has_its_artifacts_size,
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

fn bound(version: &str, digit: char, bound_ms: i64) -> ArtifactUseRow {
    ArtifactUseRow {
        product: "clamav".to_owned(),
        version: version.to_owned(),
        sha256: artifact(digit).sha256,
        size: artifact(digit).size,
        file_name: artifact(digit).file_name,
        systems: "[\"debian:12\"]".to_owned(),
        urls: "[]".to_owned(),
        bound_by: "mention".to_owned(),
        bound_ms,
    }
}

fn what_is_bound_again_takes_the_later_word_and_has_its_artifacts_size(lab: &Lab) {
    let row = artifact('a');
    lab.store
        .write_now(move |tx| artifacts::insert(tx, &row))
        .expect("added");
    let later = ArtifactUseRow {
        systems: "[]".to_owned(),
        ..bound("1.4", 'a', NOW + 1)
    };
    // Nobody bound an artifact that is not there: it is left out.
    let rows = [
        bound("1.4", 'a', NOW),
        bound("1.5", 'a', NOW),
        later.clone(),
        bound("1.4", 'b', NOW),
    ];
    lab.store
        .write_now(move |tx| rows.iter().try_for_each(|row| artifact_uses::put(tx, row)))
        .expect("bound");
    let listed = lab.store.read_now(|tx| artifact_uses::list(tx)).expect("read");
    assert_eq!(listed, [later, bound("1.5", 'a', NOW)]);
}
