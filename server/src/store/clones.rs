//! Incidents of several machines under one identity, and the hosts that came of them.

use super::error::StoreError;
use super::tx::{Reader, WriteTx};
use super::value::{Row, params};

/// An incident. It is named by the identity that several machines had.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct IncidentRow {
    /// That identity.
    pub host_id: String,
    /// When it was noticed.
    pub opened_ms: i64,
    /// From then on nobody gets another identity by this one.
    pub refused_ms: Option<i64>,
}

/// A machine that went its own way.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MemberRow {
    /// The identity that it had.
    pub ancestor_id: String,
    /// The kernel session that asked for another.
    pub boot_id: String,
    /// The host that it is since.
    pub host_id: String,
    /// When it became it.
    pub at_ms: i64,
    /// When an operator decided about it.
    pub settled_ms: Option<i64>,
}

fn read_incident(row: &Row) -> Result<IncidentRow, StoreError> {
    Ok(IncidentRow {
        host_id: row.text("host_id")?,
        opened_ms: row.int("opened_ms")?,
        refused_ms: row.opt_int("refused_ms")?,
    })
}

fn read_member(row: &Row) -> Result<MemberRow, StoreError> {
    Ok(MemberRow {
        ancestor_id: row.text("ancestor_id")?,
        boot_id: row.text("boot_id")?,
        host_id: row.text("host_id")?,
        at_ms: row.int("at_ms")?,
        settled_ms: row.opt_int("settled_ms")?,
    })
}

/// Opens an incident; `false` when there is one of this identity.
///
/// # Errors
/// As [`WriteTx::execute`].
pub fn open(tx: &mut WriteTx<'_>, host_id: &str, now_ms: i64) -> Result<bool, StoreError> {
    let made = tx.execute(
        "INSERT INTO clone_incident (host_id, opened_ms, refused_ms) VALUES (?1, ?2, NULL)
         ON CONFLICT (host_id) DO NOTHING",
        params![host_id, now_ms],
    )?;
    Ok(made == 1)
}

/// The incident of an identity.
///
/// # Errors
/// As [`Reader::query`].
pub fn incident(db: &mut impl Reader, host_id: &str) -> Result<Option<IncidentRow>, StoreError> {
    db.query_opt(
        "SELECT host_id, opened_ms, refused_ms FROM clone_incident WHERE host_id = ?1",
        params![host_id],
    )?
    .as_ref()
    .map(read_incident)
    .transpose()
}

/// Incidents by identity, after `after`, at most `limit`.
///
/// # Errors
/// As [`Reader::query`].
pub fn list(db: &mut impl Reader, after: Option<&str>, limit: i64) -> Result<Vec<IncidentRow>, StoreError> {
    db.query(
        "SELECT host_id, opened_ms, refused_ms FROM clone_incident WHERE host_id > ?1 ORDER BY host_id LIMIT ?2",
        params![after.unwrap_or(""), limit],
    )?
    .iter()
    .map(read_incident)
    .collect()
}

/// Closes the way from this identity to another; the first time stands.
///
/// # Errors
/// As [`WriteTx::execute`].
pub fn refuse(tx: &mut WriteTx<'_>, host_id: &str, now_ms: i64) -> Result<(), StoreError> {
    tx.execute(
        "UPDATE clone_incident SET refused_ms = ?2 WHERE host_id = ?1 AND refused_ms IS NULL",
        params![host_id, now_ms],
    )?;
    Ok(())
}

/// Adds a machine that went its own way.
///
/// # Errors
/// [`StoreError::Conflict`] when its kernel session has a host already.
pub fn join(tx: &mut WriteTx<'_>, member: &MemberRow) -> Result<(), StoreError> {
    let made = tx.execute(
        "INSERT INTO clone_member (ancestor_id, boot_id, host_id, at_ms, settled_ms) VALUES (?1, ?2, ?3, ?4, ?5)
         ON CONFLICT (ancestor_id, boot_id) DO NOTHING",
        params![
            member.ancestor_id.as_str(),
            member.boot_id.as_str(),
            member.host_id.as_str(),
            member.at_ms,
            member.settled_ms,
        ],
    )?;
    if made == 1 {
        Ok(())
    } else {
        Err(tx.conflict(format!("the machine of session {}", member.boot_id)))
    }
}

/// The machines of an incident, in the order in which they went.
///
/// # Errors
/// As [`Reader::query`].
pub fn members(db: &mut impl Reader, ancestor_id: &str) -> Result<Vec<MemberRow>, StoreError> {
    db.query(
        "SELECT ancestor_id, boot_id, host_id, at_ms, settled_ms FROM clone_member WHERE ancestor_id = ?1
         ORDER BY at_ms, host_id",
        params![ancestor_id],
    )?
    .iter()
    .map(read_member)
    .collect()
}

/// The incident that a host came of.
///
/// # Errors
/// As [`Reader::query`].
pub fn of_member(db: &mut impl Reader, host_id: &str) -> Result<Option<MemberRow>, StoreError> {
    db.query_opt(
        "SELECT ancestor_id, boot_id, host_id, at_ms, settled_ms FROM clone_member WHERE host_id = ?1",
        params![host_id],
    )?
    .as_ref()
    .map(read_member)
    .transpose()
}

/// Notes that an operator decided about a machine; the first time stands.
///
/// # Errors
/// As [`WriteTx::execute`].
pub fn settle(tx: &mut WriteTx<'_>, host_id: &str, now_ms: i64) -> Result<(), StoreError> {
    tx.execute(
        "UPDATE clone_member SET settled_ms = ?2 WHERE host_id = ?1 AND settled_ms IS NULL",
        params![host_id, now_ms],
    )?;
    Ok(())
}
