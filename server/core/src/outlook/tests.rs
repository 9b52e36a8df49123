use proptest::prelude::*;

use super::*;
use crate::{
    catalog::Shelf,
    mix::mix,
    rollout::Outcome,
    samples,
    simulate::{
        Assumptions, Habit,
        tests::{DAY, Fleet, START, all},
    },
};

fn of(fleet: &Fleet, experience: Experience, courses: u32) -> Outlook {
    outlook(
        &fleet.setup(&samples::catalog(), &Shelf::default()),
        &fleet.hosts,
        &experience,
        courses,
    )
}

const MUCH: Experience = Experience {
    succeeded: 380,
    failed: 15,
    gone: 0,
};

fn days_between(likely: &Likely) -> f64 {
    (likely.p90_ms.unwrap() - likely.p10_ms.unwrap()) as f64 / DAY as f64
}

#[test]
fn the_same_seed_says_the_same_and_what_is_likely_comes_in_order() {
    let mut fleet = Fleet::of(20, all("max_in_flight = 4\nsoak = \"3h\"\n"));
    for it in &mut fleet.hosts {
        it.habit = Some(Habit::office());
    }
    let one = of(&fleet, Experience::default(), 20);
    assert_eq!(one, of(&fleet, Experience::default(), 20));
    assert_eq!((one.to_do, one.courses, one.done.len()), (20, 20, 4));
    for likely in &one.done {
        assert!(likely.p10_ms <= likely.p50_ms, "{likely:?}");
        assert!(
            likely.p90_ms.is_none_or(|at_ms| Some(at_ms) >= likely.p50_ms),
            "{likely:?}"
        );
    }
    fleet.seed = 5;
    assert_ne!(of(&fleet, Experience::default(), 20).done, one.done);
}

#[test]
fn whatever_the_seed_every_course_is_another() {
    let mut fleet = Fleet::of(12, all("max_in_flight = 4\nsoak = \"3h\"\n"));
    for seed in [0, u64::MAX] {
        fleet.seed = seed;
        let seen = of(&fleet, Experience::default(), 8);
        assert!(seen.done[3].p10_ms < seen.done[3].p90_ms, "{seen:?}");
    }
}

#[test]
fn experience_is_what_came_of_the_newest_order_of_each_host() {
    let mut plan = Fleet::of(1, all("")).hosts.remove(0).plan;
    let mut experience = Experience::default();
    let outcomes = [
        (Outcome::None, 1),
        (Outcome::UnderWay, 1),
        (Outcome::Succeeded, 4),
        (Outcome::Failed, 2),
        (Outcome::Unfit, 1),
        (Outcome::Dark, 1),
        (Outcome::NotBack, 1),
    ];
    for (outcome, times) in outcomes {
        plan.outcome = outcome;
        for _ in 0..times {
            experience.note(&plan);
        }
    }
    let counted = (experience.succeeded, experience.failed, experience.gone);
    assert_eq!(counted, (4, 3, 2), "those that are under way say nothing yet");
}

#[test]
fn before_anything_is_known_one_attempt_in_twenty_fails_and_one_restart_in_a_hundred_is_the_last() {
    let drawn = |seed| Experience::default().draw(&Assumptions::default(), mix(seed));
    let mean = |of: fn(&Assumptions) -> u16| (0..1000).map(|seed| u32::from(of(&drawn(seed)))).sum::<u32>() / 1000;
    assert!((46..=54).contains(&mean(|it| it.fails.0)));
    assert!((8..=12).contains(&mean(|it| it.goes_dark.0)));
    assert!((285..=315).contains(&mean(|it| it.defers.0)));
}

#[test]
fn beyond_four_hundred_outcomes_their_shares_count_and_no_longer_their_number() {
    let of = |times: u64| Experience {
        succeeded: 300 * times,
        failed: 70 * times,
        gone: 30 * times,
    };
    let draw = |times, seed| of(times).draw(&Assumptions::default(), seed);
    for seed in 0..20 {
        assert_eq!(draw(10, seed), draw(1, seed));
    }
}

