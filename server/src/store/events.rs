//! Streams of events: what happened, in order, each stream a hash chain.

use super::chain::{self, EventHash, GENESIS, Link};
use super::error::StoreError;
use super::placeholder;
pub use super::stream_name::StreamName;
use super::tx::{Reader, WriteTx};
use super::value::{Row, Value, params};
pub use super::verify::{ChainState, verify_chain};

/// The most events written by one statement.
const ROWS_PER_INSERT: usize = 50;

const COLUMNS: &str = "stream, seq, pos, kind, schema_version, body, at_ms, agent_at_ms, prev_hash, hash";
const COLUMN_COUNT: usize = 10;

/// By how much clocks of replicas may differ, and a moment still follows the one before.
const CLOCKS_DIFFER_MS: i64 = 300_000;

/// An event that is to be appended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewEvent {
    /// Kebab-case name of what happened.
    pub kind: String,
    /// Version of the body's schema.
    pub schema_version: i64,
    /// JSON. Personal values stand in it as digests only, see [`super::personal`].
    pub body: String,
    /// Server time.
    pub at_ms: i64,
    /// The host's own clock, where the event comes from one.
    pub agent_at_ms: Option<i64>,
}

/// An event as it is stored.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Event {
    /// Its stream.
    pub stream: StreamName,
    /// From 1 in each stream, without gaps.
    pub seq: i64,
    /// From 1 over all streams, without gaps.
    pub pos: i64,
    /// Kebab-case name of what happened.
    pub kind: String,
    /// Version of the body's schema.
    pub schema_version: i64,
    /// JSON.
    pub body: String,
    /// Server time.
    pub at_ms: i64,
    /// The host's own clock, where the event comes from one.
    pub agent_at_ms: Option<i64>,
    /// Hash of the event before; [`GENESIS`] for the first.
    pub prev_hash: EventHash,
    /// Hash of this event.
    pub hash: EventHash,
}

/// The end of a stream.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Head {
    /// Number of the last event; 0 for an empty stream.
    pub seq: i64,
    /// Its hash.
    pub hash: EventHash,
}

/// An event whose position is given when the closure ends.
#[derive(Debug)]
pub(super) struct PendingEvent {
    stream: String,
    seq: i64,
    event: NewEvent,
    prev_hash: EventHash,
    hash: EventHash,
}

/// The end of a stream, [`GENESIS`] at 0 for one that does not exist.
///
/// # Errors
/// As [`Reader::query`].
pub fn head(db: &mut impl Reader, stream: &StreamName) -> Result<Head, StoreError> {
    let row = db.query_opt(
        "SELECT seq, hash FROM stream WHERE stream = ?1",
        params![stream.as_str()],
    )?;
    match row {
        None => Ok(Head { seq: 0, hash: GENESIS }),
        Some(row) => Ok(Head {
            seq: row.int("seq")?,
            hash: row.hash("hash")?,
        }),
    }
}

/// Appends events after number `expected_seq` (0 for a new stream) and returns the new end. They become readable when
/// the closure ends, all with positions in the order of their appending.
///
/// # Errors
/// [`StoreError::Conflict`] when the stream has another end: somebody else decided first.
pub fn append(
    tx: &mut WriteTx<'_>,
    stream: &StreamName,
    expected_seq: i64,
    events: &[NewEvent],
) -> Result<Head, StoreError> {
    let before = head(tx, stream)?;
    if before.seq != expected_seq {
        return Err(tx.conflict(stream.as_str()));
    }
    let mut end = before;
    for event in events {
        let prev_hash = end.hash;
        let seq = end.seq + 1;
        let hash = chain::hash(&Link {
            prev_hash: &prev_hash,
            stream: stream.as_str(),
            seq,
            kind: &event.kind,
            schema_version: event.schema_version,
            body: &event.body,
            at_ms: event.at_ms,
            agent_at_ms: event.agent_at_ms,
        });
        tx.gather_event(PendingEvent {
            stream: stream.as_str().to_owned(),
            seq,
            event: event.clone(),
            prev_hash,
            hash,
        });
        end = Head { seq, hash };
    }
    if end == before {
        return Ok(end);
    }
    // On PostgreSQL this waits for whoever holds the row and then sees what it became.
    let moved = if before.seq == 0 {
        tx.execute(
            "INSERT INTO stream (stream, seq, hash) VALUES (?1, ?2, ?3) ON CONFLICT (stream) DO NOTHING",
            params![stream.as_str(), end.seq, &end.hash],
        )?
    } else {
        tx.execute(
            "UPDATE stream SET seq = ?2, hash = ?3 WHERE stream = ?1 AND seq = ?4",
            params![stream.as_str(), end.seq, &end.hash, before.seq],
        )?
    };
    if moved == 1 {
        Ok(end)
    } else {
        Err(tx.conflict(stream.as_str()))
    }
}

/// Appends after whatever is there: for streams that record and do not decide (`audit:`, `host:`).
///
/// # Errors
/// [`StoreError::Conflict`] when another transaction appends at the same moment; the store then runs the closure again.
pub fn append_next(tx: &mut WriteTx<'_>, stream: &StreamName, events: &[NewEvent]) -> Result<Head, StoreError> {
    let seq = head(tx, stream)?.seq;
    append(tx, stream, seq, events)
}

