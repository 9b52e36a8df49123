//! `cutover-agent run`: the service.

use std::{process::ExitCode, sync::Arc};

use anyhow::{Context, Result, bail};

use super::program::{self, Start};
#[cfg(any(target_os = "linux", windows))]
use crate::act::Clock;
use crate::{
    app::{Agent, Gate, HostClock, Limits, LoopEnd, MakeHands, Parts, PendingEnrolment, StateDir},
    config::Config,
    detect, host,
    link::{Address, Identity},
    osservice::{self, LIFE, Manager},
};

pub(super) fn run(config: &Config) -> Result<ExitCode> {
    #[cfg(windows)]
    if program::is_started_for_release() {
        super::logging::start_service(config)?;
    } else {
        super::logging::start(config)?;
    }
    #[cfg(unix)]
    super::logging::start(config)?;
    #[cfg(target_os = "macos")]
    if osservice::launchd::is_daemon() && !StateDir::new(&config.state_dir).knows_a_way_in() {
        // No failure, after which launchd would start it again and again: somebody enrols this host and starts it.
        tracing::info!(target: LIFE, "this host is not enrolled; run `cutover-agent enroll`, then start the daemon");
        return Ok(ExitCode::SUCCESS);
    }
    let trial = loop {
        match program::choose(config)? {
            Start::Here(trial) => break trial,
            Start::There(mut other) => {
                let error = other.go_on();
                other.not_started(config, &error)?;
            }
        }
    };
    work(config, &Manager::of_this_process(), trial)
}

/// Everything from the enrolment that may be due to the end that somebody asks for.
pub(super) fn work(config: &Config, manager: &Manager, trial: Option<Arc<Gate>>) -> Result<ExitCode> {
    let state = StateDir::new(&config.state_dir);
    if state.has_left() {
        return super::runtime()?.block_on(leave(manager));
    }
    state.settle_identity()?;
    let present = state.identity().load()?;
    if present.is_some()
        && let Err(error) = PendingEnrolment::forget(&state)
    {
        tracing::warn!(%error, "a token of the enrolment stays on this disk; delete it");
    }
    let runtime = super::runtime()?;
    let ended = runtime.block_on(async {
        let identity = match present {
            Some(present) => Some(present),
            None => enrolled_later(&state, config, manager).await?,
        };
        match identity {
            Some(identity) => serve(parts(config, state, identity, manager, trial)?, config, manager).await,
            // Told to end before there was one.
            None => Ok(ExitCode::SUCCESS),
        }
    });
    // An installer at work outlives the agent on purpose; nothing here waits for it.
    runtime.shutdown_background();
    ended
}

/// What the enrolment gives that was asked for. None where the end comes before that.
async fn enrolled_later(state: &StateDir, config: &Config, manager: &Manager) -> Result<Option<Identity>> {
    let Some(pending) = PendingEnrolment::load(state)? else {
        bail!(
            "this host is not enrolled ({} is not there); run `cutover-agent enroll --server HOST:PORT --ca-fingerprint \
             SHA256 --token TOKEN` first",
            state.identity().file().display()
        );
    };
    let (view, proxies) = (host::live()?, super::proxies(config)?);
    let enrolment = async {
        manager.ready();
        tracing::info!(target: LIFE, "this host is about to enrol");
        pending.enrol(state, proxies, || detect::host_facts(&view).into()).await
    };
    tokio::select! {
        // First, so that whoever was told ready can end it.
        biased;
        told = manager.told_to_end() => {
            tracing::info!(target: LIFE, signal = told.context("signals cannot be waited for")?, "told to end");
            manager.stopping();
            Ok(None)
        }
        enrolled = enrolment => {
            let enrolled = enrolled?;
            tracing::info!(target: LIFE, host = %enrolled.host_id(), "enrolled");
            Ok(Some(enrolled))
        }
    }
}

fn parts(
    config: &Config,
    state: StateDir,
    identity: Identity,
    manager: &Manager,
    trial: Option<Arc<Gate>>,
) -> Result<Parts> {
    let servers = config
        .servers
        .iter()
        .map(|server| server.parse())
        .collect::<Result<Vec<Address>, _>>()?;
    let clock = HostClock::start();
    Ok(Parts {
        state,
        identity,
        servers,
        proxies: super::proxies(config)?,
        view: Arc::from(host::live()?),
        hands: live_hands(config, &clock),
        clock,
        hold_file: Some(config.hold_file.clone()),
        limits: Limits {
            memory_mib: config.memory_limit_mib,
            look_nice: config.look_nice,
            ..Limits::default()
        },
        pulse: manager.pulse(),
        cache_mib: config.cache_mib,
        metered_file: Some(config.metered_file.clone()),
        trial,
        can_leave: can_leave(),
        seed: seed()?,
    })
}

