//! One host in one campaign. The row equals the replay of the stream `plan:CAMPAIGN/HOST`, whose last number it holds.

use super::error::StoreError;
use super::tallies::Counted;
use super::totals::{self, Bucket};
use super::tx::{Reader, WriteTx};
use super::value::{Row, Value, params};
use super::versions::PLAN;

/// A plan as it is stored. Holds, attempt, reasons and whatever else `decide` needs are in `state`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PlanRow {
    /// The campaign.
    pub campaign_id: String,
    /// The host.
    pub host_id: String,
    /// Number of the last event of its stream.
    pub seq: i64,
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
    /// Whether a target was ever shown: the denominator of "replaced".
    pub carried: bool,
    /// Whether the host is protected, unprotected or unobserved.
    pub cover: String,
    /// JSON of the core's plan.
    pub state: String,
    /// When `decide` must look again, if nothing happens before.
    pub wake_at_ms: Option<i64>,
    /// The latest safe start: slack is the time to it, so the least slack is the smallest number at any time. Of a host with a
    /// priority it lies earlier or later by that: it is the queue's order, and nothing is judged by it.
    pub latest_start_ms: Option<i64>,
    /// Server time of the last change.
    pub updated_ms: i64,
    /// What came of the newest order of ours on the host.
    pub outcome: String,
    /// The wave in which that counts; empty where nothing came of any.
    pub tried_in: String,
    /// The round of that wave's breaker in which it counts.
    pub round: i64,
    /// A queued plan cannot start before, by its own row; 0 is now, [`i64::MAX`] not before the row changes.
    pub ready_at_ms: i64,
}

impl PlanRow {
    /// What the plan is counted by.
    pub fn bucket(&self) -> Bucket {
        Bucket {
            campaign_id: self.campaign_id.clone(),
            phase: self.phase.clone(),
            wave: self.wave.clone(),
            site: self.site.clone(),
            stale: self.stale,
            late: self.late,
            closed: self.closed,
            carried: self.carried,
            cover: self.cover.clone(),
        }
    }

    /// What its outcome is counted by.
    fn counted(&self) -> Option<Counted> {
        (self.outcome != NO_OUTCOME).then(|| Counted {
            campaign_id: self.campaign_id.clone(),
            wave: self.tried_in.clone(),
            round: self.round,
            outcome: self.outcome.clone(),
        })
    }
}

const NO_OUTCOME: &str = cutover_core::rollout::Outcome::None.as_str();

const COLUMNS: &str = "campaign_id, host_id, seq, phase, wave, site, stale, late, closed, state, wake_at_ms, latest_start_ms, updated_ms, carried, cover, outcome, tried_in, round, ready_at_ms";

/// Stands for "no latest start", so that the column has no NULLs, which the two databases sort differently.
const NO_LATEST_START: i64 = i64::MAX;

fn read(row: &Row) -> Result<PlanRow, StoreError> {
    Ok(PlanRow {
        campaign_id: row.text("campaign_id")?,
        host_id: row.text("host_id")?,
        seq: row.int("seq")?,
        phase: row.text("phase")?,
        wave: row.text("wave")?,
        site: row.text("site")?,
        stale: row.flag("stale")?,
        late: row.flag("late")?,
        closed: row.flag("closed")?,
        carried: row.flag("carried")?,
        cover: row.text("cover")?,
        state: row.text("state")?,
        wake_at_ms: row.opt_int("wake_at_ms")?,
        latest_start_ms: Some(row.int("latest_start_ms")?).filter(|at| *at != NO_LATEST_START),
        updated_ms: row.int("updated_ms")?,
        outcome: row.text("outcome")?,
        tried_in: row.text("tried_in")?,
        round: row.int("round")?,
        ready_at_ms: row.int("ready_at_ms")?,
    })
}

fn read_all(rows: &[Row]) -> Result<Vec<PlanRow>, StoreError> {
    rows.iter().map(read).collect()
}

fn what(campaign_id: &str, host_id: &str) -> String {
    format!("the plan of host {host_id} in campaign {campaign_id}")
}

/// One plan.
///
/// # Errors
/// As [`Reader::query`].
pub fn load(db: &mut impl Reader, campaign_id: &str, host_id: &str) -> Result<Option<PlanRow>, StoreError> {
    db.query_opt(
        &format!("SELECT {COLUMNS} FROM plan WHERE campaign_id = ?1 AND host_id = ?2"),
        params![campaign_id, host_id],
    )?
    .as_ref()
    .map(read)
    .transpose()
}

