//! Letters to whoever drains hosts before their orders and releases them after, and what comes back.

use cutover_core::{
    campaign::{span, zone::utc},
    decide::{DrainWord, Input},
    plan::{Drain, DrainState, Plan},
    rollout::RunState,
};
use cutover_proto::ids::HostId;
use serde::{Deserialize, Serialize};

use super::{
    Caller, GateWord, Service, ServiceError,
    access::Role,
    campaign::{InForce, broken_id, last_seen},
    named::Change,
    plan_edit::PlanEdit,
};
use crate::store::{
    Reader, WriteTx, hosts,
    outbox::{self, OutboxRow},
};

/// The kind of a letter that asks to drain a host.
pub const DRAIN: &str = "drain";

/// The kind of a letter that tells to release one.
pub const RELEASE: &str = "release";

/// The longest number of a change, in bytes.
const CHANGE_MAX: usize = 200;

/// What is asked or told of a host, as it is posted.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct DrainLetter {
    /// `drain` or `release`.
    pub what: String,
    /// Of which drain: the same in everything that is asked and told of it, and another one for another drain. Whoever did
    /// what a letter of this key says does it no second time, and drains nothing of which the release came.
    pub key: String,
    /// The campaign.
    pub campaign: String,
    /// The host's id.
    pub host_id: String,
    /// Its name.
    pub host: String,
    /// Who is asked, as the campaign calls it.
    pub drain: String,
    /// What, in words.
    pub asks: String,
    /// The so-and-so-many-th time that it is asked.
    pub ask: u32,
    /// When, in milliseconds since the epoch.
    pub asked_ms: i64,
    /// When it is asked again without an answer; left out of a release, which is told until it is taken.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub answer_by_ms: Option<i64>,
    /// The same, to be read.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub answer_by: Option<String>,
    /// Where an answer that comes later is posted, with an access token.
    pub answer_at: String,
}

/// What a person, or a system outside, says of a host that is to be drained.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AnswerDrain {
    /// Whether it is drained.
    pub granted: bool,
    /// The change's number over there.
    #[serde(default)]
    pub change: Option<String>,
    /// The key of the letter that this answers; without it: the present one.
    #[serde(default)]
    pub key: Option<String>,
    /// Only say what would be done.
    #[serde(default)]
    pub dry_run: bool,
}

/// That a host was released.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct HostReleased {
    /// The key of the letter that this answers; without it: the present one.
    pub key: Option<String>,
    /// Only say what would be done.
    pub dry_run: bool,
}

impl Service {
    fn drain_key(&self, plan: &Plan, drain: &Drain) -> String {
        format!("{DRAIN}:{}:{}:{}", self.campaign_id(), plan.host_id, drain.number)
    }

    fn asking_id(&self, plan: &Plan, drain: &Drain) -> String {
        format!("{}:{}", self.drain_key(plan, drain), drain.asks)
    }

    fn releasing_id(&self, plan: &Plan, drain: &Drain) -> String {
        format!("{}:{RELEASE}", self.drain_key(plan, drain))
    }

    /// Asks to drain a host, in the transaction in which it begins to wait for that.
    pub(super) fn write_to_drain(
        &self,
        tx: &mut WriteTx<'_>,
        in_force: &InForce,
        plan: &Plan,
    ) -> Result<(), ServiceError> {
        let Some(drain) = &plan.drain else { return Ok(()) };
        let Some(rule) = in_force.campaign.drain_named(&drain.name) else {
            return Ok(());
        };
        // Without an address a person drains, and says so.
        let Some(url) = &rule.url else { return Ok(()) };
        let by_ms = drain.asked_ms.saturating_add(span::ms(rule.within));
        let letter = DrainLetter {
            what: DRAIN.to_owned(),
            asks: "take its work off this host; an order goes there once you say that it is drained".to_owned(),
            answer_by_ms: Some(by_ms),
            answer_by: Some(utc(by_ms)),
            asked_ms: drain.asked_ms,
            ..self.drain_letter(tx, plan, drain)?
        };
        self.write_letter(tx, &self.asking_id(plan, drain), DRAIN, url, &letter)
    }

