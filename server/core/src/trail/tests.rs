//! Histories of machines as a server hears them.

use proptest::prelude::*;

use super::*;

const MINUTE: i64 = 60_000;

/// Words of these sessions, five minutes apart.
fn hear(sessions: &[&str]) -> Vec<Told> {
    let mut trail = Trail::default();
    (0_i64..)
        .zip(sessions)
        .map(|(at, boot_id)| trail.hear(boot_id, at * 5 * MINUTE))
        .collect()
}

/// By the definition alone: some pair of sessions was heard in the order x y x y.
fn alternate(sessions: &[String]) -> bool {
    let mut runs: Vec<&String> = sessions.iter().collect();
    runs.dedup();
    let pair = |x: &String, y: &String| {
        let mut awaited = [x, y, x, y].into_iter().peekable();
        for run in &runs {
            if awaited.peek() == Some(run) {
                awaited.next();
            }
        }
        x != y && awaited.peek().is_none()
    };
    runs.iter().any(|x| runs.iter().any(|y| pair(x, y)))
}

#[test]
fn a_session_that_comes_back_once_is_a_restored_snapshot_and_twice_a_clone() {
    use Told::{Alternates, Began, Nothing, Returned};
    assert_eq!(hear(&["a", "a", "b", "b"]), [Nothing, Nothing, Began, Nothing]);
    assert_eq!(hear(&["a", "b", "a", "a"]), [Nothing, Began, Returned, Nothing]);
    assert_eq!(hear(&["a", "b", "a", "b"]), [Nothing, Began, Returned, Alternates]);
}

#[test]
fn machines_that_go_on_alternating_are_told_each_time() {
    let told = hear(&["a", "b", "a", "b", "a", "b", "a"]);
    assert_eq!(told[3..], [Told::Alternates; 4]);
}

#[test]
fn a_snapshot_that_is_restored_every_day_is_no_clone() {
    let mut trail = Trail::default();
    let mut now_ms = 0;
    for day in 0..200 {
        now_ms += 24 * 60 * MINUTE;
        assert_ne!(trail.hear("snapshot", now_ms), Told::Alternates, "day {day}");
        now_ms += 60 * MINUTE;
        assert_ne!(
            trail.hear(&format!("boot-{day}"), now_ms),
            Told::Alternates,
            "day {day}"
        );
    }
}

#[test]
fn a_word_that_was_under_way_when_the_machine_restarted_is_no_session_that_came_back() {
    let mut trail = Trail::default();
    trail.hear("a", 0);
    assert_eq!(trail.hear("b", 100_000), Told::Began);
    assert_eq!(trail.hear("a", 100_000 + LATE_MS - 1), Told::Nothing);
    assert_eq!(trail.hear("b", 100_000 + LATE_MS), Told::Nothing);
    assert_eq!(trail.newest().unwrap().boot_id, "b");
    // Machines that speak at almost the same moments are seen all the same.
    assert_eq!(trail.hear("a", 400_000), Told::Returned);
    assert_eq!(trail.hear("b", 400_001), Told::Alternates);
}

#[test]
fn a_minute_after_a_new_session_began_a_word_of_another_is_no_longer_on_its_way() {
    let mut trail = Trail::default();
    trail.hear("a", 0);
    trail.hear("b", 100_000);
    assert_eq!(trail.hear("a", 100_000 + MINUTE), Told::Returned);
}

#[test]
fn a_session_is_known_for_ninety_days_after_its_last_word_and_then_forgotten() {
    let day = 86_400_000;
    let known_after = |ms: i64| {
        let mut trail = Trail::default();
        trail.hear("old", 0);
        trail.hear("middle", day);
        assert_eq!(trail.hear("new", ms), Told::Began);
        trail.of("old").map(|sight| sight.last_ms)
    };
    assert_eq!(known_after(90 * day - 1), Some(0));
    assert_eq!(known_after(90 * day), None);
}

