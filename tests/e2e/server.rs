//! A real `cutover serve` beside the root: its own data directory, real sockets on the loopback, and the command line.

use std::fs;
use std::path::PathBuf;
use std::process::Command;
use std::time::Duration;

use anyhow::{Context, Result, bail, ensure};
use cutover_core::campaign::PRESETS;
use cutover_tests::harness::binaries;
use cutover_tests::harness::clock::{wait_for, wait_until};
use cutover_tests::harness::process::{Finished, Running, free_port, run, tool};
use serde::Deserialize;

use crate::small_disk::SmallDisk;

/// Phases in which a host stays until a person acts. One that is blocked does not stay: the next look may lift it.
const SETTLED: [&str; 3] = ["migrated", "handwork", "failed"];

/// One command of the operator's, or the start of the server.
const SOON: Duration = Duration::from_secs(30);

/// Seconds of days. All keys are those that an operator has.
const PACE: &str = "\
[check_in]
seconds = 1
open_order_seconds = 1
look_seconds = 5

[report]
schedule = \"\"

# The last is the far end of a machine's cable.
[agents]
names = [\"localhost\", \"127.0.0.1\", \"192.0.2.1\"]
";

/// What `cutover hosts show --output json` prints, as far as the tests read it.
#[derive(Debug, Deserialize)]
pub(super) struct Host {
    pub(super) phase: String,
    pub(super) reason: String,
    pub(super) protection: String,
    pub(super) last_contact_ms: i64,
    pub(super) why: Vec<String>,
    pub(super) verdicts: Vec<Verdict>,
    pub(super) steps: Vec<Step>,
    pub(super) chain_verified: bool,
    pub(super) protection_seconds: ProtectionTime,
}

/// Time under protection, in seconds, as far as the tests read it.
#[derive(Debug, Clone, Copy, Deserialize)]
pub(super) struct ProtectionTime {
    pub(super) protected: i64,
    pub(super) unprotected: i64,
}

/// One product of the last look.
#[derive(Debug, Deserialize)]
pub(super) struct Verdict {
    pub(super) product: String,
    pub(super) verdict: String,
}

/// One step record.
#[derive(Debug, Deserialize)]
pub(super) struct Step {
    pub(super) order: u64,
    pub(super) event: String,
    pub(super) exit_code: Option<i32>,
    pub(super) detail: String,
    pub(super) log_tail: String,
}

/// What its campaign has other than the usual.
#[derive(Default)]
pub(super) struct Terms {
    /// In place of the preset's one replacement.
    pub(super) replacement: Option<toml::Table>,
    /// A host fails for good when it failed once, whatever the cause.
    pub(super) one_try: bool,
    /// For so long a migrated host is watched before its agent leaves.
    pub(super) retire: Option<&'static str>,
    /// Its catalog has the stand-in guard too.
    pub(super) with_guard: bool,
}

/// The server. Dropping it kills it and deletes its state.
pub(super) struct Server {
    directory: tempfile::TempDir,
    agents: u16,
    people: u16,
    fingerprint: String,
    starts: u32,
    program: PathBuf,
    running: Option<Running>,
    /// Under its data directory, where that is to be full one day. Last, so that the server ends first.
    disk: Option<SmallDisk>,
}

impl Server {
    /// Makes one by `cutover init`, for a campaign that starts by itself and goes by seconds, and starts it.
    pub(super) fn start() -> Result<Self> {
        Self::start_on(&Terms::default(), None)
    }

    /// The same, with this table in place of the preset's one replacement.
    pub(super) fn start_for(replacement: Option<toml::Table>) -> Result<Self> {
        let terms = Terms {
            replacement,
            ..Terms::default()
        };
        Self::start_on(&terms, None)
    }

    /// The same on other terms.
    pub(super) fn start_with(terms: &Terms) -> Result<Self> {
        Self::start_on(terms, None)
    }

    /// The usual, with its data directory on a disk of so many bytes.
    pub(super) fn start_on_small_disk(bytes: u64) -> Result<Self> {
        Self::start_on(&Terms::default(), Some(bytes))
    }

    fn start_on(terms: &Terms, disk_bytes: Option<u64>) -> Result<Self> {
        let directory = tempfile::tempdir()?;
        let campaign = directory.path().join("campaign.toml");
        fs::write(&campaign, campaign_text(terms)?)?;
        let disk = match disk_bytes {
            Some(bytes) => Some(SmallDisk::mount(
                &directory.path().join("data"),
                bytes,
                directory.path(),
            )?),
            None => None,
        };
        let campaign = toml::Value::from(campaign.to_str().context("a path in UTF-8")?);
        fs::write(
            directory.path().join("server.toml"),
            format!("{PACE}\n[campaign]\nfile = {campaign}\n"),
        )?;
        let mut server = Self {
            directory,
            agents: free_port()?,
            people: free_port()?,
            fingerprint: String::new(),
            starts: 0,
            program: if terms.with_guard {
                binaries::server_with_guard()?
            } else {
                binaries::server()?
            },
            running: None,
            disk,
        };
        let said = server.cutover(&["init"])?.succeeded()?.stdout;
        let line = said.lines().find_map(|line| line.strip_prefix("CA fingerprint"));
        let fingerprint = line.and_then(|rest| rest.split_whitespace().next());
        fingerprint
            .with_context(|| format!("no fingerprint in {said}"))?
            .clone_into(&mut server.fingerprint);
        server.start_again()?;
        Ok(server)
    }

    /// Starts it on what its data directory holds.
    pub(super) fn start_again(&mut self) -> Result<()> {
        ensure!(self.running.is_none(), "the server runs already");
        self.starts += 1;
        let log = self.log_of(self.starts);
        let mut command = self.command()?;
        command.arg("serve");
        let mut running = Running::spawn("cutover serve", command, &log)?;
        running.wait_for_log("people  http", SOON)?;
        self.running = Some(running);
        Ok(())
    }

    /// Kills it as a crash would.
    pub(super) fn kill_hard(&mut self) -> Result<()> {
        self.running.take().context("the server does not run")?.kill_hard()
    }

    /// What it has logged, over all its starts.
    pub(super) fn log(&self) -> String {
        let logs = (1..=self.starts).map(|start| self.log_of(start));
        let texts = logs.map(|log| fs::read_to_string(log).unwrap_or_default());
        texts.collect()
    }

    /// Where agents reach it.
    pub(super) fn address(&self) -> String {
        format!("127.0.0.1:{}", self.agents)
    }

    /// The port of the agents' listener.
    pub(super) fn port(&self) -> u16 {
        self.agents
    }

    /// What agents pin.
    pub(super) fn fingerprint(&self) -> &str {
        &self.fingerprint
    }

    /// A new enrolment token for one host.
    pub(super) fn token(&self) -> Result<String> {
        let made = self.cutover(&["token", "create"])?.succeeded()?;
        Ok(made.stdout.trim().to_owned())
    }

    /// Its process, while it runs.
    pub(super) fn pid(&self) -> Option<i32> {
        self.running.as_ref().map(Running::pid)
    }

    /// The port of the people's listener.
    pub(super) fn people_port(&self) -> u16 {
        self.people
    }

    /// All that it keeps, as the test sees it.
    pub(super) fn data_dir(&self) -> PathBuf {
        let inside = self.directory.path().join("data");
        match &self.disk {
            Some(disk) => disk.outside(&inside),
            None => inside,
        }
    }

    /// Where its store lies.
    pub(super) fn store(&self) -> PathBuf {
        self.data_dir().join("cutover.db")
    }

    /// What the administrator signs in with.
    pub(super) fn admin_token_file(&self) -> PathBuf {
        self.data_dir().join("admin.token")
    }

    /// Its text.
    pub(super) fn admin_token(&self) -> Result<String> {
        Ok(fs::read_to_string(self.admin_token_file())?.trim().to_owned())
    }

    /// The disk under its data directory, where it has one of its own.
    pub(super) fn disk(&self) -> Result<&SmallDisk> {
        self.disk.as_ref().context("the server has no disk of its own")
    }

    /// Runs a command of the operator's to its end.
    pub(super) fn cutover(&self, arguments: &[&str]) -> Result<Finished> {
        let mut command = self.command()?;
        command.args(arguments);
        run(command, SOON)
    }

    /// One host, as the operator sees it.
    pub(super) fn host(&self, name: &str) -> Result<Host> {
        let shown = self
            .cutover(&["hosts", "show", name, "--output", "json"])?
            .succeeded()?;
        Ok(serde_json::from_str(&shown.stdout)?)
    }

    /// Waits until a host is where the test wants it; gives up at once where only a person could help it on.
    pub(super) fn wait_for_host(
        &self,
        name: &str,
        what: &str,
        limit: Duration,
        mut wanted: impl FnMut(&Host) -> bool,
    ) -> Result<Host> {
        let mut last = None;
        let found = wait_for(what, limit, || {
            let host = self.host(name)?;
            if wanted(&host) {
                return Ok(Some(host));
            }
            if ["blocked", "handwork", "failed"].contains(&host.phase.as_str()) {
                bail!("{name} is {}: {}", host.phase, host.reason);
            }
            last = Some(host);
            Ok(None)
        });
        found.with_context(|| match &last {
            Some(host) => format!("{name} is {}: {:?}\n{:#?}", host.phase, host.why, host.steps),
            None => format!("{name} was not seen"),
        })
    }

    /// Waits until a host has begun a step, by its words.
    pub(super) fn wait_until_begun(&self, name: &str, what: &str, limit: Duration) -> Result<()> {
        wait_until(&format!("begun: {what}"), limit, || {
            let steps = self.host(name)?.steps;
            Ok(steps
                .iter()
                .any(|step| step.event == "step-begun" && step.detail == what))
        })
    }

    /// Waits until a host stays where it is without a person, after more than so many orders.
    pub(super) fn wait_until_settled_after(&self, name: &str, orders: u64, limit: Duration) -> Result<Host> {
        let mut last = None;
        let settled = wait_for(&format!("{name} settles after order {orders}"), limit, || {
            let host = self.host(name)?;
            let newest = host.steps.iter().map(|step| step.order).max().unwrap_or(0);
            if newest > orders && SETTLED.contains(&host.phase.as_str()) {
                return Ok(Some(host));
            }
            last = Some(host);
            Ok(None)
        });
        settled.with_context(|| format!("last seen: {last:#?}"))
    }

    /// Waits until a host is where it stays without a person.
    pub(super) fn wait_until_settled(&self, name: &str, limit: Duration) -> Result<Host> {
        let mut last = None;
        let settled = wait_for(&format!("{name} settles"), limit, || {
            let host = self.host(name)?;
            if SETTLED.contains(&host.phase.as_str()) {
                return Ok(Some(host));
            }
            last = Some(host);
            Ok(None)
        });
        settled.with_context(|| format!("last seen: {last:#?}"))
    }

    /// A log for each start, so that the words of an earlier one are not taken for those of a later.
    fn log_of(&self, start: u32) -> PathBuf {
        self.directory.path().join(format!("serve-{start}.log"))
    }

    /// The program with its settings; nothing of the test's environment, so that no proxy stands between.
    fn command(&self) -> Result<Command> {
        let directory = self.directory.path();
        let mut command = match &self.disk {
            Some(disk) => disk.enter(&self.program),
            None => tool(&self.program),
        };
        command
            .env_clear()
            .env("CUTOVER_CONFIG", directory.join("server.toml"))
            .env("CUTOVER_DATA_DIR", directory.join("data"))
            .env("CUTOVER_LOG_FILTER", "info,cutover_server=debug")
            .env("CUTOVER_AGENTS_LISTEN", self.address())
            .env("CUTOVER_PEOPLE_LISTEN", format!("127.0.0.1:{}", self.people));
        Ok(command)
    }
}

/// The built-in preset, in mode automatic and with limits that fit seconds instead of weeks.
fn campaign_text(terms: &Terms) -> Result<String> {
    let (_, preset) = PRESETS.first().context("no preset is built in")?;
    let mut document: toml::Table = toml::from_str(preset)?;
    document.insert("mode".into(), "automatic".into());
    document.remove("readiness");
    document.remove("notice");
    document.insert("accepted_grades".into(), toml::Value::Array(vec!["on-demand".into()]));
    // The preset's cutoff is past, so a date to be done by must be set.
    document.insert("recovery_target".into(), "2100-01-31T00:00:00Z".into());
    let policy = [
        ("grace", "0s"),
        ("soak", "3s"),
        ("retry_base", "1s"),
        ("retry_cap", "2s"),
        ("restart_notice", "2s"),
    ];
    let mut policy: toml::Table = policy
        .into_iter()
        .map(|(key, value)| (key.to_owned(), value.into()))
        .collect();
    policy.insert("first_canaries".into(), 0.into());
    policy.insert("trust_unproven".into(), "its machines are made for a test".into());
    if let Some(retire) = terms.retire {
        policy.insert("retire".into(), retire.into());
    }
    if terms.one_try {
        policy.insert("attempts".into(), 1.into());
        policy.insert("hindrances".into(), 0.into());
    }
    document.insert("policy".into(), policy.into());
    if let Some(replacement) = &terms.replacement {
        document.insert("replacement".into(), vec![replacement.clone()].into());
    }
    Ok(toml::to_string(&document)?)
}