    /// Tells to release a host, in the transaction in which its work is over.
    pub(super) fn write_to_release(
        &self,
        tx: &mut WriteTx<'_>,
        in_force: &InForce,
        plan: &Plan,
    ) -> Result<(), ServiceError> {
        let Some(drain) = &plan.drain else { return Ok(()) };
        // Whoever was asked is told, whatever the campaign names by now.
        let asked = outbox::load(tx, &self.asking_id(plan, drain))?.map(|row| row.target);
        let named = || in_force.campaign.drain_named(&drain.name)?.url.clone();
        let url = asked.or_else(named);
        let Some(url) = url else { return Ok(()) };
        let why = match &drain.state {
            DrainState::Releasing { why } => why.as_str(),
            DrainState::Asked | DrainState::Refused { .. } | DrainState::Drained { .. } => "",
        };
        let letter = DrainLetter {
            what: RELEASE.to_owned(),
            asks: format!("give this host its work back, drained or not: {why}"),
            asked_ms: drain.since_ms,
            ..self.drain_letter(tx, plan, drain)?
        };
        self.write_letter(tx, &self.releasing_id(plan, drain), RELEASE, &url, &letter)
    }

    /// What both have in common.
    fn drain_letter(&self, db: &mut impl Reader, plan: &Plan, drain: &Drain) -> Result<DrainLetter, ServiceError> {
        let host_id = plan.host_id.to_string();
        let name = hosts::load(db, &host_id)?.map(|row| row.name);
        Ok(DrainLetter {
            what: String::new(),
            key: self.drain_key(plan, drain),
            campaign: self.campaign_id().to_string(),
            host: name.unwrap_or_else(|| host_id.clone()),
            drain: drain.name.clone(),
            asks: String::new(),
            ask: drain.asks,
            asked_ms: 0,
            answer_by_ms: None,
            answer_by: None,
            answer_at: format!("{}/api/v1/hosts/{host_id}/drain", self.gates_answer_at()),
            host_id,
        })
    }

    fn write_letter(
        &self,
        tx: &mut WriteTx<'_>,
        id: &str,
        kind: &str,
        url: &str,
        letter: &DrainLetter,
    ) -> Result<(), ServiceError> {
        let body = serde_json::to_string(letter).map_err(|error| ServiceError::Broken { why: error.to_string() })?;
        outbox::insert(tx, id, kind, url, &body, self.real_now_ms())?;
        Ok(())
    }

