//! `cutover-agent run`: the service.

use std::{path::Path, process::ExitCode, sync::Arc};

use anyhow::{Context, Result, bail};

use crate::{
    act::Clock,
    app::{Agent, HostClock, Limits, LoopEnd, MakeHands, Parts, Pulse, StateDir},
    config::Config,
    host,
    link::Address,
    osservice,
};

pub(super) fn run(config: &Config) -> Result<ExitCode> {
    super::logging::start(config)?;
    let notifier = osservice::Notifier::of_this_process().map(Arc::new);
    let state = StateDir::new(&config.state_dir);
    state.settle_identity()?;
    let present = match state.identity().load()? {
        Some(present) => Some(present),
        None => super::enroll::at_first_start(&state)?,
    };
    let Some(identity) = present else {
        bail!(
            "this host is not enrolled ({} is not there); run `cutover-agent enroll --server HOST:PORT --ca-fingerprint \
             SHA256 --token TOKEN` first",
            state.identity().file().display()
        );
    };
    state.first_start_is_over()?;
    let servers = config
        .servers
        .iter()
        .map(|server| server.parse())
        .collect::<Result<Vec<Address>, _>>()?;
    let clock = HostClock::start();
    let parts = Parts {
        state,
        identity,
        servers,
        view: Arc::from(host::live()?),
        hands: live_hands(config, &clock),
        clock,
        hold_file: Some(config.hold_file.clone()),
        limits: Limits {
            memory_mib: config.memory_limit_mib,
            look_nice: config.look_nice,
            ..Limits::default()
        },
        pulse: notifier
            .clone()
            .map(|notifier| Box::new(osservice::Heart::new(notifier)) as Box<dyn Pulse>),
        cache_mib: config.cache_mib,
        metered_file: Some(config.metered_file.clone()),
        seed: seed()?,
    };
    let runtime = super::runtime()?;
    let ended = runtime.block_on(serve(parts, config, notifier.as_deref()));
    // An installer at work outlives the agent on purpose; nothing here waits for it.
    runtime.shutdown_background();
    ended
}

async fn serve(parts: Parts, config: &Config, notifier: Option<&osservice::Notifier>) -> Result<ExitCode> {
    let host = parts.identity.host_id();
    let agent = Agent::start(parts)?;
    let channel = osservice::Channel::bind(&config.socket).context("local channel")?;
    if let Some(notifier) = notifier {
        notifier.ready();
    }
    tracing::info!(%host, version = env!("CARGO_PKG_VERSION"), "agent runs");
    let told = tokio::select! {
        signal = osservice::until_told_to_end() => {
            tracing::info!(signal = signal.context("signals cannot be waited for")?, "told to end");
            true
        }
        () = agent.ended() => false,
        never = osservice::serve_users(&config.user_socket, Path::new(osservice::LOGINS), &agent) => match never {},
        never = channel.serve(&agent) => match never {},
    };
    if let Some(notifier) = notifier {
        notifier.stopping();
    }
    match (agent.shutdown().await, told) {
        (Some(LoopEnd::TooMuchMemory(why)), _) => {
            tracing::warn!(why, "the agent ends, to be started again");
            Ok(ExitCode::from(super::EXIT_RESTART_ME))
        }
        (Some(LoopEnd::NewIdentity), _) => Ok(ExitCode::from(super::EXIT_RESTART_ME)),
        (Some(LoopEnd::Told) | None, true) => Ok(ExitCode::SUCCESS),
        (Some(LoopEnd::Told) | None, false) => {
            bail!("the agent's loop ended by a fault of the program; its log has the cause")
        }
    }
}

fn live_hands(config: &Config, clock: &Arc<HostClock>) -> MakeHands {
    let (directory, clock) = (config.state_dir.clone(), clock.clone());
    Box::new(move || {
        let clock = clock.clone();
        let ticks = Arc::new(move || clock.ticks_ms());
        Ok(Box::new(host::hands::LinuxHands::new(&directory, ticks)))
    })
}

fn seed() -> Result<u64> {
    let mut bytes = [0; 8];
    ring::rand::SecureRandom::fill(&ring::rand::SystemRandom::new(), &mut bytes)
        .map_err(|_| anyhow::anyhow!("the system's source of randomness is not available"))?;
    Ok(u64::from_le_bytes(bytes))
}
