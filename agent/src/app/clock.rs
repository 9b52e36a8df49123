//! The one place where the agent reads clocks.

use std::{
    sync::{Arc, Condvar, Mutex, PoisonError},
    time::{Duration, Instant, SystemTime, UNIX_EPOCH},
};

use crate::{
    act::Clock,
    session::{Ticks, TrustedTime},
};

/// The host's clocks, and trusted time over them.
#[derive(Debug)]
pub struct HostClock {
    started: Instant,
    trusted: Mutex<TrustedTime>,
    woken: Mutex<u64>,
    bell: Condvar,
}

impl HostClock {
    /// Starts counting; trusted time is the host's own until a server's is known.
    #[must_use]
    pub fn start() -> Arc<Self> {
        Arc::new(Self {
            started: instant(),
            trusted: Mutex::new(TrustedTime::from_host(host_ms(), Ticks(0))),
            woken: Mutex::new(0),
            bell: Condvar::new(),
        })
    }

    /// The host's own clock, in milliseconds since the epoch. Decides no deadline.
    #[must_use]
    pub fn host_ms() -> i64 {
        host_ms()
    }

    /// The monotonic clock. It stands still while the machine is suspended, so trusted time lags behind until the next
    /// check-in; orders come only with one.
    #[must_use]
    pub fn ticks(&self) -> Ticks {
        Ticks(u64::try_from(self.started.elapsed().as_millis()).unwrap_or(u64::MAX))
    }

    /// Goes by this time from here on, and wakes whoever waits: a check-in was answered.
    pub fn trust(&self, trusted: TrustedTime) {
        *self.trusted.lock().unwrap_or_else(PoisonError::into_inner) = trusted;
        *self.woken.lock().unwrap_or_else(PoisonError::into_inner) += 1;
        self.bell.notify_all();
    }
}

impl Clock for HostClock {
    fn now_ms(&self) -> i64 {
        let trusted = *self.trusted.lock().unwrap_or_else(PoisonError::into_inner);
        trusted.now_ms(self.ticks())
    }

    fn ticks_ms(&self) -> u64 {
        self.ticks().0
    }

    fn wait(&self, at_most: Duration) {
        let woken = self.woken.lock().unwrap_or_else(PoisonError::into_inner);
        let before = *woken;
        let rung = self.bell.wait_timeout_while(woken, at_most, |woken| *woken == before);
        drop(rung);
    }
}

#[expect(clippy::disallowed_methods, reason = "this is the place that reads the clock")]
fn instant() -> Instant {
    Instant::now()
}

#[expect(clippy::disallowed_methods, reason = "this is the place that reads the clock")]
fn host_ms() -> i64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    i64::try_from(since.as_millis()).unwrap_or(i64::MAX)
}
