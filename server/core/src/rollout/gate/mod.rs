//! What must hold of a wave before the next one opens.

mod address;
mod bound;
mod file;
mod rate;
mod verdict;

#[cfg(test)]
mod bound_tests;
#[cfg(test)]
mod tests;

use std::time::Duration;

pub(crate) use address::check as check_address;
pub(super) use bound::shows;
pub use file::GateInFile;
pub use rate::Rate;
pub use verdict::{ExternalAnswer, ExternalAsked, GateFacts, GateVerdict, NotYet};

/// What must hold. Failures and dark hosts beyond their limits also halt the wave itself: see
/// [`Breaker`](super::Breaker).
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Gate {
    /// So many hosts at least must have come to something, good or bad.
    pub least: u32,
    /// What must be shown to succeed.
    pub success: Option<Success>,
    /// More failed hosts than this break the wave; this many do not.
    pub most_failures: Option<u32>,
    /// More hosts than this that went dark or did not come back break the wave; this many do not.
    pub most_dark: Option<u32>,
    /// For how long the least sample must have been there. Zero: not at all.
    pub soak: Duration,
    /// Somebody with this role must approve.
    pub approval: Option<String>,
    /// Somebody outside must approve.
    pub external: Option<ExternalGate>,
}

/// A rate of success, and how sure one wants to be of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Success {
    /// So many of all succeed at least. Hosts that went dark or did not come back have not.
    pub rate: Rate,
    /// A wave in which fewer would succeed passes with the probability that is missing to the whole, at the most; however
    /// often it is asked.
    pub confidence: Rate,
}

/// Approval by another system, with a number there.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ExternalGate {
    /// Which, as people call it.
    pub name: String,
    /// It must answer within this time after it was asked.
    pub within: Duration,
    /// Where the server asks it; without one it looks for itself, or a person asks it.
    pub url: Option<String>,
}
