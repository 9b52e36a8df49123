//! What a closure holds while it runs: a transaction that reads, or one that also writes.

use std::collections::{BTreeMap, BTreeSet};

use super::as_of::AsOf;
use super::asset_totals;
use super::causes::{self, CountedCause};
use super::conn::{Conn, Dialect};
use super::error::StoreError;
use super::events::{self, PendingEvent};
use super::grades;
use super::tallies::{self, Counted};
use super::totals::{self, Bucket};
use super::value::{Row, Value, params};
use super::versions::{self, Changed, Figures, Spans};

/// What can be asked of both kinds of transaction. The read functions of the table modules take it.
pub trait Reader {
    /// Runs a query and returns its rows.
    ///
    /// # Errors
    /// What the database refused; also any attempt to write from a [`ReadTx`].
    fn query(&mut self, sql: &str, params: &[Value]) -> Result<Vec<Row>, StoreError>;

    /// Whether all that it sees is committed. What is not may never come to be, so nothing that outlives the transaction is made
    /// from it.
    fn sees_what_is_committed(&self) -> bool;

    /// Runs one query for each set of parameters and returns the answers in the same order.
    ///
    /// # Errors
    /// As [`Reader::query`].
    fn query_many(&mut self, sql: &str, sets: &[Vec<Value>]) -> Result<Vec<Vec<Row>>, StoreError>;

    /// Runs a query that has at most one row.
    ///
    /// # Errors
    /// As [`Reader::query`].
    fn query_opt(&mut self, sql: &str, params: &[Value]) -> Result<Option<Row>, StoreError> {
        Ok(self.query(sql, params)?.into_iter().next())
    }
}

/// A transaction on a connection that cannot write: all its queries see one unchanging state of the store.
pub struct ReadTx<'c> {
    conn: &'c mut dyn Conn,
    broken: bool,
    as_of: Option<AsOf>,
}

impl<'c> ReadTx<'c> {
    pub(super) fn new(conn: &'c mut dyn Conn) -> Self {
        Self {
            conn,
            broken: false,
            as_of: None,
        }
    }

    /// From here on every query is answered from the rows as they were then. A table that is not kept in versions is refused
    /// with [`StoreError::NotKept`].
    pub fn go_back(&mut self, to: AsOf) {
        self.as_of = Some(to);
    }

    /// Where it was set back to.
    pub const fn gone_back_to(&self) -> Option<AsOf> {
        self.as_of
    }

    /// From here on queries are answered from the rows as they are.
    pub fn come_back(&mut self) {
        self.as_of = None;
    }

    /// Whether the connection was lost on the way.
    pub(super) fn is_broken(&self) -> bool {
        self.broken
    }

    fn note<T>(&mut self, answer: Result<T, StoreError>) -> Result<T, StoreError> {
        answer.inspect_err(|error| {
            self.broken |= matches!(error, StoreError::Unavailable { .. });
        })
    }
}

impl Reader for ReadTx<'_> {
    fn sees_what_is_committed(&self) -> bool {
        true
    }

    fn query(&mut self, sql: &str, params: &[Value]) -> Result<Vec<Row>, StoreError> {
        let answer = match self.as_of {
            None => self.conn.query(sql, params),
            Some(then) => self.conn.query(&then.rewrite(sql)?, params),
        };
        self.note(answer)
    }

    fn query_many(&mut self, sql: &str, sets: &[Vec<Value>]) -> Result<Vec<Vec<Row>>, StoreError> {
        let answer = match self.as_of {
            None => self.conn.query_many(sql, sets),
            Some(then) => self.conn.query_many(&then.rewrite(sql)?, sets),
        };
        self.note(answer)
    }
}

/// A transaction that writes.
///
/// Invariant: rows are touched in the order stream (and the rows of its subject), slots, totals, pos. Events and changes
/// of totals are gathered here and written in that order when the closure has ended, so a closure need only take its
/// streams before its slots. Events of the closure itself are therefore not yet readable inside it.
///
/// Once a statement failed, nothing more can be done in the transaction, on either database: PostgreSQL works that way,
/// and a closure that relied on SQLite's leniency would break there.
pub struct WriteTx<'c> {
    conn: &'c mut dyn Conn,
    events: Vec<PendingEvent>,
    totals: BTreeMap<Bucket, i64>,
    tallies: BTreeMap<Counted, i64>,
    causes: BTreeMap<CountedCause, i64>,
    grades: BTreeMap<grades::Counted, i64>,
    asset_totals: BTreeMap<String, i64>,
    changed: Changed,
    topics: BTreeSet<String>,
    failed: Option<StoreError>,
    again: bool,
}

/// What was decided when a closure ended well, to be told after the commit.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(super) struct Finished {
    /// The highest position that the closure's events were given.
    pub(super) pos: Option<i64>,
    pub(super) topics: BTreeSet<String>,
}

impl<'c> WriteTx<'c> {
    pub(super) fn new(conn: &'c mut dyn Conn) -> Self {
        Self {
            conn,
            events: Vec::new(),
            totals: BTreeMap::new(),
            tallies: BTreeMap::new(),
            causes: BTreeMap::new(),
            grades: BTreeMap::new(),
            asset_totals: BTreeMap::new(),
            changed: Changed::default(),
            topics: BTreeSet::new(),
            failed: None,
            again: false,
        }
    }

    /// Runs a statement and says how many rows it changed.
    ///
    /// # Errors
    /// What the database refused; [`StoreError::Conflict`] where a key is taken.
    pub fn execute(&mut self, sql: &str, params: &[Value]) -> Result<u64, StoreError> {
        self.run(|conn| conn.execute(sql, params))
    }

