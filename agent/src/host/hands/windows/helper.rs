//! Runs the agent's own program as the process that asks Windows Installer, and tools that are a part of Windows.
//!
//! The first outlives the agent, ends with all that it started when its time is over, and is told what to do over its standard
//! input, so that nothing of it can be read off a command line, an environment or a file.

use std::{
    fs::{self, File},
    io::{self, Write as _},
    os::windows::process::CommandExt as _,
    path::{Path, PathBuf},
    process::{Child, Command, Stdio},
    thread,
    time::Duration,
};

use windows_sys::Win32::System::Threading::{CREATE_BREAKAWAY_FROM_JOB, CREATE_NO_WINDOW};
use zeroize::Zeroizing;

use super::{
    super::{
        logs::{self, LOG_MAX, TAIL},
        seam::{HandsError, Run, Ticks, ToolRun},
    },
    job::Job,
    msi::{Property, Request, Wanted},
    process,
};

/// The subcommand of this program that carries a request out.
const COMMAND: &str = "msi";
const POLL: Duration = Duration::from_millis(50);
/// `ERROR_ACCESS_DENIED`: the job that the agent itself is in lets nobody out.
const DENIED: i32 = 5;

/// Starts the helper and keeps its logs.
pub(super) struct Helper {
    program: PathBuf,
    logs: PathBuf,
    ticks: Ticks,
}

impl Helper {
    pub(super) fn new(program: PathBuf, logs: PathBuf, ticks: Ticks) -> Self {
        Self { program, logs, ticks }
    }

    /// Has Windows Installer do what is wanted, within what is left of a step's time, which began at `since`.
    pub(super) fn ask(
        &self,
        wanted: Wanted,
        properties: Vec<Property>,
        since: u64,
        run: &mut Run<'_>,
    ) -> Result<ToolRun, HandsError> {
        // Windows Installer writes its own, and shares it with nobody while it does.
        let (_, words) = self.log(&words_of(&run.label))?;
        let request = Request {
            wanted,
            properties,
            log: self.logs.join(logs::file_name(&run.label)),
        };
        let (code, timed_out) = self.perform(&request, &words, deadline(since, run), run)?;
        Ok(ToolRun {
            exit_code: code,
            log_tail: self.kept_output(&run.label)?,
            timed_out,
        })
    }

    /// Runs a program of Windows' own, by its whole path, with these arguments and nothing to read. What it prints is its log.
    pub(super) fn run_tool(
        &self,
        program: &Path,
        arguments: &[&str],
        run: &mut Run<'_>,
    ) -> Result<ToolRun, HandsError> {
        let since = self.now();
        let (path, log) = self.log(&run.label)?;
        let failed = |error| HandsError::io(format!("start {}", program.display()), error);
        let job = Job::new().map_err(failed)?;
        let mut child = start(program, arguments, Streams::Output(&log)).map_err(failed)?;
        if let Err(error) = job.take(&child) {
            // One that has ended already is in no job, and needs none.
            if !matches!(child.try_wait(), Ok(Some(_))) {
                end(&job, &mut child);
                return Err(failed(error));
            }
        } else if let Some(mark) = process::mark(child.id()) {
            (run.started)(mark);
        }
        let (exit_code, timed_out) = self.wait(&job, &mut child, deadline(since, run), &path)?;
        Ok(ToolRun {
            exit_code,
            log_tail: self.kept_output(&run.label)?,
            timed_out,
        })
    }

    /// A log by its label, to write at its end.
    fn log(&self, label: &str) -> Result<(PathBuf, File), HandsError> {
        fs::create_dir_all(&self.logs)
            .map_err(|error| HandsError::io(format!("make {}", self.logs.display()), error))?;
        logs::drop_old(&self.logs);
        let path = self.logs.join(logs::file_name(label));
        let log = logs::options()
            .create(true)
            .append(true)
            .open(&path)
            .map_err(|error| HandsError::io(format!("open {}", path.display()), error))?;
        Ok((path, log))
    }

    /// The end of a log, whoever wrote it; empty where there is none.
    pub(super) fn kept_output(&self, label: &str) -> Result<String, HandsError> {
        let words = logs::tail(&self.logs, &words_of(label), TAIL)?;
        Ok(logs::tail(&self.logs, label, TAIL)? + &words)
    }

