//! Ties the parts together: one loop per enrolled host, over a view of it, hands on it, and a link to its server.
//!
//! ```text
//! Agent::start --> loop: session says what is due
//!                    check-in   a task over the link
//!                    look       a blocking thread (spawn_blocking)
//!                    order      a thread of its own, over the journal
//!                    Watch      a task; package databases: a task
//!                  each ends as an Input to the loop; nothing else touches the session
//! ```
//!
//! There is no global state: the service runs one agent on a single thread, the demo many in one process.

mod addresses;
mod agent;
mod announced;
mod answers;
mod clock;
mod fetching;
mod footprint;
mod leaving;
mod life;
mod looking;
mod notices;
mod nudges;
mod orders;
mod packages;
mod parts;
mod pending;
mod polite;
mod pulse;
mod renewing;
mod sealing;
mod splitting;
mod state_dir;
mod status;
mod steering;
mod updating;
mod utc;

pub use agent::{Agent, Handle, LoopEnd};
pub use announced::{StartDeferral, StartRefused, StartState};
pub use clock::HostClock;
pub use footprint::{Footprint, Limits};
pub use parts::{MakeHands, Parts, StartError};
pub use pending::{PendingEnrolment, PendingError};
pub use pulse::Pulse;
pub use sealing::SealError;
pub use state_dir::{IdentityChangeError, StateDir};
pub use status::{AgentStatus, JournalStatus, OrderStatus, RestartStatus};
pub use updating::{Gate, Next, STARTED_FOR, Staged, UpdateRecord};
pub use utc::utc;
