//! The headline figures.

use super::{Standing, Totals, standing};
use crate::campaign::Campaign;

/// A part of a whole. Displays as `12 of 25 (48 %)`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Share {
    /// The part.
    pub part: i64,
    /// Of this.
    pub whole: i64,
}

/// What stands on top of every page and report.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Headline {
    /// Replaced, of hosts that ever carried it.
    pub replaced: Share,
    /// Unknown, of all that are expected or enrolled; what lies outside the duty is in neither figure.
    pub unknown: Share,
}

impl Share {
    /// Whole percent. 100 is given only when the part is the whole, 0 only when there is none; `None` of nothing.
    #[must_use]
    pub fn percent(&self) -> Option<u8> {
        if self.whole <= 0 {
            return None;
        }
        let part = self.part.clamp(0, self.whole);
        // In 128 bits: a hundred times a count does not overflow.
        let rounded = (i128::from(part) * 200 + i128::from(self.whole)) / (i128::from(self.whole) * 2);
        let honest = match rounded {
            0 if part > 0 => 1,
            100 if part < self.whole => 99,
            other => other,
        };
        u8::try_from(honest).ok()
    }
}

impl std::fmt::Display for Share {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self.percent() {
            Some(percent) => write!(f, "{} of {} ({percent} %)", self.part, self.whole),
            None => write!(f, "{} of {}", self.part, self.whole),
        }
    }
}

impl Headline {
    /// Computes them.
    #[must_use]
    pub fn of(totals: &Totals, now_ms: i64, campaign: &Campaign) -> Self {
        let mut it = Self {
            replaced: Share { part: 0, whole: 0 },
            unknown: Share { part: 0, whole: 0 },
        };
        for (bucket, hosts) in totals.iter() {
            it.count(standing(bucket, now_ms, campaign), bucket.carried, hosts);
        }
        for (bucket, assets) in totals.assets() {
            it.count(bucket.standing(now_ms, campaign), bucket.carried(), *assets);
        }
        it
    }

    fn count(&mut self, standing: Option<Standing>, carried: bool, count: i64) {
        let Some(standing) = standing else {
            return;
        };
        self.unknown.whole += count;
        if standing == Standing::Unknown {
            self.unknown.part += count;
        }
        if carried {
            self.replaced.whole += count;
            if standing == Standing::Compliant {
                self.replaced.part += count;
            }
        }
    }
}
