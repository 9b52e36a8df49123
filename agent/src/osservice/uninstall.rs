//! Takes the agent off its machine.
//!
//! Protection comes first: an order that has begun to take something away is seen through before the agent goes. What is
//! still running of it is never cut off.

use std::{
    fs, io,
    path::{Path, PathBuf},
    process::{Command, Stdio},
    sync::Arc,
};

use super::{
    channel::{ChannelError, ask_status},
    installed::{Manner, PROGRAM, UNIT, installed},
};
use crate::{
    act::{Journal, JournalError},
    app::StateDir,
    config::Config,
    host::hands::{HostHands, LinuxHands},
};

/// systemd runs this machine (sd_booted(3)).
const BOOTED: &str = "/run/systemd/system";
/// What only the agent's packages put here (`deploy/packages`).
const PACKAGED: &str = "/usr/share/doc/cutover-agent";

/// Why the agent stays.
#[derive(Debug, thiserror::Error)]
pub enum Stays {
    /// Not root.
    #[error("only root can take the agent off this machine; run it by sudo")]
    NotRoot,
    /// A package manager put it here.
    #[error(
        "the agent was installed as a package; remove that instead: apt-get purge cutover-agent, dnf remove cutover-agent or \
         zypper remove cutover-agent"
    )]
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
    #[error("an agent that is not the service {UNIT} runs on {0}; end it first")]
    OtherAgent(PathBuf),
    /// Whether an order is open cannot be told.
    #[error("whether an order is open cannot be told ({0}); mend that, or go on with --force")]
    CannotTell(String),
    /// systemd did not do it.
    #[error("systemctl {0} failed: {1}; end and disable the service by hand, then try again")]
    Systemctl(String, String),
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

/// Takes the agent off this machine: the service stopped and disabled, then every entry of [`installed`], unless a package
/// manager does that. Gives what was done, or would be, line by line.
///
/// # Errors
/// When it must stay, or something could not be taken away. What went before stays done; running it again goes on.
pub async fn uninstall(config: &Config, leaving: Leaving) -> Result<Vec<String>, Stays> {
    let Leaving { force, dry, by_package } = leaving;
    if !rustix::process::geteuid().is_root() {
        return Err(Stays::NotRoot);
    }
    if !by_package && Path::new(PACKAGED).exists() {
        return Err(Stays::Package);
    }
    let runs = match ask_status(&config.socket).await {
        Ok(status) => {
            let middle = status.order.filter(|order| order.destructive_begun && !force);
            if let Some(order) = middle {
                return Err(Stays::InTheMiddle(order.number));
            }
            true
        }
        Err(ChannelError::NobodyThere { .. }) => false,
        Err(error) if !force => return Err(Stays::CannotTell(error.to_string())),
        Err(_) => true,
    };
    let files = if by_package { Vec::new() } else { installed(config) };
    let present = files.into_iter().filter(|(path, _)| fs::symlink_metadata(path).is_ok());
    if dry {
        // With the service stopped its journal says the rest; a look that changes nothing has to do with less.
        if !runs {
            drop(nothing_open(config, force)?);
        }
        let mut told = vec![format!("would stop and disable {UNIT}")];
        told.extend(present.map(|(path, _)| format!("would remove {}", path.display())));
        return Ok(told);
    }
    let booted = Path::new(BOOTED).exists();
    if booted && unit_is_installed() {
        systemctl(&["stop", UNIT])?;
    }
    // Between the question and the stop an order may have gone on. The lock keeps any other agent away from here on.
    let lock = nothing_open(config, force).inspect_err(|_| {
        if booted && runs {
            let started = systemctl(&["start", UNIT]);
            if let Err(error) = started {
                tracing::error!(%error, "the service is not started again");
            }
        }
    })?;
    let mut told = Vec::new();
    if unit_is_installed() {
        systemctl(&["disable", UNIT])?;
        told.push(format!("stopped and disabled {UNIT}"));
    }
    let mut failed = Vec::new();
    for (path, manner) in present.collect::<Vec<_>>() {
        match take_away(&path, manner) {
            Ok(true) => told.push(format!("removed {}", path.display())),
            Ok(false) => told.push(format!("left {}: something else is in it", path.display())),
            Err(error) => failed.push(format!("{}: {error}", path.display())),
        }
    }
    drop(lock);
    if booted {
        systemctl(&["daemon-reload"])?;
    }
    if failed.is_empty() {
        Ok(told)
    } else {
        Err(Stays::Rest(failed.join("; ")))
    }
}

fn unit_is_installed() -> bool {
    Path::new("/usr/lib/systemd/system").join(UNIT).exists()
}

/// The journal's lock, once it says that nothing is in the middle. None where there is no journal.
fn nothing_open(config: &Config, force: bool) -> Result<Option<Journal>, Stays> {
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
            && LinuxHands::new(&config.state_dir, Arc::new(|| 0)).alive(&mark)
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

#[expect(
    clippy::disallowed_methods,
    reason = "the agent's own service is no change to the host that an order could ask for, so hands have no part in it"
)]
fn systemctl(arguments: &[&str]) -> Result<(), Stays> {
    let failed = |why: String| Stays::Systemctl(arguments.join(" "), why);
    let mut command = Command::new("/usr/bin/systemctl");
    if !Path::new(BOOTED).exists() {
        // Where no systemd runs it works on the files alone.
        command.env("SYSTEMD_OFFLINE", "1");
    }
    let run = command
        .args(arguments)
        .stdin(Stdio::null())
        .output()
        .map_err(|error| failed(error.to_string()))?;
    if run.status.success() {
        return Ok(());
    }
    Err(failed(String::from_utf8_lossy(&run.stderr).trim().to_owned()))
}

/// Whether the program that runs is the one that an installation puts there.
#[must_use]
pub fn runs_from_elsewhere() -> Option<PathBuf> {
    let program = std::env::current_exe().ok()?;
    (program != Path::new(PROGRAM)).then_some(program)
}
