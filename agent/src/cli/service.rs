//! What the service control manager and the installer of Windows start.

use std::{fs, path::PathBuf, process::ExitCode};

use anyhow::{Context, Result, anyhow, bail};

use super::{
    program::{self, Start},
    telling::in_words,
};
use crate::{
    app::{PendingEnrolment, StateDir},
    config::Config,
    disk::LaidAside,
    link::{Address, Fingerprint},
    osservice::{
        LIFE, Manager,
        windows::{self, SERVICE},
    },
};

/// Run as the service of Windows; its service control manager starts this.
pub(super) fn run(settings: Result<Config>) -> Result<ExitCode> {
    let config = settings
        .inspect_err(|error| windows::tell_error(&format!("the service does not start: {}", in_words(error))))?;
    let work = move |manager: Manager| match work(&config, &manager) {
        Ok(()) => 0,
        Err(End::RestartMe) => super::EXIT_RESTART_ME,
        Err(End::Failed(error)) => {
            tracing::error!("{}", in_words(&error));
            super::EXIT_FAILED
        }
    };
    windows::run_as_service(work).with_context(|| {
        format!("this is for the service control manager; start the service ({SERVICE}), or use `run` at a console")
    })
}

enum End {
    RestartMe,
    Failed(anyhow::Error),
}

fn work(config: &Config, manager: &Manager) -> Result<(), End> {
    super::logging::start_service(config).map_err(End::Failed)?;
    let state = StateDir::new(&config.state_dir);
    if !state.knows_a_way_in() {
        // No failure, after which it would be started again and again: somebody enrols this host and starts it.
        manager.ready();
        tracing::info!(
            target: LIFE,
            "this host is not enrolled; run `cutover-agent enroll`, then start the service"
        );
        return Ok(());
    }
    loop {
        match program::choose(config).map_err(End::Failed)? {
            Start::Here(trial) => {
                return match super::run::work(config, manager, trial) {
                    Ok(code) if code == ExitCode::SUCCESS => Ok(()),
                    Ok(_) => Err(End::RestartMe),
                    Err(error) => Err(End::Failed(error)),
                };
            }
            Start::There(mut other) => {
                let runtime = super::runtime().map_err(End::Failed)?;
                match runtime.block_on(windows::work_as(&mut other.command, manager)) {
                    Ok(Some(status)) if status.success() => return Ok(()),
                    Ok(Some(status)) if status.code() == Some(super::EXIT_RESTART_ME.into()) => {
                        return Err(End::RestartMe);
                    }
                    Ok(Some(status)) => {
                        return Err(End::Failed(anyhow!("the program of a release ended with {status}")));
                    }
                    Ok(None) => return Err(End::Failed(anyhow!("the program of a release does not end"))),
                    Err(error) => other.not_started(config, &error).map_err(End::Failed)?,
                }
            }
        }
    }
}

/// Set an installation up: the installer runs this. An empty value is none.
#[derive(Debug, Clone, clap::Args)]
pub(super) struct SetUpArgs {
    /// The agents' listeners of the server, with commas, in the order in which they are to be tried.
    #[arg(long, value_name = "HOST:PORT", default_value = "")]
    server: String,
    /// The fingerprint of the server's authority.
    #[arg(long, value_name = "SHA256", default_value = "")]
    ca_fingerprint: String,
    /// The token that the server printed.
    #[arg(long, value_name = "TOKEN", default_value = "", hide_default_value = true)]
    token: String,
    /// Reads the token from a file.
    #[arg(long, value_name = "FILE", default_value = "")]
    token_file: String,
}

/// Whatever others had put where the settings are is out of the way before `settings` reads them.
pub(super) fn set_up(arguments: &SetUpArgs, settings: impl FnOnce() -> Result<Config>) -> Result<ExitCode> {
    // The installer shows nobody what a program prints, so the Application log has it too.
    let tell =
        |error: &anyhow::Error| windows::tell_error(&format!("the installation cannot be set up: {}", in_words(error)));
    let aside = windows::make_room().map_err(anyhow::Error::from).inspect_err(tell)?;
    let config = settings().inspect_err(tell)?;
    super::logging::start_service(&config)?;
    for LaidAside { from, to } in aside {
        tracing::warn!(
            "{} belonged neither to SYSTEM nor to administrators; it lies in {} now, and nothing in it was read: look at it, and \
             delete it",
            from.display(),
            to.display()
        );
    }
    let lacking = arguments
        .pending()
        .and_then(|pending| Ok(windows::set_up(&config, pending.as_ref())?))
        .inspect_err(tell)?;
    for lack in lacking {
        tracing::warn!("{lack}; the agent does without");
    }
    Ok(ExitCode::SUCCESS)
}

impl SetUpArgs {
    fn pending(&self) -> Result<Option<PendingEnrolment>> {
        let servers = self
            .server
            .split([',', ';'])
            .map(str::trim)
            .filter(|server| !server.is_empty());
        let servers = servers.map(str::parse).collect::<Result<Vec<Address>, _>>();
        let servers = servers.context("SERVER")?;
        let fingerprint = self.ca_fingerprint.trim();
        let token = match (self.token.trim(), self.token_file.trim()) {
            ("", "") => String::new(),
            ("", file) => {
                let file = PathBuf::from(file);
                let read = fs::read_to_string(&file);
                read.with_context(|| format!("TOKEN_FILE: {}", file.display()))?
            }
            (token, _) => token.to_owned(),
        };
        match (servers.is_empty(), fingerprint, token.trim()) {
            (true, "", "") => Ok(None),
            (false, fingerprint, token) if !fingerprint.is_empty() && !token.is_empty() => {
                let fingerprint: Fingerprint = fingerprint.parse().context("CA_FINGERPRINT")?;
                Ok(Some(PendingEnrolment::new(&servers, fingerprint, token)))
            }
            _ => bail!("SERVER, CA_FINGERPRINT and TOKEN or TOKEN_FILE are needed together"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn arguments(server: &str, ca_fingerprint: &str, token: &str) -> SetUpArgs {
        SetUpArgs {
            server: server.to_owned(),
            ca_fingerprint: ca_fingerprint.to_owned(),
            token: token.to_owned(),
            token_file: String::new(),
        }
    }

    #[test]
    fn an_enrolment_is_asked_for_by_all_properties_or_by_none() {
        let fingerprint = "ab".repeat(32);
        assert_eq!(arguments("", "", "").pending().unwrap(), None);
        let servers = [
            "a.example.org:7443".parse().unwrap(),
            "b.example.org:7443".parse().unwrap(),
        ];
        let whole = PendingEnrolment::new(&servers, fingerprint.parse().unwrap(), "t");
        let asked = arguments("a.example.org:7443, b.example.org:7443", &fingerprint, " t\r\n");
        assert_eq!(asked.pending().unwrap(), Some(whole));
        for (server, fingerprint, token) in [
            ("a.example.org:7443", fingerprint.as_str(), ""),
            ("a.example.org:7443", "", "t"),
            ("", fingerprint.as_str(), "t"),
        ] {
            let refused = arguments(server, fingerprint, token).pending().unwrap_err();
            assert!(refused.to_string().contains("together"), "{refused}");
        }
        let refused = arguments("a.example.org:7443", "ab", "secret").pending().unwrap_err();
        assert!(format!("{refused:#}").contains("CA_FINGERPRINT"));
        assert!(!format!("{refused:#}").contains("secret"));
    }
}
