use proptest::prelude::*;

use super::{
    Rate,
    bound::{least_good, lower_bound, shows},
};

fn percent(percent: u32) -> Rate {
    Rate::of_million(percent * 10_000)
}

/// The most bad ones among `all` with which the rate is still shown.
fn most_bad(all: u32, rate: Rate, confidence: Rate) -> Option<u32> {
    (0..=all)
        .take_while(|bad| shows(all - bad, *bad, rate, confidence))
        .last()
}

#[test]
fn the_bound_agrees_with_exact_fractions() {
    // Computed with rational numbers by another program: the most bad ones of 25, 50, 100, 150 and 200.
    for (rate, confidence, expected) in [
        (80, 90, [Some(0), Some(3), Some(10), Some(17), Some(25)]),
        (80, 95, [Some(0), Some(3), Some(9), Some(16), Some(24)]),
        (90, 90, [None, Some(0), Some(3), Some(6), Some(10)]),
        (90, 95, [None, Some(0), Some(2), Some(5), Some(9)]),
        (95, 90, [None, None, Some(0), Some(1), Some(3)]),
        (95, 95, [None, None, Some(0), Some(1), Some(2)]),
        (98, 90, [None, None, None, None, Some(0)]),
        (98, 95, [None, None, None, None, None]),
    ] {
        let most = [25, 50, 100, 150, 200].map(|all| most_bad(all, percent(rate), percent(confidence)));
        assert_eq!(most, expected, "{rate} % at {confidence} %");
    }
    for (rate, confidence, expected) in [
        (50, 80, 4),
        (80, 90, 16),
        (90, 95, 43),
        (95, 90, 71),
        (95, 95, 88),
        (98, 95, 224),
        (99, 95, 449),
        (99, 99, 644),
    ] {
        let least = least_good(0, percent(rate), percent(confidence), 10_000);
        assert_eq!(least, Some(expected), "{rate} % at {confidence} %");
    }
}

#[test]
fn the_bound_of_large_samples_is_the_same_to_a_millionth_everywhere() {
    // Computed with fifty digits by another program.
    for (good, bad, confidence, expected) in [
        (300, 3, 900_000, 968_828),
        (95_000, 5_000, 950_000, 947_493),
        (49_990, 10, 990_000, 999_503),
        (1_000_000, 0, 999_000, 999_990),
        (1_999_000, 1_000, 950_000, 999_445),
    ] {
        let bound = lower_bound(good, bad, Rate::of_million(confidence));
        assert_eq!(bound.parts(), expected, "{good} of {}", good + bad);
    }
}

#[test]
fn no_sample_shows_a_rate_or_a_confidence_of_the_whole_and_every_sample_shows_a_rate_of_nothing() {
    for (good, bad) in [(0, 0), (1, 0), (2_000_000, 0), (10, 10)] {
        assert!(!shows(good, bad, percent(100), percent(50)));
        assert!(!shows(good, bad, percent(50), percent(100)));
        assert!(!shows(good, bad, percent(100), percent(100)));
        assert!(shows(good, bad, percent(0), percent(99)));
    }
}

/// The probability that a wave whose hosts succeed with probability `rate` is ever let through by `most_bad`, when it is
/// asked after each of `most_bad.len()` hosts.
fn ever_passes(rate: f64, most_bad: &[Option<u32>]) -> f64 {
    let mut not_yet = vec![0.0; most_bad.len() + 2];
    not_yet[0] = 1.0;
    let mut passed = 0.0;
    for most in most_bad {
        for bad in (0..not_yet.len()).rev() {
            let one_fewer = if bad == 0 { 0.0 } else { not_yet[bad - 1] };
            not_yet[bad] = not_yet[bad] * rate + one_fewer * (1.0 - rate);
        }
        let through = most.map_or(0, |most| most as usize + 1);
        passed += not_yet[..through].iter().sum::<f64>();
        not_yet[..through].fill(0.0);
    }
    passed
}

