//! Exemptions that are in force, for their listing. What each says lies in the plan's row.

use super::error::StoreError;
use super::tx::{Reader, WriteTx};
use super::value::{Row, params};
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

/// Where a page begins: after this end and host.
pub type After<'a> = (i64, &'a str);

impl ExemptionRow {
    /// Its place in the listing.
    #[must_use]
    pub fn place(&self) -> After<'_> {
        (self.until_ms.unwrap_or(NO_END), &self.host_id)
    }
}

fn read(row: &Row) -> Result<ExemptionLine, StoreError> {
    Ok(ExemptionLine {
        row: ExemptionRow {
            campaign_id: row.text("campaign_id")?,
            host_id: row.text("host_id")?,
            until_ms: Some(row.int("until_ms")?).filter(|at| *at != NO_END),
            since_ms: row.int("since_ms")?,
        },
        name: row.text("name")?,
        state: row.text("state")?,
    })
}

/// Keeps a host's exemption; it has at most one in a campaign.
///
/// # Errors
/// As [`WriteTx::execute`].
pub fn put(tx: &mut WriteTx<'_>, row: &ExemptionRow) -> Result<(), StoreError> {
    tx.execute(
        "INSERT INTO exemption (campaign_id, host_id, until_ms, since_ms) VALUES (?1, ?2, ?3, ?4)
         ON CONFLICT (campaign_id, host_id) DO UPDATE SET until_ms = excluded.until_ms, since_ms = excluded.since_ms",
        params![
            row.campaign_id.as_str(),
            row.host_id.as_str(),
            row.until_ms.unwrap_or(NO_END),
            row.since_ms,
        ],
    )?;
    tx.keep_row(&EXEMPTION, &[&row.campaign_id, &row.host_id]);
    Ok(())
}

/// It is over. Nothing where there is none.
///
/// # Errors
/// As [`WriteTx::execute`].
pub fn remove(tx: &mut WriteTx<'_>, campaign_id: &str, host_id: &str) -> Result<(), StoreError> {
    tx.execute(
        "DELETE FROM exemption WHERE campaign_id = ?1 AND host_id = ?2",
        params![campaign_id, host_id],
    )?;
    // Of a row that is gone its version ends, and no other begins.
    tx.keep_row(&EXEMPTION, &[campaign_id, host_id]);
    Ok(())
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
    db.query(
        "SELECT exemption.campaign_id, exemption.host_id, exemption.until_ms, exemption.since_ms, host.name, plan.state
         FROM exemption
         JOIN plan ON plan.campaign_id = exemption.campaign_id AND plan.host_id = exemption.host_id
         JOIN host ON host.host_id = exemption.host_id
         WHERE exemption.campaign_id = ?1 AND (exemption.until_ms, exemption.host_id) > (?2, ?3)
         ORDER BY exemption.until_ms, exemption.host_id LIMIT ?4",
        params![campaign_id, after.0, after.1, limit],
    )?
    .iter()
    .map(read)
    .collect()
}
