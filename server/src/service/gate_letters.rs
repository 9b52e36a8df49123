//! Questions to systems outside, and what they are told: written with what they are about, signed and posted until somebody has
//! taken them, and what comes back.

use cutover_core::{
    campaign::{span, zone::utc},
    rollout::{ExternalAnswer, ExternalAsked, GateCourse, RunState},
};
use serde::{Deserialize, Serialize};

use super::{Service, ServiceError, campaign::InForce, letters::pause_ms, test_letters::DETECTION_TEST};
use crate::store::{
    WriteTx,
    outbox::{self, OutboxRow, Tried},
};

/// The kind of a letter that asks at a gate.
pub const GATE: &str = "gate";

/// The longest pause between two tries: an answer is awaited within days.
const LONGEST_PAUSE_MS: i64 = 15 * 60_000;

/// What is asked, as it is posted.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Question {
    /// The campaign.
    pub campaign: String,
    /// The version in force when it was asked.
    pub campaign_version: u64,
    /// The wave whose gate asks.
    pub wave: String,
    /// The breaker's round: another one is another question.
    pub round: u32,
    /// Who is asked, as the campaign calls it.
    pub gate: String,
    /// What, in words.
    pub asks: String,
    /// When, in milliseconds since the epoch.
    pub asked_ms: i64,
    /// Until when an answer counts, in milliseconds since the epoch.
    pub answer_by_ms: i64,
    /// The same, to be read.
    pub answer_by: String,
    /// Where an answer that comes later is posted, with an access token.
    pub answer_at: String,
    /// The change's number, where an earlier round had one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub change: Option<String>,
}

/// What somebody outside said at once.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GateWord {
    /// Whether the next wave may open.
    pub granted: bool,
    /// The change's number over there.
    pub change: String,
}

impl Service {
    /// What questions are signed with.
    #[must_use]
    pub fn gate_secret(&self) -> &str {
        &self.0.gates.secret
    }

    /// Where answers that come later are posted, without what follows of whom they are about.
    pub(super) fn gates_answer_at(&self) -> &str {
        &self.0.gates.answer_at
    }

    /// Writes the question down, in the transaction in which the gate begins to wait for its answer.
    pub(super) fn ask_outside(
        &self,
        tx: &mut WriteTx<'_>,
        in_force: &InForce,
        wave: &str,
        course: &GateCourse,
    ) -> Result<(), ServiceError> {
        let gate = in_force.campaign.wave(wave).and_then(|wave| wave.gate.as_ref());
        let Some(external) = gate.and_then(|gate| gate.external.as_ref()) else {
            return Ok(());
        };
        let (Some(url), Some(asked)) = (&external.url, &course.external) else {
            return Ok(());
        };
        let answer_by_ms = asked.at_ms.saturating_add(span::ms(external.within));
        let campaign = self.campaign_id().to_string();
        let id = format!("{GATE}:{campaign}:{wave}:{}:{}", course.round, asked.at_ms);
        let question = Question {
            campaign,
            campaign_version: super::campaign::version_of(in_force),
            wave: wave.to_owned(),
            round: course.round,
            gate: external.name.clone(),
            asks: format!("wave {wave} was good enough; may the waves after it open?"),
            asked_ms: asked.at_ms,
            answer_by_ms,
            answer_by: utc(answer_by_ms),
            answer_at: format!("{}/api/v1/waves/{wave}/gate", self.gates_answer_at()),
            change: in_force.progress.gates.last_change(wave).map(str::to_owned),
        };
        let body = serde_json::to_string(&question).map_err(|error| ServiceError::Broken { why: error.to_string() })?;
        outbox::insert(tx, &id, GATE, url, &body, self.real_now_ms())?;
        Ok(())
    }

