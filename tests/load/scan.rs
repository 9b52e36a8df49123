//! CPU, time and peak memory of one `cutover-agent scan`: over the generated root of a Debian machine, and over the kept
//! answers of a Windows machine.

use std::{
    fs,
    path::{Path, PathBuf},
    process::Command,
    time::Duration,
};

use anyhow::{Result, ensure};
use cutover_tests::harness::process::tool;

use crate::{
    clock::Stopwatch, debian_files, program::built, rounds::median, setting::Setting, table, usage, windows_machine,
};

/// Exit code of a scan that found a target (docs/commands.md). Anything else was another scan than the one meant.
const FOUND: i32 = 10;

/// How often the peak is read. It only rises, so what is read last is at most so old.
const LOOK_EVERY: Duration = Duration::from_micros(500);

/// What is measured.
#[derive(Debug, clap::Args)]
pub(crate) struct Options {
    /// The agent [default: `cutover-agent` beside this program].
    #[arg(long)]
    agent: Option<PathBuf>,
    /// Packages in the generated root.
    #[arg(long, default_value_t = 3000)]
    packages: usize,
    /// Services of either machine.
    #[arg(long, default_value_t = 500)]
    services: usize,
    /// Entries under Uninstall of the Windows machine.
    #[arg(long, default_value_t = 1000)]
    uninstall_keys: usize,
    /// Scans whose CPU is taken together.
    #[arg(long, default_value_t = 50)]
    runs: u32,
    /// Further scans whose memory is watched.
    #[arg(long, default_value_t = 20)]
    watched: u32,
}

/// Measures and prints.
///
/// # Errors
/// When a scan fails or finds something else than what was planted.
pub(crate) fn run(options: &Options) -> Result<()> {
    ensure!(
        options.runs > 0 && options.watched > 0,
        "without a run there is nothing to measure"
    );
    let setting = Setting::of_this_run()?;
    let program = built("cutover-agent", options.agent.as_deref())?;
    let place = tempfile::Builder::new().prefix("cutover-load-scan.").tempdir()?;
    let root = place.path().join("root");
    debian_files::plant(&root, options.packages, options.services)?;
    measure(
        &format!(
            "Agent: one scan of a root with {} dpkg packages and {} units",
            options.packages, options.services
        ),
        options,
        &setting,
        || scan(&program, "--root", &root),
    )?;
    let kept = place.path().join("windows.json");
    fs::write(
        &kept,
        windows_machine::plant(options.uninstall_keys, options.services).to_json()?,
    )?;
    measure(
        &format!(
            "Agent: one scan of the kept answers of a Windows with {} entries under Uninstall and {} services",
            options.uninstall_keys, options.services
        ),
        options,
        &setting,
        || scan(&program, "--replay", &kept),
    )
}

fn scan(program: &Path, of: &str, what: &Path) -> Command {
    let mut scan = tool(program);
    scan.args(["scan", "--format", "json", of]).arg(what);
    scan
}

/// One table.
fn measure(title: &str, options: &Options, setting: &Setting, scan: impl Fn() -> Command) -> Result<()> {
    // The first one brings the program, and what it looks at, into memory.
    to_its_end(scan())?;
    table::progress(&format!("{} scans for their CPU", options.runs));
    let (before, watch) = (usage::cpu_of_children()?, Stopwatch::start());
    for _ in 0..options.runs {
        to_its_end(scan())?;
    }
    let (cpu, wall) = (
        (usage::cpu_of_children()? - before) / options.runs,
        watch.elapsed() / options.runs,
    );

    table::progress(&format!("{} scans for their memory", options.watched));
    let mut peaks = Vec::new();
    for _ in 0..options.watched {
        peaks.push(table::megabytes(peak(scan())?));
    }
    let most = peaks.iter().copied().fold(0.0, f64::max);
    let milliseconds = |time: Duration| format!("{:.1} ms", time.as_secs_f64() * 1e3);
    table::print(
        title,
        setting,
        ["figure", "value"],
        &[
            ["CPU, mean".to_owned(), milliseconds(cpu)],
            ["time from start to end, mean".to_owned(), milliseconds(wall)],
            [
                "peak resident memory, median".to_owned(),
                format!("{:.1} MB", median(peaks).unwrap_or_default()),
            ],
            ["peak resident memory, most".to_owned(), format!("{most:.1} MB")],
        ],
    )
}

fn to_its_end(mut scan: Command) -> Result<()> {
    let output = scan.output()?;
    let said = String::from_utf8_lossy(&output.stderr);
    ensure!(
        output.status.code() == Some(FOUND),
        "the scan ended with {}, not {FOUND}: {said}",
        output.status
    );
    Ok(())
}

fn peak(mut scan: Command) -> Result<u64> {
    let mut child = scan.stdout(std::process::Stdio::null()).spawn()?;
    let mut peak = 0;
    loop {
        peak = usage::peak_memory(child.id()).unwrap_or(0).max(peak);
        if let Some(status) = child.try_wait()? {
            ensure!(
                status.code() == Some(FOUND),
                "the scan ended with {status}, not {FOUND}"
            );
            ensure!(peak > 0, "the scan ended before its memory could be read");
            return Ok(peak);
        }
        std::thread::sleep(LOOK_EVERY);
    }
}
