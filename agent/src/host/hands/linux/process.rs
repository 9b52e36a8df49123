//! Runs a tool apart from the agent: own session, own scope, output to a file, no input, a time limit.
//!
//! The agent's end does not end the tool, and the output goes to a file because a pipe would break with the agent. A
//! service manager that ends a whole control group with its service does not reach it either, because it is in a group
//! of its own; where no scope can be had, the agent's unit has to say `KillMode=process`.

use std::{
    fs::{self, DirBuilder, File, OpenOptions},
    io::{Read, Seek, SeekFrom},
    os::unix::fs::{DirBuilderExt, OpenOptionsExt},
    path::{Path, PathBuf},
    process::{Child, Command, ExitStatus, Stdio},
    thread,
    time::Duration,
};

use rustix::process::{Pid, Signal, kill_process_group};

use super::{
    super::{
        logs::{self, LOG_MAX, TAIL},
        seam::{HandsError, ProcessMark, Run, Ticks, ToolRun},
    },
    scope::{self, Scope},
};

/// Makes the tool the leader of a session of its own, in place (util-linux, essential on Debian).
const SETSID: &str = "/usr/bin/setsid";
const BOOT_ID: &str = "/proc/sys/kernel/random/boot_id";
/// Between a polite signal and the hard one.
const GRACE: Duration = Duration::from_secs(10);
const POLL: Duration = Duration::from_millis(50);

/// Starts tools and keeps their logs.
pub(super) struct Runner {
    logs: PathBuf,
    ticks: Ticks,
}

/// One step's time and log, shared by all tools that it runs.
pub(super) struct Session<'r, 'a, 'b> {
    runner: &'r Runner,
    run: &'a mut Run<'b>,
    log: File,
    from: u64,
    deadline: u64,
    last: ToolRun,
    is_scoped: bool,
}

impl Runner {
    pub(super) fn new(logs: PathBuf, ticks: Ticks) -> Self {
        Self { logs, ticks }
    }

    /// Opens the log of a step; its time begins here.
    pub(super) fn session<'r, 'a, 'b>(&'r self, run: &'a mut Run<'b>) -> Result<Session<'r, 'a, 'b>, HandsError> {
        logs::drop_old(&self.logs);
        let log = self.open(&logs::file_name(&run.label))?;
        let from = length(&log)?;
        let deadline = (self.ticks)().saturating_add(u64::try_from(run.time_limit.as_millis()).unwrap_or(u64::MAX));
        Ok(Session {
            runner: self,
            run,
            log,
            from,
            deadline,
            last: ToolRun::default(),
            is_scoped: true,
        })
    }

    /// Runs something that only asks, and gives its exit code and output.
    pub(super) fn ask(
        &self,
        program: &str,
        arguments: &[&str],
        limit: Duration,
    ) -> Result<(Option<i32>, String), HandsError> {
        let name = Path::new(program).file_name().unwrap_or_default();
        let log = self.open(&format!("ask-{}.log", name.to_string_lossy()))?;
        log.set_len(0)
            .map_err(|error| HandsError::io("empty a tool's log", error))?;
        let mut child = start(&[], program, arguments, &log)?;
        let limit = u64::try_from(limit.as_millis()).unwrap_or(u64::MAX);
        let (status, _) = self.wait(&mut child, (self.ticks)().saturating_add(limit), &log)?;
        Ok((status.code(), read_from(&log, 0)?))
    }

    fn open(&self, name: &str) -> Result<File, HandsError> {
        DirBuilder::new()
            .recursive(true)
            .mode(0o700)
            .create(&self.logs)
            .map_err(|error| HandsError::io(format!("make {}", self.logs.display()), error))?;
        let path = self.logs.join(name);
        OpenOptions::new()
            .create(true)
            .read(true)
            .append(true)
            .mode(0o600)
            .open(&path)
            .map_err(|error| HandsError::io(format!("open {}", path.display()), error))
    }

    /// The end of a log, whoever wrote it; empty where there is none.
    pub(super) fn kept_output(&self, label: &str) -> Result<String, HandsError> {
        logs::tail(&self.logs, label, TAIL)
    }

    pub(super) fn scrub_logs(&self, prefix: &str, scrub: &dyn Fn(&str) -> String) -> Result<(), HandsError> {
        logs::scrub(&self.logs, prefix, scrub)
    }

    /// Waits for the end; true when the tool had to be ended.
    fn wait(&self, child: &mut Child, deadline: u64, log: &File) -> Result<(ExitStatus, bool), HandsError> {
        let failed = |error| HandsError::io("wait for a tool", error);
        loop {
            if let Some(status) = child.try_wait().map_err(failed)? {
                return Ok((status, false));
            }
            if (self.ticks)() >= deadline || length(log)? > LOG_MAX {
                end(child.id(), || matches!(child.try_wait(), Ok(None)));
                return Ok((child.wait().map_err(failed)?, true));
            }
            thread::sleep(POLL);
        }
    }
}

