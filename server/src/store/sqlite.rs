//! SQLite behind the seam.

use std::collections::HashMap;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;

use rusqlite::config::DbConfig;
use rusqlite::types::{ToSqlOutput, ValueRef};
use rusqlite::{CachedStatement, Connection, OpenFlags, ToSql, ffi};

use super::conn::{Begin, Conn, Dialect};
use super::error::StoreError;
use super::value::{Row, Value};

/// How long a statement waits for another process's lock (a backup, an operator's shell).
const BUSY_TIMEOUT: Duration = Duration::from_secs(5);

/// Prepared statements kept by a connection.
const CACHED_STATEMENTS: usize = 256;

/// One connection to a database file.
pub(super) struct SqliteConn {
    inner: Connection,
    /// In a transaction that reads.
    reads: bool,
    /// Names of the columns that statements return.
    columns: HashMap<String, Arc<[String]>>,
}

impl SqliteConn {
    /// Opens the connection that writes; makes the file if there is none.
    pub(super) fn open_writer(path: &Path) -> Result<Self, StoreError> {
        let conn = Self::open_or_make(path)?;
        conn.journal_durably(path)?;
        Ok(conn)
    }

    /// The same for a file that is this connection's alone until it is closed: no other can so much as read it meanwhile, and so
    /// no lock and no shared memory is needed.
    pub(super) fn open_alone(path: &Path) -> Result<Self, StoreError> {
        let conn = Self::open_or_make(path)?;
        // Before the journal is looked at for the first time: https://www.sqlite.org/wal.html#noshm
        conn.batch_at_open(path, "PRAGMA locking_mode = EXCLUSIVE;")?;
        conn.journal_durably(path)?;
        Ok(conn)
    }

    fn open_or_make(path: &Path) -> Result<Self, StoreError> {
        make_private(path)?;
        let flags = OpenFlags::SQLITE_OPEN_READ_WRITE | OpenFlags::SQLITE_OPEN_CREATE | OpenFlags::SQLITE_OPEN_NO_MUTEX;
        Self::open(path, flags)
    }

    fn journal_durably(&self, path: &Path) -> Result<(), StoreError> {
        // In WAL only FULL makes a commit durable before it returns: https://www.sqlite.org/pragma.html#pragma_synchronous
        let mode: String = self
            .inner
            .query_row("PRAGMA journal_mode = WAL", [], |row| row.get(0))
            .map_err(|error| cannot_open(path, &error))?;
        if mode != "wal" {
            return Err(StoreError::File {
                path: path.to_owned(),
                why: format!("the journal mode stays {mode:?} where WAL is needed"),
            });
        }
        self.batch_at_open(
            path,
            "PRAGMA synchronous = FULL; PRAGMA fullfsync = ON; PRAGMA checkpoint_fullfsync = ON;
             PRAGMA journal_size_limit = 67108864;",
        )
    }

    /// Opens a connection that cannot write, whatever statement it is given.
    pub(super) fn open_reader(path: &Path) -> Result<Self, StoreError> {
        let conn = Self::open(path, OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX)?;
        conn.batch_at_open(path, "PRAGMA query_only = ON;")?;
        Ok(conn)
    }

    fn open(path: &Path, flags: OpenFlags) -> Result<Self, StoreError> {
        let inner = Connection::open_with_flags(path, flags).map_err(|error| cannot_open(path, &error))?;
        inner
            .busy_timeout(BUSY_TIMEOUT)
            .map_err(|error| cannot_open(path, &error))?;
        // Else SQLite looks at what is bound to a bound or a LIMIT when it plans, and plans anew, as dear as preparing,
        // whenever something else is bound: at every call, since most bounds are the time.
        inner
            .set_db_config(DbConfig::SQLITE_DBCONFIG_ENABLE_QPSG, true)
            .map_err(|error| cannot_open(path, &error))?;
        inner.set_prepared_statement_cache_capacity(CACHED_STATEMENTS);
        let conn = Self {
            inner,
            reads: false,
            columns: HashMap::new(),
        };
        conn.batch_at_open(
            path,
            "PRAGMA trusted_schema = OFF; PRAGMA temp_store = MEMORY; PRAGMA cache_size = -16000;",
        )?;
        Ok(conn)
    }

    fn batch_at_open(&self, path: &Path, sql: &str) -> Result<(), StoreError> {
        self.inner.execute_batch(sql).map_err(|error| cannot_open(path, &error))
    }