#[test]
fn an_identity_that_restarts_for_years_stays_small() {
    let mut trail = Trail::default();
    for day in 0..1000 {
        assert_ne!(trail.hear(&day.to_string(), day * 86_400_000), Told::Returned);
        assert!(trail.sights().len() <= 91, "{} sessions are kept", trail.sights().len());
    }
}

#[test]
fn more_machines_than_are_kept_are_seen_to_be_several() {
    let mut trail = Trail::default();
    let mut now_ms = 0;
    let mut told = Vec::new();
    for _ in 0..2 {
        for machine in 0..SESSIONS_MAX + 500 {
            now_ms += 100_000;
            told.push(trail.hear(&machine.to_string(), now_ms));
        }
    }
    assert!(told.contains(&Told::Alternates));
    assert_eq!(trail.sights().len(), SESSIONS_MAX);
}

/// What is heard of machines that check in one after the other in any order.
fn words(machines: usize) -> impl Strategy<Value = Vec<String>> {
    prop::collection::vec(0..machines, 1..60).prop_map(|said| said.iter().map(|it| format!("m{it}")).collect())
}

proptest! {
    /// Lost requests are words that are not there, and repeated ones the same word twice: neither makes two machines.
    #[test]
    fn one_machine_that_restarts_is_never_taken_for_several(
        sessions in prop::collection::vec(1..4_usize, 1..60),
        seconds in prop::collection::vec(0..4000_i64, 240),
    ) {
        let mut trail = Trail::default();
        let (mut now_ms, mut seconds) = (0, seconds.into_iter().cycle());
        for (session, words) in sessions.iter().enumerate() {
            for _ in 0..*words {
                now_ms += seconds.next().unwrap_or(1) * 1000;
                let told = trail.hear(&session.to_string(), now_ms);
                prop_assert!(matches!(told, Told::Nothing | Told::Began), "{told:?}");
            }
        }
    }

    #[test]
    fn several_machines_are_told_exactly_when_two_of_them_alternate(said in words(4)) {
        let mut trail = Trail::default();
        for (at, boot_id) in said.iter().enumerate() {
            let told = trail.hear(boot_id, i64::try_from(at).unwrap() * 5 * MINUTE);
            let so_far = alternate(&said[..=at]);
            let before = alternate(&said[..at]);
            if told == Told::Alternates {
                prop_assert!(so_far, "told too early: {:?}", &said[..=at]);
            }
            if so_far && !before {
                prop_assert_eq!(told, Told::Alternates, "told too late: {:?}", &said[..=at]);
            }
        }
    }

    /// However many there are and however they interleave: once each has spoken three times, they are seen.
    #[test]
    fn many_clones_are_seen_whatever_their_order(
        machines in 2..40_usize,
        rounds in prop::collection::vec(any::<prop::sample::Index>(), 120),
    ) {
        let mut trail = Trail::default();
        let mut seen = false;
        let mut now_ms = 0;
        let mut draws = rounds.iter().cycle();
        for _ in 0..3 {
            let mut waiting: Vec<usize> = (0..machines).collect();
            while !waiting.is_empty() {
                let next = draws.next().map_or(0, |draw| draw.index(waiting.len()));
                now_ms += 2 * MINUTE;
                seen |= trail.hear(&waiting.remove(next).to_string(), now_ms) == Told::Alternates;
            }
        }
        prop_assert!(seen);
    }

    /// A snapshot is restored, runs on, restarts, and is restored again: what ran in between never comes back.
    #[test]
    fn a_snapshot_restored_any_number_of_times_is_no_clone(runs in prop::collection::vec(0..4_usize, 1..30)) {
        let mut trail = Trail::default();
        let (mut now_ms, mut fresh) = (0, 0);
        for restarts in runs {
            now_ms += 10 * MINUTE;
            prop_assert_ne!(trail.hear("snapshot", now_ms), Told::Alternates);
            for _ in 0..restarts {
                now_ms += 10 * MINUTE;
                fresh += 1;
                prop_assert_ne!(trail.hear(&format!("after-{fresh}"), now_ms), Told::Alternates);
            }
        }
    }
}
