//! What is left of a campaign, and how its end stands, for people.

use cutover_core::{
    closing::{Beside, Proposal, Residual, Residue, is_proven_free},
    plan::{Phase, Plan},
};
use serde::{Deserialize, Serialize};

use super::{
    super::{
        DutyView, Service, ServiceError,
        personal::{all_revealed, revealed},
        plan_edit::read_plan,
    },
    BATCH, InForce,
};
use crate::store::{Reader, findings, hosts, plans};

/// So many hosts with an order are named.
const NAMED: usize = 10;

/// One kind of what is left.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ResidualView {
    /// Which kind.
    pub kind: String,
    /// How many.
    pub count: i64,
    /// What it means.
    pub text: String,
    /// The command that names them.
    pub names: String,
}

/// What was proposed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ProposalView {
    /// What the second signature names.
    pub digest: String,
    /// Who.
    pub by: String,
    /// Why.
    pub why: String,
    /// When, in milliseconds since the epoch.
    pub at_ms: i64,
    /// The version in force then.
    pub version: u64,
    /// The catalog's revision then.
    pub catalog_revision: u64,
    /// What the first one says is left and borne.
    pub risks: Vec<String>,
    /// What the server knew was left.
    pub left: Vec<ResidualView>,
}

/// The second signature, with which it was closed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ClosedView {
    /// Who confirmed it.
    pub by: String,
    /// When, in milliseconds since the epoch.
    pub at_ms: i64,
}

/// How a campaign's end stands.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ClosingView {
    /// `open`, `proposed`, `closed`.
    pub state: String,
    /// All that are enrolled or expected.
    pub expected: i64,
    /// Hosts that ever carried a target.
    pub carried: i64,
    /// Of these, replaced.
    pub replaced: i64,
    /// What is left now.
    pub left: Vec<ResidualView>,
    /// What stands against closing it now; empty where nothing does.
    pub hindrances: Vec<String>,
    /// What was proposed, where something was.
    pub proposal: Option<ProposalView>,
    /// The second signature, where it is closed.
    pub closed: Option<ClosedView>,
}

impl Service {
    /// How the campaign's end stands, and what is left.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn closing(&self) -> Result<ClosingView, ServiceError> {
        let service = self.clone();
        self.0
            .store
            .read(move |tx| {
                let in_force = service.in_force(tx)?;
                let residue = service.residue(tx, &in_force)?;
                let closing = in_force.progress.closing.as_ref();
                let confirmed = closing.and_then(|it| it.confirmed.as_ref());
                let hindrances = match confirmed {
                    None => service.hindrances(tx, &in_force)?,
                    Some(_) => Vec::new(),
                };
                Ok(ClosingView {
                    state: match (closing, confirmed) {
                        (None, _) => "open",
                        (Some(_), None) => "proposed",
                        (Some(_), Some(_)) => "closed",
                    }
                    .to_owned(),
                    expected: residue.expected,
                    carried: residue.carried,
                    replaced: residue.replaced,
                    left: views(&residue),
                    hindrances,
                    proposal: closing.map(|it| proposal_view(tx, &it.proposal)).transpose()?,
                    closed: confirmed
                        .map(|it| {
                            Ok::<_, ServiceError>(ClosedView {
                                by: revealed(tx, it.by.to_string())?,
                                at_ms: it.at_ms,
                            })
                        })
                        .transpose()?,
                })
            })
            .await
    }

    /// What is left, counted now.
    pub(super) fn residue(&self, db: &mut impl Reader, in_force: &InForce) -> Result<Residue, ServiceError> {
        let totals = self.totals(db)?;
        let duties = self.duties_in(db)?;
        let is_owed = |duty: &&DutyView| duty.reports.iter().any(|it| it.reported_ms.is_none());
        let beside = Beside {
            retired_unproven: self.retired_unproven(db)?,
            findings: findings::count(db)?,
            duties: i64::try_from(duties.iter().filter(is_owed).count()).unwrap_or(i64::MAX),
        };
        let at_ms = in_force.figures_ms(self.now_ms());
        Ok(Residue::of(&totals, beside, &in_force.campaign, at_ms))
    }

    fn retired_unproven(&self, db: &mut impl Reader) -> Result<i64, ServiceError> {
        let filter = plans::PlanFilter {
            phase: Some(Phase::Retired.as_str().to_owned()),
            ..plans::PlanFilter::default()
        };
        let (mut count, mut after) = (0, None::<String>);
        loop {
            let rows = plans::list(db, self.campaign_id().as_str(), &filter, after.as_deref(), BATCH)?;
            for row in &rows {
                count += i64::from(!is_proven_free(&read_plan(row)?));
            }
            match rows.last() {
                Some(last) => after = Some(last.host_id.clone()),
                None => return Ok(count),
            }
        }
    }

    pub(super) fn must_be_at_rest(&self, db: &mut impl Reader, in_force: &InForce) -> Result<(), ServiceError> {
        let hindrances = self.hindrances(db, in_force)?;
        if hindrances.is_empty() {
            return Ok(());
        }
        let why = format!("the campaign cannot be closed yet: {}", hindrances.join("; "));
        Err(ServiceError::Refused { why })
    }

    /// What stands against closing it: work that is under way ends first, by its own hand or a person's.
    fn hindrances(&self, db: &mut impl Reader, in_force: &InForce) -> Result<Vec<String>, ServiceError> {
        let mut hindrances = Vec::new();
        let id = self.campaign_id().as_str();
        let limit = i64::try_from(NAMED).unwrap_or(i64::MAX) + 1;
        let plans = plans::with_order(db, id, None, limit)?
            .iter()
            .map(read_plan)
            .collect::<Result<Vec<Plan>, _>>()?;
        if !plans.is_empty() {
            let mut names = Vec::new();
            for plan in plans.iter().take(NAMED) {
                let host = plan.host_id.to_string();
                names.push(hosts::load(db, &host)?.map_or(host, |row| row.name));
            }
            if plans.len() > NAMED {
                names.push("and more".to_owned());
            }
            hindrances.push(format!(
                "work orders are out ({}); pause the campaign and let them end, or stop it (cutover campaign pause, stop)",
                names.join(", ")
            ));
        }
        let drained = self.groups(db, in_force)?.drained();
        if drained > 0 {
            hindrances.push(format!(
                "{drained} hosts are drained, or may be, and were not released; stop the campaign, and see that whoever drains \
                 them takes that (cutover hosts released HOST says so by hand)"
            ));
        }
        if !in_force.progress.passes.is_empty() {
            let what = "hosts are still being decided on (cutover campaign show); wait until that is done".to_owned();
            hindrances.push(what);
        }
        Ok(hindrances)
    }
}

fn proposal_view(db: &mut impl Reader, it: &Proposal) -> Result<ProposalView, ServiceError> {
    let paper = &it.paper;
    Ok(ProposalView {
        digest: it.digest.clone(),
        by: revealed(db, paper.proposed.by.to_string())?,
        why: revealed(db, paper.proposed.why.to_string())?,
        at_ms: paper.proposed.at_ms,
        version: paper.version,
        catalog_revision: paper.catalog_revision,
        risks: all_revealed(db, paper.risks.iter().map(ToString::to_string).collect())?,
        left: views(&paper.residue),
    })
}

fn views(residue: &Residue) -> Vec<ResidualView> {
    let view = |(kind, count): (&Residual, &i64)| ResidualView {
        kind: kind.to_string(),
        count: *count,
        text: kind.text().to_owned(),
        names: kind.names().to_owned(),
    };
    residue.left.iter().map(view).collect()
}
