//! The command line: arguments, exit codes, and what is printed. Data goes to standard output, messages to standard
//! error.

#[cfg(feature = "link")]
mod defer;
#[cfg(feature = "link")]
mod enroll;
#[cfg(feature = "link")]
mod logging;
#[cfg(all(feature = "link", windows))]
mod msi;
#[cfg(feature = "link")]
mod program;
#[cfg(feature = "link")]
mod run;
pub mod scan;
#[cfg(feature = "link")]
mod seal;
#[cfg(all(feature = "link", windows))]
mod service;
#[cfg(feature = "link")]
mod status;
mod telling;
#[cfg(all(feature = "link", any(target_os = "linux", target_os = "macos", windows)))]
mod uninstall;

use std::{io::Write, path::PathBuf, process::ExitCode};

#[cfg(feature = "link")]
use anyhow::Context;
use anyhow::Result;
use clap::{Parser, Subcommand};

#[cfg(feature = "link")]
use crate::config::{self, Config};

/// Refused or failed; clap itself ends with 2 where the command line is wrong.
const EXIT_FAILED: u8 = 1;

/// With this the agent ends itself, between two orders, and wants to be started again: it used more memory than it may, it
/// has another identity, or another program is to go on (EX_TEMPFAIL of sysexits.h). The unit names it too.
pub const EXIT_RESTART_ME: u8 = 75;

/// Looks for products that must go, and carries out what the server signed.
#[derive(Debug, Parser)]
#[command(name = "cutover-agent", version, about)]
pub struct Arguments {
    /// The configuration file; FILE.d/*.toml is read after it.
    #[arg(long, global = true, value_name = "FILE", env = "CUTOVER_AGENT_CONFIG")]
    config: Option<PathBuf>,
    /// Where the agent keeps its identity and its journal, in place of the configured directory.
    #[arg(long, global = true, value_name = "DIR")]
    state_dir: Option<PathBuf>,
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    Scan(scan::ScanArgs),
    #[cfg(feature = "link")]
    Enroll(enroll::EnrollArgs),
    /// Look, check in and carry out work orders, until told to stop.
    #[cfg(feature = "link")]
    Run,
    #[cfg(feature = "link")]
    Status(status::StatusArgs),
    #[cfg(all(feature = "link", any(target_os = "linux", target_os = "macos", windows)))]
    Uninstall(uninstall::UninstallArgs),
    #[cfg(feature = "link")]
    Defer(defer::DeferArgs),
    #[cfg(feature = "link")]
    Seal(seal::SealArgs),
    /// What the service control manager of Windows starts.
    #[cfg(all(feature = "link", windows))]
    #[command(hide = true)]
    Service,
    #[cfg(all(feature = "link", windows))]
    #[command(hide = true)]
    SetUp(service::SetUpArgs),
    /// What the agent starts to have Windows Installer asked.
    #[cfg(all(feature = "link", windows))]
    #[command(hide = true)]
    Msi,
}

impl Arguments {
    /// Does what the arguments ask for.
    ///
    /// `now_ms` is the host's clock, in milliseconds since the epoch.
    #[must_use]
    pub fn carry_out(self, now_ms: i64) -> ExitCode {
        #[cfg(all(feature = "link", target_os = "macos"))]
        shorten_log();
        match self.dispatch(now_ms) {
            Ok(code) => code,
            Err(error) => {
                // Where even standard error is closed there is nobody left to tell.
                let _ = writeln!(std::io::stderr(), "error: {}", telling::in_words(&error));
                ExitCode::from(EXIT_FAILED)
            }
        }
    }

