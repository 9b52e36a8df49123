//! Hosts through arbitrary inputs, faults and time: what must hold after each.

use std::{collections::BTreeSet, sync::LazyLock};

use proptest::{
    prelude::*,
    strategy::ValueTree,
    test_runner::{Config, TestRunner},
};

use super::{
    acts::{Act, acts, acts_with_attested_disks, inputs},
    *,
};
use crate::{
    campaign::{FirstCanaries, Mode},
    judge::Blocker,
    plan::TRANSITIONS,
    rollout::{Outcome, is_first_place},
    standing::Totals,
};

/// An event as it comes back from the store. No field of a fact may have the name of one that every event has.
fn as_stored(event: &Event) -> Event {
    let text = serde_json::to_string(event).unwrap();
    serde_json::from_str(&text).unwrap_or_else(|error| panic!("{text} cannot be read again: {error}"))
}

/// Sends an input as the service does, and checks what must hold whatever it was.
fn send(host: &mut Host, input: &Input, totals: &mut Totals, moves: &mut BTreeSet<(Phase, Phase)>) {
    // The breaker of the wave goes on while orders are out.
    host.turn_round(u32::try_from(host.events.len() / 40).unwrap());
    let before = host.plan.clone();
    let decision = match host.try_send(input) {
        Ok(decision) => decision,
        Err(refused) => {
            assert_eq!((refused.state, refused.input), (before.phase, input.name()));
            assert!(!refused.why.is_empty());
            assert!(
                !refused.why.contains("cannot move"),
                "decide wrote an illegal event: {refused}"
            );
            return;
        }
    };
    for (bucket, hosts) in Totals::changes(Some(&before.bucket()), Some(&host.plan.bucket())) {
        totals.add(bucket, hosts);
    }
    let mut phase = before.phase;
    for event in &decision.events {
        if let Fact::Moved { to, .. } = event.fact {
            moves.insert((phase, to));
            phase = to;
        }
    }
    check_effects(host, &before, &decision);
    check_places(host, &before, &decision);
    check_outcome(host, &before);
    check_plan(host);
    check_repeat(host, input);
}

fn check_effects(host: &Host, before: &Plan, decision: &Decision) {
    let frees = decision
        .effects
        .iter()
        .filter(|it| matches!(it, Effect::FreeSlots { .. } | Effect::WithdrawOrder { .. }))
        .count();
    let issues = decision
        .effects
        .iter()
        .filter(|it| matches!(it, Effect::IssueOrder { .. }))
        .count();
    let (was, is) = (
        usize::from(before.order.is_some()),
        usize::from(host.plan.order.is_some()),
    );
    assert_eq!(was + issues, is + frees, "slots taken and freed do not add up");
    for effect in &decision.effects {
        let Effect::IssueOrder { steps, number, .. } = effect else {
            continue;
        };
        let it = host.plan.assessment.as_ref().unwrap();
        let destroys = steps.iter().any(|step| step.action.kind().is_destructive());
        let by_people = before.disks.as_ref();
        let is_attested = by_people.is_some_and(|disks| disks.signatures.len() == 2 && disks.until_ms > host.now_ms);
        let is_lifted = |blocker: &Blocker| is_attested && *blocker == Blocker::EncryptionUnknown;
        let forbids = |blocker: &Blocker| blocker.is_encryption() && !is_lifted(blocker);
        assert!(
            !(destroys && it.blockers.iter().any(forbids)),
            "destructive steps on encrypted disks"
        );
        assert!(*number > before.highest_order);
        let mut kinds = steps.iter().map(|step| step.action.kind());
        assert!(
            kinds.all(|kind| !before.lacking_steps.contains(&kind)),
            "a step that the agent does not know"
        );
        assert!(before.holds.is_empty() && before.exemption.is_none() && before.journal_fault.is_none());
        assert!(before.scoped_out_by.is_none() && !before.is_closed());
        assert_eq!(host.waves.state(&host.plan.wave), WaveState::Open);
        assert_ne!(host.campaign.mode, Mode::Observe);
        assert!(host.campaign.mode == Mode::Automatic || before.approval.is_some());
        assert!(host.now_ms >= host.campaign.policy.grace_end_ms(before.grace_from_ms));
        assert!(before.attempts_used < host.campaign.policy.attempts);
    }
    let is_new = before.phase != Phase::Migrated && host.plan.phase == Phase::Migrated;
    if is_new {
        let it = host.plan.assessment.as_ref().unwrap();
        assert!(
            it.is_free() && it.is_protected_by_replacement(),
            "migrated without both halves"
        );
    }
}

