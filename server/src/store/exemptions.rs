//! Exemptions that are in force, for their listing. What each says lies in the plan's row.

use super::ending::{self, After, EndingLine, EndingRow};
use super::error::StoreError;
use super::tx::{Reader, WriteTx};
use super::versions::EXEMPTION;

/// Stands for "until revoked", so that the column has no NULLs, which the two databases sort differently.
const NO_END: i64 = i64::MAX;

/// One exemption.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ExemptionRow {
    /// The campaign.
    pub campaign_id: String,
    /// The host.
    pub host_id: String,
    /// Its end; `None` until revoked.
    pub until_ms: Option<i64>,
    /// Server time at which it was granted.
    pub since_ms: i64,
}

/// An exemption with its host and plan.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ExemptionLine {
    /// The exemption.
    pub row: ExemptionRow,
    /// What the machine calls itself.
    pub name: String,
    /// JSON of the core's plan.
    pub state: String,
}

impl ExemptionRow {
    /// Its place in the listing.
    #[must_use]
    pub fn place(&self) -> After<'_> {
        (self.until_ms.unwrap_or(NO_END), &self.host_id)
    }
}

impl From<EndingLine> for ExemptionLine {
    fn from(line: EndingLine) -> Self {
        Self {
            row: ExemptionRow {
                campaign_id: line.row.campaign_id,
                host_id: line.row.host_id,
                until_ms: Some(line.row.until_ms).filter(|at| *at != NO_END),
                since_ms: line.row.since_ms,
            },
            name: line.name,
            state: line.state,
        }
    }
}

/// Keeps a host's exemption; it has at most one in a campaign.
///
/// # Errors
/// As [`WriteTx::execute`].
pub fn put(tx: &mut WriteTx<'_>, row: &ExemptionRow) -> Result<(), StoreError> {
    let row = EndingRow {
        campaign_id: row.campaign_id.clone(),
        host_id: row.host_id.clone(),
        until_ms: row.place().0,
        since_ms: row.since_ms,
    };
    ending::put(tx, &EXEMPTION, &row)
}

/// It is over. Nothing where there is none.
///
/// # Errors
/// As [`WriteTx::execute`].
pub fn remove(tx: &mut WriteTx<'_>, campaign_id: &str, host_id: &str) -> Result<(), StoreError> {
    ending::remove(tx, &EXEMPTION, campaign_id, host_id)
}

/// A page of those of a campaign, the one that ends first before the others, at most `limit`.
///
/// # Errors
/// As [`Reader::query`].
pub fn list(
    db: &mut impl Reader,
    campaign_id: &str,
    after: After<'_>,
    limit: i64,
) -> Result<Vec<ExemptionLine>, StoreError> {
    let lines = ending::list(db, &EXEMPTION, campaign_id, after, limit)?;
    Ok(lines.into_iter().map(Into::into).collect())
}
