use proptest::prelude::*;

use super::*;
use crate::simulate::Habit;

/// Monday 2027-01-04, midnight, in hours since the epoch.
const MONDAY: i64 = 499_728;

/// Heard of in the hours of the week that `is_there` says, for so many weeks from a Monday.
fn weeks(heard: Option<Heard>, from: i64, weeks: i64, is_there: impl Fn(usize) -> bool) -> Heard {
    let mut heard = heard;
    for hour in 0..weeks * 168 {
        if is_there(usize::try_from(hour % 168).unwrap()) {
            match &mut heard {
                Some(heard) => heard.note(from + hour, |_| false),
                None => heard = Some(Heard::first(from + hour)),
            }
        }
    }
    heard.unwrap()
}

fn office(hour: usize) -> bool {
    hour / 24 < 5 && (8..17).contains(&(hour % 24))
}

fn night(hour: usize) -> bool {
    hour % 24 >= 22 || hour % 24 < 6
}

fn shares(heard: &Heard) -> Vec<u8> {
    match heard.habit() {
        Some(Habit::Hours(shares)) => shares.to_vec(),
        other => panic!("{other:?}"),
    }
}

#[test]
fn an_office_and_a_night_are_told_as_what_they_are() {
    let it = weeks(None, MONDAY, 3, office);
    assert_eq!(it.in_words(), "usually heard of Mon to Fri 8 to 17, its own time");
    let it = weeks(None, MONDAY, 3, night);
    assert_eq!(
        it.in_words(),
        "usually heard of daily 0 to 6 and 22 to 24, its own time"
    );
    let it = weeks(None, MONDAY, 3, |hour| office(hour) || hour / 24 == 5 && hour % 24 == 9);
    assert_eq!(
        it.in_words(),
        "usually heard of Mon to Fri 8 to 17, Sat 9 to 10, its own time"
    );
    let it = weeks(None, MONDAY, 3, |hour| hour % 2 == 0);
    assert_eq!(it.in_words(), "usually heard of in 84 of the 168 hours of a week");
}

#[test]
fn three_groups_of_days_make_a_sentence_and_four_do_not() {
    let on = |days: &'static [usize]| move |hour: usize| days.contains(&(hour / 24)) && hour % 24 == 9;
    assert_eq!(
        weeks(None, MONDAY, 3, on(&[0, 2, 4])).in_words(),
        "usually heard of Mon 9 to 10, Wed 9 to 10, Fri 9 to 10, its own time"
    );
    assert_eq!(
        weeks(None, MONDAY, 3, on(&[0, 2, 4, 6])).in_words(),
        "usually heard of in 4 of the 168 hours of a week"
    );
    assert_eq!(
        weeks(None, MONDAY, 3, |hour| hour < 15 && hour % 5 == 0).in_words(),
        "usually heard of Mon 0 to 1 and 5 to 6 and 10 to 11, its own time"
    );
    assert_eq!(
        weeks(None, MONDAY, 3, |hour| hour < 20 && hour % 5 == 0).in_words(),
        "usually heard of in 4 of the 168 hours of a week",
        "nor do four stretches of a day"
    );
}

#[test]
fn a_machine_that_is_always_there_is_and_restarts_do_not_count_against_it() {
    let it = weeks(None, MONDAY, 3, |_| true);
    assert_eq!(it.habit(), Some(Habit::Always));
    assert_eq!(it.in_words(), "usually heard of at any hour");
}

#[test]
fn less_than_two_weeks_are_not_known_and_say_so() {
    let it = weeks(None, MONDAY, 1, office);
    assert_eq!(it.habit(), None);
    assert_eq!(it.in_words(), "its hours are not known yet: 4 of 14 days are counted");
    assert!(weeks(None, MONDAY, 2, |_| true).habit().is_some());
    assert_eq!(Heard::first(MONDAY).habit(), None);
    let counted = |hours| Heard::from_parts(&[240; WEEK], hours, MONDAY).unwrap();
    assert_eq!(counted(335).habit(), None, "an hour less than two weeks");
    assert_eq!(counted(336).habit(), Some(Habit::Always));
}

#[test]
fn a_changed_habit_is_followed_within_weeks() {
    let was = weeks(None, MONDAY, 8, office);
    let from = MONDAY + 8 * 168;
    let one = weeks(Some(was.clone()), from, 1, night);
    assert!(
        one.in_words().contains("8 to 17"),
        "one week is no habit: {}",
        one.in_words()
    );
    let four = weeks(Some(was), from, 4, night);
    assert_eq!(
        four.in_words(),
        "usually heard of daily 0 to 6 and 22 to 24, its own time"
    );
}

#[test]
fn an_absence_however_long_is_no_habit_and_what_could_not_be_heard_does_not_count() {
    let was = weeks(None, MONDAY, 4, office);
    let mut back = was.clone();
    back.note(MONDAY + 40 * 168 + 8, |_| false);
    assert_eq!(back.in_words(), was.in_words(), "a holiday, or a month at a customer's");
    // The server was out from Monday to Thursday.
    let mut out = was.clone();
    let from = MONDAY + 4 * 168;
    out.note(from + 4 * 24 + 8, |hour| (from..from + 4 * 24).contains(&hour));
    let (before, after) = (shares(&was), shares(&out));
    assert_eq!(before[..96], after[..96]);
    assert_eq!(
        out.counted(),
        was.counted() + 55 + 8 + 1,
        "from Friday's end, and Friday's first hours"
    );
}

#[test]
fn an_hour_counts_once_and_none_counts_backwards() {
    let mut it = weeks(None, MONDAY, 2, office);
    let before = it.clone();
    it.note(it.last_hour(), |_| false);
    it.note(it.last_hour() - 5, |_| false);
    assert_eq!(it, before);
}

#[test]
fn what_is_stored_comes_back_and_nonsense_does_not() {
    let it = weeks(None, MONDAY, 3, night);
    let again = Heard::from_parts(it.shares(), i64::from(it.counted()), it.last_hour());
    assert_eq!(again, Some(it));
    assert_eq!(Heard::from_parts(&[1, 2], 1, 1), None);
    assert_eq!(Heard::from_parts(&[0; WEEK], -1, 1), None);
    let beyond = Heard::from_parts(&[255; WEEK], 400, 1).unwrap();
    assert_eq!(beyond.habit(), Some(Habit::Always));
}

proptest! {
    /// Whoever is there at nights alone, on most of them, has a habit of nights and of no other hour.
    #[test]
    fn who_is_heard_of_only_at_nights_has_a_habit_of_nights(
        seed in prop::collection::vec(0_u8..10, 7 * 6), begins in 0_i64..168
    ) {
        let mut heard: Option<Heard> = None;
        for hour in 0..6 * 168 {
            let at = usize::try_from((hour + begins) % 168).unwrap();
            let is_there = night(at) && seed[usize::try_from(hour / 24).unwrap()] > 0;
            match &mut heard {
                Some(heard) if is_there => heard.note(MONDAY + begins + hour, |_| false),
                Some(_) => {}
                None => heard = is_there.then(|| Heard::first(MONDAY + begins + hour)),
            }
        }
        let heard = heard.unwrap();
        for (hour, share) in shares(&heard).into_iter().enumerate() {
            prop_assert!(night(hour) || share == 0, "{hour}: {share}");
        }
        let nights = shares(&heard).into_iter().enumerate().filter(|(hour, _)| night(*hour));
        let (count, sum) = nights.fold((0, 0), |(count, sum), (_, share)| (count + 1, sum + u32::from(share)));
        prop_assert!(sum / count >= 40, "{}", sum / count);
    }
}
