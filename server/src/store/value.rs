//! What goes into a statement and what comes out of one, the same for both databases.

use std::cell::Cell;
use std::fmt;
use std::sync::Arc;

use super::error::StoreError;

/// One parameter or one column.
///
/// There is no floating point and no boolean: time is whole milliseconds, and a flag is a nullable `_ms` column or an
/// integer 0 or 1. A condition that PostgreSQL answers as a boolean arrives as [`Value::Int`] 0 or 1, as on SQLite.
#[derive(Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Value {
    /// SQL NULL.
    Null,
    /// A 64-bit integer.
    Int(i64),
    /// Text without NUL characters (PostgreSQL cannot hold them, so neither database is asked to).
    Text(String),
    /// Bytes.
    Blob(Vec<u8>),
}

impl Value {
    /// What kind of value it is, in words for an error.
    pub fn kind(&self) -> &'static str {
        match self {
            Self::Null => "NULL",
            Self::Int(_) => "an integer",
            Self::Text(_) => "text",
            Self::Blob(_) => "bytes",
        }
    }
}

impl fmt::Debug for Value {
    // Values may be personal or secret: a debug print shows their kind and size only.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Null => write!(f, "NULL"),
            Self::Int(number) => write!(f, "{number}"),
            Self::Text(text) => write!(f, "text of {} bytes", text.len()),
            Self::Blob(bytes) => write!(f, "{} bytes", bytes.len()),
        }
    }
}

impl From<i64> for Value {
    fn from(number: i64) -> Self {
        Self::Int(number)
    }
}

impl From<i32> for Value {
    fn from(number: i32) -> Self {
        Self::Int(i64::from(number))
    }
}

impl From<u32> for Value {
    fn from(number: u32) -> Self {
        Self::Int(i64::from(number))
    }
}

impl From<bool> for Value {
    fn from(flag: bool) -> Self {
        Self::Int(i64::from(flag))
    }
}

impl From<&str> for Value {
    fn from(text: &str) -> Self {
        Self::Text(text.to_owned())
    }
}

impl From<String> for Value {
    fn from(text: String) -> Self {
        Self::Text(text)
    }
}

impl From<&String> for Value {
    fn from(text: &String) -> Self {
        Self::Text(text.clone())
    }
}

impl From<&[u8]> for Value {
    fn from(bytes: &[u8]) -> Self {
        Self::Blob(bytes.to_vec())
    }
}

impl From<Vec<u8>> for Value {
    fn from(bytes: Vec<u8>) -> Self {
        Self::Blob(bytes)
    }
}

impl From<&Vec<u8>> for Value {
    fn from(bytes: &Vec<u8>) -> Self {
        Self::Blob(bytes.clone())
    }
}

impl From<&[u8; 32]> for Value {
    fn from(bytes: &[u8; 32]) -> Self {
        Self::Blob(bytes.to_vec())
    }
}

impl<T: Into<Value>> From<Option<T>> for Value {
    fn from(value: Option<T>) -> Self {
        value.map_or(Self::Null, Into::into)
    }
}

/// One row of an answer; columns are read by name, and a wrong expectation is an error that names the column.
#[derive(Debug, Clone)]
pub struct Row {
    columns: Arc<[String]>,
    values: Vec<Value>,
    /// The column after the one that was read last: most are read in their order.
    next: Cell<usize>,
}

impl Row {
    /// Puts a row together; `columns` is shared by all rows of one answer.
    pub(super) fn new(columns: Arc<[String]>, values: Vec<Value>) -> Self {
        Self {
            columns,
            values,
            next: Cell::new(0),
        }
    }

    /// The values in the statement's order.
    pub fn values(&self) -> &[Value] {
        &self.values
    }

    /// The column as it is.
    ///
    /// # Errors
    /// [`StoreError::Column`] where the statement does not return such a column.
    pub fn value(&self, column: &str) -> Result<&Value, StoreError> {
        let next = self.next.get();
        let index = match self.columns.get(next) {
            Some(name) if name == column => Some(next),
            Some(_) | None => self.columns.iter().position(|name| name == column),
        };
        self.next.set(index.map_or(0, |index| index + 1));
        index
            .and_then(|index| self.values.get(index))
            .ok_or_else(|| StoreError::Column {
                column: column.to_owned(),
                why: format!("the statement returns only {}", self.columns.join(", ")),
            })
    }

