//! `cutover-agent seal`: makes this machine ready to be copied.

use std::{path::PathBuf, process::ExitCode};

use anyhow::{Result, bail};

use super::enroll::read_token;
use crate::{
    app::{PendingEnrolment, PendingError, StateDir},
    config::Config,
    link::{Address, Fingerprint},
};

/// Prepare an image: take this machine's identity, keys, journal and state away, and leave what each machine made from
/// it enrols with by itself when it first starts. Settings stay.
///
/// Refused while an agent runs here or a work order is not over. Running it again changes nothing. Exit code 0: sealed.
/// 1: refused or failed.
#[derive(Debug, Clone, clap::Args)]
pub(super) struct SealArgs {
    /// The agents' listener of the server; may be given several times [default: where this machine is enrolled].
    #[arg(long = "server", value_name = "HOST:PORT")]
    servers: Vec<Address>,
    /// The fingerprint of the server's authority [default: of the one that this machine is enrolled with].
    #[arg(long, value_name = "SHA256")]
    ca_fingerprint: Option<Fingerprint>,
    /// The token that each machine enrols with: good for as many uses as there will be machines, and as long. Other users can
    /// read arguments of a process: a file or the environment is better.
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
}

pub(super) fn run(arguments: &SealArgs, config: &Config) -> Result<ExitCode> {
    super::logging::start(config)?;
    let state = StateDir::new(&config.state_dir);
    let present = state.identity().load()?;
    let kept = match PendingEnrolment::load(&state) {
        // What is given, or the identity, may say all that is needed.
        Err(error @ PendingError::Damaged(..)) => {
            tracing::warn!(%error, "what an enrolment needs is kept anew");
            None
        }
        loaded => loaded?,
    };
    state.seal(&first_start(
        arguments,
        present.as_ref().map(PendingEnrolment::like),
        kept,
    )?)?;
    super::print("sealed: each machine made from this one enrols by itself when its agent first starts\n")?;
    if let Some(present) = present {
        super::print(&format!(
            "this machine was {}; on the server, `cutover hosts retire {} --why WHY` ends it\n",
            present.host_id(),
            present.host_id()
        ))?;
    }
    Ok(ExitCode::SUCCESS)
}

/// What was given, else what is known.
fn first_start(
    arguments: &SealArgs,
    present: Option<PendingEnrolment>,
    kept: Option<PendingEnrolment>,
) -> Result<PendingEnrolment> {
    let given = (arguments.token.is_some() || arguments.token_file.is_some())
        .then(|| read_token(arguments.token.as_ref(), arguments.token_file.as_ref()))
        .transpose()?;
    let known = present.or_else(|| kept.clone());
    let token = given.or_else(|| kept.map(|kept| kept.token));
    let servers = if arguments.servers.is_empty() {
        known.as_ref().map(|known| known.servers.clone()).unwrap_or_default()
    } else {
        arguments.servers.clone()
    };
    let pinned = arguments.ca_fingerprint.map(|fingerprint| fingerprint.to_string());
    let ca_fingerprint = pinned.or_else(|| known.map(|known| known.ca_fingerprint));
    match (servers.is_empty(), ca_fingerprint, token) {
        (false, Some(ca_fingerprint), Some(token)) => Ok(PendingEnrolment {
            servers,
            ca_fingerprint,
            token,
        }),
        (_, _, None) => bail!(
            "machines made from this one need a token: --token-file FILE, --token TOKEN or CUTOVER_AGENT_TOKEN; the server \
             makes one with `cutover token create --uses MACHINES --hours HOURS`"
        ),
        (_, _, Some(_)) => bail!("this machine is not enrolled: name the server by --server and --ca-fingerprint"),
    }
}
