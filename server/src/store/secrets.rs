//! Secrets, sealed before they come here: what the store holds opens with a key that it has not.

use super::error::StoreError;
use super::tx::{Reader, WriteTx};
use super::value::{Row, params};

/// One revision of a secret that is in force.
#[derive(Clone, PartialEq, Eq)]
pub struct SecretRow {
    /// The product that it is for.
    pub product: String,
    /// What it is called there.
    pub name: String,
    /// From 1; never the same twice.
    pub revision: i64,
    /// How many values it has.
    pub candidates: i64,
    /// Which key sealed it.
    pub key_id: String,
    /// All values together, sealed.
    pub sealed: Vec<u8>,
    /// Server time at which it was set.
    pub set_ms: i64,
    /// The mention of whoever set it.
    pub set_by: String,
}

impl std::fmt::Debug for SecretRow {
    // Sealed or not, its bytes have no business in a log.
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{} of {}, revision {}", self.name, self.product, self.revision)
    }
}

const COLUMNS: &str = "product, name, revision, candidates, key_id, sealed, set_ms, set_by";

fn read(row: &Row) -> Result<SecretRow, StoreError> {
    Ok(SecretRow {
        product: row.text("product")?,
        name: row.text("name")?,
        revision: row.int("revision")?,
        candidates: row.int("candidates")?,
        key_id: row.text("key_id")?,
        sealed: row.blob("sealed")?,
        set_ms: row.int("set_ms")?,
        set_by: row.text("set_by")?,
    })
}

/// The highest revision that a secret ever had, also one that was removed; 0 where there was none.
///
/// # Errors
/// As [`Reader::query`].
pub fn newest_revision(db: &mut impl Reader, product: &str, name: &str) -> Result<i64, StoreError> {
    let newest = db.query_opt(
        "SELECT revision FROM secret WHERE product = ?1 AND name = ?2 ORDER BY revision DESC LIMIT 1",
        params![product, name],
    )?;
    newest.map_or(Ok(0), |row| row.int("revision"))
}

/// Every secret in force, by product and name.
///
/// # Errors
/// As [`Reader::query`].
pub fn list(db: &mut impl Reader) -> Result<Vec<SecretRow>, StoreError> {
    db.query(
        &format!("SELECT {COLUMNS} FROM secret WHERE state = 'kept' ORDER BY product, name, revision"),
        params![],
    )?
    .iter()
    .map(read)
    .collect()
}

/// Keeps a revision. The one before must have ended.
///
/// # Errors
/// [`StoreError::Conflict`] when somebody else gave that revision meanwhile.
pub fn insert(tx: &mut WriteTx<'_>, it: &SecretRow) -> Result<(), StoreError> {
    let made = tx.execute(
        &format!(
            "INSERT INTO secret ({COLUMNS}, state) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, 'kept')
             ON CONFLICT (product, name, revision) DO NOTHING"
        ),
        params![
            it.product.as_str(),
            it.name.as_str(),
            it.revision,
            it.candidates,
            it.key_id.as_str(),
            it.sealed.as_slice(),
            it.set_ms,
            it.set_by.as_str(),
        ],
    )?;
    if made == 1 {
        return Ok(());
    }
    Err(StoreError::conflict(format!("secret {} of {}", it.name, it.product)))
}

/// What is in force of a secret ends, and zeros take the place of its bytes; its row stays, so that its revision is not given again. The
/// revision that ended; `None` where there was nothing.
///
/// # Errors
/// As [`WriteTx::execute`].
pub fn end(tx: &mut WriteTx<'_>, product: &str, name: &str) -> Result<Option<i64>, StoreError> {
    let found = tx.query_opt(
        "SELECT revision, sealed FROM secret WHERE product = ?1 AND name = ?2 AND state = 'kept'",
        params![product, name],
    )?;
    let Some(row) = found else { return Ok(None) };
    let revision = row.int("revision")?;
    // SQLite writes a row over itself where not a byte more or less is needed. Otherwise the old bytes would stay in its file, since pages
    // that become free are not written.
    let zeros = vec![0; row.blob("sealed")?.len()];
    tx.execute(
        "UPDATE secret SET sealed = ?4, state = 'gone' WHERE product = ?1 AND name = ?2 AND revision = ?3",
        params![product, name, revision, zeros],
    )?;
    Ok(Some(revision))
}
