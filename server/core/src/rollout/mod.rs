//! Who starts next in a wave: the rows at the head of the queue, counters, and limits. Never the whole fleet. And what its
//! hosts came to: whether that is good enough for the next wave, and what halts it.

mod breaker;
mod choose;
mod course;
mod gate;
mod group;
mod groups;
mod line;
mod ready;
mod release;
mod tally;

#[cfg(test)]
mod drain_tests;
#[cfg(test)]
mod leave_tests;
#[cfg(test)]
mod line_tests;
#[cfg(test)]
mod tests;

pub use breaker::{Breaker, BreakerState, Cause, FEW, HalfOpen, ResetRefused, Trip, breach};
pub use choose::{Candidate, Chosen, WaveState, choose};
pub use course::{GateCourse, Gates, Turned, may_start, openings, turned};
pub(crate) use gate::check_address;
pub use gate::{
    ExternalAnswer, ExternalAsked, ExternalGate, Gate, GateFacts, GateInFile, GateVerdict, NotYet, Rate, Success,
};
pub(crate) use group::is_first_place;
pub use group::{
    ApprovalCause, Breakers, GroupState, IN_FLIGHT, RunState, Slot, Starts, Waves, answers_at, approval_cause,
    first_place, slots, soaked,
};
pub use groups::Groups;
pub use line::{Fetches, LineUse, LineWait, Lines, bytes_of, is_limited};
pub(crate) use ready::open_after_ms;
pub use ready::ready_at_ms;
pub use release::{ReleasePace, ReleaseTally, may_be_offered};
pub use tally::{Left, Outcome, Tally};
