//! A program that runs beside the test.

use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus};
use std::time::Duration;

use anyhow::{Context, Result, bail};
use rustix::process::{Pid, Signal, kill_process};

use crate::harness::clock::{wait_for, wait_until};

/// How long a process may take to appear or to go once that is certain to happen.
const SOON: Duration = Duration::from_secs(10);

/// A started program. Dropping it kills it with SIGKILL and waits for its end.
#[derive(Debug)]
pub struct Running {
    name: String,
    child: Child,
    target: Pid,
    log: PathBuf,
}

impl Running {
    /// Starts a command whose output is appended to the file `log`; a program that is started twice keeps both parts.
    ///
    /// # Errors
    /// When the log cannot be opened or the command cannot be started.
    pub fn spawn(name: &str, command: Command, log: &Path) -> Result<Self> {
        let child = start(name, command, log)?;
        let target = Pid::from_child(&child);
        Ok(Self {
            name: name.to_owned(),
            child,
            target,
            log: log.to_owned(),
        })
    }

    /// Like [`Running::spawn`] for a command that enters another PID namespace first: what runs there is its only child,
    /// and signals are meant for that one.
    pub(in crate::harness) fn spawn_entered(name: &str, command: Command, log: &Path) -> Result<Self> {
        let mut child = start(name, command, log)?;
        let entering = Pid::from_child(&child);
        let found = wait_for(&format!("{name} inside the namespace"), SOON, || {
            if let Some(status) = child.try_wait()? {
                bail!("{name} ended at once with {status}: {}", tail_of(log));
            }
            only_child_of(entering)
        });
        let target = match found {
            Ok(target) => target,
            Err(error) => {
                let _ = child.kill();
                let _ = child.wait();
                return Err(error);
            }
        };
        Ok(Self {
            name: name.to_owned(),
            child,
            target,
            log: log.to_owned(),
        })
    }

    /// Its process id, as the machine that the test runs on counts.
    #[must_use]
    pub fn pid(&self) -> i32 {
        self.target.as_raw_nonzero().get()
    }

    /// Everything it has written so far, with broken UTF-8 replaced.
    ///
    /// # Errors
    /// When the log cannot be read.
    pub fn log(&self) -> Result<String> {
        let bytes = fs::read(&self.log).with_context(|| format!("cannot read {}", self.log.display()))?;
        Ok(String::from_utf8_lossy(&bytes).into_owned())
    }

    /// Waits until its log contains `words`.
    ///
    /// # Errors
    /// When it ends before, or when `limit` passes; the end of the log is in the message.
    pub fn wait_for_log(&mut self, words: &str, limit: Duration) -> Result<()> {
        let what = format!("{} says {words:?}", self.name);
        let waited = wait_until(&what, limit, || {
            if self.log()?.contains(words) {
                return Ok(true);
            }
            match self.child.try_wait()? {
                None => Ok(false),
                Some(status) => bail!("{} ended with {status} first", self.name),
            }
        });
        waited.with_context(|| tail_of(&self.log))
    }

    /// How it ended, or nothing while it runs.
    ///
    /// # Errors
    /// When the system does not tell.
    pub fn ended(&mut self) -> Result<Option<ExitStatus>> {
        Ok(self.child.try_wait()?)
    }

    /// Waits for its end.
    ///
    /// # Errors
    /// When `limit` passes; the end of the log is in the message.
    pub fn wait(&mut self, limit: Duration) -> Result<ExitStatus> {
        let what = format!("{} ends", self.name);
        wait_for(&what, limit, || Ok(self.child.try_wait()?)).with_context(|| tail_of(&self.log))
    }

    /// Asks it to end (SIGTERM).
    ///
    /// # Errors
    /// When it has ended already.
    pub fn terminate(&self) -> Result<()> {
        self.signal(Signal::TERM)
    }

    /// Kills it as a crash would (SIGKILL), and waits until it is gone. What it started runs on.
    ///
    /// # Errors
    /// When it has ended already.
    pub fn kill_hard(&mut self) -> Result<()> {
        self.signal(Signal::KILL)?;
        self.wait(SOON).map(|_| ())
    }

    /// Sends it a signal.
    ///
    /// # Errors
    /// When it has ended already.
    pub fn signal(&self, signal: Signal) -> Result<()> {
        kill_process(self.target, signal)
            .with_context(|| format!("cannot signal {}: {}", self.name, tail_of(&self.log)))
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        // Only while the child has not been waited for does its process id surely belong to it.
        if matches!(self.child.try_wait(), Ok(None)) {
            let _ = kill_process(self.target, Signal::KILL);
            let _ = self.child.wait();
        }
    }
}

fn start(name: &str, mut command: Command, log: &Path) -> Result<Child> {
    let output = File::options()
        .create(true)
        .append(true)
        .open(log)
        .with_context(|| format!("cannot write the log {}", log.display()))?;
    command
        .stdout(output.try_clone()?)
        .stderr(output)
        .spawn()
        .with_context(|| format!("cannot start {name}: {command:?}"))
}

/// The child of a process that has at most one. Read from `/proc/PID/stat`: the parent is the second field after the
/// name, which stands in brackets and may contain anything (proc(5)).
pub(in crate::harness) fn only_child_of(parent: Pid) -> Result<Option<Pid>> {
    let wanted = parent.as_raw_nonzero().get().to_string();
    for entry in fs::read_dir("/proc").context("cannot list /proc")? {
        let entry = entry?;
        let name = entry.file_name();
        let Some(pid) = name.to_str().and_then(|name| name.parse::<i32>().ok()) else {
            continue;
        };
        // Gone since the listing: not the one that is looked for.
        let Ok(stat) = fs::read_to_string(entry.path().join("stat")) else {
            continue;
        };
        let parent_field = stat
            .rsplit_once(')')
            .and_then(|(_, rest)| rest.split_whitespace().nth(1));
        if parent_field == Some(wanted.as_str()) {
            return Ok(Pid::from_raw(pid));
        }
    }
    Ok(None)
}

/// The last lines of a log, for messages.
fn tail_of(log: &Path) -> String {
    const LINES: usize = 40;
    let bytes = fs::read(log).unwrap_or_default();
    let text = String::from_utf8_lossy(&bytes);
    let lines: Vec<&str> = text.lines().collect();
    let from = lines.len().saturating_sub(LINES);
    format!("end of {}:\n{}", log.display(), lines[from..].join("\n"))
}