/// Gives positions and writes the rows; the last act of a transaction. Returns the highest position.
pub(super) fn write(tx: &mut WriteTx<'_>, pending: Vec<PendingEvent>) -> Result<Option<i64>, StoreError> {
    if pending.is_empty() {
        return Ok(None);
    }
    let count = pending.len() as i64;
    let newest_ms = pending.iter().map(|one| one.event.at_ms).max().unwrap_or_default();
    // Replicas' clocks differ a little: what came after something is not dated before it. A clock that was put right is
    // believed.
    let row = tx.query_opt(
        "UPDATE counter SET value = value + ?1,
                moment_ms = CASE WHEN moment_ms > ?2 AND moment_ms <= ?3 THEN moment_ms ELSE ?2 END
         WHERE name = 'pos' RETURNING value, moment_ms",
        params![count, newest_ms, newest_ms.saturating_add(CLOCKS_DIFFER_MS)],
    )?;
    let Some(row) = row else {
        return Err(StoreError::Corrupt {
            what: "table counter".to_owned(),
            why: "it has no row named pos".to_owned(),
        });
    };
    let (highest, moment_ms) = (row.int("value")?, row.int("moment_ms")?);
    let mut pos = highest - count;
    for chunk in pending.chunks(ROWS_PER_INSERT) {
        let mut values = Vec::with_capacity(chunk.len() * (COLUMN_COUNT + 1));
        for one in chunk {
            pos += 1;
            values.extend_from_slice(params![
                one.stream.as_str(),
                one.seq,
                pos,
                one.event.kind.as_str(),
                one.event.schema_version,
                one.event.body.as_str(),
                one.event.at_ms,
                one.event.agent_at_ms,
                &one.prev_hash,
                &one.hash,
                // The transaction is whole with its last event.
                (pos == highest).then_some(moment_ms),
            ]);
        }
        let places = placeholder::rows(chunk.len(), COLUMN_COUNT + 1);
        tx.execute(
            &format!("INSERT INTO event ({COLUMNS}, moment_ms) VALUES {places}"),
            &values,
        )?;
    }
    Ok(Some(highest))
}

fn read(row: &Row) -> Result<Event, StoreError> {
    Ok(Event {
        stream: StreamName::stored(row.text("stream")?),
        seq: row.int("seq")?,
        pos: row.int("pos")?,
        kind: row.text("kind")?,
        schema_version: row.int("schema_version")?,
        body: row.text("body")?,
        at_ms: row.int("at_ms")?,
        agent_at_ms: row.opt_int("agent_at_ms")?,
        prev_hash: row.hash("prev_hash")?,
        hash: row.hash("hash")?,
    })
}

/// The events of a stream from number `from_seq` on, at most `limit`, in order.
///
/// # Errors
/// As [`Reader::query`].
pub fn load(db: &mut impl Reader, stream: &StreamName, from_seq: i64, limit: i64) -> Result<Vec<Event>, StoreError> {
    db.query(
        &format!("SELECT {COLUMNS} FROM event WHERE stream = ?1 AND seq >= ?2 ORDER BY seq LIMIT ?3"),
        params![stream.as_str(), from_seq, limit],
    )?
    .iter()
    .map(read)
    .collect()
}

/// The last `limit` events of a stream, newest first.
///
/// # Errors
/// As [`Reader::query`].
pub fn newest(db: &mut impl Reader, stream: &StreamName, limit: i64) -> Result<Vec<Event>, StoreError> {
    db.query(
        &format!("SELECT {COLUMNS} FROM event WHERE stream = ?1 ORDER BY seq DESC LIMIT ?2"),
        params![stream.as_str(), limit],
    )?
    .iter()
    .map(read)
    .collect()
}

/// The events after position `pos`, at most `limit`, in order over all streams.
///
/// # Errors
/// As [`Reader::query`].
pub fn since(db: &mut impl Reader, pos: i64, limit: i64) -> Result<Vec<Event>, StoreError> {
    db.query(
        &format!("SELECT {COLUMNS} FROM event WHERE pos > ?1 ORDER BY pos LIMIT ?2"),
        params![pos, limit],
    )?
    .iter()
    .map(read)
    .collect()
}

/// The highest position, 0 for an empty store.
///
/// # Errors
/// As [`Reader::query`].
pub fn last_pos(db: &mut impl Reader) -> Result<i64, StoreError> {
    db.query_opt("SELECT value FROM counter WHERE name = 'pos'", params![])?
        .ok_or_else(|| StoreError::Corrupt {
            what: "table counter".to_owned(),
            why: "it has no row named pos".to_owned(),
        })?
        .int("value")
}

/// The names of streams that begin with `prefix`, in order, after `after`, at most `limit`.
///
/// # Errors
/// As [`Reader::query`].
pub fn streams(
    db: &mut impl Reader,
    prefix: &str,
    after: Option<&str>,
    limit: i64,
) -> Result<Vec<StreamName>, StoreError> {
    // Text compares byte by byte on both databases, and no UTF-8 text is as high as U+10FFFF repeated.
    let last = format!("{prefix}\u{10FFFF}");
    let mut values: Vec<Value> = vec![prefix.into(), last.into(), limit.into()];
    let mut sql = "SELECT stream FROM stream WHERE stream >= ?1 AND stream <= ?2".to_owned();
    if let Some(after) = after {
        values.push(after.into());
        sql.push_str(" AND stream > ?4");
    }
    sql.push_str(" ORDER BY stream LIMIT ?3");
    db.query(&sql, &values)?
        .iter()
        .map(|row| row.text("stream").map(StreamName::stored))
        .collect()
}
