//! Which key enrolled by which token, so that asking again with the same key costs no second use.

use super::error::StoreError;
use super::tx::{Reader, WriteTx};
use super::value::params;

/// One enrolment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EnrolmentRow {
    /// Lower-case hex of SHA-256 over the SubjectPublicKeyInfo.
    pub spki_hash: String,
    /// The token that was used.
    pub token_hash: String,
    /// The host that it made.
    pub host_id: String,
    /// Server time.
    pub at_ms: i64,
}

/// Notes an enrolment.
///
/// # Errors
/// [`StoreError::Conflict`] when the key enrolled at the same moment; the store then runs the closure again, which finds it.
pub fn insert(tx: &mut WriteTx<'_>, enrolment: &EnrolmentRow) -> Result<(), StoreError> {
    let made = tx.execute(
        "INSERT INTO enrolment (spki_hash, token_hash, host_id, at_ms) VALUES (?1, ?2, ?3, ?4)
         ON CONFLICT (spki_hash) DO NOTHING",
        params![
            enrolment.spki_hash.as_str(),
            enrolment.token_hash.as_str(),
            enrolment.host_id.as_str(),
            enrolment.at_ms,
        ],
    )?;
    if made == 1 {
        Ok(())
    } else {
        Err(tx.conflict(format!("the enrolment of key {}", enrolment.spki_hash)))
    }
}

/// The enrolment of a key.
///
/// # Errors
/// As [`Reader::query`].
pub fn load(db: &mut impl Reader, spki_hash: &str) -> Result<Option<EnrolmentRow>, StoreError> {
    db.query_opt(
        "SELECT spki_hash, token_hash, host_id, at_ms FROM enrolment WHERE spki_hash = ?1",
        params![spki_hash],
    )?
    .map(|row| {
        Ok(EnrolmentRow {
            spki_hash: row.text("spki_hash")?,
            token_hash: row.text("token_hash")?,
            host_id: row.text("host_id")?,
            at_ms: row.int("at_ms")?,
        })
    })
    .transpose()
}
