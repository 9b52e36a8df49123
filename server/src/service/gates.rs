//! Whether waves were good enough: breakers halt them, gates let the next ones open.

use std::collections::BTreeMap;

use cutover_core::{
    campaign::{Wave, zone::utc},
    plan::Phase,
    rollout::{
        Breaker, BreakerState, ExternalAnswer, ExternalAsked, FEW, GateVerdict, Left, RunState, Tally, Turned,
        WaveState, may_start, openings, turned,
    },
};
use serde::{Deserialize, Serialize};

use super::{
    Caller, Service, ServiceError,
    access::Role,
    campaign::{InForce, Pass},
    plan_edit::unsigned,
};
use crate::store::{Reader, StreamName, WriteTx, tallies, totals};

/// A breaker's reset.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ResetWave {
    /// What the cause was, and why it is gone.
    pub why: String,
    /// How many hosts are let through first.
    #[serde(default)]
    pub first: Option<u32>,
    /// Only say what would happen.
    #[serde(default)]
    pub dry_run: bool,
}

/// What a person, or a system outside, says at a wave's gate.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AnswerGate {
    /// Whether the next wave may open.
    pub granted: bool,
    /// The change's number, where a system outside answers: then its answer is the external gate's. Without it, the one who
    /// asks approves by role.
    #[serde(default)]
    pub change: Option<String>,
    /// Only say what would happen.
    #[serde(default)]
    pub dry_run: bool,
}

/// How many hosts of each wave may still start.
#[derive(Debug, Default)]
pub(super) struct Waiting(BTreeMap<String, u64>);

