use proptest::prelude::*;

use super::*;
use crate::rollout::{GateInFile, Outcome, Rate};

const NOW_MS: i64 = 1_799_053_200_000;

fn gate(text: &str) -> Gate {
    let file: GateInFile = toml::from_str(text).unwrap();
    Gate::from_file(file).unwrap()
}

fn personal() -> Personal {
    Personal::of_digest(&"ab".repeat(32)).unwrap()
}

fn many() -> Left {
    Left {
        untried: 10_000,
        again: 0,
    }
}

fn tally(succeeded: u32, failed: u32) -> Tally {
    Tally {
        succeeded,
        failed,
        ..Tally::default()
    }
}

fn tripped() -> Breaker {
    let tally = Tally {
        not_back: 2,
        ..Tally::default()
    };
    Breaker::default().judged(None, &tally, many(), NOW_MS).unwrap()
}

fn half_open(allowed: u32) -> Breaker {
    tripped()
        .reset(
            "the power supplies were replaced",
            personal(),
            personal(),
            allowed,
            NOW_MS,
        )
        .unwrap()
}

#[test]
fn the_second_host_that_does_not_come_back_from_a_restart_halts_its_wave_with_or_without_a_gate() {
    let lax = gate("success = \"50 %\"\nconfidence = \"50 %\"\nmost_dark = 100");
    for gate in [None, Some(&lax)] {
        let of = |not_back| {
            let tally = Tally {
                succeeded: 500,
                not_back,
                ..Tally::default()
            };
            Breaker::default().judged(gate, &tally, many(), NOW_MS)
        };
        assert_eq!(of(1), None);
        let BreakerState::Tripped(trip) = of(2).unwrap().state else {
            panic!()
        };
        assert_eq!(
            (trip.cause, trip.owner),
            (Cause::NotBack { hosts: 2 }, Owner::Technician)
        );
        assert!(trip.cause.text().contains("2 hosts did not come back"));
    }
}

#[test]
fn the_second_host_that_gets_another_file_than_its_order_states_halts_its_wave_and_names_the_catalog() {
    let of = |unfit| {
        let tally = Tally {
            succeeded: 500,
            unfit,
            ..Tally::default()
        };
        Breaker::default().judged(None, &tally, many(), NOW_MS)
    };
    assert_eq!(of(1), None);
    let BreakerState::Tripped(trip) = of(2).unwrap().state else {
        panic!()
    };
    assert_eq!((trip.cause, trip.owner), (Cause::Unfit { hosts: 2 }, Owner::Catalog));
    assert!(
        trip.cause.text().contains("a file of the campaign's") && trip.cause.remedy().contains("cutover artifact add")
    );
}

#[test]
fn a_sample_that_shows_that_too_few_succeed_halts_the_wave_long_before_its_end() {
    let gate = gate("success = \"90 %\"\nconfidence = \"95 %\"");
    let of = |tally: &Tally| breach(Some(&gate), tally, many());
    assert_eq!(of(&tally(45, 5)), None);
    assert_eq!(of(&tally(20, 5)), None);
    assert_eq!(
        of(&tally(20, 10)),
        Some(Cause::ShownBelow {
            succeeded: 20,
            settled: 30,
            success: Rate::of_million(900_000),
            confidence: Rate::of_million(950_000),
        })
    );
}

#[test]
fn failures_that_will_be_tried_again_put_nothing_out_of_reach() {
    let gate = gate("success = \"80 %\"\nconfidence = \"99.9 %\"");
    let of = |again| breach(Some(&gate), &tally(7, 3), Left { untried: 0, again });
    assert!(matches!(
        of(0),
        Some(Cause::OutOfReach {
            against: 3,
            hosts: 10,
            ..
        })
    ));
    assert_eq!(of(1), None);
}

#[test]
fn a_reset_needs_a_breaker_that_tripped_a_reason_and_a_host_to_try() {
    let reset = |breaker: &Breaker, said: &str, allowed| breaker.reset(said, personal(), personal(), allowed, NOW_MS);
    assert_eq!(reset(&Breaker::default(), "why", FEW), Err(ResetRefused::NotTripped));
    assert_eq!(reset(&half_open(FEW), "why", FEW), Err(ResetRefused::NotTripped));
    assert_eq!(reset(&tripped(), " \n", FEW), Err(ResetRefused::NoReason));
    assert_eq!(reset(&tripped(), "why", 0), Err(ResetRefused::NoHosts));
    let open = reset(&tripped(), "why", FEW).unwrap();
    assert_eq!((open.round, open.room(&Tally::default())), (1, FEW));
}

#[test]
fn a_half_open_breaker_closes_when_its_few_hosts_succeeded_and_trips_at_the_first_that_did_not() {
    let half = half_open(3);
    let judged = |tally: &Tally, left| half.judged(None, tally, left, NOW_MS).map(|breaker| breaker.state);
    assert_eq!(judged(&Tally::default(), many()), None);
    assert_eq!(judged(&tally(2, 0), many()), None);
    assert_eq!(judged(&tally(3, 0), many()), Some(BreakerState::Working));
    for bad in [Outcome::Failed, Outcome::Dark, Outcome::NotBack] {
        let mut tally = tally(2, 0);
        tally.add(bad, 1);
        assert!(matches!(
            judged(&tally, many()),
            Some(BreakerState::Tripped(Trip {
                cause: Cause::HalfOpen { .. },
                ..
            }))
        ));
        assert_eq!(half.room(&tally), 0, "before it is judged, too");
    }
    // Fewer are left than it would let through: those that are must do.
    let none = Left::default();
    assert_eq!(judged(&tally(2, 0), none), Some(BreakerState::Working));
    assert_eq!(
        judged(
            &Tally {
                under_way: 1,
                ..tally(1, 0)
            },
            none
        ),
        None
    );
    assert_eq!(judged(&Tally::default(), none), None);
}

