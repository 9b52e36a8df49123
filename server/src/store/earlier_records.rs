//! What other systems said of machines before anybody looked.

use super::error::StoreError;
use super::tx::{Reader, WriteTx};
use super::value::{Row, params};

/// One record of one file about one asset.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RecordRow {
    /// The asset.
    pub asset_id: String,
    /// What the export is called.
    pub source: String,
    /// Hex SHA-256 of the file.
    pub sha256: String,
    /// When it was so, as the record says.
    pub at_ms: i64,
    /// `carries` or `clear`.
    pub says: String,
    /// Server time.
    pub imported_ms: i64,
    /// The mention of whoever imported it.
    pub imported_by: String,
}

const COLUMNS: &str = "asset_id, source, sha256, at_ms, says, imported_ms, imported_by";

fn read(row: &Row) -> Result<RecordRow, StoreError> {
    Ok(RecordRow {
        asset_id: row.text("asset_id")?,
        source: row.text("source")?,
        sha256: row.text("sha256")?,
        at_ms: row.int("at_ms")?,
        says: row.text("says")?,
        imported_ms: row.int("imported_ms")?,
        imported_by: row.text("imported_by")?,
    })
}

/// Keeps a record; one of the same file about the same asset stays as it is. `true` when it is new.
///
/// # Errors
/// As [`WriteTx::execute`].
pub fn insert(tx: &mut WriteTx<'_>, it: &RecordRow) -> Result<bool, StoreError> {
    let made = tx.execute(
        &format!(
            "INSERT INTO earlier_record ({COLUMNS}) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)
             ON CONFLICT (asset_id, sha256) DO NOTHING"
        ),
        params![
            it.asset_id.as_str(),
            it.source.as_str(),
            it.sha256.as_str(),
            it.at_ms,
            it.says.as_str(),
            it.imported_ms,
            it.imported_by.as_str(),
        ],
    )?;
    Ok(made == 1)
}

/// All about an asset, the oldest first.
///
/// # Errors
/// As [`Reader::query`].
pub fn of_asset(db: &mut impl Reader, asset_id: &str) -> Result<Vec<RecordRow>, StoreError> {
    db.query(
        &format!("SELECT {COLUMNS} FROM earlier_record WHERE asset_id = ?1 ORDER BY at_ms, sha256"),
        params![asset_id],
    )?
    .iter()
    .map(read)
    .collect()
}
