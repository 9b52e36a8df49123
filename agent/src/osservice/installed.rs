//! What an installation of the agent puts on a machine: the one list that uninstalling, documents and tests go by.

use std::path::{Path, PathBuf};

use super::leaving::{Manner, own_state};
use crate::config::{self, Config};

/// The agent's unit.
pub const UNIT: &str = "cutover-agent.service";
/// The program.
pub const PROGRAM: &str = "/usr/bin/cutover-agent";

/// Everything that belongs to an installation with these settings, in the order in which it is taken away: the program
/// last, so that what went wrong before can be tried again.
#[must_use]
pub fn installed(config: &Config) -> Vec<(PathBuf, Manner)> {
    let state = &config.state_dir;
    let above = state.parent().unwrap_or(Path::new("/"));
    let mut all: Vec<(PathBuf, Manner)> = Vec::new();
    all.push((config.socket.clone(), Manner::File));
    all.push((config.user_socket.clone(), Manner::File));
    if let Some(directory) = config.user_socket.parent().filter(|it| it.ends_with("cutover-agent")) {
        all.push((directory.to_owned(), Manner::WhenEmpty));
    }
    all.extend(own_state(config));
    if above.ends_with("cutover") {
        all.push((above.to_owned(), Manner::WhenEmpty));
    }
    let file = config::default_file();
    all.push((file.with_extension("toml.d"), Manner::Tree));
    all.push((file.clone(), Manner::File));
    all.extend(file.parent().map(|above| (above.to_owned(), Manner::WhenEmpty)));
    all.push(("/usr/lib/tmpfiles.d/cutover-agent.conf".into(), Manner::File));
    all.push((format!("/usr/lib/systemd/system/{UNIT}").into(), Manner::File));
    all.push((PROGRAM.into(), Manner::File));
    all
}

/// What stays, and why.
pub const LEFT: [(&str, &str); 2] = [
    (
        "/etc/systemd/system/cutover-agent.service.d",
        "settings that somebody made here for the unit, where there are any",
    ),
    (
        "/var/log/journal",
        "what the agent logged lies among the logs of the whole machine and ages with them",
    ),
];
