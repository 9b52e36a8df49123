use std::collections::BTreeMap;

use cutover_proto::ids::{CampaignId, HostId};

use super::*;
use crate::{
    campaign::{Campaign, Mode},
    plan::{Hold, HoldKind, Owner, Phase, Plan},
    samples,
    waiting::{Waiting, why},
};

pub(super) const NOW_MS: i64 = 1_799_053_200_000;

pub(super) fn campaign() -> Campaign {
    samples::campaign("[policy]\ngrace = \"0s\"\nmax_in_flight = 3\n")
}

pub(super) fn queued(number: u32) -> Plan {
    let id: HostId = format!("01890000-0000-7000-8000-{number:012}").parse().unwrap();
    let mut plan = Plan::unborn(id, CampaignId::new("c"));
    plan.phase = Phase::Queued;
    plan.seq = 1;
    plan.grace_from_ms = NOW_MS;
    plan.wave = "all".to_owned();
    plan
}

pub(super) fn open(in_flight: u32) -> GroupState {
    GroupState {
        run: RunState::Running,
        wave: WaveState::Open,
        taken: BTreeMap::from([(IN_FLIGHT.to_owned(), in_flight)]),
        starts: Starts::default(),
        wave_starts: Starts::default(),
        lines: Lines::default(),
        controllers: BTreeMap::new(),
        not_ready: Vec::new(),
        breaker: Breaker::default(),
        tally: Tally::default(),
    }
}

/// Rows of these plans, of hosts that were just heard of.
fn candidates(plans: &[Plan]) -> Vec<Candidate<'_>> {
    let candidate = |plan| Candidate {
        plan,
        last_seen_ms: NOW_MS,
    };
    plans.iter().map(candidate).collect()
}

pub(super) fn chosen(plans: &[Plan], group: &GroupState, campaign: &Campaign) -> Chosen {
    let candidates = candidates(plans);
    choose(&candidates, &mut group.clone(), campaign, NOW_MS)
}

#[test]
fn starts_stay_below_the_limit_and_the_rest_knows_why() {
    let plans: Vec<Plan> = (0..5).map(queued).collect();
    let it = chosen(&plans, &open(1), &campaign());
    assert_eq!(it.starts, [plans[0].host_id, plans[1].host_id]);
    assert_eq!(it.waiting.len(), 3);
    assert_eq!(
        it.waiting[0].1,
        Waiting::Slot {
            of: "the campaign".into(),
            in_flight: 3,
            limit: 3,
            is_first: false,
        }
    );
    assert!(chosen(&plans, &open(7), &campaign()).starts.is_empty());
}

#[test]
fn one_that_waits_does_not_hold_up_the_next() {
    let mut plans: Vec<Plan> = (0..3).map(queued).collect();
    let hold = Hold {
        kind: HoldKind::Legal,
        who: "law".into(),
        why: "case 3".into(),
        until_ms: None,
    };
    plans[0].holds.insert(hold.kind, hold);
    plans[1].retry_at_ms = Some(NOW_MS + 1);
    let it = chosen(&plans, &open(0), &campaign());
    assert_eq!(it.starts, [plans[2].host_id]);
    assert!(matches!(it.waiting[0].1, Waiting::Held { .. }));
    assert!(matches!(it.waiting[1].1, Waiting::Retry { .. }));
}

#[test]
fn a_stopped_campaign_a_paused_wave_and_a_mode_that_only_looks_start_nothing() {
    let plans = [queued(1)];
    let closed = |wave| GroupState { wave, ..open(0) };
    let mut observing = campaign();
    observing.mode = Mode::Observe;
    let mut approving = campaign();
    approving.mode = Mode::Approve;
    let cases = [
        (
            GroupState {
                run: RunState::Stopped,
                ..open(0)
            },
            campaign(),
            Waiting::Halted { run: RunState::Stopped },
        ),
        (
            closed(WaveState::Paused),
            campaign(),
            Waiting::WavePaused { wave: "all".into() },
        ),
        (
            closed(WaveState::Closed),
            campaign(),
            Waiting::WaveClosed { wave: "all".into() },
        ),
        (open(0), observing, Waiting::ObserveMode),
        (
            open(0),
            approving,
            Waiting::Approval {
                cause: ApprovalCause::Mode,
            },
        ),
    ];
    for (group, campaign, expected) in cases {
        let it = chosen(&plans, &group, &campaign);
        assert!(it.starts.is_empty());
        assert_eq!(it.waiting, [(plans[0].host_id, expected.clone())]);
        assert_eq!(
            why(&plans[0], &group, NOW_MS, &campaign, NOW_MS),
            Some(expected),
            "pages say the same"
        );
    }
}