/// The same without its state, which is long: where it is counted.
fn load_place(db: &mut impl Reader, campaign_id: &str, host_id: &str) -> Result<Option<PlanRow>, StoreError> {
    let columns = COLUMNS.replace(" state,", " '' AS state,");
    db.query_opt(
        &format!("SELECT {columns} FROM plan WHERE campaign_id = ?1 AND host_id = ?2"),
        params![campaign_id, host_id],
    )?
    .as_ref()
    .map(read)
    .transpose()
}

/// All plans of a host, by campaign.
///
/// # Errors
/// As [`Reader::query`].
pub fn of_host(db: &mut impl Reader, host_id: &str) -> Result<Vec<PlanRow>, StoreError> {
    let rows = db.query(
        &format!("SELECT {COLUMNS} FROM plan WHERE host_id = ?1 ORDER BY campaign_id"),
        params![host_id],
    )?;
    read_all(&rows)
}

/// Stores `plan` where the stored one still has number `expected_seq` (0: there is none yet), and moves the totals and
/// the wave's tally.
///
/// # Errors
/// [`StoreError::Conflict`] when it has another: somebody else decided first.
pub fn compare_and_set(tx: &mut WriteTx<'_>, expected_seq: i64, plan: &PlanRow) -> Result<(), StoreError> {
    tx.keep_row(&PLAN, &[&plan.campaign_id, &plan.host_id]);
    let latest_start = plan.latest_start_ms.unwrap_or(NO_LATEST_START);
    if expected_seq == 0 {
        let made = tx.execute(
            &format!(
                "INSERT INTO plan ({COLUMNS}) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16,
                         ?17, ?18, ?19)
                 ON CONFLICT (campaign_id, host_id) DO NOTHING"
            ),
            params![
                plan.campaign_id.as_str(),
                plan.host_id.as_str(),
                plan.seq,
                plan.phase.as_str(),
                plan.wave.as_str(),
                plan.site.as_str(),
                plan.stale,
                plan.late,
                plan.closed,
                plan.state.as_str(),
                plan.wake_at_ms,
                latest_start,
                plan.updated_ms,
                plan.carried,
                plan.cover.as_str(),
                plan.outcome.as_str(),
                plan.tried_in.as_str(),
                plan.round,
                plan.ready_at_ms,
            ],
        )?;
        if made != 1 {
            return Err(tx.conflict(what(&plan.campaign_id, &plan.host_id)));
        }
        totals::enter(tx, plan.bucket());
        count(tx, None, plan.counted());
        return Ok(());
    }
    let before = load_place(tx, &plan.campaign_id, &plan.host_id)?;
    let Some(before) = before.filter(|row| row.seq == expected_seq) else {
        return Err(tx.conflict(what(&plan.campaign_id, &plan.host_id)));
    };
    // `late` moves without an event, so the guard names the whole bucket that the totals are moved from.
    let changed = tx.execute(
        "UPDATE plan SET seq = ?3, phase = ?4, wave = ?5, site = ?6, stale = ?7, late = ?8, closed = ?9, state = ?10,
                wake_at_ms = ?11, latest_start_ms = ?12, updated_ms = ?13, carried = ?16, cover = ?17,
                outcome = ?18, tried_in = ?19, round = ?20, ready_at_ms = ?21
         WHERE campaign_id = ?1 AND host_id = ?2 AND seq = ?14 AND late = ?15",
        params![
            plan.campaign_id.as_str(),
            plan.host_id.as_str(),
            plan.seq,
            plan.phase.as_str(),
            plan.wave.as_str(),
            plan.site.as_str(),
            plan.stale,
            plan.late,
            plan.closed,
            plan.state.as_str(),
            plan.wake_at_ms,
            latest_start,
            plan.updated_ms,
            expected_seq,
            before.late,
            plan.carried,
            plan.cover.as_str(),
            plan.outcome.as_str(),
            plan.tried_in.as_str(),
            plan.round,
            plan.ready_at_ms,
        ],
    )?;
    if changed != 1 {
        return Err(tx.conflict(what(&plan.campaign_id, &plan.host_id)));
    }
    if before.bucket() != plan.bucket() {
        totals::leave(tx, before.bucket());
        totals::enter(tx, plan.bucket());
    }
    count(tx, before.counted(), plan.counted());
    Ok(())
}

