//! A campaign's end: one person proposes it with what is left, another one confirms exactly that, and from then on nothing of
//! it changes.

use cutover_core::{
    campaign::zone::utc,
    closing::{Closing, Confirmation, Paper, Proposal, Residue},
    readiness::Signature,
    rollout::RunState,
};
use serde::{Deserialize, Serialize};
use sha2::{Digest as _, Sha256};

use super::{
    super::{
        Caller, Service, ServiceError,
        access::Role,
        personal::{PersonalValue, revealed},
    },
    InForce, version_of,
};
use crate::store::{Reader, StreamName, personal};

/// At the most so many risks, each of so many bytes.
const RISKS_MAX: usize = 200;
const RISK_BYTES_MAX: usize = 4000;

/// The first signature.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ProposeClosing {
    /// Why it ends.
    pub why: String,
    /// What is left, and who bears it; one a line of the paper.
    #[serde(default)]
    pub risks: Vec<String>,
    /// Only say what would be proposed.
    #[serde(default)]
    pub dry_run: bool,
}

/// The second signature.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ConfirmClosing {
    /// The digest of what was proposed: nobody signs something else than what he read.
    pub digest: String,
    /// Only say what would happen.
    #[serde(default)]
    pub dry_run: bool,
}

/// The end of a proposal.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct WithdrawClosing {
    /// Why.
    pub why: String,
    /// Only say what would happen.
    #[serde(default)]
    pub dry_run: bool,
}

impl InForce {
    /// Lets nothing pass that would change a closed campaign.
    pub(in super::super) fn must_be_open(&self) -> Result<(), ServiceError> {
        if self.run != RunState::Closed {
            return Ok(());
        }
        let since = self.closed_ms().map(|at_ms| format!(" since {}", utc(at_ms)));
        let why = format!(
            "the campaign is closed{}: nothing of it changes any more. What it did stays readable (cutover status, why, report \
             run, --as-of); work that goes on is another campaign's, on a server of its own",
            since.unwrap_or_default()
        );
        Err(ServiceError::Refused { why })
    }

    /// When it was closed.
    pub(in super::super) fn closed_ms(&self) -> Option<i64> {
        let closing = self.progress.closing.as_ref()?;
        closing.confirmed.as_ref().map(|it| it.at_ms)
    }

    /// The instant that its figures are of: now, and from its end on that of its end.
    pub(in super::super) fn figures_ms(&self, now_ms: i64) -> i64 {
        self.closed_ms().map_or(now_ms, |closed_ms| closed_ms.min(now_ms))
    }

    /// Who closed it and when; `None` while it is open.
    pub(super) fn closed_text(&self, db: &mut impl Reader) -> Result<Option<String>, ServiceError> {
        let Some(Closing {
            proposal,
            confirmed: Some(confirmed),
        }) = &self.progress.closing
        else {
            return Ok(None);
        };
        let (since, first) = (utc(confirmed.at_ms), &proposal.paper.proposed);
        let text = format!(
            "closed since {since} by {} and {}: {}",
            first.by, confirmed.by, first.why
        );
        revealed(db, text).map(Some)
    }
}

impl Service {
    /// The campaign that this server runs, for a transaction that changes it or what is of it.
    ///
    /// # Errors
    /// When it is closed.
    pub(in super::super) fn open_campaign(&self, db: &mut impl Reader) -> Result<InForce, ServiceError> {
        let in_force = self.in_force(db)?;
        in_force.must_be_open()?;
        Ok(in_force)
    }

    /// Whether the campaign is closed; one that is not there yet is not.
    pub(in super::super) fn is_closed(&self, db: &mut impl Reader) -> Result<bool, ServiceError> {
        let row = self.row_and_text(db)?;
        Ok(row.is_some_and(|(row, _)| row.state == RunState::Closed.as_str()))
    }

