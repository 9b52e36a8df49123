//! Which program the service goes on as: the installed one, or one that a release put in its place.

use std::{env, ffi::OsString, process::Command, sync::Arc, time::Duration};

use anyhow::{Context, Result};

use crate::{
    app::{Gate, Next, STARTED_FOR, StateDir},
    config::Config,
    osservice::LIFE,
};

/// Of this program.
const VERSION: &str = env!("CARGO_PKG_VERSION");

/// What a start goes on with.
pub(super) enum Start {
    /// This program; what opens with the first answer where it is on trial.
    Here(Option<Arc<Gate>>),
    /// Another one.
    There(Box<Other>),
}

/// Another program, and why it is started.
pub(super) struct Other {
    pub(super) command: Command,
    next: Next,
}

/// Whether this process was started in place of the installed program.
pub(super) fn is_started_for_release() -> bool {
    env::var_os(STARTED_FOR).is_some()
}

/// Decides it. A program that was started in place of the installed one goes on itself.
///
/// # Errors
/// When what was decided cannot be kept.
pub(super) fn choose(config: &Config) -> Result<Start> {
    let state = StateDir::new(&config.state_dir);
    if is_started_for_release() {
        return Ok(Start::Here(begin_trial(state)?));
    }
    let next = state
        .next_program(VERSION)
        .context("which program goes on cannot be noted; see that the state directory is writable and has room")?;
    let (Next::Staged(program) | Next::Trial(program, _)) = &next else {
        return Ok(Start::Here(None));
    };
    // Only the program that Windows starts speaks to its service control manager.
    let as_other = |argument: OsString| if argument == "service" { "run".into() } else { argument };
    #[expect(clippy::disallowed_methods, reason = "it is the agent itself, hashed a moment ago")]
    let mut command = Command::new(state.program(&program.sha256));
    command
        .args(env::args_os().skip(1).map(as_other))
        .env(STARTED_FOR, program.sha256.to_string());
    tracing::info!(target: LIFE, version = program.version, on_trial = matches!(next, Next::Trial(..)), "goes on as a release");
    Ok(Start::There(Box::new(Other { command, next })))
}

impl Other {
    /// Becomes the other program: the same process, for whoever started it. Returns only where that fails.
    #[cfg(unix)]
    pub(super) fn go_on(&mut self) -> std::io::Error {
        std::os::unix::process::CommandExt::exec(&mut self.command)
    }

    /// Lets the other program work, and ends as it does. Returns only where it cannot be started.
    #[cfg(windows)]
    pub(super) fn go_on(&mut self) -> std::io::Error {
        match self.command.status() {
            Ok(status) => std::process::exit(status.code().unwrap_or(super::EXIT_FAILED.into())),
            Err(error) => error,
        }
    }

    /// It cannot be started: the program before it is taken by the next start.
    pub(super) fn not_started(&self, config: &Config, error: &std::io::Error) -> Result<()> {
        tracing::error!(%error, "the program of a release cannot be started; the one before it is");
        let why = format!("it cannot be started: {error}");
        let kept = StateDir::new(&config.state_dir).not_started(&self.next, &why);
        kept.context("it cannot be noted that the program of a release does not start")
    }
}

/// What watches this process where it is on trial.
fn begin_trial(state: StateDir) -> Result<Option<Arc<Gate>>> {
    let started_for = env::var(STARTED_FOR).unwrap_or_default();
    let trial = state.update_record().trial;
    let Some(trial) = trial.filter(|trial| trial.program.sha256.to_string() == started_for) else {
        return Ok(None);
    };
    let seconds = trial.seconds;
    let too_late = move || {
        let mut record = state.update_record();
        if record.trial.is_none() {
            // The answer came in this very moment, and it is noted that this program stays.
            return;
        }
        let why = format!("no check-in of it was answered within {seconds} s");
        record.roll_back(&why);
        if let Err(error) = state.keep_update_record(&record) {
            // Its starts are counted, so it comes to an end all the same.
            tracing::error!(%error, "the end of the trial cannot be noted");
        }
        tracing::error!(target: LIFE, why, "this program gives way to the one before it");
        std::process::exit(super::EXIT_RESTART_ME.into());
    };
    let gate = Gate::watched(Duration::from_secs(seconds.into()), too_late);
    Ok(Some(gate.context("nothing can watch over the trial of this program")?))
}
