//! What came of an order, and where that counts.

use serde::{Deserialize, Serialize};

use crate::rollout::Outcome;

/// Whether it is the first round, which goes without saying.
pub(crate) const fn is_first(round: &u32) -> bool {
    *round == 0
}

/// What came of an order of ours, and where that counts.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Tried {
    /// What.
    pub outcome: Outcome,
    /// In this wave: that of the host when the order was issued.
    pub wave: String,
    /// In this round of the wave's breaker.
    pub round: u32,
}
