//! Whole courses, worked out by hand.

use std::{collections::BTreeSet, time::Duration};

use super::{
    DayLoad, Habit, Mark, Participant, PerMille, Setup, Share, Simulated, SiteLoad, WaveCourse, simulate,
    tests::{DAY, Fleet, HOUR, START, all, campaign, host},
};
use crate::{
    campaign::{Regime, Term},
    catalog::{Catalog, RestartNeed, Shelf},
    decide::Input,
    plan::{JournalFault, Phase, Plan},
    rollout::{GateCourse, Gates, Waves},
    samples,
};

const MINUTE: i64 = 60_000;

/// What is told before the start, a day ahead.
const NOTICE: &str = "[notice]\nbefore = [\"1d\"]\nfrom = \"IT\"\nwhy = \"it is replaced\"\ncontact = \"4711\"\n\
                      [[wave]]\nname = \"all\"\n";

/// Whoever removes the target restarts.
fn restarting() -> Catalog {
    let mut catalog = samples::catalog();
    let kesl = catalog.recipes.get_mut(&"kesl".into()).unwrap();
    kesl.remove.as_mut().unwrap().restart = RestartNeed::Due;
    catalog
}

/// When something was taken in: seconds since the start, whose it is, and what.
fn taken(fleet: &Fleet, is_it: impl Fn(&Input, &Plan) -> bool) -> Vec<i64> {
    let mut taken = Vec::new();
    fleet.trace(|step| taken.extend(is_it(step.input, step.plan).then_some((step.at_ms - START) / 1000)));
    taken
}

