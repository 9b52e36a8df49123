//! The loop's sign of life, for whoever watches over the process.

use std::time::Duration;

use super::status::AgentStatus;
use crate::session::Ticks;

/// Shows outside that the agent's loop turns, and how the agent stands. The loop itself calls it, so a loop that hangs
/// falls silent; steps of an order run on another thread and keep nothing up.
pub trait Pulse: Send {
    /// The loop turns at least this often.
    fn every(&self) -> Duration;

    /// The loop turned.
    fn beat(&mut self, status: &AgentStatus, now: Ticks);
}