    /// Runs one statement for each set of parameters and says how many rows were changed in all.
    ///
    /// # Errors
    /// As [`WriteTx::execute`].
    pub fn execute_many(&mut self, sql: &str, sets: &[Vec<Value>]) -> Result<u64, StoreError> {
        self.run(|conn| conn.execute_many(sql, sets))
    }

    /// Has `topic` delivered to the subscribers of every replica after the commit, once per transaction. A nudge may be
    /// lost and says only "look": what it is about lies in rows. At most 200 bytes, without personal data.
    pub fn after_commit(&mut self, topic: impl Into<String>) {
        let mut topic: String = topic.into();
        while topic.len() > TOPIC_LIMIT {
            topic.pop();
        }
        self.topics.insert(topic);
    }

    /// A conflict over `what`, noted so that the store may run the closure again on fresh rows.
    pub fn conflict(&mut self, what: impl Into<String>) -> StoreError {
        self.again = true;
        StoreError::conflict(what)
    }

    /// The time by the database's own clock in milliseconds. For leases, where the clocks of replicas must not matter;
    /// everything else takes the time as an argument.
    ///
    /// # Errors
    /// As [`Reader::query`].
    pub fn database_now_ms(&mut self) -> Result<i64, StoreError> {
        let sql = match self.conn.dialect() {
            Dialect::Sqlite => "SELECT CAST(unixepoch('subsec') * 1000 AS BIGINT) AS now_ms",
            Dialect::Postgres => "SELECT CAST(EXTRACT(EPOCH FROM clock_timestamp()) * 1000 AS BIGINT) AS now_ms",
        };
        self.query_opt(sql, params![])?
            .ok_or(StoreError::Aborted)?
            .int("now_ms")
    }

    pub(super) fn gather_event(&mut self, event: PendingEvent) {
        self.events.push(event);
    }

    pub(super) fn gather_total(&mut self, bucket: Bucket, change: i64) {
        *self.totals.entry(bucket).or_default() += change;
    }

    pub(super) fn gather_tally(&mut self, counted: Counted, change: i64) {
        *self.tallies.entry(counted).or_default() += change;
    }

    pub(super) fn gather_cause(&mut self, counted: CountedCause, change: i64) {
        *self.causes.entry(counted).or_default() += change;
    }

    pub(super) fn gather_grade(&mut self, counted: grades::Counted, change: i64) {
        *self.grades.entry(counted).or_default() += change;
    }

    pub(super) fn gather_asset_total(&mut self, bucket: &str, change: i64) {
        *self.asset_totals.entry(bucket.to_owned()).or_default() += change;
    }

    /// Keeps a version of this row when the position is known. [`super::plans`], [`super::hosts`] and
    /// [`super::campaigns`] do it.
    pub(super) fn keep_row(&mut self, of: &Spans, key: &[&str]) {
        self.changed.span(of, key);
    }

    /// The same for a figure.
    pub(super) fn keep_figure(&mut self, of: &Figures, key: &[Value]) {
        self.changed.figure(of, key);
    }

    /// Whether what went wrong may go well on fresh rows.
    pub(super) fn may_run_again(&self) -> bool {
        self.again
    }

    /// Writes what was gathered: totals, tallies of waves among them, then positions, then versions of what was changed.
    pub(super) fn finish(&mut self) -> Result<Finished, StoreError> {
        if let Some(first) = &self.failed {
            return Err(first.clone());
        }
        let totals = std::mem::take(&mut self.totals);
        totals::write(self, totals)?;
        let tallies = std::mem::take(&mut self.tallies);
        tallies::write(self, tallies)?;
        let causes = std::mem::take(&mut self.causes);
        causes::write(self, causes)?;
        let grades = std::mem::take(&mut self.grades);
        grades::write(self, grades)?;
        let asset_totals = std::mem::take(&mut self.asset_totals);
        asset_totals::write(self, asset_totals)?;
        let pending = std::mem::take(&mut self.events);
        let mut changed = std::mem::take(&mut self.changed);
        versions::drop_unchanged(self, &mut changed)?;
        let pos = events::write(self, pending)?;
        versions::write(self, changed, pos)?;
        Ok(Finished {
            pos,
            topics: std::mem::take(&mut self.topics),
        })
    }

    fn run<T>(&mut self, statement: impl FnOnce(&mut dyn Conn) -> Result<T, StoreError>) -> Result<T, StoreError> {
        if self.failed.is_some() {
            return Err(StoreError::Aborted);
        }
        statement(&mut *self.conn).inspect_err(|error| {
            self.failed = Some(error.clone());
            // A lost connection took nothing with it: this transaction was not committed.
            self.again |= error.is_conflict() || matches!(error, StoreError::Unavailable { .. });
        })
    }
}

/// The longest topic in bytes; PostgreSQL bounds a whole notification to 8000.
const TOPIC_LIMIT: usize = 200;

impl Reader for WriteTx<'_> {
    fn sees_what_is_committed(&self) -> bool {
        false
    }

    fn query(&mut self, sql: &str, params: &[Value]) -> Result<Vec<Row>, StoreError> {
        self.run(|conn| conn.query(sql, params))
    }

    fn query_many(&mut self, sql: &str, sets: &[Vec<Value>]) -> Result<Vec<Vec<Row>>, StoreError> {
        self.run(|conn| conn.query_many(sql, sets))
    }
}
