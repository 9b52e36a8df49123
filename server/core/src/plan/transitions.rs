//! Which phase may follow which.

use super::Phase;

/// Every move that an event may make: from, and where to.
pub const TRANSITIONS: &[(Phase, &[Phase])] = &[];

/// Whether a plan may move so.
#[must_use]
pub fn is_legal(from: Phase, to: Phase) -> bool {
    TRANSITIONS.iter().any(|(at, next)| *at == from && next.contains(&to))
}