    /// Prepares a statement and binds its parameters by number.
    fn bound(&self, sql: &str, params: &[Value]) -> Result<CachedStatement<'_>, StoreError> {
        let mut statement = self.inner.prepare_cached(sql).map_err(|error| refused(sql, &error))?;
        // A connection of its own for reads refuses by itself; one that is alone serves both.
        if self.reads && !statement.readonly() {
            return Err(StoreError::Statement {
                why: "a read cannot write".to_owned(),
                sql: sql.to_owned(),
            });
        }
        if statement.parameter_count() != params.len() {
            return Err(StoreError::Parameters {
                wanted: statement.parameter_count(),
                given: params.len(),
                sql: sql.to_owned(),
            });
        }
        for (index, value) in params.iter().enumerate() {
            if matches!(value, Value::Text(text) if text.contains('\0')) {
                return Err(StoreError::NulInText { index: index + 1 });
            }
            statement
                .raw_bind_parameter(index + 1, value)
                .map_err(|error| refused(sql, &error))?;
        }
        Ok(statement)
    }

    /// Names are made once and not at each call: the schema does not change while a store is open.
    fn keep_columns(&mut self, sql: &str, columns: Arc<[String]>) {
        // Texts that are made for a number of rows are few, but nothing bounds them.
        if self.columns.len() >= CACHED_STATEMENTS {
            self.columns.clear();
        }
        self.columns.insert(sql.to_owned(), columns);
    }

    fn run_cached(&self, sql: &str) -> Result<(), StoreError> {
        self.inner
            .prepare_cached(sql)
            .and_then(|mut statement| statement.raw_execute())
            .map(drop)
            .map_err(|error| refused(sql, &error))
    }
}

impl Conn for SqliteConn {
    fn dialect(&self) -> Dialect {
        Dialect::Sqlite
    }

    fn execute(&mut self, sql: &str, params: &[Value]) -> Result<u64, StoreError> {
        let mut statement = self.bound(sql, params)?;
        // A statement with RETURNING is stepped to its end here as well.
        let changed = if statement.column_count() > 0 {
            let mut rows = statement.raw_query();
            let mut count = 0;
            while rows.next().map_err(|error| refused(sql, &error))?.is_some() {
                count += 1;
            }
            count
        } else {
            statement.raw_execute().map_err(|error| refused(sql, &error))?
        };
        Ok(changed as u64)
    }

    fn query(&mut self, sql: &str, params: &[Value]) -> Result<Vec<Row>, StoreError> {
        let known = self.columns.get(sql).cloned();
        let (is_known, mut columns) = (known.is_some(), known);
        let mut statement = self.bound(sql, params)?;
        let mut answer = Vec::new();
        let mut rows = statement.raw_query();
        while let Some(row) = rows.next().map_err(|error| refused(sql, &error))? {
            let columns = columns.get_or_insert_with(|| row.as_ref().column_names().map(str::to_owned).collect());
            let mut values = Vec::with_capacity(columns.len());
            for index in 0..columns.len() {
                let value = row.get_ref(index).map_err(|error| refused(sql, &error))?;
                values.push(read(value, &columns[index])?);
            }
            answer.push(Row::new(Arc::clone(columns), values));
        }
        drop(rows);
        drop(statement);
        if let Some(columns) = columns.filter(|_| !is_known) {
            self.keep_columns(sql, columns);
        }
        Ok(answer)
    }

    fn batch(&mut self, sql: &str) -> Result<(), StoreError> {
        self.inner.execute_batch(sql).map_err(|error| refused(sql, &error))
    }

    fn begin(&mut self, begin: Begin) -> Result<(), StoreError> {
        self.reads = begin == Begin::Read;
        self.run_cached(match begin {
            Begin::Write => "BEGIN IMMEDIATE",
            Begin::Read => "BEGIN DEFERRED",
        })
    }

    fn commit(&mut self) -> Result<(), StoreError> {
        self.run_cached("COMMIT")
    }

    fn rollback(&mut self) -> Result<(), StoreError> {
        self.run_cached("ROLLBACK")
    }

    fn savepoint(&mut self) -> Result<(), StoreError> {
        self.run_cached("SAVEPOINT closure")
    }

    fn release(&mut self) -> Result<(), StoreError> {
        self.run_cached("RELEASE SAVEPOINT closure")
    }

    fn rollback_to(&mut self) -> Result<(), StoreError> {
        self.run_cached("ROLLBACK TO SAVEPOINT closure")?;
        self.run_cached("RELEASE SAVEPOINT closure")
    }

    fn in_transaction(&self) -> bool {
        !self.inner.is_autocommit()
    }
}

