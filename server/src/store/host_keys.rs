//! Which key speaks for which host, and until when. Asked at every call of an agent.

use super::error::StoreError;
use super::tx::{Reader, WriteTx};
use super::value::{Row, params};

/// One key of a host.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HostKeyRow {
    /// Lower-case hex of SHA-256 over the SubjectPublicKeyInfo.
    pub spki_hash: String,
    /// The host.
    pub host_id: String,
    /// Server time from which it counts.
    pub from_ms: i64,
    /// End of its certificate.
    pub to_ms: i64,
    /// Server time of its revocation.
    pub revoked_ms: Option<i64>,
    /// DER, the newest for this key.
    pub certificate: Vec<u8>,
}

const COLUMNS: &str = "spki_hash, host_id, from_ms, to_ms, revoked_ms, certificate";

fn read(row: &Row) -> Result<HostKeyRow, StoreError> {
    Ok(HostKeyRow {
        spki_hash: row.text("spki_hash")?,
        host_id: row.text("host_id")?,
        from_ms: row.int("from_ms")?,
        to_ms: row.int("to_ms")?,
        revoked_ms: row.opt_int("revoked_ms")?,
        certificate: row.blob("certificate")?,
    })
}

/// Adds a key.
///
/// # Errors
/// [`StoreError::Conflict`] when the key is known: it speaks for one host only.
pub fn insert(tx: &mut WriteTx<'_>, key: &HostKeyRow) -> Result<(), StoreError> {
    let made = tx.execute(
        &format!("INSERT INTO host_key ({COLUMNS}) VALUES (?1, ?2, ?3, ?4, ?5, ?6) ON CONFLICT (spki_hash) DO NOTHING"),
        params![
            key.spki_hash.as_str(),
            key.host_id.as_str(),
            key.from_ms,
            key.to_ms,
            key.revoked_ms,
            key.certificate.as_slice(),
        ],
    )?;
    if made == 1 {
        Ok(())
    } else {
        Err(tx.conflict(format!("key {}", key.spki_hash)))
    }
}

/// Gives a known key a newer certificate; it stays good from when it was. `false` when there is no such key or it was
/// revoked.
///
/// # Errors
/// As [`WriteTx::execute`].
pub fn certify(tx: &mut WriteTx<'_>, spki_hash: &str, to_ms: i64, certificate: &[u8]) -> Result<bool, StoreError> {
    let changed = tx.execute(
        "UPDATE host_key SET to_ms = ?2, certificate = ?3 WHERE spki_hash = ?1 AND revoked_ms IS NULL",
        params![spki_hash, to_ms, certificate],
    )?;
    Ok(changed == 1)
}

/// The key, revoked or not.
///
/// # Errors
/// As [`Reader::query`].
pub fn load(db: &mut impl Reader, spki_hash: &str) -> Result<Option<HostKeyRow>, StoreError> {
    db.query_opt(
        &format!("SELECT {COLUMNS} FROM host_key WHERE spki_hash = ?1"),
        params![spki_hash],
    )?
    .as_ref()
    .map(read)
    .transpose()
}

/// All keys of a host, oldest first.
///
/// # Errors
/// As [`Reader::query`].
pub fn of_host(db: &mut impl Reader, host_id: &str) -> Result<Vec<HostKeyRow>, StoreError> {
    db.query(
        &format!("SELECT {COLUMNS} FROM host_key WHERE host_id = ?1 ORDER BY from_ms, spki_hash"),
        params![host_id],
    )?
    .iter()
    .map(read)
    .collect()
}

/// Revokes a key; the first revocation stands. `false` when there is no such key or it was revoked before.
///
/// # Errors
/// As [`WriteTx::execute`].
pub fn revoke(tx: &mut WriteTx<'_>, spki_hash: &str, now_ms: i64) -> Result<bool, StoreError> {
    let changed = tx.execute(
        "UPDATE host_key SET revoked_ms = ?2 WHERE spki_hash = ?1 AND revoked_ms IS NULL",
        params![spki_hash, now_ms],
    )?;
    Ok(changed == 1)
}

/// Revokes all keys of a host and says how many.
///
/// # Errors
/// As [`WriteTx::execute`].
pub fn revoke_host(tx: &mut WriteTx<'_>, host_id: &str, now_ms: i64) -> Result<u64, StoreError> {
    tx.execute(
        "UPDATE host_key SET revoked_ms = ?2 WHERE host_id = ?1 AND revoked_ms IS NULL",
        params![host_id, now_ms],
    )
}