    /// Why a letter about draining is not posted any more; `None` where it is.
    pub(super) fn drain_letter_is_over(
        &self,
        db: &mut impl Reader,
        letter: &OutboxRow,
    ) -> Result<Option<&'static str>, ServiceError> {
        let plan = PlanEdit::load(db, self, host_of(letter)?)?.plan;
        let Some(drain) = &plan.drain else {
            return Ok(Some("it was drained and released by other means"));
        };
        if letter.kind == RELEASE {
            let is_it = self.releasing_id(&plan, drain) == letter.outbox_id;
            return Ok((!is_it).then_some("it was released by other means"));
        }
        if self.asking_id(&plan, drain) != letter.outbox_id {
            return Ok(Some("it is asked anew, or of another drain"));
        }
        Ok(match drain.state {
            DrainState::Asked => None,
            DrainState::Refused { .. } | DrainState::Drained { .. } => Some("it was answered by other means"),
            DrainState::Releasing { .. } => Some("it is to be released"),
        })
    }

    /// What came back of a letter about draining that was taken.
    pub(super) fn take_drain_word(
        &self,
        tx: &mut WriteTx<'_>,
        letter: &OutboxRow,
        word: Option<&GateWord>,
    ) -> Result<(), ServiceError> {
        let in_force = self.in_force(tx)?;
        if in_force.run == RunState::Closed {
            return Ok(());
        }
        let number = number_of(&read(letter)?.key);
        let word = match (letter.kind.as_str(), word) {
            (RELEASE, _) => DrainWord::Released { number, by: None },
            (_, Some(word)) => DrainWord::Answered {
                number,
                drained: word.granted,
                change: Some(word.change.clone()),
                by: None,
            },
            // It was taken, and the answer comes later.
            (_, None) => return Ok(()),
        };
        let host = host_of(letter)?;
        let mut edit = PlanEdit::load(tx, self, host)?;
        edit.take(&Input::Drain(word), &in_force.cx(self))?;
        let seen_ms = last_seen(tx, host)?;
        edit.save(tx, self, &in_force, seen_ms)?;
        Ok(())
    }

    /// Says whether a host is drained; says what was done, or would be.
    ///
    /// # Errors
    /// When there is no such host, the caller may not, or nobody was asked to drain it.
    pub async fn answer_drain(&self, caller: Caller, wanted: String, ask: AnswerDrain) -> Result<String, ServiceError> {
        caller.must_be(Role::Operator)?;
        let change = ask.change.filter(|change| !change.trim().is_empty());
        if change.as_ref().is_some_and(|change| change.len() > CHANGE_MAX) {
            let why = format!("`change` is longer than {CHANGE_MAX} bytes; give its number");
            return Err(ServiceError::Invalid { why });
        }
        let by = self.personal_user(caller.name())?;
        let said = Input::Drain(DrainWord::Answered {
            number: ask.key.as_deref().map(asked_number).transpose()?,
            drained: ask.granted,
            change,
            by: Some(by.mention()),
        });
        let change = Change {
            input: Box::new(move |_| Ok(said.clone())),
            personal: vec![by],
            words: match ask.granted {
                true => ("would note as drained", "noted as drained"),
                false => ("would note as not drained", "noted as not drained"),
            },
            audit: "drain-answered",
            audited: self.personal_user(caller.name())?,
            dry_run: ask.dry_run,
        };
        self.change_named(wanted, change).await
    }

    /// Says that a host was released; says what was done, or would be.
    ///
    /// # Errors
    /// When there is no such host, the caller may not, it is not drained, or its order is out.
    pub async fn host_released(
        &self,
        caller: Caller,
        wanted: String,
        ask: HostReleased,
    ) -> Result<String, ServiceError> {
        caller.must_be(Role::Operator)?;
        let by = self.personal_user(caller.name())?;
        let said = Input::Drain(DrainWord::Released {
            number: ask.key.as_deref().map(asked_number).transpose()?,
            by: Some(by.mention()),
        });
        let change = Change {
            input: Box::new(move |_| Ok(said.clone())),
            personal: vec![by],
            words: ("would note as released", "noted as released"),
            audit: "drain-released",
            audited: self.personal_user(caller.name())?,
            dry_run: ask.dry_run,
        };
        self.change_named(wanted, change).await
    }
}

/// The number of a drain, by its key.
fn number_of(key: &str) -> Option<u32> {
    key.rsplit(':').next()?.parse().ok()
}

fn asked_number(key: &str) -> Result<u32, ServiceError> {
    number_of(key).ok_or_else(|| ServiceError::Invalid {
        why: format!("`{key}` is the key of no drain; give the `key` of the letter, or leave it out"),
    })
}

fn host_of(letter: &OutboxRow) -> Result<HostId, ServiceError> {
    read(letter)?.host_id.parse().map_err(broken_id)
}

fn read(letter: &OutboxRow) -> Result<DrainLetter, ServiceError> {
    serde_json::from_str(&letter.body).map_err(|error| ServiceError::Broken {
        why: format!("stored letter {}: {error}", letter.outbox_id),
    })
}
