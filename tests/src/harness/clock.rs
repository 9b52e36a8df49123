//! The one place of the harness that reads a clock: waiting for a condition, with a bound.

use std::time::{Duration, Instant};

use anyhow::{Result, bail};

/// How often a condition is looked at. Programs that start or end take tens of milliseconds.
const LOOK_EVERY: Duration = Duration::from_millis(20);

/// Waits until `look` answers with a value, and gives that value.
///
/// # Errors
/// The first error of `look`, or one that names `what` when `limit` has passed.
pub fn wait_for<T>(what: &str, limit: Duration, mut look: impl FnMut() -> Result<Option<T>>) -> Result<T> {
    #[expect(clippy::disallowed_methods, reason = "a bound on real programs is real time")]
    let begun = Instant::now();
    loop {
        if let Some(value) = look()? {
            return Ok(value);
        }
        if begun.elapsed() >= limit {
            bail!("gave up after {limit:?}: {what}");
        }
        std::thread::sleep(LOOK_EVERY);
    }
}

/// Waits until `look` is true.
///
/// # Errors
/// The first error of `look`, or one that names `what` when `limit` has passed.
pub fn wait_until(what: &str, limit: Duration, mut look: impl FnMut() -> Result<bool>) -> Result<()> {
    wait_for(what, limit, || Ok(look()?.then_some(())))
}
