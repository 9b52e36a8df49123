//! Enrolled machines: what is known of each, the newest state only.

use super::error::StoreError;
use super::tx::{Reader, WriteTx};
use super::value::{Row, Value, params};
use super::versions::HOST;

/// A host as it is stored. Its last-seen is in [`super::host_seen`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HostRow {
    /// UUIDv7, assigned at enrolment.
    pub host_id: String,
    /// Server time of the enrolment.
    pub created_ms: i64,
    /// What the machine calls itself. Not unique.
    pub name: String,
    /// The site; `None` where none is known.
    pub site: Option<String>,
    /// JSON array of tags.
    pub tags: String,
    /// JSON of the facts of the newest inventory.
    pub facts: String,
    /// JSON of what the agent says about itself: known steps, journal, refused rules, vitals.
    pub reported: String,
    /// Version of the agent.
    pub agent_version: String,
    /// Revision of the rules that the agent has.
    pub rules_revision: i64,
    /// Lower-case hex of the newest durable inventory's digest.
    pub inventory_digest: Option<String>,
    /// Server time at which it arrived.
    pub inventory_at_ms: Option<i64>,
    /// X25519 public key that secrets for this host are sealed to.
    pub sealing_key: Option<Vec<u8>>,
    /// Number of the next work order.
    pub next_order_number: i64,
    /// The highest work order that the agent has begun.
    pub highest_begun: i64,
}

const COLUMNS: &str = "host_id, created_ms, name, site, tags, facts, reported, agent_version, rules_revision, inventory_digest, inventory_at_ms, sealing_key, next_order_number, highest_begun";

fn read(row: &Row) -> Result<HostRow, StoreError> {
    Ok(HostRow {
        host_id: row.text("host_id")?,
        created_ms: row.int("created_ms")?,
        name: row.text("name")?,
        site: row.opt_text("site")?,
        tags: row.text("tags")?,
        facts: row.text("facts")?,
        reported: row.text("reported")?,
        agent_version: row.text("agent_version")?,
        rules_revision: row.int("rules_revision")?,
        inventory_digest: row.opt_text("inventory_digest")?,
        inventory_at_ms: row.opt_int("inventory_at_ms")?,
        sealing_key: row.opt_blob("sealing_key")?,
        next_order_number: row.int("next_order_number")?,
        highest_begun: row.int("highest_begun")?,
    })
}

/// Names are looked up without regard to case. Lowered here and not by SQL: SQLite lowers ASCII only.
fn name_key(name: &str) -> String {
    name.to_lowercase()
}

fn missing(host_id: &str) -> StoreError {
    StoreError::Corrupt {
        what: format!("host {host_id}"),
        why: "it has no row".to_owned(),
    }
}

/// Adds a host.
///
/// # Errors
/// [`StoreError::Conflict`] when the id is taken.
pub fn insert(tx: &mut WriteTx<'_>, host: &HostRow) -> Result<(), StoreError> {
    tx.keep_row(&HOST, &[&host.host_id]);
    let made = tx.execute(
        &format!(
            "INSERT INTO host ({COLUMNS}, name_key)
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15)
             ON CONFLICT (host_id) DO NOTHING"
        ),
        params![
            host.host_id.as_str(),
            host.created_ms,
            host.name.as_str(),
            host.site.as_ref(),
            host.tags.as_str(),
            host.facts.as_str(),
            host.reported.as_str(),
            host.agent_version.as_str(),
            host.rules_revision,
            host.inventory_digest.as_ref(),
            host.inventory_at_ms,
            host.sealing_key.as_ref(),
            host.next_order_number,
            host.highest_begun,
            name_key(&host.name),
        ],
    )?;
    if made == 1 {
        Ok(())
    } else {
        Err(tx.conflict(format!("host {}", host.host_id)))
    }
}

/// Stores what is known of a host. Leaves its tags and the numbers of work orders alone: they have their own functions.
///
/// # Errors
/// [`StoreError::Corrupt`] when the host has no row.
pub fn update(tx: &mut WriteTx<'_>, host: &HostRow) -> Result<(), StoreError> {
    tx.keep_row(&HOST, &[&host.host_id]);
    let changed = tx.execute(
        "UPDATE host SET name = ?2, name_key = ?3, site = ?4, facts = ?5, reported = ?6, agent_version = ?7,
                rules_revision = ?8, inventory_digest = ?9, inventory_at_ms = ?10, sealing_key = ?11
         WHERE host_id = ?1",
        params![
            host.host_id.as_str(),
            host.name.as_str(),
            name_key(&host.name),
            host.site.as_ref(),
            host.facts.as_str(),
            host.reported.as_str(),
            host.agent_version.as_str(),
            host.rules_revision,
            host.inventory_digest.as_ref(),
            host.inventory_at_ms,
            host.sealing_key.as_ref(),
        ],
    )?;
    if changed == 1 {
        Ok(())
    } else {
        Err(missing(&host.host_id))
    }
}

