//! Domain controllers that answer at a site. Few rows: a campaign's controllers, and no other hosts.

use super::error::StoreError;
use super::tx::{Reader, WriteTx};
use super::value::params;
use super::versions::DOMAIN_CONTROLLER;

/// Keeps where a host answers as one.
///
/// # Errors
/// As [`WriteTx::execute`].
pub fn put(tx: &mut WriteTx<'_>, campaign_id: &str, host_id: &str, site: &str) -> Result<(), StoreError> {
    tx.execute(
        "INSERT INTO domain_controller (campaign_id, host_id, site) VALUES (?1, ?2, ?3)
         ON CONFLICT (campaign_id, host_id) DO UPDATE SET site = excluded.site",
        params![campaign_id, host_id, site],
    )?;
    tx.keep_row(&DOMAIN_CONTROLLER, &[campaign_id, host_id]);
    Ok(())
}

/// It no longer does. Nothing where it did not.
///
/// # Errors
/// As [`WriteTx::execute`].
pub fn remove(tx: &mut WriteTx<'_>, campaign_id: &str, host_id: &str) -> Result<(), StoreError> {
    tx.execute(
        "DELETE FROM domain_controller WHERE campaign_id = ?1 AND host_id = ?2",
        params![campaign_id, host_id],
    )?;
    tx.keep_row(&DOMAIN_CONTROLLER, &[campaign_id, host_id]);
    Ok(())
}

/// How many answer at each site, by its name.
///
/// # Errors
/// As [`Reader::query`].
pub fn by_site(db: &mut impl Reader, campaign_id: &str) -> Result<Vec<(String, i64)>, StoreError> {
    let rows = db.query(
        "SELECT site, COUNT(*) AS hosts FROM domain_controller WHERE campaign_id = ?1 GROUP BY site ORDER BY site",
        params![campaign_id],
    )?;
    rows.iter()
        .map(|row| Ok((row.text("site")?, row.int("hosts")?)))
        .collect()
}
