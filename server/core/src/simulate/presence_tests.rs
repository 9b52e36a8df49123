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
