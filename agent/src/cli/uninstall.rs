//! `cutover-agent uninstall`: leaves, and leaves nothing behind.

use std::{fs, process::ExitCode};

use anyhow::Result;

use crate::{
    config::Config,
    osservice::{self, LEFT},
};

/// Take the agent off this machine: its service, program, settings, keys and state. Refused while a work order has begun
/// to take something away.
#[derive(Debug, Clone, Copy, clap::Args)]
pub(super) struct UninstallArgs {
    /// Leave also in the middle of an order, or where it cannot be told whether one is open. The machine may be left
    /// without protection. Never while a package manager is still at work.
    #[arg(long)]
    force: bool,
    /// Only say what would be done.
    #[arg(long)]
    dry_run: bool,
    /// Only stop and disable the service: a package manager asks, which takes the files away itself.
    #[arg(long, hide = true)]
    by_package: bool,
}

pub(super) fn run(arguments: UninstallArgs, config: &Config) -> Result<ExitCode> {
    let leaving = osservice::Leaving {
        force: arguments.force,
        dry: arguments.dry_run,
        by_package: arguments.by_package,
    };
    let mut told = super::runtime()?.block_on(osservice::uninstall(config, leaving))?;
    if arguments.by_package {
        // The package manager says the rest.
        return Ok(ExitCode::SUCCESS);
    }
    let stays = LEFT.iter().filter(|(path, _)| fs::symlink_metadata(path).is_ok());
    told.extend(stays.map(|(path, why)| format!("left {path}: {why}")));
    if let Some(program) = osservice::runs_from_elsewhere() {
        told.push(format!(
            "left {}: {}",
            program.display(),
            if cfg!(windows) {
                "a program cannot delete itself; delete it by hand"
            } else {
                "it is not where an installation puts it"
            }
        ));
    }
    told.push(
        "the server is not told; there, `cutover hosts retire HOST --why WHY` ends this host's plan and revokes its keys"
            .to_owned(),
    );
    super::print(&(told.join("\n") + "\n"))?;
    Ok(ExitCode::SUCCESS)
}