    pub(super) fn scrub_logs(&self, prefix: &str, scrub: &dyn Fn(&str) -> String) -> Result<(), HandsError> {
        logs::scrub(&self.logs, prefix, scrub)
    }

    pub(super) fn now(&self) -> u64 {
        (self.ticks)()
    }

    fn perform(
        &self,
        request: &Request,
        words: &File,
        deadline: u64,
        run: &mut Run<'_>,
    ) -> Result<(Option<i32>, bool), HandsError> {
        let said = serde_json::to_vec(request).map(Zeroizing::new).map_err(|error| {
            HandsError::io("write down what Windows Installer is asked for", io::Error::from(error))
        })?;
        let failed = |error| HandsError::io("start the process that asks Windows Installer", error);
        let job = Job::new().map_err(failed)?;
        let mut child = start(&self.program, &[COMMAND], Streams::Told(words)).map_err(failed)?;
        // It does nothing before it was told what, so nothing of it is outside.
        let told = job.take(&child).and_then(|()| {
            if let Some(mark) = process::mark(child.id()) {
                (run.started)(mark);
            }
            let mut input = child.stdin.take().ok_or(io::ErrorKind::BrokenPipe)?;
            input.write_all(&said)
        });
        if let Err(error) = told {
            end(&job, &mut child);
            return Err(failed(error));
        }
        self.wait(&job, &mut child, deadline, &request.log)
    }

    /// Waits for the end; true when it had to be ended.
    fn wait(&self, job: &Job, child: &mut Child, deadline: u64, log: &Path) -> Result<(Option<i32>, bool), HandsError> {
        let failed = |error| HandsError::io("wait for the end of what was started", error);
        loop {
            if let Some(status) = child.try_wait().map_err(failed)? {
                return Ok((status.code(), false));
            }
            // The length that a handle of its own tells is older than what another process wrote.
            let length = fs::metadata(log).map_or(0, |log| log.len());
            if (self.ticks)() >= deadline || length > LOG_MAX {
                end(job, child);
                child.wait().map_err(failed)?;
                return Ok((None, true));
            }
            thread::sleep(POLL);
        }
    }
}

/// Names the log of what the helper itself says.
fn words_of(label: &str) -> String {
    format!("{label}-helper")
}

fn end(job: &Job, child: &mut Child) {
    let ended = job.end().or_else(|_| child.kill());
    if let Err(error) = ended {
        tracing::warn!(%error, "a process that is to end could not be ended");
    }
}

/// When a run that began then is over.
fn deadline(since: u64, run: &Run<'_>) -> u64 {
    since.saturating_add(u64::try_from(run.time_limit.as_millis()).unwrap_or(u64::MAX))
}

/// What a program reads and where it writes.
#[derive(Clone, Copy)]
enum Streams<'l> {
    /// It is told what to do over its standard input, and writes its errors here.
    Told(&'l File),
    /// It reads nothing, and writes all here.
    Output(&'l File),
}

/// Outside of the agent's own job where that one lets it, so that what ends the agent leaves it alone.
fn start(program: &Path, arguments: &[&str], streams: Streams<'_>) -> io::Result<Child> {
    match spawn(
        program,
        arguments,
        streams,
        CREATE_NO_WINDOW | CREATE_BREAKAWAY_FROM_JOB,
    ) {
        Err(error) if error.raw_os_error() == Some(DENIED) => spawn(program, arguments, streams, CREATE_NO_WINDOW),
        started => started,
    }
}

#[expect(
    clippy::disallowed_methods,
    reason = "the one place where these hands start a program"
)]
fn spawn(program: &Path, arguments: &[&str], streams: Streams<'_>, flags: u32) -> io::Result<Child> {
    let (input, output, log) = match streams {
        Streams::Told(log) => (Stdio::piped(), Stdio::null(), log),
        Streams::Output(log) => (Stdio::null(), log.try_clone()?.into(), log),
    };
    Command::new(program)
        .args(arguments)
        .creation_flags(flags)
        .stdin(input)
        .stdout(output)
        .stderr(log.try_clone()?)
        .spawn()
}
