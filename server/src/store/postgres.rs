//! PostgreSQL behind the seam.

use std::borrow::Cow;
use std::collections::HashMap;
use std::sync::Arc;

use postgres::error::SqlState;
use postgres::types::{ToSql, Type};
use postgres::{Client, Statement};

use super::conn::{Begin, Conn, Dialect};
use super::error::StoreError;
use super::placeholder;
use super::value::{Row, Value};

/// Prepared statements kept by a connection; beyond it the cache starts anew.
const CACHED_STATEMENTS: usize = 512;

/// Statements with more parameters are not kept.
const CACHED_PARAMETERS: usize = 24;

/// One session. It blocks, so it lives on threads of its own and never on a worker of the async runtime.
pub(super) struct PostgresConn {
    client: Client,
    statements: HashMap<(String, Vec<u32>), Prepared>,
    open: bool,
}

#[derive(Clone)]
struct Prepared {
    statement: Statement,
    columns: Arc<[String]>,
}

impl PostgresConn {
    /// Takes over a fresh session and sets what every session here relies on.
    pub(super) fn new(client: Client) -> Result<Self, StoreError> {
        let mut conn = Self {
            client,
            statements: HashMap::new(),
            open: false,
        };
        // A lock that waits this long is a stuck session elsewhere, not work.
        conn.batch("SET lock_timeout = '10s'; SET idle_in_transaction_session_timeout = '60s'")?;
        // Acknowledged means durable, whatever the server's default; stricter settings stay.
        let level = conn.query("SELECT current_setting('synchronous_commit') AS level", &[])?;
        if level.first().map(|row| row.text("level")).transpose()? == Some("off".to_owned()) {
            conn.batch("SET synchronous_commit = on")?;
        }
        Ok(conn)
    }

    /// Whether the session has ended.
    pub(super) fn is_closed(&self) -> bool {
        self.client.is_closed()
    }

    /// The session itself: LISTEN needs it.
    pub(super) fn client(&mut self) -> &mut Client {
        &mut self.client
    }

    /// Prepares with the types of the values at hand, so that the server never has to guess one: a guess makes `?1 + 1`
    /// a 32-bit integer and a lone `?1 IS NULL` an error. Only a NULL leaves its type to the statement.
    fn prepared(&mut self, sql: &str, params: &[Value]) -> Result<Prepared, StoreError> {
        let types = types(params);
        let key = (sql.to_owned(), types.iter().map(Type::oid).collect());
        if let Some(known) = self.statements.get(&key) {
            return Ok(known.clone());
        }
        let rewritten = rewrite_for(sql, params)?;
        let statement = self
            .client
            .prepare_typed(&rewritten, &types)
            .map_err(|error| refused(sql, &error))?;
        let columns = statement
            .columns()
            .iter()
            .map(|column| column.name().to_owned())
            .collect();
        let prepared = Prepared { statement, columns };
        if self.statements.len() >= CACHED_STATEMENTS {
            self.statements.clear();
        }
        self.statements.insert(key, prepared.clone());
        Ok(prepared)
    }

    /// A statement of many rows: each mixture of NULLs in it would be a statement of its own in the cache.
    fn execute_once(&mut self, sql: &str, params: &[Value]) -> Result<u64, StoreError> {
        let rewritten = rewrite_for(sql, params)?;
        let types = types(params);
        let bound: Vec<(&(dyn ToSql + Sync), Type)> =
            bound(&types, params).into_iter().zip(types.iter().cloned()).collect();
        self.client
            .execute_typed(&rewritten, &bound)
            .map_err(|error| refused(sql, &error))
    }
}

fn types(params: &[Value]) -> Vec<Type> {
    params
        .iter()
        .map(|value| match value {
            Value::Null => Type::UNKNOWN,
            Value::Int(_) => Type::INT8,
            Value::Text(_) => Type::TEXT,
            Value::Blob(_) => Type::BYTEA,
        })
        .collect()
}

fn rewrite_for<'s>(sql: &'s str, params: &[Value]) -> Result<Cow<'s, str>, StoreError> {
    let rewritten = placeholder::rewrite(sql);
    if rewritten.highest == params.len() {
        Ok(rewritten.sql)
    } else {
        Err(StoreError::Parameters {
            wanted: rewritten.highest,
            given: params.len(),
            sql: sql.to_owned(),
        })
    }
}

impl Conn for PostgresConn {
    fn dialect(&self) -> Dialect {
        Dialect::Postgres
    }

    fn execute(&mut self, sql: &str, params: &[Value]) -> Result<u64, StoreError> {
        check_text(params)?;
        if params.len() > CACHED_PARAMETERS {
            return self.execute_once(sql, params);
        }
        let prepared = self.prepared(sql, params)?;
        let bound = bound(prepared.statement.params(), params);
        self.client
            .execute(&prepared.statement, &bound)
            .map_err(|error| refused(sql, &error))
    }

    fn query(&mut self, sql: &str, params: &[Value]) -> Result<Vec<Row>, StoreError> {
        check_text(params)?;
        let prepared = self.prepared(sql, params)?;
        let bound = bound(prepared.statement.params(), params);
        let rows = self
            .client
            .query(&prepared.statement, &bound)
            .map_err(|error| refused(sql, &error))?;
        rows.iter()
            .map(|row| {
                let values = (0..row.len()).map(|index| read(row, index)).collect::<Result<_, _>>()?;
                Ok(Row::new(Arc::clone(&prepared.columns), values))
            })
            .collect()
    }

