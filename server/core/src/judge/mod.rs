//! What an inventory means to a campaign: the table from verdicts to a condition, the replacement, and what blocks.

mod assess;
mod assessment;

#[cfg(test)]
mod tests;

pub use assess::assess;
pub use assessment::{
    Assessment, Blocker, Condition, Distance, Leftover, ReplacementSeen, ReplacementState, TargetSeen, UnknownLook,
};
