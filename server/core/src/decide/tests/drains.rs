//! Hosts that another system drains before their order, and is told to release.

use std::collections::BTreeMap;

use proptest::{prelude::*, test_runner::Config};

use super::{
    acts::{acts, inputs},
    *,
};
use crate::{
    campaign::FirstCanaries,
    plan::{Drain, DrainState, DrainTurn, Hold, HoldKind},
    rollout::{is_first_place, ready_at_ms},
    samples::carrying,
    waiting::WakeKind,
};

const MINUTE: i64 = 60_000;

const DRAIN: &str = "[[drain]]\nname = \"balancer\"\nmatch = {}\nwithin = \"30m\"\nat_most = \"8h\"\n";

fn campaign() -> Campaign {
    samples::campaign(&format!(
        "recovery_target = \"2027-06-30T00:00:00-04:00\"\n{DRAIN}[policy]\ngrace = \"0s\"\nattempts = 2\n"
    ))
}

/// A host of which the turn has come, and that is to be drained.
fn asked() -> Host {
    let mut host = Host::of(campaign());
    host.look(&carrying());
    host.start();
    host
}

fn answer(host: &mut Host, drained: bool) -> Decision {
    let number = Some(host.plan.drains);
    host.send(Input::Drain(DrainWord::Answered {
        number,
        drained,
        change: Some("CHG-7".to_owned()),
        by: None,
    }))
}

fn take_release(host: &mut Host) -> Decision {
    let number = Some(host.plan.drains);
    host.send(Input::Drain(DrainWord::Released { number, by: None }))
}

fn drain(host: &Host) -> &Drain {
    host.plan.drain.as_ref().expect("it is drained, or to be")
}

fn is_releasing(host: &Host) -> bool {
    matches!(drain(host).state, DrainState::Releasing { .. })
}

fn asks(host: &Host) -> usize {
    let is_one = |effect: &&Effect| matches!(effect, Effect::AskDrain { .. });
    host.effects.iter().filter(is_one).count()
}

fn alarms(host: &Host, wanted: AlarmKind) -> usize {
    let is_one = |effect: &&Effect| matches!(effect, Effect::Alarm { kind, .. } if *kind == wanted);
    host.effects.iter().filter(is_one).count()
}

fn fail(host: &mut Host) {
    host.send(Input::OrderFetched {
        number: host.plan.highest_order,
    });
    host.report(RecordEvent::StepBegun, 0, None);
    host.report(RecordEvent::StepFailed, 0, Some(FailureCause::ToolFailed));
    host.report(RecordEvent::OrderFailed, 0, Some(FailureCause::ToolFailed));
}

#[test]
fn no_order_leaves_before_the_drain_is_answered() {
    let mut host = asked();
    assert_eq!((host.plan.phase, host.plan.order.is_none()), (Phase::Queued, true));
    assert_eq!((drain(&host).number, asks(&host)), (1, 1));
    let text = host.waiting().unwrap().text();
    assert_eq!(
        text,
        "waits for balancer to drain it, asked at 2027-01-04T09:00:00Z; by 2027-01-04T09:30:00Z it answers, or is asked again"
    );
    assert_eq!(ready_at_ms(&host.plan, &host.campaign), i64::MAX);
    let again = Input::Started {
        order_number: 2,
        epoch: 1,
    };
    assert!(host.refusal(&again).contains("balancer is asked to drain it"));

    answer(&mut host, true);
    assert_eq!(answer(&mut host, true).events, [], "the same again is no news");
    assert_eq!(host.waiting(), Some(Waiting::NextPass));
    host.start();
    assert_eq!(host.plan.phase, Phase::Migrating);
    assert_eq!(asks(&host), 1);
}

#[test]
fn a_host_that_nobody_need_drain_gets_its_order_at_once() {
    let mut host = Host::new();
    host.look(&carrying());
    host.start();
    assert_eq!(host.plan.phase, Phase::Migrating);
    assert_eq!(host.plan.drain, None);
}

