//! Kernel sessions that spoke under an identity: a row for each, written when it begins or comes back.

use cutover_core::trail::Sight;

use super::error::StoreError;
use super::tx::{Reader, WriteTx};
use super::value::{Row, params};

const COLUMNS: &str = "boot_id, first_ms, last_ms, first_run, last_run";

fn read(row: &Row) -> Result<Sight, StoreError> {
    Ok(Sight {
        boot_id: row.text("boot_id")?,
        first_ms: row.int("first_ms")?,
        last_ms: row.int("last_ms")?,
        first_run: row.int("first_run")?,
        last_run: row.int("last_run")?,
    })
}

/// The session that spoke last.
///
/// # Errors
/// As [`Reader::query`].
pub fn newest(db: &mut impl Reader, host_id: &str) -> Result<Option<Sight>, StoreError> {
    db.query_opt(
        &format!("SELECT {COLUMNS} FROM host_session WHERE host_id = ?1 ORDER BY last_run DESC LIMIT 1"),
        params![host_id],
    )?
    .as_ref()
    .map(read)
    .transpose()
}

/// One session.
///
/// # Errors
/// As [`Reader::query`].
pub fn load(db: &mut impl Reader, host_id: &str, boot_id: &str) -> Result<Option<Sight>, StoreError> {
    db.query_opt(
        &format!("SELECT {COLUMNS} FROM host_session WHERE host_id = ?1 AND boot_id = ?2"),
        params![host_id, boot_id],
    )?
    .as_ref()
    .map(read)
    .transpose()
}

/// All sessions of an identity, in the order of their first words.
///
/// # Errors
/// As [`Reader::query`].
pub fn of_host(db: &mut impl Reader, host_id: &str) -> Result<Vec<Sight>, StoreError> {
    db.query(
        &format!("SELECT {COLUMNS} FROM host_session WHERE host_id = ?1 ORDER BY first_run, boot_id"),
        params![host_id],
    )?
    .iter()
    .map(read)
    .collect()
}

/// Keeps a session as it is now.
///
/// # Errors
/// As [`WriteTx::execute`].
pub fn keep(tx: &mut WriteTx<'_>, host_id: &str, sight: &Sight) -> Result<(), StoreError> {
    tx.execute(
        &format!(
            "INSERT INTO host_session (host_id, {COLUMNS}) VALUES (?1, ?2, ?3, ?4, ?5, ?6)
             ON CONFLICT (host_id, boot_id) DO UPDATE SET last_ms = excluded.last_ms, last_run = excluded.last_run"
        ),
        params![
            host_id,
            sight.boot_id.as_str(),
            sight.first_ms,
            sight.last_ms,
            sight.first_run,
            sight.last_run,
        ],
    )?;
    Ok(())
}

/// Forgets one session.
///
/// # Errors
/// As [`WriteTx::execute`].
pub fn forget(tx: &mut WriteTx<'_>, host_id: &str, boot_id: &str) -> Result<(), StoreError> {
    tx.execute(
        "DELETE FROM host_session WHERE host_id = ?1 AND boot_id = ?2",
        params![host_id, boot_id],
    )?;
    Ok(())
}
