//! The agent's own program: which one runs, and how a release that the server signed takes its place.
//!
//! ```text
//!  reply: a signed release --> fetched by its hash --> asked for its version --> record: tried --> the agent ends
//!  service manager starts the installed program --> at_start --> goes on as the new one --> a check-in is answered
//!      --> record: in force                            \--> none is, in time or at all --> record: rolled back
//! ```
//!
//! Nothing of the installed package is touched: a package manager finds what it installed, and removing it removes all.

mod files;
mod life;
mod record;
mod trial;

pub(super) use life::{StageEnd, Updating};
pub use record::{Next, Staged, UpdateRecord};
pub use trial::Gate;

/// Set for a program that runs in place of the installed one: the hash that it was started for. Not `CUTOVER_AGENT_…`, which
/// are keys of the configuration.
pub const STARTED_FOR: &str = "CUTOVER_STARTED_FOR";