#[test]
fn who_does_not_answer_is_asked_again_by_the_same_name_people_are_told_once_and_nothing_starts() {
    let mut host = asked();
    for ask in 2..5 {
        assert_eq!(host.next_wake().map(|wake| wake.kind), Some(WakeKind::Drain));
        host.wake();
        assert_eq!((drain(&host).asks, drain(&host).number), (ask, 1));
        assert_eq!(host.now_ms, START + i64::from(ask - 1) * 30 * MINUTE, "not in a storm");
    }
    assert_eq!(alarms(&host, AlarmKind::NotDrained), 1);
    let waiting = host.waiting().unwrap();
    assert_eq!(waiting.owner(), crate::plan::Owner::Operator);
    assert!(
        waiting.text().contains("has not answered in time"),
        "{}",
        waiting.text()
    );
    assert!(waiting.remedy().contains("cutover hosts drained HOST"));
    assert_eq!(host.plan.phase, Phase::Queued);
    // An answer to the first question is one to all.
    answer(&mut host, true);
    host.start();
    assert_eq!(host.plan.phase, Phase::Migrating);
}

#[test]
fn a_no_starts_nothing_is_told_at_once_and_is_asked_again() {
    let mut host = asked();
    answer(&mut host, false);
    assert_eq!(alarms(&host, AlarmKind::NotDrained), 1);
    assert!(host.waiting().unwrap().text().contains("said no, in change CHG-7"));
    host.wake();
    assert_eq!((drain(&host).asks, &drain(&host).state), (2, &DrainState::Asked));
    assert_eq!(alarms(&host, AlarmKind::NotDrained), 1);
    answer(&mut host, true);
    host.start();
    assert_eq!(host.plan.phase, Phase::Migrating);
}

#[test]
fn it_stays_drained_over_a_retry_and_is_released_once_when_it_is_migrated() {
    let mut host = asked();
    answer(&mut host, true);
    host.start();
    fail(&mut host);
    assert_eq!(host.plan.phase, Phase::Queued);
    assert!(drain(&host).is_drained(), "{}", host.told());
    host.pass(DAY).look(&carrying());
    host.send(Input::Woke {
        last_seen_ms: host.now_ms,
    });
    host.migrate();
    assert!(is_releasing(&host));
    let released = |host: &Host| host.effects.iter().filter(|it| **it == Effect::ReleaseDrained).count();
    assert_eq!((released(&host), asks(&host)), (1, 1));
    assert!(host.plan.set_on_it()[0].contains("told to release it"));
    let decision = take_release(&mut host);
    assert!(matches!(&decision.effects[..], [Effect::GiveBack { slots }] if slots.contains(&IN_FLIGHT.to_owned())));
    assert_eq!(host.plan.drain, None);
    assert_eq!(take_release(&mut host).events, [], "the same again is no news");
    assert_eq!(released(&host), 1);
}

/// What it is called, how its work ends, and why it is released.
type Case = (&'static str, fn(&mut Host), &'static str);

#[test]
fn it_is_released_too_when_its_work_fails_is_taken_back_is_held_or_the_host_is_gone() {
    let hold = || Hold {
        kind: HoldKind::Operator,
        who: "ann".into(),
        why: "wait".into(),
        until_ms: None,
    };
    let cases: [Case; 4] = [
        (
            "failed",
            |host| {
                host.start();
                fail(host);
                host.pass(DAY).look(&carrying());
                host.start();
                fail(host);
                assert_eq!(host.plan.phase, Phase::Failed, "{}", host.told());
            },
            "it is failed",
        ),
        (
            "taken back",
            |host| {
                host.start();
                host.wake();
                assert_eq!(host.plan.order, None);
            },
            "taken back before the host fetched it",
        ),
        (
            "gone",
            |host| {
                host.start_and_fetch();
                host.send(Input::Retired {
                    by: "ann".into(),
                    why: "scrapped".into(),
                });
            },
            "it is retired",
        ),
        (
            "out of scope",
            |host| {
                let known = samples::tagged("kiosk");
                host.send(Input::Described { known });
            },
            "it is out-of-scope",
        ),
    ];
    for (case, end, why) in cases {
        let mut host = asked();
        answer(&mut host, true);
        end(&mut host);
        let DrainState::Releasing { why: said } = &drain(&host).state else {
            panic!("{case}: {}", host.told());
        };
        assert!(said.contains(why), "{case}: {said}");
        take_release(&mut host);
        assert_eq!(host.plan.drain, None, "{case}");
    }
    // Held before it was drained: perhaps it is by now.
    for answered in [false, true] {
        let mut host = asked();
        if answered {
            answer(&mut host, true);
        }
        host.send(Input::HoldPlaced(hold()));
        assert!(is_releasing(&host));
        take_release(&mut host);
        host.send(Input::HoldLifted {
            kind: HoldKind::Operator,
            by: "ann".into(),
        });
        host.start();
        assert_eq!(
            (drain(&host).number, asks(&host)),
            (2, 2),
            "another drain, by another name"
        );
    }
    // With the order at work the machine must stay drained until that has ended.
    let mut host = asked();
    answer(&mut host, true);
    host.start_and_fetch();
    host.send(Input::HoldPlaced(hold()));
    assert!(drain(&host).is_drained());
    assert!(
        host.refusal(&Input::Drain(DrainWord::Released {
            number: None,
            by: Some("ann".into())
        }))
        .contains("its work order is out")
    );
    host.report(RecordEvent::OrderCancelled, 0, None);
    assert!(is_releasing(&host), "{}", host.told());
}

