//! Artifacts that were added: one row per content. The bytes lie in [`super::ArtifactFiles`].

use super::error::StoreError;
use super::tx::{Reader, WriteTx};
use super::value::{Row, params};

/// One artifact.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ArtifactRow {
    /// Lower-case hex of SHA-256 over the bytes.
    pub sha256: String,
    /// Bytes; at least one.
    pub size: i64,
    /// As it was first added.
    pub file_name: String,
    /// `deb`, `rpm` or `other`.
    pub kind: String,
    /// The mention of whoever added it.
    pub added_by: String,
    /// Server time.
    pub added_ms: i64,
}

const COLUMNS: &str = "sha256, size, file_name, kind, added_by, added_ms";

fn read(row: &Row) -> Result<ArtifactRow, StoreError> {
    Ok(ArtifactRow {
        sha256: row.text("sha256")?,
        size: row.int("size")?,
        file_name: row.text("file_name")?,
        kind: row.text("kind")?,
        added_by: row.text("added_by")?,
        added_ms: row.int("added_ms")?,
    })
}

/// Adds an artifact; `false` when its content was added before: the first row stands.
///
/// # Errors
/// As [`WriteTx::execute`].
pub fn insert(tx: &mut WriteTx<'_>, artifact: &ArtifactRow) -> Result<bool, StoreError> {
    let added = tx.execute(
        &format!("INSERT INTO artifact ({COLUMNS}) VALUES (?1, ?2, ?3, ?4, ?5, ?6) ON CONFLICT (sha256) DO NOTHING"),
        params![
            artifact.sha256.as_str(),
            artifact.size,
            artifact.file_name.as_str(),
            artifact.kind.as_str(),
            artifact.added_by.as_str(),
            artifact.added_ms,
        ],
    )?;
    Ok(added == 1)
}

/// The artifact with this content.
///
/// # Errors
/// As [`Reader::query`].
pub fn load(db: &mut impl Reader, sha256: &str) -> Result<Option<ArtifactRow>, StoreError> {
    db.query_opt(
        &format!("SELECT {COLUMNS} FROM artifact WHERE sha256 = ?1"),
        params![sha256],
    )?
    .as_ref()
    .map(read)
    .transpose()
}

/// At most `limit` artifacts by hash, after the one named.
///
/// # Errors
/// As [`Reader::query`].
pub fn list(db: &mut impl Reader, after: Option<&str>, limit: i64) -> Result<Vec<ArtifactRow>, StoreError> {
    db.query(
        &format!("SELECT {COLUMNS} FROM artifact WHERE sha256 > ?1 ORDER BY sha256 LIMIT ?2"),
        params![after.unwrap_or_default(), limit],
    )?
    .iter()
    .map(read)
    .collect()
}
