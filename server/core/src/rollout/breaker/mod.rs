//! What halts a wave, and how it goes on.

mod cause;

#[cfg(test)]
mod tests;

pub use cause::{Cause, breach};

use serde::{Deserialize, Serialize};

use super::{Gate, Left, Tally};
use crate::plan::{Owner, Personal};

/// The breaker of one wave. Each reset begins a new round, and only what hosts come to in the present round counts.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Breaker {
    /// The present round; the first is 0.
    pub round: u32,
    /// What it lets through.
    pub state: BreakerState,
}

/// What a breaker lets through.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(tag = "state", rename_all = "kebab-case")]
pub enum BreakerState {
    /// Everything.
    #[default]
    Working,
    /// Nothing.
    Tripped(Trip),
    /// A few hosts, to see whether the cause is gone.
    HalfOpen(HalfOpen),
}

/// Why nothing gets through.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Trip {
    /// Why.
    pub cause: Cause,
    /// Who must act.
    pub owner: Owner,
    /// Since when.
    pub at_ms: i64,
}

/// A reset that lets a few hosts through.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct HalfOpen {
    /// How many.
    pub allowed: u32,
    /// Why the one who reset it thinks that the cause is gone.
    pub reason: Personal,
    /// Who that was.
    pub by: Personal,
    /// When.
    pub at_ms: i64,
}

/// Why a reset is refused.
#[derive(Debug, Clone, Copy, PartialEq, Eq, thiserror::Error)]
pub enum ResetRefused {
    /// There is nothing to reset.
    #[error("the wave's breaker has not tripped; there is nothing to reset")]
    NotTripped,
    /// Nobody says why it may go on.
    #[error("a reset needs a reason: say what the cause was and why it is gone")]
    NoReason,
    /// Nobody would find out whether the cause is gone.
    #[error("a reset lets at least 1 host through, to see whether the cause is gone; {FEW} if unsure")]
    NoHosts,
}

/// How many hosts a reset lets through if nobody says otherwise.
pub const FEW: u32 = 5;

impl Breaker {
    /// The breaker after what its wave came to in the present round, where that turns it. `under_way` of the tally counts
    /// from when an order is issued, in the same transaction: [`room`](Self::room) relies on it.
    #[must_use]
    pub fn judged(&self, gate: Option<&Gate>, tally: &Tally, left: Left, now_ms: i64) -> Option<Self> {
        match &self.state {
            BreakerState::Tripped(_) => None,
            BreakerState::Working => Some(self.tripped(breach(gate, tally, left)?, now_ms)),
            BreakerState::HalfOpen(_) if tally.against() > 0 => {
                let cause = Cause::HalfOpen {
                    failed: tally.failed.saturating_add(tally.unfit),
                    gone: tally.gone(),
                };
                Some(self.tripped(cause, now_ms))
            }
            BreakerState::HalfOpen(half) => {
                let is_last = tally.under_way == 0 && left.untried == 0 && tally.succeeded > 0;
                (tally.succeeded >= half.allowed || is_last).then_some(Self {
                    round: self.round,
                    state: BreakerState::Working,
                })
            }
        }
    }

    /// How many more hosts may start; [`u32::MAX`] where it sets no limit. `tally` is of the present round.
    #[must_use]
    pub const fn room(&self, tally: &Tally) -> u32 {
        match &self.state {
            BreakerState::Working => u32::MAX,
            BreakerState::Tripped(_) => 0,
            BreakerState::HalfOpen(_) if tally.against() > 0 => 0,
            BreakerState::HalfOpen(half) => half.allowed.saturating_sub(tally.begun()),
        }
    }

    /// The breaker after a reset: half open, in a new round. `said` is the reason in plain words, `reason` what stands for
    /// it.
    ///
    /// # Errors
    /// When it has not tripped, nobody says why, or no host is let through.
    pub fn reset(
        &self,
        said: &str,
        reason: Personal,
        by: Personal,
        allowed: u32,
        now_ms: i64,
    ) -> Result<Self, ResetRefused> {
        if !matches!(self.state, BreakerState::Tripped(_)) {
            return Err(ResetRefused::NotTripped);
        }
        if said.trim().is_empty() {
            return Err(ResetRefused::NoReason);
        }
        if allowed == 0 {
            return Err(ResetRefused::NoHosts);
        }
        Ok(Self {
            round: self.round.saturating_add(1),
            state: BreakerState::HalfOpen(HalfOpen {
                allowed,
                reason,
                by,
                at_ms: now_ms,
            }),
        })
    }

    /// The breaker after it tripped.
    #[must_use]
    pub fn tripped(&self, cause: Cause, now_ms: i64) -> Self {
        Self {
            round: self.round,
            state: BreakerState::Tripped(Trip {
                owner: cause.owner(),
                cause,
                at_ms: now_ms,
            }),
        }
    }
}