#[test]
fn grace_ends_at_its_instant_and_an_absent_host_takes_no_slot() {
    let campaign = samples::campaign("[policy]\ngrace = \"2h\"\n");
    let plan = queued(1);
    let at = |now_ms: i64, last_seen_ms: i64| {
        choose(
            &[Candidate {
                plan: &plan,
                last_seen_ms,
            }],
            &mut open(0),
            &campaign,
            now_ms,
        )
    };
    let end_ms = NOW_MS + 7_200_000;
    let within_ms = crate::campaign::span::ms(campaign.policy.fetch_within);
    assert_eq!(
        at(end_ms, end_ms - within_ms).starts,
        [plan.host_id],
        "it fetches within that time"
    );
    assert!(matches!(
        at(end_ms, end_ms - within_ms - 1).waiting[0].1,
        Waiting::Away { .. }
    ));
    assert_eq!(at(end_ms - 1, end_ms).waiting[0].1, Waiting::Grace { until_ms: end_ms });
    assert_eq!(at(end_ms, end_ms).starts, [plan.host_id]);
    assert!(matches!(at(end_ms, NOW_MS).waiting[0].1, Waiting::Away { .. }));
}

#[test]
fn a_row_that_is_no_longer_queued_is_passed_over() {
    let mut plan = queued(1);
    plan.phase = Phase::Verifying;
    assert_eq!(chosen(&[plan], &open(0), &campaign()), Chosen::default());
}

#[test]
fn what_one_wave_takes_of_what_all_share_the_next_one_no_longer_has() {
    let mut groups = Groups {
        run: RunState::Running,
        waves: Waves::from([("all", WaveState::Open), ("next", WaveState::Open)]),
        taken: BTreeMap::new(),
        starts: Starts::default(),
        wave_starts: BTreeMap::new(),
        lines: Lines::default(),
        controllers: BTreeMap::new(),
        breakers: Breakers::default(),
        not_ready: Vec::new(),
        tallies: BTreeMap::new(),
    };
    let start = |groups: &mut Groups, wave: &str, numbers: std::ops::Range<u32>| {
        let plans: Vec<Plan> = numbers.map(queued).collect();
        let mut group = groups.of(wave);
        let started = choose(&candidates(&plans), &mut group, &campaign(), NOW_MS)
            .starts
            .len();
        groups.take_in(group);
        started
    };
    assert_eq!(start(&mut groups, "all", 0..2), 2);
    assert_eq!(
        start(&mut groups, "next", 2..9),
        1,
        "three are at work at most, in all waves together"
    );
    assert_eq!(start(&mut groups, "all", 9..10), 0);
}

pub(super) fn named(number: u32, tags: &[&str], site: &str) -> Plan {
    let mut plan = queued(number);
    plan.known.tags = tags.iter().map(|tag| (*tag).to_owned()).collect();
    plan.known.site = site.to_owned();
    plan
}

#[test]
fn a_site_has_no_more_at_work_than_it_may_and_others_go_on() {
    let campaign = samples::campaign("[policy]\ngrace = \"0s\"\nsite_in_flight = 1\n");
    let plans = [
        named(1, &[], "berlin"),
        named(2, &[], "berlin"),
        named(3, &[], "paris"),
        named(4, &[], ""),
        named(5, &[], ""),
    ];
    let it = chosen(&plans, &open(0), &campaign);
    let started: Vec<HostId> = [0, 2, 3, 4].map(|index: usize| plans[index].host_id).to_vec();
    assert_eq!(it.starts, started, "no site is no site's limit");
    let expected = Waiting::Slot {
        of: "site berlin".into(),
        in_flight: 1,
        limit: 1,
        is_first: false,
    };
    assert_eq!(it.waiting, [(plans[1].host_id, expected)]);
}