    fn batch(&mut self, sql: &str) -> Result<(), StoreError> {
        self.client.batch_execute(sql).map_err(|error| refused(sql, &error))
    }

    fn begin(&mut self, begin: Begin) -> Result<(), StoreError> {
        self.batch(match begin {
            Begin::Write => "BEGIN ISOLATION LEVEL READ COMMITTED READ WRITE",
            Begin::Read => "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY",
        })?;
        self.open = true;
        Ok(())
    }

    fn commit(&mut self) -> Result<(), StoreError> {
        self.open = false;
        self.batch("COMMIT")
    }

    fn rollback(&mut self) -> Result<(), StoreError> {
        self.open = false;
        self.batch("ROLLBACK")
    }

    fn in_transaction(&self) -> bool {
        self.open
    }
}

fn check_text(params: &[Value]) -> Result<(), StoreError> {
    params
        .iter()
        .position(|value| matches!(value, Value::Text(text) if text.contains('\0')))
        .map_or(Ok(()), |index| Err(StoreError::NulInText { index: index + 1 }))
}

/// The driver checks a value's Rust type against the type of its place, so a NULL takes the type that the statement
/// gave to its place.
fn bound<'v>(places: &[Type], params: &'v [Value]) -> Vec<&'v (dyn ToSql + Sync)> {
    const NO_INT8: &Option<i64> = &None;
    const NO_INT4: &Option<i32> = &None;
    const NO_BYTES: &Option<Vec<u8>> = &None;
    const NO_TEXT: &Option<String> = &None;
    params
        .iter()
        .zip(places)
        .map(|(value, place)| match value {
            Value::Int(number) => number as &(dyn ToSql + Sync),
            Value::Text(text) => text,
            Value::Blob(bytes) => bytes,
            Value::Null if *place == Type::INT8 => NO_INT8,
            Value::Null if *place == Type::INT4 => NO_INT4,
            Value::Null if *place == Type::BYTEA => NO_BYTES,
            Value::Null => NO_TEXT,
        })
        .collect()
}

fn read(row: &postgres::Row, index: usize) -> Result<Value, StoreError> {
    let column = &row.columns()[index];
    let place = column.type_();
    let value = if *place == Type::INT8 {
        row.try_get::<_, Option<i64>>(index).map(Value::from)
    } else if *place == Type::TEXT || *place == Type::VARCHAR || *place == Type::NAME {
        row.try_get::<_, Option<String>>(index).map(Value::from)
    } else if *place == Type::BYTEA {
        row.try_get::<_, Option<Vec<u8>>>(index).map(Value::from)
    } else if *place == Type::INT4 {
        row.try_get::<_, Option<i32>>(index).map(Value::from)
    } else if *place == Type::BOOL {
        row.try_get::<_, Option<bool>>(index).map(Value::from)
    } else {
        return Err(StoreError::Column {
            column: column.name().to_owned(),
            why: format!("it is of type {place}; cast it to BIGINT or TEXT in the statement"),
        });
    };
    value.map_err(|error| StoreError::Column {
        column: column.name().to_owned(),
        why: error.to_string(),
    })
}

/// Translates what the driver says; SQLSTATE codes: <https://www.postgresql.org/docs/current/errcodes-appendix.html>.
/// A detail line may hold values of the row, so it is left out.
pub(super) fn refused(sql: &str, error: &postgres::Error) -> StoreError {
    let Some(server) = error.as_db_error() else {
        return StoreError::Unavailable { why: chain(error) };
    };
    let why = server.message().to_owned();
    let code = server.code();
    if *code == SqlState::UNIQUE_VIOLATION
        || *code == SqlState::T_R_SERIALIZATION_FAILURE
        || *code == SqlState::T_R_DEADLOCK_DETECTED
    {
        return StoreError::conflict(why);
    }
    if *code == SqlState::LOCK_NOT_AVAILABLE || *code == SqlState::QUERY_CANCELED {
        return StoreError::Busy { what: why };
    }
    if *code == SqlState::IN_FAILED_SQL_TRANSACTION {
        return StoreError::Aborted;
    }
    if *code == SqlState::DISK_FULL {
        return StoreError::NoRoom { why };
    }
    match code.code().get(..2).unwrap_or_default() {
        // Integrity constraints, and values that do not fit their column.
        "23" | "22" => StoreError::Constraint { why },
        // Connection, resources, operator intervention, system errors, authorisation.
        "08" | "53" | "57" | "58" | "28" | "3D" | "25" if *code != SqlState::READ_ONLY_SQL_TRANSACTION => {
            StoreError::Unavailable { why }
        }
        "XX" => StoreError::Corrupt {
            what: "the database".to_owned(),
            why,
        },
        _ => StoreError::Statement {
            why,
            sql: sql.to_owned(),
        },
    }
}

/// The driver's own text is short ("error connecting to server"); the cause says why.
fn chain(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(cause) = source {
        text.push_str(": ");
        text.push_str(&cause.to_string());
        source = cause.source();
    }
    text
}
