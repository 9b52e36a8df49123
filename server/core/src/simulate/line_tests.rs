//! A simulated fleet keeps what lines may carry.

use super::tests::{Fleet, HOUR, START, campaign};
use crate::campaign::Campaign;

/// Site `a` has a line that carries two downloads an hour, site `b` one that takes three hours for one.
fn lines() -> Campaign {
    let waves = "[[site]]\nname = \"a\"\nbandwidth = \"6 Mbit/s\"\n[[site]]\nname = \"b\"\nbandwidth = \"1 Mbit/s\"\n\
                 [[wave]]\nname = \"all\"\n";
    let mut campaign = campaign(waves, "soak = \"0s\"\n");
    for rule in &mut campaign.replacements {
        rule.download = Some(1_350_000_000);
    }
    campaign
}

#[test]
fn what_a_line_carries_is_what_starts_at_its_site() {
    let fleet = Fleet::of(12, lines());
    let mut starts: Vec<(String, i64)> = Vec::new();
    let done = fleet.trace(|step| {
        let issued = step.events.iter().any(|event| event.fact.name() == "order-issued");
        starts.extend(issued.then(|| (step.plan.known.site.clone(), step.at_ms - START)));
    });
    assert_eq!((done.to_do, done.done), (12, 12));
    let at = |site: &str| -> Vec<i64> {
        starts
            .iter()
            .filter(|(it, _)| it == site)
            .map(|(_, ms)| ms / HOUR)
            .collect()
    };
    assert_eq!(at("a"), [0, 0, 1, 1, 2, 2]);
    assert_eq!(at("b"), [0, 3, 6, 9, 12, 15]);
}

#[test]
fn whoever_waits_for_a_line_to_the_end_is_left_with_that_reason() {
    let mut fleet = Fleet::of(40, lines());
    fleet.days = 1;
    let done = fleet.go();
    let b = done
        .left
        .iter()
        .find(|it| it.why == "the line of site b carries 1 Mbit/s");
    assert!(b.is_some_and(|it| it.hosts > 5), "{:?}", done.left);
}
