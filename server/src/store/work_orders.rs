//! Work orders: the exact bytes that are signed, and what became of each.

use super::error::StoreError;
use super::tx::{Reader, WriteTx};
use super::value::{Row, params};

/// What became of an order.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum OrderState {
    /// Made, and not yet on the host.
    Issued,
    /// Handed out in the reply to a check-in.
    Fetched,
    /// Ended on the host.
    Closed,
    /// Taken back before it was fetched, or never begun.
    Withdrawn,
}

impl OrderState {
    /// All of them.
    pub const ALL: [Self; 4] = [Self::Issued, Self::Fetched, Self::Closed, Self::Withdrawn];

    /// As it is stored.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Issued => "issued",
            Self::Fetched => "fetched",
            Self::Closed => "closed",
            Self::Withdrawn => "withdrawn",
        }
    }

    /// From what is stored.
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|state| state.as_str() == text)
    }
}

/// One order.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WorkOrderRow {
    /// The host.
    pub host_id: String,
    /// Rises per host.
    pub number: i64,
    /// The campaign.
    pub campaign_id: String,
    /// Which attempt of the plan it is.
    pub attempt: i64,
    /// The campaign's epoch under which it was issued.
    pub epoch: i64,
    /// What became of it.
    pub state: OrderState,
    /// The exact bytes of the order, which the signature covers.
    pub body: Vec<u8>,
    /// The signed envelope; `None` until it was signed, which happens after the commit that issued it.
    pub envelope: Option<Vec<u8>>,
    /// The signed cancel, where one was asked for.
    pub cancel: Option<Vec<u8>>,
    /// Server time.
    pub issued_ms: i64,
    /// Server time of the first hand-out.
    pub fetched_ms: Option<i64>,
    /// Server time at which it was closed or withdrawn.
    pub ended_ms: Option<i64>,
    /// Until when it may be begun.
    pub expires_ms: i64,
    /// Kebab-case word for how it ended.
    pub outcome: Option<String>,
    /// The wave of its host when it was issued.
    pub wave: String,
    /// How many bytes it makes its host fetch.
    pub fetches: i64,
    /// Until when these count among those of all sites.
    pub line_until_ms: i64,
    /// The site over whose line they come; empty where none is known.
    pub site: String,
    /// Until when they count on the line of that site.
    pub site_until_ms: i64,
}

const COLUMNS: &str = "host_id, number, campaign_id, attempt, epoch, state, body, envelope, cancel, issued_ms, fetched_ms, ended_ms, expires_ms, outcome, wave, fetches, line_until_ms, site, site_until_ms";

fn read(row: &Row) -> Result<WorkOrderRow, StoreError> {
    let state = row.text("state")?;
    Ok(WorkOrderRow {
        host_id: row.text("host_id")?,
        number: row.int("number")?,
        campaign_id: row.text("campaign_id")?,
        attempt: row.int("attempt")?,
        epoch: row.int("epoch")?,
        state: OrderState::parse(&state).ok_or_else(|| StoreError::Column {
            column: "state".to_owned(),
            why: format!("{state:?} is no state of a work order"),
        })?,
        body: row.blob("body")?,
        envelope: row.opt_blob("envelope")?,
        cancel: row.opt_blob("cancel")?,
        issued_ms: row.int("issued_ms")?,
        fetched_ms: row.opt_int("fetched_ms")?,
        ended_ms: row.opt_int("ended_ms")?,
        expires_ms: row.int("expires_ms")?,
        outcome: row.opt_text("outcome")?,
        wave: row.text("wave")?,
        fetches: row.int("fetches")?,
        line_until_ms: row.int("line_until_ms")?,
        site: row.text("site")?,
        site_until_ms: row.int("site_until_ms")?,
    })
}

/// Adds an order in state issued.
///
/// # Errors
/// [`StoreError::Conflict`] when the number is taken or another order is open on the host.
pub fn insert(tx: &mut WriteTx<'_>, order: &WorkOrderRow) -> Result<(), StoreError> {
    // Without a target: the key, and the rule of one open order a host.
    let made = tx.execute(
        &format!(
            "INSERT INTO work_order ({COLUMNS})
             VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16, ?17, ?18, ?19)
             ON CONFLICT DO NOTHING"
        ),
        params![
            order.host_id.as_str(),
            order.number,
            order.campaign_id.as_str(),
            order.attempt,
            order.epoch,
            order.state.as_str(),
            order.body.as_slice(),
            order.envelope.as_ref(),
            order.cancel.as_ref(),
            order.issued_ms,
            order.fetched_ms,
            order.ended_ms,
            order.expires_ms,
            order.outcome.as_ref(),
            order.wave.as_str(),
            order.fetches,
            order.line_until_ms,
            order.site.as_str(),
            order.site_until_ms,
        ],
    )?;
    if made == 1 {
        Ok(())
    } else {
        Err(tx.conflict(format!("the open work order of host {}", order.host_id)))
    }
}

