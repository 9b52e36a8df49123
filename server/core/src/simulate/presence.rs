//! When a machine is there: on, and in reach of the server.

use cutover_proto::ids::HostId;
use serde::{Deserialize, Serialize};

use crate::mix::{mix, of_bytes};

const HOUR_MS: i64 = 3_600_000;
/// Hours of a week.
pub(crate) const WEEK: usize = 168;
/// How far ahead a machine is looked for: past any campaign.
const AHEAD_HOURS: i64 = 2 * 366 * 24;
/// How far back: further than a host may be silent without going stale, by default.
const BACK_HOURS: i64 = 15 * 24;

/// In which hours of the week a machine is there, Monday's first hour first, by the clock on its wall: in so many of a
/// hundred weeks.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum Habit {
    /// Always.
    Always,
    /// As these shares say.
    Hours(Box<[u8]>),
}

impl Habit {
    /// From eight to six on nine of ten working days: what is made up for workstations of which nothing is known.
    #[must_use]
    pub fn office() -> Self {
        let share = |hour: usize| {
            let (day, of_day) = (hour / 24, hour % 24);
            if day < 5 && (8..18).contains(&of_day) { 90 } else { 0 }
        };
        Self::Hours((0..WEEK).map(share).collect())
    }

    fn share(&self, hour: i64) -> u8 {
        match self {
            Self::Always => 100,
            Self::Hours(shares) => {
                // The first of January 1970 was a Thursday.
                let of_week = usize::try_from((hour + 72).rem_euclid(168)).unwrap_or_default();
                shares.get(of_week).copied().unwrap_or_default()
            }
        }
    }

    fn is_never(&self) -> bool {
        match self {
            Self::Always => false,
            Self::Hours(shares) => shares.iter().all(|share| *share == 0),
        }
    }
}

/// When one machine is there. Whether it comes on a day is drawn once for the whole day.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Presence {
    habit: Habit,
    /// Its clock is so far ahead of UTC. Changes of clocks are left out: habits are not that exact.
    offset_ms: i64,
    draw: u64,
    /// It is away until then, whatever its habit.
    away_until_ms: i64,
}

impl Presence {
    /// Of a host with a habit, in a zone so far ahead of UTC.
    #[must_use]
    pub fn new(host: HostId, habit: Habit, offset_ms: i64, seed: u64) -> Self {
        Self {
            habit,
            offset_ms,
            draw: mix(of_bytes(host.uuid().into_bytes()) ^ mix(seed)),
            away_until_ms: i64::MIN,
        }
    }

    /// It is away until then.
    #[must_use]
    pub fn away_until(mut self, until_ms: i64) -> Self {
        self.away_until_ms = until_ms;
        self
    }

    /// Of a machine that has been away: until when it stays so. What was away for long stays away for long: as likely as
    /// not as long again.
    #[must_use]
    pub fn still_away(self, since_ms: i64, now_ms: i64) -> Self {
        let away_ms = now_ms.saturating_sub(since_ms).max(0);
        // Half a part in 1024 at the ends, so that it neither returns at once nor never.
        let part = i64::try_from(mix(self.draw) % 1024).unwrap_or_default();
        let longer_ms = away_ms.saturating_mul(2 * part + 1) / (2 * (1024 - part) - 1);
        self.away_until(now_ms.saturating_add(longer_ms))
    }

    /// It goes away at an instant, and comes back not before another.
    pub(super) fn leave(&mut self, until_ms: i64) {
        self.away_until_ms = self.away_until_ms.max(until_ms);
    }

    /// Whether it is there.
    #[must_use]
    pub fn is_there(&self, at_ms: i64) -> bool {
        at_ms >= self.away_until_ms && self.is_on(self.hour(at_ms))
    }

    /// The first instant from `from_ms` on at which it is there; `None` where it does not come within two years.
    #[must_use]
    pub fn next_ms(&self, from_ms: i64) -> Option<i64> {
        let from_ms = from_ms.max(self.away_until_ms);
        let first = self.hour(from_ms);
        if self.is_on(first) {
            return Some(from_ms);
        }
        if self.habit.is_never() {
            return None;
        }
        let hour = (first + 1..first + AHEAD_HOURS).find(|hour| self.is_on(*hour))?;
        Some(hour * HOUR_MS - self.offset_ms)
    }

    /// When it was there last before or at an instant, but not before `known_ms`.
    #[must_use]
    pub fn last_ms(&self, at_ms: i64, known_ms: i64) -> i64 {
        if self.is_there(at_ms) {
            return at_ms;
        }
        let hour = self.hour(at_ms);
        let end_ms = |hour: i64| (hour + 1) * HOUR_MS - self.offset_ms - 1;
        let ends = (hour - BACK_HOURS..hour).rev();
        let last = ends
            .take_while(|hour| end_ms(*hour) > known_ms)
            .find(|hour| self.is_on(*hour) && end_ms(*hour) >= self.away_until_ms);
        last.map_or(known_ms, end_ms).max(known_ms)
    }

    const fn hour(&self, at_ms: i64) -> i64 {
        at_ms.saturating_add(self.offset_ms).div_euclid(HOUR_MS)
    }

    fn is_on(&self, hour: i64) -> bool {
        let day = hour.div_euclid(24);
        let drawn = mix(self.draw ^ day.cast_unsigned()) % 100;
        drawn < u64::from(self.habit.share(hour))
    }
}
