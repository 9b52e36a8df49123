//! The agent as a daemon of macOS's launchd. It tells launchd nothing while it runs: launchd knows no readiness and no
//! signs of life, it sees the process end and how. So what is here is about the beginning and the end: who started the
//! agent, the file that launchd lets it write its log to, and how it leaves the machine.
//!
//! Nothing in it is macOS's alone but the paths, so its tests run on every Unix.

mod log_file;
#[cfg(test)]
mod tests;
mod uninstall;

pub use log_file::shorten;
pub use uninstall::{LEFT, Places, leave};
#[cfg(target_os = "macos")]
pub use uninstall::{runs_from_elsewhere, uninstall};

/// The daemon's label.
pub const LABEL: &str = "org.cutover.agent";
/// Where launchd lets the agent write, as the daemon's property list says.
pub const LOG: &str = "/Library/Logs/Cutover/agent.log";

/// By this variable launchd tells a process which of its jobs it is.
const JOB: &str = "XPC_SERVICE_NAME";

/// Whether launchd started this process as the daemon.
#[must_use]
pub fn is_daemon() -> bool {
    std::env::var_os(JOB).is_some_and(|job| job == LABEL)
}
