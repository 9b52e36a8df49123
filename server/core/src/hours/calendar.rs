//! Windows and blackouts together.

use jiff::tz::TimeZone;

use super::{Blackout, Window};

/// How far ahead, or back, an opening is looked for: two years. Windows repeat every week, so what does not open within it is
/// shut by blackouts, and a person must look at those.
pub const HORIZON_MS: i64 = 2 * 366 * 86_400_000;

/// Before 9999-12-30: the zone database goes no further, and arithmetic on instants far from the ends of `i64` is plain.
const END_MS: i64 = 253_402_000_000_000;

/// When work may start: in one of the windows, where there are any or there must be one, and in no blackout.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Calendar {
    /// None: every hour, unless there must be one.
    pub windows: Vec<Window>,
    /// None: every day.
    pub blackouts: Vec<Blackout>,
    /// Whether work may start in windows alone: without one, never.
    pub needs_window: bool,
}

/// Why no work may start.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Closed<'a> {
    /// A blackout holds: of several, the one that ends last.
    Blackout(&'a Blackout),
    /// No blackout, but none of the windows is open.
    Hours,
    /// There must be a window, and there is none.
    NoWindow,
}

impl Calendar {
    /// Whether work may start in windows alone, and there is none.
    #[must_use]
    pub const fn never_opens(&self) -> bool {
        self.needs_window && self.windows.is_empty()
    }

    /// Whether work may start at an instant on a host of that zone.
    #[must_use]
    pub fn is_open(&self, at_ms: i64, host: &TimeZone) -> bool {
        self.closed_by(at_ms, host).is_none()
    }

    /// What forbids the start of work at an instant; `None` where it may start.
    #[must_use]
    pub fn closed_by(&self, at_ms: i64, host: &TimeZone) -> Option<Closed<'_>> {
        if self.never_opens() {
            return Some(Closed::NoWindow);
        }
        let blackout = self
            .holding(at_ms, host)
            .max_by_key(|blackout| blackout.until_ms(at_ms, host));
        match blackout {
            Some(blackout) => Some(Closed::Blackout(blackout)),
            None if self.in_hours(at_ms, host) => None,
            None => Some(Closed::Hours),
        }
    }

    /// The first instant at or after `after_ms` at which work may start; `None` where there is none within
    /// [`HORIZON_MS`].
    #[must_use]
    pub fn next_open_ms(&self, after_ms: i64, host: &TimeZone) -> Option<i64> {
        let limit_ms = ahead_ms(after_ms);
        let mut at_ms = after_ms;
        while at_ms <= limit_ms {
            let shut_ms = self
                .holding(at_ms, host)
                .map(|blackout| blackout.until_ms(at_ms, host))
                .max();
            at_ms = match shut_ms {
                Some(until_ms) => until_ms,
                None if self.in_hours(at_ms, host) => return Some(at_ms),
                None => first(self.windows.iter().map(|window| window.until_ms(at_ms, host))),
            };
        }
        None
    }

    /// When the opening that holds at `at_ms` is over: the first instant after it at which no work may start. `None` where
    /// it is not open then, or stays open for longer than [`HORIZON_MS`].
    #[must_use]
    pub fn closes_ms(&self, at_ms: i64, host: &TimeZone) -> Option<i64> {
        if !self.is_open(at_ms, host) {
            return None;
        }
        let limit_ms = ahead_ms(at_ms);
        let mut at_ms = at_ms;
        while at_ms <= limit_ms {
            if !self.is_open(at_ms, host) {
                return Some(at_ms);
            }
            let open = self.windows.iter().filter(|window| window.is_open(at_ms, host));
            // One open window is enough, so the last of them counts; and one blackout is enough to shut them all.
            let hours_ms = open.map(|window| window.until_ms(at_ms, host)).max();
            let days_ms = first(self.blackouts.iter().map(|blackout| blackout.until_ms(at_ms, host)));
            at_ms = hours_ms.unwrap_or(i64::MAX).min(days_ms);
        }
        None
    }

    /// The latest safe start: the last instant at which work may start, and from which `needed_ms` of work are done by
    /// `before_ms`. Only its beginning must lie in the hours; the work may outlast the window, and even reach into a
    /// blackout, but not past the deadline. `None` where there is no such instant within [`HORIZON_MS`] before.
    ///
    /// It may lie in the past: whoever asks compares it with the time.
    #[must_use]
    pub fn latest_start_ms(&self, before_ms: i64, needed_ms: i64, host: &TimeZone) -> Option<i64> {
        let bound_ms = before_ms.saturating_sub(needed_ms).min(END_MS);
        let limit_ms = bound_ms.saturating_sub(HORIZON_MS).max(-END_MS);
        let mut at_ms = bound_ms;
        while at_ms >= limit_ms {
            let shut_ms = self
                .holding(at_ms, host)
                .map(|blackout| blackout.since_ms(at_ms, host))
                .min();
            let since_ms = match shut_ms {
                Some(since_ms) => since_ms,
                None if self.in_hours(at_ms, host) => return Some(at_ms),
                None => self
                    .windows
                    .iter()
                    .map(|window| window.since_ms(at_ms, host))
                    .max()
                    .unwrap_or(i64::MIN),
            };
            at_ms = since_ms.saturating_sub(1);
        }
        None
    }

    /// Whether work may start at any instant from `after_ms` on and before `before_ms`. Nothing beyond [`HORIZON_MS`]
    /// is looked at.
    #[must_use]
    pub fn opens_before(&self, after_ms: i64, before_ms: i64, host: &TimeZone) -> bool {
        self.next_open_ms(after_ms, host)
            .is_some_and(|open_ms| open_ms < before_ms)
    }

    fn holding(&self, at_ms: i64, host: &TimeZone) -> impl Iterator<Item = &Blackout> {
        self.blackouts
            .iter()
            .filter(move |blackout| blackout.holds(at_ms, host))
    }

    fn in_hours(&self, at_ms: i64, host: &TimeZone) -> bool {
        (self.windows.is_empty() && !self.needs_window) || self.windows.iter().any(|window| window.is_open(at_ms, host))
    }
}

/// How far is looked.
fn ahead_ms(from_ms: i64) -> i64 {
    from_ms.saturating_add(HORIZON_MS).min(END_MS)
}

fn first(turns_ms: impl Iterator<Item = i64>) -> i64 {
    turns_ms.min().unwrap_or(i64::MAX)
}