#[test]
fn two_that_stand_in_for_each_other_are_never_worked_on_at_once() {
    let plans = [
        named(1, &["set=mail", "set=front"], ""),
        named(2, &["set=mail"], ""),
        named(3, &["set=front"], ""),
        named(4, &["set=other"], ""),
    ];
    let campaign = samples::campaign("[policy]\ngrace = \"0s\"\n");
    let it = chosen(&plans, &open(0), &campaign);
    assert_eq!(it.starts, [plans[0].host_id, plans[3].host_id]);
}

#[test]
fn two_domain_controllers_of_a_site_are_never_worked_on_at_once() {
    let campaign = samples::campaign("[policy]\ngrace = \"0s\"\napproval_for = []\n");
    let controller = |number, site| {
        let mut inventory = samples::carrying();
        inventory.facts.roles = vec![cutover_proto::inventory::HostRole::DomainController];
        let mut plan = named(number, &[], site);
        plan.assessment = Some(crate::judge::assess(
            &inventory,
            &plan.known,
            &campaign,
            &samples::catalog(),
        ));
        plan
    };
    let plans = [controller(1, "berlin"), controller(2, "berlin"), controller(3, "paris")];
    let mut group = open(0);
    group.controllers = [("berlin", 2), ("paris", 2)]
        .map(|(site, count)| (site.to_owned(), count))
        .into();
    let it = chosen(&plans, &group, &campaign);
    assert_eq!(it.starts, [plans[0].host_id, plans[2].host_id]);
    assert!(it.waiting[0].1.text().contains("domain controllers at site berlin"));
}

#[test]
fn no_more_start_within_an_hour_than_may() {
    let campaign = samples::campaign("[policy]\ngrace = \"0s\"\nstarts_per_hour = 3\n");
    let plans: Vec<Plan> = (0..4).map(queued).collect();
    let mut group = open(0);
    group.starts = Starts {
        count: 1,
        oldest_ms: NOW_MS - 1000,
    };
    let it = chosen(&plans, &group, &campaign);
    assert_eq!(it.starts.len(), 2);
    let at_ms = NOW_MS - 1000 + Starts::WITHIN_MS;
    assert_eq!(
        it.waiting[0].1,
        Waiting::Pace {
            of: "the campaign".into(),
            limit: 3,
            at_ms
        }
    );
    assert_eq!(it.waiting[0].1.until_ms(), Some(at_ms));
}

#[test]
fn a_waves_canaries_go_first_and_all_others_once_these_have_succeeded() {
    let mut campaign = campaign();
    campaign.waves[0].canaries = 2;
    let plans: Vec<Plan> = (0..3).map(queued).collect();
    let mut group = open(0);
    let it = chosen(&plans, &group, &campaign);
    assert_eq!(it.starts, [plans[0].host_id, plans[1].host_id]);
    let first = |allowed, begun| Waiting::FewFirst {
        wave: "all".into(),
        allowed,
        begun,
    };
    assert_eq!(it.waiting, [(plans[2].host_id, first(2, 2))]);
    group.tally.add(Outcome::Succeeded, 1);
    group.tally.add(Outcome::UnderWay, 1);
    assert!(
        chosen(&plans, &group, &campaign).starts.is_empty(),
        "one is still at work"
    );
    let mut failed = group.clone();
    failed.tally = Tally::default();
    failed.tally.add(Outcome::Failed, 1);
    assert!(
        chosen(&plans, &failed, &campaign).starts.is_empty(),
        "one failed, and the breaker was not asked yet"
    );
    group.tally.add(Outcome::Succeeded, 1);
    assert_eq!(chosen(&plans, &group, &campaign).starts.len(), 3);
}

