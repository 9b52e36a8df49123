use cutover_proto::inventory::HostRole;

use super::{
    counts::{Counted, Counts},
    tests::{Fleet, START, all, campaign},
};
use crate::{
    catalog::Shelf,
    decide::Effect,
    plan::Plan,
    rollout::{Fetches, Groups, IN_FLIGHT, LineUse, Lines, Outcome, Slot, Tally},
    samples,
};

/// A queued host at site `a`.
fn plan() -> Plan {
    Fleet::of(1, all("")).hosts.remove(0).plan
}

fn groups(counts: &mut Counts, fleet: &Fleet, now_ms: i64) -> Groups {
    counts.groups(&fleet.setup(&samples::catalog(), &Shelf::default()), now_ms)
}

fn issued(bytes: u64, site: &str, until_ms: i64, site_until_ms: i64) -> Effect {
    let slot = Slot {
        name: IN_FLIGHT.to_owned(),
        cap: 50,
        of: "the campaign".to_owned(),
    };
    Effect::IssueOrder {
        number: 1,
        attempt: 1,
        epoch: 1,
        not_before_ms: 0,
        expires_ms: 0,
        replacement: "clamav".into(),
        steps: Vec::new(),
        catalog_revision: 1,
        slots: vec![slot],
        secrets: Vec::new(),
        fetches: Fetches {
            bytes,
            site: site.to_owned(),
            until_ms,
            site_until_ms,
        },
    }
}

#[test]
fn a_plan_that_is_counted_out_again_counts_nowhere() {
    let mut plan = plan();
    plan.assessment.as_mut().unwrap().roles = vec![HostRole::DomainController];
    (plan.outcome, plan.tried_in) = (Outcome::Failed, "all".to_owned());
    let (mut counts, fleet) = (Counts::default(), Fleet::of(0, all("")));
    let counted = Counted::of(&plan);
    counts.add(&counted);
    counts.add(&counted);
    let seen = |counts: &mut Counts| {
        let (tally, groups) = (counts.tally("all", 0), groups(counts, &fleet, START));
        assert_eq!(groups.tallies["all"], tally);
        let left = counts.left("all", &tally);
        (tally.failed, left.untried, left.again, groups.controllers["a"])
    };
    assert_eq!(seen(&mut counts), (2, 2, 2, 2));
    counts.remove(&counted);
    assert_eq!(seen(&mut counts), (1, 1, 1, 1));
    counts.remove(&counted);
    assert_eq!(seen(&mut counts), (0, 0, 0, 0));
    assert_eq!(counts.tally("all", 0), Tally::default());
}

#[test]
fn places_and_orders_from_before_take_what_new_ones_take() {
    let (mut counts, fleet) = (Counts::default(), Fleet::of(0, all("")));
    let place = "first:clamav".to_owned();
    counts.note_places(&[place.clone(), place.clone()]);
    counts.note_places(std::slice::from_ref(&place));
    assert_eq!(groups(&mut counts, &fleet, START).taken, [(place.clone(), 3)].into());
    let back = Effect::GiveBack {
        slots: vec![place.clone()],
    };
    counts.follow(&back, &Counted::of(&plan()), None, START);
    assert_eq!(counts.taken(&place), 2);
    counts.follow(&back, &Counted::of(&plan()), None, START);
    counts.follow(&back, &Counted::of(&plan()), None, START);
    assert_eq!(groups(&mut counts, &fleet, START).taken, [].into());
}

#[test]
fn an_order_that_is_taken_back_gives_back_its_slot_its_start_and_its_room_on_the_line() {
    let lines = "[[site]]\nname = \"a\"\nbandwidth = \"6 Mbit/s\"\n[[wave]]\nname = \"all\"\n";
    let fleet = Fleet::of(0, campaign(lines, "bandwidth = \"9 Mbit/s\"\nstarts_per_hour = 9\n"));
    let (mut counts, at_a) = (Counts::default(), Counted::of(&plan()));
    let until_ms = START + 1000;
    // Two at one instant at two sites, and another one later.
    counts.follow(&issued(1, "a", until_ms, until_ms), &at_a, None, START);
    counts.follow(&issued(2, "b", until_ms, until_ms), &at_a, None, START);
    counts.follow(&issued(4, "a", until_ms, until_ms), &at_a, None, START + 1);
    let line = |bytes| LineUse::new(bytes, until_ms);
    let before = groups(&mut counts, &fleet, START + 2);
    assert_eq!((before.starts.count, before.taken[IN_FLIGHT]), (3, 3));
    assert_eq!((before.lines.all, before.lines.sites["a"]), (line(7), line(5)));
    let back = Effect::WithdrawOrder {
        number: 1,
        slots: vec![IN_FLIGHT.to_owned()],
    };
    counts.follow(&back, &at_a, Some(START), START + 2);
    let after = groups(&mut counts, &fleet, START + 2);
    assert_eq!((after.starts.count, after.taken[IN_FLIGHT]), (2, 2));
    let sites = [("a".to_owned(), line(4)), ("b".to_owned(), line(2))].into();
    assert_eq!(after.lines, Lines { all: line(6), sites });
}

#[test]
fn on_lines_counts_what_is_fetched_over_one_that_is_limited_until_it_is_through() {
    let limited = Fleet::of(0, campaign("[wave]\nname = \"all\"\n", "bandwidth = \"9 Mbit/s\"\n"));
    let (not, at_a) = (Fleet::of(0, all("")), Counted::of(&plan()));
    let lines = |fleet: &Fleet, bytes, now_ms| {
        let mut counts = Counts::default();
        counts.follow(&issued(bytes, "a", START + 10, START + 20), &at_a, None, START);
        groups(&mut counts, fleet, now_ms).lines
    };
    let of = |all, site| Lines {
        all,
        sites: [("a".to_owned(), site)].into(),
    };
    let (all, site) = (LineUse::new(5, START + 10), LineUse::new(5, START + 20));
    assert_eq!(lines(&limited, 5, START + 9), of(all, site));
    assert_eq!(lines(&limited, 5, START + 10), of(LineUse::default(), site));
    assert_eq!(lines(&limited, 5, START + 20), Lines::default());
    let mut counts = Counts::default();
    counts.follow(&issued(5, "a", START + 20, START + 10), &at_a, None, START);
    let all = Lines {
        all: LineUse::new(5, START + 20),
        ..Lines::default()
    };
    assert_eq!(groups(&mut counts, &limited, START + 10).lines, all);
    assert_eq!(lines(&limited, 0, START), Lines::default(), "it fetches nothing");
    assert_eq!(lines(&not, 5, START), Lines::default(), "no line is limited");
}
