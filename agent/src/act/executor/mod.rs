//! Runs one work order to its end, also across restarts of the agent.
//!
//! ```text
//! run ----> admit --refused--> record, end
//!             |taken on
//! resume --> drive: what does the journal say comes next?
//!             |-- begin a step: (check-in fresh?) look, journal, hands, look, journal
//!             |-- take up a step: wait for its tool, then by its kind: again, by a look, or interrupted
//!             `-- the order's end: journal
//! ```

mod admit;
mod deferral;
mod drive;
mod judge;
mod perform;
mod records;
mod restart;
mod resumed;
mod secrets;
mod services;
mod set_up;
mod waits;

// Over a planted root of a Linux system.
#[cfg(test)]
#[cfg(unix)]
mod tests;

pub use deferral::{DeferRefused, Deferral, RestartState, defer, restart_state};
pub use drive::{End, ExecuteError, Executor, Parts};