impl ToSql for Value {
    fn to_sql(&self) -> rusqlite::Result<ToSqlOutput<'_>> {
        Ok(ToSqlOutput::Borrowed(match self {
            Self::Null => ValueRef::Null,
            Self::Int(number) => ValueRef::Integer(*number),
            Self::Text(text) => ValueRef::Text(text.as_bytes()),
            Self::Blob(bytes) => ValueRef::Blob(bytes),
        }))
    }
}

fn read(value: ValueRef<'_>, column: &str) -> Result<Value, StoreError> {
    match value {
        ValueRef::Null => Ok(Value::Null),
        ValueRef::Integer(number) => Ok(Value::Int(number)),
        ValueRef::Text(bytes) => match std::str::from_utf8(bytes) {
            Ok(text) => Ok(Value::Text(text.to_owned())),
            Err(error) => Err(StoreError::Column {
                column: column.to_owned(),
                why: format!("the text is not UTF-8: {error}"),
            }),
        },
        ValueRef::Blob(bytes) => Ok(Value::Blob(bytes.to_vec())),
        ValueRef::Real(_) => Err(StoreError::Column {
            column: column.to_owned(),
            why: "a floating point number was found; cast it to BIGINT in the statement".to_owned(),
        }),
    }
}

/// Makes a missing file readable by its owner alone; SQLite gives its journal the same mode. It holds personal values.
fn make_private(path: &Path) -> Result<(), StoreError> {
    let mut options = std::fs::OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    match options.open(path) {
        Err(error) if error.kind() != std::io::ErrorKind::AlreadyExists => Err(StoreError::File {
            path: path.to_owned(),
            why: error.to_string(),
        }),
        Ok(_) | Err(_) => Ok(()),
    }
}

fn cannot_open(path: &Path, error: &rusqlite::Error) -> StoreError {
    let translated = refused("", error);
    if matches!(translated, StoreError::Corrupt { .. } | StoreError::Busy { .. }) {
        return translated;
    }
    StoreError::File {
        path: path.to_owned(),
        why: error.to_string(),
    }
}

/// Translates SQLite's result codes (<https://www.sqlite.org/rescode.html>).
fn refused(sql: &str, error: &rusqlite::Error) -> StoreError {
    let why = error.to_string();
    let code = error.sqlite_error().map_or(0, |known| known.extended_code);
    match code {
        ffi::SQLITE_CONSTRAINT_PRIMARYKEY | ffi::SQLITE_CONSTRAINT_UNIQUE | ffi::SQLITE_CONSTRAINT_ROWID => {
            StoreError::conflict(why)
        }
        _ => match code & 0xFF {
            ffi::SQLITE_CONSTRAINT | ffi::SQLITE_MISMATCH => StoreError::Constraint { why },
            ffi::SQLITE_BUSY | ffi::SQLITE_LOCKED => StoreError::Busy { what: why },
            ffi::SQLITE_CORRUPT | ffi::SQLITE_NOTADB => StoreError::Corrupt {
                what: "the database file".to_owned(),
                why,
            },
            ffi::SQLITE_FULL => StoreError::NoRoom { why },
            ffi::SQLITE_IOERR | ffi::SQLITE_CANTOPEN | ffi::SQLITE_NOMEM => StoreError::Unavailable { why },
            _ => StoreError::Statement {
                why,
                sql: sql.to_owned(),
            },
        },
    }
}

#[cfg(test)]
mod tests {
    use rusqlite::StatementStatus;

    use super::super::value::params;
    use super::*;

    #[test]
    fn a_statement_is_planned_once_whatever_is_bound_to_its_bounds() {
        const DUE: &str = "SELECT at_ms FROM wake WHERE at_ms > ?1 AND at_ms <= ?2 ORDER BY at_ms LIMIT ?3";
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("store.db");
        let mut writer = SqliteConn::open_writer(&path).unwrap();
        writer
            .batch("CREATE TABLE wake (at_ms BIGINT NOT NULL); CREATE INDEX wake_at ON wake (at_ms);")
            .unwrap();
        for mut conn in [writer, SqliteConn::open_reader(&path).unwrap()] {
            for now_ms in 0_i64..5 {
                conn.query(DUE, params![now_ms, now_ms + 1, now_ms + 2]).unwrap();
            }
            let statement = conn.inner.prepare_cached(DUE).unwrap();
            assert_eq!(statement.get_status(StatementStatus::Run), 5);
            assert_eq!(statement.get_status(StatementStatus::RePrepare), 0);
        }
    }
}
