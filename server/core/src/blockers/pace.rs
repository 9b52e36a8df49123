//! How fast hosts are done, and what so many more of them are worth in time.

use std::collections::BTreeMap;

use jiff::{
    Timestamp,
    civil::{Date, Weekday},
    tz::TimeZone,
};

use crate::campaign::zone::zone;

/// So many whole working days before today tell the pace.
pub const WORKING_DAYS: u32 = 10;

/// With fewer hosts done in them nothing is said of a pace.
pub const LEAST: u64 = 5;

/// How fast hosts were done.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Pace {
    /// So many were done,
    pub hosts: u64,
    /// in so many whole working days; weekends' hosts count with them.
    pub working_days: u32,
}

impl Pace {
    /// Of the last whole working days before `today`, no further back than the first day on which a host was done.
    #[must_use]
    pub fn of(done: &BTreeMap<Date, u64>, today: Date) -> Self {
        let Some((first, _)) = done.iter().find(|(_, hosts)| **hosts > 0) else {
            return Self::default();
        };
        let mut pace = Self::default();
        let mut day = today;
        while pace.working_days < WORKING_DAYS {
            let Ok(before) = day.yesterday() else { break };
            if before < *first {
                break;
            }
            day = before;
            pace.hosts += done.get(&day).copied().unwrap_or_default();
            pace.working_days += u32::from(is_working_day(day));
        }
        pace
    }

    /// Whether anything can be said by it.
    #[must_use]
    pub const fn is_known(&self) -> bool {
        self.hosts >= LEAST && self.working_days > 0
    }

    /// The working days, in tenths, rounded up, that so many more hosts take at this pace: by so much the end comes later at the
    /// most where they are mended only when all others are done. `None` where the pace is not known.
    #[must_use]
    pub fn tenths_for(&self, hosts: u64) -> Option<u64> {
        if !self.is_known() {
            return None;
        }
        let tenths = u128::from(hosts) * u128::from(self.working_days) * 10;
        u64::try_from(tenths.div_ceil(u128::from(self.hosts))).ok()
    }

    /// For people.
    #[must_use]
    pub fn text(&self) -> String {
        let (hosts, days) = (self.hosts, self.working_days);
        if self.is_known() {
            return format!("{hosts} hosts were done in the last {days} whole working days");
        }
        format!(
            "the pace is not known: {hosts} hosts were done in {days} whole working days, and it takes {LEAST} to tell"
        )
    }
}

fn is_working_day(day: Date) -> bool {
    !matches!(day.weekday(), Weekday::Saturday | Weekday::Sunday)
}

/// The day of an instant in a campaign's zone.
#[must_use]
pub fn day_of(at_ms: i64, time_zone: &str) -> Date {
    let zone = zone(time_zone).unwrap_or(TimeZone::UTC);
    let at = Timestamp::from_millisecond(at_ms).unwrap_or(if at_ms < 0 { Timestamp::MIN } else { Timestamp::MAX });
    at.to_zoned(zone).date()
}
