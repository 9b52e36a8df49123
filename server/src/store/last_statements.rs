//! Hosts that were asked to leave, and what they said last.

use super::error::StoreError;
use super::tx::{Reader, WriteTx};
use super::value::{Row, params};

/// A host that was asked.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LastStatementRow {
    /// Who.
    pub host_id: String,
    /// What its statement has to answer.
    pub request_id: String,
    /// Server time at which it was first asked.
    pub asked_ms: i64,
    /// What it said, where it did.
    pub said: Option<Said>,
}

/// A statement that was taken.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Said {
    /// Hex of SHA-256 over the body.
    pub digest: String,
    /// As it was signed.
    pub envelope: Vec<u8>,
    /// Server time.
    pub received_ms: i64,
}

const COLUMNS: &str = "host_id, request_id, asked_ms, digest, envelope, received_ms";

fn read(row: &Row) -> Result<LastStatementRow, StoreError> {
    let said = match row.opt_text("digest")? {
        None => None,
        Some(digest) => Some(Said {
            digest,
            envelope: row.blob("envelope")?,
            received_ms: row.int("received_ms")?,
        }),
    };
    Ok(LastStatementRow {
        host_id: row.text("host_id")?,
        request_id: row.text("request_id")?,
        asked_ms: row.int("asked_ms")?,
        said,
    })
}

/// By what a host was asked, and what it said.
///
/// # Errors
/// As [`Reader::query`].
pub fn load(db: &mut impl Reader, host: &str) -> Result<Option<LastStatementRow>, StoreError> {
    db.query_opt(
        &format!("SELECT {COLUMNS} FROM last_statement WHERE host_id = ?1"),
        params![host],
    )?
    .as_ref()
    .map(read)
    .transpose()
}

/// Notes that a host is asked. `false` where it was before: that request counts.
///
/// # Errors
/// As [`WriteTx::execute`].
pub fn ask(tx: &mut WriteTx<'_>, host: &str, request_id: &str, asked_ms: i64) -> Result<bool, StoreError> {
    let made = tx.execute(
        "INSERT INTO last_statement (host_id, request_id, asked_ms) VALUES (?1, ?2, ?3) ON CONFLICT (host_id) DO NOTHING",
        params![host, request_id, asked_ms],
    )?;
    Ok(made == 1)
}

/// It is here again: it may be asked anew one day. What it said is in its events.
///
/// # Errors
/// As [`WriteTx::execute`].
pub fn forget(tx: &mut WriteTx<'_>, host: &str) -> Result<(), StoreError> {
    tx.execute("DELETE FROM last_statement WHERE host_id = ?1", params![host])?;
    Ok(())
}

/// Keeps what it said to that request. `false` where it was not asked by it, or has said something already: the first
/// statement stays.
///
/// # Errors
/// As [`WriteTx::execute`].
pub fn keep(tx: &mut WriteTx<'_>, host: &str, request_id: &str, said: &Said) -> Result<bool, StoreError> {
    let kept = tx.execute(
        "UPDATE last_statement SET digest = ?3, envelope = ?4, received_ms = ?5
         WHERE host_id = ?1 AND request_id = ?2 AND digest IS NULL",
        params![
            host,
            request_id,
            said.digest.as_str(),
            said.envelope.as_slice(),
            said.received_ms,
        ],
    )?;
    Ok(kept == 1)
}