#[test]
fn a_halted_wave_starts_nobody_and_a_reset_one_a_few() {
    let campaign = campaign();
    let plans: Vec<Plan> = (0..3).map(queued).collect();
    let mut group = open(0);
    let cause = Cause::NotBack { hosts: 2 };
    group.breaker = Breaker::default().tripped(cause, NOW_MS);
    let it = chosen(&plans, &group, &campaign);
    assert!(it.starts.is_empty());
    let text = it.waiting[0].1.text();
    assert!(
        text.contains("wave all is halted") && text.contains("2 hosts"),
        "{text}"
    );
    assert!(it.waiting[0].1.remedy().contains("cutover wave reset all"));
    let somebody = || crate::plan::Personal::of_digest(&"ab".repeat(32)).unwrap();
    group.breaker = group
        .breaker
        .reset("mended", somebody(), somebody(), 1, NOW_MS)
        .unwrap();
    assert_eq!(chosen(&plans, &group, &campaign).starts, [plans[0].host_id]);
    group.tally.add(Outcome::Failed, 1);
    assert!(
        chosen(&plans, &group, &campaign).starts.is_empty(),
        "the one that went first failed"
    );
}

#[test]
fn an_open_item_of_the_readiness_list_starts_nobody_without_a_person() {
    let plans = [queued(0)];
    let group = GroupState {
        not_ready: vec!["seats".to_owned(), "helpdesk-told".to_owned()],
        ..open(0)
    };
    let mut campaign = campaign();
    let it = chosen(&plans, &group, &campaign);
    assert!(it.starts.is_empty());
    let waiting = &it.waiting[0].1;
    assert_eq!(waiting.text(), "of the readiness list is open: seats, helpdesk-told");
    assert!(waiting.remedy().contains("cutover readiness list"));
    assert_eq!(waiting.owner(), crate::plan::Owner::Operator);
    // Where a person lets each host start, that person answers for it.
    campaign.mode = Mode::Approve;
    let it = chosen(&plans, &group, &campaign);
    assert!(matches!(it.waiting[0].1, Waiting::Approval { .. }), "{it:?}");
}

/// What limits a whole wave, each alone; with room for two all may start that fit, and no more.
#[test]
fn a_wave_without_room_starts_nobody_and_one_with_room_no_more_than_that() {
    let mut campaign = samples::campaign("[policy]\ngrace = \"0s\"\nmax_in_flight = 5\nstarts_per_hour = 4\n");
    (campaign.waves[0].max_in_flight, campaign.waves[0].starts_per_hour) = (Some(3), Some(2));
    let plans: Vec<Plan> = (0..8).map(queued).collect();
    let full = Starts {
        count: 4,
        oldest_ms: NOW_MS - 1,
    };
    let tripped = Breaker {
        round: 0,
        state: BreakerState::Tripped(Trip {
            cause: Cause::NotBack { hosts: 2 },
            owner: Owner::Technician,
            at_ms: 0,
        }),
    };
    let changes: [fn(&mut GroupState, Starts, Breaker); 9] = [
        |_, _, _| {},
        |it, _, _| it.run = RunState::Paused,
        |it, _, _| it.wave = WaveState::Paused,
        |it, _, tripped| it.breaker = tripped,
        |it, _, _| it.taken.extend([(IN_FLIGHT.to_owned(), 4)]),
        |it, _, _| it.taken.extend([("wave:all".to_owned(), 3)]),
        |it, full, _| it.starts = full,
        |it, full, _| it.wave_starts = full,
        // Those that go first have begun, and none has succeeded.
        |it, _, _| it.tally.add(Outcome::UnderWay, 1),
    ];
    let mut changed = 0;
    let rooms = changes.map(|change| {
        changed += 1;
        campaign.waves[0].canaries = u32::from(changed == 9);
        let mut group = open(0);
        change(&mut group, full, tripped.clone());
        let room = group.room("all", &campaign);
        let starts = chosen(&plans, &group, &campaign).starts;
        assert_eq!(starts.len(), usize::try_from(room).unwrap(), "{group:?}");
        room
    });
    assert_eq!(rooms, [2, 0, 0, 0, 1, 0, 0, 0, 0]);
}
