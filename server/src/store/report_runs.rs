//! Reports that were made: each period of a schedule once, by its key.

use super::error::StoreError;
use super::tx::{Reader, WriteTx};
use super::value::{Row, params};

/// One report.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ReportRunRow {
    /// Name of the schedule.
    pub schedule: String,
    /// The period it stands for, as text that sorts by time.
    pub period: String,
    /// Server time.
    pub made_ms: i64,
    /// The position up to which events are in it.
    pub as_of_pos: i64,
    /// JSON of its figures and files.
    pub body: String,
}

const COLUMNS: &str = "schedule, period, made_ms, as_of_pos, body";

fn read(row: &Row) -> Result<ReportRunRow, StoreError> {
    Ok(ReportRunRow {
        schedule: row.text("schedule")?,
        period: row.text("period")?,
        made_ms: row.int("made_ms")?,
        as_of_pos: row.int("as_of_pos")?,
        body: row.text("body")?,
    })
}

/// Keeps a report. `false` when its period has one: whoever comes second delivers nothing.
///
/// # Errors
/// As [`WriteTx::execute`].
pub fn insert(tx: &mut WriteTx<'_>, run: &ReportRunRow) -> Result<bool, StoreError> {
    let made = tx.execute(
        &format!(
            "INSERT INTO report_run ({COLUMNS}) VALUES (?1, ?2, ?3, ?4, ?5) ON CONFLICT (schedule, period) DO NOTHING"
        ),
        params![
            run.schedule.as_str(),
            run.period.as_str(),
            run.made_ms,
            run.as_of_pos,
            run.body.as_str(),
        ],
    )?;
    Ok(made == 1)
}

/// One report.
///
/// # Errors
/// As [`Reader::query`].
pub fn load(db: &mut impl Reader, schedule: &str, period: &str) -> Result<Option<ReportRunRow>, StoreError> {
    db.query_opt(
        &format!("SELECT {COLUMNS} FROM report_run WHERE schedule = ?1 AND period = ?2"),
        params![schedule, period],
    )?
    .as_ref()
    .map(read)
    .transpose()
}

/// The newest report of a schedule.
///
/// # Errors
/// As [`Reader::query`].
pub fn newest(db: &mut impl Reader, schedule: &str) -> Result<Option<ReportRunRow>, StoreError> {
    db.query_opt(
        &format!("SELECT {COLUMNS} FROM report_run WHERE schedule = ?1 ORDER BY period DESC LIMIT 1"),
        params![schedule],
    )?
    .as_ref()
    .map(read)
    .transpose()
}

/// All reports, the last made first, at most `limit`.
///
/// # Errors
/// As [`Reader::query`].
pub fn list(db: &mut impl Reader, limit: i64) -> Result<Vec<ReportRunRow>, StoreError> {
    db.query(
        &format!("SELECT {COLUMNS} FROM report_run ORDER BY made_ms DESC, schedule, period DESC LIMIT ?1"),
        params![limit],
    )?
    .iter()
    .map(read)
    .collect()
}
