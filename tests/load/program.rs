//! Programs that are measured, and the few tools that are asked for help.

use std::{
    net::{Ipv4Addr, SocketAddr},
    path::{Path, PathBuf},
    process::Command,
    time::Duration,
};

use anyhow::{Context, Result, bail, ensure};
use cutover_tests::harness::process::{Running, free_port, run, tool};

/// What a tool may take: `git`, `taskset`, a command of `cutover`.
const LIMIT: Duration = Duration::from_secs(60);

/// A command that runs on one core only, with all its threads (taskset(1); it becomes the program, so the process id is
/// the program's own).
pub(crate) fn pinned(core: usize, program: &Path) -> Command {
    let mut command = tool("taskset");
    command.arg("--cpu-list").arg(core.to_string()).arg(program);
    command
}

/// Binds this process to one core, before it has other threads.
///
/// # Errors
/// When there is no such core, or no taskset(1).
pub(crate) fn pin_self(core: usize) -> Result<()> {
    let mut taskset = tool("taskset");
    taskset
        .arg("--cpu-list")
        .arg("--pid")
        .arg(core.to_string())
        .arg(std::process::id().to_string());
    output_of(taskset).with_context(|| format!("cannot bind the load to core {core}"))?;
    Ok(())
}

/// Runs a command to its end and gives what it printed.
///
/// # Errors
/// When it cannot be started or fails; what it said is in the message.
pub(crate) fn output_of(command: Command) -> Result<String> {
    let shown = format!("{command:?}");
    Ok(run(command, LIMIT)?.succeeded().context(shown)?.stdout)
}

/// One of the workspace's programs: the one that was named, else the one beside this program.
///
/// # Errors
/// When it is not there.
pub(crate) fn built(name: &str, named: Option<&Path>) -> Result<PathBuf> {
    let path = match named {
        Some(path) => path.to_owned(),
        None => std::env::current_exe()
            .context("where is this program?")?
            .parent()
            .context("this program has no directory")?
            .join(name),
    };
    ensure!(
        path.is_file(),
        "{} is missing: build it (tests/load/run does), or name it",
        path.display()
    );
    Ok(path)
}

/// An address of the loopback interface that was free a moment ago.
///
/// # Errors
/// When the system has no port left.
pub(crate) fn free_address() -> Result<SocketAddr> {
    Ok(SocketAddr::from((Ipv4Addr::LOCALHOST, free_port()?)))
}

/// The process id as the files of proc(5) have it.
pub(crate) fn pid(running: &Running) -> u32 {
    running.pid().unsigned_abs()
}

/// Fails when a program has ended, with all it said.
///
/// # Errors
/// When it has ended.
pub(crate) fn must_run(running: &mut Running) -> Result<()> {
    match running.ended()? {
        None => Ok(()),
        Some(status) => bail!("ended with {status}:\n{}", running.log()?),
    }
}
