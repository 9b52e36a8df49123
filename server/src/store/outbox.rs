//! What must reach the outside: written with what it tells of in one transaction, delivered later, tried again.

use super::error::StoreError;
use super::tx::{Reader, WriteTx};
use super::value::{Row, params};

/// What became of a delivery.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum DeliveryState {
    /// To be tried at its next time.
    Pending,
    /// The other side took it.
    Delivered,
    /// Given up.
    Dead,
}

impl DeliveryState {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::Pending, Self::Delivered, Self::Dead];

    /// As it is stored.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Pending => "pending",
            Self::Delivered => "delivered",
            Self::Dead => "dead",
        }
    }

    /// From what is stored.
    pub fn parse(text: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|state| state.as_str() == text)
    }
}

/// One delivery.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OutboxRow {
    /// Made from what it tells of, so that telling twice is one row: `report:daily:2026-11-23:0`.
    pub outbox_id: String,
    /// How it goes: `webhook`, `directory`.
    pub kind: String,
    /// Where it goes.
    pub target: String,
    /// What goes.
    pub body: String,
    /// Server time.
    pub created_ms: i64,
    /// How often it was tried.
    pub attempts: i64,
    /// When it is tried next.
    pub next_ms: i64,
    /// What became of it.
    pub state: DeliveryState,
    /// Why the last try failed.
    pub last_error: Option<String>,
    /// Server time at which it was delivered or given up.
    pub ended_ms: Option<i64>,
}

/// What a try of delivery came to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Tried {
    /// The other side took it.
    Delivered,
    /// Again at that time.
    Again {
        /// When.
        next_ms: i64,
        /// What went wrong.
        error: String,
    },
    /// It is given up.
    Dead {
        /// What went wrong.
        error: String,
    },
}

const COLUMNS: &str = "outbox_id, kind, target, body, created_ms, attempts, next_ms, state, last_error, ended_ms";

fn read(row: &Row) -> Result<OutboxRow, StoreError> {
    let state = row.text("state")?;
    Ok(OutboxRow {
        outbox_id: row.text("outbox_id")?,
        kind: row.text("kind")?,
        target: row.text("target")?,
        body: row.text("body")?,
        created_ms: row.int("created_ms")?,
        attempts: row.int("attempts")?,
        next_ms: row.int("next_ms")?,
        state: DeliveryState::parse(&state).ok_or_else(|| StoreError::Column {
            column: "state".to_owned(),
            why: format!("{state:?} is no state of a delivery"),
        })?,
        last_error: row.opt_text("last_error")?,
        ended_ms: row.opt_int("ended_ms")?,
    })
}

/// Adds a delivery, to be tried at once. `false` when one of this id is there.
///
/// # Errors
/// As [`WriteTx::execute`].
pub fn insert(
    tx: &mut WriteTx<'_>,
    outbox_id: &str,
    kind: &str,
    target: &str,
    body: &str,
    now_ms: i64,
) -> Result<bool, StoreError> {
    let made = tx.execute(
        "INSERT INTO outbox (outbox_id, kind, target, body, created_ms, attempts, next_ms, state)
         VALUES (?1, ?2, ?3, ?4, ?5, 0, ?5, 'pending') ON CONFLICT (outbox_id) DO NOTHING",
        params![outbox_id, kind, target, body, now_ms],
    )?;
    Ok(made == 1)
}

/// What is to be tried at `now_ms`, the longest due first, at most `limit`.
///
/// # Errors
/// As [`Reader::query`].
pub fn due(db: &mut impl Reader, now_ms: i64, limit: i64) -> Result<Vec<OutboxRow>, StoreError> {
    db.query(
        &format!(
            "SELECT {COLUMNS} FROM outbox WHERE state = 'pending' AND next_ms <= ?1
             ORDER BY next_ms, outbox_id LIMIT ?2"
        ),
        params![now_ms, limit],
    )?
    .iter()
    .map(read)
    .collect()
}

/// Notes what the try after `attempts` others came to.
///
/// # Errors
/// [`StoreError::Conflict`] when somebody else tried meanwhile.
pub fn note(
    tx: &mut WriteTx<'_>,
    outbox_id: &str,
    attempts: i64,
    tried: &Tried,
    now_ms: i64,
) -> Result<(), StoreError> {
    let (state, next_ms, error, ended_ms) = match tried {
        Tried::Delivered => (DeliveryState::Delivered, now_ms, None, Some(now_ms)),
        Tried::Again { next_ms, error } => (DeliveryState::Pending, *next_ms, Some(error), None),
        Tried::Dead { error } => (DeliveryState::Dead, now_ms, Some(error), Some(now_ms)),
    };
    let changed = tx.execute(
        "UPDATE outbox SET attempts = attempts + 1, state = ?3, next_ms = ?4, last_error = ?5, ended_ms = ?6
         WHERE outbox_id = ?1 AND attempts = ?2 AND state = 'pending'",
        params![outbox_id, attempts, state.as_str(), next_ms, error, ended_ms],
    )?;
    if changed == 1 {
        Ok(())
    } else {
        Err(tx.conflict(format!("delivery {outbox_id}")))
    }
}

/// One delivery.
///
/// # Errors
/// As [`Reader::query`].
pub fn load(db: &mut impl Reader, outbox_id: &str) -> Result<Option<OutboxRow>, StoreError> {
    db.query_opt(
        &format!("SELECT {COLUMNS} FROM outbox WHERE outbox_id = ?1"),
        params![outbox_id],
    )?
    .as_ref()
    .map(read)
    .transpose()
}

/// The deliveries in a state, the newest first, at most `limit`.
///
/// # Errors
/// As [`Reader::query`].
pub fn in_state(db: &mut impl Reader, state: DeliveryState, limit: i64) -> Result<Vec<OutboxRow>, StoreError> {
    db.query(
        &format!("SELECT {COLUMNS} FROM outbox WHERE state = ?1 ORDER BY created_ms DESC, outbox_id LIMIT ?2"),
        params![state.as_str(), limit],
    )?
    .iter()
    .map(read)
    .collect()
}
