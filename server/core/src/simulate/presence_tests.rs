use proptest::prelude::*;

use super::{
    Habit, Presence,
    tests::{DAY, HOUR, START, host},
};
use crate::samples;

fn shares() -> impl Strategy<Value = Habit> {
    let hours = prop::collection::vec(prop_oneof![Just(0_u8), Just(50), Just(100)], 168);
    prop_oneof![
        Just(Habit::Always),
        Just(Habit::office()),
        hours.prop_map(|it| Habit::Hours(it.into()))
    ]
}

proptest! {
    #[test]
    fn it_is_there_at_the_next_instant_and_not_before_it(habit in shares(), seed: u64, hours in 0_i64..400, offset in -12_i64..13) {
        let presence = Presence::new(host(1), habit, offset * HOUR, seed);
        let from_ms = START + hours * HOUR / 3;
        if let Some(next_ms) = presence.next_ms(from_ms) {
            prop_assert!(next_ms >= from_ms && presence.is_there(next_ms));
            for at_ms in (from_ms..next_ms).step_by(600_000) {
                prop_assert!(!presence.is_there(at_ms));
            }
        }
        let last_ms = presence.last_ms(from_ms, START - 2 * DAY);
        prop_assert!(last_ms <= from_ms && last_ms >= START - 2 * DAY);
        for at_ms in (last_ms + 1..from_ms).step_by(600_000) {
            prop_assert!(!presence.is_there(at_ms), "{at_ms}");
        }
    }

    #[test]
    fn who_has_been_away_comes_back_later_the_longer_it_was(seed: u64, days in 1_i64..60) {
        let presence = Presence::new(host(1), Habit::Always, 0, seed);
        let one = presence.clone().still_away(START - days * DAY, START);
        let twice = presence.still_away(START - 2 * days * DAY, START);
        let wait = |presence: &Presence| presence.next_ms(START).unwrap() - START;
        prop_assert!(wait(&one) > 0);
        prop_assert!((wait(&twice) - 2 * wait(&one)).abs() <= 2);
    }
}

#[test]
fn an_office_is_there_by_the_clock_on_its_wall() {
    // 2027-01-04 is a Monday; New York is five hours behind.
    let at = |text: &str| samples::instant(text);
    let presence = (0..50)
        .map(|seed| Presence::new(host(1), Habit::office(), -5 * HOUR, seed))
        .find(|it| it.is_there(at("2027-01-04T15:00:00Z")))
        .unwrap();
    assert!(!presence.is_there(at("2027-01-04T12:59:00Z")));
    assert!(presence.is_there(at("2027-01-04T13:00:00Z")));
    assert!(!presence.is_there(at("2027-01-04T23:00:00Z")));
    assert!(!presence.is_there(at("2027-01-09T15:00:00Z")), "a Saturday");
}

/// From eight to six on every working day, by UTC.
fn every_working_day() -> Presence {
    let hours = (0..168).map(|hour| {
        if hour < 120 && (8..18).contains(&(hour % 24)) {
            100
        } else {
            0
        }
    });
    Presence::new(host(1), Habit::Hours(hours.collect()), 0, 1)
}

#[test]
fn over_a_weekend_it_is_next_there_on_monday_and_was_last_there_on_friday() {
    let at = samples::instant;
    let presence = every_working_day();
    let (left, back) = (at("2027-01-08T18:00:00Z"), at("2027-01-11T08:00:00Z"));
    assert!(presence.is_there(left - 1) && !presence.is_there(left));
    assert_eq!(presence.next_ms(left - 1), Some(left - 1));
    assert_eq!(presence.next_ms(left), Some(back));
    assert_eq!(presence.last_ms(back - 1, START), left - 1);
    assert_eq!(presence.last_ms(back, START), back);
    assert_eq!(
        presence.last_ms(back - 1, left + HOUR),
        left + HOUR,
        "it was heard of since"
    );
    let away = presence.away_until(back + 3 * HOUR);
    assert_eq!(away.next_ms(left), Some(back + 3 * HOUR));
    assert_eq!(away.last_ms(back + HOUR, START), START, "whatever its habit");
    let never = Presence::new(host(1), Habit::Hours([0; 168].into()), 0, 1);
    assert_eq!(never.next_ms(START), None);
}

#[test]
fn who_comes_in_one_hour_of_a_hundred_weeks_is_waited_for_two_years() {
    let hours: Box<[u8]> = (0..168).map(|hour| u8::from(hour == 30)).collect();
    let waits = (0..400).map(|seed| {
        let presence = Presence::new(host(1), Habit::Hours(hours.clone()), 0, seed);
        presence.next_ms(START).map(|at_ms| (at_ms - START) / DAY)
    });
    let days: Vec<i64> = waits.flatten().collect();
    assert!(days.iter().all(|days| *days <= 732));
    assert!(days.iter().any(|days| *days > 700), "{days:?}");
    // Of 104 weeks of which each brings one in a hundred: two of three come.
    assert!((240..=290).contains(&days.len()), "{}", days.len());
    let seldom = Presence::new(host(1), Habit::Hours([1; 168].into()), 0, 1);
    assert!(seldom.next_ms(START).is_some(), "on one day of a hundred");
}

#[test]
fn nobody_looks_back_further_than_fifteen_days() {
    let hours: Box<[u8]> = (0..168).map(|hour| if hour == 30 { 30 } else { 0 }).collect();
    let known_ms = START - 90 * DAY;
    let last =
        (0..400).map(|seed| Presence::new(host(1), Habit::Hours(hours.clone()), 0, seed).last_ms(START, known_ms));
    let (seen, unseen): (Vec<i64>, Vec<i64>) = last.partition(|at_ms| *at_ms > known_ms);
    assert!(seen.iter().all(|at_ms| *at_ms >= START - 15 * DAY));
    assert!(
        seen.len() > 100 && unseen.len() > 100,
        "on two days of those fifteen, or on none"
    );
}

#[test]
fn who_was_away_stays_so_from_a_two_thousandth_of_that_time_to_two_thousand_times_it() {
    const AWAY: i64 = 2_047_000;
    let longer = (0..20_000).map(|seed| {
        let presence = Presence::new(host(1), Habit::Always, 0, seed).still_away(START - AWAY, START);
        presence.next_ms(START).unwrap() - START
    });
    let mut longer: Vec<i64> = longer.collect();
    longer.sort_unstable();
    assert_eq!((longer[0], longer[19_999]), (AWAY / 2047, AWAY * 2047));
    let half = longer[10_000] as f64 / AWAY as f64;
    assert!((0.95..1.05).contains(&half), "as likely as not as long again: {half}");
}

#[test]
fn whether_it_comes_is_drawn_anew_for_each_day() {
    let hours: Box<[u8]> = [50; 168].into();
    for seed in 0..200 {
        let presence = Presence::new(host(1), Habit::Hours(hours.clone()), 0, seed);
        let days = (0..365).filter(|day| presence.is_there(START + day * DAY)).count();
        assert!((140..=225).contains(&days), "{days} of a year");
    }
}
