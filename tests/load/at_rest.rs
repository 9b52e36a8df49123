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
const CHECK_IN: u32 = 30;

/// How long the first look and check-in may take.
const SOON: Duration = Duration::from_secs(120);

/// Phase of a host without a complete inventory (docs/phases.md).
const UNASSESSED: &str = "unassessed";

/// What is measured.
#[derive(Debug, clap::Args)]
pub(crate) struct Options {
    /// The agent as it is packaged [default: `cutover-agent` beside this program].
    #[arg(long)]
    agent: Option<PathBuf>,
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
    minutes: u32,
}

/// Measures and prints.
///
/// # Errors
/// When the agent is not stripped, or does not connect.
pub(crate) fn run(options: &Options) -> Result<()> {
    ensure!(options.minutes > 0, "a measurement takes at least a minute");
    let setting = Setting::of_this_run()?;
    let agent = built("cutover-agent", options.agent.as_deref())?;
    let file = fs::read(&agent).with_context(|| format!("cannot read {}", agent.display()))?;
    ensure!(
        elf::is_stripped(&file)?,
        "{} has symbols; build it as it is packaged: cargo build --profile dist -p cutover-agent",
        agent.display()
    );

    let place = options.place.clone().unwrap_or_else(std::env::temp_dir);
    let server = built("cutover", options.server.as_deref())?;
    let mut installation = Installation::start(&server, &place, CHECK_IN, None)?;
    let mut running = connected(&agent, &mut installation)?;
    table::progress(&format!("the agent has {} s to come to rest", options.settle));
    std::thread::sleep(Duration::from_secs(options.settle));

    let pid = pid(&running);
    let first = usage::memory(pid)?;
    let (ticks, threads, watch) = (usage::cpu(pid)?, usage::cpu_of_threads(pid)?, Stopwatch::start());
    table::progress(&format!("measuring for {} minutes", options.minutes));
    std::thread::sleep(Duration::from_secs(60) * options.minutes);
    must_run(&mut running).context("the agent")?;
    let silent_ms = now_ms() - installation.host()?.map_or(0, |host| host.last_contact_ms);
    ensure!(
        silent_ms < i64::from(3 * CHECK_IN) * 1000,
        "the agent has not checked in for {silent_ms} ms, so it was not at rest but cut off:\n{}",
        running.log()?
    );
    let minutes = watch.elapsed().as_secs_f64() / 60.0;
    let per_minute = |used: Duration| used.as_secs_f64() * 1e3 / minutes;
    let ticks = per_minute(usage::cpu(pid)?.saturating_sub(ticks));
    let threads = per_minute(usage::cpu_of_threads(pid)?.saturating_sub(threads));
    let last = usage::memory(pid)?;

    #[expect(clippy::cast_precision_loss, reason = "a loss beyond 2^53 bytes")]
    let size = file.len() as f64 / 1e6;
    let row = |figure: &str, value: String| [figure.to_owned(), value];
    let memory = |memory: usage::Memory| {
        let (resident, anonymous) = (table::megabytes(memory.resident), table::megabytes(memory.anonymous));
        format!("{resident:.2} MB, {anonymous:.2} MB")
    };
    table::print(
        &format!("Agent: connected and at rest, a check-in every {CHECK_IN} s"),
        &setting,
        ["figure", "value"],
        &[
            row("program, stripped", format!("{size:.2} MB")),
            row("resident, anonymous memory", memory(first)),
            row(&format!("the same after {minutes:.0} more minutes"), memory(last)),
            row("CPU a minute, run time of its threads", format!("{threads:.2} ms")),
            row(
                "CPU a minute, user and system time in ticks of 10 ms",
                format!("{ticks:.1} ms"),
            ),
        ],
    )
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
    let mut heard = None;
    let looked = wait_for("the agent's first look reaches the server", SOON, || {
        must_run(&mut running).context("cutover-agent run")?;
        heard = installation.host()?;
        let complete = heard.as_ref().is_some_and(|host| host.phase != UNASSESSED);
        Ok(complete.then_some(()))
    });
    looked.with_context(|| {
        let known = heard.map_or_else(
            || "no host".to_owned(),
            |host| format!("{} ({})", host.phase, host.reason),
        );
        format!(
            "the server has {known}; the agent said:\n{}",
            running.log().unwrap_or_default()
        )
    })?;
    Ok(running)
}

fn with_config(agent: &Path, config: &Path) -> Command {
    let mut command = tool(agent);
    command.arg("--config").arg(config);
    command
}
