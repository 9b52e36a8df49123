//! Where an agent has its settings, its state, and the channels over which it is spoken to, unless told otherwise.

use std::path::{Path, PathBuf};

#[cfg(windows)]
use super::known_folder;

/// Where the file is looked for, on systems that have one place for all.
#[cfg(unix)]
pub const DEFAULT_FILE: &str = if cfg!(target_os = "macos") {
    "/Library/Application Support/Cutover/agent.toml"
} else {
    "/etc/cutover/agent.toml"
};
/// Where an agent keeps what it has, on systems that have one place for all.
#[cfg(unix)]
pub const DEFAULT_STATE_DIR: &str = if cfg!(target_os = "macos") {
    "/Library/Application Support/Cutover/agent"
} else {
    "/var/lib/cutover/agent"
};
/// Where users reach an agent that keeps its state there: nobody else may look into that. The directory goes with a start
/// of the system and is made again by whatever starts the agent.
#[cfg(unix)]
pub const DEFAULT_USER_SOCKET: &str = if cfg!(target_os = "macos") {
    "/var/run/cutover-agent/user.sock"
} else {
    "/run/cutover-agent/user.sock"
};

/// Where the file is looked for.
#[cfg(unix)]
#[must_use]
pub fn default_file() -> PathBuf {
    PathBuf::from(DEFAULT_FILE)
}

/// Where an agent keeps what it has.
#[cfg(unix)]
#[must_use]
pub fn default_state_dir() -> PathBuf {
    PathBuf::from(DEFAULT_STATE_DIR)
}

/// Where the file is looked for: `%ProgramData%\Cutover\agent.toml`.
#[cfg(windows)]
#[must_use]
pub fn default_file() -> PathBuf {
    program_data().join("agent.toml")
}

/// Where an agent keeps what it has: `%ProgramData%\Cutover\agent`.
#[cfg(windows)]
#[must_use]
pub fn default_state_dir() -> PathBuf {
    program_data().join("agent")
}

/// The agent's own directory among those of all programs. Windows is asked and not the environment: a service has another
/// one than a console, and whoever starts a program sets it as he likes.
#[cfg(windows)]
fn program_data() -> PathBuf {
    known_folder::program_data()
        .unwrap_or_else(|| PathBuf::from(r"C:\ProgramData"))
        .join("Cutover")
}

/// Where the agent of this directory is spoken to: for its status, and by users.
#[cfg(unix)]
pub(super) fn channels(state_dir: &Path) -> (PathBuf, PathBuf) {
    let users = if state_dir == Path::new(DEFAULT_STATE_DIR) {
        PathBuf::from(DEFAULT_USER_SOCKET)
    } else {
        state_dir.join("user.sock")
    };
    (state_dir.join("agent.sock"), users)
}

/// Where the agent of this directory is spoken to: for its status, and by users. Pipes lie in no directory, so another one
/// than the usual is part of their names.
#[cfg(windows)]
pub(super) fn channels(state_dir: &Path) -> (PathBuf, PathBuf) {
    let mut name = r"\\.\pipe\cutover-agent".to_owned();
    if state_dir != default_state_dir() {
        let digest = <sha2::Sha256 as sha2::Digest>::digest(state_dir.as_os_str().as_encoded_bytes());
        name = format!("{name}-{}", hex::encode(digest.get(..8).unwrap_or_default()));
    }
    (PathBuf::from(&name), PathBuf::from(name + "-users"))
}
