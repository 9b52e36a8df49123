//! What is attested of disks, as it is listed.

use serde::{Deserialize, Serialize};

use super::super::{Service, ServiceError, exemptions, personal::revealed, plan_edit::read_state};
use crate::store::{Reader, disks, ending};

/// Rows on a page.
const PAGE: usize = 100;

/// Who attested it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct DiskSignatureView {
    /// Who.
    pub by: String,
    /// By what it is known.
    pub why: String,
    /// When.
    pub at_ms: i64,
}

/// What is attested of a host's disks.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct DisksView {
    /// The host's id.
    pub host_id: String,
    /// Its name.
    pub name: String,
    /// Its phase.
    pub phase: String,
    /// not-encrypted-by-target, decrypted or keys-escrowed.
    pub says: String,
    /// Whether two people say it; one alone changes nothing.
    pub counts: bool,
    /// The day of what it rests on.
    pub rests_on_ms: i64,
    /// Its end.
    pub until_ms: i64,
    /// Who says it.
    pub signed: Vec<DiskSignatureView>,
}

/// A page of them.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct DisksList {
    /// The one that ends first before the others.
    pub disks: Vec<DisksView>,
    /// Where the next page begins.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub next: Option<String>,
}

/// Where a listing begins.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct DisksFilter {
    /// What the page before gave as `next`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub after: Option<String>,
    /// The instant of which it is asked; left out: now.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub as_of: Option<String>,
}

impl Service {
    /// A page of what is attested of disks, by one person or by two.
    ///
    /// # Errors
    /// When `after` is none that a page gave, or the store fails.
    pub async fn disks(&self, filter: DisksFilter) -> Result<DisksList, ServiceError> {
        let after = exemptions::place(filter.after.as_deref())?;
        self.read_as_of(filter.as_of, move |then, tx| {
            let id = then.campaign_id().as_str();
            let limit = i64::try_from(PAGE).unwrap_or(i64::MAX) + 1;
            let mut lines = disks::list(tx, id, (after.0, &after.1), limit)?;
            let more = lines.len() > PAGE;
            lines.truncate(PAGE);
            let next = lines.last().filter(|_| more);
            let next = next.map(|last| format!("{}/{}", last.row.until_ms, last.row.host_id));
            let mut disks = Vec::new();
            for line in lines {
                disks.extend(view(tx, line)?);
            }
            Ok(DisksList { disks, next })
        })
        .await
    }
}

fn view(db: &mut impl Reader, line: ending::EndingLine) -> Result<Option<DisksView>, ServiceError> {
    let plan = read_state(&line.state)?;
    let Some(attested) = &plan.disks else {
        return Ok(None);
    };
    let mut signed = Vec::new();
    for it in &attested.signatures {
        signed.push(DiskSignatureView {
            by: revealed(db, it.by.to_string())?,
            why: revealed(db, it.why.to_string())?,
            at_ms: it.at_ms,
        });
    }
    Ok(Some(DisksView {
        host_id: line.row.host_id,
        name: line.name,
        phase: plan.phase.to_string(),
        says: attested.says.to_string(),
        counts: attested.counts(),
        rests_on_ms: attested.rests_on_ms,
        until_ms: attested.until_ms,
        signed,
    }))
}