    /// Whether a question still waits for its answer. One that does not is given up here, and is not posted.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn still_asks(&self, letter: &OutboxRow) -> Result<bool, ServiceError> {
        let (service, letter) = (self.clone(), letter.clone());
        self.0
            .store
            .write(move |tx| {
                let over = match letter.kind.as_str() {
                    GATE => {
                        let question = read(&letter)?;
                        let in_force = service.in_force(tx)?;
                        service.is_over(&in_force, &question)
                    }
                    DETECTION_TEST => service.test_letter_is_over(tx, &letter)?,
                    _ => service.drain_letter_is_over(tx, &letter)?,
                };
                let Some(why) = over else {
                    return Ok(true);
                };
                let tried = Tried::Dead { error: why.to_owned() };
                outbox::note(tx, &letter.outbox_id, letter.attempts, &tried, service.real_now_ms())?;
                Ok(false)
            })
            .await
    }

    /// Notes how a question went: `Ok` where it was taken, with the answer where that came at once; `Err` says why it was not.
    ///
    /// # Errors
    /// When the store fails; the question is then posted again.
    pub async fn settle_question(
        &self,
        letter: OutboxRow,
        outcome: Result<Option<GateWord>, String>,
    ) -> Result<(), ServiceError> {
        let service = self.clone();
        self.0
            .store
            .write(move |tx| {
                let now_ms = service.real_now_ms();
                let tried = match &outcome {
                    Ok(_) => Tried::Delivered,
                    Err(error) => Tried::Again {
                        next_ms: now_ms + pause_ms(letter.attempts + 1).min(longest_pause_ms(&letter.kind)),
                        error: error.clone(),
                    },
                };
                match (letter.kind.as_str(), &outcome) {
                    (GATE, Ok(Some(word))) => service.take_word(tx, &read(&letter)?, word)?,
                    (GATE, Ok(None)) | (_, Err(_)) => {}
                    (DETECTION_TEST, Ok(_)) => Service::test_is_told(tx, &letter)?,
                    (_, Ok(word)) => service.take_drain_word(tx, &letter, word.as_ref())?,
                }
                if let Err(error) = &outcome {
                    tracing::warn!(
                        letter = letter.outbox_id,
                        error,
                        "a question to a system outside did not arrive; asked again later"
                    );
                }
                Ok::<_, ServiceError>(outbox::note(tx, &letter.outbox_id, letter.attempts, &tried, now_ms)?)
            })
            .await
    }

    /// What came back at once counts as an answer that is posted: for the question that still waits, and no other.
    fn take_word(&self, tx: &mut WriteTx<'_>, question: &Question, word: &GateWord) -> Result<(), ServiceError> {
        let mut in_force = self.in_force(tx)?;
        if let Some(why) = self.is_over(&in_force, question) {
            tracing::warn!(wave = question.wave, why, "an answer at a gate came for nothing");
            return Ok(());
        }
        let mut course = in_force.progress.gates.of(&question.wave, question.round);
        let Some(asked) = &mut course.external else {
            return Ok(());
        };
        asked.answer = Some(ExternalAnswer {
            granted: word.granted,
            change: word.change.clone(),
            at_ms: self.now_ms(),
        });
        in_force.progress.gates.set(&question.wave, course);
        let body = serde_json::json!({
            "wave": question.wave, "granted": word.granted, "change": word.change, "from": question.gate,
        });
        self.put_campaign(tx, &in_force, Some(("gate-answered", body)))
    }

    /// Why nobody waits for an answer any more; `None` where somebody does.
    fn is_over(&self, in_force: &InForce, question: &Question) -> Option<&'static str> {
        let progress = &in_force.progress;
        if in_force.run == RunState::Closed {
            return Some("the campaign is closed");
        }
        if progress.breakers.round(&question.wave) != question.round {
            return Some("the wave was reset since, and its gate asks anew");
        }
        let is_it = |asked: &&ExternalAsked| asked.at_ms == question.asked_ms;
        let course = progress.gates.of(&question.wave, question.round);
        match course.external.as_ref().filter(is_it) {
            None => Some("the gate asks anew"),
            Some(asked) if asked.answer.is_some() => Some("it was answered by other means"),
            Some(_) if self.now_ms() > question.answer_by_ms => Some("its time is over"),
            Some(_) => None,
        }
    }
}

/// A machine waits for a letter that tells of its test; whoever is asked may take longer.
fn longest_pause_ms(kind: &str) -> i64 {
    match kind {
        DETECTION_TEST => LONGEST_PAUSE_MS / 3,
        _ => LONGEST_PAUSE_MS,
    }
}

fn read(letter: &OutboxRow) -> Result<Question, ServiceError> {
    serde_json::from_str(&letter.body).map_err(|error| ServiceError::Broken {
        why: format!("stored question {}: {error}", letter.outbox_id),
    })
}
