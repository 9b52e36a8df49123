//! Programs of the machine that the tests run on.

use std::path::PathBuf;
use std::process::{Command, Stdio};

/// A command without standard input. Later calls may replace what is set here.
#[must_use]
pub fn tool(program: impl AsRef<std::ffi::OsStr>) -> Command {
    #[expect(
        clippy::disallowed_methods,
        reason = "tests start programs, all of them through this function"
    )]
    let mut command = Command::new(program);
    command.stdin(Stdio::null());
    command
}

/// The first file of this name in `PATH` or in the directories of system programs, which a user's `PATH` often lacks.
#[must_use]
pub fn find(program: &str) -> Option<PathBuf> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    std::env::split_paths(&path)
        .chain(["/usr/sbin", "/sbin"].map(PathBuf::from))
        .map(|directory| directory.join(program))
        .find(|candidate| candidate.is_file())
}
