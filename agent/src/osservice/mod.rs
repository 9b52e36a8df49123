//! The agent as a service of its system: what starts and ends it, the local channels over which `status` asks it and users
//! put a restart off, and what the service manager is told (readiness, status, signs of life).
//!
//! systemd and whatever else speaks its protocol here; `windows` is the service of Windows, `launchd` the daemon of macOS.

#[cfg(unix)]
mod channel;
#[cfg(target_os = "linux")]
mod departure;
#[cfg(unix)]
mod heart;
#[cfg(target_os = "linux")]
mod installed;
// Its paths alone are macOS's, so it is tested on every Unix.
#[cfg(unix)]
pub mod launchd;
mod leaving;
#[cfg(unix)]
mod logins;
#[cfg(unix)]
mod notify;
#[cfg(unix)]
mod signals;
#[cfg(unix)]
mod supervisor;
mod talk;
#[cfg(target_os = "linux")]
mod uninstall;
#[cfg(unix)]
mod user_channel;
mod user_talk;
#[cfg(windows)]
pub mod windows;

#[cfg(unix)]
pub use channel::{Channel, ask_status};
#[cfg(target_os = "linux")]
pub use departure::{can_leave, take_leave};
#[cfg(unix)]
pub use heart::Heart;
#[cfg(target_os = "linux")]
pub use installed::{LEFT, PROGRAM, UNIT, installed};
#[cfg(target_os = "macos")]
pub use launchd::{LEFT, runs_from_elsewhere, uninstall};
pub use leaving::{Leaving, Manner, Stays};
#[cfg(unix)]
pub use logins::LOGINS;
#[cfg(unix)]
pub use notify::Notifier;
#[cfg(unix)]
pub use signals::until_told_to_end;
#[cfg(unix)]
pub use supervisor::Manager;
pub use talk::ChannelError;
#[cfg(target_os = "linux")]
pub use uninstall::{runs_from_elsewhere, uninstall};
#[cfg(unix)]
pub use user_channel::{ask_as_user, serve_users};
pub use user_talk::{UserAnswer, UserQuestion};
#[cfg(windows)]
pub use windows::{Channel, LEFT, Manager, ask_as_user, ask_status, runs_from_elsewhere, uninstall};

/// The target of log events that tell of the agent's life: its start, its end, its enrolment. Where the system keeps a log
/// for what matters alone they go there too.
pub const LIFE: &str = "cutover_agent::life";

#[cfg(all(test, unix))]
mod tests;
