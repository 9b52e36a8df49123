use proptest::prelude::*;

use super::*;
use crate::coverage::{Attestation, Claim, Known, Place, bucket, next_change_ms};

const HOLD_MS: i64 = 100;

fn rules(counted: CountedLooks) -> LookRules {
    LookRules {
        counted,
        hold_ms: HOLD_MS,
    }
}

fn look(taken_ms: i64, found: Found) -> ImportedLook {
    ImportedLook {
        sha256: format!("{taken_ms} {found}"),
        vouched: Vouched::Collected,
        taken_ms,
        imported_ms: taken_ms + 1,
        found,
        carried: found == Found::Carries,
    }
}

fn counts(looks: &[ImportedLook], attested: &[Attestation], now_ms: i64) -> AssetBucket {
    let known = Known {
        attested,
        looks,
        rules: rules(CountedLooks::Collected),
    };
    bucket(&Place::Alone, &known, now_ms).expect("it is no host")
}

#[test]
fn a_machine_seen_free_is_clear_for_a_time_and_then_unknown_again() {
    let looks = [look(10, Found::Free)];
    assert_eq!(counts(&looks, &[], 20), AssetBucket::SeenClear);
    assert_eq!(counts(&looks, &[], 109), AssetBucket::SeenClear);
    assert_eq!(counts(&looks, &[], 110), AssetBucket::Unknown);
    let known = Known {
        attested: &[],
        looks: &looks,
        rules: rules(CountedLooks::Collected),
    };
    assert_eq!(next_change_ms(&known, 20), Some(110));
    assert_eq!(next_change_ms(&known, 110), None);
}

#[test]
fn what_was_seen_there_counts_until_a_look_finds_it_gone() {
    let carrying = look(10, Found::Carries);
    let later = |found| ImportedLook {
        carried: true,
        ..look(50, found)
    };
    assert_eq!(counts(&[carrying], &[], 10_000), AssetBucket::SeenCarries);
    assert_eq!(counts(&[later(Found::Unknown)], &[], 60), AssetBucket::SeenCarries);
    assert_eq!(counts(&[later(Found::Free)], &[], 60), AssetBucket::SeenUnreplaced);
    assert_eq!(counts(&[later(Found::Replaced)], &[], 60), AssetBucket::SeenReplaced);
    assert_eq!(counts(&[later(Found::Replaced)], &[], 150), AssetBucket::SeenLongAgo);
    assert!(AssetBucket::SeenLongAgo.carried(), "it stays one of those that carried");
}

#[test]
fn a_look_that_could_not_see_is_no_look_that_saw_nothing() {
    assert_eq!(counts(&[look(10, Found::Unknown)], &[], 20), AssetBucket::Unknown);
    let both = [look(10, Found::Free), look(11, Found::Unknown)];
    assert_eq!(counts(&both, &[], 20), AssetBucket::Unknown);
}

#[test]
fn of_what_was_seen_and_said_the_later_stands() {
    let word = |claim, at_ms| Attestation {
        claim,
        ends_ms: 1000,
        at_ms,
    };
    let looks = [look(10, Found::Carries)];
    assert_eq!(counts(&looks, &[word(Claim::Clear, 9)], 20), AssetBucket::SeenCarries);
    assert_eq!(counts(&looks, &[word(Claim::Replaced, 11)], 20), AssetBucket::Replaced);
    let looks = [look(10, Found::Free)];
    assert_eq!(counts(&looks, &[word(Claim::Carries, 11)], 20), AssetBucket::Carries);
    assert_eq!(
        counts(&looks, &[word(Claim::Clear, 9)], 500),
        AssetBucket::Clear,
        "the look has ended, the word holds"
    );
}

#[test]
fn a_campaign_says_which_looks_count() {
    let looks = [look(10, Found::Free)];
    for (counted, expected) in [
        (CountedLooks::Never, AssetBucket::Unknown),
        (CountedLooks::Signed, AssetBucket::Unknown),
        (CountedLooks::Collected, AssetBucket::SeenClear),
    ] {
        let known = Known {
            attested: &[],
            looks: &looks,
            rules: rules(counted),
        };
        assert_eq!(bucket(&Place::Alone, &known, 20), Some(expected), "{counted}");
    }
}

proptest! {
    #[test]
    fn a_target_that_a_look_newly_finds_never_makes_a_machine_compliant(
        kinds in prop::collection::vec((0_usize..Found::ALL.len(), 0_i64..200), 0..5),
        now_ms in 200_i64..500,
    ) {
        let mut looks: Vec<ImportedLook> = kinds.into_iter().map(|(at, taken_ms)| look(taken_ms, Found::ALL[at])).collect();
        looks.push(look(200, Found::Carries));
        prop_assert_eq!(counts(&looks, &[], now_ms), AssetBucket::SeenCarries);
    }

    #[test]
    fn without_a_look_that_found_none_no_machine_is_clear(
        kinds in prop::collection::vec((0_usize..2, 0_i64..200), 0..5),
        now_ms in 0_i64..500,
    ) {
        let looks: Vec<ImportedLook> = kinds
            .into_iter()
            .map(|(at, taken_ms)| look(taken_ms, [Found::Carries, Found::Unknown][at]))
            .collect();
        let counted = counts(&looks, &[], now_ms);
        prop_assert!(matches!(counted, AssetBucket::SeenCarries | AssetBucket::Unknown), "{}", counted);
    }
}
