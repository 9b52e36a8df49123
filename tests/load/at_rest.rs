//! Size of the agent, and what it uses while it is connected and has nothing to do.

use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
    time::Duration,
};

use anyhow::{Context, Result, ensure};
use cutover_tests::harness::{
    clock::wait_for,
    process::{Running, tool},
};

use crate::{
    clock::{Stopwatch, now_ms},
    elf,
    installation::Installation,
    program::{built, must_run, output_of, pid},
    setting::Setting,
    table, usage,
};

/// The interval that the server sets, in seconds.
pub(crate) const CHECK_IN: u32 = 30;

/// How long the first look and check-in may take.
const SOON: Duration = Duration::from_secs(120);

/// Phase of a host without a complete inventory (docs/phases.md).
const UNASSESSED: &str = "unassessed";

/// What is measured.
#[derive(Debug, clap::Args)]
pub(crate) struct Options {
    /// The agent as it is packaged [default: `cutover-agent` beside this program].
    #[arg(long)]
    pub(crate) agent: Option<PathBuf>,
    /// The server [default: `cutover` beside this program].
    #[arg(long)]
    server: Option<PathBuf>,
    /// Directory on a disk for the server's data [default: the system's temporary directory].
    #[arg(long)]
    place: Option<PathBuf>,
    /// Rest before the measurement, in seconds: the first look and check-ins are over.
    #[arg(long, default_value_t = 90)]
    settle: u64,
    /// Length of the measurement in minutes.
    #[arg(long, default_value_t = 10)]
    pub(crate) minutes: u32,
}

impl Options {
    /// Starts the server that the agent is to be connected to.
    ///
    /// # Errors
    /// When nothing is to be measured, or it does not start.
    pub(crate) fn installation(&self) -> Result<Installation> {
        ensure!(self.minutes > 0, "a measurement takes at least a minute");
        let place = self.place.clone().unwrap_or_else(std::env::temp_dir);
        Installation::start(&built("cutover", self.server.as_deref())?, &place, CHECK_IN, None)
    }

    /// Gives the agent time to come to rest.
    pub(crate) fn settle(&self) {
        table::progress(&format!("the agent has {} s to come to rest", self.settle));
        std::thread::sleep(Duration::from_secs(self.settle));
    }
}

/// Measures and prints.
///
/// # Errors
/// When the agent is not stripped, or does not connect.
pub(crate) fn run(options: &Options) -> Result<()> {
    let setting = Setting::of_this_run()?;
    let agent = built("cutover-agent", options.agent.as_deref())?;
    let file = fs::read(&agent).with_context(|| format!("cannot read {}", agent.display()))?;
    ensure!(
        elf::is_stripped(&file)?,
        "{} has symbols; build it as it is packaged: cargo build --profile dist -p cutover-agent",
        agent.display()
    );

    let mut installation = options.installation()?;
    let mut running = connected(&agent, &mut installation)?;
    options.settle();

    let used = AtRest::watch(pid(&running), options.minutes)?;
    must_run(&mut running).context("the agent")?;
    still_heard(&installation).with_context(|| running.log().unwrap_or_default())?;

    #[expect(clippy::cast_precision_loss, reason = "a loss beyond 2^53 bytes")]
    let size = file.len() as f64 / 1e6;
    let mut rows = vec![["program, stripped".to_owned(), format!("{size:.2} MB")]];
    rows.extend(used.rows());
    table::print(
        &format!("Agent: connected and at rest, a check-in every {CHECK_IN} s"),
        &setting,
        ["figure", "value"],
        &rows,
    )
}

/// What a process used while it was watched.
#[derive(Debug)]
pub(crate) struct AtRest {
    /// How long that was.
    pub(crate) minutes: f64,
    first: usage::Memory,
    last: usage::Memory,
    ticks: Duration,
    threads: Duration,
}

