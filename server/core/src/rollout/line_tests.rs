//! Lines: what counts on them, until when, and who goes first.

use cutover_proto::ids::{CampaignId, HostId};
use proptest::prelude::*;

use super::{
    tests::{chosen, open},
    *,
};
use crate::{
    campaign::Campaign,
    plan::{Phase, Plan},
    samples,
    waiting::{Waiting, hindrance, why},
};

const NOW_MS: i64 = 1_799_053_200_000;
const HOUR_MS: i64 = 3_600_000;
/// What a line of 1 Mbit/s carries in an hour.
const HOUR: u64 = 450_000_000;

/// One megabit a second at Kiel, none elsewhere; four for all.
fn campaign() -> Campaign {
    samples::campaign(
        "[policy]\ngrace = \"0s\"\nbandwidth = \"4 Mbit/s\"\n[[site]]\nname = \"kiel\"\nbandwidth = \"1 Mbit/s\"\n",
    )
}

fn queued(number: u32, site: &str, fetches: u64) -> Plan {
    let id: HostId = format!("01890000-0000-7000-8000-{number:012}").parse().unwrap();
    let mut plan = Plan::unborn(id, CampaignId::new("c"));
    plan.phase = Phase::Queued;
    plan.seq = 1;
    plan.grace_from_ms = NOW_MS;
    plan.wave = "all".to_owned();
    plan.known.site = site.to_owned();
    plan.fetches = fetches;
    plan
}

fn hosts(plans: &[Plan], places: &[usize]) -> Vec<HostId> {
    places.iter().map(|place| plans[*place].host_id).collect()
}

#[test]
fn a_site_starts_no_more_within_an_hour_than_its_line_carries_and_other_sites_go_on() {
    let plans = [
        queued(1, "kiel", HOUR / 2),
        queued(2, "kiel", HOUR / 2),
        queued(3, "kiel", HOUR / 2),
        queued(4, "ulm", HOUR / 2),
        queued(5, "kiel", 0),
    ];
    let it = chosen(&plans, &open(0), &campaign());
    assert_eq!(
        it.starts,
        hosts(&plans, &[0, 1, 3, 4]),
        "who fetches nothing needs no line"
    );
    let (host, waiting) = &it.waiting[0];
    assert_eq!(*host, plans[2].host_id);
    assert_eq!(waiting.until_ms(), Some(NOW_MS + HOUR_MS));
    let text = waiting.text();
    assert!(
        text.starts_with(
            "it fetches 225 MB, and the line of site kiel carries 1 Mbit/s, all taken: there is room again from"
        ),
        "{text}"
    );
}

#[test]
fn all_sites_together_start_no_more_than_the_campaign_lets_them() {
    let plans: Vec<Plan> = (0..6).map(|number| queued(number, "ulm", HOUR)).collect();
    let it = chosen(&plans, &open(0), &campaign());
    assert_eq!(it.starts, hosts(&plans, &[0, 1, 2, 3]));
    assert!(
        it.waiting[0]
            .1
            .text()
            .contains("the line of the campaign carries 4 Mbit/s")
    );
}

#[test]
fn what_is_larger_than_an_hour_of_the_line_starts_alone_and_counts_until_it_is_through() {
    let campaign = campaign();
    let large = queued(1, "kiel", 3 * HOUR);
    let small = queued(2, "kiel", 1);
    let it = chosen(&[large.clone(), small.clone()], &open(0), &campaign);
    assert_eq!(it.starts, [large.host_id], "nothing else is there, so it may");
    let at_ms = NOW_MS + 3 * HOUR_MS;
    assert_eq!(
        it.waiting[0].1.until_ms(),
        Some(at_ms),
        "the line takes three hours for it"
    );
    let mut group = open(0);
    group.lines.add(&Fetches::new(&large, &campaign, large.fetches, NOW_MS));
    assert_eq!(group.lines.sites["kiel"], LineUse::new(3 * HOUR, at_ms));
    assert_eq!(
        group.lines.all,
        LineUse::new(3 * HOUR, NOW_MS + HOUR_MS),
        "the line of all has four times as much"
    );
    assert!(matches!(
        hindrance(&small, &group, NOW_MS, &campaign, NOW_MS),
        Some(Waiting::Line(_))
    ));
}

