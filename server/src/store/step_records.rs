//! Signed step records, byte for byte: what a host says it did.

use super::error::StoreError;
use super::tx::{Reader, WriteTx};
use super::value::{Row, params};

/// One record.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StepRecordRow {
    /// The host.
    pub host_id: String,
    /// The work order.
    pub order_number: i64,
    /// From 1 in each order, without gaps on the host.
    pub sequence: i64,
    /// Server time.
    pub received_ms: i64,
    /// Kebab-case name of what the record says.
    pub event: String,
    /// Index of the step.
    pub step: i64,
    /// The envelope as it came.
    pub envelope: Vec<u8>,
}

/// What became of a record that arrived.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Arrival {
    /// It was kept.
    New,
    /// The same bytes were kept before.
    Repeated,
    /// Other bytes were kept under this number, and stay: a journal was restored or forged.
    Differs,
}

const COLUMNS: &str = "host_id, order_number, sequence, received_ms, event, step, envelope";

fn read(row: &Row) -> Result<StepRecordRow, StoreError> {
    Ok(StepRecordRow {
        host_id: row.text("host_id")?,
        order_number: row.int("order_number")?,
        sequence: row.int("sequence")?,
        received_ms: row.int("received_ms")?,
        event: row.text("event")?,
        step: row.int("step")?,
        envelope: row.blob("envelope")?,
    })
}

/// Keeps a record; nothing that was kept is ever replaced.
///
/// # Errors
/// As [`WriteTx::execute`].
pub fn insert(tx: &mut WriteTx<'_>, record: &StepRecordRow) -> Result<Arrival, StoreError> {
    let made = tx.execute(
        &format!(
            "INSERT INTO step_record ({COLUMNS}) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)
             ON CONFLICT (host_id, order_number, sequence) DO NOTHING"
        ),
        params![
            record.host_id.as_str(),
            record.order_number,
            record.sequence,
            record.received_ms,
            record.event.as_str(),
            record.step,
            record.envelope.as_slice(),
        ],
    )?;
    if made == 1 {
        return Ok(Arrival::New);
    }
    let same = tx.query_opt(
        "SELECT 1 AS same FROM step_record
         WHERE host_id = ?1 AND order_number = ?2 AND sequence = ?3 AND envelope = ?4",
        params![
            record.host_id.as_str(),
            record.order_number,
            record.sequence,
            record.envelope.as_slice()
        ],
    )?;
    Ok(if same.is_some() {
        Arrival::Repeated
    } else {
        Arrival::Differs
    })
}

/// The records of an order from `from_sequence` on, in order.
///
/// # Errors
/// As [`Reader::query`].
pub fn list(
    db: &mut impl Reader,
    host_id: &str,
    order_number: i64,
    from_sequence: i64,
) -> Result<Vec<StepRecordRow>, StoreError> {
    db.query(
        &format!(
            "SELECT {COLUMNS} FROM step_record WHERE host_id = ?1 AND order_number = ?2 AND sequence >= ?3
             ORDER BY sequence"
        ),
        params![host_id, order_number, from_sequence],
    )?
    .iter()
    .map(read)
    .collect()
}

/// The high-water mark of an order: every record up to it is kept; 0 for none. Records beyond a gap do not count.
///
/// # Errors
/// As [`Reader::query`].
pub fn mark(db: &mut impl Reader, host_id: &str, order_number: i64) -> Result<i64, StoreError> {
    db.query_opt(
        "SELECT COALESCE(MAX(sequence), 0) AS mark FROM (
             SELECT sequence, ROW_NUMBER() OVER (ORDER BY sequence) AS place FROM step_record
             WHERE host_id = ?1 AND order_number = ?2 AND sequence > 0
         ) AS numbered WHERE sequence = place",
        params![host_id, order_number],
    )?
    .map_or(Ok(0), |row| row.int("mark"))
}

/// How many records are kept in all.
///
/// # Errors
/// As [`Reader::query`].
pub fn count(db: &mut impl Reader) -> Result<i64, StoreError> {
    db.query_opt("SELECT COUNT(*) AS records FROM step_record", params![])?
        .map_or(Ok(0), |row| row.int("records"))
}

/// How many steps were carried out or found done, over all hosts.
///
/// # Errors
/// As [`Reader::query`].
pub fn count_done(db: &mut impl Reader) -> Result<i64, StoreError> {
    let sql = "SELECT COUNT(*) AS steps FROM step_record WHERE event IN ('step-done', 'step-found-done')";
    db.query_opt(sql, params![])?.map_or(Ok(0), |row| row.int("steps"))
}
