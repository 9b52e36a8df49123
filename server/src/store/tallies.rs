//! How many hosts of a wave came to what, in each round of its breaker: kept in the transaction of the change, like totals.

use std::collections::BTreeMap;

use cutover_core::rollout::{Outcome, Tally};

use super::counts::Counts;
use super::error::StoreError;
use super::tx::{Reader, WriteTx};
use super::value::{Row, params};
use super::versions::WAVE_TALLY;

/// What is counted together. A plan without an outcome is not counted: it belongs to no round.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Counted {
    pub(super) campaign_id: String,
    pub(super) wave: String,
    pub(super) round: i64,
    pub(super) outcome: String,
}

/// Hosts of each outcome.
const HOSTS: Counts = Counts {
    table: WAVE_TALLY.live,
    key: WAVE_TALLY.key,
    count: "hosts",
};

/// Writes the gathered changes, in the order of what they count.
pub(super) fn write(tx: &mut WriteTx<'_>, changes: BTreeMap<Counted, i64>) -> Result<(), StoreError> {
    for (counted, change) in changes {
        let key = params![
            counted.campaign_id.as_str(),
            counted.wave.as_str(),
            counted.round,
            counted.outcome.as_str(),
        ];
        if change != 0 {
            tx.keep_figure(&WAVE_TALLY, key);
        }
        HOSTS.shift(tx, key, change, || format!("the tally of {counted:?}"))?;
    }
    Ok(())
}

/// What hosts of a wave came to in a round. Inside a transaction that writes, its own changes are not in it yet.
///
/// # Errors
/// As [`Reader::query`]; [`StoreError::Corrupt`] for an outcome that this program does not know.
pub fn of_wave(db: &mut impl Reader, campaign_id: &str, wave: &str, round: u32) -> Result<Tally, StoreError> {
    let rows = db.query(
        "SELECT outcome, hosts FROM wave_tally WHERE campaign_id = ?1 AND wave = ?2 AND round = ?3",
        params![campaign_id, wave, i64::from(round)],
    )?;
    let mut tally = Tally::default();
    for row in &rows {
        let corrupt = |why: String| StoreError::Corrupt {
            what: format!("the tally of wave {wave} of campaign {campaign_id}"),
            why,
        };
        let outcome = Outcome::parse(&row.text("outcome")?).map_err(|error| corrupt(error.to_string()))?;
        let hosts = row.int("hosts")?;
        tally.add(
            outcome,
            u32::try_from(hosts).map_err(|_| corrupt(format!("{hosts} hosts")))?,
        );
    }
    Ok(tally)
}

fn read(row: &Row) -> Result<(Counted, i64), StoreError> {
    let counted = Counted {
        campaign_id: row.text("campaign_id")?,
        wave: row.text("wave")?,
        round: row.int("round")?,
        outcome: row.text("outcome")?,
    };
    Ok((counted, row.int("hosts")?))
}

/// Compares the tallies with a recount of the plans: a scan.
///
/// # Errors
/// [`StoreError::Corrupt`] when they differ.
pub fn check(db: &mut impl Reader, campaign_id: &str) -> Result<(), StoreError> {
    let mut all = |sql: &str| -> Result<Vec<(Counted, i64)>, StoreError> {
        db.query(sql, params![campaign_id])?.iter().map(read).collect()
    };
    let kept = all("SELECT campaign_id, wave, round, outcome, hosts FROM wave_tally
         WHERE campaign_id = ?1 AND hosts > 0 ORDER BY wave, round, outcome")?;
    let counted = all(
        "SELECT campaign_id, tried_in AS wave, round, outcome, COUNT(*) AS hosts FROM plan
         WHERE campaign_id = ?1 AND outcome <> 'none'
         GROUP BY campaign_id, tried_in, round, outcome ORDER BY tried_in, round, outcome",
    )?;
    if kept == counted {
        return Ok(());
    }
    Err(StoreError::Corrupt {
        what: format!("the tallies of campaign {campaign_id}"),
        why: format!("they say {kept:?} and a recount says {counted:?}"),
    })
}
