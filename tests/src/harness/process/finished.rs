//! A program that runs to its end within a limit.

use std::fs::File;
use std::io::{Read, Seek};
use std::os::unix::process::CommandExt;
use std::process::{Command, ExitStatus};
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use rustix::process::{Pid, Signal, kill_process_group};

use crate::harness::clock::wait_for;

/// What a program left when it ended.
#[derive(Debug)]
pub struct Finished {
    /// How it ended. Most tests want [`Finished::succeeded`].
    pub status: ExitStatus,
    /// Standard output, with broken UTF-8 replaced.
    pub stdout: String,
    /// Standard error, with broken UTF-8 replaced.
    pub stderr: String,
}

impl Finished {
    /// The same when the program ended with exit code 0.
    ///
    /// # Errors
    /// Otherwise; both outputs are in the message.
    pub fn succeeded(self) -> Result<Self> {
        ensure!(
            self.status.success(),
            "ended with {}\n--- standard output\n{}\n--- standard error\n{}",
            self.status,
            self.stdout,
            self.stderr
        );
        Ok(self)
    }

    /// The exit code; nothing when a signal ended it.
    #[must_use]
    pub fn code(&self) -> Option<i32> {
        self.status.code()
    }
}

/// Runs the command to its end. Its output goes to files, so that no full pipe can stop it.
///
/// # Errors
/// When it cannot be started, or when `limit` passes: then its whole process group has been killed.
pub fn run(mut command: Command, limit: Duration) -> Result<Finished> {
    let shown = format!("{command:?}");
    let mut stdout = tempfile::tempfile()?;
    let mut stderr = tempfile::tempfile()?;
    let mut child = command
        .stdout(stdout.try_clone()?)
        .stderr(stderr.try_clone()?)
        .process_group(0)
        .spawn()
        .with_context(|| format!("cannot start {shown}"))?;
    let ended = wait_for(&format!("time limit of {shown}"), limit, || Ok(child.try_wait()?));
    let status = match ended {
        Ok(status) => status,
        Err(error) => {
            let _ = kill_process_group(Pid::from_child(&child), Signal::KILL);
            let _ = child.wait();
            let said = text_of(&mut stdout)? + &text_of(&mut stderr)?;
            return Err(error.context(format!("its output until then: {said}")));
        }
    };
    Ok(Finished {
        status,
        stdout: text_of(&mut stdout)?,
        stderr: text_of(&mut stderr)?,
    })
}

fn text_of(file: &mut File) -> Result<String> {
    let mut bytes = Vec::new();
    file.rewind()?;
    file.read_to_end(&mut bytes)?;
    Ok(String::from_utf8_lossy(&bytes).into_owned())
}
