//! What does not fit together, by host and by machine without agent.

use super::error::StoreError;
use super::tx::{Reader, WriteTx};
use super::value::{Row, params};

/// One finding.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FindingRow {
    /// The host's or the asset's id.
    pub of_id: String,
    /// `host` or `asset`.
    pub of_kind: String,
    /// What kind.
    pub kind: String,
    /// Who says otherwise.
    pub source: String,
    /// What each says.
    pub detail: String,
    /// Server time at which it was first found.
    pub since_ms: i64,
}

/// Where a page of them begins: after this one.
pub type After<'a> = (&'a str, &'a str, &'a str);

const COLUMNS: &str = "of_id, of_kind, kind, source, detail, since_ms";

fn read(row: &Row) -> Result<FindingRow, StoreError> {
    Ok(FindingRow {
        of_id: row.text("of_id")?,
        of_kind: row.text("of_kind")?,
        kind: row.text("kind")?,
        source: row.text("source")?,
        detail: row.text("detail")?,
        since_ms: row.int("since_ms")?,
    })
}

/// All of one host or asset.
///
/// # Errors
/// As [`Reader::query`].
pub fn of(db: &mut impl Reader, of_id: &str) -> Result<Vec<FindingRow>, StoreError> {
    db.query(
        &format!("SELECT {COLUMNS} FROM finding WHERE of_id = ?1 ORDER BY kind, source"),
        params![of_id],
    )?
    .iter()
    .map(read)
    .collect()
}

/// How many there are.
///
/// # Errors
/// As [`Reader::query`].
pub fn count(db: &mut impl Reader) -> Result<i64, StoreError> {
    let rows = db.query("SELECT COUNT(*) AS findings FROM finding", params![])?;
    rows.first().map_or(Ok(0), |row| row.int("findings"))
}

/// A page of all, at most `limit`.
///
/// # Errors
/// As [`Reader::query`].
pub fn list(db: &mut impl Reader, after: After<'_>, limit: i64) -> Result<Vec<FindingRow>, StoreError> {
    db.query(
        &format!(
            "SELECT {COLUMNS} FROM finding WHERE (of_id, kind, source) > (?1, ?2, ?3) ORDER BY of_id, kind, source LIMIT ?4"
        ),
        params![after.0, after.1, after.2, limit],
    )?
    .iter()
    .map(read)
    .collect()
}

/// Makes these the findings of one host or asset; one that was there keeps its time. `true` when anything changed.
///
/// # Errors
/// As [`WriteTx::execute`].
pub fn replace(tx: &mut WriteTx<'_>, of_id: &str, now: &[FindingRow]) -> Result<bool, StoreError> {
    let before = of(tx, of_id)?;
    let mut is_changed = false;
    for gone in before
        .iter()
        .filter(|it| !now.iter().any(|new| new.kind == it.kind && new.source == it.source))
    {
        tx.execute(
            "DELETE FROM finding WHERE of_id = ?1 AND kind = ?2 AND source = ?3",
            params![of_id, gone.kind.as_str(), gone.source.as_str()],
        )?;
        is_changed = true;
    }
    for it in now {
        let known = before.iter().find(|old| old.kind == it.kind && old.source == it.source);
        if known.is_some_and(|old| old.detail == it.detail) {
            continue;
        }
        tx.execute(
            &format!(
                "INSERT INTO finding ({COLUMNS}) VALUES (?1, ?2, ?3, ?4, ?5, ?6)
                 ON CONFLICT (of_id, kind, source) DO UPDATE SET detail = excluded.detail"
            ),
            params![
                of_id,
                it.of_kind.as_str(),
                it.kind.as_str(),
                it.source.as_str(),
                it.detail.as_str(),
                it.since_ms,
            ],
        )?;
        is_changed = true;
    }
    Ok(is_changed)
}
