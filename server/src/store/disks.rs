//! What is said of hosts' disks: attestations, for their listing (what each says lies in the plan's row), and what imported
//! reports say.

use super::error::StoreError;
use super::tx::{Reader, WriteTx};
use super::value::{Row, params};
use super::versions::DISK_ATTESTATION;

/// One attestation, by one person or by two.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AttestationRow {
    /// The campaign.
    pub campaign_id: String,
    /// The host.
    pub host_id: String,
    /// Its end.
    pub until_ms: i64,
    /// Server time of its newest signature.
    pub since_ms: i64,
}

/// An attestation with its host and plan.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AttestationLine {
    /// The attestation.
    pub row: AttestationRow,
    /// What the machine calls itself.
    pub name: String,
    /// JSON of the core's plan.
    pub state: String,
}

/// What an imported report says of a record's machine.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ReportRow {
    /// The record.
    pub asset_id: String,
    /// Hex SHA-256 of the file.
    pub sha256: String,
    /// The core's word.
    pub says: String,
    /// When the source last heard of the machine, where it says so.
    pub seen_ms: Option<i64>,
    /// Server time.
    pub imported_ms: i64,
    /// The mention of whoever imported it.
    pub imported_by: String,
}

/// Where a page begins: after this end and host.
pub type After<'a> = (i64, &'a str);

/// Keeps what is attested of a host; there is at most one in a campaign.
///
/// # Errors
/// As [`WriteTx::execute`].
pub fn put(tx: &mut WriteTx<'_>, row: &AttestationRow) -> Result<(), StoreError> {
    tx.execute(
        "INSERT INTO disk_attestation (campaign_id, host_id, until_ms, since_ms) VALUES (?1, ?2, ?3, ?4)
         ON CONFLICT (campaign_id, host_id) DO UPDATE SET until_ms = excluded.until_ms, since_ms = excluded.since_ms",
        params![
            row.campaign_id.as_str(),
            row.host_id.as_str(),
            row.until_ms,
            row.since_ms
        ],
    )?;
    tx.keep_row(&DISK_ATTESTATION, &[&row.campaign_id, &row.host_id]);
    Ok(())
}

/// It is over. Nothing where there is none.
///
/// # Errors
/// As [`WriteTx::execute`].
pub fn remove(tx: &mut WriteTx<'_>, campaign_id: &str, host_id: &str) -> Result<(), StoreError> {
    tx.execute(
        "DELETE FROM disk_attestation WHERE campaign_id = ?1 AND host_id = ?2",
        params![campaign_id, host_id],
    )?;
    // Of a row that is gone its version ends, and no other begins.
    tx.keep_row(&DISK_ATTESTATION, &[campaign_id, host_id]);
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
) -> Result<Vec<AttestationLine>, StoreError> {
    db.query(
        "SELECT disk_attestation.campaign_id, disk_attestation.host_id, disk_attestation.until_ms, disk_attestation.since_ms,
                host.name, plan.state
         FROM disk_attestation
         JOIN plan ON plan.campaign_id = disk_attestation.campaign_id AND plan.host_id = disk_attestation.host_id
         JOIN host ON host.host_id = disk_attestation.host_id
         WHERE disk_attestation.campaign_id = ?1 AND (disk_attestation.until_ms, disk_attestation.host_id) > (?2, ?3)
         ORDER BY disk_attestation.until_ms, disk_attestation.host_id LIMIT ?4",
        params![campaign_id, after.0, after.1, limit],
    )?
    .iter()
    .map(line)
    .collect()
}

fn line(row: &Row) -> Result<AttestationLine, StoreError> {
    Ok(AttestationLine {
        row: AttestationRow {
            campaign_id: row.text("campaign_id")?,
            host_id: row.text("host_id")?,
            until_ms: row.int("until_ms")?,
            since_ms: row.int("since_ms")?,
        },
        name: row.text("name")?,
        state: row.text("state")?,
    })
}

const REPORT: &str = "asset_id, sha256, says, seen_ms, imported_ms, imported_by";

/// Keeps what a report says, in place of what one said of the same record before.
///
/// # Errors
/// As [`WriteTx::execute`].
pub fn put_report(tx: &mut WriteTx<'_>, row: &ReportRow) -> Result<(), StoreError> {
    tx.execute(
        &format!(
            "INSERT INTO disk_report ({REPORT}) VALUES (?1, ?2, ?3, ?4, ?5, ?6)
             ON CONFLICT (asset_id) DO UPDATE SET sha256 = excluded.sha256, says = excluded.says, seen_ms = excluded.seen_ms,
                imported_ms = excluded.imported_ms, imported_by = excluded.imported_by"
        ),
        params![
            row.asset_id.as_str(),
            row.sha256.as_str(),
            row.says.as_str(),
            row.seen_ms,
            row.imported_ms,
            row.imported_by.as_str(),
        ],
    )?;
    Ok(())
}

/// The source says nothing of the record's disks any more. Nothing where it did not.
///
/// # Errors
/// As [`WriteTx::execute`].
pub fn remove_report(tx: &mut WriteTx<'_>, asset_id: &str) -> Result<(), StoreError> {
    tx.execute("DELETE FROM disk_report WHERE asset_id = ?1", params![asset_id])?;
    Ok(())
}

/// What a report says of a record's disks.
///
/// # Errors
/// As [`Reader::query`].
pub fn report_of(db: &mut impl Reader, asset_id: &str) -> Result<Option<ReportRow>, StoreError> {
    let rows = db.query(
        &format!("SELECT {REPORT} FROM disk_report WHERE asset_id = ?1"),
        params![asset_id],
    )?;
    rows.first()
        .map(|row| {
            Ok(ReportRow {
                asset_id: row.text("asset_id")?,
                sha256: row.text("sha256")?,
                says: row.text("says")?,
                seen_ms: row.opt_int("seen_ms")?,
                imported_ms: row.int("imported_ms")?,
                imported_by: row.text("imported_by")?,
            })
        })
        .transpose()
}