#[test]
fn a_breaker_reads_as_it_was_stored() {
    for breaker in [Breaker::default(), tripped(), half_open(4)] {
        let text = serde_json::to_string(&breaker).unwrap();
        assert_eq!(serde_json::from_str::<Breaker>(&text).unwrap(), breaker, "{text}");
    }
    assert_eq!(
        serde_json::to_string(&tripped()).unwrap(),
        r#"{"round":0,"state":{"state":"tripped","cause":{"kind":"not-back","hosts":2},"owner":"technician","at_ms":1799053200000}}"#
    );
}

#[derive(Debug, Clone, Copy)]
enum Step {
    /// The rollout starts up to so many.
    Start(u32),
    /// The `nth` host that is under way comes to something.
    Settle(usize, Outcome),
    /// Somebody resets, with a reason or without.
    Reset { allowed: u32, with_reason: bool },
}

fn step() -> impl Strategy<Value = Step> {
    let outcome = prop_oneof![
        6 => Just(Outcome::Succeeded),
        2 => Just(Outcome::Failed),
        1 => Just(Outcome::Dark),
        1 => Just(Outcome::NotBack),
    ];
    prop_oneof![
        1 => (1_u32..6).prop_map(Step::Start),
        3 => (any::<usize>(), outcome).prop_map(|(nth, outcome)| Step::Settle(nth, outcome)),
        1 => (0_u32..5, any::<bool>()).prop_map(|(allowed, with_reason)| Step::Reset { allowed, with_reason }),
    ]
}

/// What the wave is known to be by one who keeps every host and its round, and says only what must be.
#[derive(Default)]
struct Model {
    /// Round and outcome of every host that began.
    hosts: Vec<(u32, Outcome)>,
    round: u32,
    is_halted: bool,
    /// So many may begin in the round, where it is half open.
    few: Option<u32>,
}

impl Model {
    fn of_round(&self, is: impl Fn(Outcome) -> bool) -> u32 {
        let hosts = self
            .hosts
            .iter()
            .filter(|(round, outcome)| *round == self.round && is(*outcome));
        u32::try_from(hosts.count()).unwrap()
    }

    fn tally(&self) -> Tally {
        let mut tally = Tally::default();
        for (_, outcome) in self.hosts.iter().filter(|(round, _)| *round == self.round) {
            tally.add(*outcome, 1);
        }
        tally
    }

    /// Called after each change: the rules, in another shape than the breaker's.
    fn judge(&mut self) {
        let bad = self.of_round(Outcome::is_against);
        let not_back = self.of_round(|outcome| outcome == Outcome::NotBack);
        let failed = self.of_round(|outcome| outcome == Outcome::Failed);
        match self.few {
            _ if self.is_halted => {}
            Some(_) if bad > 0 => (self.is_halted, self.few) = (true, None),
            Some(few) if self.of_round(|outcome| outcome == Outcome::Succeeded) >= few => self.few = None,
            Some(_) => {}
            None => self.is_halted = not_back >= 2 || failed > 3,
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(1000))]

    #[test]
    fn after_a_trip_nothing_starts_until_a_reset_with_a_reason_and_then_only_a_few(
        steps in proptest::collection::vec(step(), 0..120)
    ) {
        let gate = gate("most_failures = 3");
        let (mut breaker, mut model) = (Breaker::default(), Model::default());
        for step in steps {
            match step {
                Step::Start(wanted) => {
                    let starts = wanted.min(breaker.room(&model.tally()));
                    model.hosts.extend((0..starts).map(|_| (breaker.round, Outcome::UnderWay)));
                    prop_assert!(starts == 0 || !model.is_halted, "started after a trip");
                    prop_assert!(model.few.is_none_or(|few| model.of_round(|_| true) <= few), "more than a few");
                    prop_assert!(model.is_halted || model.few.is_some() || starts == wanted, "held up for nothing");
                }
                Step::Settle(nth, outcome) => {
                    let mut under_way: Vec<_> =
                        model.hosts.iter_mut().filter(|(_, outcome)| *outcome == Outcome::UnderWay).collect();
                    if !under_way.is_empty() {
                        let nth = nth % under_way.len();
                        under_way[nth].1 = outcome;
                    }
                    model.judge();
                }
                Step::Reset { allowed, with_reason } => {
                    let said = if with_reason { "the mirror was down" } else { "  " };
                    let reset = breaker.reset(said, personal(), personal(), allowed, NOW_MS);
                    prop_assert_eq!(reset.is_ok(), model.is_halted && with_reason && allowed > 0);
                    if let Ok(next) = reset {
                        prop_assert_eq!(next.round, breaker.round + 1);
                        breaker = next;
                        (model.round, model.is_halted, model.few) = (breaker.round, false, Some(allowed));
                    }
                }
            }
            if let Some(next) = breaker.judged(Some(&gate), &model.tally(), many(), NOW_MS) {
                prop_assert_eq!(next.round, breaker.round);
                prop_assert_ne!(&next.state, &breaker.state);
                breaker = next;
            }
            prop_assert_eq!(matches!(breaker.state, BreakerState::Tripped(_)), model.is_halted);
            prop_assert_eq!(matches!(breaker.state, BreakerState::HalfOpen(_)), model.few.is_some());
        }
    }
}

#[test]
fn one_failure_of_the_few_that_a_reset_lets_through_leaves_no_room_for_the_others() {
    let half = half_open(5);
    assert_eq!(half.room(&tally(1, 0)), 4);
    assert_eq!(half.room(&tally(0, 1)), 0);
}
