//! When a report is due.
//!
//! Where the clocks change, a report at a fixed time of day is due exactly once that day: at the first instant after the
//! gap where its time does not exist, and at the first of the two where it comes twice. One that recurs within the hour
//! (`*/15`) follows the clock: nothing is due in the gap, and the repeated hour is reported twice.

use croner::Cron;
use jiff::{Timestamp, tz::TimeZone};

use crate::campaign::zone::zone;

/// A cron expression in a zone.
#[derive(Debug, Clone)]
pub struct Schedule {
    cron: Cron,
    zone: TimeZone,
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
    /// Reads it. Five fields (minute, hour, day of month, month, day of week), or six with seconds first.
    ///
    /// # Errors
    /// When the expression or the zone is not known.
    pub fn parse(expression: &str, zone_name: &str) -> Result<Self, ScheduleError> {
        let cron = expression.parse::<Cron>().map_err(|why| ScheduleError::Cron {
            expression: expression.to_owned(),
            why: why.to_string(),
        })?;
        let zone = zone(zone_name).ok_or_else(|| ScheduleError::Zone {
            zone: zone_name.to_owned(),
        })?;
        Ok(Self { cron, zone })
    }

    /// Periods due after `after_ms` and not after `now_ms`, in order, at most `limit`.
    #[must_use]
    pub fn due_periods(&self, after_ms: i64, now_ms: i64, limit: usize) -> Vec<Period> {
        let mut periods = Vec::new();
        let mut at_ms = after_ms;
        while periods.len() < limit {
            match self.next_after(at_ms) {
                Some(period) if period.at_ms <= now_ms && period.at_ms > at_ms => {
                    at_ms = period.at_ms;
                    periods.push(period);
                }
                Some(_) | None => break,
            }
        }
        periods
    }

    /// The first period after an instant; `None` where the expression never comes true again.
    #[must_use]
    pub fn next_after(&self, after_ms: i64) -> Option<Period> {
        let after = Timestamp::from_millisecond(after_ms).ok()?.to_zoned(self.zone.clone());
        let at = self.cron.find_next_occurrence(&after, false).ok()?.timestamp();
        Some(Period {
            key: at.to_string(),
            at_ms: at.as_millisecond(),
        })
    }
}
