//! How many assets are in each bucket; changed in the transaction that changes the asset.

use std::collections::BTreeMap;

use super::counts::Counts;
use super::error::StoreError;
use super::tx::{Reader, WriteTx};
use super::value::params;
use super::versions::ASSET_TOTAL;

/// Assets of each bucket.
const ASSETS: Counts = Counts {
    table: ASSET_TOTAL.live,
    key: ASSET_TOTAL.key,
    count: "assets",
};

/// Writes the gathered changes, in the order of the buckets.
pub(super) fn write(tx: &mut WriteTx<'_>, changes: BTreeMap<String, i64>) -> Result<(), StoreError> {
    for (bucket, change) in changes {
        if change != 0 {
            tx.keep_figure(&ASSET_TOTAL, params![bucket.as_str()]);
        }
        ASSETS.shift(tx, params![bucket.as_str()], change, || {
            format!("the total of assets {bucket}")
        })?;
    }
    Ok(())
}

/// Every bucket with something in it, in their order.
///
/// # Errors
/// As [`Reader::query`].
pub fn list(db: &mut impl Reader) -> Result<Vec<(String, i64)>, StoreError> {
    read(
        db,
        "SELECT bucket, assets FROM asset_total WHERE assets > 0 ORDER BY bucket",
    )
}

/// The same from the assets themselves: a scan, for checks.
///
/// # Errors
/// As [`Reader::query`].
pub fn recount(db: &mut impl Reader) -> Result<Vec<(String, i64)>, StoreError> {
    read(
        db,
        "SELECT bucket, COUNT(*) AS assets FROM asset WHERE bucket <> '' GROUP BY bucket ORDER BY bucket",
    )
}

fn read(db: &mut impl Reader, sql: &str) -> Result<Vec<(String, i64)>, StoreError> {
    db.query(sql, params![])?
        .iter()
        .map(|row| Ok((row.text("bucket")?, row.int("assets")?)))
        .collect()
}
