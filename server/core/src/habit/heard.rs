//! What is kept of one machine, and what follows from it.

use crate::simulate::Habit;

/// An hour, in milliseconds.
pub const HOUR_MS: i64 = 3_600_000;

/// Hours of a week. Monday's first hour is the first.
pub const WEEK: usize = 168;

/// The share of an hour of the week in which the machine was heard of every time.
const FULL: u8 = 240;

/// A week counts for a quarter of what is kept of its hours, so that a changed habit is followed within a few.
const MEMORY: u32 = 4;

/// So many hours must be counted before anything follows from them: two weeks.
const KNOWN_FROM: u32 = 2 * WEEK as u32;

/// Heard of in so many of a hundred weeks in each hour of the week: it is always there, restarts aside.
const ALWAYS: u8 = 90;

/// How often a machine was heard of in each hour of its week. Hours are counted since the epoch, by the clock on its wall; where
/// that is put forward or back one is left out or counted twice, and the habit stays where it was.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Heard {
    shares: [u8; WEEK],
    counted: u32,
    last_hour: i64,
}

impl Heard {
    /// Of a machine that is heard of for the first time.
    #[must_use]
    pub fn first(hour: i64) -> Self {
        let mut heard = Self {
            shares: [0; WEEK],
            counted: 0,
            last_hour: hour,
        };
        heard.count(hour, true);
        heard
    }

    /// As it was stored; `None` where that is nothing that was.
    #[must_use]
    pub fn from_parts(shares: &[u8], counted: i64, last_hour: i64) -> Option<Self> {
        let shares: [u8; WEEK] = shares.try_into().ok()?;
        Some(Self {
            shares: shares.map(|share| share.min(FULL)),
            counted: u32::try_from(counted).ok()?,
            last_hour,
        })
    }

    /// A share for each hour of the week, to be stored.
    #[must_use]
    pub const fn shares(&self) -> &[u8; WEEK] {
        &self.shares
    }

    /// How many hours were counted.
    #[must_use]
    pub const fn counted(&self) -> u32 {
        self.counted
    }

    /// The hour in which it was heard of last.
    #[must_use]
    pub const fn last_hour(&self) -> i64 {
        self.last_hour
    }

    /// It is heard of in an hour. Of those since it was last heard of it was not; `is_out` says in which ones nobody could be heard
    /// of, and these do not count. A longer absence counts as one week: it is an absence, and no habit. An hour that is not after
    /// the last one changes nothing.
    pub fn note(&mut self, hour: i64, is_out: impl Fn(i64) -> bool) {
        if hour <= self.last_hour {
            return;
        }
        let week = i64::try_from(WEEK).unwrap_or(i64::MAX);
        let from = self.last_hour.saturating_add(1).max(hour.saturating_sub(week));
        for missed in (from..hour).filter(|it| !is_out(*it)) {
            self.count(missed, false);
        }
        self.count(hour, true);
        self.last_hour = hour;
    }

    fn count(&mut self, hour: i64, is_heard: bool) {
        let weeks = self.counted / u32::try_from(WEEK).unwrap_or(u32::MAX);
        // The first weeks weigh alike; from then on each takes the same part.
        let part = u8::try_from((weeks + 1).min(MEMORY)).unwrap_or(u8::MAX);
        if let Some(share) = self.shares.get_mut(of_week(hour)) {
            *share = if is_heard {
                share.saturating_add((FULL - *share).div_ceil(part))
            } else {
                share.saturating_sub(share.div_ceil(part))
            };
        }
        self.counted = self.counted.saturating_add(1);
    }

    /// Whether two weeks are counted, so that something follows from them.
    #[must_use]
    pub const fn is_known(&self) -> bool {
        self.counted >= KNOWN_FROM
    }

    /// For how many whole days it was counted.
    #[must_use]
    pub const fn days(&self) -> u32 {
        self.counted / 24
    }

    /// In how many of a hundred weeks it is heard of, for each hour of the week.
    pub(super) fn percents(&self) -> [u8; WEEK] {
        self.shares
            .map(|share| u8::try_from(u16::from(share) * 100 / u16::from(FULL)).unwrap_or(100))
    }

    /// When it is likely there; `None` before it is known.
    #[must_use]
    pub fn habit(&self) -> Option<Habit> {
        let percents = self.percents();
        self.is_known().then(|| {
            if percents.iter().all(|percent| *percent >= ALWAYS) {
                Habit::Always
            } else {
                Habit::Hours(percents.into())
            }
        })
    }
}

/// Which hour of the week it is. The first of January 1970 was a Thursday.
fn of_week(hour: i64) -> usize {
    usize::try_from((hour + 72).rem_euclid(168)).unwrap_or_default()
}
