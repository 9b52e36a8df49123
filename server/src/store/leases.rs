//! Who does a background task: one replica at a time; another takes over when the lease runs out.

use super::error::StoreError;
use super::tx::{Reader, WriteTx};
use super::value::params;

/// A lease that is held.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LeaseRow {
    /// The task.
    pub name: String,
    /// The replica.
    pub holder: String,
    /// Until when.
    pub until_ms: i64,
    /// Rises with each new holder, so that what an old one still does can be told apart.
    pub term: i64,
}

/// Takes or extends a lease until `now_ms + for_ms`. `None` when another holder has it. Replicas pass
/// [`WriteTx::database_now_ms`], so that the differences between their clocks do not matter.
///
/// # Errors
/// As [`WriteTx::execute`].
pub fn take(
    tx: &mut WriteTx<'_>,
    name: &str,
    holder: &str,
    now_ms: i64,
    for_ms: i64,
) -> Result<Option<LeaseRow>, StoreError> {
    tx.query_opt(
        "INSERT INTO lease (name, holder, until_ms, term) VALUES (?1, ?2, ?3, 1)
         ON CONFLICT (name) DO UPDATE SET holder = excluded.holder, until_ms = excluded.until_ms,
             term = lease.term + CASE WHEN lease.holder = excluded.holder THEN 0 ELSE 1 END
         WHERE lease.holder = excluded.holder OR lease.until_ms <= ?4
         RETURNING name, holder, until_ms, term",
        params![name, holder, now_ms.saturating_add(for_ms), now_ms],
    )?
    .map(|row| {
        Ok(LeaseRow {
            name: row.text("name")?,
            holder: row.text("holder")?,
            until_ms: row.int("until_ms")?,
            term: row.int("term")?,
        })
    })
    .transpose()
}

/// Gives a lease back, so that another need not wait for its end. Somebody else's is left alone.
///
/// # Errors
/// As [`WriteTx::execute`].
pub fn release(tx: &mut WriteTx<'_>, name: &str, holder: &str) -> Result<(), StoreError> {
    tx.execute(
        "UPDATE lease SET until_ms = 0 WHERE name = ?1 AND holder = ?2",
        params![name, holder],
    )?;
    Ok(())
}

/// Who held the lease last, whether or not it has run out.
///
/// # Errors
/// As [`Reader::query`].
pub fn load(db: &mut impl Reader, name: &str) -> Result<Option<LeaseRow>, StoreError> {
    db.query_opt(
        "SELECT name, holder, until_ms, term FROM lease WHERE name = ?1",
        params![name],
    )?
    .map(|row| {
        Ok(LeaseRow {
            name: row.text("name")?,
            holder: row.text("holder")?,
            until_ms: row.int("until_ms")?,
            term: row.int("term")?,
        })
    })
    .transpose()
}
