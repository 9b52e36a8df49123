//! What is said of hosts' disks: attestations, for their listing (what each says lies in the plan's row), and what imported
//! reports say.

use super::ending::{self, After, EndingLine, EndingRow};
use super::error::StoreError;
use super::tx::{Reader, WriteTx};
use super::value::params;
use super::versions::DISK_ATTESTATION;

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

/// Keeps what is attested of a host; there is at most one in a campaign.
///
/// # Errors
/// As [`WriteTx::execute`].
pub fn put(tx: &mut WriteTx<'_>, row: &EndingRow) -> Result<(), StoreError> {
    ending::put(tx, &DISK_ATTESTATION, row)
}

/// It is over. Nothing where there is none.
///
/// # Errors
/// As [`WriteTx::execute`].
pub fn remove(tx: &mut WriteTx<'_>, campaign_id: &str, host_id: &str) -> Result<(), StoreError> {
    ending::remove(tx, &DISK_ATTESTATION, campaign_id, host_id)
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
) -> Result<Vec<EndingLine>, StoreError> {
    ending::list(db, &DISK_ATTESTATION, campaign_id, after, limit)
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
