//! Limits on what runs at once: in flight in a campaign, a wave, a site. Taken after the streams, before totals.

use super::error::StoreError;
use super::tx::{Reader, WriteTx};
use super::value::params;
use super::versions::SLOT;

/// One limit.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SlotRow {
    /// The campaign.
    pub campaign_id: String,
    /// What is limited: `all`, `wave:1`, `site:berlin`.
    pub name: String,
    /// How many are taken. May be above `cap` after a lowering.
    pub used: i64,
    /// How many there are.
    pub cap: i64,
}

/// Takes one of `cap`. `false` when none is free; nothing was taken then. What is taken stays taken where the limit was
/// lowered.
///
/// # Errors
/// As [`WriteTx::execute`].
pub fn take(tx: &mut WriteTx<'_>, campaign_id: &str, name: &str, cap: i64) -> Result<bool, StoreError> {
    let taken = tx.execute(
        "INSERT INTO slot (campaign_id, name, used, cap) VALUES (?1, ?2, 1, ?3)
         ON CONFLICT (campaign_id, name) DO UPDATE SET used = slot.used + 1, cap = excluded.cap
         WHERE slot.used < excluded.cap",
        params![campaign_id, name, cap],
    )?;
    tx.keep_figure(&SLOT, params![campaign_id, name]);
    Ok(taken == 1)
}

/// Gives one back.
///
/// # Errors
/// [`StoreError::Corrupt`] when none was taken: somebody gave one back twice.
pub fn give(tx: &mut WriteTx<'_>, campaign_id: &str, name: &str) -> Result<(), StoreError> {
    let given = tx.execute(
        "UPDATE slot SET used = used - 1 WHERE campaign_id = ?1 AND name = ?2 AND used > 0",
        params![campaign_id, name],
    )?;
    tx.keep_figure(&SLOT, params![campaign_id, name]);
    if given == 1 {
        return Ok(());
    }
    Err(StoreError::Corrupt {
        what: format!("slot {name} of campaign {campaign_id}"),
        why: "one is given back and none is taken".to_owned(),
    })
}

/// All limits of a campaign, by name.
///
/// # Errors
/// As [`Reader::query`].
pub fn list(db: &mut impl Reader, campaign_id: &str) -> Result<Vec<SlotRow>, StoreError> {
    db.query(
        "SELECT campaign_id, name, used, cap FROM slot WHERE campaign_id = ?1 ORDER BY name",
        params![campaign_id],
    )?
    .iter()
    .map(|row| {
        Ok(SlotRow {
            campaign_id: row.text("campaign_id")?,
            name: row.text("name")?,
            used: row.int("used")?,
            cap: row.int("cap")?,
        })
    })
    .collect()
}