/// A place is taken by an order, is held by the host or by those that succeeded, or is free: none is lost, none is counted twice.
fn check_places(host: &Host, before: &Plan, decision: &Decision) {
    let of = |plan: &Plan| -> Vec<String> { plan.first_places.iter().chain(&plan.kept_places).cloned().collect() };
    let (mut was, mut is) = (of(before), of(&host.plan));
    for effect in &decision.effects {
        match effect {
            Effect::IssueOrder { slots, .. } => {
                was.extend(
                    slots
                        .iter()
                        .map(|slot| slot.name.clone())
                        .filter(|name| is_first_place(name)),
                );
            }
            Effect::GiveBack { slots } => is.extend(slots.iter().cloned()),
            Effect::RecipesSucceeded { places, .. } => is.extend(places.iter().cloned()),
            Effect::FreeSlots { slots, .. } | Effect::WithdrawOrder { slots, .. } => {
                assert!(
                    !slots.iter().any(|slot| is_first_place(slot)),
                    "held past its order's end"
                );
            }
            Effect::AskDrain { .. }
            | Effect::ReleaseDrained
            | Effect::CancelOrder { .. }
            | Effect::WantLook
            | Effect::Nudge
            | Effect::Alarm { .. } => {}
        }
    }
    was.sort();
    is.sort();
    assert_eq!(was, is, "places taken and given back do not add up\n{}", host.told());
    is.dedup();
    assert_eq!(was.len(), is.len(), "a place is held twice");
}

/// What counts against a wave is not lost by anything but a success, or another try in another round.
fn check_outcome(host: &Host, before: &Plan) {
    let plan = &host.plan;
    let is_under_way = plan.outcome == Outcome::UnderWay;
    assert_eq!(is_under_way, plan.tried_before.is_some(), "{}", host.told());
    assert!(
        !is_under_way || plan.order.is_some() || plan.phase == Phase::Verifying,
        "{}",
        host.told()
    );
    assert!(
        plan.order.is_none() || is_under_way || plan.outcome.is_against(),
        "{}",
        host.told()
    );
    assert_eq!(plan.outcome == Outcome::None, plan.tried_in.is_empty());
    if before.outcome.is_against() {
        let is_tried_again = is_under_way && plan.round != before.round;
        assert!(
            plan.outcome.is_against() || plan.outcome == Outcome::Succeeded || is_tried_again,
            "{}",
            host.told()
        );
        assert!(is_tried_again || plan.outcome == Outcome::Succeeded || plan.round >= before.round);
    }
    if plan.phase == Phase::Retired {
        assert_ne!(plan.outcome, Outcome::UnderWay);
    }
}

fn check_plan(host: &Host) {
    let plan = &host.plan;
    assert_eq!(plan.phase.has_order(), plan.order.is_some(), "{}", host.told());
    assert_eq!(plan.phase == Phase::Verifying, plan.verify.is_some(), "{}", host.told());
    let is_unfetched = plan.order.as_ref().is_some_and(|order| order.fetched_ms.is_none());
    assert!(
        !plan.stale || is_unfetched || plan.first_places.is_empty(),
        "it holds places that nobody could free\n{}",
        host.told()
    );
    assert_eq!(
        plan.account.at(host.now_ms).total_ms(),
        host.now_ms - plan.account.opened_ms
    );
    if !matches!(plan.phase, Phase::Clear | Phase::Migrated) {
        let waiting = host
            .waiting()
            .unwrap_or_else(|| panic!("{} waits in silence\n{}", plan.phase, host.told()));
        assert!(!waiting.text().is_empty());
        if plan.phase == Phase::Queued && waiting == Waiting::NextPass {
            let ready_at_ms = crate::rollout::ready_at_ms(plan, &host.campaign);
            assert!(
                ready_at_ms <= host.now_ms,
                "it could start and lies behind those that cannot"
            );
        }
    }
    if !plan.is_closed() && !plan.stale {
        assert!(host.next_wake().is_some(), "nothing would look at it again");
    }
}

