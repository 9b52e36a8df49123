//! Tokens of people and scripts for the REST API. Only their hashes are kept.

use super::error::StoreError;
use super::tx::{Reader, WriteTx};
use super::value::{Row, Value, params};

/// One token.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ApiTokenRow {
    /// Lower-case hex of SHA-256 over the token.
    pub token_hash: String,
    /// Who it stands for; unique.
    pub name: String,
    /// The role, as the service names it.
    pub role: String,
    /// Server time.
    pub created_ms: i64,
    /// From when on it is good for nothing; `None` for never.
    pub ends_ms: Option<i64>,
    /// Server time of its revocation.
    pub revoked_ms: Option<i64>,
    /// Server time of its last use, written now and then.
    pub last_used_ms: Option<i64>,
}

const COLUMNS: &str = "token_hash, name, role, created_ms, ends_ms, revoked_ms, last_used_ms";

fn read(row: &Row) -> Result<ApiTokenRow, StoreError> {
    Ok(ApiTokenRow {
        token_hash: row.text("token_hash")?,
        name: row.text("name")?,
        role: row.text("role")?,
        created_ms: row.int("created_ms")?,
        ends_ms: row.opt_int("ends_ms")?,
        revoked_ms: row.opt_int("revoked_ms")?,
        last_used_ms: row.opt_int("last_used_ms")?,
    })
}

/// Adds a token.
///
/// # Errors
/// [`StoreError::Conflict`] when the token or its name is taken.
pub fn insert(tx: &mut WriteTx<'_>, token: &ApiTokenRow) -> Result<(), StoreError> {
    tx.execute(
        &format!("INSERT INTO api_token ({COLUMNS}) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)"),
        params![
            token.token_hash.as_str(),
            token.name.as_str(),
            token.role.as_str(),
            token.created_ms,
            token.ends_ms,
            token.revoked_ms,
            token.last_used_ms,
        ],
    )?;
    Ok(())
}

/// The token, good or not: whoever asks looks at its end and revocation.
///
/// # Errors
/// As [`Reader::query`].
pub fn load(db: &mut impl Reader, token_hash: &str) -> Result<Option<ApiTokenRow>, StoreError> {
    db.query_opt(
        &format!("SELECT {COLUMNS} FROM api_token WHERE token_hash = ?1"),
        params![token_hash],
    )?
    .as_ref()
    .map(read)
    .transpose()
}

/// All tokens by name.
///
/// # Errors
/// As [`Reader::query`].
pub fn list(db: &mut impl Reader) -> Result<Vec<ApiTokenRow>, StoreError> {
    db.query(&format!("SELECT {COLUMNS} FROM api_token ORDER BY name"), params![])?
        .iter()
        .map(read)
        .collect()
}

/// Revokes the token of that name; the first revocation stands. `false` when there is none or it was revoked before.
///
/// # Errors
/// As [`WriteTx::execute`].
pub fn revoke(tx: &mut WriteTx<'_>, name: &str, now_ms: i64) -> Result<bool, StoreError> {
    let changed = tx.execute(
        "UPDATE api_token SET revoked_ms = ?2 WHERE name = ?1 AND revoked_ms IS NULL",
        params![name, now_ms],
    )?;
    Ok(changed == 1)
}

/// Notes uses that were gathered: pairs of token hash and server time. An older one never replaces a newer.
///
/// # Errors
/// As [`WriteTx::execute`].
pub fn flush_used(tx: &mut WriteTx<'_>, used: &[(String, i64)]) -> Result<(), StoreError> {
    let mut ordered = used.to_vec();
    ordered.sort();
    let sets: Vec<Vec<Value>> = ordered
        .into_iter()
        .map(|(hash, at_ms)| vec![hash.into(), at_ms.into()])
        .collect();
    tx.execute_many(
        "UPDATE api_token SET last_used_ms = ?2 WHERE token_hash = ?1 AND COALESCE(last_used_ms, 0) < ?2",
        &sets,
    )?;
    Ok(())
}
