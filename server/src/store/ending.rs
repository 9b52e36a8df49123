//! What holds on a host of a campaign until an end, for its listing: one table a kind, of one shape. What each says lies in the
//! plan's row.

use super::error::StoreError;
use super::tx::{Reader, WriteTx};
use super::value::{Row, params};
use super::versions::Spans;

/// One of them; a host has at most one of a kind in a campaign.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EndingRow {
    /// The campaign.
    pub campaign_id: String,
    /// The host.
    pub host_id: String,
    /// Its end.
    pub until_ms: i64,
    /// Server time at which it was last said.
    pub since_ms: i64,
}

/// One of them with its host and plan.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EndingLine {
    /// What holds.
    pub row: EndingRow,
    /// What the machine calls itself.
    pub name: String,
    /// JSON of the core's plan.
    pub state: String,
}

/// Where a page begins: after this end and host.
pub type After<'a> = (i64, &'a str);

/// Keeps one, in place of what held before.
///
/// # Errors
/// As [`WriteTx::execute`].
pub(super) fn put(tx: &mut WriteTx<'_>, table: &'static Spans, row: &EndingRow) -> Result<(), StoreError> {
    tx.execute(
        &format!(
            "INSERT INTO {} (campaign_id, host_id, until_ms, since_ms) VALUES (?1, ?2, ?3, ?4)
             ON CONFLICT (campaign_id, host_id) DO UPDATE SET until_ms = excluded.until_ms, since_ms = excluded.since_ms",
            table.live
        ),
        params![
            row.campaign_id.as_str(),
            row.host_id.as_str(),
            row.until_ms,
            row.since_ms
        ],
    )?;
    tx.keep_row(table, &[&row.campaign_id, &row.host_id]);
    Ok(())
}

/// It is over. Nothing where there is none.
///
/// # Errors
/// As [`WriteTx::execute`].
pub(super) fn remove(
    tx: &mut WriteTx<'_>,
    table: &'static Spans,
    campaign_id: &str,
    host_id: &str,
) -> Result<(), StoreError> {
    tx.execute(
        &format!("DELETE FROM {} WHERE campaign_id = ?1 AND host_id = ?2", table.live),
        params![campaign_id, host_id],
    )?;
    // Of a row that is gone its version ends, and no other begins.
    tx.keep_row(table, &[campaign_id, host_id]);
    Ok(())
}

/// A page of those of a campaign, the one that ends first before the others, at most `limit`.
///
/// # Errors
/// As [`Reader::query`].
pub(super) fn list(
    db: &mut impl Reader,
    table: &Spans,
    campaign_id: &str,
    after: After<'_>,
    limit: i64,
) -> Result<Vec<EndingLine>, StoreError> {
    let it = table.live;
    db.query(
        &format!(
            "SELECT {it}.campaign_id, {it}.host_id, {it}.until_ms, {it}.since_ms, host.name, plan.state
             FROM {it}
             JOIN plan ON plan.campaign_id = {it}.campaign_id AND plan.host_id = {it}.host_id
             JOIN host ON host.host_id = {it}.host_id
             WHERE {it}.campaign_id = ?1 AND ({it}.until_ms, {it}.host_id) > (?2, ?3)
             ORDER BY {it}.until_ms, {it}.host_id LIMIT ?4"
        ),
        params![campaign_id, after.0, after.1, limit],
    )?
    .iter()
    .map(line)
    .collect()
}

fn line(row: &Row) -> Result<EndingLine, StoreError> {
    Ok(EndingLine {
        row: EndingRow {
            campaign_id: row.text("campaign_id")?,
            host_id: row.text("host_id")?,
            until_ms: row.int("until_ms")?,
            since_ms: row.int("since_ms")?,
        },
        name: row.text("name")?,
        state: row.text("state")?,
    })
}
