//! Real programs: run to their end within a limit, or started, watched and killed.

mod finished;
mod port;
mod running;
mod tool;

pub use finished::{Finished, run};
pub use port::free_port;
pub use running::Running;
pub use tool::{find, tool};
