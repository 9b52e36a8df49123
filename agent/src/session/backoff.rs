//! Waits after failures, spread so that a fleet does not come back in one second.

use std::time::Duration;

/// The wait after the first failure.
const FIRST: Duration = Duration::from_secs(2);

/// A small generator for spreading waits (splitmix64, Steele and others 2014); seeded from the edge. Guards nothing.
#[derive(Debug, Clone)]
pub(super) struct Jitter(u64);

impl Jitter {
    pub(super) const fn new(seed: u64) -> Self {
        Self(seed)
    }

    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        mixed ^ (mixed >> 31)
    }

    /// A duration between `least` and `most`, both included.
    pub(super) fn between(&mut self, least: Duration, most: Duration) -> Duration {
        let span = u64::try_from(most.saturating_sub(least).as_millis()).unwrap_or(u64::MAX);
        least + Duration::from_millis(self.next() % span.saturating_add(1).max(1))
    }
}

/// Counts failures in a row and says how long to wait.
#[derive(Debug, Clone, Default)]
pub(super) struct Backoff {
    failures: u32,
}

impl Backoff {
    /// Failures since the last success.
    pub(super) const fn failures(&self) -> u32 {
        self.failures
    }

    pub(super) fn reset(&mut self) {
        self.failures = 0;
    }

    /// One more failure: twice the wait of the one before, at most `cap`, of which the second half is spread.
    pub(super) fn fail(&mut self, cap: Duration, jitter: &mut Jitter) -> Duration {
        let doubled = FIRST.saturating_mul(1 << self.failures.min(16));
        self.failures = self.failures.saturating_add(1);
        let whole = doubled.min(cap);
        jitter.between(whole / 2, whole)
    }
}