#[test]
fn a_release_that_is_not_taken_and_a_drain_that_lasts_are_an_alarm_also_of_a_host_that_is_gone() {
    let mut host = asked();
    answer(&mut host, true);
    host.pass(8 * HOUR).check_in();
    host.send(Input::Woke {
        last_seen_ms: host.now_ms,
    });
    assert_eq!(alarms(&host, AlarmKind::NotReleased), 1);
    host.send(Input::Retired {
        by: "ann".into(),
        why: "scrapped".into(),
    });
    assert!(is_releasing(&host));
    assert_eq!(host.next_wake().map(|wake| wake.kind), Some(WakeKind::Drain));
    host.wake();
    assert_eq!(alarms(&host, AlarmKind::NotReleased), 2);
    assert_eq!(host.next_wake(), None, "told once");
    take_release(&mut host);
    assert_eq!(host.plan.drain, None);
}

#[test]
fn a_paused_campaign_or_wave_and_hours_that_close_release_who_has_not_begun() {
    let cases: [fn(&mut Host); 3] = [
        |host| host.run = RunState::Paused,
        |host| host.turn_wave(WaveState::Paused),
        |host| {
            let windows = "[[window]]\ndays = [\"mon\"]\nfrom = \"09:00\"\nto = \"10:00\"\n";
            let windowed = samples::campaign(&format!("{windows}[policy]\ngrace = \"0s\"\n"));
            host.campaign.windows = windowed.windows;
            host.pass(4 * HOUR);
        },
    ];
    for close in cases {
        let mut host = asked();
        answer(&mut host, true);
        close(&mut host);
        host.check_in();
        assert!(is_releasing(&host), "{}", host.told());
    }
}

#[test]
fn what_comes_late_or_of_another_drain_is_no_news_and_a_person_is_told_so() {
    let mut host = asked();
    let word = |number, by: Option<&str>| {
        Input::Drain(DrainWord::Answered {
            number,
            drained: true,
            change: None,
            by: by.map(Into::into),
        })
    };
    assert_eq!(host.send(word(Some(7), None)).events, []);
    assert!(host.refusal(&word(Some(7), Some("ann"))).contains("an earlier drain"));
    host.send(Input::Retired {
        by: "ann".into(),
        why: "scrapped".into(),
    });
    assert_eq!(host.send(word(Some(1), None)).events, []);
    assert!(host.refusal(&word(None, Some("ann"))).contains("being released"));
    take_release(&mut host);
    assert!(host.refusal(&word(None, Some("ann"))).contains("nobody was asked"));
}

/// What a host holds of what is limited, by what decisions took and gave back.
fn settle(held: &mut BTreeMap<String, i64>, decision: &Decision) {
    let mut add = |names: Vec<&String>, by: i64| {
        for name in names {
            *held.entry(name.clone()).or_default() += by;
        }
    };
    for effect in &decision.effects {
        match effect {
            Effect::IssueOrder { slots, .. } | Effect::AskDrain { slots } => {
                add(slots.iter().map(|slot| &slot.name).collect(), 1);
            }
            Effect::WithdrawOrder { slots, .. } | Effect::FreeSlots { slots, .. } | Effect::GiveBack { slots } => {
                add(slots.iter().collect(), -1);
            }
            Effect::RecipesSucceeded { places, .. } => add(places.iter().collect(), -1),
            Effect::CancelOrder { .. }
            | Effect::ReleaseDrained
            | Effect::WantLook
            | Effect::Nudge
            | Effect::Alarm { .. } => {}
        }
    }
    held.retain(|_, count| *count != 0);
}

