//! Whether waves were good enough: breakers halt them, gates let the next ones open.

use cutover_core::{
    campaign::{Mode, Opens, Wave, zone::utc},
    plan::Phase,
    rollout::{
        Breaker, BreakerState, Cause, ExternalAnswer, ExternalAsked, FEW, GateFacts, GateVerdict, Left, NotYet,
        RunState, Tally, WaveState,
    },
};
use serde::{Deserialize, Serialize};

use super::{
    Caller, Service, ServiceError,
    access::Role,
    campaign::{GateReached, InForce, Pass},
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

/// What is turned by one judging of a wave.
enum Turned {
    Breaker(Breaker),
    Gate(GateReached),
}

impl Service {
    /// Judges the waves that were begun, and opens those that come after gates that hold; says how many changed.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn judge_waves(&self) -> Result<usize, ServiceError> {
        let service = self.clone();
        let due = self
            .0
            .store
            .read(move |tx| {
                let in_force = service.in_force(tx)?;
                Ok::<_, ServiceError>(!service.turns(tx, &in_force)?.is_empty() || !openings(&in_force).is_empty())
            })
            .await?;
        if !due {
            return Ok(0);
        }
        let service = self.clone();
        self.0.store.write(move |tx| service.judge_in(tx)).await
    }

    /// What the waves' hosts came to turns of breakers and gates.
    fn turns(&self, db: &mut impl Reader, in_force: &InForce) -> Result<Vec<(String, Turned)>, ServiceError> {
        let mut turned = Vec::new();
        for wave in &in_force.campaign.waves {
            if in_force.progress.waves.state(&wave.name) == WaveState::Closed {
                continue;
            }
            let (tally, left) = self.sample(db, in_force, &wave.name)?;
            let breaker = in_force.progress.breakers.of(&wave.name);
            if let Some(next) = judged(breaker, wave, &tally, left, self.now_ms()) {
                turned.push((wave.name.clone(), Turned::Breaker(next)));
                continue;
            }
            if let Some(reached) = self.reached(in_force, wave, &tally, left) {
                turned.push((wave.name.clone(), Turned::Gate(reached)));
            }
        }
        Ok(turned)
    }

    /// What a wave's hosts came to in the present round, and how many may still come to something. The latter are counted by
    /// phase, from totals, and never too few: a wave is called out of reach rather late than wrongly.
    pub(super) fn sample(
        &self,
        db: &mut impl Reader,
        in_force: &InForce,
        wave: &str,
    ) -> Result<(Tally, Left), ServiceError> {
        let id = self.campaign_id().as_str();
        let round = in_force.progress.breakers.round(wave);
        let tally = tallies::of_wave(db, id, wave, round)?;
        let may_start = [
            Phase::Unassessed,
            Phase::Unplanned,
            Phase::Planned,
            Phase::Queued,
            Phase::Blocked,
            Phase::Handwork,
            Phase::Failed,
        ];
        let waiting: u64 = totals::list(db, id)?
            .into_iter()
            .filter(|total| total.bucket.wave == wave)
            .filter(|total| may_start.iter().any(|phase| phase.as_str() == total.bucket.phase))
            .map(|total| unsigned(total.hosts))
            .sum();
        let waiting = u32::try_from(waiting).unwrap_or(u32::MAX);
        let left = Left {
            untried: waiting,
            again: waiting.min(tally.against()),
        };
        Ok((tally, left))
    }

    /// How far a wave's gate has come, where that is news.
    fn reached(&self, in_force: &InForce, wave: &Wave, tally: &Tally, left: Left) -> Option<GateReached> {
        let gate = wave.gate.as_ref()?;
        let round = in_force.progress.breakers.round(&wave.name);
        let before = in_force.progress.gate(&wave.name, round);
        let now_ms = self.now_ms();
        let mut next = before.clone();
        if !gate.has_sample(tally) {
            next.sample_since_ms = None;
        } else if next.sample_since_ms.is_none() {
            next.sample_since_ms = Some(now_ms);
        }
        let verdict = gate.verdict(&facts(tally, left, &next, now_ms));
        match verdict {
            GateVerdict::Holds => {
                next.passed_ms.get_or_insert(now_ms);
            }
            GateVerdict::NotYet(NotYet::ExternalUnasked { .. }) => {
                next.external = Some(ExternalAsked {
                    at_ms: now_ms,
                    answer: None,
                });
            }
            GateVerdict::NotYet(_) | GateVerdict::Breached(_) => {}
        }
        (next != before).then_some(next)
    }

    /// Why a wave is halted, who goes first, or what its gate waits for.
    pub(super) fn wave_note(
        &self,
        db: &mut impl Reader,
        in_force: &InForce,
        wave: &str,
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
        let (tally, left) = self.sample(db, in_force, wave)?;
        if let BreakerState::HalfOpen(half) = &breaker.state {
            return Ok(format!("{} hosts go first, {} have begun", half.allowed, tally.begun()));
        }
        let Some(gate) = in_force.campaign.wave(wave).and_then(|wave| wave.gate.as_ref()) else {
            return Ok(String::new());
        };
        let reached = in_force.progress.gate(wave, breaker.round);
        if let Some(passed_ms) = reached.passed_ms {
            return Ok(format!("its gate holds since {}", utc(passed_ms)));
        }
        let verdict = gate.verdict(&facts(&tally, left, &reached, self.now_ms()));
        Ok(match verdict {
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
                Turned::Gate(reached) => {
                    let passed = reached.passed_ms.is_some();
                    let asks = reached.external.is_some();
                    let body = serde_json::json!({ "wave": wave, "holds": passed, "asks_outside": asks });
                    in_force.progress.gates.insert(wave, reached);
                    Some(("gate-turned", body))
                }
            };
            self.put_campaign(tx, &in_force, event)?;
            in_force = self.in_force(tx)?;
            count += 1;
        }
        for wave in openings(&in_force) {
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
                let mut in_force = service.in_force(tx)?;
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
                let mut in_force = service.in_force(tx)?;
                super::waves::known_wave(&in_force, &wave)?;
                let refuse = |why: String| Err(ServiceError::Refused { why });
                let gate = in_force.campaign.wave(&wave).and_then(|wave| wave.gate.clone());
                let Some(gate) = gate else {
                    return refuse(format!("wave {wave} has no gate; write [wave.gate] in the campaign"));
                };
                let round = in_force.progress.breakers.round(&wave);
                let mut reached = in_force.progress.gate(&wave, round);
                let said = match &ask.change {
                    Some(change) => {
                        let Some(outside) = &gate.external else {
                            return refuse(format!(
                                "the gate of wave {wave} asks nobody outside; leave out the change"
                            ));
                        };
                        let Some(asked) = &mut reached.external else {
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
                        reached.approved = ask.granted.then(|| by.mention());
                        format!("you {} the gate of wave {wave}", verb(ask.granted))
                    }
                };
                if ask.dry_run {
                    return Ok(format!("would note: {said}"));
                }
                in_force.progress.gates.insert(wave.clone(), reached);
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

fn facts<'a>(tally: &'a Tally, left: Left, reached: &'a GateReached, now_ms: i64) -> GateFacts<'a> {
    GateFacts {
        tally,
        left,
        sample_since_ms: reached.sample_since_ms,
        is_approved: reached.approved.is_some(),
        external: reached.external.as_ref(),
        now_ms,
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

/// The breaker after what its wave came to. The first hosts of a wave, its canaries, must all succeed.
fn judged(breaker: &Breaker, wave: &Wave, tally: &Tally, left: Left, now_ms: i64) -> Option<Breaker> {
    let are_canaries = breaker.round == 0 && tally.succeeded < wave.canaries;
    if are_canaries && breaker.state == BreakerState::Working && tally.against() > 0 {
        let cause = Cause::Failures {
            failed: tally.against(),
            most: 0,
        };
        return Some(breaker.tripped(cause, now_ms));
    }
    breaker.judged(wave.gate.as_ref(), tally, left, now_ms)
}

/// Waves that open by gate, and whose gates hold.
fn openings(in_force: &InForce) -> Vec<String> {
    if in_force.run != RunState::Running || in_force.campaign.mode == Mode::Observe {
        return Vec::new();
    }
    let holds = |name: &String| {
        let round = in_force.progress.breakers.round(name);
        in_force.progress.gate(name, round).passed_ms.is_some()
    };
    let waves = in_force.campaign.waves.iter();
    waves
        .filter(|wave| wave.opens == Opens::ByGate)
        .filter(|wave| in_force.progress.waves.state(&wave.name) == WaveState::Closed)
        .filter(|wave| wave.after.iter().all(holds))
        .map(|wave| wave.name.clone())
        .collect()
}
