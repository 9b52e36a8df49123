//! Handwork: what a person must do at a machine, who does it, by when, and what ends it.

use cutover_core::{decide::Input, plan::Phase};
use serde::{Deserialize, Serialize};

use super::{
    Caller, Service, ServiceError,
    access::Role,
    campaign::InForce,
    named::{Change, future_ms, said},
    personal::all_revealed,
    plan_edit::read_state,
};
use crate::store::{Reader, plans::PlanFilter, views as store_views};

/// Rows on a page.
const PAGE: usize = 100;

/// Handwork that is open.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct HandworkView {
    /// The host's id.
    pub host_id: String,
    /// Its name.
    pub name: String,
    /// What is so.
    pub reason: String,
    /// What ends it.
    pub ends_when: String,
    /// Which kind of person it is for.
    pub role: String,
    /// Who does it; empty where nobody is named.
    pub owner: String,
    /// Under which number elsewhere; empty where there is none.
    pub reference: String,
    /// Who arranged it; empty where nobody did.
    pub assigned_by: String,
    /// Since when it is open.
    pub since_ms: i64,
    /// By when it is to be done.
    pub due_ms: i64,
    /// Whether that is past.
    pub overdue: bool,
}

/// A page of handwork.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct HandworkList {
    /// By host.
    pub handwork: Vec<HandworkView>,
    /// Where the next page begins.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub next: Option<String>,
}

/// Where a listing begins.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct HandworkFilter {
    /// What the page before gave as `next`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub after: Option<String>,
    /// The instant of which it is asked; left out: now.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub as_of: Option<String>,
}

/// Who does it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AssignHandwork {
    /// Who.
    pub owner: String,
    /// Under which number elsewhere: a ticket, a vendor's case.
    #[serde(default)]
    pub reference: Option<String>,
    /// By when: an instant with its offset or zone; left out: by the campaign's policy.
    #[serde(default)]
    pub due: Option<String>,
    /// Only say what would be done.
    #[serde(default)]
    pub dry_run: bool,
}

/// It is done.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct EndHandwork {
    /// What proves it.
    pub evidence: String,
    /// Only say what would be done.
    #[serde(default)]
    pub dry_run: bool,
}

impl Service {
    /// A page of the handwork that is open.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn handwork(&self, filter: HandworkFilter) -> Result<HandworkList, ServiceError> {
        self.read_as_of(filter.as_of, move |then, tx| {
            let in_force = then.in_force(tx)?;
            let wanted = PlanFilter {
                phase: Some(Phase::Handwork.as_str().to_owned()),
                ..PlanFilter::default()
            };
            let (id, after) = (then.campaign_id().as_str(), filter.after.as_deref());
            let limit = i64::try_from(PAGE).unwrap_or(i64::MAX) + 1;
            let mut lines = store_views::host_lines(tx, id, &wanted, after, limit)?;
            let more = lines.len() > PAGE;
            lines.truncate(PAGE);
            let next = lines.last().filter(|_| more).map(|last| last.host_id.clone());
            let mut handwork = Vec::with_capacity(lines.len());
            for line in &lines {
                handwork.extend(then.handwork_of(tx, &in_force, line)?);
            }
            Ok(HandworkList { handwork, next })
        })
        .await
    }

    fn handwork_of(
        &self,
        db: &mut impl Reader,
        in_force: &InForce,
        line: &store_views::HostLine,
    ) -> Result<Option<HandworkView>, ServiceError> {
        let plan = read_state(&line.state)?;
        let Some(due_ms) = plan.handwork_due_ms(&in_force.campaign) else {
            return Ok(None);
        };
        let arranged = plan.handwork.clone().unwrap_or_default();
        let reason = plan.reason.as_ref();
        let words = [
            reason.map(|reason| reason.text()),
            reason.map(|reason| reason.remedy()),
            arranged.owner.map(String::from),
            arranged.reference.map(String::from),
            arranged.by.map(String::from),
        ];
        let words = words.map(Option::unwrap_or_default).to_vec();
        let mut words = all_revealed(db, words)?.into_iter();
        let mut word = || words.next().unwrap_or_default();
        Ok(Some(HandworkView {
            host_id: line.host_id.clone(),
            name: line.name.clone(),
            reason: word(),
            ends_when: word(),
            owner: word(),
            reference: word(),
            assigned_by: word(),
            role: reason.map_or("operator", |reason| reason.owner().as_str()).to_owned(),
            since_ms: plan.phase_since_ms,
            due_ms,
            overdue: due_ms <= self.now_ms(),
        }))
    }

    /// Says who does the handwork of a host, and by when; says what was done, or would be.
    ///
    /// # Errors
    /// When there is no such host, no handwork is open there, the caller may not, or nobody is named.
    pub async fn assign_handwork(
        &self,
        caller: Caller,
        wanted: String,
        ask: AssignHandwork,
    ) -> Result<String, ServiceError> {
        caller.must_be(Role::Operator)?;
        said("owner", &ask.owner, "who does it")?;
        let due_ms = match &ask.due {
            Some(due) => Some(future_ms("due", due, self.now_ms())?),
            None => None,
        };
        let (by, owner) = (self.personal_user(caller.name())?, self.personal_user(&ask.owner)?);
        let reference = match ask.reference.as_deref().filter(|it| !it.trim().is_empty()) {
            Some(reference) => Some(self.personal_note(reference)?),
            None => None,
        };
        let assigned = Input::HandworkAssigned {
            by: by.mention(),
            owner: owner.mention(),
            reference: reference.as_ref().map(|it| it.mention()),
            due_ms,
        };
        let change = Change {
            input: Box::new(move |_| Ok(assigned.clone())),
            personal: [by, owner].into_iter().chain(reference).collect(),
            words: ("would give away the handwork of", "gave away the handwork of"),
            audit: "handwork-assigned",
            audited: self.personal_user(caller.name())?,
            dry_run: ask.dry_run,
        };
        self.change_named(wanted, change).await
    }

    /// The handwork of a host is done, and a fresh look must confirm it; says what was done, or would be.
    ///
    /// # Errors
    /// When there is no such host, no handwork is open there, the caller may not, or nothing proves it.
    pub async fn end_handwork(&self, caller: Caller, wanted: String, ask: EndHandwork) -> Result<String, ServiceError> {
        caller.must_be(Role::Operator)?;
        said(
            "evidence",
            &ask.evidence,
            "what proves it, such as a ticket's number or a file",
        )?;
        let (by, evidence) = (self.personal_user(caller.name())?, self.personal_note(&ask.evidence)?);
        let done = Input::HandworkDone {
            by: by.mention(),
            evidence: evidence.mention(),
        };
        let change = Change {
            input: Box::new(move |_| Ok(done.clone())),
            personal: vec![by, evidence],
            words: ("would end the handwork of", "ended the handwork of"),
            audit: "handwork-done",
            audited: self.personal_user(caller.name())?,
            dry_run: ask.dry_run,
        };
        self.change_named(wanted, change).await
    }
}
