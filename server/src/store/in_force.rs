//! By what the server answers, beside rows: figures that a new program may change, kept in versions.

use super::error::StoreError;
use super::tx::{Reader, WriteTx};
use super::value::params;
use super::versions::IN_FORCE;

/// The revision of the catalog.
pub const CATALOG_REVISION: &str = "catalog-revision";

/// What is in force under `name`.
///
/// # Errors
/// As [`Reader::query`].
pub fn get(db: &mut impl Reader, name: &str) -> Result<Option<i64>, StoreError> {
    db.query_opt("SELECT value FROM in_force WHERE name = ?1", params![name])?
        .map(|row| row.int("value"))
        .transpose()
}

/// Puts `value` in force from this transaction's position on.
///
/// # Errors
/// As [`WriteTx::execute`].
pub fn put(tx: &mut WriteTx<'_>, name: &str, value: i64) -> Result<(), StoreError> {
    tx.execute(
        "INSERT INTO in_force (name, value) VALUES (?1, ?2) ON CONFLICT (name) DO UPDATE SET value = excluded.value",
        params![name, value],
    )?;
    tx.keep_figure(&IN_FORCE, params![name]);
    Ok(())
}