    fn wrong(column: &str, wanted: &str, found: &Value) -> StoreError {
        StoreError::Column {
            column: column.to_owned(),
            why: format!("{wanted} was expected and {} found", found.kind()),
        }
    }

    /// An integer that is not null.
    ///
    /// # Errors
    /// [`StoreError::Column`] for a missing column or another kind of value; the same for the getters below.
    pub fn int(&self, column: &str) -> Result<i64, StoreError> {
        match self.value(column)? {
            Value::Int(number) => Ok(*number),
            other @ (Value::Null | Value::Text(_) | Value::Blob(_)) => Err(Self::wrong(column, "an integer", other)),
        }
    }

    /// An integer or null.
    ///
    /// # Errors
    /// As [`Row::int`].
    pub fn opt_int(&self, column: &str) -> Result<Option<i64>, StoreError> {
        match self.value(column)? {
            Value::Null => Ok(None),
            Value::Int(number) => Ok(Some(*number)),
            other @ (Value::Text(_) | Value::Blob(_)) => Err(Self::wrong(column, "an integer or NULL", other)),
        }
    }

    /// An integer that is 0 or 1.
    ///
    /// # Errors
    /// As [`Row::int`], and for any other number.
    pub fn flag(&self, column: &str) -> Result<bool, StoreError> {
        match self.int(column)? {
            0 => Ok(false),
            1 => Ok(true),
            other => Err(StoreError::Column {
                column: column.to_owned(),
                why: format!("0 or 1 was expected and {other} found"),
            }),
        }
    }

    /// Text that is not null.
    ///
    /// # Errors
    /// As [`Row::int`].
    pub fn text(&self, column: &str) -> Result<String, StoreError> {
        match self.value(column)? {
            Value::Text(text) => Ok(text.clone()),
            other @ (Value::Null | Value::Int(_) | Value::Blob(_)) => Err(Self::wrong(column, "text", other)),
        }
    }

    /// Text or null.
    ///
    /// # Errors
    /// As [`Row::int`].
    pub fn opt_text(&self, column: &str) -> Result<Option<String>, StoreError> {
        match self.value(column)? {
            Value::Null => Ok(None),
            Value::Text(text) => Ok(Some(text.clone())),
            other @ (Value::Int(_) | Value::Blob(_)) => Err(Self::wrong(column, "text or NULL", other)),
        }
    }

    /// Bytes that are not null.
    ///
    /// # Errors
    /// As [`Row::int`].
    pub fn blob(&self, column: &str) -> Result<Vec<u8>, StoreError> {
        match self.value(column)? {
            Value::Blob(bytes) => Ok(bytes.clone()),
            other @ (Value::Null | Value::Int(_) | Value::Text(_)) => Err(Self::wrong(column, "bytes", other)),
        }
    }

    /// Bytes or null.
    ///
    /// # Errors
    /// As [`Row::int`].
    pub fn opt_blob(&self, column: &str) -> Result<Option<Vec<u8>>, StoreError> {
        match self.value(column)? {
            Value::Null => Ok(None),
            Value::Blob(bytes) => Ok(Some(bytes.clone())),
            other @ (Value::Int(_) | Value::Text(_)) => Err(Self::wrong(column, "bytes or NULL", other)),
        }
    }

    /// Exactly 32 bytes: a SHA-256.
    ///
    /// # Errors
    /// As [`Row::int`], and for another length.
    pub fn hash(&self, column: &str) -> Result<[u8; 32], StoreError> {
        let bytes = self.blob(column)?;
        <[u8; 32]>::try_from(bytes.as_slice()).map_err(|_| StoreError::Column {
            column: column.to_owned(),
            why: format!("32 bytes were expected and {} found", bytes.len()),
        })
    }
}

/// Parameters in the order `?1`, `?2`, ...: `params![campaign_id, host_id, seq]`.
macro_rules! params {
    ($($value:expr),* $(,)?) => {
        &[$($crate::store::Value::from($value)),*] as &[$crate::store::Value]
    };
}
pub(super) use params;
