//! How far waves have come: what halts one by what its hosts came to, how far its gate is, and what opens by gates.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::{
    Breaker, BreakerState, Breakers, Cause, ExternalAsked, Gate, GateFacts, GateVerdict, Left, NotYet, Tally,
    WaveState, Waves,
};
use crate::{
    campaign::{Campaign, Mode, Opens, Wave},
    plan::{Personal, Phase},
};

/// How far a wave's gate has come, in one round of its breaker.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct GateCourse {
    /// The round.
    pub round: u32,
    /// Since when it has its sample.
    #[serde(default)]
    pub sample_since_ms: Option<i64>,
    /// Who approved, by the role that it asks for.
    #[serde(default)]
    pub approved: Option<Personal>,
    /// The gate outside, once it was asked.
    #[serde(default)]
    pub external: Option<ExternalAsked>,
    /// When it held first. What opened by it stays open.
    #[serde(default)]
    pub passed_ms: Option<i64>,
}

impl GateCourse {
    /// What the gate says now.
    #[must_use]
    pub fn verdict(&self, gate: &Gate, tally: &Tally, left: Left, now_ms: i64) -> GateVerdict {
        gate.verdict(&GateFacts {
            tally,
            left,
            sample_since_ms: self.sample_since_ms,
            is_approved: self.approved.is_some(),
            external: self.external.as_ref(),
            now_ms,
        })
    }

    /// How far it is after it was asked: since when it has its sample, that it held, or that the gate outside is asked.
    #[must_use]
    pub fn asked(&self, gate: &Gate, tally: &Tally, left: Left, now_ms: i64) -> Self {
        let mut next = self.clone();
        if !gate.has_sample(tally) {
            next.sample_since_ms = None;
        } else if next.sample_since_ms.is_none() {
            next.sample_since_ms = Some(now_ms);
        }
        match next.verdict(gate, tally, left, now_ms) {
            GateVerdict::Holds => {
                next.passed_ms.get_or_insert(now_ms);
            }
            GateVerdict::NotYet(NotYet::ExternalUnasked { .. }) => {
                next.external = Some(ExternalAsked {
                    at_ms: now_ms,
                    answer: None,
                    is_overdue_told: false,
                });
            }
            GateVerdict::NotYet(NotYet::ExternalOutOfTime { .. }) => {
                if let Some(asked) = &mut next.external {
                    asked.is_overdue_told = true;
                }
            }
            GateVerdict::NotYet(_) | GateVerdict::Breached(_) => {}
        }
        next
    }
}

/// How far the gates of a campaign's waves have come.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Gates(BTreeMap<String, GateCourse>);

impl Gates {
    /// That of a wave in a round. What was reached in an earlier round counts no longer.
    #[must_use]
    pub fn of(&self, wave: &str, round: u32) -> GateCourse {
        let known = self.0.get(wave).filter(|it| it.round == round);
        known.cloned().unwrap_or_else(|| GateCourse {
            round,
            ..GateCourse::default()
        })
    }

    /// Under which number another system answered for a wave last, in whichever round.
    #[must_use]
    pub fn last_change(&self, wave: &str) -> Option<&str> {
        let asked = self.0.get(wave)?.external.as_ref()?;
        asked.answer.as_ref().map(|answer| answer.change.as_str())
    }

    /// Sets how far a wave's gate has come.
    pub fn set(&mut self, wave: &str, course: GateCourse) {
        self.0.insert(wave.to_owned(), course);
    }

    /// Whether none has begun.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

/// How many hosts of a wave go first, while no other may start: in its first round, before so many have succeeded.
#[must_use]
pub(super) fn canaries(breaker: &Breaker, wave: Option<&Wave>, tally: &Tally) -> Option<u32> {
    let canaries = wave.map_or(0, |wave| wave.canaries);
    let is_first = breaker.round == 0 && breaker.state == BreakerState::Working;
    (is_first && tally.succeeded < canaries).then_some(canaries)
}

/// The breaker of a wave after what its hosts came to, where that turns it. Canaries must all succeed.
#[must_use]
fn judged(breaker: &Breaker, wave: &Wave, tally: &Tally, left: Left, now_ms: i64) -> Option<Breaker> {
    if canaries(breaker, Some(wave), tally).is_some() && tally.against() > 0 {
        let cause = Cause::Failures {
            failed: tally.against(),
            most: 0,
        };
        return Some(breaker.tripped(cause, now_ms));
    }
    breaker.judged(wave.gate.as_ref(), tally, left, now_ms)
}

/// What one judging of a wave turns.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Turned {
    /// Its breaker.
    Breaker(Breaker),
    /// How far its gate is.
    Gate(GateCourse),
}