impl AtRest {
    /// Watches a process for so long.
    ///
    /// # Errors
    /// When it ends.
    pub(crate) fn watch(pid: u32, minutes: u32) -> Result<Self> {
        table::progress(&format!("measuring for {minutes} minutes"));
        let first = usage::memory(pid)?;
        let (ticks, threads, watch) = (usage::cpu(pid)?, usage::cpu_of_threads(pid)?, Stopwatch::start());
        std::thread::sleep(Duration::from_secs(60) * minutes);
        Ok(Self {
            minutes: watch.elapsed().as_secs_f64() / 60.0,
            first,
            last: usage::memory(pid)?,
            ticks: usage::cpu(pid)?.saturating_sub(ticks),
            threads: usage::cpu_of_threads(pid)?.saturating_sub(threads),
        })
    }

    /// Milliseconds a minute of a time that was used meanwhile.
    pub(crate) fn per_minute(&self, used: Duration) -> f64 {
        used.as_secs_f64() * 1e3 / self.minutes
    }

    /// Rows of a table.
    pub(crate) fn rows(&self) -> [[String; 2]; 4] {
        let memory = |memory: usage::Memory| {
            let (resident, anonymous) = (table::megabytes(memory.resident), table::megabytes(memory.anonymous));
            format!("{resident:.2} MB, {anonymous:.2} MB")
        };
        [
            ["resident, anonymous memory".to_owned(), memory(self.first)],
            [
                format!("the same after {:.0} more minutes", self.minutes),
                memory(self.last),
            ],
            [
                "CPU a minute, run time of its threads".to_owned(),
                format!("{:.2} ms", self.per_minute(self.threads)),
            ],
            [
                "CPU a minute, user and system time in ticks of 10 ms".to_owned(),
                format!("{:.1} ms", self.per_minute(self.ticks)),
            ],
        ]
    }
}

/// Fails when the server has not heard of its host for a while: such an agent was not at rest but cut off.
///
/// # Errors
/// When it has not, or does not answer.
pub(crate) fn still_heard(installation: &Installation) -> Result<()> {
    let silent_ms = now_ms() - installation.host()?.map_or(0, |host| host.last_contact_ms);
    ensure!(
        silent_ms < i64::from(3 * CHECK_IN) * 1000,
        "the agent has not checked in for {silent_ms} ms, so it was not at rest but cut off"
    );
    Ok(())
}

/// Enrols and starts the agent, and waits until the server has heard of a look.
fn connected(agent: &Path, installation: &mut Installation) -> Result<Running> {
    let token = installation.token(1)?;
    let config = installation.directory().join("agent.toml");
    let state = installation.directory().join("agent");
    fs::write(&config, format!("state_dir = {state:?}\n"))?;
    let mut enroll = with_config(agent, &config);
    enroll.args([
        "enroll",
        "--server",
        &format!("localhost:{}", installation.agents().port()),
    ]);
    enroll.args(["--ca-fingerprint", &token.ca_fingerprint, "--token", &token.token]);
    output_of(enroll).context("cutover-agent enroll")?;

    let mut run = with_config(agent, &config);
    run.arg("run");
    let mut running = Running::spawn("cutover-agent", run, &installation.directory().join("agent.log"))?;
    has_looked(installation, || must_run(&mut running).context("cutover-agent run"))
        .with_context(|| format!("the agent said:\n{}", running.log().unwrap_or_default()))?;
    Ok(running)
}

/// Waits until the server has heard of a complete look of its host.
///
/// # Errors
/// When that takes too long, or `runs` fails.
pub(crate) fn has_looked(installation: &Installation, mut runs: impl FnMut() -> Result<()>) -> Result<()> {
    let mut heard = None;
    let looked = wait_for("the agent's first look reaches the server", SOON, || {
        runs()?;
        heard = installation.host()?;
        let complete = heard.as_ref().is_some_and(|host| host.phase != UNASSESSED);
        Ok(complete.then_some(()))
    });
    looked.with_context(|| {
        let known = heard.map_or_else(
            || "no host".to_owned(),
            |host| format!("{} ({})", host.phase, host.reason),
        );
        format!("the server has {known}")
    })
}

fn with_config(agent: &Path, config: &Path) -> Command {
    let mut command = tool(agent);
    command.arg("--config").arg(config);
    command
}
