//! Time as the executor needs it. The edge implements it; tests are virtual.

use std::time::Duration;

/// Trusted time, and waiting.
pub trait Clock: Send + Sync {
    /// Trusted time in milliseconds since the epoch: the last server time plus the monotonic clock since. It may jump
    /// when a check-in corrects it.
    fn now_ms(&self) -> i64;

    /// A monotonic clock in milliseconds, from any start. Waits count by it.
    fn ticks_ms(&self) -> u64;

    /// Waits at most this long; may return earlier.
    fn wait(&self, at_most: Duration);
}
