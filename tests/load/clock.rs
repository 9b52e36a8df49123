//! The one place of the load program that reads a clock.

use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use anyhow::{Result, bail};

/// How often a condition is looked at. Programs start or end within tens of milliseconds.
const LOOK_EVERY: Duration = Duration::from_millis(20);

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

/// Waits until `look` answers with a value, and gives that value.
///
/// # Errors
/// The first error of `look`, or one that names `what` when `limit` has passed.
pub(crate) fn wait_for<T>(what: &str, limit: Duration, mut look: impl FnMut() -> Result<Option<T>>) -> Result<T> {
    let watch = Stopwatch::start();
    loop {
        if let Some(value) = look()? {
            return Ok(value);
        }
        if watch.elapsed() >= limit {
            bail!("gave up after {limit:?}: {what}");
        }
        std::thread::sleep(LOOK_EVERY);
    }
}