#[test]
fn one_machine_from_its_start_to_its_end() {
    let fleet = Fleet::of(1, all("soak = \"2h\"\n"));
    let (catalog, shelf) = (restarting(), Shelf::default());
    let mut told = String::new();
    let said = simulate(fleet.setup(&catalog, &shelf), fleet.hosts.clone(), |step| {
        let mut what = step.input.name().to_owned();
        if let Input::Recorded(record) = step.input {
            let seconds = |at_ms: i64| (at_ms - START) / 1000;
            what = format!("{} of step {} at {}", record.event, record.step, seconds(record.at_ms));
            if let Some(until_ms) = record.until_ms {
                what.push_str(&format!(", which comes at {}", seconds(until_ms)));
            }
        }
        let at = (step.at_ms - START) / 1000;
        told.push_str(&format!("{at:5} {:9} {what}\n", step.plan.phase.to_string()));
    });
    // It is nudged, checks in with the restart that is ahead, from the session after it, and with the end, a second after each.
    // When the soak is over it is asked to come, and for a look.
    insta::assert_snapshot!(told, @r"
       0 migrating started
       2 migrating order-fetched
    1413 migrating order-accepted of step 0 at 2
    1413 migrating step-begun of step 0 at 2
    1413 migrating step-done of step 0 at 302
    1413 migrating step-begun of step 1 at 302
    1413 migrating step-done of step 1 at 662
    1413 migrating step-begun of step 2 at 662
    1413 migrating step-done of step 2 at 692
    1413 migrating step-begun of step 3 at 692
    1413 migrating step-done of step 3 at 932
    1413 migrating step-begun of step 4 at 932
    1413 migrating step-done of step 4 at 1172
    1413 migrating step-begun of step 5 at 1172
    1413 migrating step-done of step 5 at 1412
    1413 rebooting step-begun of step 6 at 1412
    1413 rebooting restart-noticed of step 6 at 1412, which comes at 1712
    1893 migrating step-done of step 6 at 1892
    1893 migrating step-begun of step 7 at 1892
    1963 migrating step-done of step 7 at 1922
    1963 migrating step-begun of step 8 at 1922
    1963 migrating step-done of step 8 at 1932
    1963 migrating step-begun of step 9 at 1932
    1963 migrating step-done of step 9 at 1942
    1963 migrating step-begun of step 10 at 1942
    1963 migrating step-done of step 10 at 1952
    1963 migrating step-begun of step 11 at 1952
    1963 migrating step-done of step 11 at 1962
    1963 verifying order-completed of step 11 at 1962
    1963 verifying looked
    9163 verifying woke
    9223 verifying checked-in
    9283 migrated  checked-in
    ");
    let done_ms = START + 9283 * 1000;
    let wave = WaveCourse {
        name: "all".to_owned(),
        to_do: 1,
        done: 1,
        opened_ms: None,
        first_start_ms: Some(START),
        half_ms: Some(done_ms),
        done_ms: Some(done_ms),
        halts: Vec::new(),
    };
    let unmatched = WaveCourse {
        name: "unmatched".to_owned(),
        ..WaveCourse::default()
    };
    let site = SiteLoad {
        site: "a".to_owned(),
        starts: 1,
        most_at_work: 1,
        most_in_an_hour: 1,
        busiest_ms: START,
        fetched_mib: 0,
    };
    let day = DayLoad {
        day_ms: START - 9 * HOUR,
        starts: 1,
        restarts: 1,
        done: 1,
        failed: 0,
    };
    let share = |percent| Share {
        percent,
        at_ms: Some(done_ms),
    };
    assert_eq!(
        said,
        Simulated {
            from_ms: START,
            until_ms: START + 30 * DAY,
            seed: 1,
            hosts: 1,
            to_do: 1,
            done: 1,
            shares: [50, 80, 90, 95, 99, 100].map(share).to_vec(),
            marks: Vec::new(),
            waves: vec![wave, unmatched],
            sites: vec![site],
            days: vec![day],
            left: Vec::new(),
            never_reached: 0,
            never_reached_named: Vec::new(),
            // Those above, and three check-ins at work and four wakes, one a week, from which nothing followed.
            decisions: 40,
        }
    );
}

#[test]
fn who_leaves_in_the_middle_goes_on_when_it_is_back() {
    let mut fleet = Fleet::of(1, all("soak = \"2h\"\n"));
    // Four times as slow, and there from nine to ten on Monday and from midnight on.
    fleet.assumptions.pace = 400;
    let hours = (0..168).map(|hour| if hour == 9 || hour >= 24 { 100 } else { 0 });
    fleet.hosts[0].habit = Some(Habit::Hours(hours.collect()));
    let back_ms = START + 15 * HOUR;
    let mut ended = Vec::new();
    fleet.trace(|step| {
        if let Input::Recorded(record) = step.input
            && record.event.ends_order()
        {
            ended.push((step.at_ms, record.at_ms));
        }
    });
    assert_eq!(ended, [(back_ms, back_ms - 1000)]);
}

#[test]
fn its_user_is_told_with_the_first_check_in_and_the_work_starts_a_day_later() {
    let mut fleet = Fleet::of(1, campaign(NOTICE, "agent_lost_after = \"90d\"\n"));
    assert_eq!(fleet.starts(), [START + MINUTE + DAY]);
    // What waits for something else is told nobody, and asked the less often the longer it takes: after 1, 3, 7, 15, 31, 63, 127
    // and 255 minutes, and then every 256 minutes.
    fleet.not_ready = vec!["seats".to_owned()];
    fleet.days = 1;
    assert_eq!(fleet.go().decisions, 12);
}

#[test]
fn nobody_starts_before_its_grace_is_over() {
    let mut fleet = Fleet::of(2, all(""));
    fleet.campaign.policy.grace = Term::For(Duration::from_hours(2));
    assert_eq!(fleet.starts(), [START + 2 * HOUR; 2]);
}

#[test]
fn who_was_silent_for_a_day_is_there_and_for_longer_is_away() {
    let starts = |silent_ms| {
        let mut fleet = Fleet::of(1, all("agent_lost_after = \"90d\"\n"));
        fleet.hosts[0].last_seen_ms = START - silent_ms;
        fleet.starts().first().copied()
    };
    assert_eq!(starts(HOUR), Some(START));
    assert_eq!(starts(DAY), Some(START));
    assert_ne!(starts(DAY + 1), Some(START));
}

#[test]
fn hours_are_by_the_clock_on_the_wall_of_the_host() {
    let mut fleet = Fleet::of(1, all("time_zone = \"America/New_York\"\n"));
    let hours = (0..168).map(|hour| if (8..18).contains(&(hour % 24)) { 100 } else { 0 });
    fleet.hosts[0].habit = Some(Habit::Hours(hours.collect()));
    let fetched = taken(&fleet, |input, _| matches!(input, Input::OrderFetched { .. }));
    // The order of the beginning was taken back; at 13:00Z it comes, gets another, and is nudged.
    assert_eq!(fetched, [4 * 3600 + 2]);
    let (catalog, shelf) = (samples::catalog(), Shelf::default());
    let until_comes = Setup {
        until_ms: START + 4 * HOUR,
        ..fleet.setup(&catalog, &shelf)
    };
    let mut told = Vec::new();
    let said = simulate(until_comes, fleet.hosts.clone(), |step| {
        told.push(((step.at_ms - START) / MINUTE, step.input.name()));
    });
    let (started, woke) = ("started", "woke");
    let come = [(240, "checked-in"), (240, started)];
    assert_eq!(
        told[..5],
        [(0, started), (10, woke), (10, started), (20, woke), (120, woke)]
    );
    assert_eq!(told[5..], come, "it was nudged twice");
    assert_eq!(said.decisions, 7, "and checks in once");
}

#[test]
fn whoever_is_not_enrolled_or_was_retired_takes_no_part() {
    let mut fleet = Fleet::of(2, all(""));
    let campaign = fleet.campaign.id.clone();
    let add = |fleet: &mut Fleet, plan: Plan| {
        fleet.hosts.push(Participant {
            plan,
            ..fleet.hosts[0].clone()
        });
    };
    add(&mut fleet, Plan::unborn(host(7), campaign));
    let retired = Plan {
        phase: Phase::Retired,
        ..fleet.hosts[1].plan.clone()
    };
    add(&mut fleet, retired);
    let said = fleet.go();
    assert_eq!((said.hosts, said.to_do, said.done), (2, 2, 2));
}

#[test]
fn dates_between_its_two_ends_are_marks() {
    let mut fleet = Fleet::of(1, all("soak = \"2h\"\n"));
    fleet.days = 2;
    let milestone = fleet.campaign.milestones[0].clone();
    fleet.campaign.milestones = [-1, 0, 1, 2, 3]
        .map(|day| crate::campaign::Milestone {
            name: format!("{day}"),
            at_ms: START + day * DAY,
            regime: Regime::Legal,
            ..milestone.clone()
        })
        .to_vec();
    let mark = |day: i64, done| Mark {
        name: format!("{day}"),
        at_ms: START + day * DAY,
        done,
    };
    assert_eq!(fleet.go().marks, [mark(1, 1), mark(2, 1)]);
}

#[test]
fn a_host_whose_journal_is_in_doubt_is_asked_for_a_look_and_goes_on() {
    let mut fleet = Fleet::of(1, all(""));
    fleet.hosts[0].plan.journal_fault = Some(JournalFault::Lost);
    assert_eq!(fleet.go().done, 1);
}

#[test]
fn who_may_have_lost_its_agent_and_is_there_says_so_at_once() {
    let mut fleet = Fleet::of(1, all(""));
    fleet.hosts[0].plan.agent_perhaps_lost = true;
    fleet.not_ready = vec!["seats".to_owned()];
    let mut back = Vec::new();
    fleet.trace(|step| {
        let is_back = step.events.iter().any(|event| event.fact.name() == "agent-back");
        back.extend(is_back.then_some(step.at_ms - START));
    });
    assert_eq!(back, [1]);
}

#[test]
fn of_whom_no_look_is_known_nothing_comes() {
    let mut fleet = Fleet::of(1, all("agent_lost_after = \"90d\"\nstale_after = \"90d\"\n"));
    let plan = &mut fleet.hosts[0].plan;
    (plan.phase, plan.assessment) = (Phase::Unassessed, None);
    let said = fleet.go();
    assert_eq!((said.done, said.decisions), (0, 1), "it checks in once, without a look");
}

#[test]
fn those_who_failed_together_do_not_come_back_together() {
    let mut fleet = Fleet::of(40, all(""));
    fleet.assumptions.fails = PerMille(1000);
    let starts = fleet.starts();
    assert_eq!(starts[..40], [START; 40]);
    let again: BTreeSet<i64> = starts[40..80].iter().copied().collect();
    assert_eq!(again.len(), 40, "each at an instant of its own");
    assert_eq!(starts.len(), 120, "three attempts each");
}

#[test]
fn as_many_start_at_once_as_may_be() {
    let fleet = Fleet::of(450, all("max_in_flight = 440\n"));
    let at_once = fleet.starts().iter().filter(|at_ms| **at_ms == START).count();
    assert_eq!(at_once, 440);
}

#[test]
fn a_wave_that_opens_moves_its_own_hosts_and_those_only() {
    let waves = "[[wave]]\nname = \"first\"\nmatch = { site = [\"a\"] }\n[[wave]]\nname = \"next\"\n";
    let mut fleet = Fleet::of(0, campaign(waves, "agent_lost_after = \"90d\"\n"));
    fleet.waves = Waves::default();
    for (number, site) in ["a", "b", "a", "b", "b"].into_iter().enumerate() {
        let known = crate::plan::Known {
            site: site.to_owned(),
            ..Default::default()
        };
        fleet.add(number, known, &samples::carrying());
    }
    fleet.not_ready = vec!["seats".to_owned()];
    fleet.days = 1;
    fleet.opens = vec![("next".to_owned(), START + HOUR), ("another".to_owned(), START)];
    let said = fleet.go();
    let opened: Vec<_> = said.waves.iter().map(|it| it.opened_ms).collect();
    assert_eq!((said.decisions, opened), (3, vec![None, Some(START + HOUR), None]));
}

#[test]
fn a_gate_without_a_soak_opens_the_next_wave_the_moment_it_holds() {
    let waves = "[[wave]]\nname = \"first\"\nmatch = { site = [\"a\"] }\n[wave.gate]\nleast = 5\n\
                 [[wave]]\nname = \"next\"\nopens = \"by-gate\"\n";
    let fleet = Fleet::of(10, campaign(waves, "soak = \"1h\"\n"));
    let said = fleet.go();
    let (first, next) = (&said.waves[0], &said.waves[1]);
    assert!(first.done_ms.is_some());
    assert_eq!((next.opened_ms, next.first_start_ms), (first.done_ms, first.done_ms));
}

#[test]
fn gates_that_hold_at_once_open_all_that_follows_at_once() {
    let waves = "[[wave]]\nname = \"first\"\nmatch = { site = [\"a\"] }\n[wave.gate]\nmost_failures = 9\n\
                 [[wave]]\nname = \"next\"\nmatch = { site = [\"b\"] }\nopens = \"by-gate\"\n[wave.gate]\nmost_failures = 9\n\
                 [[wave]]\nname = \"last\"\nopens = \"by-gate\"\n";
    let mut fleet = Fleet::of(2, campaign(waves, ""));
    fleet.not_ready = vec!["seats".to_owned()];
    let opened = |gates| {
        let (catalog, shelf) = (samples::catalog(), Shelf::default());
        let setup = Setup {
            gates,
            ..fleet.setup(&catalog, &shelf)
        };
        let said = simulate(setup, fleet.hosts.clone(), |_| ());
        said.waves.iter().map(|it| it.opened_ms).collect::<Vec<_>>()
    };
    let at_once = [None, Some(START), Some(START), None];
    assert_eq!(opened(Gates::default()), at_once);
    let mut before = Gates::default();
    let passed = GateCourse {
        sample_since_ms: Some(START - HOUR),
        passed_ms: Some(START - HOUR),
        ..before.of("first", 0)
    };
    before.set("first", passed);
    assert_eq!(opened(before), at_once, "also where the first one held before");
}

#[test]
fn a_wave_opens_when_both_the_soak_of_the_gate_before_it_is_over_and_its_answer_came() {
    let waves = "[[wave]]\nname = \"first\"\nmatch = { site = [\"a\"] }\n[wave.gate]\nleast = 2\nsoak = \"6h\"\n\
                 approval = \"operator\"\n[[wave]]\nname = \"next\"\nopens = \"by-gate\"\n";
    let mut fleet = Fleet::of(4, campaign(waves, "soak = \"1h\"\n"));
    let mut opened = |hours| {
        fleet.assumptions.people_within = Some(Duration::from_hours(hours));
        let said = fleet.go();
        said.waves[1].opened_ms.unwrap() - said.waves[0].done_ms.unwrap()
    };
    assert_eq!([1, 6, 8].map(&mut opened), [6 * HOUR, 6 * HOUR, 8 * HOUR]);
}

#[test]
fn what_was_overdue_when_it_began_is_seen_to_right_after() {
    let mut fleet = Fleet::of(1, all(""));
    fleet.hosts[0].last_seen_ms = START - 60 * DAY;
    let mut woke = Vec::new();
    fleet.trace(|step| {
        let names = step.events.iter().map(|event| event.fact.name());
        woke.extend(names.map(|name| (step.at_ms - START, name)));
    });
    assert_eq!(woke[0], (1, "agent-perhaps-lost"));
}
