//! The seam between one SQL text and two databases.

use super::error::StoreError;
use super::value::{Row, Value};

/// Which database a connection speaks to. Only migrations, the clock of the database and notifications ask.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Dialect {
    /// The embedded database.
    Sqlite,
    /// A PostgreSQL server.
    Postgres,
}

/// How a transaction begins.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Begin {
    /// Takes SQLite's write lock at once; READ COMMITTED on PostgreSQL.
    Write,
    /// One unchanging view of the data, in which nothing can be written.
    Read,
}

/// Executes SQL. Only `sqlite.rs` and `postgres.rs` implement it, and what tests put around them; all
/// else is written once above it.
///
/// Placeholders are written `?1`, `?2` and bind by number. The portable subset of SQL is described in the module `store`.
pub trait Conn: Send {
    /// Which database this is.
    fn dialect(&self) -> Dialect;

    /// Runs a statement and says how many rows it changed.
    ///
    /// # Errors
    /// What the database refused, as [`StoreError`]; the same for all methods below.
    fn execute(&mut self, sql: &str, params: &[Value]) -> Result<u64, StoreError>;

    /// Runs a statement and returns its rows.
    ///
    /// # Errors
    /// As [`Conn::execute`].
    fn query(&mut self, sql: &str, params: &[Value]) -> Result<Vec<Row>, StoreError>;

    /// Runs one statement for each set of parameters and says how many rows were changed in all.
    ///
    /// # Errors
    /// As [`Conn::execute`]; the first failure ends it.
    fn execute_many(&mut self, sql: &str, sets: &[Vec<Value>]) -> Result<u64, StoreError> {
        let mut changed = 0;
        for params in sets {
            changed += self.execute(sql, params)?;
        }
        Ok(changed)
    }

    /// Runs one query for each set of parameters and returns the answers in the same order.
    ///
    /// # Errors
    /// As [`Conn::execute`]; the first failure ends it.
    fn query_many(&mut self, sql: &str, sets: &[Vec<Value>]) -> Result<Vec<Vec<Row>>, StoreError> {
        sets.iter().map(|params| self.query(sql, params)).collect()
    }

    /// Runs a text of several statements without parameters: migrations.
    ///
    /// # Errors
    /// As [`Conn::execute`].
    fn batch(&mut self, sql: &str) -> Result<(), StoreError>;

    /// Begins a transaction.
    ///
    /// # Errors
    /// [`StoreError::Busy`] when the write lock is not to be had, [`StoreError::Unavailable`] when the database is gone.
    fn begin(&mut self, begin: Begin) -> Result<(), StoreError>;

    /// Makes everything since `begin` durable.
    ///
    /// # Errors
    /// Nothing was stored, except that [`StoreError::Unavailable`] leaves it open.
    fn commit(&mut self) -> Result<(), StoreError>;

    /// Undoes everything since `begin`.
    ///
    /// # Errors
    /// As [`Conn::execute`].
    fn rollback(&mut self) -> Result<(), StoreError>;

    /// Marks a point inside the transaction.
    ///
    /// # Errors
    /// As [`Conn::execute`].
    fn savepoint(&mut self) -> Result<(), StoreError> {
        self.batch("SAVEPOINT closure")
    }

    /// Forgets the newest mark and keeps what was done since.
    ///
    /// # Errors
    /// As [`Conn::execute`].
    fn release(&mut self) -> Result<(), StoreError> {
        self.batch("RELEASE SAVEPOINT closure")
    }

    /// Undoes what was done since the newest mark, and forgets the mark.
    ///
    /// # Errors
    /// As [`Conn::execute`].
    fn rollback_to(&mut self) -> Result<(), StoreError> {
        self.batch("ROLLBACK TO SAVEPOINT closure")?;
        self.batch("RELEASE SAVEPOINT closure")
    }

    /// Whether a transaction is open. SQLite ends one by itself after some failures (disk full).
    fn in_transaction(&self) -> bool;
}