#[test]
fn what_came_of_many_orders_narrows_what_is_likely() {
    let mut fleet = Fleet::of(24, all("max_in_flight = 2\nsoak = \"1h\"\nretry_base = \"8h\"\n"));
    fleet.days = 60;
    let wide = of(&fleet, Experience::default(), 30);
    let narrow = of(&fleet, MUCH, 30);
    let most = |outlook: &Outlook| outlook.done[2];
    assert!(
        days_between(&most(&narrow)) < days_between(&most(&wide)),
        "{wide:?} {narrow:?}"
    );
    let bad = Experience {
        succeeded: 200,
        failed: 200,
        gone: 0,
    };
    let of_bad = most(&of(&fleet, bad, 10)).p50_ms;
    assert!(of_bad.is_none_or(|at_ms| Some(at_ms) > most(&narrow).p50_ms));
}

#[test]
fn who_has_been_away_for_long_will_miss_the_target_and_why_is_said() {
    let mut fleet = Fleet::of(8, all("soak = \"1h\"\nagent_lost_after = \"90d\"\n"));
    fleet.campaign.recovery_target_ms = Some(START + 7 * DAY);
    fleet.hosts[3].last_seen_ms = START - 60 * DAY;
    let seen = of(&fleet, MUCH, 40);
    let misses = seen.misses.as_ref().unwrap();
    assert_eq!((seen.missing, misses.len()), (1, 1), "{misses:?}");
    assert_eq!(misses[0].host, fleet.hosts[3].plan.host_id);
    assert!(
        misses[0].percent >= 70 && misses[0].why == "the host is away",
        "{misses:?}"
    );
    let target = seen.chances.iter().find(|it| it.name == "target").unwrap();
    assert!(target.all_percent <= 30 && target.done == 7, "{target:?}");
    // Five working days from a Monday to the Monday after it.
    assert_eq!(seen.needed_a_day, Some(2));

    for before_ms in [DAY, 0] {
        fleet.campaign.recovery_target_ms = Some(START - before_ms);
        let past = of(&fleet, MUCH, 3);
        assert_eq!((past.misses, past.needed_a_day, past.missing), (None, None, 0));
    }
}

#[test]
fn a_fleet_that_waits_for_people_is_never_likely_done() {
    let mut fleet = Fleet::of(3, all("approval_for = [\"workstation\"]\n"));
    fleet.campaign.recovery_target_ms = Some(START + 7 * DAY);
    let seen = of(&fleet, MUCH, 5);
    assert!(seen.done.iter().all(|it| it.p10_ms.is_none() && it.p90_ms.is_none()));
    let why = &seen.misses.unwrap()[0].why;
    assert!(why.starts_with("a person must let it start"), "{why}");
    assert_eq!(seen.chances[0].all_percent, 0);
}

#[test]
fn of_nothing_to_do_nothing_is_said() {
    let mut fleet = Fleet::of(0, all(""));
    fleet.days = 2;
    let seen = of(&fleet, MUCH, 3);
    assert_eq!((seen.to_do, seen.missing), (0, 0));
    assert!(seen.done.iter().all(|it| it.p50_ms.is_none()));
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    #[test]
    fn what_is_drawn_fits_what_came_of_orders(succeeded in 0_u64..2000, failed in 0_u64..200, gone in 0_u64..20) {
        let experience = Experience { succeeded, failed, gone };
        let drawn: Vec<Assumptions> = (0..200).map(|seed| experience.draw(&Assumptions::default(), seed * 7919)).collect();
        let mean = |of: fn(&Assumptions) -> u16| drawn.iter().map(|it| f64::from(of(it))).sum::<f64>() / 200_000.0;
        let settled = (succeeded + failed + gone) as f64;
        let scale = if settled > 400.0 { 400.0 / settled } else { 1.0 };
        let expected = |part: u64, a: f64, of: f64| (part as f64 * scale + a) / (settled * scale + of);
        // Two hundred draws of a share tell it to a few hundredths.
        prop_assert!((mean(|it| it.fails.0) - expected(failed, 1.0, 20.0)).abs() < 0.03);
        prop_assert!((mean(|it| it.goes_dark.0) - expected(gone, 1.0, 100.0)).abs() < 0.02);
        let pace = mean(|it| it.pace) * 1000.0;
        prop_assert!((95.0..115.0).contains(&pace), "{}", pace);
        prop_assert!(drawn.iter().all(|it| (67..=150).contains(&it.pace)));
    }
}