impl Service {
    /// Judges the waves that were begun, and opens those that come after gates that hold; says how many changed.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn judge_waves(&self) -> Result<usize, ServiceError> {
        let service = self.clone();
        let is_due = self
            .0
            .store
            .read(move |tx| {
                let in_force = service.in_force(tx)?;
                service.waves_turn(tx, &in_force)
            })
            .await?;
        if !is_due {
            return Ok(0);
        }
        let service = self.clone();
        self.0.store.write(move |tx| service.judge_in(tx)).await
    }

    /// Whether anything turns, or opens.
    pub(super) fn waves_turn(&self, db: &mut impl Reader, in_force: &InForce) -> Result<bool, ServiceError> {
        Ok(!self.turns(db, in_force)?.is_empty() || !due(in_force).is_empty())
    }

    /// What the waves' hosts came to turns of breakers and gates.
    fn turns(&self, db: &mut impl Reader, in_force: &InForce) -> Result<Vec<(String, Turned)>, ServiceError> {
        if in_force.run == RunState::Closed {
            return Ok(Vec::new());
        }
        let progress = &in_force.progress;
        let begun = |wave: &&Wave| progress.waves.state(&wave.name) != WaveState::Closed;
        let begun: Vec<&Wave> = in_force.campaign.waves.iter().filter(begun).collect();
        let asks = |wave: &&Wave| {
            wave.gate.is_some() || matches!(progress.breakers.of(&wave.name).state, BreakerState::HalfOpen(_))
        };
        // Where neither a gate nor a reset asks for them, nobody is counted who waits.
        let waiting = if begun.iter().any(asks) {
            self.waiting(db)?
        } else {
            Waiting::default()
        };
        let now_ms = self.now_ms();
        let mut all = Vec::new();
        for wave in begun {
            let (tally, left) = self.sample(db, in_force, &wave.name, &waiting)?;
            let breaker = progress.breakers.of(&wave.name);
            let next = turned(wave, breaker, &progress.gates, &tally, left, now_ms);
            all.extend(next.map(|next| (wave.name.clone(), next)));
        }
        Ok(all)
    }

    /// How many hosts of each wave may still start, by the phases that totals count.
    pub(super) fn waiting(&self, db: &mut impl Reader) -> Result<Waiting, ServiceError> {
        let mut waiting = Waiting::default();
        for total in totals::list(db, self.campaign_id().as_str())? {
            if Phase::parse(&total.bucket.phase).is_ok_and(may_start) {
                *waiting.0.entry(total.bucket.wave).or_default() += unsigned(total.hosts);
            }
        }
        Ok(waiting)
    }

    /// What a wave's hosts came to in the present round, and how many may still come to something.
    fn sample(
        &self,
        db: &mut impl Reader,
        in_force: &InForce,
        wave: &str,
        waiting: &Waiting,
    ) -> Result<(Tally, Left), ServiceError> {
        let round = in_force.progress.breakers.round(wave);
        let tally = tallies::of_wave(db, self.campaign_id().as_str(), wave, round)?;
        let waiting = waiting.0.get(wave).copied().unwrap_or_default();
        let waiting = u32::try_from(waiting).unwrap_or(u32::MAX);
        let left = Left {
            untried: waiting,
            again: waiting.min(tally.against()),
        };
        Ok((tally, left))
    }

    /// Why a wave is halted, who goes first, or what its gate waits for.
    pub(super) fn wave_note(
        &self,
        db: &mut impl Reader,
        in_force: &InForce,
        wave: &str,
        waiting: &Waiting,
    ) -> Result<String, ServiceError> {
        if in_force.progress.waves.state(wave) == WaveState::Closed {
            return Ok(String::new());
        }
        let breaker = in_force.progress.breakers.of(wave);
        if let BreakerState::Tripped(trip) = &breaker.state {
            let since = utc(trip.at_ms);
            let (why, remedy) = (trip.cause.text(), trip.cause.remedy());
            return Ok(format!(
                "halted since {since}: {why}; {} must act: {remedy}",
                trip.owner
            ));
        }
        let (tally, left) = self.sample(db, in_force, wave, waiting)?;
        if let BreakerState::HalfOpen(half) = &breaker.state {
            return Ok(format!("{} hosts go first, {} have begun", half.allowed, tally.begun()));
        }
        let Some(gate) = in_force.campaign.wave(wave).and_then(|wave| wave.gate.as_ref()) else {
            return Ok(String::new());
        };
        let course = in_force.progress.gates.of(wave, breaker.round);
        if let Some(passed_ms) = course.passed_ms {
            return Ok(format!("its gate holds since {}", utc(passed_ms)));
        }
        Ok(match course.verdict(gate, &tally, left, self.now_ms()) {
            GateVerdict::Holds => "its gate holds".to_owned(),
            GateVerdict::NotYet(not_yet) => format!("its gate: {}", not_yet.text()),
            GateVerdict::Breached(cause) => cause.text(),
        })
    }

    fn judge_in(&self, tx: &mut WriteTx<'_>) -> Result<usize, ServiceError> {
        let mut in_force = self.in_force(tx)?;
        let mut count = 0;
        for (wave, turned) in self.turns(tx, &in_force)? {
            let event = match turned {
                Turned::Breaker(breaker) => {
                    let body = breaker_event(&wave, &breaker);
                    if let BreakerState::Tripped(trip) = &breaker.state {
                        tracing::warn!(wave, cause = trip.cause.text(), owner = %trip.owner, "a wave is halted");
                        tx.after_commit("alarm:wave-halted");
                    }
                    in_force.progress.breakers.set(&wave, breaker);
                    Some(("breaker-turned", body))
                }
                Turned::Gate(course) => {
                    let holds = course.passed_ms.is_some();
                    let asks = course.external.is_some();
                    let before = in_force.progress.gates.of(&wave, course.round).external;
                    if asks && before.is_none() {
                        self.ask_outside(tx, &in_force, &wave, &course)?;
                    }
                    let is_late = |it: &ExternalAsked| it.is_overdue_told;
                    if course.external.as_ref().is_some_and(is_late) && !before.as_ref().is_some_and(is_late) {
                        tracing::warn!(wave, "nobody outside answered for a gate in time; it stays closed");
                        tx.after_commit("alarm:gate-unanswered");
                    }
                    let is_late = course.external.as_ref().is_some_and(is_late);
                    let body = serde_json::json!({ "wave": wave, "holds": holds, "asks_outside": asks, "unanswered": is_late });
                    in_force.progress.gates.set(&wave, course);
                    Some(("gate-turned", body))
                }
            };
            self.put_campaign(tx, &in_force, event)?;
            in_force = self.in_force(tx)?;
            count += 1;
        }
        for wave in due(&in_force) {
            in_force.progress.waves.turn(&wave, WaveState::Open);
            Pass::Queue(wave.clone()).begin(&mut in_force.progress);
            let body = serde_json::json!({ "wave": wave, "to": WaveState::Open, "by": "gate" });
            self.put_campaign(tx, &in_force, Some(("wave-turned", body)))?;
            in_force = self.in_force(tx)?;
            count += 1;
        }
        Ok(count)
    }

    /// Lets a halted wave go on, with a few hosts first.
    ///
    /// # Errors
    /// When the wave is not halted, no reason is given, or the caller may not.
    pub async fn reset_wave(&self, caller: Caller, wave: String, ask: ResetWave) -> Result<String, ServiceError> {
        caller.must_be(Role::Operator)?;
        let (by, note) = (self.personal_user(caller.name())?, self.personal_note(&ask.why)?);
        let service = self.clone();
        self.0
            .store
            .write(move |tx| {
                let mut in_force = service.open_campaign(tx)?;
                super::waves::known_wave(&in_force, &wave)?;
                let first = ask.first.unwrap_or(FEW);
                let breaker = in_force.progress.breakers.of(&wave);
                let next = breaker
                    .reset(&ask.why, note.mention(), by.mention(), first, service.now_ms())
                    .map_err(|refused| ServiceError::Refused {
                        why: format!("wave {wave}: {refused}"),
                    })?;
                if ask.dry_run {
                    return Ok(format!("would let {first} hosts of wave {wave} through first"));
                }
                let body = breaker_event(&wave, &next);
                in_force.progress.breakers.set(&wave, next);
                let stream = StreamName::campaign(service.campaign_id().as_str());
                by.keep(tx, &stream)?;
                note.keep(tx, &stream)?;
                service.put_campaign(tx, &in_force, Some(("breaker-turned", body)))?;
                Ok::<_, ServiceError>(format!(
                    "wave {wave} goes on: {first} hosts first, and all others once these have succeeded"
                ))
            })
            .await
    }

    /// Approves a wave's gate, or says what a system outside answered.
    ///
    /// # Errors
    /// When the wave has no such gate, or the caller may not.
    pub async fn answer_gate(&self, caller: Caller, wave: String, ask: AnswerGate) -> Result<String, ServiceError> {
        caller.must_be(Role::Operator)?;
        let by = self.personal_user(caller.name())?;
        let service = self.clone();
        self.0
            .store
            .write(move |tx| {
                let mut in_force = service.open_campaign(tx)?;
                super::waves::known_wave(&in_force, &wave)?;
                let refuse = |why: String| Err(ServiceError::Refused { why });
                let gate = in_force.campaign.wave(&wave).and_then(|wave| wave.gate.clone());
                let Some(gate) = gate else {
                    return refuse(format!("wave {wave} has no gate; write [wave.gate] in the campaign"));
                };
                let round = in_force.progress.breakers.round(&wave);
                let mut course = in_force.progress.gates.of(&wave, round);
                let said = match &ask.change {
                    Some(change) => {
                        let Some(outside) = &gate.external else {
                            return refuse(format!(
                                "the gate of wave {wave} asks nobody outside; leave out the change"
                            ));
                        };
                        let Some(asked) = &mut course.external else {
                            return refuse(format!(
                                "{} was not asked yet: the rest of the gate does not hold; see `cutover wave list`",
                                outside.name
                            ));
                        };
                        asked.answer = Some(ExternalAnswer {
                            granted: ask.granted,
                            change: change.clone(),
                            at_ms: service.now_ms(),
                        });
                        format!("{} {} change {change}", outside.name, verb(ask.granted))
                    }
                    None => {
                        let Some(role) = &gate.approval else {
                            return refuse(format!("the gate of wave {wave} asks for nobody's approval"));
                        };
                        caller.must_be(Role::parse(role).unwrap_or(Role::Administrator))?;
                        course.approved = ask.granted.then(|| by.mention());
                        format!("you {} the gate of wave {wave}", verb(ask.granted))
                    }
                };
                if ask.dry_run {
                    return Ok(format!("would note: {said}"));
                }
                in_force.progress.gates.set(&wave, course);
                by.keep(tx, &StreamName::campaign(service.campaign_id().as_str()))?;
                let body = serde_json::json!({
                    "wave": wave, "granted": ask.granted, "change": ask.change, "by": by.mention(),
                });
                service.put_campaign(tx, &in_force, Some(("gate-answered", body)))?;
                Ok::<_, ServiceError>(said)
            })
            .await
    }
}

const fn verb(granted: bool) -> &'static str {
    if granted { "granted" } else { "refused" }
}

fn breaker_event(wave: &str, breaker: &Breaker) -> serde_json::Value {
    let cause = match &breaker.state {
        BreakerState::Tripped(trip) => Some(trip.cause.text()),
        BreakerState::Working | BreakerState::HalfOpen(_) => None,
    };
    serde_json::json!({ "wave": wave, "breaker": breaker, "cause": cause })
}

/// Waves that open by gate and are due.
fn due(in_force: &InForce) -> Vec<String> {
    if in_force.run != RunState::Running {
        return Vec::new();
    }
    let progress = &in_force.progress;
    let waves = openings(&in_force.campaign, &progress.waves, &progress.breakers, &progress.gates);
    waves.into_iter().map(str::to_owned).collect()
}
