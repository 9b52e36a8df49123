//! Tokens that let machines enrol. Only their hashes are kept.

use super::error::StoreError;
use super::tx::{Reader, WriteTx};
use super::value::{Row, params};

/// One token.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EnrolTokenRow {
    /// Lower-case hex of SHA-256 over the token.
    pub token_hash: String,
    /// What people call it.
    pub name: String,
    /// Server time.
    pub created_ms: i64,
    /// From when on it is good for nothing.
    pub ends_ms: i64,
    /// How many machines may still enrol by it.
    pub uses_left: i64,
    /// JSON array of tags that it grants.
    pub tags: String,
    /// Server time of its revocation.
    pub revoked_ms: Option<i64>,
}

/// What became of an attempt to use a token.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum TokenUse {
    /// One use was taken; these tags go to the host.
    Granted {
        /// JSON array.
        tags: String,
    },
    /// There is no such token.
    Unknown,
    /// It was revoked.
    Revoked,
    /// Its end has passed.
    Expired {
        /// When.
        ends_ms: i64,
    },
    /// No use is left.
    UsedUp,
}

const COLUMNS: &str = "token_hash, name, created_ms, ends_ms, uses_left, tags, revoked_ms";

fn read(row: &Row) -> Result<EnrolTokenRow, StoreError> {
    Ok(EnrolTokenRow {
        token_hash: row.text("token_hash")?,
        name: row.text("name")?,
        created_ms: row.int("created_ms")?,
        ends_ms: row.int("ends_ms")?,
        uses_left: row.int("uses_left")?,
        tags: row.text("tags")?,
        revoked_ms: row.opt_int("revoked_ms")?,
    })
}

/// Adds a token.
///
/// # Errors
/// [`StoreError::Conflict`] when the token is known.
pub fn insert(tx: &mut WriteTx<'_>, token: &EnrolTokenRow) -> Result<(), StoreError> {
    tx.execute(
        &format!("INSERT INTO enrol_token ({COLUMNS}) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)"),
        params![
            token.token_hash.as_str(),
            token.name.as_str(),
            token.created_ms,
            token.ends_ms,
            token.uses_left,
            token.tags.as_str(),
            token.revoked_ms,
        ],
    )?;
    Ok(())
}

/// Takes one use, or says why not.
///
/// # Errors
/// As [`WriteTx::execute`].
pub fn take_use(tx: &mut WriteTx<'_>, token_hash: &str, now_ms: i64) -> Result<TokenUse, StoreError> {
    let granted = tx.query_opt(
        "UPDATE enrol_token SET uses_left = uses_left - 1
         WHERE token_hash = ?1 AND uses_left > 0 AND ends_ms > ?2 AND revoked_ms IS NULL
         RETURNING tags",
        params![token_hash, now_ms],
    )?;
    if let Some(row) = granted {
        return Ok(TokenUse::Granted {
            tags: row.text("tags")?,
        });
    }
    Ok(match load(tx, token_hash)? {
        None => TokenUse::Unknown,
        Some(token) if token.revoked_ms.is_some() => TokenUse::Revoked,
        Some(token) if token.ends_ms <= now_ms => TokenUse::Expired { ends_ms: token.ends_ms },
        Some(_) => TokenUse::UsedUp,
    })
}

/// One token.
///
/// # Errors
/// As [`Reader::query`].
pub fn load(db: &mut impl Reader, token_hash: &str) -> Result<Option<EnrolTokenRow>, StoreError> {
    db.query_opt(
        &format!("SELECT {COLUMNS} FROM enrol_token WHERE token_hash = ?1"),
        params![token_hash],
    )?
    .as_ref()
    .map(read)
    .transpose()
}

/// All tokens, oldest first.
///
/// # Errors
/// As [`Reader::query`].
pub fn list(db: &mut impl Reader) -> Result<Vec<EnrolTokenRow>, StoreError> {
    db.query(
        &format!("SELECT {COLUMNS} FROM enrol_token ORDER BY created_ms, token_hash"),
        params![],
    )?
    .iter()
    .map(read)
    .collect()
}

/// Revokes a token; the first revocation stands. `false` when there is none or it was revoked before.
///
/// # Errors
/// As [`WriteTx::execute`].
pub fn revoke(tx: &mut WriteTx<'_>, token_hash: &str, now_ms: i64) -> Result<bool, StoreError> {
    let changed = tx.execute(
        "UPDATE enrol_token SET revoked_ms = ?2 WHERE token_hash = ?1 AND revoked_ms IS NULL",
        params![token_hash, now_ms],
    )?;
    Ok(changed == 1)
}