fn holds(plan: &Plan) -> BTreeMap<String, i64> {
    let of_order = plan.order.iter().flat_map(|order| &order.slots);
    let all = of_order
        .filter(|slot| !is_first_place(slot))
        .chain(plan.drain.iter().flat_map(|drain| &drain.slots))
        .chain(&plan.first_places)
        .chain(&plan.kept_places);
    let mut held = BTreeMap::new();
    for name in all {
        *held.entry(name.clone()).or_default() += 1;
    }
    held
}

fn check(host: &Host, before: &Plan, decision: &Decision, held: &BTreeMap<String, i64>) {
    let plan = &host.plan;
    for effect in &decision.effects {
        if matches!(effect, Effect::IssueOrder { .. }) {
            assert!(
                before.drain.as_ref().is_some_and(Drain::is_drained),
                "undrained\n{}",
                host.told()
            );
        }
    }
    assert_eq!(
        *held,
        holds(plan),
        "taken and given back do not add up\n{}",
        host.told()
    );
    assert!(held.values().all(|count| *count == 1), "held twice: {held:?}");
    assert!(
        plan.order.is_none() || plan.drain.as_ref().is_some_and(Drain::is_drained),
        "at work and not drained\n{}",
        host.told()
    );
    let may_stay = plan.order.is_some() || matches!(plan.phase, Phase::Queued | Phase::Verifying);
    let is_open = |drain: &Drain| !matches!(drain.state, DrainState::Releasing { .. });
    assert!(may_stay || !plan.drain.as_ref().is_some_and(is_open), "{}", host.told());
    let turns = host.events.iter().filter_map(|event| {
        if let Fact::DrainTurned { turn } = &event.fact {
            return Some(turn);
        }
        None
    });
    let mut is_out = false;
    for turn in turns {
        match turn {
            DrainTurn::Asked { ask: 1, .. } => assert!(!std::mem::replace(&mut is_out, true), "{}", host.told()),
            DrainTurn::Released { .. } => assert!(std::mem::replace(&mut is_out, false), "{}", host.told()),
            DrainTurn::Asked { .. } | DrainTurn::Answered { .. } | DrainTurn::Overdue | DrainTurn::Releasing { .. } => {
            }
        }
    }
    assert_eq!(is_out, plan.drain.is_some());
}

/// Sends an input and checks what must hold whatever it was.
fn take(host: &mut Host, input: &Input, held: &mut BTreeMap<String, i64>) {
    let before = host.plan.clone();
    if let Ok(decision) = host.try_send(input) {
        settle(held, &decision);
        check(host, &before, &decision, held);
    }
}

proptest! {
    #![proptest_config(Config { cases: 200, ..Config::default() })]

    #[test]
    fn whatever_happens_no_host_works_undrained_and_what_it_takes_it_gives_back_once(
        rows in proptest::collection::vec((acts(), 0_u8..8), 1..60), goes_first in any::<bool>()
    ) {
        let mut host = Host::of(campaign());
        if goes_first {
            host.campaign.policy.first_canaries = FirstCanaries::Unproven;
        }
        let mut held = BTreeMap::new();
        for (row, word) in rows {
            for act in &row {
                for input in inputs(&mut host, act) {
                    take(&mut host, &input, &mut held);
                }
            }
            let answered = Input::Drain(DrainWord::Answered { number: None, drained: word > 0, change: None, by: None });
            let number = host.plan.highest_order + 1;
            let said = match word {
                0..=2 => vec![answered],
                // So that singles meet hosts at work, too.
                3..=5 => vec![
                    answered,
                    Input::Started { order_number: number, epoch: 1 },
                    Input::OrderFetched { number },
                ],
                6 => vec![Input::Drain(DrainWord::Released { number: None, by: Some("ann".into()) })],
                _ => vec![Input::Drain(DrainWord::Released { number: Some(host.plan.drains), by: None })],
            };
            for input in &said {
                take(&mut host, input, &mut held);
            }
        }
        let stored: Vec<Event> = host.events.iter().map(|event| {
            serde_json::from_str(&serde_json::to_string(event).unwrap()).unwrap()
        }).collect();
        let unborn = Plan::unborn(host.plan.host_id, host.plan.campaign_id.clone());
        let replayed = replay(unborn, &stored).unwrap();
        prop_assert_eq!(&replayed, &host.plan);
        let row: Plan = serde_json::from_str(&serde_json::to_string(&replayed).unwrap()).unwrap();
        prop_assert_eq!(row, replayed);
    }
}
