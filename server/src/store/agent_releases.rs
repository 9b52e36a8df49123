//! Releases of the agent, and the hosts that they were offered to.

use super::error::StoreError;
use super::tx::{Reader, WriteTx};
use super::value::{Row, params};

/// A release. The newest alone is offered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AgentReleaseRow {
    /// From 1, without gaps.
    pub revision: i64,
    /// As its programs say it of themselves.
    pub version: String,
    /// JSON: which artifact for which platform.
    pub programs: String,
    /// Seconds that a new program has for an answer.
    pub trial_seconds: i64,
    /// JSON: how many first, how many at once.
    pub pace: String,
    /// Whether no host gets it any more.
    pub is_halted: bool,
    /// Why it is halted.
    pub why: String,
    /// Rises with every offer.
    pub offers: i64,
    /// The mention of whoever made it.
    pub made_by: String,
    /// Server time.
    pub made_ms: i64,
}

/// What became of a release on a host.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AgentUpdateRow {
    /// Of the release.
    pub revision: i64,
    /// The host.
    pub host_id: String,
    /// `offered`, or as the agent says it.
    pub state: String,
    /// Why, where it is not in force.
    pub why: String,
    /// Server time.
    pub offered_ms: i64,
    /// When the agent said the last of it.
    pub told_ms: Option<i64>,
}

const COLUMNS: &str = "revision, version, programs, trial_seconds, pace, state, why, offers, made_by, made_ms";
const UPDATE_COLUMNS: &str = "revision, host_id, state, why, offered_ms, told_ms";
const HALTED: &str = "halted";
const OFFERED: &str = "offered";

fn read(row: &Row) -> Result<AgentReleaseRow, StoreError> {
    Ok(AgentReleaseRow {
        revision: row.int("revision")?,
        version: row.text("version")?,
        programs: row.text("programs")?,
        trial_seconds: row.int("trial_seconds")?,
        pace: row.text("pace")?,
        is_halted: row.text("state")? == HALTED,
        why: row.text("why")?,
        offers: row.int("offers")?,
        made_by: row.text("made_by")?,
        made_ms: row.int("made_ms")?,
    })
}

fn read_update(row: &Row) -> Result<AgentUpdateRow, StoreError> {
    Ok(AgentUpdateRow {
        revision: row.int("revision")?,
        host_id: row.text("host_id")?,
        state: row.text("state")?,
        why: row.text("why")?,
        offered_ms: row.int("offered_ms")?,
        told_ms: row.opt_int("told_ms")?,
    })
}

/// Adds a release.
///
/// # Errors
/// [`StoreError::Conflict`] when the revision is taken.
pub fn insert(tx: &mut WriteTx<'_>, release: &AgentReleaseRow) -> Result<(), StoreError> {
    let added = tx.execute(
        &format!(
            "INSERT INTO agent_release ({COLUMNS}) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10)
             ON CONFLICT (revision) DO NOTHING"
        ),
        params![
            release.revision,
            release.version.as_str(),
            release.programs.as_str(),
            release.trial_seconds,
            release.pace.as_str(),
            if release.is_halted { HALTED } else { OFFERED },
            release.why.as_str(),
            release.offers,
            release.made_by.as_str(),
            release.made_ms,
        ],
    )?;
    if added == 1 {
        Ok(())
    } else {
        Err(tx.conflict(format!("agent release {}", release.revision)))
    }
}

/// The newest; none where there never was one.
///
/// # Errors
/// As [`Reader::query`].
pub fn newest(db: &mut impl Reader) -> Result<Option<AgentReleaseRow>, StoreError> {
    db.query_opt(
        &format!("SELECT {COLUMNS} FROM agent_release ORDER BY revision DESC LIMIT 1"),
        params![],
    )?
    .as_ref()
    .map(read)
    .transpose()
}