#[test]
fn a_large_one_is_not_kept_waiting_by_small_ones_behind_it() {
    let campaign = campaign();
    let mut group = open(0);
    group
        .lines
        .sites
        .insert("kiel".to_owned(), LineUse::new(1000, NOW_MS + 60_000));
    let plans = [queued(1, "kiel", 2 * HOUR), queued(2, "kiel", 10), queued(3, "ulm", 10)];
    let it = chosen(&plans, &group, &campaign);
    assert_eq!(it.starts, hosts(&plans, &[2]), "the line of Kiel is kept for the first");
    assert_eq!(it.waiting[0].1.until_ms(), Some(NOW_MS + 60_000));
    let behind = &it.waiting[1].1;
    assert!(
        behind
            .text()
            .ends_with("those that wait for it before it in the queue come first")
    );
    // Whoever asks about it is told the same, though there is room for it.
    let told = why(&plans[1], &group, NOW_MS, &campaign, NOW_MS).unwrap();
    assert_eq!(told.text(), behind.text());
    let alone = why(&plans[1], &open(0), NOW_MS, &campaign, NOW_MS).unwrap();
    assert_eq!(alone, Waiting::NextPass);
}

#[test]
fn whoever_fetches_nothing_waits_for_no_line_and_keeps_none_from_others() {
    let campaign = campaign();
    let mut group = open(0);
    group
        .lines
        .add(&Fetches::new(&queued(0, "kiel", HOUR), &campaign, HOUR, NOW_MS));
    let nothing = queued(1, "kiel", 0);
    assert_eq!(group.lines.wait(&nothing, &campaign), None);
    assert_eq!(group.lines.turn(&nothing, &campaign), None);
    assert_eq!(
        why(&nothing, &group, NOW_MS, &campaign, NOW_MS),
        Some(Waiting::NextPass)
    );
}

#[test]
fn a_line_that_is_kept_for_one_stays_kept_whoever_asks_after_it() {
    let campaign = campaign();
    let mut group = open(0);
    let counted = LineUse::new(1000, NOW_MS + 60_000);
    group.lines.all = counted;
    // Four sites fill the line of all; the first that does not fit keeps it from those behind, at its own site and elsewhere.
    let plans = [queued(1, "ulm", 5 * HOUR), queued(2, "ulm", 10), queued(3, "kiel", 10)];
    let it = chosen(&plans, &group, &campaign);
    assert_eq!(it.starts, [], "{:?}", it.waiting);
    assert_eq!(it.waiting.len(), 3);
}

#[test]
fn without_a_limit_nothing_waits_and_what_comes_of_an_unlimited_time_counts_for_an_hour() {
    let campaign = samples::campaign("[policy]\ngrace = \"0s\"\n");
    let plans: Vec<Plan> = (0..9).map(|number| queued(number, "kiel", u64::MAX / 16)).collect();
    assert_eq!(chosen(&plans, &open(0), &campaign).starts.len(), 9);
    assert_eq!(
        Fetches::new(&plans[0], &campaign, 9, NOW_MS).site_until_ms,
        NOW_MS + HOUR_MS
    );
}

proptest! {
    /// Hosts of any size come in any order, an hour or two go by in steps: whatever is started within any hour is what the line
    /// carries in one, or one alone; nothing follows one before it is through; and all of them start in the end.
    #[test]
    fn a_line_never_carries_more_than_it_may_and_everybody_has_a_turn(
        sizes in proptest::collection::vec(1..3 * HOUR, 1..12), step_ms in 60_000..HOUR_MS
    ) {
        let campaign = campaign();
        let mut waiting: Vec<Plan> = (0..).zip(&sizes).map(|(number, size)| queued(number, "kiel", *size)).collect();
        let mut started: Vec<(i64, u64)> = Vec::new();
        let mut now_ms = NOW_MS;
        for _ in 0..3000 {
            let mut group = open(0);
            for (at_ms, bytes) in &started {
                let fetches = Fetches::new(&queued(0, "kiel", *bytes), &campaign, *bytes, *at_ms);
                if fetches.site_until_ms > now_ms {
                    let line = group.lines.sites.entry("kiel".to_owned()).or_default();
                    line.add(*bytes, fetches.site_until_ms);
                }
            }
            let candidates: Vec<Candidate<'_>> =
                waiting.iter().map(|plan| Candidate { plan, last_seen_ms: now_ms }).collect();
            let starts = choose(&candidates, &mut group, &campaign, now_ms).starts;
            for host in starts {
                let plan = waiting.iter().find(|plan| plan.host_id == host).unwrap();
                started.push((now_ms, plan.fetches));
                let counting: Vec<u64> = started
                    .iter()
                    .filter(|(at_ms, bytes)| {
                        let takes_ms = i64::try_from(bytes * 8 / 1000).unwrap();
                        at_ms + takes_ms.max(HOUR_MS) > now_ms
                    })
                    .map(|(_, bytes)| *bytes)
                    .collect();
                prop_assert!(counting.len() == 1 || counting.iter().sum::<u64>() <= HOUR, "{counting:?}");
                waiting.retain(|plan| plan.host_id != host);
            }
            if waiting.is_empty() {
                break;
            }
            now_ms += step_ms;
        }
        prop_assert!(waiting.is_empty(), "{} never started", waiting.len());
    }
}
