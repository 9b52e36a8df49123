//! What holds hosts up by a cause of their own, and how many were done each day: kept in the transaction of the change, like
//! totals, so that nobody scans the fleet for it.

use std::collections::BTreeMap;

use super::counts::Counts;
use super::error::StoreError;
use super::tx::{Reader, WriteTx};
use super::value::{Row, params};

/// What is counted together.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum CountedCause {
    /// Hosts with a cause.
    Held {
        campaign_id: String,
        cause: String,
        phase: String,
        wave: String,
    },
    /// Hosts that were done on a day.
    Done { campaign_id: String, day: String },
}

/// A cause that holds a host up.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HeldBy {
    /// What hosts are counted by.
    pub cause: String,
    /// The host's phase.
    pub phase: String,
    /// The host's wave.
    pub wave: String,
}

/// How many hosts a cause holds up in a phase and a wave.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CauseTotal {
    /// The cause, with phase and wave.
    pub by: HeldBy,
    /// How many, at least 1.
    pub hosts: i64,
}

fn read_by(row: &Row) -> Result<HeldBy, StoreError> {
    Ok(HeldBy {
        cause: row.text("cause")?,
        phase: row.text("phase")?,
        wave: row.text("wave")?,
    })
}

fn counted(campaign_id: &str, by: HeldBy) -> CountedCause {
    CountedCause::Held {
        campaign_id: campaign_id.to_owned(),
        cause: by.cause,
        phase: by.phase,
        wave: by.wave,
    }
}

/// What holds a host up; `None` where nothing does.
///
/// # Errors
/// As [`Reader::query`].
pub fn of_host(db: &mut impl Reader, campaign_id: &str, host_id: &str) -> Result<Option<HeldBy>, StoreError> {
    db.query_opt(
        "SELECT cause, phase, wave FROM plan_cause WHERE campaign_id = ?1 AND host_id = ?2",
        params![campaign_id, host_id],
    )?
    .as_ref()
    .map(read_by)
    .transpose()
}

/// Sets what holds a host up, and moves the totals. Belongs to the change of the plan, whose row is held already.
///
/// # Errors
/// As [`WriteTx::execute`].
pub fn set(tx: &mut WriteTx<'_>, campaign_id: &str, host_id: &str, by: Option<HeldBy>) -> Result<(), StoreError> {
    let before = of_host(tx, campaign_id, host_id)?;
    if before == by {
        return Ok(());
    }
    match &by {
        Some(by) => tx.execute(
            "INSERT INTO plan_cause (campaign_id, host_id, cause, phase, wave) VALUES (?1, ?2, ?3, ?4, ?5)
             ON CONFLICT (campaign_id, host_id)
             DO UPDATE SET cause = excluded.cause, phase = excluded.phase, wave = excluded.wave",
            params![
                campaign_id,
                host_id,
                by.cause.as_str(),
                by.phase.as_str(),
                by.wave.as_str()
            ],
        )?,
        None => tx.execute(
            "DELETE FROM plan_cause WHERE campaign_id = ?1 AND host_id = ?2",
            params![campaign_id, host_id],
        )?,
    };
    if let Some(before) = before {
        tx.gather_cause(counted(campaign_id, before), -1);
    }
    if let Some(by) = by {
        tx.gather_cause(counted(campaign_id, by), 1);
    }
    Ok(())
}

/// Counts a host that was done on that day, written `2026-11-30`.
pub fn note_done(tx: &mut WriteTx<'_>, campaign_id: &str, day: &str) {
    let done = CountedCause::Done {
        campaign_id: campaign_id.to_owned(),
        day: day.to_owned(),
    };
    tx.gather_cause(done, 1);
}

/// Hosts that each cause holds up.
const HELD: Counts = Counts {
    table: "cause_total",
    key: &["campaign_id", "cause", "phase", "wave"],
    count: "hosts",
};

/// Hosts that were done on each day.
const DONE: Counts = Counts {
    table: "done_day",
    key: &["campaign_id", "day"],
    count: "hosts",
};

/// Writes the gathered changes, in the order of what they count.
pub(super) fn write(tx: &mut WriteTx<'_>, changes: BTreeMap<CountedCause, i64>) -> Result<(), StoreError> {
    for (counted, change) in changes {
        match &counted {
            CountedCause::Held {
                campaign_id,
                cause,
                phase,
                wave,
            } => {
                let key = params![campaign_id.as_str(), cause.as_str(), phase.as_str(), wave.as_str()];
                HELD.shift(tx, key, change, || format!("the total of {counted:?}"))?;
            }
            CountedCause::Done { campaign_id, day } => {
                let key = params![campaign_id.as_str(), day.as_str()];
                DONE.shift(tx, key, change, || format!("the total of {counted:?}"))?;
            }
        }
    }
    Ok(())
}

/// How many hosts each cause holds up. Inside a transaction that writes, its own changes are not in it yet.
///
/// # Errors
/// As [`Reader::query`].
pub fn list(db: &mut impl Reader, campaign_id: &str) -> Result<Vec<CauseTotal>, StoreError> {
    totals(
        db,
        campaign_id,
        "SELECT cause, phase, wave, hosts FROM cause_total WHERE campaign_id = ?1 AND hosts > 0
         ORDER BY cause, phase, wave",
    )
}

fn totals(db: &mut impl Reader, campaign_id: &str, sql: &str) -> Result<Vec<CauseTotal>, StoreError> {
    db.query(sql, params![campaign_id])?
        .iter()
        .map(|row| {
            Ok(CauseTotal {
                by: read_by(row)?,
                hosts: row.int("hosts")?,
            })
        })
        .collect()
}

/// Some hosts that a cause holds up, by their ids.
///
/// # Errors
/// As [`Reader::query`].
pub fn hosts(db: &mut impl Reader, campaign_id: &str, cause: &str, limit: i64) -> Result<Vec<String>, StoreError> {
    db.query(
        "SELECT host_id FROM plan_cause WHERE campaign_id = ?1 AND cause = ?2 ORDER BY host_id LIMIT ?3",
        params![campaign_id, cause, limit],
    )?
    .iter()
    .map(|row| row.text("host_id"))
    .collect()
}

/// How many hosts were done on each of the newest days on which any was, at most `limit` of them.
///
/// # Errors
/// As [`Reader::query`].
pub fn done(db: &mut impl Reader, campaign_id: &str, limit: i64) -> Result<Vec<(String, i64)>, StoreError> {
    db.query(
        "SELECT day, hosts FROM done_day WHERE campaign_id = ?1 ORDER BY day DESC LIMIT ?2",
        params![campaign_id, limit],
    )?
    .iter()
    .map(|row| Ok((row.text("day")?, row.int("hosts")?)))
    .collect()
}

/// Compares the totals with a recount: a scan.
///
/// # Errors
/// [`StoreError::Corrupt`] when they differ.
pub fn check(db: &mut impl Reader, campaign_id: &str) -> Result<(), StoreError> {
    let kept = list(db, campaign_id)?;
    let counted = totals(
        db,
        campaign_id,
        "SELECT cause, phase, wave, COUNT(*) AS hosts FROM plan_cause WHERE campaign_id = ?1
         GROUP BY cause, phase, wave ORDER BY cause, phase, wave",
    )?;
    if kept == counted {
        return Ok(());
    }
    Err(StoreError::Corrupt {
        what: format!("the causes of campaign {campaign_id}"),
        why: format!("they say {kept:?} and a recount says {counted:?}"),
    })
}
