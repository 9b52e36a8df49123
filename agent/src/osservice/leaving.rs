//! How the agent leaves a machine, whatever runs it there: what keeps it, and what is taken away.

use std::{
    fs, io,
    path::{Path, PathBuf},
};

use crate::{
    act::{Journal, JournalError},
    app::StateDir,
    config::Config,
    host::hands::ProcessMark,
};

#[cfg(unix)]
const MAY_REMOVE: &str = "root can take the agent off this machine; run it by sudo";
#[cfg(windows)]
const MAY_REMOVE: &str = "an administrator can take the agent off this machine; run it from an elevated prompt";

#[cfg(unix)]
const REMOVE_PACKAGE: &str = "apt-get purge cutover-agent, dnf remove cutover-agent or zypper remove cutover-agent";
#[cfg(windows)]
const REMOVE_PACKAGE: &str = "Settings, Apps, Cutover agent, or msiexec /x with the package";

/// Why the agent stays.
#[derive(Debug, thiserror::Error)]
pub enum Stays {
    /// Somebody who may not.
    #[error("only {MAY_REMOVE}")]
    NotRoot,
    /// A package manager put it here.
    #[error("the agent was installed as a package; remove that instead: {REMOVE_PACKAGE}")]
    Package,
    /// An order took something away and is not over.
    #[error(
        "work order {0} has begun to take something away and is not over; wait for its end, or leave this machine as it is \
         with --force"
    )]
    InTheMiddle(u64),
    /// Something that the agent started still runs.
    #[error("process {pid} of work order {order} still runs; wait for its end, ending it would leave a broken package")]
    AtWork {
        /// Of the order.
        order: u64,
        /// Of the tool.
        pid: u32,
    },
    /// An agent has the state, and is not the service.
    #[error("an agent that is not the service runs on {0}; end it first")]
    OtherAgent(PathBuf),
    /// Whether an order is open cannot be told.
    #[error("whether an order is open cannot be told ({0}); mend that, or go on with --force")]
    CannotTell(String),
    /// The service manager did not do it.
    #[error("{0} failed: {1}; end and disable the service by hand, then try again")]
    Manager(String, String),
    /// Something could not be taken away.
    #[error("not everything could be taken away: {0}; mend the cause and run it again")]
    Rest(String),
}

/// How the agent is to leave.
#[derive(Debug, Clone, Copy, Default)]
pub struct Leaving {
    /// Also in the middle of an order, or where it cannot be told whether one is open.
    pub force: bool,
    /// Only say what would be done.
    pub dry: bool,
    /// A package manager takes the files away; it asks whether it may, and for the end of the service.
    pub by_package: bool,
}

/// How something is taken away.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Manner {
    /// A file, a link or a socket.
    File,
    /// A directory of the agent's alone, with all in it.
    Tree,
    /// A directory that others may use too, or that may hold what somebody else put there: only when it is empty.
    WhenEmpty,
}

/// What the agent itself keeps, in the order in which it is taken away.
pub(super) fn own_state(config: &Config) -> Vec<(PathBuf, Manner)> {
    let state = &config.state_dir;
    let mut all = vec![
        (config.hold_file.clone(), Manner::File),
        (config.metered_file.clone(), Manner::File),
    ];
    all.extend(StateDir::FILES.iter().map(|name| (state.join(name), Manner::File)));
    all.extend(StateDir::TREES.iter().map(|name| (state.join(name), Manner::Tree)));
    all.push((state.clone(), Manner::WhenEmpty));
    all
}

/// Only what is there.
pub(super) fn present(all: Vec<(PathBuf, Manner)>) -> Vec<(PathBuf, Manner)> {
    let mut all = all;
    all.retain(|(path, _)| fs::symlink_metadata(path).is_ok());
    all
}

/// Takes all of it away, as far as that goes, and tells what was done.
pub(super) fn take_all_away(present: &[(PathBuf, Manner)], told: &mut Vec<String>) -> Result<(), Stays> {
    let mut failed = Vec::new();
    for (path, manner) in present {
        match take_away(path, *manner) {
            Ok(true) => told.push(format!("removed {}", path.display())),
            Ok(false) => told.push(format!("left {}: something else is in it", path.display())),
            Err(error) => failed.push(format!("{}: {error}", path.display())),
        }
    }
    if failed.is_empty() {
        Ok(())
    } else {
        Err(Stays::Rest(failed.join("; ")))
    }
}

/// The journal's lock, once it says that nothing is in the middle. None where there is no journal. `alive` says whether a
/// tool still runs.
pub(super) fn nothing_open(
    config: &Config,
    force: bool,
    alive: impl Fn(&ProcessMark) -> bool,
) -> Result<Option<Journal>, Stays> {
    let state = StateDir::new(&config.state_dir);
    if !state.has_journal() {
        return Ok(None);
    }
    let journal = match Journal::open(&config.state_dir) {
        Ok(journal) => journal,
        Err(JournalError::InUse(directory)) => return Err(Stays::OtherAgent(directory)),
        Err(_) if force => return Ok(None),
        Err(error) => return Err(Stays::CannotTell(error.to_string())),
    };
    if let Some(open) = journal.progress() {
        let order = open.order.number;
        if let Some(mark) = journal.tool_at_hand()
            && alive(&mark)
        {
            return Err(Stays::AtWork { order, pid: mark.pid });
        }
        if open.has_destroyed() && !force {
            return Err(Stays::InTheMiddle(order));
        }
    }
    match journal.trouble() {
        Some(trouble) if !force => Err(Stays::CannotTell(format!("the journal cannot be trusted: {trouble}"))),
        Some(_) | None => Ok(Some(journal)),
    }
}

/// False when it stays because something else is in it.
fn take_away(path: &Path, manner: Manner) -> io::Result<bool> {
    let gone = match manner {
        Manner::File => fs::remove_file(path),
        // Never follows a link.
        Manner::Tree => fs::remove_dir_all(path),
        Manner::WhenEmpty => fs::remove_dir(path),
    };
    match gone {
        Ok(()) => Ok(true),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(true),
        Err(error) if manner == Manner::WhenEmpty && error.kind() == io::ErrorKind::DirectoryNotEmpty => Ok(false),
        Err(error) => Err(error),
    }
}