/// At most `limit`, the newest first.
///
/// # Errors
/// As [`Reader::query`].
pub fn list(db: &mut impl Reader, limit: i64) -> Result<Vec<AgentReleaseRow>, StoreError> {
    db.query(
        &format!("SELECT {COLUMNS} FROM agent_release ORDER BY revision DESC LIMIT ?1"),
        params![limit],
    )?
    .iter()
    .map(read)
    .collect()
}

/// Halts a release, or lets it go on where there is no reason. `false` where there is none of this revision.
///
/// # Errors
/// As [`WriteTx::execute`].
pub fn halt(tx: &mut WriteTx<'_>, revision: i64, why: Option<&str>) -> Result<bool, StoreError> {
    let state = if why.is_some() { HALTED } else { OFFERED };
    let changed = tx.execute(
        "UPDATE agent_release SET state = ?2, why = ?3 WHERE revision = ?1",
        params![revision, state, why.unwrap_or_default()],
    )?;
    Ok(changed == 1)
}

/// Counts one more offer, where nobody else did since `offers` was read and it is not halted.
///
/// # Errors
/// [`StoreError::Conflict`] where somebody did.
pub fn count_offer(tx: &mut WriteTx<'_>, release: &AgentReleaseRow) -> Result<(), StoreError> {
    let changed = tx.execute(
        "UPDATE agent_release SET offers = offers + 1 WHERE revision = ?1 AND offers = ?2 AND state = ?3",
        params![release.revision, release.offers, OFFERED],
    )?;
    if changed == 1 {
        Ok(())
    } else {
        Err(tx.conflict(format!("offers of agent release {}", release.revision)))
    }
}

/// What became of a release on a host.
///
/// # Errors
/// As [`Reader::query`].
pub fn update_of(db: &mut impl Reader, revision: i64, host_id: &str) -> Result<Option<AgentUpdateRow>, StoreError> {
    db.query_opt(
        &format!("SELECT {UPDATE_COLUMNS} FROM agent_update WHERE revision = ?1 AND host_id = ?2"),
        params![revision, host_id],
    )?
    .as_ref()
    .map(read_update)
    .transpose()
}

/// Writes what became of a release on a host; when it was offered stays as it was written first.
///
/// # Errors
/// As [`WriteTx::execute`].
pub fn put_update(tx: &mut WriteTx<'_>, update: &AgentUpdateRow) -> Result<(), StoreError> {
    tx.execute(
        &format!(
            "INSERT INTO agent_update ({UPDATE_COLUMNS}) VALUES (?1, ?2, ?3, ?4, ?5, ?6)
             ON CONFLICT (revision, host_id) DO UPDATE SET state = excluded.state, why = excluded.why,
                 told_ms = excluded.told_ms"
        ),
        params![
            update.revision,
            update.host_id.as_str(),
            update.state.as_str(),
            update.why.as_str(),
            update.offered_ms,
            update.told_ms,
        ],
    )?;
    Ok(())
}

/// How many hosts are in these states, counted up to `limit`.
///
/// # Errors
/// As [`Reader::query`].
pub fn count(db: &mut impl Reader, revision: i64, states: [&str; 2], limit: i64) -> Result<i64, StoreError> {
    let rows = db.query(
        "SELECT COUNT(*) AS n FROM (
             SELECT host_id FROM agent_update WHERE revision = ?1 AND state IN (?2, ?3) LIMIT ?4
         ) AS counted",
        params![revision, states[0], states[1], limit],
    )?;
    rows.first().map_or(Ok(0), |row| row.int("n"))
}

/// At most `limit` hosts in these states, by their ids.
///
/// # Errors
/// As [`Reader::query`].
pub fn updates(
    db: &mut impl Reader,
    revision: i64,
    states: [&str; 2],
    limit: i64,
) -> Result<Vec<AgentUpdateRow>, StoreError> {
    db.query(
        &format!(
            "SELECT {UPDATE_COLUMNS} FROM agent_update WHERE revision = ?1 AND state IN (?2, ?3)
             ORDER BY host_id LIMIT ?4"
        ),
        params![revision, states[0], states[1], limit],
    )?
    .iter()
    .map(read_update)
    .collect()
}
