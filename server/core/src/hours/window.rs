//! Hours of the week in which work may start.

use std::fmt;

use jiff::tz::TimeZone;

use super::turn::{DAY_MS, local_ms, since_ms, until_ms};

pub(super) const MINUTE_MS: i64 = 60_000;
pub(super) const DAY_MIN: u16 = 1440;
/// As files write them, Monday first.
pub(super) const DAYS: [&str; 7] = ["mon", "tue", "wed", "thu", "fri", "sat", "sun"];

/// On some days of the week, from one time of day to another. Shown as `mon-fri 22:00 to 05:00`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Window {
    /// On which days it begins, Monday first. At least one.
    pub(super) days: [bool; 7],
    /// When it begins, in minutes of its day: below 1440.
    pub(super) from_min: u16,
    /// How long it is on the clock, in minutes: 1 to 1440.
    pub(super) length_min: u16,
    /// Where its times are meant; `None`: where the host is.
    pub(super) zone: Option<TimeZone>,
}

impl Window {
    /// Whether it is open at an instant, on a host of that zone.
    #[must_use]
    pub fn is_open(&self, at_ms: i64, host: &TimeZone) -> bool {
        self.holds(local_ms(at_ms, self.zone_on(host)))
    }

    /// Until when it stays as it is, at the least.
    pub(super) fn until_ms(&self, at_ms: i64, host: &TimeZone) -> i64 {
        until_ms(at_ms, self.zone_on(host), |local_ms| {
            let (day, now) = (local_ms.div_euclid(DAY_MS), self.holds(local_ms));
            self.turns(day - 1..=day + 8)
                .filter(|turn_ms| *turn_ms > local_ms && self.holds(*turn_ms) != now)
                .min()
                // Every hour of the week: it never closes.
                .unwrap_or(i64::MAX)
        })
    }

    /// Since when it has been as it is, at the least.
    pub(super) fn since_ms(&self, at_ms: i64, host: &TimeZone) -> i64 {
        since_ms(at_ms, self.zone_on(host), |local_ms| {
            let (day, now) = (local_ms.div_euclid(DAY_MS), self.holds(local_ms));
            self.turns(day - 9..=day)
                .filter(|turn_ms| *turn_ms <= local_ms && self.holds(turn_ms.saturating_sub(1)) != now)
                .max()
                .unwrap_or(i64::MIN)
        })
    }

    fn zone_on<'a>(&'a self, host: &'a TimeZone) -> &'a TimeZone {
        self.zone.as_ref().unwrap_or(host)
    }

    /// Whether the clock shows one of its times: of the window that began on this day, or of yesterday's.
    fn holds(&self, local_ms: i64) -> bool {
        let today = local_ms.div_euclid(DAY_MS);
        [today, today - 1].into_iter().any(|day| {
            let [begins, ends] = self.bounds(day);
            self.begins_on(day) && begins <= local_ms && local_ms < ends
        })
    }

    /// Days are counted from 1970-01-01, a Thursday.
    fn begins_on(&self, day: i64) -> bool {
        usize::try_from((day + 3).rem_euclid(7)).is_ok_and(|weekday| self.days[weekday])
    }

    fn bounds(&self, day: i64) -> [i64; 2] {
        let begins = day
            .saturating_mul(DAY_MS)
            .saturating_add(i64::from(self.from_min) * MINUTE_MS);
        [begins, begins.saturating_add(i64::from(self.length_min) * MINUTE_MS)]
    }

    /// All wall-clock times at which it may open or close on some days.
    fn turns(&self, days: std::ops::RangeInclusive<i64>) -> impl Iterator<Item = i64> {
        days.flat_map(|day| self.bounds(day))
    }
}

impl fmt::Display for Window {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut day = 0;
        let mut separator = "";
        while day < 7 {
            if !self.days[day] {
                day += 1;
                continue;
            }
            let past = (day..7).find(|it| !self.days[*it]).unwrap_or(7);
            let (first, last) = (DAYS[day], DAYS[past - 1]);
            match past - day {
                1 => write!(f, "{separator}{first}")?,
                2 => write!(f, "{separator}{first}, {last}")?,
                _ => write!(f, "{separator}{first}-{last}")?,
            }
            separator = ", ";
            day = past;
        }
        let end_min = self.from_min + self.length_min;
        let to_min = if end_min > DAY_MIN { end_min - DAY_MIN } else { end_min };
        let clock = |minutes: u16| format!("{:02}:{:02}", minutes / 60, minutes % 60);
        write!(f, " {} to {}", clock(self.from_min), clock(to_min))?;
        match self.zone.as_ref().and_then(TimeZone::iana_name) {
            Some(name) => write!(f, " {name}"),
            None => Ok(()),
        }
    }
}
