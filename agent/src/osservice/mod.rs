//! The agent as a service of its system: the signals that end it, the local channels over which `status` asks it and
//! users put a restart off, and what systemd is told (readiness, status, signs of life).
//!
//! What other service managers add has its place here too: the Windows service, launchd.

#[cfg(unix)]
mod channel;
#[cfg(unix)]
mod heart;
#[cfg(target_os = "linux")]
mod installed;
#[cfg(unix)]
mod logins;
#[cfg(unix)]
mod notify;
#[cfg(unix)]
mod signals;
#[cfg(target_os = "linux")]
mod uninstall;
#[cfg(unix)]
mod user_channel;

#[cfg(unix)]
pub use channel::{Channel, ChannelError, ask_status};
#[cfg(unix)]
pub use heart::Heart;
#[cfg(target_os = "linux")]
pub use installed::{LEFT, Manner, PROGRAM, UNIT, installed};
#[cfg(unix)]
pub use logins::LOGINS;
#[cfg(unix)]
pub use notify::Notifier;
#[cfg(unix)]
pub use signals::until_told_to_end;
#[cfg(target_os = "linux")]
pub use uninstall::{Leaving, Stays, runs_from_elsewhere, uninstall};
#[cfg(unix)]
pub use user_channel::{UserAnswer, UserQuestion, ask_as_user, serve_users};

#[cfg(all(test, unix))]
mod tests;
