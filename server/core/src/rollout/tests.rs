use cutover_proto::ids::{CampaignId, HostId};

use super::*;
use crate::{
    campaign::{Campaign, Mode},
    plan::{Hold, HoldKind, Phase, Plan},
    samples,
    waiting::{Waiting, why},
};

const NOW_MS: i64 = 1_799_053_200_000;

fn campaign() -> Campaign {
    samples::campaign("[policy]\ngrace = \"0s\"\nmax_in_flight = 3\n")
}

fn queued(number: u32) -> Plan {
    let id: HostId = format!("01890000-0000-7000-8000-{number:012}").parse().unwrap();
    let mut plan = Plan::unborn(id, CampaignId::new("c"));
    plan.phase = Phase::Queued;
    plan.seq = 1;
    plan.grace_from_ms = NOW_MS;
    plan.wave = "all".to_owned();
    plan
}

fn open(in_flight: u32) -> GroupState {
    GroupState {
        wave: WaveState::Open,
        stopped: false,
        in_flight,
    }
}

fn chosen(plans: &[Plan], group: &GroupState, campaign: &Campaign) -> Chosen {
    let candidates: Vec<Candidate<'_>> = plans
        .iter()
        .map(|plan| Candidate {
            plan,
            last_seen_ms: NOW_MS,
        })
        .collect();
    choose(&candidates, group, campaign, NOW_MS)
}

#[test]
fn starts_stay_below_the_limit_and_the_rest_knows_why() {
    let plans: Vec<Plan> = (0..5).map(queued).collect();
    let it = chosen(&plans, &open(1), &campaign());
    assert_eq!(it.starts, [plans[0].host_id, plans[1].host_id]);
    assert_eq!(it.waiting.len(), 3);
    assert_eq!(it.waiting[0].1, Waiting::Slot { in_flight: 3, limit: 3 });
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
                stopped: true,
                ..open(0)
            },
            campaign(),
            Waiting::Stopped,
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
        (open(0), approving, Waiting::Approval),
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
            &open(0),
            &campaign,
            now_ms,
        )
    };
    let end_ms = NOW_MS + 7_200_000;
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
