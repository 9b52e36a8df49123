//! When each host was last seen: a narrow table, gathered in memory and flushed in batches.

use std::collections::{BTreeMap, BTreeSet};

use super::error::StoreError;
use super::placeholder;
use super::tx::{Reader, WriteTx};
use super::value::{Row, Value, params};

/// The last sign of a host.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HostSeenRow {
    /// The host.
    pub host_id: String,
    /// Server time of its last check-in.
    pub seen_ms: i64,
    /// Its kernel session.
    pub boot_id: String,
    /// When a look last confirmed its inventory, by the host's clock.
    pub looked_agent_ms: Option<i64>,
}

fn read(row: &Row) -> Result<HostSeenRow, StoreError> {
    Ok(HostSeenRow {
        host_id: row.text("host_id")?,
        seen_ms: row.int("seen_ms")?,
        boot_id: row.text("boot_id")?,
        looked_agent_ms: row.opt_int("looked_agent_ms")?,
    })
}

/// The most rows written by one statement.
const ROWS_PER_INSERT: usize = 100;

/// Writes what was gathered, several signs of one host included. An older sign never replaces a newer one, so replicas
/// may flush in any order. A silence of more than `silence_ms` that ends at `now_ms` is kept, for questions as of then.
///
/// # Errors
/// As [`WriteTx::execute`].
pub fn flush(tx: &mut WriteTx<'_>, seen: &[HostSeenRow], now_ms: i64, silence_ms: i64) -> Result<(), StoreError> {
    // One row a host, as one statement may touch a row only once; in the order of ids, so that two replicas that flush
    // the same hosts do not wait for each other crosswise.
    let mut newest: BTreeMap<&str, HostSeenRow> = BTreeMap::new();
    for row in seen {
        let kept = newest.entry(&row.host_id).or_insert_with(|| row.clone());
        let looked = kept.looked_agent_ms.max(row.looked_agent_ms);
        if row.seen_ms > kept.seen_ms {
            *kept = row.clone();
        }
        kept.looked_agent_ms = looked;
    }
    let rows: Vec<HostSeenRow> = newest.into_values().collect();
    for chunk in rows.chunks(ROWS_PER_INSERT) {
        keep_silences(tx, chunk, now_ms, silence_ms)?;
        let mut values = Vec::with_capacity(chunk.len() * 4);
        for row in chunk {
            values.extend_from_slice(params![
                row.host_id.as_str(),
                row.seen_ms,
                row.boot_id.as_str(),
                row.looked_agent_ms,
            ]);
        }
        tx.execute(
            &format!(
                "INSERT INTO host_seen (host_id, seen_ms, boot_id, looked_agent_ms) VALUES {}
                 ON CONFLICT (host_id) DO UPDATE SET seen_ms = excluded.seen_ms, boot_id = excluded.boot_id,
                     looked_agent_ms = COALESCE(excluded.looked_agent_ms, host_seen.looked_agent_ms)
                 WHERE host_seen.seen_ms <= excluded.seen_ms",
                placeholder::rows(chunk.len(), 4)
            ),
            &values,
        )?;
    }
    Ok(())
}

fn keep_silences(tx: &mut WriteTx<'_>, rows: &[HostSeenRow], now_ms: i64, silence_ms: i64) -> Result<(), StoreError> {
    let places: Vec<String> = (1..=rows.len()).map(|place| format!("?{place}")).collect();
    let ids: Vec<Value> = rows.iter().map(|row| row.host_id.as_str().into()).collect();
    let known = tx.query(
        &format!(
            "SELECT host_id, seen_ms FROM host_seen WHERE host_id IN ({})",
            places.join(", ")
        ),
        &ids,
    )?;
    let mut first: BTreeSet<&str> = rows.iter().map(|row| row.host_id.as_str()).collect();
    let mut silences = Vec::new();
    for row in &known {
        let (host_id, seen_ms) = (row.text("host_id")?, row.int("seen_ms")?);
        first.remove(host_id.as_str());
        if now_ms.saturating_sub(seen_ms) > silence_ms {
            silences.push(params![host_id, seen_ms, now_ms].to_vec());
        }
    }
    silences.extend(first.into_iter().map(|host_id| params![host_id, 0, now_ms].to_vec()));
    if silences.is_empty() {
        return Ok(());
    }
    tx.execute_many(
        "INSERT INTO host_silence (host_id, last_ms, until_ms) VALUES (?1, ?2, ?3) ON CONFLICT (host_id, last_ms) DO NOTHING",
        &silences,
    )?;
    Ok(())
}

/// The last sign of one host.
///
/// # Errors
/// As [`Reader::query`].
pub fn load(db: &mut impl Reader, host_id: &str) -> Result<Option<HostSeenRow>, StoreError> {
    db.query_opt(
        "SELECT host_id, seen_ms, boot_id, looked_agent_ms FROM host_seen WHERE host_id = ?1",
        params![host_id],
    )?
    .as_ref()
    .map(read)
    .transpose()
}

/// The last signs of all hosts by id, after `after`, at most `limit`.
///
/// # Errors
/// As [`Reader::query`].
pub fn list(db: &mut impl Reader, after: Option<&str>, limit: i64) -> Result<Vec<HostSeenRow>, StoreError> {
    db.query(
        "SELECT host_id, seen_ms, boot_id, looked_agent_ms FROM host_seen WHERE host_id > ?1
         ORDER BY host_id LIMIT ?2",
        params![after.unwrap_or(""), limit],
    )?
    .iter()
    .map(read)
    .collect()
}
