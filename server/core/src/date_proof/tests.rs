use proptest::prelude::*;

use super::*;
use crate::campaign::Regime;

const AT_MS: i64 = 1_000;
const NOW_MS: i64 = 5_000;

fn milestone() -> Milestone {
    Milestone {
        name: "updates".to_owned(),
        regime: Regime::Legal,
        at_ms: AT_MS,
        note: String::new(),
        cutoff: true,
    }
}

fn look(at_ms: i64, found: Found) -> Look {
    Look {
        taken_ms: at_ms,
        received_ms: at_ms,
        found,
    }
}

fn record(at_ms: i64, target: TargetSeen) -> EarlierRecord {
    EarlierRecord {
        source: "ksc".to_owned(),
        at_ms,
        target,
    }
}

fn proof(looks: &[Look], records: &[EarlierRecord]) -> DateProof {
    date_proof(&milestone(), looks, records, NOW_MS)
}

#[test]
fn looks_on_both_sides_that_agree_prove_it() {
    let (before_ms, after_ms) = (900, 1_100);
    let both = |one, other| proof(&[look(before_ms, one), look(after_ms, other)], &[]);
    assert_eq!(
        both(Found::Free, Found::Replaced),
        DateProof::Clean { before_ms, after_ms }
    );
    assert_eq!(
        both(Found::Carries, Found::Carries),
        DateProof::Carrying { before_ms, after_ms }
    );
    let unsure = DateProof::NotKnowable {
        first_look_ms: Some(before_ms),
    };
    for (one, other) in [
        (Found::Carries, Found::Free),
        (Found::Free, Found::Carries),
        (Found::Unknown, Found::Free),
        (Found::Free, Found::Unknown),
    ] {
        assert_eq!(both(one, other), unsure, "{one} and {other}");
    }
}

#[test]
fn looks_after_the_milestone_alone_prove_nothing_of_it() {
    let found = proof(&[look(2_000, Found::Free), look(1_500, Found::Free)], &[]);
    assert_eq!(
        found,
        DateProof::NotKnowable {
            first_look_ms: Some(1_500)
        }
    );
    assert_eq!(found.to_string(), "not knowable, first look 1970-01-01T00:00:01Z");
    assert_eq!(proof(&[], &[]).to_string(), "not knowable, never looked at");
}

#[test]
fn a_look_that_was_under_way_at_the_milestone_speaks_for_neither_side() {
    let late = Look {
        taken_ms: 990,
        received_ms: 1_200,
        found: Found::Free,
    };
    assert_eq!(
        proof(&[look(900, Found::Free), late], &[]),
        DateProof::NotKnowable {
            first_look_ms: Some(900)
        }
    );
}

#[test]
fn an_earlier_record_attests_what_no_look_can_prove() {
    let clear = record(800, TargetSeen::Clear);
    let attested = DateProof::CleanAttested {
        source: "ksc".to_owned(),
        at_ms: 800,
    };
    assert_eq!(proof(&[], std::slice::from_ref(&clear)), attested);
    assert_eq!(
        proof(&[look(2_000, Found::Free)], std::slice::from_ref(&clear)),
        attested
    );
    let not = DateProof::NotKnowable {
        first_look_ms: Some(2_000),
    };
    assert_eq!(
        proof(&[look(2_000, Found::Carries)], std::slice::from_ref(&clear)),
        not,
        "a look found it"
    );
    let before = |at_ms| proof(&[look(at_ms, Found::Carries)], std::slice::from_ref(&clear));
    for at_ms in [800, 801] {
        let first_look_ms = Some(at_ms);
        assert_eq!(
            before(at_ms),
            DateProof::NotKnowable { first_look_ms },
            "it was seen since"
        );
    }
    assert_eq!(before(799), attested, "it went between look and record");
    let later = [clear, record(900, TargetSeen::Carries)];
    assert_eq!(
        proof(&[look(2_000, Found::Free)], &later),
        not,
        "a later record says otherwise"
    );
    assert_eq!(
        proof(&[look(2_000, Found::Free)], &[record(1_001, TargetSeen::Clear)]),
        not,
        "it is of after the milestone"
    );
}

#[test]
fn a_milestone_to_come_has_no_proof_yet() {
    assert_eq!(
        date_proof(&milestone(), &[look(1, Found::Free)], &[], AT_MS - 1),
        DateProof::NotYet
    );
}

#[test]
fn at_its_instant_a_milestone_has_come_and_a_look_of_that_instant_speaks_for_before_alone() {
    let at = [look(AT_MS, Found::Free)];
    let not = DateProof::NotKnowable {
        first_look_ms: Some(AT_MS),
    };
    assert_eq!(date_proof(&milestone(), &at, &[], AT_MS), not);
    let (before_ms, after_ms) = (AT_MS, AT_MS + 1);
    assert_eq!(
        proof(&[at[0], look(after_ms, Found::Free)], &[]),
        DateProof::Clean { before_ms, after_ms }
    );
}

proptest! {
    #[test]
    fn a_machine_is_never_clean_at_a_milestone_where_no_look_and_no_record_said_so(
        looks in prop::collection::vec((0_i64..2_000, 0_i64..50, 0_usize..2), 0..8),
        records in prop::collection::vec(0_i64..2_000, 0..3),
    ) {
        let looks: Vec<Look> = looks
            .into_iter()
            .map(|(taken_ms, way_ms, at)| Look {
                taken_ms,
                received_ms: taken_ms + way_ms,
                found: [Found::Carries, Found::Unknown][at],
            })
            .collect();
        let records: Vec<_> = records.into_iter().map(|at| record(at, TargetSeen::Carries)).collect();
        let found = proof(&looks, &records);
        let is_clean = matches!(found, DateProof::Clean { .. } | DateProof::CleanAttested { .. });
        prop_assert!(!is_clean, "{}", found);
    }
}
