//! Personal values apart from the events that name them: an event holds a salted digest, the value and its salt lie here
//! and can be erased while the chain still verifies.

use sha2::{Digest, Sha256};

use super::error::StoreError;
use super::events::StreamName;
use super::tx::{Reader, WriteTx};
use super::value::params;

/// The fewest bytes of salt: with less, a digest of a short name could be guessed.
const LEAST_SALT: usize = 16;

/// A value that can be erased.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PersonalRow {
    /// Lower-case hex; what events hold.
    pub digest: String,
    /// The stream whose events name it.
    pub stream: StreamName,
    /// What it is: `user`, `owner`, `note`.
    pub field: String,
    /// The value.
    pub value: String,
}

/// SHA-256 over `cutover-personal-v1`, a zero byte, and salt, field and value each with its length in 4 bytes before it.
pub fn digest(salt: &[u8], field: &str, value: &str) -> String {
    let mut sha = Sha256::new();
    sha.update(b"cutover-personal-v1\0");
    for part in [salt, field.as_bytes(), value.as_bytes()] {
        sha.update(u32::try_from(part.len()).unwrap_or(u32::MAX).to_be_bytes());
        sha.update(part);
    }
    hex::encode(sha.finalize())
}

/// Keeps a value and returns the digest that stands for it in events. The salt comes from the edge, fresh for each value:
/// at least 16 random bytes.
///
/// # Errors
/// [`StoreError::Constraint`] for a short salt.
pub fn put(
    tx: &mut WriteTx<'_>,
    stream: &StreamName,
    field: &str,
    value: &str,
    salt: &[u8],
) -> Result<String, StoreError> {
    if salt.len() < LEAST_SALT {
        return Err(StoreError::Constraint {
            why: format!("a salt needs at least {LEAST_SALT} random bytes"),
        });
    }
    let digest = digest(salt, field, value);
    tx.execute(
        "INSERT INTO personal (digest, stream, field, salt, value) VALUES (?1, ?2, ?3, ?4, ?5)
         ON CONFLICT (digest) DO NOTHING",
        params![digest.as_str(), stream.as_str(), field, salt, value],
    )?;
    Ok(digest)
}

/// The value behind a digest; `None` when it was erased.
///
/// # Errors
/// As [`Reader::query`].
pub fn reveal(db: &mut impl Reader, digest: &str) -> Result<Option<String>, StoreError> {
    db.query_opt("SELECT value FROM personal WHERE digest = ?1", params![digest])?
        .map(|row| row.text("value"))
        .transpose()
}

/// All values that a stream's events name, by field.
///
/// # Errors
/// As [`Reader::query`].
pub fn of_stream(db: &mut impl Reader, stream: &StreamName) -> Result<Vec<PersonalRow>, StoreError> {
    db.query(
        "SELECT digest, stream, field, value FROM personal WHERE stream = ?1 ORDER BY field, digest",
        params![stream.as_str()],
    )?
    .iter()
    .map(|row| {
        Ok(PersonalRow {
            digest: row.text("digest")?,
            stream: StreamName::parse(&row.text("stream")?)?,
            field: row.text("field")?,
            value: row.text("value")?,
        })
    })
    .collect()
}

/// Erases all values of a stream with their salts, and says how many. The digests in its events then mean nothing.
///
/// # Errors
/// As [`WriteTx::execute`].
pub fn erase(tx: &mut WriteTx<'_>, stream: &StreamName) -> Result<u64, StoreError> {
    tx.execute("DELETE FROM personal WHERE stream = ?1", params![stream.as_str()])
}
