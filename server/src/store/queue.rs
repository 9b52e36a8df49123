//! The order of a wave's queue: who is put off until a date or until it is heard of, and who comes forward again.
//!
//! It lies in `plan.ready_at_ms`, beside what is known of the plan: moving it is no event and no new number.

use super::error::StoreError;
use super::tx::{Reader, WriteTx};
use super::value::{Value, params};

/// Stands for "not before the host is heard of". Below the largest number, which stands for "not before the row changes".
const UNTIL_SEEN: i64 = i64::MAX - 1;

/// How many hosts one read asks about.
const IDS_PER_READ: usize = 100;

/// A part of a queue: the plans of a wave that are in a phase.
#[derive(Debug, Clone, Copy)]
pub struct Queue<'a> {
    /// The campaign.
    pub campaign_id: &'a str,
    /// The wave.
    pub wave: &'a str,
    /// The phase.
    pub phase: &'a str,
}

const DATED: &str = "SELECT host_id FROM plan WHERE campaign_id = ?1 AND wave = ?2 AND phase = ?3
        AND ready_at_ms > 0 AND ready_at_ms <= ?4
     ORDER BY ready_at_ms, latest_start_ms, host_id LIMIT ?5";

impl Queue<'_> {
    fn dated(&self, db: &mut impl Reader, now_ms: i64, limit: i64) -> Result<Vec<String>, StoreError> {
        db.query(DATED, params![self.campaign_id, self.wave, self.phase, now_ms, limit])?
            .iter()
            .map(|row| row.text("host_id"))
            .collect()
    }

    /// One statement for each of these hosts, in the order in which other batches take them, so that none waits for another
    /// in a circle.
    fn each(&self, mut ids: Vec<String>, bound_ms: i64) -> Vec<Vec<Value>> {
        ids.sort_unstable();
        ids.iter()
            .map(|id| vec![self.campaign_id.into(), id.as_str().into(), bound_ms.into()])
            .collect()
    }
}

/// Whether the date of any plan has come that [`ripen`] has not passed over.
///
/// # Errors
/// As [`Reader::query`].
pub fn is_ripe(db: &mut impl Reader, queue: Queue<'_>, now_ms: i64) -> Result<bool, StoreError> {
    Ok(!queue.dated(db, now_ms, 1)?.is_empty())
}

/// Takes the date off plans whose date to be ready has come, the longest ready first, at most `limit`, and says how many
/// there were. They then lie in the order of their slack.
///
/// # Errors
/// As [`WriteTx::execute`].
pub fn ripen(tx: &mut WriteTx<'_>, queue: Queue<'_>, now_ms: i64, limit: i64) -> Result<u64, StoreError> {
    let ids = queue.dated(tx, now_ms, limit)?;
    // Whoever changed it since it was read may have given it another date.
    tx.execute_many(
        "UPDATE plan SET ready_at_ms = 0
         WHERE campaign_id = ?1 AND host_id = ?2 AND ready_at_ms > 0 AND ready_at_ms <= ?3",
        &queue.each(ids, now_ms),
    )
}

/// Of the first `limit` plans without a date, the hosts that were last heard of before `seen_before_ms`, or never.
///
/// # Errors
/// As [`Reader::query`].
pub fn away(
    db: &mut impl Reader,
    queue: Queue<'_>,
    seen_before_ms: i64,
    limit: i64,
) -> Result<Vec<String>, StoreError> {
    db.query(
        "SELECT head.host_id FROM (
             SELECT host_id FROM plan WHERE campaign_id = ?1 AND wave = ?2 AND phase = ?3 AND ready_at_ms = 0
             ORDER BY latest_start_ms, host_id LIMIT ?4
         ) AS head
         LEFT JOIN host_seen ON host_seen.host_id = head.host_id
         WHERE COALESCE(host_seen.seen_ms, 0) < ?5",
        params![queue.campaign_id, queue.wave, queue.phase, limit, seen_before_ms],
    )?
    .iter()
    .map(|row| row.text("host_id"))
    .collect()
}

/// Puts plans off until their hosts are heard of, unless that was at or after `seen_before_ms`; says how many.
///
/// # Errors
/// As [`WriteTx::execute`].
pub fn put_off(
    tx: &mut WriteTx<'_>,
    queue: Queue<'_>,
    ids: Vec<String>,
    seen_before_ms: i64,
) -> Result<u64, StoreError> {
    tx.execute_many(
        &format!(
            "UPDATE plan SET ready_at_ms = {UNTIL_SEEN}
             WHERE campaign_id = ?1 AND host_id = ?2 AND ready_at_ms = 0 AND phase = 'queued' AND NOT EXISTS (
                 SELECT 1 FROM host_seen WHERE host_seen.host_id = plan.host_id AND host_seen.seen_ms >= ?3)"
        ),
        &queue.each(ids, seen_before_ms),
    )
}

/// Puts plans off until a date each, unless they were put off otherwise meanwhile; says how many.
///
/// # Errors
/// As [`WriteTx::execute`].
pub fn put_off_until(tx: &mut WriteTx<'_>, queue: Queue<'_>, mut dates: Vec<(String, i64)>) -> Result<u64, StoreError> {
    dates.sort_unstable();
    let sets: Vec<Vec<Value>> = dates
        .iter()
        .map(|(id, at_ms)| vec![queue.campaign_id.into(), id.as_str().into(), (*at_ms).into()])
        .collect();
    tx.execute_many(
        "UPDATE plan SET ready_at_ms = ?3
         WHERE campaign_id = ?1 AND host_id = ?2 AND ready_at_ms = 0 AND phase = 'queued'",
        &sets,
    )
}

/// Brings the plans of hosts that were heard of forward again, in whichever campaign they were put off; says how many.
/// Almost all hosts are not put off: those cost one read in a hundred.
///
/// # Errors
/// As [`WriteTx::execute`].
pub fn come_forward(tx: &mut WriteTx<'_>, ids: &[&str]) -> Result<u64, StoreError> {
    let mut put_off = Vec::new();
    for chunk in ids.chunks(IDS_PER_READ) {
        let places: Vec<String> = (1..=chunk.len()).map(|place| format!("?{place}")).collect();
        let values: Vec<Value> = chunk.iter().map(|id| (*id).into()).collect();
        let rows = tx.query(
            &format!(
                "SELECT host_id, campaign_id FROM plan WHERE host_id IN ({}) AND ready_at_ms = {UNTIL_SEEN}",
                places.join(", ")
            ),
            &values,
        )?;
        for row in &rows {
            put_off.push((row.text("host_id")?, row.text("campaign_id")?));
        }
    }
    put_off.sort_unstable();
    let sets: Vec<Vec<Value>> = put_off
        .iter()
        .map(|(host, campaign)| vec![campaign.as_str().into(), host.as_str().into()])
        .collect();
    tx.execute_many(
        &format!(
            "UPDATE plan SET ready_at_ms = 0 WHERE campaign_id = ?1 AND host_id = ?2 AND ready_at_ms = {UNTIL_SEEN}"
        ),
        &sets,
    )
}
