//! Who starts next in a wave: the rows at the head of the queue, counters, and limits. Never the whole fleet.

mod choose;
mod release;

#[cfg(test)]
mod tests;

pub use choose::{Candidate, Chosen, GroupState, WaveState, choose};
pub use release::{ReleasePace, ReleaseTally, may_be_offered};
