//! Time as a session has it: a monotonic clock, and what the server said last.

use std::time::Duration;

use super::backoff::Jitter;

/// A reading of a monotonic clock, in milliseconds from any start.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Ticks(pub u64);

impl Ticks {
    /// This much later.
    #[must_use]
    pub fn after(self, wait: Duration) -> Self {
        Self(self.0.saturating_add(millis(wait)))
    }

    /// How long ago `earlier` was; zero when it lies ahead.
    #[must_use]
    pub const fn since(self, earlier: Self) -> Duration {
        Duration::from_millis(self.0.saturating_sub(earlier.0))
    }
}

/// Trusted time: the last server time plus what the monotonic clock counted since. Before the first reply it is the
/// host's own clock, which decides no deadline: an order comes only with a reply.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TrustedTime {
    at_ms: i64,
    at: Ticks,
    from_server: bool,
}

impl TrustedTime {
    /// At start: the host's clock, milliseconds since the epoch.
    #[must_use]
    pub const fn from_host(host_ms: i64, now: Ticks) -> Self {
        Self {
            at_ms: host_ms,
            at: now,
            from_server: false,
        }
    }

    /// From a reply: the server's clock, milliseconds since the epoch.
    #[must_use]
    pub const fn from_server(server_ms: i64, now: Ticks) -> Self {
        Self {
            at_ms: server_ms,
            at: now,
            from_server: true,
        }
    }

    /// Milliseconds since the epoch.
    #[must_use]
    pub fn now_ms(&self, now: Ticks) -> i64 {
        self.at_ms
            .saturating_add(i64::try_from(millis(now.since(self.at))).unwrap_or(i64::MAX))
    }

    /// Whether a server's time is behind it.
    #[must_use]
    pub const fn is_from_server(&self) -> bool {
        self.from_server
    }

    /// The reading of the monotonic clock at which trusted time will be `at_ms`; the present where that is past.
    #[must_use]
    pub fn ticks_at(&self, at_ms: i64, now: Ticks) -> Ticks {
        let ahead = at_ms.saturating_sub(self.now_ms(now));
        now.after(Duration::from_millis(u64::try_from(ahead).unwrap_or(0)))
    }
}

/// A wait of this length, a fifth more or less.
pub(super) fn spread_around(wait: Duration, jitter: &mut Jitter) -> Duration {
    jitter.between(wait - wait / 5, wait + wait / 5)
}

fn millis(duration: Duration) -> u64 {
    u64::try_from(duration.as_millis()).unwrap_or(u64::MAX)
}
