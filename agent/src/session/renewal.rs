//! When to ask for a new certificate.

use std::time::Duration;

use super::{
    backoff::{Backoff, Jitter},
    ticks::{Ticks, TrustedTime},
};

/// The longest wait between two tries.
const RETRY_CAP: Duration = Duration::from_secs(3600);
/// A renewal that had to wait is looked at again after so long.
const POSTPONED: Duration = Duration::from_secs(60);

/// From when to when a certificate is good, in milliseconds since the epoch.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Validity {
    /// First instant.
    pub from_ms: i64,
    /// First instant after it.
    pub to_ms: i64,
}

impl Validity {
    /// When two thirds of its life are over.
    #[must_use]
    pub const fn renew_at_ms(self) -> i64 {
        let third = self.to_ms.saturating_sub(self.from_ms) / 3;
        self.to_ms.saturating_sub(third)
    }
}

/// The next renewal.
#[derive(Debug)]
pub(super) struct Renewal {
    validity: Validity,
    told: bool,
    under_way: bool,
    not_before: Option<Ticks>,
    backoff: Backoff,
}

impl Renewal {
    pub(super) fn new(validity: Validity) -> Self {
        Self {
            validity,
            told: false,
            under_way: false,
            not_before: None,
            backoff: Backoff::default(),
        }
    }

    pub(super) const fn validity(&self) -> Validity {
        self.validity
    }

    pub(super) const fn tell(&mut self) {
        self.told = true;
    }

    pub(super) fn poll(&self, trusted: &TrustedTime, now: Ticks) -> Option<Ticks> {
        if self.under_way {
            return None;
        }
        let due = if self.told {
            now
        } else {
            trusted.ticks_at(self.validity.renew_at_ms(), now)
        };
        Some(self.not_before.map_or(due, |not_before| due.max(not_before)))
    }

    pub(super) const fn begin(&mut self) {
        self.under_way = true;
    }

    pub(super) fn succeed(&mut self, validity: Validity, now: Ticks) {
        *self = Self::new(validity);
        // Where clocks disagree so much that the new one seems due too, this bounds how often it is asked for.
        self.not_before = Some(now.after(RETRY_CAP));
    }

    pub(super) fn postpone(&mut self, now: Ticks) {
        self.not_before = Some(now.after(POSTPONED));
    }

    pub(super) fn fail(&mut self, now: Ticks, jitter: &mut Jitter) {
        self.under_way = false;
        self.not_before = Some(now.after(self.backoff.fail(RETRY_CAP, jitter)));
    }
}