    /// Proposes to close the campaign, with what is left; says what was proposed, or would be.
    ///
    /// # Errors
    /// When the caller may not, no reason is given, something is left and nothing is said of it, something was proposed already,
    /// hosts have orders, or the campaign is closed.
    pub async fn propose_closing(&self, caller: Caller, ask: ProposeClosing) -> Result<String, ServiceError> {
        caller.must_be(Role::Administrator)?;
        let (by, why) = (self.personal_user(caller.name())?, self.reason(&ask.why)?);
        let risks = self.risks(&ask.risks)?;
        let (service, dry_run) = (self.clone(), ask.dry_run);
        self.0
            .store
            .write(move |tx| {
                let mut in_force = service.open_campaign(tx)?;
                if let Some(closing) = &in_force.progress.closing {
                    let first = &closing.proposal.paper.proposed;
                    let text = format!("{} proposed to close the campaign at {}", first.by, utc(first.at_ms));
                    let why = format!(
                        "{}; another person confirms that, or somebody withdraws it (cutover campaign close --withdraw)",
                        revealed(tx, text)?
                    );
                    return Err(ServiceError::Refused { why });
                }
                service.must_be_at_rest(tx, &in_force)?;
                let residue = service.residue(tx, &in_force)?;
                if risks.is_empty() && !residue.left.is_empty() {
                    let why = format!(
                        "something is left ({}), and nothing is said of it; say what is left and who bears it, with --risk or \
                         --risks",
                        summed(&residue)
                    );
                    return Err(ServiceError::Invalid { why });
                }
                let paper = Paper {
                    campaign: service.campaign_id().to_string(),
                    version: version_of(&in_force),
                    catalog_revision: service.catalog_revision(tx)?,
                    residue,
                    risks: risks.iter().map(PersonalValue::mention).collect(),
                    proposed: Signature {
                        by: by.mention(),
                        why: why.mention(),
                        at_ms: service.now_ms(),
                    },
                };
                let left = summed(&paper.residue);
                if dry_run {
                    return Ok(format!("would propose to close the campaign with this left: {left}"));
                }
                let proposal = proposal(paper);
                let stream = StreamName::campaign(service.campaign_id().as_str());
                for value in [&by, &why].into_iter().chain(&risks) {
                    value.keep(tx, &stream)?;
                }
                let (body, digest) = (serde_json::json!(proposal), proposal.digest.clone());
                in_force.progress.closing = Some(Closing {
                    proposal,
                    confirmed: None,
                });
                service.put_campaign(tx, &in_force, Some(("closing-proposed", body)))?;
                Ok(format!(
                    "proposed to close the campaign with this left: {left}; it goes on until another person reads this and \
                     confirms it: cutover campaign close --confirm {digest}"
                ))
            })
            .await
    }

    /// Closes the campaign as it was proposed, by a second person; says what was done, or would be.
    ///
    /// # Errors
    /// When the caller may not, is the one who proposed it, names something else, figures have moved since, hosts have orders,
    /// or nothing was proposed.
    pub async fn confirm_closing(&self, caller: Caller, ask: ConfirmClosing) -> Result<String, ServiceError> {
        caller.must_be(Role::Administrator)?;
        let by = self.personal_user(caller.name())?;
        let service = self.clone();
        self.0
            .store
            .write(move |tx| {
                let mut in_force = service.open_campaign(tx)?;
                let proposal = in_force.proposal()?;
                let first = personal::reveal(tx, proposal.paper.proposed.by.digest())?;
                // Of whom the name was erased nobody can say that it is another.
                let is_another = first.is_some_and(|first| first != caller.name());
                let residue = service.residue(tx, &in_force)?;
                let versions = (version_of(&in_force), service.catalog_revision(tx)?);
                proposal
                    .may_confirm(&ask.digest, is_another, versions, &residue)
                    .map_err(|error| ServiceError::Refused { why: error.to_string() })?;
                service.must_be_at_rest(tx, &in_force)?;
                let left = summed(&residue);
                if ask.dry_run {
                    return Ok(format!("would close the campaign for good with this left: {left}"));
                }
                by.keep(tx, &StreamName::campaign(service.campaign_id().as_str()))?;
                let confirmation = Confirmation {
                    by: by.mention(),
                    at_ms: service.now_ms(),
                };
                in_force.run = RunState::Closed;
                // Who issues an order at this moment holds on to the epoch, and is refused.
                in_force.row.epoch += 1;
                in_force.progress.halted = None;
                let body = serde_json::json!({
                    "proposal": proposal, "confirmed": confirmation, "epoch": in_force.row.epoch,
                });
                in_force.progress.closing = Some(Closing {
                    proposal,
                    confirmed: Some(confirmation),
                });
                service.put_campaign(tx, &in_force, Some(("closed", body)))?;
                Ok(format!(
                    "the campaign is closed, and nothing of it changes any more; left: {left}"
                ))
            })
            .await
    }

