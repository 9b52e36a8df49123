//! Read models: what pages and listings show, joined from several tables.

use super::error::StoreError;
use super::plans::PlanFilter;
use super::tx::Reader;
use super::value::{Row, Value, params};

/// A line of the host listing: a plan with its host and last-seen.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HostLine {
    /// The host.
    pub host_id: String,
    /// What the machine calls itself.
    pub name: String,
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
    /// JSON of the core's plan: reasons, holds, attempt.
    pub state: String,
    /// When `decide` must look again.
    pub wake_at_ms: Option<i64>,
    /// Server time of the plan's last change.
    pub updated_ms: i64,
    /// JSON of the host's facts.
    pub facts: String,
    /// JSON array of tags.
    pub tags: String,
    /// Version of the agent.
    pub agent_version: String,
    /// Server time of the last check-in that was written; `None` before the first.
    pub seen_ms: Option<i64>,
}

const SELECT: &str =
    "SELECT plan.host_id, host.name, plan.phase, plan.wave, plan.site, plan.stale, plan.late, plan.closed,
            plan.state, plan.wake_at_ms, plan.updated_ms, host.facts, host.tags, host.agent_version, host_seen.seen_ms
     FROM plan
     JOIN host ON host.host_id = plan.host_id
     LEFT JOIN host_seen ON host_seen.host_id = plan.host_id";

/// One host of a campaign; `None` when it has no plan there.
///
/// # Errors
/// As [`Reader::query`].
pub fn host_line(db: &mut impl Reader, campaign_id: &str, host_id: &str) -> Result<Option<HostLine>, StoreError> {
    db.query_opt(
        &format!("{SELECT} WHERE plan.campaign_id = ?1 AND plan.host_id = ?2"),
        params![campaign_id, host_id],
    )?
    .as_ref()
    .map(read)
    .transpose()
}

fn read(row: &Row) -> Result<HostLine, StoreError> {
    Ok(HostLine {
        host_id: row.text("host_id")?,
        name: row.text("name")?,
        phase: row.text("phase")?,
        wave: row.text("wave")?,
        site: row.text("site")?,
        stale: row.flag("stale")?,
        late: row.flag("late")?,
        closed: row.flag("closed")?,
        state: row.text("state")?,
        wake_at_ms: row.opt_int("wake_at_ms")?,
        updated_ms: row.int("updated_ms")?,
        facts: row.text("facts")?,
        tags: row.text("tags")?,
        agent_version: row.text("agent_version")?,
        seen_ms: row.opt_int("seen_ms")?,
    })
}

/// The hosts of a campaign by id, after `after`, at most `limit`: a page, whose last id is the next page's `after`.
///
/// # Errors
/// As [`Reader::query`].
pub fn host_lines(
    db: &mut impl Reader,
    campaign_id: &str,
    filter: &PlanFilter,
    after: Option<&str>,
    limit: i64,
) -> Result<Vec<HostLine>, StoreError> {
    let mut values: Vec<Value> = vec![campaign_id.into(), after.unwrap_or("").into(), limit.into()];
    let conditions = filter.conditions(&mut values);
    db.query(
        &format!(
            "{SELECT}
             WHERE plan.campaign_id = ?1 AND plan.host_id > ?2{conditions}
             ORDER BY plan.host_id LIMIT ?3"
        ),
        &values,
    )?
    .iter()
    .map(read)
    .collect()
}

/// How many plans of a campaign are in each phase, by phase.
///
/// # Errors
/// As [`Reader::query`].
pub fn phases(db: &mut impl Reader, campaign_id: &str) -> Result<Vec<(String, i64)>, StoreError> {
    db.query(
        "SELECT phase, CAST(SUM(hosts) AS BIGINT) AS hosts FROM total
         WHERE campaign_id = ?1 AND hosts > 0 GROUP BY phase ORDER BY phase",
        params![campaign_id],
    )?
    .iter()
    .map(|row| Ok((row.text("phase")?, row.int("hosts")?)))
    .collect()
}
