//! Instants in files and on command lines: a time with an offset or a zone. A bare date is refused.

use jiff::{Timestamp, Zoned};

/// Why a value names no instant.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum NotAnInstant {
    /// A date, or a date and a time, without an offset. Holds what could stand there instead.
    #[error("a date alone is another instant in every zone; write it with a time and an offset, such as {0}")]
    Bare(String),
    /// Something else.
    #[error("it is no instant; write one with its offset, such as 2027-01-31T00:00:00Z")]
    Unreadable,
}

/// Reads text as milliseconds since the epoch.
///
/// # Errors
/// When it is a bare date or no instant at all, with what to write instead.
pub fn instant_ms(text: &str) -> Result<i64, NotAnInstant> {
    parse(&toml::Value::String(text.to_owned()))
}

/// Reads a TOML date-time or text as milliseconds since the epoch.
pub(super) fn parse(value: &toml::Value) -> Result<i64, NotAnInstant> {
    let text = match value {
        toml::Value::String(text) => text.trim().to_owned(),
        toml::Value::Datetime(datetime) => datetime.to_string(),
        toml::Value::Integer(_)
        | toml::Value::Float(_)
        | toml::Value::Boolean(_)
        | toml::Value::Array(_)
        | toml::Value::Table(_) => return Err(NotAnInstant::Unreadable),
    };
    if let Ok(instant) = text.parse::<Timestamp>() {
        return Ok(instant.as_millisecond());
    }
    if let Ok(zoned) = text.parse::<Zoned>() {
        return Ok(zoned.timestamp().as_millisecond());
    }
    match text.parse::<jiff::civil::DateTime>() {
        Ok(civil) => Err(NotAnInstant::Bare(format!(
            "{}-04:00",
            civil.strftime("%Y-%m-%dT%H:%M:%S")
        ))),
        Err(_) => Err(NotAnInstant::Unreadable),
    }
}
