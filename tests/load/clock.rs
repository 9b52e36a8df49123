//! The one place of the load program that reads a clock.

use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

/// Real time since a moment.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Stopwatch(Instant);

impl Stopwatch {
    /// Begins.
    #[expect(clippy::disallowed_methods, reason = "what is measured here is real time")]
    pub(crate) fn start() -> Self {
        Self(Instant::now())
    }

    /// Since it began.
    pub(crate) fn elapsed(self) -> Duration {
        self.0.elapsed()
    }
}

/// Milliseconds since the epoch.
#[expect(clippy::disallowed_methods, reason = "inventories carry the host's own time")]
pub(crate) fn now_ms() -> i64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    i64::try_from(since.as_millis()).unwrap_or(i64::MAX)
}
