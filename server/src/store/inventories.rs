//! Signed inventories, byte for byte: evidence.

use super::error::StoreError;
use super::tx::{Reader, WriteTx};
use super::value::{Row, params};

/// One inventory. The digest covers the time at which it was taken, so the same digest is the same inventory.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct InventoryRow {
    /// The host.
    pub host_id: String,
    /// Lower-case hex of SHA-256 over the envelope's body.
    pub digest: String,
    /// By the host's clock.
    pub taken_agent_ms: i64,
    /// Server time.
    pub received_ms: i64,
    /// The envelope as it came.
    pub envelope: Vec<u8>,
}

const COLUMNS: &str = "host_id, digest, taken_agent_ms, received_ms, envelope";

fn read(row: &Row) -> Result<InventoryRow, StoreError> {
    Ok(InventoryRow {
        host_id: row.text("host_id")?,
        digest: row.text("digest")?,
        taken_agent_ms: row.int("taken_agent_ms")?,
        received_ms: row.int("received_ms")?,
        envelope: row.blob("envelope")?,
    })
}

/// Keeps an inventory; one that is kept already stays as it is. `true` when it is new.
///
/// # Errors
/// As [`WriteTx::execute`].
pub fn insert(tx: &mut WriteTx<'_>, inventory: &InventoryRow) -> Result<bool, StoreError> {
    let made = tx.execute(
        &format!(
            "INSERT INTO inventory ({COLUMNS}) VALUES (?1, ?2, ?3, ?4, ?5) ON CONFLICT (host_id, digest) DO NOTHING"
        ),
        params![
            inventory.host_id.as_str(),
            inventory.digest.as_str(),
            inventory.taken_agent_ms,
            inventory.received_ms,
            inventory.envelope.as_slice(),
        ],
    )?;
    Ok(made == 1)
}

/// One inventory.
///
/// # Errors
/// As [`Reader::query`].
pub fn load(db: &mut impl Reader, host_id: &str, digest: &str) -> Result<Option<InventoryRow>, StoreError> {
    db.query_opt(
        &format!("SELECT {COLUMNS} FROM inventory WHERE host_id = ?1 AND digest = ?2"),
        params![host_id, digest],
    )?
    .as_ref()
    .map(read)
    .transpose()
}

/// The one that counts as the host's present one, where there is one.
///
/// # Errors
/// As [`Reader::query`].
pub fn present(db: &mut impl Reader, host_id: &str) -> Result<Option<InventoryRow>, StoreError> {
    db.query_opt(
        &format!(
            "SELECT {COLUMNS} FROM inventory WHERE host_id = ?1
             AND digest = (SELECT inventory_digest FROM host WHERE host_id = ?1)"
        ),
        params![host_id],
    )?
    .as_ref()
    .map(read)
    .transpose()
}

/// The inventories of a host, the first to arrive first, at most `limit`.
///
/// # Errors
/// As [`Reader::query`].
pub fn first(db: &mut impl Reader, host_id: &str, limit: i64) -> Result<Vec<InventoryRow>, StoreError> {
    db.query(
        &format!("SELECT {COLUMNS} FROM inventory WHERE host_id = ?1 ORDER BY received_ms, digest LIMIT ?2"),
        params![host_id, limit],
    )?
    .iter()
    .map(read)
    .collect()
}

/// The last inventory that had arrived by an instant, and the first that was both made and arrived after it: at most two.
///
/// # Errors
/// As [`Reader::query`].
pub fn beside(db: &mut impl Reader, host_id: &str, at_ms: i64) -> Result<Vec<InventoryRow>, StoreError> {
    let before = db.query(
        &format!(
            "SELECT {COLUMNS} FROM inventory WHERE host_id = ?1 AND received_ms <= ?2 ORDER BY received_ms DESC, digest LIMIT 1"
        ),
        params![host_id, at_ms],
    )?;
    let after = db.query(
        &format!(
            "SELECT {COLUMNS} FROM inventory WHERE host_id = ?1 AND received_ms > ?2 AND taken_agent_ms >= ?2
             ORDER BY received_ms, digest LIMIT 1"
        ),
        params![host_id, at_ms],
    )?;
    before.iter().chain(&after).map(read).collect()
}