/// The probability of at most `most` bad ones of `all`.
fn at_most(most: u32, all: u32, rate: f64) -> f64 {
    let mut term = rate.powi(i32::try_from(all).unwrap());
    let mut sum = term;
    for bad in 1..=most {
        term *= f64::from(all - bad + 1) / f64::from(bad) * (1.0 - rate) / rate;
        sum += term;
    }
    sum
}

#[test]
fn a_wave_that_is_not_good_enough_passes_no_oftener_than_the_confidence_says_however_often_it_is_asked() {
    for rate in [50, 70, 80, 90, 95, 98] {
        for confidence in [50, 80, 90, 95, 99] {
            let most: Vec<_> = (1..=200)
                .map(|all| most_bad(all, percent(rate), percent(confidence)))
                .collect();
            let allowed = 1.0 - f64::from(confidence) / 100.0;
            for worse in [0, 1, 5, 20] {
                let rate = f64::from(rate - worse) / 100.0;
                let ever = ever_passes(rate, &most);
                assert!(
                    ever <= allowed,
                    "{rate} % at {confidence} %, truly {rate}: passes with {ever}"
                );
                for (all, most) in (1..).zip(&most) {
                    let once = most.map_or(0.0, |most| at_most(most, all, rate));
                    assert!(
                        once <= allowed,
                        "{rate} % at {confidence} %, {all} hosts, truly {rate}: {once}"
                    );
                }
            }
        }
    }
}

#[test]
fn a_bound_for_one_size_of_the_sample_would_not_keep_that_promise() {
    // Clopper and Pearson's, which is exact for one size: passes where so few bad ones are too unlikely at the edge.
    let one_size = |rate: f64, allowed: f64| -> Vec<Option<u32>> {
        (1..=200)
            .map(|all| (0..=all).take_while(|most| at_most(*most, all, rate) <= allowed).last())
            .collect()
    };
    assert!(ever_passes(0.95, &one_size(0.95, 0.05)) > 0.11);
    assert!(ever_passes(0.8, &one_size(0.8, 0.1)) > 0.35);
}

#[test]
fn a_wave_that_is_good_enough_passes_in_the_end() {
    let most: Vec<_> = (1..=1000).map(|all| most_bad(all, percent(90), percent(95))).collect();
    assert!(ever_passes(0.95, &most) > 0.99);
    assert!(ever_passes(0.99, &most[..100]) > 0.9);
}

proptest! {
    #[test]
    fn one_more_success_never_takes_back_what_is_shown_and_one_more_failure_never_shows_more(
        good in 0_u32..3000, bad in 0_u32..300, rate in 1_u32..1_000_000, confidence in 500_000_u32..=999_000
    ) {
        let (rate, confidence) = (Rate::of_million(rate), Rate::of_million(confidence));
        if shows(good, bad, rate, confidence) {
            prop_assert!(shows(good + 1, bad, rate, confidence));
            prop_assert!(bad == 0 || shows(good, bad - 1, rate, confidence));
            let surer = Rate::of_million(confidence.parts() / 2 + 250_000);
            prop_assert!(shows(good, bad, rate, surer));
        }
    }

    #[test]
    fn the_bound_that_is_printed_agrees_with_the_verdict(
        good in 0_u32..2000, bad in 0_u32..200, rate in 1_u32..1_000_000, confidence in 500_000_u32..=999_000
    ) {
        let (rate, confidence) = (Rate::of_million(rate), Rate::of_million(confidence));
        let bound = lower_bound(good, bad, confidence);
        prop_assert_eq!(shows(good, bad, rate, confidence), rate <= bound);
        prop_assert!(f64::from(bound.parts()) * f64::from(good + bad) <= f64::from(good) * 1e6);
    }

    #[test]
    fn what_would_still_show_it_is_the_least_that_does(bad in 0_u32..50, rate in 500_000_u32..990_000) {
        let (rate, confidence) = (Rate::of_million(rate), percent(95));
        let least = least_good(bad, rate, confidence, 100_000).unwrap();
        prop_assert!(shows(least, bad, rate, confidence));
        prop_assert!(!shows(least - 1, bad, rate, confidence));
    }
}