/// What a wave's hosts came to turns its breaker, or brings its gate further; `None` where it does neither. A wave that
/// halts is not asked for its gate.
#[must_use]
pub fn turned(wave: &Wave, breaker: &Breaker, gates: &Gates, tally: &Tally, left: Left, now_ms: i64) -> Option<Turned> {
    if let Some(next) = judged(breaker, wave, tally, left, now_ms) {
        return Some(Turned::Breaker(next));
    }
    let before = gates.of(&wave.name, breaker.round);
    let next = before.asked(wave.gate.as_ref()?, tally, left, now_ms);
    (next != before).then_some(Turned::Gate(next))
}

/// Whether a host in this phase may still start, for [`Left`]. Never too few: a wave is called out of reach rather late than
/// wrongly.
#[must_use]
pub const fn may_start(phase: Phase) -> bool {
    matches!(
        phase,
        Phase::Unassessed
            | Phase::Unplanned
            | Phase::Planned
            | Phase::Queued
            | Phase::Blocked
            | Phase::Handwork
            | Phase::Failed
    )
}

/// Closed waves that open by gate, where every wave that they come after has come through its own and is not halted since.
#[must_use]
pub fn openings<'a>(campaign: &'a Campaign, waves: &Waves, breakers: &Breakers, gates: &Gates) -> Vec<&'a str> {
    if campaign.mode == Mode::Observe {
        return Vec::new();
    }
    let is_through = |name: &String| {
        let breaker = breakers.of(name);
        breaker.state == BreakerState::Working && gates.of(name, breaker.round).passed_ms.is_some()
    };
    let by_gate = campaign.waves.iter().filter(|wave| wave.opens == Opens::ByGate);
    by_gate
        .filter(|wave| waves.state(&wave.name) == WaveState::Closed && wave.after.iter().all(is_through))
        .map(|wave| wave.name.as_str())
        .collect()
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::{
        rollout::{ExternalAnswer, ExternalGate, Outcome},
        samples,
    };

    const NOW_MS: i64 = 1_799_053_200_000;
    const LEFT: Left = Left { untried: 10, again: 0 };

    fn tally(succeeded: u32, failed: u32) -> Tally {
        let mut tally = Tally::default();
        tally.add(Outcome::Succeeded, succeeded);
        tally.add(Outcome::Failed, failed);
        tally
    }

    /// Two waves; the second opens by the first one's gate.
    fn campaign() -> Campaign {
        let mut campaign = samples::campaign("");
        campaign.waves[0].gate = Some(Gate {
            least: 1,
            ..Gate::default()
        });
        campaign.waves.push(Wave {
            opens: Opens::ByGate,
            after: vec!["all".to_owned()],
            ..Wave::everybody("next")
        });
        campaign
    }

    #[test]
    fn a_wave_opens_once_those_before_it_came_through_and_not_while_one_is_halted_since() {
        let campaign = campaign();
        let waves = Waves::from([("all", WaveState::Open)]);
        let (mut breakers, mut gates) = (Breakers::default(), Gates::default());
        assert!(openings(&campaign, &waves, &breakers, &gates).is_empty());
        let gate = campaign.waves[0].gate.as_ref().unwrap();
        let course = gates.of("all", 0).asked(gate, &tally(1, 0), LEFT, NOW_MS);
        gates.set("all", course);
        assert_eq!(openings(&campaign, &waves, &breakers, &gates), ["next"]);

        let tripped = Breaker::default().tripped(Cause::NotBack { hosts: 2 }, NOW_MS);
        breakers.set("all", tripped.clone());
        assert!(openings(&campaign, &waves, &breakers, &gates).is_empty());
        let somebody = || Personal::of_digest(&"ab".repeat(32)).unwrap();
        let half = tripped.reset("mended", somebody(), somebody(), 1, NOW_MS).unwrap();
        breakers.set("all", half);
        let course = gates.of("all", 1).asked(gate, &tally(1, 0), LEFT, NOW_MS);
        gates.set("all", course);
        assert!(
            openings(&campaign, &waves, &breakers, &gates).is_empty(),
            "half open is not whole"
        );

        let mut observing = campaign.clone();
        observing.mode = Mode::Observe;
        assert!(openings(&observing, &waves, &Breakers::default(), &gates).is_empty());
        let both = Waves::from([("all", WaveState::Open), ("next", WaveState::Paused)]);
        breakers.set(
            "all",
            Breaker {
                round: 1,
                ..Breaker::default()
            },
        );
        assert!(
            openings(&campaign, &both, &breakers, &gates).is_empty(),
            "somebody paused it"
        );
        assert_eq!(openings(&campaign, &waves, &breakers, &gates), ["next"]);
    }

    #[test]
    fn who_may_still_start_is_whoever_has_not_begun_and_is_not_let_off() {
        let may: Vec<Phase> = Phase::ALL.iter().copied().filter(|phase| may_start(*phase)).collect();
        assert_eq!(
            may,
            [
                Phase::Unassessed,
                Phase::Unplanned,
                Phase::Planned,
                Phase::Queued,
                Phase::Blocked,
                Phase::Handwork,
                Phase::Failed
            ]
        );
    }

    #[test]
    fn what_a_gate_outside_answered_last_is_known_in_whichever_round_and_nothing_before() {
        let mut gates = Gates::default();
        assert!(gates.is_empty());
        assert_eq!(gates.last_change("all"), None);
        let mut course = GateCourse {
            round: 3,
            ..GateCourse::default()
        };
        gates.set("all", course.clone());
        assert!(!gates.is_empty());
        assert_eq!(gates.last_change("all"), None, "it was not asked");
        course.external = Some(ExternalAsked {
            at_ms: NOW_MS,
            answer: Some(ExternalAnswer {
                granted: false,
                change: "CHG-7".to_owned(),
                at_ms: NOW_MS,
            }),
            is_overdue_told: false,
        });
        gates.set("all", course);
        assert_eq!(gates.last_change("all"), Some("CHG-7"));
        assert_eq!(gates.last_change("next"), None);
    }

    #[test]
    fn a_new_round_asks_everything_anew() {
        let mut gates = Gates::default();
        let before = GateCourse {
            sample_since_ms: Some(1),
            passed_ms: Some(2),
            ..GateCourse::default()
        };
        gates.set("all", before.clone());
        assert_eq!(gates.of("all", 0), before);
        let anew = GateCourse {
            round: 1,
            ..GateCourse::default()
        };
        assert_eq!(gates.of("all", 1), anew);
    }

    #[test]
    fn the_gate_outside_is_asked_once_and_last_and_what_it_grants_passes() {
        let gate = Gate {
            least: 2,
            external: Some(ExternalGate {
                name: "change board".to_owned(),
                within: Duration::from_secs(60),
                url: None,
            }),
            ..Gate::default()
        };
        let early = GateCourse::default().asked(&gate, &tally(1, 0), LEFT, NOW_MS);
        assert_eq!(early, GateCourse::default(), "the sample comes first");
        let lost = GateCourse {
            sample_since_ms: Some(1),
            ..GateCourse::default()
        };
        let lost = lost.asked(&gate, &tally(1, 0), LEFT, NOW_MS);
        assert_eq!(lost.sample_since_ms, None, "a sample that is lost soaks anew");
        let asked = early.asked(&gate, &tally(2, 0), LEFT, NOW_MS);
        assert_eq!(asked.sample_since_ms, Some(NOW_MS));
        assert_eq!(asked.external.as_ref().unwrap().at_ms, NOW_MS);
        assert_eq!(
            asked.asked(&gate, &tally(2, 0), LEFT, NOW_MS + 1),
            asked,
            "it is asked once"
        );
        let late = asked.asked(&gate, &tally(2, 0), LEFT, NOW_MS + 60_001);
        assert!(
            late.external.as_ref().unwrap().is_overdue_told,
            "no answer in time is told"
        );
        assert_eq!(late.asked(&gate, &tally(2, 0), LEFT, NOW_MS + 60_002), late, "and once");
        assert_eq!(late.passed_ms, None);
        let mut answered = asked;
        answered.external.as_mut().unwrap().answer = Some(ExternalAnswer {
            granted: true,
            change: "CHG-7".to_owned(),
            at_ms: NOW_MS + 1,
        });
        let passed = answered.asked(&gate, &tally(2, 0), LEFT, NOW_MS + 2);
        assert_eq!(passed.passed_ms, Some(NOW_MS + 2));
        assert_eq!(
            passed.asked(&gate, &tally(2, 0), LEFT, NOW_MS + 3),
            passed,
            "the first time counts"
        );
    }

    #[test]
    fn one_canary_that_does_not_succeed_halts_its_wave_and_later_ones_only_by_a_gate() {
        let wave = Wave {
            canaries: 2,
            ..Wave::everybody("all")
        };
        let working = Breaker::default();
        let trips = |breaker: &Breaker, tally: &Tally| judged(breaker, &wave, tally, LEFT, NOW_MS).is_some();
        assert!(!trips(&working, &tally(1, 0)));
        assert!(trips(&working, &tally(1, 1)));
        assert!(!trips(&working, &tally(2, 1)), "the canaries are through");
        let again = Breaker {
            round: 1,
            ..Breaker::default()
        };
        assert!(!trips(&again, &tally(0, 1)), "a reset has its own first ones");
    }
}
