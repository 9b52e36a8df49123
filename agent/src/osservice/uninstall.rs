//! Takes the agent off its machine.
//!
//! Protection comes first: an order that has begun to take something away is seen through before the agent goes. What is
//! still running of it is never cut off.

use std::{
    path::{Path, PathBuf},
    process::{Command, Stdio},
    sync::Arc,
};

use super::{
    channel::ask_status,
    installed::{PROGRAM, UNIT, installed},
    leaving::{Leaving, Stays, nothing_open, present, take_all_away},
    talk::ChannelError,
};
use crate::{
    config::Config,
    host::hands::{HostHands, LinuxHands},
};

/// systemd runs this machine (sd_booted(3)).
pub(super) const BOOTED: &str = "/run/systemd/system";
/// What only the agent's packages put here (`deploy/packages`).
pub(super) const PACKAGED: &str = "/usr/share/doc/cutover-agent";

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
    let present = present(files);
    let alive = |mark: &_| LinuxHands::new(&config.state_dir, Arc::new(|| 0)).alive(mark);
    if dry {
        // With the service stopped its journal says the rest; a look that changes nothing has to do with less.
        if !runs {
            drop(nothing_open(config, force, alive)?);
        }
        let mut told = vec![format!("would stop and disable {UNIT}")];
        told.extend(
            present
                .iter()
                .map(|(path, _)| format!("would remove {}", path.display())),
        );
        return Ok(told);
    }
    let booted = Path::new(BOOTED).exists();
    if booted && unit_is_installed() {
        systemctl(&["stop", UNIT])?;
    }
    // Between the question and the stop an order may have gone on. The lock keeps any other agent away from here on.
    let lock = nothing_open(config, force, alive).inspect_err(|_| {
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
    let rest = take_all_away(&present, &mut told);
    drop(lock);
    if booted {
        systemctl(&["daemon-reload"])?;
    }
    rest.map(|()| told)
}

fn unit_is_installed() -> bool {
    Path::new("/usr/lib/systemd/system").join(UNIT).exists()
}

#[expect(
    clippy::disallowed_methods,
    reason = "the agent's own service is no change to the host that an order could ask for, so hands have no part in it"
)]
fn systemctl(arguments: &[&str]) -> Result<(), Stays> {
    let failed = |why: String| Stays::Manager(format!("systemctl {}", arguments.join(" ")), why);
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