impl Session<'_, '_, '_> {
    /// Runs one tool to its end, or to the end of the step's time. True when it went through with exit code zero.
    pub(super) fn tool(&mut self, program: &str, arguments: &[&str]) -> Result<bool, HandsError> {
        let scope = if self.is_scoped {
            scope::words(self.runner, &self.run.label)
        } else {
            Vec::new()
        };
        // Once is enough to know that there is none to be had.
        self.is_scoped = !scope.is_empty();
        let mut child = start(&scope, program, arguments, &self.log)?;
        match mark(child.id()) {
            Some(mark) => (self.run.started)(mark),
            // It ended before it could be read; nobody has to wait for it.
            None => tracing::debug!(program, "tool ended at once"),
        }
        let (status, timed_out) = self.runner.wait(&mut child, self.deadline, &self.log)?;
        self.last.exit_code = status.code();
        self.last.timed_out |= timed_out;
        Ok(status.success() && !timed_out)
    }

    /// What names this run.
    pub(super) fn label(&self) -> &str {
        &self.run.label
    }

    /// What is left of the step's time.
    pub(super) fn time_left(&self) -> Duration {
        Duration::from_millis(self.deadline.saturating_sub((self.runner.ticks)()))
    }

    /// The end of what all tools of this step printed so far.
    pub(super) fn output(&self) -> Result<String, HandsError> {
        read_from(&self.log, self.from)
    }

    /// How much was printed into this log so far, in bytes.
    pub(super) fn printed(&self) -> Result<u64, HandsError> {
        length(&self.log)
    }

    /// The end of what was printed after that much.
    pub(super) fn output_from(&self, printed: u64) -> Result<String, HandsError> {
        read_from(&self.log, printed)
    }

    /// What the last tool said, with the end of the output of all.
    pub(super) fn finish(mut self) -> Result<ToolRun, HandsError> {
        self.last.log_tail = self.output()?;
        Ok(self.last)
    }
}

#[expect(clippy::disallowed_methods, reason = "the one place where hands start programs")]
fn start(scope: &[String], program: &str, arguments: &[&str], log: &File) -> Result<Child, HandsError> {
    let out = |what: &str| {
        log.try_clone()
            .map_err(|error| HandsError::io(format!("hand {what} to a tool"), error))
    };
    let has_setsid = Path::new(SETSID).exists();
    // Each becomes the next in place, so the process that is started is the tool's.
    let mut words = scope
        .iter()
        .map(String::as_str)
        .chain(has_setsid.then_some(SETSID))
        .chain([program])
        .chain(arguments.iter().copied());
    let mut command = Command::new(words.next().unwrap_or(program));
    if !has_setsid {
        use std::os::unix::process::CommandExt;
        command.process_group(0);
    }
    command
        .args(words)
        .env_clear()
        .envs(environment())
        .current_dir("/")
        .stdin(Stdio::null())
        .stdout(out("output")?)
        .stderr(out("errors")?)
        .spawn()
        .map_err(|error| HandsError::io(format!("start {program}"), error))
}

