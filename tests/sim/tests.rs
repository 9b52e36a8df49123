//! That runs are the same for the same seed, that a small fleet holds, and that every check can fail.

use crate::{
    case::{Case, Failure, Tamper},
    run::{self, one},
};

#[test]
fn the_same_seed_gives_the_same_course_and_another_seed_another() {
    let first = one(Case::new(7, 12)).unwrap();
    let again = one(Case::new(7, 12)).unwrap();
    let other = one(Case::new(8, 12)).unwrap();
    assert!(first.ledger.events > 100, "{} events", first.ledger.events);
    assert_eq!(first.trace, again.trace);
    assert_ne!(first.trace, other.trace);
}

/// The invariant that a tampered run breaks, of the first seed of some in which there is something to tamper with.
fn broken_by(tamper: Tamper) -> String {
    for seed in 100..110 {
        let outcome = one(Case::tampered(seed, 12, tamper)).unwrap();
        if let Some(failure) = outcome.failure {
            return failure.violation.invariant;
        }
    }
    format!("nothing is broken by: {tamper}")
}

#[test]
fn an_order_for_a_host_that_must_have_none_is_seen() {
    assert_eq!(broken_by(Tamper::OrderForHeld), "no-order-for-held");
    assert_eq!(broken_by(Tamper::OrderForExempt), "no-order-for-exempt");
    assert_eq!(broken_by(Tamper::OrderForOthers), "no-order-for-machines-of-others");
    assert_eq!(broken_by(Tamper::OrderOutOfScope), "no-order-out-of-scope");
    assert_eq!(broken_by(Tamper::OrderInPausedWave), "no-order-out-of-wave");
    assert_eq!(broken_by(Tamper::OrderInHaltedWave), "no-order-in-a-halted-wave");
    assert_eq!(broken_by(Tamper::OrderWhileStopped), "no-order-while-stopped");
}

#[test]
fn an_order_that_disks_phases_modes_and_grace_forbid_is_seen() {
    assert_eq!(broken_by(Tamper::OrderForRetired), "no-order-for-retired");
    assert_eq!(broken_by(Tamper::OrderForEncrypted), "no-order-for-encrypted");
    assert_eq!(broken_by(Tamper::OrderInObserve), "no-order-unless-the-mode-allows");
    assert_eq!(broken_by(Tamper::OrderInGrace), "no-order-in-grace");
    assert_eq!(broken_by(Tamper::TwoOrders), "one-order-at-a-time");
}

#[test]
fn more_orders_than_allowed_are_seen() {
    assert_eq!(broken_by(Tamper::TooMany), "no-more-in-flight-than-allowed");
}

#[test]
fn an_order_at_a_time_that_hours_and_blackouts_forbid_is_seen() {
    assert_eq!(broken_by(Tamper::OrderOutOfHours), "no-order-out-of-hours");
    assert_eq!(broken_by(Tamper::OrderInBlackout), "no-order-in-a-blackout");
}

#[test]
fn an_order_beyond_the_limits_of_sites_waves_hours_sets_and_first_ones_is_seen() {
    assert_eq!(broken_by(Tamper::TooManyOfSite), "no-more-of-a-site-than-allowed");
    assert_eq!(broken_by(Tamper::TooManyOfWave), "no-more-of-a-wave-than-allowed");
    assert_eq!(broken_by(Tamper::TooManyAnHour), "no-more-an-hour-than-allowed");
    assert_eq!(
        broken_by(Tamper::TooMuchForALine),
        "no-more-over-a-line-than-it-carries"
    );
    assert_eq!(broken_by(Tamper::TooManyFirst), "few-go-first");
    assert_eq!(broken_by(Tamper::TwoOfASet), "no-two-of-a-set");
}

#[test]
fn an_order_against_a_wave_and_against_peoples_word_is_seen_and_so_is_a_gate_that_opens_too_soon() {
    assert_eq!(broken_by(Tamper::ForeignWave), "no-order-in-a-wave-of-others");
    assert_eq!(broken_by(Tamper::AgainstWord), "no-order-against-what-people-were-told");
    assert_eq!(broken_by(Tamper::EarlyOpening), "opened-only-by-gates-that-hold");
}

#[test]
fn what_the_store_tells_wrongly_is_seen() {
    assert_eq!(broken_by(Tamper::Total), "totals-are-a-recount");
    assert_eq!(broken_by(Tamper::Tally), "tallies-are-a-recount");
    assert_eq!(broken_by(Tamper::Row), "rows-are-their-events");
    assert_eq!(broken_by(Tamper::Wake), "every-watched-plan-wakes");
    assert_eq!(broken_by(Tamper::Records), "acknowledged-is-durable");
    assert_eq!(broken_by(Tamper::Chain), "chains-verify");
    assert_eq!(broken_by(Tamper::Misfit), "events-fit");
    assert_eq!(broken_by(Tamper::Silence), "nobody-waits-without-a-reason");
    assert_eq!(broken_by(Tamper::Slot), "slots-are-orders-out");
    assert_eq!(broken_by(Tamper::Place), "slots-are-orders-out");
}

#[test]
fn what_is_not_true_of_a_machine_is_seen() {
    assert_eq!(broken_by(Tamper::LyingLook), "migrated-only-when-true");
    assert_eq!(broken_by(Tamper::NoFetch), "fetched-before-removal");
    assert_eq!(broken_by(Tamper::HiddenEncryption), "encrypted-untouched");
}

#[test]
fn an_attempt_that_nothing_used_up_is_seen() {
    assert_eq!(broken_by(Tamper::Attempt), "attempts-only-by-failure-or-silence");
}

#[test]
fn a_fleet_that_nothing_moves_is_seen() {
    assert_eq!(broken_by(Tamper::NoPasses), "liveness");
}

#[test]
fn a_failed_run_leaves_a_file_that_fails_again_in_the_same_way_and_smaller() {
    let directory = tempfile::tempdir().unwrap();
    let outcome = one(Case::tampered(101, 8, Tamper::Total)).unwrap();
    let failure = outcome.failure.unwrap();
    let path = run::keep(directory.path(), &failure).unwrap();
    let read = Failure::read(&path).unwrap();
    let again = one(read.case).unwrap().failure.unwrap();
    assert_eq!(again.violation, failure.violation);
    let small = run::shrink(again, 12).unwrap();
    assert_eq!(small.violation.invariant, failure.violation.invariant);
    assert!(small.case.without_hosts.len() > 3, "{:?}", small.case.without_hosts);
}

#[test]
fn fleets_in_which_everything_goes_wrong_keep_what_must_hold() {
    for (first, seeds, hosts) in [(0, 6, 20), (6, 2, 40)] {
        let directory = tempfile::tempdir().unwrap();
        let many = run::many(first, seeds, hosts, directory.path()).unwrap();
        let broken: Vec<_> = many
            .failures
            .iter()
            .map(|(_, failure)| (failure.case.seed, &failure.violation))
            .collect();
        assert!(broken.is_empty(), "{broken:?}");
        assert_eq!(many.runs, seeds);
    }
}