/// The same news again changes nothing.
fn check_repeat(host: &Host, input: &Input) {
    let is_news = matches!(
        input,
        Input::Looked { .. }
            | Input::CheckedIn { .. }
            | Input::Recorded(_)
            | Input::OrderFetched { .. }
            | Input::JournalDistrusted { .. }
            | Input::SaidSteps { .. }
            | Input::Forecast { .. }
            | Input::CampaignChanged { .. }
    );
    if is_news && let Ok(again) = decide(&host.plan, input, &host.cx()) {
        assert_eq!(again.events, [], "{} again\n{}", input.name(), host.told());
    }
}

/// Read once: a run takes less time than the reading of its campaign.
static CAMPAIGN: LazyLock<Campaign> = LazyLock::new(|| {
    let policy = "[policy]\ngrace = \"1h\"\nsoak = \"2h\"\nstale_after = \"20d\"\nattempts = 2\nhindrances = 2\n";
    samples::campaign(policy)
});

/// Runs acts on three hosts of one fleet.
fn run(acts: &[(usize, Vec<Act>)]) -> BTreeSet<(Phase, Phase)> {
    let mut fleet: Vec<Host> = (0..3).map(|_| Host::of(CAMPAIGN.clone())).collect();
    // One goes first with its recipes.
    fleet[2].campaign.policy.first_canaries = FirstCanaries::Unproven;
    let mut totals: Totals = fleet.iter().map(|host| (host.plan.bucket(), 1)).collect();
    let mut moves = BTreeSet::new();
    for (index, act) in acts
        .iter()
        .flat_map(|(index, row)| row.iter().map(move |act| (index, act)))
    {
        let host = &mut fleet[*index];
        for input in inputs(host, act) {
            send(host, &input, &mut totals, &mut moves);
        }
    }
    let recount: Totals = fleet.iter().map(|host| (host.plan.bucket(), 1)).collect();
    assert_eq!(totals, recount, "totals kept by moves differ from a recount");
    for host in &fleet {
        let unborn = Plan::unborn(host.plan.host_id, host.plan.campaign_id.clone());
        let stored: Vec<Event> = host.events.iter().map(as_stored).collect();
        assert_eq!(
            replay(unborn, &stored).unwrap(),
            host.plan,
            "the row is not the replay of its events"
        );
        quiesces(host);
    }
    moves
}

/// A wake settles what is due: no plan asks to be woken again at once.
fn quiesces(host: &Host) {
    let mut plan = host.plan.clone();
    for _ in 0..4 {
        let decision = decide(
            &plan,
            &Input::Woke {
                last_seen_ms: host.last_seen_ms,
            },
            &host.cx(),
        )
        .unwrap();
        plan = replay(plan, &decision.events).unwrap();
    }
    let next = waiting::next_wake(&plan, host.last_seen_ms, &host.campaign, &[]);
    assert!(next.is_none_or(|wake| wake.at_ms > host.now_ms), "{next:?} stays due");
}

proptest! {
    #![proptest_config(Config { cases: 300, ..Config::default() })]

    #[test]
    fn whatever_happens_the_invariants_hold(
        acts in proptest::collection::vec((0_usize..3, acts_with_attested_disks()), 1..150)
    ) {
        run(&acts);
    }
}

#[test]
fn every_move_of_the_table_is_made_by_decide_and_no_other() {
    let mut runner = TestRunner::deterministic();
    let acts = |len: usize| proptest::collection::vec((0_usize..3, acts()), len);
    // Short lives meet what only young hosts do, long ones what takes many rounds.
    let (short, long) = (acts(20), acts(200));
    let mut seen = BTreeSet::new();
    let table: BTreeSet<(Phase, Phase)> = TRANSITIONS
        .iter()
        .flat_map(|(from, to)| to.iter().map(|to| (*from, *to)))
        .collect();
    for round in 0..10_000 {
        let strategy = if round % 10 == 0 { &long } else { &short };
        seen.extend(run(&strategy.new_tree(&mut runner).unwrap().current()));
        if seen.len() == table.len() {
            break;
        }
    }
    let never: Vec<_> = table
        .difference(&seen)
        .map(|(from, to)| format!("{from} -> {to}"))
        .collect();
    assert!(never.is_empty(), "never made: {never:?}");
}
