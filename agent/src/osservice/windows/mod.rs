//! The agent as a service of Windows: the service control manager starts and ends it, the Application log keeps what
//! matters, named pipes are the local channels.
//!
//! What calls into Windows without a safe crate in between lies in `peer`, `events` and `pipe`, each call with what makes it
//! sound.

mod control;
mod events;
mod other;
mod peer;
mod pipe;
mod service;
mod uninstall;

pub use control::{SERVICE, SetUp, make_room, refuse_strangers, set_up};
pub use events::{EventLog, tell_error};
pub use other::work_as;
pub use pipe::{Channel, ask_as_user, ask_status, serve_users};
pub use service::{Manager, run_as_service};
pub use uninstall::{LEFT, runs_from_elsewhere, uninstall};