/// English, no questions, plain paths. Proxies are the machine's own affair and pass through.
fn environment() -> Vec<(String, String)> {
    let fixed = [
        ("PATH", "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"),
        ("HOME", "/root"),
        ("LC_ALL", "C.UTF-8"),
        ("DEBIAN_FRONTEND", "noninteractive"),
        ("DEBIAN_PRIORITY", "critical"),
        ("APT_LISTCHANGES_FRONTEND", "none"),
        ("NEEDRESTART_MODE", "l"),
        ("UCF_FORCE_CONFFOLD", "1"),
    ];
    let passed = [
        "http_proxy",
        "https_proxy",
        "no_proxy",
        "HTTP_PROXY",
        "HTTPS_PROXY",
        "NO_PROXY",
    ];
    fixed
        .into_iter()
        .map(|(name, value)| (name.to_owned(), value.to_owned()))
        .chain(
            passed
                .into_iter()
                .filter_map(|name| Some((name.to_owned(), std::env::var(name).ok()?))),
        )
        .collect()
}

fn length(log: &File) -> Result<u64, HandsError> {
    log.metadata()
        .map(|meta| meta.len())
        .map_err(|error| HandsError::io("read a tool's log", error))
}

fn read_from(log: &File, from: u64) -> Result<String, HandsError> {
    let failed = |error| HandsError::io("read a tool's log", error);
    let start = length(log)?.saturating_sub(TAIL).max(from);
    let mut log = log;
    log.seek(SeekFrom::Start(start)).map_err(failed)?;
    let mut bytes = Vec::new();
    log.take(TAIL).read_to_end(&mut bytes).map_err(failed)?;
    Ok(String::from_utf8_lossy(&bytes).into_owned())
}

/// What names a running process for good.
pub(super) fn mark(pid: u32) -> Option<ProcessMark> {
    Some(ProcessMark {
        pid,
        start_ticks: stat(pid)?.1,
        boot_id: fs::read_to_string(BOOT_ID).ok()?.trim().to_owned(),
    })
}

pub(super) fn is_alive(mark: &ProcessMark) -> bool {
    let same_session = fs::read_to_string(BOOT_ID).is_ok_and(|id| id.trim() == mark.boot_id);
    // A zombie has ended; it only waits for whoever should have asked.
    same_session
        && stat(mark.pid).is_some_and(|(state, start)| start == mark.start_ticks && !matches!(state, 'Z' | 'X'))
}

pub(super) fn stop(mark: &ProcessMark) {
    if is_alive(mark) {
        end(mark.pid, || is_alive(mark));
    }
}

/// State and start time out of `/proc/PID/stat`: fields 3 and 22. The name before them may hold anything.
fn stat(pid: u32) -> Option<(char, u64)> {
    let text = fs::read_to_string(format!("/proc/{pid}/stat")).ok()?;
    let (_, rest) = text.rsplit_once(") ")?;
    let mut fields = rest.split(' ');
    let state = fields.next()?.chars().next()?;
    Some((state, fields.nth(18)?.parse().ok()?))
}

/// Ends a tool with all that it started: its group, and its scope where it has one, first politely.
fn end(pid: u32, mut runs: impl FnMut() -> bool) {
    let Some(group) = i32::try_from(pid).ok().and_then(Pid::from_raw) else {
        return;
    };
    let scope = Scope::of(pid);
    let signal = |signal| {
        if let Err(error) = kill_process_group(group, signal) {
            tracing::debug!(pid, %error, "group not signalled");
        }
        if let Some(scope) = &scope {
            scope.signal(signal);
        }
    };
    let mut is_there = || runs() || scope.as_ref().is_some_and(Scope::is_populated);
    signal(Signal::TERM);
    let mut waited = Duration::ZERO;
    while waited < GRACE && is_there() {
        thread::sleep(POLL);
        waited += POLL;
    }
    // What the leader left behind in its group goes too. In a scope something new may have been started meanwhile.
    signal(Signal::KILL);
    let mut waited = Duration::ZERO;
    while waited < GRACE && is_there() {
        thread::sleep(POLL);
        waited += POLL;
        if let Some(scope) = &scope {
            scope.signal(Signal::KILL);
        }
    }
}
