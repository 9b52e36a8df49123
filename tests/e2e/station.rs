//! A booted machine that carries the products as running services, with the agent as a service of its own.

use std::fs;
use std::time::Duration;

use anyhow::Result;
use cutover_tests::harness::clock::wait_until;
use cutover_tests::harness::debian_root::DebianRoot;
use cutover_tests::harness::machine::{Machine, Network, Setup};
use cutover_tests::harness::process::{Finished, Running};
use cutover_tests::harness::{archive, binaries, eicar, packages, release};

use crate::server::Server;

pub(super) const LIMIT: Duration = Duration::from_secs(240);

const AGENT: &str = "/usr/bin/cutover-agent";

/// What the agent's process is called.
const PROCESS: &str = "cutover-agent";

/// Where the agent writes down what it does.
const JOURNAL: &str = "/var/lib/cutover/agent/journal";

/// What the tests want otherwise than the unit that is shipped: more words, in a file, and no pause after a kill.
const DROP_IN: &str = "\
[Service]
Environment=CUTOVER_AGENT_LOG_LEVEL=info,cutover_agent=debug
StandardError=append:/var/log/cutover-agent.log
StandardOutput=append:/var/log/cutover-agent.log
RestartSec=200ms
";

/// The machine. Dropping it ends all that runs on it.
pub(super) struct Station {
    pub(super) machine: Machine,
}

/// A root with products, archive and agent in it, ready to boot; several stations may be copies of it.
pub(super) fn prepared() -> Result<DebianRoot> {
    let root = DebianRoot::fresh("prepared")?;
    packages::plant(&root)?;
    archive::plant(&root)?;
    eicar::plant_database(&root)?;
    release::install(&root, "agent", &binaries::agent()?)?;
    let drop_in = root.outside("/etc/systemd/system/cutover-agent.service.d");
    fs::create_dir_all(&drop_in)?;
    fs::write(drop_in.join("tests.conf"), DROP_IN)?;
    Ok(root)
}

impl Station {
    /// Booted from a copy of such a root; the agent has no identity yet.
    pub(super) fn boot(prepared: &DebianRoot, hostname: &str, volumes: &[(&str, u64)]) -> Result<Self> {
        let setup = Setup {
            hostname,
            network: Network::Own,
            volumes,
        };
        let mut machine = Machine::assemble_from(prepared, &setup)?;
        archive::make_it_the_only_one(&machine)?;
        machine.boot()?;
        Ok(Self { machine })
    }

    /// Enrols it, as an administrator would, at the far end of its cable.
    pub(super) fn enroll(&self, server: &Server, token: &str) -> Result<Finished> {
        let line = enrolment(server, token);
        self.machine.run(&line.each_ref().map(String::as_str), LIMIT)
    }

    /// The same without waiting for its end.
    pub(super) fn start_to_enroll(&self, server: &Server, token: &str) -> Result<Running> {
        let line = enrolment(server, token);
        let log = self.machine.outside("/var/log/enroll.log");
        self.machine.spawn(&line.each_ref().map(String::as_str), &[], &log)
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

    /// Stops the service.
    pub(super) fn stop_agent(&self) -> Result<()> {
        let stop = ["systemctl", "stop", "cutover-agent.service"];
        self.machine.run(&stop, LIMIT)?.succeeded()?;
        Ok(())
    }

    /// Kills the agent as a crash would; systemd starts it again.
    pub(super) fn kill_agent(&self) -> Result<()> {
        self.machine.kill(PROCESS)
    }

    /// The journal as it lies on the disk.
    pub(super) fn journal(&self) -> String {
        fs::read_to_string(self.machine.outside(JOURNAL)).unwrap_or_default()
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

fn enrolment(server: &Server, token: &str) -> [String; 8] {
    let address = format!("192.0.2.1:{}", server.port());
    let fingerprint = server.fingerprint();
    [
        AGENT,
        "enroll",
        "--server",
        &address,
        "--ca-fingerprint",
        fingerprint,
        "--token",
        token,
    ]
    .map(str::to_owned)
}
