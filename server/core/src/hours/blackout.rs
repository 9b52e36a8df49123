//! Days on which no work may start.

use std::fmt;

use jiff::{civil::Date, tz::TimeZone};

use super::turn::{DAY_MS, local_ms, since_ms, until_ms};

/// A time in which no work starts, whatever the windows say.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Blackout {
    /// What people call it, such as `year-end close`.
    pub name: String,
    /// Why, for who must wait. May be empty.
    pub why: String,
    /// When.
    pub span: Span,
}

/// When a [`Blackout`] holds. Shown as a file would spell it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Span {
    /// Whole days, first and last, by the calendar on the wall of each host.
    Days {
        /// The first.
        from: Date,
        /// The last; it belongs to the blackout.
        to: Date,
    },
    /// The same time everywhere.
    Instants {
        /// Its first instant.
        from_ms: i64,
        /// Where it is over; that instant no longer belongs to it.
        to_ms: i64,
    },
}

impl Blackout {
    /// Whether it holds at an instant, on a host of that zone.
    #[must_use]
    pub fn holds(&self, at_ms: i64, host: &TimeZone) -> bool {
        match self.span {
            Span::Days { from, to } => {
                let [first_ms, past_ms] = bounds_ms(from, to);
                (first_ms..past_ms).contains(&local_ms(at_ms, host))
            }
            Span::Instants { from_ms, to_ms } => (from_ms..to_ms).contains(&at_ms),
        }
    }

    /// Until when it stays as it is, at the least.
    pub(super) fn until_ms(&self, at_ms: i64, host: &TimeZone) -> i64 {
        let next = |at_ms: i64, turns: [i64; 2]| turns.into_iter().find(|turn_ms| *turn_ms > at_ms).unwrap_or(i64::MAX);
        match self.span {
            Span::Days { from, to } => until_ms(at_ms, host, |local_ms| next(local_ms, bounds_ms(from, to))),
            Span::Instants { from_ms, to_ms } => next(at_ms, [from_ms, to_ms]),
        }
    }

    /// Since when it has been as it is, at the least.
    pub(super) fn since_ms(&self, at_ms: i64, host: &TimeZone) -> i64 {
        let last = |at_ms: i64, [first_ms, past_ms]: [i64; 2]| {
            [past_ms, first_ms]
                .into_iter()
                .find(|turn_ms| *turn_ms <= at_ms)
                .unwrap_or(i64::MIN)
        };
        match self.span {
            Span::Days { from, to } => since_ms(at_ms, host, |local_ms| last(local_ms, bounds_ms(from, to))),
            Span::Instants { from_ms, to_ms } => last(at_ms, [from_ms, to_ms]),
        }
    }
}

/// In wall-clock time: when the first day begins, and when the last is over.
fn bounds_ms(from: Date, to: Date) -> [i64; 2] {
    let day = |date: Date| date.duration_since(Date::constant(1970, 1, 1)).as_hours() / 24;
    [day(from) * DAY_MS, (day(to) + 1) * DAY_MS]
}

impl fmt::Display for Span {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Days { from, to } if from == to => write!(f, "{from}"),
            Self::Days { from, to } => write!(f, "{from} to {to}"),
            Self::Instants { from_ms, to_ms } => {
                let utc = crate::campaign::zone::utc;
                write!(f, "{} to {}", utc(*from_ms), utc(*to_ms))
            }
        }
    }
}