/// Moves a plan's outcome from where it was counted to where it is.
fn count(tx: &mut WriteTx<'_>, before: Option<Counted>, after: Option<Counted>) {
    if before == after {
        return;
    }
    if let Some(counted) = before {
        tx.gather_tally(counted, -1);
    }
    if let Some(counted) = after {
        tx.gather_tally(counted, 1);
    }
}

/// Makes sure that a plan stays as it was read until this transaction commits: who changes it waits, or is seen here.
///
/// # Errors
/// [`StoreError::Conflict`] when it has changed.
pub fn hold(tx: &mut WriteTx<'_>, plan: &PlanRow) -> Result<(), StoreError> {
    let (campaign_id, host_id) = (plan.campaign_id.as_str(), plan.host_id.as_str());
    let held = tx.execute(
        "UPDATE plan SET seq = seq WHERE campaign_id = ?1 AND host_id = ?2 AND seq = ?3",
        params![campaign_id, host_id, plan.seq],
    )?;
    if held == 1 {
        Ok(())
    } else {
        Err(tx.conflict(what(campaign_id, host_id)))
    }
}

/// Moves the next wake without an event: the look at a host's last-seen that found nothing new.
///
/// # Errors
/// [`StoreError::Conflict`] when the plan has another number.
pub fn rearm(
    tx: &mut WriteTx<'_>,
    campaign_id: &str,
    host_id: &str,
    expected_seq: i64,
    wake_at_ms: Option<i64>,
) -> Result<(), StoreError> {
    let changed = tx.execute(
        "UPDATE plan SET wake_at_ms = ?4 WHERE campaign_id = ?1 AND host_id = ?2 AND seq = ?3",
        params![campaign_id, host_id, expected_seq, wake_at_ms],
    )?;
    if changed == 1 {
        Ok(())
    } else {
        Err(tx.conflict(what(campaign_id, host_id)))
    }
}

/// Sets what the forecast says of a host, without an event, and moves the totals. `false` when it said so before.
///
/// # Errors
/// [`StoreError::Conflict`] when the plan changes at the same moment.
pub fn set_late(tx: &mut WriteTx<'_>, campaign_id: &str, host_id: &str, late: bool) -> Result<bool, StoreError> {
    let Some(before) = load_place(tx, campaign_id, host_id)? else {
        return Ok(false);
    };
    if before.late == late {
        return Ok(false);
    }
    let changed = tx.execute(
        "UPDATE plan SET late = ?3 WHERE campaign_id = ?1 AND host_id = ?2 AND seq = ?4 AND late = ?5",
        params![campaign_id, host_id, late, before.seq, before.late],
    )?;
    if changed != 1 {
        return Err(tx.conflict(what(campaign_id, host_id)));
    }
    tx.keep_row(&PLAN, &[campaign_id, host_id]);
    let mut bucket = before.bucket();
    totals::leave(tx, bucket.clone());
    bucket.late = late;
    totals::enter(tx, bucket);
    Ok(true)
}

/// The plans whose wake has come, the longest due first, at most `limit`.
///
/// # Errors
/// As [`Reader::query`].
pub fn due(db: &mut impl Reader, now_ms: i64, limit: i64) -> Result<Vec<PlanRow>, StoreError> {
    let rows = db.query(
        &format!(
            "SELECT {COLUMNS} FROM plan WHERE wake_at_ms IS NOT NULL AND wake_at_ms <= ?1
             ORDER BY wake_at_ms, campaign_id, host_id LIMIT ?2"
        ),
        params![now_ms, limit],
    )?;
    read_all(&rows)
}

/// When the next wake comes, over all plans.
///
/// # Errors
/// As [`Reader::query`].
pub fn next_wake_ms(db: &mut impl Reader) -> Result<Option<i64>, StoreError> {
    db.query_opt(
        "SELECT wake_at_ms FROM plan WHERE wake_at_ms IS NOT NULL ORDER BY wake_at_ms LIMIT 1",
        params![],
    )?
    .map(|row| row.int("wake_at_ms"))
    .transpose()
}