async fn serve(parts: Parts, config: &Config, manager: &Manager) -> Result<ExitCode> {
    let host = parts.identity.host_id();
    let agent = Agent::start(parts)?;
    let channel = osservice::Channel::bind(&config.socket).context("local channel")?;
    manager.ready();
    tracing::info!(target: LIFE, %host, version = env!("CARGO_PKG_VERSION"), "agent runs");
    #[cfg(unix)]
    let users = osservice::serve_users(&config.user_socket, std::path::Path::new(osservice::LOGINS), &agent);
    #[cfg(windows)]
    let users = osservice::windows::serve_users(&config.user_socket, &agent);
    let told = tokio::select! {
        signal = manager.told_to_end() => {
            tracing::info!(target: LIFE, signal = signal.context("signals cannot be waited for")?, "told to end");
            true
        }
        () = agent.ended() => false,
        never = users => match never {},
        never = channel.serve(&agent) => match never {},
    };
    manager.stopping();
    match (agent.shutdown().await, told) {
        (Some(LoopEnd::TooMuchMemory(why)), _) => {
            tracing::warn!(why, "the agent ends, to be started again");
            Ok(ExitCode::from(super::EXIT_RESTART_ME))
        }
        // One that has left is taken away by its next start, which does nothing else: it holds no journal and no channel.
        (Some(LoopEnd::NewIdentity | LoopEnd::NewProgram(_) | LoopEnd::Left), _) => {
            Ok(ExitCode::from(super::EXIT_RESTART_ME))
        }
        (Some(LoopEnd::Told) | None, true) => Ok(ExitCode::SUCCESS),
        (Some(LoopEnd::Told) | None, false) => {
            bail!("the agent's loop ended by a fault of the program; its log has the cause")
        }
    }
}

/// How long the removal may take to end this service; after that it is begun again.
#[cfg(target_os = "linux")]
const REMOVED_WITHIN: std::time::Duration = std::time::Duration::from_secs(150);

#[cfg(target_os = "linux")]
fn can_leave() -> bool {
    osservice::can_leave()
}

/// No way was built for it here, so nobody is asked to.
#[cfg(not(target_os = "linux"))]
const fn can_leave() -> bool {
    false
}

/// This host has left: the agent takes itself away, and waits to be ended by that. It neither looks nor calls any more.
#[cfg(target_os = "linux")]
async fn leave(manager: &Manager) -> Result<ExitCode> {
    manager.ready();
    let removal = async {
        match tokio::task::spawn_blocking(osservice::take_leave).await {
            Ok(Ok(by)) => tracing::info!(target: LIFE, by, "this host has left; the agent is taken off it"),
            Ok(Err(error)) => tracing::error!(%error, "the agent is not taken off this machine yet; it is tried again"),
            Err(error) => tracing::error!(%error, "the removal of the agent met a fault of the program"),
        }
        tokio::time::sleep(REMOVED_WITHIN).await;
    };
    let ended = tokio::select! {
        // First: the removal ends this service at once, and a signal that nobody waits for yet is lost.
        biased;
        told = manager.told_to_end() => told.map(|_| ExitCode::SUCCESS),
        () = removal => Ok(ExitCode::from(super::EXIT_RESTART_ME)),
    };
    manager.stopping();
    ended.context("signals cannot be waited for")
}

/// Nobody asks an agent to leave that does not say that it can; one that was told so by a state directory of another system's
/// does nothing any more all the same.
#[cfg(not(target_os = "linux"))]
async fn leave(manager: &Manager) -> Result<ExitCode> {
    manager.ready();
    tracing::error!(target: LIFE, "this host has left; uninstall the agent by hand");
    manager.told_to_end().await.context("signals cannot be waited for")?;
    Ok(ExitCode::SUCCESS)
}

#[cfg(target_os = "linux")]
fn live_hands(config: &Config, clock: &Arc<HostClock>) -> MakeHands {
    let (directory, clock) = (config.state_dir.clone(), clock.clone());
    Box::new(move || {
        let clock = clock.clone();
        let ticks = Arc::new(move || clock.ticks_ms());
        Ok(Box::new(host::hands::LinuxHands::new(&directory, ticks)))
    })
}

#[cfg(windows)]
fn live_hands(config: &Config, clock: &Arc<HostClock>) -> MakeHands {
    let (directory, clock) = (config.state_dir.clone(), clock.clone());
    Box::new(move || {
        let clock = clock.clone();
        let ticks = Arc::new(move || clock.ticks_ms());
        let program = std::env::current_exe().map_err(|error| format!("this program's own path: {error}"))?;
        Ok(Box::new(host::hands::WindowsHands::new(&directory, program, ticks)))
    })
}

#[cfg(not(any(target_os = "linux", windows)))]
fn live_hands(_: &Config, _: &Arc<HostClock>) -> MakeHands {
    Box::new(|| Err("this version of the agent changes nothing on this system".to_owned()))
}

fn seed() -> Result<u64> {
    let mut bytes = [0; 8];
    ring::rand::SecureRandom::fill(&ring::rand::SystemRandom::new(), &mut bytes)
        .map_err(|_| anyhow::anyhow!("the system's source of randomness is not available"))?;
    Ok(u64::from_le_bytes(bytes))
}
