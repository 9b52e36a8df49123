//! The only place that reads a clock. Everything else is told the time.
//!
//! There are two of them. The campaign's drives plans, wakes and events, and a demo may run it faster; the real one
//! drives what the outside world judges: certificates, sessions, leases.

use std::{
    sync::{
        Arc,
        atomic::{AtomicI64, Ordering},
    },
    time::{Instant, SystemTime, UNIX_EPOCH},
};

/// Tells the time in milliseconds since the epoch. Cheap to clone; clones of a manual clock move together.
#[derive(Debug, Clone)]
pub struct Clock(Source);

#[derive(Debug, Clone)]
enum Source {
    System,
    Scaled { from: Instant, from_ms: i64, speed: f64 },
    Manual { now: Arc<AtomicI64>, speed: f64 },
}

impl Clock {
    /// The machine's clock.
    #[must_use]
    pub const fn system() -> Self {
        Self(Source::System)
    }

    /// Starts at `from_ms` and runs `speed` times as fast as the machine's.
    #[must_use]
    #[expect(clippy::disallowed_methods, reason = "the one place that reads a clock")]
    pub fn scaled(from_ms: i64, speed: f64) -> Self {
        Self(Source::Scaled {
            from: Instant::now(),
            from_ms,
            speed,
        })
    }

    /// Moves only when [`Clock::advance`] is called: tests and simulations.
    #[must_use]
    pub fn manual(from_ms: i64) -> Self {
        Self::manual_at_speed(from_ms, 1.0)
    }

    /// The same, for a world in which it is moved `speed` times as far as the clock that stands for the machine's.
    #[must_use]
    pub fn manual_at_speed(from_ms: i64, speed: f64) -> Self {
        let now = Arc::new(AtomicI64::new(from_ms));
        Self(Source::Manual { now, speed })
    }

    /// Now, in milliseconds since the epoch.
    #[must_use]
    #[expect(clippy::disallowed_methods, reason = "the one place that reads a clock")]
    #[expect(
        clippy::cast_possible_truncation,
        reason = "milliseconds of any running server fit 63 bits"
    )]
    pub fn now_ms(&self) -> i64 {
        match &self.0 {
            Source::System => SystemTime::now()
                .duration_since(UNIX_EPOCH)
                .map_or(0, |since| i64::try_from(since.as_millis()).unwrap_or(i64::MAX)),
            Source::Scaled { from, from_ms, speed } => from_ms + (from.elapsed().as_secs_f64() * speed * 1000.0) as i64,
            Source::Manual { now, .. } => now.load(Ordering::SeqCst),
        }
    }

    /// How much faster than the machine's it runs.
    #[must_use]
    pub const fn speed(&self) -> f64 {
        match &self.0 {
            Source::Scaled { speed, .. } | Source::Manual { speed, .. } => *speed,
            Source::System => 1.0,
        }
    }

    /// Moves a manual clock; does nothing to the others.
    pub fn advance(&self, by_ms: i64) {
        if let Source::Manual { now, .. } = &self.0 {
            now.fetch_add(by_ms, Ordering::SeqCst);
        }
    }
}