/// Makes `tags` of the tags (JSON arrays) that were read as `before`. Nothing else changes them: what a host tells of itself
/// must not undo what a person says at the same moment.
///
/// # Errors
/// [`StoreError::Conflict`] when they are others by now.
pub fn set_tags(tx: &mut WriteTx<'_>, host_id: &str, before: &str, tags: &str) -> Result<(), StoreError> {
    tx.keep_row(&HOST, &[host_id]);
    let changed = tx.execute(
        "UPDATE host SET tags = ?3 WHERE host_id = ?1 AND tags = ?2",
        params![host_id, before, tags],
    )?;
    if changed == 1 {
        Ok(())
    } else {
        Err(tx.conflict(format!("tags of host {host_id}")))
    }
}

/// Takes the next number for a work order of this host.
///
/// # Errors
/// [`StoreError::Corrupt`] when the host has no row.
pub fn take_order_number(tx: &mut WriteTx<'_>, host_id: &str) -> Result<i64, StoreError> {
    tx.query_opt(
        "UPDATE host SET next_order_number = next_order_number + 1 WHERE host_id = ?1
         RETURNING next_order_number - 1 AS number",
        params![host_id],
    )?
    .ok_or_else(|| missing(host_id))?
    .int("number")
}

/// What its agent had begun is over: another one begins with a journal of its own.
///
/// # Errors
/// As [`WriteTx::execute`].
pub fn forget_begun(tx: &mut WriteTx<'_>, host_id: &str) -> Result<(), StoreError> {
    tx.keep_row(&HOST, &[host_id]);
    tx.execute("UPDATE host SET highest_begun = 0 WHERE host_id = ?1", params![host_id])?;
    Ok(())
}

/// Notes the highest work order that the agent has begun; a lower one changes nothing.
///
/// # Errors
/// As [`WriteTx::execute`].
pub fn note_begun(tx: &mut WriteTx<'_>, host_id: &str, number: i64) -> Result<(), StoreError> {
    tx.execute(
        "UPDATE host SET highest_begun = ?2 WHERE host_id = ?1 AND highest_begun < ?2",
        params![host_id, number],
    )?;
    Ok(())
}

/// One host.
///
/// # Errors
/// As [`Reader::query`].
pub fn load(db: &mut impl Reader, host_id: &str) -> Result<Option<HostRow>, StoreError> {
    db.query_opt(
        &format!("SELECT {COLUMNS} FROM host WHERE host_id = ?1"),
        params![host_id],
    )?
    .as_ref()
    .map(read)
    .transpose()
}

/// The hosts of that name, whatever its case, by id.
///
/// # Errors
/// As [`Reader::query`].
pub fn by_name(db: &mut impl Reader, name: &str) -> Result<Vec<HostRow>, StoreError> {
    db.query(
        &format!("SELECT {COLUMNS} FROM host WHERE name_key = ?1 ORDER BY host_id"),
        params![name_key(name)],
    )?
    .iter()
    .map(read)
    .collect()
}

/// All hosts by id, after `after`, at most `limit`.
///
/// # Errors
/// As [`Reader::query`].
pub fn list(db: &mut impl Reader, after: Option<&str>, limit: i64) -> Result<Vec<HostRow>, StoreError> {
    let values: [Value; 2] = [after.unwrap_or("").into(), limit.into()];
    db.query(
        &format!("SELECT {COLUMNS} FROM host WHERE host_id > ?1 ORDER BY host_id LIMIT ?2"),
        &values,
    )?
    .iter()
    .map(read)
    .collect()
}

/// The ids of all hosts in their order, after `after`, at most `limit`.
///
/// # Errors
/// As [`Reader::query`].
pub fn ids(db: &mut impl Reader, after: &str, limit: i64) -> Result<Vec<String>, StoreError> {
    let values: [Value; 2] = [after.into(), limit.into()];
    db.query(
        "SELECT host_id FROM host WHERE host_id > ?1 ORDER BY host_id LIMIT ?2",
        &values,
    )?
    .iter()
    .map(|row| row.text("host_id"))
    .collect()
}

/// How many hosts are enrolled.
///
/// # Errors
/// As [`Reader::query`].
pub fn count(db: &mut impl Reader) -> Result<i64, StoreError> {
    db.query_opt("SELECT COUNT(*) AS hosts FROM host", params![])?
        .map_or(Ok(0), |row| row.int("hosts"))
}