    fn dispatch(&self, now_ms: i64) -> Result<ExitCode> {
        match &self.command {
            #[cfg(feature = "link")]
            Command::Scan(arguments) if arguments.is_signed() => {
                let state = crate::app::StateDir::new(self.settings()?.state_dir);
                scan::run_signed(arguments, &state.identity(), now_ms)
            }
            Command::Scan(arguments) => scan::run(arguments, now_ms),
            #[cfg(feature = "link")]
            Command::Enroll(arguments) => enroll::run(arguments, &self.own_settings()?),
            #[cfg(feature = "link")]
            Command::Run => run::run(&self.own_settings()?),
            #[cfg(feature = "link")]
            Command::Status(arguments) => status::run(arguments, &self.settings()?),
            #[cfg(all(feature = "link", any(target_os = "linux", target_os = "macos", windows)))]
            Command::Uninstall(arguments) => uninstall::run(*arguments, &self.settings()?),
            #[cfg(feature = "link")]
            Command::Defer(arguments) => defer::run(arguments, &self.settings()?),
            #[cfg(feature = "link")]
            Command::Seal(arguments) => seal::run(arguments, &self.own_settings()?),
            #[cfg(all(feature = "link", windows))]
            Command::Service => service::run(self.own_settings()),
            #[cfg(all(feature = "link", windows))]
            Command::SetUp(arguments) => service::set_up(arguments, || self.settings()),
            #[cfg(all(feature = "link", windows))]
            Command::Msi => msi::run(),
        }
    }

    /// The settings, for what works with the keys that they lead to.
    #[cfg(feature = "link")]
    fn own_settings(&self) -> Result<Config> {
        let config = self.settings()?;
        #[cfg(windows)]
        crate::osservice::windows::refuse_strangers(&config)?;
        Ok(config)
    }

    #[cfg(feature = "link")]
    fn settings(&self) -> Result<Config> {
        let environment = || {
            std::env::vars_os().filter_map(|(name, value)| {
                // What is not Unicode is none of our variables.
                Some((name.into_string().ok()?, value.into_string().ok()?))
            })
        };
        let file = self.config.clone().unwrap_or_else(config::default_file);
        let read = match Config::load(&file, self.config.is_some(), environment()) {
            // Users may ask the agent something, but its settings are for itself alone.
            Err(error) if self.config.is_none() && self.command.is_for_users() && error.is_denied() => {
                Config::of_environment(environment())
            }
            read => read,
        };
        let mut config = read.context("configuration")?;
        if let Some(state_dir) = &self.state_dir {
            let here = std::path::absolute(state_dir).context("the state directory cannot be made absolute")?;
            config.keep_state_in(here);
        }
        Ok(config)
    }
}

impl Command {
    #[cfg(feature = "link")]
    const fn is_for_users(&self) -> bool {
        matches!(self, Self::Defer(_))
    }
}

/// Before anything is written to it, also why the settings are wrong.
#[cfg(all(feature = "link", target_os = "macos"))]
fn shorten_log() {
    use crate::osservice::launchd::{LOG, is_daemon, shorten};
    if is_daemon()
        && let Err(error) = shorten(std::path::Path::new(LOG))
    {
        let _ = writeln!(std::io::stderr(), "warning: {LOG} cannot be shortened: {error}");
    }
}

#[cfg(feature = "link")]
fn print(text: &str) -> Result<()> {
    std::io::stdout().write_all(text.as_bytes()).context("cannot print")
}

/// What leads to servers and mirrors.
#[cfg(feature = "link")]
fn proxies(config: &Config) -> Result<crate::link::Proxies> {
    let set = &config.proxy;
    let file = set.credentials_file.as_ref().filter(|_| set.url.is_some());
    let credentials = file
        .map(|file| {
            std::fs::read_to_string(file)
                .with_context(|| format!("the proxy's credentials cannot be read from {}", file.display()))
        })
        .transpose()?;
    let settings = crate::link::ProxySettings {
        url: set.url.as_ref().map(|url| url.0.as_str()),
        place: &set.place,
        credentials: credentials.as_deref(),
        no_proxy: &set.no_proxy,
        is_off: set.is_off,
    };
    Ok(crate::link::Proxies::new(&settings)?)
}

/// One thread is enough for one host.
#[cfg(feature = "link")]
fn runtime() -> Result<tokio::runtime::Runtime> {
    tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .context("no runtime can be started")
}
