//! The headline figures.

use super::Totals;
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
    /// Unknown, of all that are expected or enrolled and not outside the duty.
    pub unknown: Share,
}

impl Share {
    /// Whole percent. 100 is given only when the part is the whole, 0 only when there is none; `None` of nothing.
    #[must_use]
    pub fn percent(&self) -> Option<u8> {
        todo!()
    }
}

impl Headline {
    /// Computes them.
    #[must_use]
    pub fn of(totals: &Totals, now_ms: i64, campaign: &Campaign) -> Self {
        todo!("{totals:?} {now_ms} {campaign:?}")
    }
}
