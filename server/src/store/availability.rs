//! Intervals in which the server took check-ins. Limits, staleness and gates count only these.

use super::error::StoreError;
use super::tx::{Reader, WriteTx};
use super::value::params;

/// One interval.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Interval {
    /// Server time.
    pub from_ms: i64,
    /// Server time, at least `from_ms`.
    pub to_ms: i64,
}

/// Says that check-ins are taken at `now_ms`: extends the newest interval, or begins one when the last sign is more than
/// `gap_ms` ago. True when one begins.
///
/// # Errors
/// As [`WriteTx::execute`].
pub fn heartbeat(tx: &mut WriteTx<'_>, now_ms: i64, gap_ms: i64) -> Result<bool, StoreError> {
    let newest = tx.query_opt(
        "SELECT from_ms, to_ms FROM availability ORDER BY from_ms DESC LIMIT 1",
        params![],
    )?;
    if let Some(row) = newest
        && row.int("to_ms")?.saturating_add(gap_ms) >= now_ms
    {
        tx.execute(
            "UPDATE availability SET to_ms = ?2 WHERE from_ms = ?1 AND to_ms < ?2",
            params![row.int("from_ms")?, now_ms],
        )?;
        return Ok(false);
    }
    tx.execute(
        "INSERT INTO availability (from_ms, to_ms) VALUES (?1, ?1) ON CONFLICT (from_ms) DO NOTHING",
        params![now_ms],
    )?;
    Ok(true)
}

/// The intervals that touch `from_ms` to `to_ms`, cut to it, in order, those that overlap (two replicas) joined.
///
/// # Errors
/// As [`Reader::query`].
pub fn between(db: &mut impl Reader, from_ms: i64, to_ms: i64) -> Result<Vec<Interval>, StoreError> {
    let rows = db.query(
        "SELECT from_ms, to_ms FROM availability WHERE to_ms >= ?1 AND from_ms <= ?2 ORDER BY from_ms",
        params![from_ms, to_ms],
    )?;
    let mut joined: Vec<Interval> = Vec::new();
    for row in rows {
        let next = Interval {
            from_ms: row.int("from_ms")?.max(from_ms),
            to_ms: row.int("to_ms")?.min(to_ms),
        };
        match joined.last_mut() {
            Some(last) if next.from_ms <= last.to_ms => last.to_ms = last.to_ms.max(next.to_ms),
            Some(_) | None => joined.push(next),
        }
    }
    Ok(joined)
}

/// For how many milliseconds between two instants check-ins were taken.
///
/// # Errors
/// As [`Reader::query`].
pub fn available_ms(db: &mut impl Reader, from_ms: i64, to_ms: i64) -> Result<i64, StoreError> {
    Ok(between(db, from_ms, to_ms)?
        .iter()
        .map(|interval| interval.to_ms - interval.from_ms)
        .sum())
}
