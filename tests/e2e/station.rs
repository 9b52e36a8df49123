//! A booted machine that carries the products as running services, with the agent as a service of its own.

use std::fs;
use std::time::Duration;

use anyhow::Result;
use cutover_tests::harness::clock::wait_until;
use cutover_tests::harness::machine::{Machine, Network, Setup};
use cutover_tests::harness::process::Finished;
use cutover_tests::harness::{archive, binaries, eicar, packages};

use crate::server::Server;

pub(super) const LIMIT: Duration = Duration::from_secs(240);

const AGENT: &str = "/usr/bin/cutover-agent";

/// What the agent's process is called.
const PROCESS: &str = "cutover-agent";

/// Its unit. Killed, it is back at once, and what it had started runs on.
const UNIT: &str = "\
[Unit]
Description=Cutover agent
After=network.target
ConditionPathExists=/var/lib/cutover/agent/identity/identity.json
StartLimitIntervalSec=0

[Service]
ExecStart=/usr/bin/cutover-agent run
Environment=CUTOVER_AGENT_LOG_LEVEL=info,cutover_agent=debug
StandardError=append:/var/log/cutover-agent.log
StandardOutput=append:/var/log/cutover-agent.log
Restart=always
RestartSec=200ms
KillMode=process
UMask=0022

[Install]
WantedBy=multi-user.target
";

/// The machine. Dropping it ends all that runs on it.
pub(super) struct Station {
    pub(super) machine: Machine,
}

impl Station {
    /// Booted, with products, archive and agent on it; the agent has no identity yet.
    pub(super) fn set_up(hostname: &str, volumes: &[(&str, u64)]) -> Result<Self> {
        let mut machine = Machine::assemble(&Setup {
            hostname,
            network: Network::Own,
            volumes,
        })?;
        packages::plant(&machine)?;
        archive::plant(&machine)?;
        eicar::plant_database(&machine)?;
        machine.place_program(&binaries::agent()?, AGENT)?;
        fs::write(machine.outside("/etc/systemd/system/cutover-agent.service"), UNIT)?;
        machine
            .run(&["systemctl", "enable", "cutover-agent.service"], LIMIT)?
            .succeeded()?;
        machine.boot()?;
        Ok(Self { machine })
    }

    /// Enrols it, as an administrator would, at the far end of its cable.
    pub(super) fn enroll(&mut self, server: &Server, token: &str) -> Result<Finished> {
        let address = format!("192.0.2.1:{}", server.port());
        let line = [
            AGENT,
            "enroll",
            "--server",
            &address,
            "--ca-fingerprint",
            server.fingerprint(),
            "--token",
            token,
        ];
        self.machine.run(&line, LIMIT)
    }

    /// Starts the service.
    pub(super) fn start_agent(&self) -> Result<()> {
        self.machine
            .run(&["systemctl", "start", "cutover-agent.service"], LIMIT)?
            .succeeded()?;
        wait_until("the agent's service runs", LIMIT, || {
            Ok(self.machine.process(PROCESS)?.is_some())
        })
    }

    /// What the agent has logged.
    pub(super) fn agent_log(&self) -> String {
        fs::read_to_string(self.machine.outside("/var/log/cutover-agent.log")).unwrap_or_default()
    }

    /// `cutover-agent scan` on the machine itself.
    pub(super) fn scan(&self) -> Result<Finished> {
        self.machine.run(&[AGENT, "scan"], LIMIT)
    }

    /// systemd's word for a unit.
    pub(super) fn unit(&self, unit: &str) -> Result<String> {
        let asked = self.machine.run(&["systemctl", "is-active", unit], LIMIT)?;
        Ok(asked.stdout.trim().to_owned())
    }
}
