//! A machine that carries the products: a Debian root with the agent's own binary in it.

use std::time::Duration;

use anyhow::{Context, Result, ensure};
use cutover_tests::harness::debian_root::DebianRoot;
use cutover_tests::harness::process::{Finished, Running, run, tool};
use cutover_tests::harness::rpm_root::{self, Distribution};
use cutover_tests::harness::{binaries, eicar, packages};

use crate::server::Server;

const LIMIT: Duration = Duration::from_secs(60);

pub(super) const AGENT: &str = "/usr/local/bin/cutover-agent";

/// The machine. Dropping it ends all that runs on it.
pub(super) struct Workstation {
    // First, so that what runs inside ends before the root goes.
    agent: Option<Running>,
    product: Running,
    logs: tempfile::TempDir,
    pub(super) root: DebianRoot,
}

impl Workstation {
    /// With the three packages installed, the product started, and the agent's binary put in.
    pub(super) fn set_up(name: &str) -> Result<Self> {
        let root = DebianRoot::fresh(name)?;
        packages::plant(&root)?;
        Self::on(root)
    }

    /// The same on a system that keeps its packages with rpm.
    pub(super) fn set_up_with_rpm(name: &str, distribution: Distribution) -> Result<Self> {
        Self::on(rpm_root::fresh(name, distribution)?)
    }

    fn on(root: DebianRoot) -> Result<Self> {
        eicar::plant_database(&root)?;
        root.place_program(&binaries::agent()?, AGENT)?;
        let logs = tempfile::tempdir()?;
        let product = packages::start_product(&root, &logs.path().join("kesl.log"))?;
        Ok(Self {
            agent: None,
            product,
            logs,
            root,
        })
    }

    /// Gets it an identity, as an administrator would.
    pub(super) fn enroll(&self, server: &Server) -> Result<()> {
        self.enroll_through(server, &server.address())
    }

    /// The same, by an address of which the server knows nothing.
    pub(super) fn enroll_through(&self, server: &Server, address: &str) -> Result<()> {
        let token = server.token()?;
        let line = [
            AGENT,
            "enroll",
            "--server",
            address,
            "--ca-fingerprint",
            server.fingerprint(),
            "--token",
            &token,
        ];
        self.root.run(&line, LIMIT)?.succeeded()?;
        Ok(())
    }

    /// The same, with the token in a file that only root reads.
    pub(super) fn enroll_by_file(&self, server: &Server, token_file: &str) -> Result<()> {
        let address = server.address();
        let line = [
            AGENT,
            "enroll",
            "--server",
            &address,
            "--ca-fingerprint",
            server.fingerprint(),
        ];
        let line = [&line[..], &["--token-file", token_file]].concat();
        self.root.run(&line, LIMIT)?.succeeded()?;
        Ok(())
    }

    /// Starts the agent as its service would be started.
    pub(super) fn start_agent(&mut self) -> Result<()> {
        self.start_agent_at("info,cutover_agent=debug")
    }

    /// The same, with everything logged that any part of it can say.
    pub(super) fn start_agent_saying_all(&mut self) -> Result<()> {
        self.start_agent_at("trace")
    }

    fn start_agent_at(&mut self, log_level: &str) -> Result<()> {
        ensure!(self.agent.is_none(), "the agent runs already");
        let log = self.logs.path().join("agent.log");
        let environment = [("CUTOVER_AGENT_LOG_LEVEL", log_level)];
        self.agent = Some(self.root.spawn(&[AGENT, "run"], &environment, &log)?);
        Ok(())
    }

    /// Kills the agent as a crash would. What it started runs on.
    pub(super) fn kill_agent(&mut self) -> Result<()> {
        self.agent.take().context("the agent does not run")?.kill_hard()
    }

    /// What the agent has logged.
    pub(super) fn agent_log(&self) -> String {
        std::fs::read_to_string(self.logs.path().join("agent.log")).unwrap_or_default()
    }

    /// Whether the product that was started still runs.
    pub(super) fn product_runs(&mut self) -> Result<bool> {
        Ok(self.product.ended()?.is_none())
    }

    /// Whether the product that was started has ended by a signal.
    pub(super) fn product_was_ended(&mut self) -> Result<bool> {
        Ok(self.product.wait(LIMIT)?.code().is_none())
    }

    /// `cutover-agent scan` on the machine itself.
    pub(super) fn scan(&self) -> Result<Finished> {
        self.root.run(&[AGENT, "scan"], LIMIT)
    }

    /// `cutover-agent scan --root` from another system, as for a disk that is looked at.
    pub(super) fn scan_from_outside(&self) -> Result<Finished> {
        let mut command = tool(binaries::agent()?);
        command.arg("scan").arg("--root").arg(self.root.path());
        run(command, LIMIT)
    }
}
