//! Logins that are good once: what `demo` prints. Only their hashes are kept.

use super::error::StoreError;
use super::tx::{Reader, WriteTx};
use super::value::params;

/// One login.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OneTimeLoginRow {
    /// Lower-case hex of SHA-256 over the login.
    pub login_hash: String,
    /// Who signs in by it.
    pub name: String,
    /// The role, as the service names it.
    pub role: String,
    /// From when on it is good for nothing.
    pub ends_ms: i64,
}

/// Adds a login.
///
/// # Errors
/// [`StoreError::Conflict`] when it is known.
pub fn insert(tx: &mut WriteTx<'_>, login: &OneTimeLoginRow) -> Result<(), StoreError> {
    tx.execute(
        "INSERT INTO one_time_login (login_hash, name, role, ends_ms) VALUES (?1, ?2, ?3, ?4)",
        params![
            login.login_hash.as_str(),
            login.name.as_str(),
            login.role.as_str(),
            login.ends_ms
        ],
    )?;
    Ok(())
}

/// Uses a login up. `None` when it is unknown, has ended or was used.
///
/// # Errors
/// As [`WriteTx::execute`].
pub fn take(tx: &mut WriteTx<'_>, login_hash: &str, now_ms: i64) -> Result<Option<OneTimeLoginRow>, StoreError> {
    tx.query_opt(
        "UPDATE one_time_login SET used_ms = ?2
         WHERE login_hash = ?1 AND used_ms IS NULL AND ends_ms > ?2
         RETURNING login_hash, name, role, ends_ms",
        params![login_hash, now_ms],
    )?
    .map(|row| {
        Ok(OneTimeLoginRow {
            login_hash: row.text("login_hash")?,
            name: row.text("name")?,
            role: row.text("role")?,
            ends_ms: row.int("ends_ms")?,
        })
    })
    .transpose()
}
