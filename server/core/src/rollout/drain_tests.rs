//! Hosts that are drained, among the others of their wave.

use std::collections::BTreeMap;

use super::{
    tests::{NOW_MS, queued},
    *,
};
use crate::{
    campaign::Campaign,
    drain::{DRAINED, draining},
    plan::{DrainTurn, Plan},
    samples,
    waiting::{Waiting, hindrance},
};

/// A plan that is drained and has begun nothing yet, and what it takes.
fn drained(campaign: &Campaign) -> (Plan, Vec<String>) {
    let mut plan = queued(1);
    let places = crate::drain::places(&plan, slots(&plan, campaign));
    let names: Vec<String> = places.into_iter().map(|slot| slot.name).collect();
    plan.turn_drain(
        &DrainTurn::Asked {
            name: "balancer".to_owned(),
            number: 1,
            ask: 1,
            slots: names.clone(),
        },
        NOW_MS,
    );
    plan.turn_drain(
        &DrainTurn::Answered {
            drained: true,
            change: None,
            by: None,
        },
        NOW_MS,
    );
    (plan, names)
}

/// What the rows say where that plan alone takes anything.
fn groups(taken: &[String]) -> Groups {
    let mut groups = Groups {
        run: RunState::Running,
        waves: Waves::from([("all", WaveState::Open)]),
        taken: taken.iter().map(|name| (name.clone(), 1)).collect(),
        starts: Starts::default(),
        wave_starts: BTreeMap::new(),
        lines: Lines::default(),
        controllers: BTreeMap::new(),
        breakers: Breakers::default(),
        not_ready: Vec::new(),
        tallies: BTreeMap::new(),
    };
    groups.count_drains(NOW_MS);
    groups
}

fn waits(plan: &Plan, groups: &Groups, campaign: &Campaign) -> Option<Waiting> {
    hindrance(plan, &groups.of("all"), NOW_MS, campaign, NOW_MS)
}

#[test]
fn a_drained_host_holds_places_that_others_wait_for_and_does_not_stand_in_its_own_way() {
    let entry = "[[drain]]\nname = \"balancer\"\nmatch = {}\nwithin = \"30m\"\n";
    let by_policy = |policy: &str| samples::campaign(&format!("{entry}[policy]\ngrace = \"0s\"\n{policy}"));
    let mut canaries = by_policy("");
    canaries.waves[0].canaries = 1;
    for (limit, campaign) in [
        ("slots", by_policy("max_in_flight = 1\n")),
        ("an hour", by_policy("starts_per_hour = 1\n")),
        ("canaries", canaries),
    ] {
        let (plan, names) = drained(&campaign);
        let groups = groups(&names);
        assert_eq!(groups.drained(), 1);
        assert!(names.contains(&DRAINED.to_owned()) && names.contains(&draining("all")));
        assert_eq!(waits(&plan, &groups, &campaign), None, "{limit}");
        let other = waits(&queued(2), &groups, &campaign);
        let fits = match limit {
            "slots" => matches!(other, Some(Waiting::Slot { .. })),
            "an hour" => matches!(other, Some(Waiting::Pace { .. })),
            _ => matches!(
                other,
                Some(Waiting::FewFirst {
                    allowed: 1,
                    begun: 1,
                    ..
                })
            ),
        };
        assert!(fits, "{limit}: {other:?}");
        assert_eq!(slots(&plan, &campaign), [], "what it holds is not taken again");
    }
}

#[test]
fn a_drained_host_comes_first_in_its_queue() {
    let campaign = samples::campaign("recovery_target = \"2027-06-30T00:00:00-04:00\"\n");
    let (plan, _) = drained(&campaign);
    let turn_ms = crate::forecast::turn_ms;
    assert!(turn_ms(&plan, &campaign) < turn_ms(&queued(2), &campaign));
    assert!(ready_at_ms(&plan, &campaign) < i64::MAX);
}
