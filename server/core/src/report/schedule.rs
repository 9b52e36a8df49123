//! When a report is due.

use jiff::tz::TimeZone;

/// A cron expression in a zone.
#[derive(Debug, Clone)]
pub struct Schedule {
    cron: croner::Cron,
    zone: TimeZone,
    text: String,
}

/// One due instant.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Period {
    /// The instant in UTC, for example `2024-09-02T06:00:00Z`. Names the period in the store: each is made once.
    pub key: String,
    /// The same instant.
    pub at_ms: i64,
}

/// Why a schedule is refused.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ScheduleError {
    /// Not a cron expression.
    #[error("`{expression}` is no cron expression ({why}); write five fields, for example `0 6 * * MON`")]
    Cron {
        /// What was given.
        expression: String,
        /// What is wrong.
        why: String,
    },
    /// No such zone.
    #[error("`{zone}` is no time zone of the IANA database; write for example Europe/Berlin or UTC")]
    Zone {
        /// What was given.
        zone: String,
    },
}

impl Schedule {
    /// Reads it.
    ///
    /// # Errors
    /// When the expression or the zone is not known.
    pub fn parse(expression: &str, zone: &str) -> Result<Self, ScheduleError> {
        todo!("{expression} {zone}")
    }

    /// Periods due after `after_ms` and not after `now_ms`, in order, at most `limit`.
    #[must_use]
    pub fn due_periods(&self, after_ms: i64, now_ms: i64, limit: usize) -> Vec<Period> {
        todo!(
            "{:?} {:?} {} {after_ms} {now_ms} {limit}",
            self.cron,
            self.zone,
            self.text
        )
    }
}
