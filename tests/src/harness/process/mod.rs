//! Real programs: run to their end within a limit, or started, watched and killed.

mod finished;
mod port;
mod running;
mod tool;

pub use finished::{Finished, run};
pub use port::free_port;
pub use running::Running;
pub(in crate::harness) use running::only_child_of;
pub use tool::{find, tool};
