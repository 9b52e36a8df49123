//! The sandboxed hosts: each the real agent over a planted directory, with its own identity and connection.

use std::{
    net::SocketAddr,
    path::{Path, PathBuf},
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicI64, Ordering},
    },
    time::Duration,
};

use anyhow::Context;
use cutover_agent::{
    app::{Agent, Handle, HostClock, Limits, Parts, StateDir},
    detect::host_facts,
    host::sandbox::{self, SandboxHands, SandboxView},
    link::{self, EnrollParts, Proxies},
};
use cutover_core::plan::Phase;

use super::cast::{Awkward, Part};
use crate::{
    clock::Clock,
    service::{HostFilter, Service, TokenMade},
};

/// How long the host that comes back is away, in real time.
const AWAY_MS: i64 = 6_000;

/// By how much the user puts the restart off, in the campaign's time.
const PUT_OFF_BY: Duration = Duration::from_secs(10 * 60);

/// All hosts of the demo.
pub(super) struct Fleet {
    hosts: Vec<Member>,
}

struct Member {
    name: String,
    awkward: Awkward,
    agent: Handle,
    /// Whether its awkward act is over, or it has none.
    acted: AtomicBool,
    left_ms: AtomicI64,
}

impl Fleet {
    /// Plants, enrols and starts every host.
    pub(super) async fn enrol(
        cast: &[Part],
        dir: &Path,
        server: SocketAddr,
        token: &TokenMade,
    ) -> anyhow::Result<Self> {
        let mut hosts = Vec::new();
        for part in cast {
            let name = part.profile.hostname.clone();
            let root = dir.join(&name);
            let member = Member::start(part, &root, server, token).await;
            hosts.push(member.with_context(|| format!("host {name}"))?);
        }
        Ok(Self { hosts })
    }

    /// Lets the awkward ones leave and come back at their moment.
    pub(super) async fn direct(&self, service: &Service) -> anyhow::Result<()> {
        for host in self.hosts.iter().filter(|host| !host.acted.load(Ordering::Relaxed)) {
            host.direct(service).await?;
        }
        Ok(())
    }

    /// Whether some host has its awkward act still before it.
    pub(super) fn is_waiting_to_act(&self) -> bool {
        self.hosts.iter().any(|host| !host.acted.load(Ordering::Relaxed))
    }

    /// Ends every agent.
    pub(super) async fn stop(self) {
        for host in self.hosts {
            host.agent.shutdown().await;
        }
    }
}

impl Member {
    async fn start(part: &Part, root: &Path, server: SocketAddr, token: &TokenMade) -> anyhow::Result<Self> {
        let (machine, state) = (root.join("machine"), StateDir::new(root.join("agent")));
        let view = plant(machine.clone(), part).await?;
        let facts = host_facts(&view);
        let identity = link::enroll(EnrollParts {
            dir: &state.identity(),
            servers: &[server.to_string().parse()?],
            proxies: Proxies::none(),
            ca_fingerprint: token.ca_fingerprint.parse()?,
            token: &token.token,
            facts: facts.into(),
            agent_version: env!("CARGO_PKG_VERSION"),
        })
        .await?;
        let agent = Agent::start(Parts {
            state,
            identity,
            servers: Vec::new(),
            proxies: Proxies::none(),
            view: Arc::new(view),
            hands: Box::new(move || match SandboxHands::open(&machine) {
                Ok(hands) => Ok(Box::new(hands)),
                Err(error) => Err(error.to_string()),
            }),
            clock: HostClock::start(),
            hold_file: None,
            // All agents of the demo are one process.
            limits: Limits::default(),
            pulse: None,
            cache_mib: cutover_agent::config::DEFAULT_CACHE_MIB,
            metered_file: None,
            trial: None,
            can_leave: false,
            seed: u64::from_str_radix(&part.profile.machine_id[16..], 16)?,
        })?;
        let acts = matches!(
            part.awkward,
            Awkward::AwayAndBack | Awkward::AwayForGood | Awkward::PutsOff
        );
        Ok(Self {
            name: part.profile.hostname.clone(),
            awkward: part.awkward,
            agent,
            acted: AtomicBool::new(!acts),
            left_ms: AtomicI64::new(0),
        })
    }

    /// Those that leave do so in the middle of their migration; the user puts the restart off while it is announced.
    async fn direct(&self, service: &Service) -> anyhow::Result<()> {
        if self.awkward == Awkward::PutsOff && self.agent.restart().await.is_some_and(|due| due.comes_ms.is_some()) {
            if let Some(Err(refused)) = self.agent.defer(PUT_OFF_BY).await {
                anyhow::bail!("{}: the restart was not put off: {refused}", self.name);
            }
            self.acted.store(true, Ordering::Relaxed);
            return Ok(());
        }
        let left_ms = self.left_ms.load(Ordering::Relaxed);
        let now_ms = Clock::system().now_ms();
        if left_ms == 0 {
            let filter = HostFilter {
                name: Some(self.name.clone()),
                ..HostFilter::default()
            };
            let listed = service.hosts(filter).await?.hosts;
            let phase = listed.first().map(|host| host.phase.as_str());
            if self.awkward == Awkward::PutsOff {
                // A user who came too late has nothing left to put off.
                let is_over = phase == Some(Phase::Migrated.as_str());
                self.acted.store(is_over, Ordering::Relaxed);
                return Ok(());
            }
            let for_good = self.awkward == Awkward::AwayForGood;
            let moment = if for_good { Phase::Queued } else { Phase::Migrating };
            if phase == Some(moment.as_str()) {
                self.agent.set_online(false);
                self.left_ms.store(now_ms, Ordering::Relaxed);
            } else if phase == Some(Phase::Migrated.as_str()) {
                // It was quicker than this look at it: there is nothing left to be awkward about.
                self.acted.store(true, Ordering::Relaxed);
            }
        } else if self.awkward == Awkward::AwayForGood {
            self.acted.store(true, Ordering::Relaxed);
        } else if now_ms - left_ms > AWAY_MS {
            self.agent.set_online(true);
            self.acted.store(true, Ordering::Relaxed);
        }
        Ok(())
    }
}

async fn plant(machine: PathBuf, part: &Part) -> anyhow::Result<SandboxView> {
    let profile = part.profile.clone();
    let planted = tokio::task::spawn_blocking(move || {
        sandbox::plant(&machine, &profile)?;
        SandboxView::open(&machine)
    });
    Ok(planted.await??)
}
