//! Programs that are measured, and the few tools that are asked for help.

use std::{
    ffi::OsStr,
    fs::{self, File},
    net::{Ipv4Addr, SocketAddr, TcpListener},
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
};

use anyhow::{Context, Result, bail, ensure};

/// A command without standard input.
pub(crate) fn command(program: impl AsRef<OsStr>) -> Command {
    #[expect(
        clippy::disallowed_methods,
        reason = "the load program starts what it measures, all of it through this function"
    )]
    let mut command = Command::new(program);
    command.stdin(Stdio::null());
    command
}

/// A command that runs on one core only, with all its threads (taskset(1); it becomes the program, so the process id is
/// the program's own).
pub(crate) fn pinned(core: usize, program: &Path) -> Command {
    let mut command = command("taskset");
    command.arg("--cpu-list").arg(core.to_string()).arg(program);
    command
}

/// Binds this process to one core, before it has other threads.
///
/// # Errors
/// When there is no such core, or no taskset(1).
pub(crate) fn pin_self(core: usize) -> Result<()> {
    let mut taskset = command("taskset");
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
pub(crate) fn output_of(mut command: Command) -> Result<String> {
    let output = command.output().with_context(|| format!("cannot start {command:?}"))?;
    ensure!(
        output.status.success(),
        "{command:?} ended with {}: {}",
        output.status,
        String::from_utf8_lossy(&output.stderr).trim()
    );
    Ok(String::from_utf8_lossy(&output.stdout).into_owned())
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
    let listener = TcpListener::bind((Ipv4Addr::LOCALHOST, 0)).context("no free port on the loopback")?;
    Ok(listener.local_addr()?)
}

/// A program that runs beside this one. Dropping it kills it.
#[derive(Debug)]
pub(crate) struct Running {
    child: Child,
    log: PathBuf,
}

impl Running {
    /// Starts a command whose output goes to the file `log`.
    ///
    /// # Errors
    /// When the log cannot be written or the command cannot be started.
    pub(crate) fn start(mut command: Command, log: &Path) -> Result<Self> {
        let output = File::create(log).with_context(|| format!("cannot write {}", log.display()))?;
        let child = command
            .stdout(output.try_clone()?)
            .stderr(output)
            .spawn()
            .with_context(|| format!("cannot start {command:?}"))?;
        Ok(Self {
            child,
            log: log.to_owned(),
        })
    }

    /// Its process id.
    pub(crate) fn pid(&self) -> u32 {
        self.child.id()
    }

    /// Fails when it has ended, with the end of its log.
    ///
    /// # Errors
    /// When it has ended.
    pub(crate) fn must_run(&mut self) -> Result<()> {
        match self.child.try_wait()? {
            None => Ok(()),
            Some(status) => bail!("ended with {status}:\n{}", self.said()),
        }
    }

    /// The end of what it printed.
    pub(crate) fn said(&self) -> String {
        const LINES: usize = 20;
        let text = fs::read(&self.log).unwrap_or_default();
        let text = String::from_utf8_lossy(&text);
        let lines: Vec<&str> = text.lines().collect();
        lines[lines.len().saturating_sub(LINES)..].join("\n")
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
