//! Signed-in browsers. Only the hash of a session's cookie is kept.

use super::error::StoreError;
use super::tx::{Reader, WriteTx};
use super::value::params;

/// One session.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SessionRow {
    /// Lower-case hex of SHA-256 over the cookie.
    pub session_hash: String,
    /// Who signed in.
    pub name: String,
    /// The role, as the service names it.
    pub role: String,
    /// What a form must send back.
    pub csrf: String,
    /// Server time.
    pub created_ms: i64,
    /// Ends then unless it is used before.
    pub idle_until_ms: i64,
    /// Ends then in any case.
    pub ends_ms: i64,
}

/// Adds a session.
///
/// # Errors
/// [`StoreError::Conflict`] when the cookie is taken.
pub fn insert(tx: &mut WriteTx<'_>, session: &SessionRow) -> Result<(), StoreError> {
    tx.execute(
        "INSERT INTO session (session_hash, name, role, csrf, created_ms, idle_until_ms, ends_ms)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)",
        params![
            session.session_hash.as_str(),
            session.name.as_str(),
            session.role.as_str(),
            session.csrf.as_str(),
            session.created_ms,
            session.idle_until_ms,
            session.ends_ms,
        ],
    )?;
    Ok(())
}

/// The session, if it is good at `now_ms`.
///
/// # Errors
/// As [`Reader::query`].
pub fn load(db: &mut impl Reader, session_hash: &str, now_ms: i64) -> Result<Option<SessionRow>, StoreError> {
    db.query_opt(
        "SELECT session_hash, name, role, csrf, created_ms, idle_until_ms, ends_ms FROM session
         WHERE session_hash = ?1 AND idle_until_ms > ?2 AND ends_ms > ?2",
        params![session_hash, now_ms],
    )?
    .map(|row| {
        Ok(SessionRow {
            session_hash: row.text("session_hash")?,
            name: row.text("name")?,
            role: row.text("role")?,
            csrf: row.text("csrf")?,
            created_ms: row.int("created_ms")?,
            idle_until_ms: row.int("idle_until_ms")?,
            ends_ms: row.int("ends_ms")?,
        })
    })
    .transpose()
}

/// Moves the idle end of a session; it never goes back.
///
/// # Errors
/// As [`WriteTx::execute`].
pub fn extend(tx: &mut WriteTx<'_>, session_hash: &str, idle_until_ms: i64) -> Result<(), StoreError> {
    tx.execute(
        "UPDATE session SET idle_until_ms = ?2 WHERE session_hash = ?1 AND idle_until_ms < ?2",
        params![session_hash, idle_until_ms],
    )?;
    Ok(())
}

/// Signs out. `false` when there was no such session.
///
/// # Errors
/// As [`WriteTx::execute`].
pub fn delete(tx: &mut WriteTx<'_>, session_hash: &str) -> Result<bool, StoreError> {
    let gone = tx.execute("DELETE FROM session WHERE session_hash = ?1", params![session_hash])?;
    Ok(gone == 1)
}

/// Removes sessions that have ended and says how many.
///
/// # Errors
/// As [`WriteTx::execute`].
pub fn delete_ended(tx: &mut WriteTx<'_>, now_ms: i64) -> Result<u64, StoreError> {
    tx.execute(
        "DELETE FROM session WHERE ends_ms <= ?1 OR idle_until_ms <= ?1",
        params![now_ms],
    )
}