/// The plans of which an order is out, by host id, after `after`, at most `limit`.
///
/// # Errors
/// As [`Reader::query`].
pub fn with_order(
    db: &mut impl Reader,
    campaign_id: &str,
    after: Option<&str>,
    limit: i64,
) -> Result<Vec<PlanRow>, StoreError> {
    let rows = db.query(
        &format!(
            "SELECT {COLUMNS} FROM plan WHERE campaign_id = ?1 AND phase IN ('migrating', 'rebooting') AND host_id > ?2
             ORDER BY host_id LIMIT ?3"
        ),
        params![campaign_id, after.unwrap_or(""), limit],
    )?;
    read_all(&rows)
}

/// The plans of a wave in a phase that are ready by then, least slack first, at most `limit`: what `choose` picks from.
///
/// Two reads, each along the index: those that are ready without a date, least slack first, and those whose date has come,
/// the longest ready first. The latter come in the order of their slack once [`ripen`](super::queue::ripen) has passed over
/// them.
///
/// # Errors
/// As [`Reader::query`].
pub fn first_in_phase(
    db: &mut impl Reader,
    campaign_id: &str,
    wave: &str,
    phase: &str,
    ready_by_ms: i64,
    limit: i64,
) -> Result<Vec<PlanRow>, StoreError> {
    let mut rows = db.query(
        &format!(
            "SELECT {COLUMNS} FROM plan WHERE campaign_id = ?1 AND wave = ?2 AND phase = ?3 AND ready_at_ms = 0
             ORDER BY latest_start_ms, host_id LIMIT ?4"
        ),
        params![campaign_id, wave, phase, limit],
    )?;
    rows.extend(db.query(
        &format!(
            "SELECT {COLUMNS} FROM plan WHERE campaign_id = ?1 AND wave = ?2 AND phase = ?3
                    AND ready_at_ms > 0 AND ready_at_ms <= ?5
             ORDER BY ready_at_ms, latest_start_ms, host_id LIMIT ?4"
        ),
        params![campaign_id, wave, phase, limit, ready_by_ms],
    )?);
    let mut plans = read_all(&rows)?;
    plans.sort_by(|a, b| {
        let by = |row: &PlanRow| row.latest_start_ms.unwrap_or(NO_LATEST_START);
        by(a).cmp(&by(b)).then_with(|| a.host_id.cmp(&b.host_id))
    });
    plans.truncate(usize::try_from(limit).unwrap_or(usize::MAX));
    Ok(plans)
}

/// Which plans a page lists.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct PlanFilter {
    /// One phase only.
    pub phase: Option<String>,
    /// One wave only.
    pub wave: Option<String>,
    /// One site only.
    pub site: Option<String>,
    /// Only stale ones, or only others.
    pub stale: Option<bool>,
    /// Only late ones, or only others.
    pub late: Option<bool>,
}

impl PlanFilter {
    /// The conditions as SQL on table `plan`, with their values appended to `values`.
    pub(super) fn conditions(&self, values: &mut Vec<Value>) -> String {
        let mut sql = String::new();
        let mut add = |column: &str, value: Option<Value>| {
            if let Some(value) = value {
                values.push(value);
                sql.push_str(&format!(" AND plan.{column} = ?{}", values.len()));
            }
        };
        add("phase", self.phase.as_ref().map(Value::from));
        add("wave", self.wave.as_ref().map(Value::from));
        add("site", self.site.as_ref().map(Value::from));
        add("stale", self.stale.map(Value::from));
        add("late", self.late.map(Value::from));
        sql
    }
}

/// The plans of a campaign by host id, after `after`, at most `limit`.
///
/// # Errors
/// As [`Reader::query`].
pub fn list(
    db: &mut impl Reader,
    campaign_id: &str,
    filter: &PlanFilter,
    after: Option<&str>,
    limit: i64,
) -> Result<Vec<PlanRow>, StoreError> {
    let mut values: Vec<Value> = vec![campaign_id.into(), after.unwrap_or("").into(), limit.into()];
    let conditions = filter.conditions(&mut values);
    let rows = db.query(
        &format!(
            "SELECT {COLUMNS} FROM plan WHERE campaign_id = ?1 AND host_id > ?2{conditions}
             ORDER BY host_id LIMIT ?3"
        ),
        &values,
    )?;
    read_all(&rows)
}