/// Keeps the signed envelope. `false` when one is kept already, which then stays.
///
/// # Errors
/// As [`WriteTx::execute`].
pub fn set_envelope(tx: &mut WriteTx<'_>, host_id: &str, number: i64, envelope: &[u8]) -> Result<bool, StoreError> {
    let changed = tx.execute(
        "UPDATE work_order SET envelope = ?3 WHERE host_id = ?1 AND number = ?2 AND envelope IS NULL",
        params![host_id, number, envelope],
    )?;
    Ok(changed == 1)
}

/// Keeps the signed cancel of an open order. `false` when the order is not open.
///
/// # Errors
/// As [`WriteTx::execute`].
pub fn set_cancel(tx: &mut WriteTx<'_>, host_id: &str, number: i64, cancel: &[u8]) -> Result<bool, StoreError> {
    let changed = tx.execute(
        "UPDATE work_order SET cancel = ?3
         WHERE host_id = ?1 AND number = ?2 AND state IN ('issued', 'fetched')",
        params![host_id, number, cancel],
    )?;
    Ok(changed == 1)
}

/// Notes that an issued order was handed out. `false` when it is not in state issued: handed out before, withdrawn, ended.
///
/// # Errors
/// As [`WriteTx::execute`].
pub fn fetch(tx: &mut WriteTx<'_>, host_id: &str, number: i64, now_ms: i64) -> Result<bool, StoreError> {
    let changed = tx.execute(
        "UPDATE work_order SET state = 'fetched', fetched_ms = ?3
         WHERE host_id = ?1 AND number = ?2 AND state = 'issued'",
        params![host_id, number, now_ms],
    )?;
    Ok(changed == 1)
}

/// Ends an open order with an outcome. `false` when it is not open.
///
/// # Errors
/// As [`WriteTx::execute`].
pub fn close(tx: &mut WriteTx<'_>, host_id: &str, number: i64, outcome: &str, now_ms: i64) -> Result<bool, StoreError> {
    let changed = tx.execute(
        "UPDATE work_order SET state = 'closed', outcome = ?3, ended_ms = ?4
         WHERE host_id = ?1 AND number = ?2 AND state IN ('issued', 'fetched')",
        params![host_id, number, outcome, now_ms],
    )?;
    Ok(changed == 1)
}

/// Takes back an order that nobody fetched. `false` when it is not in state issued: then only a cancel helps.
///
/// # Errors
/// As [`WriteTx::execute`].
pub fn withdraw(
    tx: &mut WriteTx<'_>,
    host_id: &str,
    number: i64,
    outcome: &str,
    now_ms: i64,
) -> Result<bool, StoreError> {
    let changed = tx.execute(
        "UPDATE work_order SET state = 'withdrawn', outcome = ?3, ended_ms = ?4
         WHERE host_id = ?1 AND number = ?2 AND state = 'issued'",
        params![host_id, number, outcome, now_ms],
    )?;
    Ok(changed == 1)
}

/// One order.
///
/// # Errors
/// As [`Reader::query`].
pub fn load(db: &mut impl Reader, host_id: &str, number: i64) -> Result<Option<WorkOrderRow>, StoreError> {
    db.query_opt(
        &format!("SELECT {COLUMNS} FROM work_order WHERE host_id = ?1 AND number = ?2"),
        params![host_id, number],
    )?
    .as_ref()
    .map(read)
    .transpose()
}

/// The order that is issued or fetched on a host. There is at most one.
///
/// # Errors
/// As [`Reader::query`].
pub fn open(db: &mut impl Reader, host_id: &str) -> Result<Option<WorkOrderRow>, StoreError> {
    db.query_opt(
        &format!("SELECT {COLUMNS} FROM work_order WHERE host_id = ?1 AND state IN ('issued', 'fetched')"),
        params![host_id],
    )?
    .as_ref()
    .map(read)
    .transpose()
}

