//! How many plans are in each bucket, kept in the transaction of the change, so that no page ever scans.

use std::collections::BTreeMap;

use super::counts::Counts;
use super::error::StoreError;
use super::tx::{Reader, WriteTx};
use super::value::{Row, params};
use super::versions::TOTAL;

/// What plans are counted by. Standing is a pure function of it and of the time.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Bucket {
    /// The campaign.
    pub campaign_id: String,
    /// The phase.
    pub phase: String,
    /// The wave; empty where there is none.
    pub wave: String,
    /// The site; empty where there is none.
    pub site: String,
    /// Not seen for longer than the campaign allows.
    pub stale: bool,
    /// The forecast says that the host will miss its date.
    pub late: bool,
    /// In a phase that needs no watching any more.
    pub closed: bool,
    /// Whether a target was ever shown.
    pub carried: bool,
    /// Whether its hosts are protected, unprotected or unobserved.
    pub cover: String,
}

/// How many plans a bucket holds.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Total {
    /// Which.
    pub bucket: Bucket,
    /// How many, at least 1.
    pub hosts: i64,
}

/// One more plan in `bucket`; written when the closure ends. [`super::plans`] does it; nobody else needs to.
pub(super) fn enter(tx: &mut WriteTx<'_>, bucket: Bucket) {
    tx.gather_total(bucket, 1);
}

/// One plan fewer in `bucket`.
pub(super) fn leave(tx: &mut WriteTx<'_>, bucket: Bucket) {
    tx.gather_total(bucket, -1);
}

/// Hosts of each bucket.
const HOSTS: Counts = Counts {
    table: TOTAL.live,
    key: TOTAL.key,
    count: "hosts",
};

/// Writes the gathered changes, in the order of the buckets: two transactions that change the same two buckets never
/// wait for each other.
pub(super) fn write(tx: &mut WriteTx<'_>, changes: BTreeMap<Bucket, i64>) -> Result<(), StoreError> {
    for (bucket, change) in changes {
        let key = params![
            bucket.campaign_id.as_str(),
            bucket.phase.as_str(),
            bucket.wave.as_str(),
            bucket.site.as_str(),
            bucket.stale,
            bucket.late,
            bucket.closed,
            bucket.carried,
            bucket.cover.as_str(),
        ];
        if change != 0 {
            tx.keep_figure(&TOTAL, key);
        }
        HOSTS.shift(tx, key, change, || format!("the total of {bucket:?}"))?;
    }
    Ok(())
}

fn read(row: &Row) -> Result<Total, StoreError> {
    Ok(Total {
        bucket: Bucket {
            campaign_id: row.text("campaign_id")?,
            phase: row.text("phase")?,
            wave: row.text("wave")?,
            site: row.text("site")?,
            stale: row.flag("stale")?,
            late: row.flag("late")?,
            closed: row.flag("closed")?,
            carried: row.flag("carried")?,
            cover: row.text("cover")?,
        },
        hosts: row.int("hosts")?,
    })
}

/// All buckets of a campaign that hold a plan, in their order.
///
/// # Errors
/// As [`Reader::query`].
pub fn list(db: &mut impl Reader, campaign_id: &str) -> Result<Vec<Total>, StoreError> {
    db.query(
        "SELECT campaign_id, phase, wave, site, stale, late, closed, carried, cover, hosts FROM total
         WHERE campaign_id = ?1 AND hosts > 0
         ORDER BY phase, wave, site, stale, late, closed, carried, cover",
        params![campaign_id],
    )?
    .iter()
    .map(read)
    .collect()
}

/// The same from the plans themselves: a scan, for checks.
///
/// # Errors
/// As [`Reader::query`].
pub fn recount(db: &mut impl Reader, campaign_id: &str) -> Result<Vec<Total>, StoreError> {
    db.query(
        "SELECT campaign_id, phase, wave, site, stale, late, closed, carried, cover, COUNT(*) AS hosts FROM plan
         WHERE campaign_id = ?1
         GROUP BY campaign_id, phase, wave, site, stale, late, closed, carried, cover
         ORDER BY phase, wave, site, stale, late, closed, carried, cover",
        params![campaign_id],
    )?
    .iter()
    .map(read)
    .collect()
}

/// Compares the totals with a recount.
///
/// # Errors
/// [`StoreError::Corrupt`] when they differ.
pub fn check(db: &mut impl Reader, campaign_id: &str) -> Result<(), StoreError> {
    let (kept, counted) = (list(db, campaign_id)?, recount(db, campaign_id)?);
    if kept == counted {
        return Ok(());
    }
    Err(StoreError::Corrupt {
        what: format!("the totals of campaign {campaign_id}"),
        why: format!("they say {kept:?} and a recount says {counted:?}"),
    })
}
