//! The agent as a service of its system: the signals that end it, and the local channel over which `status` asks it.
//!
//! What each system's service manager adds has its place here too: systemd's notifications and watchdog, the Windows
//! service, launchd.

#[cfg(unix)]
mod channel;
#[cfg(unix)]
mod signals;

#[cfg(unix)]
pub use channel::{ChannelError, ask_status, serve};
#[cfg(unix)]
pub use signals::until_told_to_end;

#[cfg(all(test, unix))]
mod tests;
