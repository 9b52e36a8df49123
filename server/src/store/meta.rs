//! Facts about the store itself.

use super::error::StoreError;
use super::tx::{Reader, WriteTx};
use super::value::params;

/// Names the life of this store: made at `init`, made anew by `restore`. An agent that sees another one sends again
/// what lies above the marks.
pub const STORE_EPOCH: &str = "store-epoch";

/// Set once the counting of what holds hosts up has begun.
pub const CAUSES_COUNTED: &str = "causes-counted";

/// When who is late was judged last, and what had happened until then.
pub const LATE_JUDGED: &str = "late-judged";

/// One fact.
///
/// # Errors
/// As [`Reader::query`].
pub fn get(db: &mut impl Reader, key: &str) -> Result<Option<String>, StoreError> {
    db.query_opt("SELECT value FROM meta WHERE key = ?1", params![key])?
        .map(|row| row.text("value"))
        .transpose()
}

/// Sets a fact, whatever it was.
///
/// # Errors
/// As [`WriteTx::execute`].
pub fn set(tx: &mut WriteTx<'_>, key: &str, value: &str) -> Result<(), StoreError> {
    tx.execute(
        "INSERT INTO meta (key, value) VALUES (?1, ?2) ON CONFLICT (key) DO UPDATE SET value = excluded.value",
        params![key, value],
    )?;
    Ok(())
}

/// Sets a fact unless it has a value, and returns the value in force.
///
/// # Errors
/// As [`WriteTx::execute`].
pub fn ensure(tx: &mut WriteTx<'_>, key: &str, value: &str) -> Result<String, StoreError> {
    tx.execute(
        "INSERT INTO meta (key, value) VALUES (?1, ?2) ON CONFLICT (key) DO NOTHING",
        params![key, value],
    )?;
    get(tx, key)?.ok_or(StoreError::Aborted)
}
