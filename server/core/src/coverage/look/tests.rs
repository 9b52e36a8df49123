use std::collections::BTreeSet;

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

#[test]
fn what_was_seen_replaced_and_never_carrying_is_clear_for_as_long_as_the_look_holds() {
    let looks = [look(10, Found::Replaced)];
    assert_eq!(counts(&looks, &[], 109), AssetBucket::SeenClear);
    assert_eq!(counts(&looks, &[], 110), AssetBucket::Unknown);
}

#[test]
fn a_look_finds_what_its_judging_comes_to() {
    use cutover_proto::verdict::Verdict;

    use crate::samples::{campaign, catalog, inventory, replaced, with};
    let found = |inventory| {
        let known = crate::plan::Known::default();
        Found::of(&crate::judge::assess(&inventory, &known, &campaign(""), &catalog()))
    };
    assert_eq!(found(replaced()), Found::Replaced);
    assert_eq!(found(inventory()), Found::Free);
    for (verdict, with_replacement, without) in [
        (Verdict::Remnant, Found::Replaced, Found::Free),
        (Verdict::Unknown, Found::Unknown, Found::Unknown),
        (Verdict::Embedded, Found::Carries, Found::Carries),
        (Verdict::Running, Found::Carries, Found::Carries),
    ] {
        assert_eq!(found(with(replaced(), "kesl", verdict)), with_replacement, "{verdict}");
        assert_eq!(found(with(inventory(), "kesl", verdict)), without, "{verdict}");
    }
}

#[test]
fn where_signed_looks_count_those_that_anybody_could_have_edited_do_not() {
    let by = |vouched| ImportedLook {
        vouched,
        ..look(10, Found::Free)
    };
    let counted = |counted: CountedLooks| {
        let rules = rules(counted);
        Vouched::ALL
            .iter()
            .filter(|it| rules.newest(&[by(**it)]).is_some())
            .copied()
            .collect::<Vec<_>>()
    };
    assert_eq!(counted(CountedLooks::Never), []);
    assert_eq!(counted(CountedLooks::Signed), [Vouched::Signed, Vouched::HostKey]);
    assert_eq!(counted(CountedLooks::Collected), Vouched::ALL);
}

#[test]
fn an_imported_look_says_what_it_found_when_and_who_vouches_for_it() {
    let at = |text: &str| crate::samples::instant(text);
    let it = ImportedLook {
        vouched: Vouched::HostKey,
        taken_ms: at("2024-09-01T10:00:00Z"),
        imported_ms: at("2024-09-02T11:00:00Z"),
        ..look(0, Found::Replaced)
    };
    assert_eq!(
        it.in_words(),
        "seen clean and replaced at 2024-09-01T10:00:00Z by import at 2024-09-02T11:00:00Z, self-reported (signed by the \
         host's own key), not watched"
    );
    let found: BTreeSet<String> = Found::ALL.iter().map(|found| look(10, *found).in_words()).collect();
    assert_eq!(found.len(), Found::ALL.len(), "{found:?}");
    let vouched: BTreeSet<&str> = Vouched::ALL.iter().map(|vouched| vouched.in_words()).collect();
    assert_eq!(vouched.len(), Vouched::ALL.len(), "{vouched:?}");
    assert!(vouched.iter().all(|words| words.contains("signed by")), "{vouched:?}");
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