/// All orders of a host, oldest first.
///
/// # Errors
/// As [`Reader::query`].
pub fn of_host(db: &mut impl Reader, host_id: &str) -> Result<Vec<WorkOrderRow>, StoreError> {
    db.query(
        &format!("SELECT {COLUMNS} FROM work_order WHERE host_id = ?1 ORDER BY number"),
        params![host_id],
    )?
    .iter()
    .map(read)
    .collect()
}

/// The orders of a campaign in a state, the longest issued first, at most `limit`.
///
/// # Errors
/// As [`Reader::query`].
pub fn in_state(
    db: &mut impl Reader,
    campaign_id: &str,
    state: OrderState,
    limit: i64,
) -> Result<Vec<WorkOrderRow>, StoreError> {
    db.query(
        &format!(
            "SELECT {COLUMNS} FROM work_order WHERE campaign_id = ?1 AND state = ?2
             ORDER BY issued_ms, host_id, number LIMIT ?3"
        ),
        params![campaign_id, state.as_str(), limit],
    )?
    .iter()
    .map(read)
    .collect()
}

/// How many orders of a campaign were ever issued.
///
/// # Errors
/// As [`Reader::query`].
pub fn count(db: &mut impl Reader, campaign_id: &str) -> Result<i64, StoreError> {
    db.query_opt(
        "SELECT COUNT(*) AS orders FROM work_order WHERE campaign_id = ?1",
        params![campaign_id],
    )?
    .map_or(Ok(0), |row| row.int("orders"))
}

/// How many orders of a campaign, or of one of its waves, were issued after an instant and not taken back, and when the first
/// of them was.
///
/// # Errors
/// As [`Reader::query`].
pub fn issued_since(
    db: &mut impl Reader,
    campaign_id: &str,
    wave: Option<&str>,
    after_ms: i64,
) -> Result<(i64, Option<i64>), StoreError> {
    let select = "SELECT COUNT(*) AS orders, MIN(issued_ms) AS first_ms FROM work_order
                  WHERE campaign_id = ?1 AND issued_ms > ?2 AND state <> 'withdrawn'";
    let row = match wave {
        None => db.query_opt(select, params![campaign_id, after_ms])?,
        Some(wave) => db.query_opt(&format!("{select} AND wave = ?3"), params![campaign_id, after_ms, wave])?,
    };
    match row {
        Some(row) => Ok((row.int("orders")?, row.opt_int("first_ms")?)),
        None => Ok((0, None)),
    }
}

/// What still counts on a line at a moment, of orders that were not taken back.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Carried {
    /// The line: a site's, or `None` for all sites together.
    pub site: Option<String>,
    /// So many bytes.
    pub bytes: i64,
    /// When the first of them no longer do.
    pub next_ms: i64,
}

/// What still counts on the lines of a campaign: that of all sites first, then each site's. Lines with nothing on them are left
/// out.
///
/// # Errors
/// As [`Reader::query`].
pub fn carried(db: &mut impl Reader, campaign_id: &str, now_ms: i64) -> Result<Vec<Carried>, StoreError> {
    let all = db.query(
        "SELECT CAST(SUM(fetches) AS BIGINT) AS bytes, MIN(line_until_ms) AS next_ms FROM work_order
         WHERE campaign_id = ?1 AND line_until_ms > ?2 AND state <> 'withdrawn' AND fetches > 0
         HAVING COUNT(*) > 0",
        params![campaign_id, now_ms],
    )?;
    let sites = db.query(
        "SELECT site, CAST(SUM(fetches) AS BIGINT) AS bytes, MIN(site_until_ms) AS next_ms FROM work_order
         WHERE campaign_id = ?1 AND site_until_ms > ?2 AND state <> 'withdrawn' AND fetches > 0 AND site <> ''
         GROUP BY site ORDER BY site",
        params![campaign_id, now_ms],
    )?;
    let read = |row: &Row, site| {
        Ok(Carried {
            site,
            bytes: row.int("bytes")?,
            next_ms: row.int("next_ms")?,
        })
    };
    let mut carried = Vec::new();
    for row in &all {
        carried.push(read(row, None)?);
    }
    for row in &sites {
        carried.push(read(row, Some(row.text("site")?))?);
    }
    Ok(carried)
}
