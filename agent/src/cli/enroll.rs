//! `cutover-agent enroll`: gets this host an identity.

use std::{fs, path::PathBuf, process::ExitCode};

use anyhow::{Context, Result, bail};

use crate::{
    act::Journal,
    app::{PendingEnrolment, StateDir},
    config::Config,
    detect, host,
    link::{self, Address, EnrollParts, Fingerprint, Identity},
};

/// Get this host an identity from the server.
///
/// Exit code 0: the host is enrolled. 1: refused or failed; asking again with the same token costs no second use of it.
#[derive(Debug, Clone, clap::Args)]
pub(super) struct EnrollArgs {
    /// The agents' listener of the server; may be given several times, in the order in which they are to be tried.
    #[arg(long = "server", value_name = "HOST:PORT", required = true)]
    servers: Vec<Address>,
    /// The fingerprint of the server's authority, as `cutover init` printed it.
    #[arg(long, value_name = "SHA256")]
    ca_fingerprint: Fingerprint,
    /// The token that the server printed. Other users can read arguments of a process: a file or the environment is
    /// better.
    #[arg(long, value_name = "TOKEN", env = "CUTOVER_AGENT_TOKEN", hide_env_values = true)]
    token: Option<String>,
    /// Reads the token from a file.
    #[arg(
        long,
        value_name = "FILE",
        env = "CUTOVER_AGENT_TOKEN_FILE",
        conflicts_with = "token"
    )]
    token_file: Option<PathBuf>,
    /// Gives up the identity that this host has, and gets it another one.
    #[arg(long)]
    again: bool,
    /// Only keeps what enrolment needs: the service enrols this host when it runs, as soon as it reaches a server. The file
    /// with the token is for the agent alone and goes then. Of a host that is enrolled nothing is changed.
    #[arg(long, conflicts_with = "again")]
    later: bool,
}

pub(super) fn run(arguments: &EnrollArgs, config: &Config) -> Result<ExitCode> {
    super::logging::start(config)?;
    let state = StateDir::new(&config.state_dir);
    let token = arguments.token()?;
    if arguments.later {
        return later(arguments, &state, &token);
    }
    // An enrolment that was ended in the middle is carried through first.
    if state.settle_identity()? && !arguments.again {
        return enrolled_as(&state, state.identity().load()?.as_ref());
    }
    let present = match state.identity().load() {
        Ok(present) => present,
        // Asked to give up what is there, readable or not.
        Err(error) if arguments.again => {
            tracing::warn!(%error, "the present identity is given up unread");
            None
        }
        Err(error) => return Err(error.into()),
    };
    if let Some(present) = &present
        && !arguments.again
    {
        bail!(
            "this host is enrolled as {}; run `cutover-agent run`, or add --again to give that identity up",
            present.host_id()
        );
    }
    let enrolled = enrolled(arguments, config, &state, &token)?;
    state
        .settle_identity()
        .context("enrolled; the agent goes on as the new host once this is mended, and nothing is lost")?;
    enrolled_as(&state, Some(&enrolled))
}

fn enrolled_as(state: &StateDir, identity: Option<&Identity>) -> Result<ExitCode> {
    PendingEnrolment::forget(state).context("enrolled, but a token that was kept stays on this disk; delete it")?;
    if let Some(identity) = identity {
        super::print(&format!("enrolled as {}\n", identity.host_id()))?;
    }
    Ok(ExitCode::SUCCESS)
}

fn later(arguments: &EnrollArgs, state: &StateDir, token: &str) -> Result<ExitCode> {
    if state.identity().file().exists() {
        super::print("this host is enrolled; nothing is changed\n")?;
        return Ok(ExitCode::SUCCESS);
    }
    PendingEnrolment::new(&arguments.servers, arguments.ca_fingerprint, token)
        .keep(state)
        .with_context(|| format!("what enrolment needs cannot be kept in {}", state.path().display()))?;
    super::print("the service enrols this host when it runs\n")?;
    Ok(ExitCode::SUCCESS)
}

/// Gets an identity that waits to be put in force: the journal of a host before is laid aside first.
fn enrolled(arguments: &EnrollArgs, config: &Config, state: &StateDir, token: &str) -> Result<Identity> {
    // Holds the journal's lock: no agent may be at work under the identity that goes.
    let lock = state.has_journal().then(|| Journal::open(state.path())).transpose();
    let lock = lock.context("the agent has to be stopped before it is enrolled again")?;
    let view = host::live()?;
    let parts = EnrollParts {
        dir: &state.identity(),
        servers: &arguments.servers,
        proxies: super::proxies(config)?,
        ca_fingerprint: arguments.ca_fingerprint,
        token,
        facts: detect::host_facts(&view).into(),
        agent_version: env!("CARGO_PKG_VERSION"),
    };
    let enrolled = super::runtime()?.block_on(link::enroll_next(parts))?;
    drop(lock);
    Ok(enrolled)
}

impl EnrollArgs {
    fn token(&self) -> Result<String> {
        read_token(self.token.as_ref(), self.token_file.as_ref())
    }
}

/// The token that was given, or the one in the file.
pub(super) fn read_token(given: Option<&String>, file: Option<&PathBuf>) -> Result<String> {
    let token = match (given, file) {
        (Some(token), _) => token.clone(),
        (None, Some(file)) => {
            fs::read_to_string(file).with_context(|| format!("the token cannot be read from {}", file.display()))?
        }
        (None, None) => bail!(
            "a token is needed: --token-file FILE, --token TOKEN or CUTOVER_AGENT_TOKEN; the server makes one with \
                 `cutover token create`"
        ),
    };
    let token = token.trim().to_owned();
    if token.is_empty() {
        bail!("the token is empty");
    }
    Ok(token)
}