    /// Takes back what was proposed, before the second signature; says what was done, or would be.
    ///
    /// # Errors
    /// When the caller may not, no reason is given, nothing was proposed, or the campaign is closed.
    pub async fn withdraw_closing(&self, caller: Caller, ask: WithdrawClosing) -> Result<String, ServiceError> {
        caller.must_be(Role::Administrator)?;
        let (by, why) = (self.personal_user(caller.name())?, self.reason(&ask.why)?);
        let service = self.clone();
        self.0
            .store
            .write(move |tx| {
                let mut in_force = service.open_campaign(tx)?;
                let proposal = in_force.proposal()?;
                if ask.dry_run {
                    return Ok(format!("would withdraw what was proposed ({})", proposal.digest));
                }
                let stream = StreamName::campaign(service.campaign_id().as_str());
                by.keep(tx, &stream)?;
                why.keep(tx, &stream)?;
                in_force.progress.closing = None;
                let body = serde_json::json!({ "digest": proposal.digest, "by": by.mention(), "why": why.mention() });
                service.put_campaign(tx, &in_force, Some(("closing-withdrawn", body)))?;
                Ok(format!(
                    "withdrew what was proposed ({}); the campaign goes on",
                    proposal.digest
                ))
            })
            .await
    }

    fn reason(&self, why: &str) -> Result<PersonalValue, ServiceError> {
        let why = why.trim();
        if why.is_empty() {
            let why = "no reason is given; say why with --why, for whoever reads it later".to_owned();
            return Err(ServiceError::Invalid { why });
        }
        self.personal_note(why)
    }

    fn risks(&self, risks: &[String]) -> Result<Vec<PersonalValue>, ServiceError> {
        let said = risks.iter().map(|risk| risk.trim()).filter(|risk| !risk.is_empty());
        let said: Vec<&str> = said.collect();
        if said.len() > RISKS_MAX || said.iter().any(|risk| risk.len() > RISK_BYTES_MAX) {
            let why = format!(
                "more than {RISKS_MAX} risks, or one longer than {RISK_BYTES_MAX} bytes; say what is left in fewer words, and \
                 name the document that has the rest"
            );
            return Err(ServiceError::Invalid { why });
        }
        said.into_iter().map(|risk| self.personal_note(risk)).collect()
    }
}

impl InForce {
    fn proposal(&self) -> Result<Proposal, ServiceError> {
        let closing = self.progress.closing.as_ref();
        closing
            .map(|it| it.proposal.clone())
            .ok_or_else(|| ServiceError::Refused {
                why: "nobody proposed to close the campaign; that comes first: cutover campaign close --why … --risk …"
                    .to_owned(),
            })
    }
}

/// The paper under its own name. Its JSON stands in the event too, so that the name can be checked.
fn proposal(paper: Paper) -> Proposal {
    Proposal {
        digest: hex::encode(Sha256::digest(serde_json::json!(paper).to_string())),
        paper,
    }
}

fn summed(residue: &Residue) -> String {
    let left: Vec<String> = residue
        .left
        .iter()
        .map(|(kind, count)| format!("{kind} {count}"))
        .collect();
    if left.is_empty() {
        "nothing".to_owned()
    } else {
        left.join(", ")
    }
}
