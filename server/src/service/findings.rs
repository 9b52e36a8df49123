//! Findings: kept in the transaction of whatever changes them, listed a page at a time.

use cutover_core::{
    campaign::Campaign,
    findings::{self, FindingKind, OtherWord, OwnWord},
    plan::Plan,
    report::instant,
};
use serde::{Deserialize, Serialize};

use super::{Service, ServiceError, campaign::InForce, handle::PLAN_CHANGED, plan_edit::read_plan};
use crate::store::{
    Reader, StoreError, WriteTx, assets,
    findings::{self as kept, FindingRow},
    hosts, plans,
};

/// Rows on a page.
const PAGE: usize = 100;

/// What does not fit together, and what to do about it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct FindingView {
    /// The host's or the asset's id; of a duty, its name.
    pub of_id: String,
    /// `host`, `asset`, or `campaign` of a duty to report.
    pub of_kind: String,
    /// The machine's name.
    pub name: String,
    /// What kind.
    pub kind: String,
    /// Who says otherwise; of a duty, to whom; of dates, the product that they are of.
    pub source: String,
    /// What each says.
    pub text: String,
    /// What to do.
    pub remedy: String,
    /// When it was first found.
    pub since_ms: i64,
}

/// A page of findings.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct FindingList {
    /// By machine.
    pub findings: Vec<FindingView>,
    /// Where the next page begins.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub next: Option<String>,
}

/// Where a listing begins.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct FindingFilter {
    /// What the page before gave as `next`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub after: Option<String>,
}

impl Service {
    /// A page of findings.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn findings(&self, filter: FindingFilter) -> Result<FindingList, ServiceError> {
        let service = self.clone();
        self.0
            .store
            .read(move |tx| {
                let after = filter.after.as_deref().unwrap_or_default();
                let mut parts = after.splitn(3, '/');
                let mut part = || parts.next().unwrap_or_default();
                let after = (part(), part(), part());
                let mut rows = kept::list(tx, after, i64::try_from(PAGE).unwrap_or(i64::MAX) + 1)?;
                let more = rows.len() > PAGE;
                rows.truncate(PAGE);
                let next = rows
                    .last()
                    .filter(|_| more)
                    .map(|last| format!("{}/{}/{}", last.of_id, last.kind, last.source));
                // Duties stand before what is of one machine.
                let mut findings = if after == ("", "", "") {
                    service.duty_findings(tx)?
                } else {
                    Vec::new()
                };
                findings.extend(views(tx, rows)?);
                Ok::<_, ServiceError>(FindingList { findings, next })
            })
            .await
    }

    /// Those of one host or asset.
    pub(super) fn findings_of(&self, db: &mut impl Reader, of_id: &str) -> Result<Vec<FindingView>, ServiceError> {
        let rows = kept::of(db, of_id)?;
        views(db, rows)
    }

    /// How good the evidence of a migrated host is, in words; empty where there is nothing to grade.
    pub(super) fn grade_in_words(
        &self,
        db: &mut impl Reader,
        plan: &Plan,
        campaign: &Campaign,
    ) -> Result<String, ServiceError> {
        if plan.phase != cutover_core::plan::Phase::Migrated {
            return Ok(String::new());
        }
        let others = words_about(db, &plan.host_id.to_string())?;
        Ok(match findings::corroboration(&OwnWord::of(plan), &others, campaign) {
            None => findings::Grade::SelfReported.to_string(),
            Some(by) => format!(
                "{} by {}, which heard of it at {}",
                findings::Grade::Corroborated,
                by.source,
                instant(by.at_ms)
            ),
        })
    }

    /// A plan has changed: what other systems say of its host is held against it, and so are the campaign's milestones.
    pub(super) fn compare_host(
        &self,
        tx: &mut WriteTx<'_>,
        plan: &Plan,
        in_force: &InForce,
    ) -> Result<(), ServiceError> {
        let others = words_about(tx, &plan.host_id.to_string())?;
        self.keep_host_findings(tx, plan, &others, &in_force.campaign)
    }

    /// What is said of a machine has changed: it is a host, by id, or stands for itself.
    pub(super) fn compare_words(
        &self,
        tx: &mut WriteTx<'_>,
        of: Subject<'_>,
        others: &[OtherWord],
        campaign: &Campaign,
    ) -> Result<(), ServiceError> {
        match of {
            Subject::Host(host_id) => {
                let in_force = self.in_force(tx)?;
                self.describe(tx, &in_force, host_id)?;
                self.doubt_disks(tx, &in_force, host_id)?;
                match plans::load(tx, self.campaign_id().as_str(), host_id)? {
                    Some(row) => self.keep_host_findings(tx, &read_plan(&row)?, others, campaign),
                    None => Ok(()),
                }
            }
            Subject::Asset(asset_id) => {
                let found = findings::findings(None, others, campaign);
                self.keep(tx, "asset", asset_id, found)
            }
        }
    }

    fn keep_host_findings(
        &self,
        tx: &mut WriteTx<'_>,
        plan: &Plan,
        others: &[OtherWord],
        campaign: &Campaign,
    ) -> Result<(), ServiceError> {
        let found = findings::findings(Some(&OwnWord::of(plan)), others, campaign);
        self.keep(tx, "host", &plan.host_id.to_string(), found)
    }

    fn keep(
        &self,
        tx: &mut WriteTx<'_>,
        of_kind: &str,
        of_id: &str,
        found: Vec<findings::Finding>,
    ) -> Result<(), ServiceError> {
        let rows: Vec<FindingRow> = found
            .into_iter()
            .map(|it| FindingRow {
                of_id: of_id.to_owned(),
                of_kind: of_kind.to_owned(),
                kind: it.kind.as_str().to_owned(),
                source: it.source,
                detail: it.text,
                since_ms: self.now_ms(),
            })
            .collect();
        if kept::replace(tx, of_id, &rows)? {
            tx.after_commit(PLAN_CHANGED);
        }
        Ok(())
    }
}

/// Whose findings.
#[derive(Debug, Clone, Copy)]
pub(super) enum Subject<'s> {
    /// An enrolled host's.
    Host(&'s str),
    /// Those of a machine without agent, by the asset that stands for it.
    Asset(&'s str),
}

/// What the records say that are this host.
pub(super) fn words_about(db: &mut impl Reader, host_id: &str) -> Result<Vec<OtherWord>, ServiceError> {
    let mut others = Vec::new();
    for row in assets::by_hosts(db, [&host_id.to_owned()])? {
        others.extend(super::assets::other_word(&row)?);
    }
    Ok(others)
}

fn views(db: &mut impl Reader, rows: Vec<FindingRow>) -> Result<Vec<FindingView>, ServiceError> {
    let mut views = Vec::with_capacity(rows.len());
    for row in rows {
        let kind = FindingKind::parse(&row.kind).map_err(|error| StoreError::Corrupt {
            what: format!("finding of {}", row.of_id),
            why: error.to_string(),
        })?;
        let name = if row.of_kind == "host" {
            hosts::load(db, &row.of_id)?.map(|host| host.name)
        } else {
            assets::load_all(db, [&row.of_id])?.pop().map(|asset| asset.name)
        };
        views.push(FindingView {
            name: name.unwrap_or_else(|| row.of_id.clone()),
            of_id: row.of_id,
            of_kind: row.of_kind,
            kind: row.kind,
            source: row.source,
            text: row.detail,
            remedy: kind.remedy().to_owned(),
            since_ms: row.since_ms,
        });
    }
    Ok(views)
}
