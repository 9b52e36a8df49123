//! Looks that people carried to the server, byte for byte: evidence.

use super::error::StoreError;
use super::tx::{Reader, WriteTx};
use super::value::{Row, params};

/// One imported look, without its bytes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LookRow {
    /// Lower-case hex of SHA-256 over the file.
    pub sha256: String,
    /// Who vouches for it.
    pub vouched: String,
    /// The key that signed it; empty where none did.
    pub key_id: String,
    /// Whose look it is; empty where it is a host's.
    pub asset_id: String,
    /// The host whose key signed it; else empty.
    pub host_id: String,
    /// What the file was called.
    pub file_name: String,
    /// By the machine's clock.
    pub taken_ms: i64,
    /// Server time.
    pub imported_ms: i64,
    /// The mention of whoever imported it.
    pub imported_by: String,
    /// Revision of the rules that judged.
    pub rules_revision: i64,
    /// Revision of the catalog that judged.
    pub catalog_revision: i64,
    /// Version of the campaign that judged.
    pub campaign_version: i64,
    /// What it found.
    pub found: String,
    /// JSON of the inventory.
    pub inventory: String,
}

const COLUMNS: &str = "sha256, vouched, key_id, asset_id, host_id, file_name, taken_ms, imported_ms, imported_by, \
     rules_revision, catalog_revision, campaign_version, found, inventory";

fn read(row: &Row) -> Result<LookRow, StoreError> {
    Ok(LookRow {
        sha256: row.text("sha256")?,
        vouched: row.text("vouched")?,
        key_id: row.text("key_id")?,
        asset_id: row.text("asset_id")?,
        host_id: row.text("host_id")?,
        file_name: row.text("file_name")?,
        taken_ms: row.int("taken_ms")?,
        imported_ms: row.int("imported_ms")?,
        imported_by: row.text("imported_by")?,
        rules_revision: row.int("rules_revision")?,
        catalog_revision: row.int("catalog_revision")?,
        campaign_version: row.int("campaign_version")?,
        found: row.text("found")?,
        inventory: row.text("inventory")?,
    })
}

/// Keeps a look; one that is kept already stays as it is. `true` when it is new.
///
/// # Errors
/// As [`WriteTx::execute`].
pub fn insert(tx: &mut WriteTx<'_>, it: &LookRow, bytes: &[u8]) -> Result<bool, StoreError> {
    let made = tx.execute(
        &format!(
            "INSERT INTO imported_look ({COLUMNS}, bytes)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15) ON CONFLICT (sha256) DO NOTHING"
        ),
        params![
            it.sha256.as_str(),
            it.vouched.as_str(),
            it.key_id.as_str(),
            it.asset_id.as_str(),
            it.host_id.as_str(),
            it.file_name.as_str(),
            it.taken_ms,
            it.imported_ms,
            it.imported_by.as_str(),
            it.rules_revision,
            it.catalog_revision,
            it.campaign_version,
            it.found.as_str(),
            it.inventory.as_str(),
            bytes,
        ],
    )?;
    Ok(made == 1)
}

/// One look.
///
/// # Errors
/// As [`Reader::query`].
pub fn load(db: &mut impl Reader, sha256: &str) -> Result<Option<LookRow>, StoreError> {
    db.query_opt(
        &format!("SELECT {COLUMNS} FROM imported_look WHERE sha256 = ?1"),
        params![sha256],
    )?
    .as_ref()
    .map(read)
    .transpose()
}

/// The file itself.
///
/// # Errors
/// As [`Reader::query`].
pub fn bytes(db: &mut impl Reader, sha256: &str) -> Result<Option<Vec<u8>>, StoreError> {
    db.query_opt("SELECT bytes FROM imported_look WHERE sha256 = ?1", params![sha256])?
        .map(|row| row.blob("bytes"))
        .transpose()
}

/// Looks at an asset, the last made first, at most `limit`.
///
/// # Errors
/// As [`Reader::query`].
pub fn of_asset(db: &mut impl Reader, asset_id: &str, limit: i64) -> Result<Vec<LookRow>, StoreError> {
    list(db, "asset_id = ?1 AND asset_id <> ''", asset_id, limit)
}

/// Looks that an enrolled host's key signed, the last made first, at most `limit`.
///
/// # Errors
/// As [`Reader::query`].
pub fn of_host(db: &mut impl Reader, host_id: &str, limit: i64) -> Result<Vec<LookRow>, StoreError> {
    list(db, "host_id = ?1 AND host_id <> ''", host_id, limit)
}

fn list(db: &mut impl Reader, condition: &str, id: &str, limit: i64) -> Result<Vec<LookRow>, StoreError> {
    db.query(
        &format!("SELECT {COLUMNS} FROM imported_look WHERE {condition} ORDER BY taken_ms DESC, sha256 LIMIT ?2"),
        params![id, limit],
    )?
    .iter()
    .map(read)
    .collect()
}
