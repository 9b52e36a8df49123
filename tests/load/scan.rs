//! CPU and peak memory of one `cutover-agent scan` over a generated root.

use std::{path::PathBuf, process::Command, time::Duration};

use anyhow::{Result, ensure};
use cutover_tests::harness::process::tool;

use crate::{debian_files, program::built, rounds::median, setting::Setting, table, usage};

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
    let root = tempfile::Builder::new().prefix("cutover-load-root.").tempdir()?;
    debian_files::plant(root.path(), options.packages)?;
    let scan = || {
        let mut scan = tool(&program);
        scan.args(["scan", "--format", "json", "--root"]).arg(root.path());
        scan
    };

    // The first one brings program and root into memory.
    to_its_end(scan())?;
    table::progress(&format!("{} scans for their CPU", options.runs));
    let before = usage::cpu_of_children()?;
    for _ in 0..options.runs {
        to_its_end(scan())?;
    }
    let cpu = (usage::cpu_of_children()? - before) / options.runs;

    table::progress(&format!("{} scans for their memory", options.watched));
    let mut peaks = Vec::new();
    for _ in 0..options.watched {
        peaks.push(table::megabytes(peak(scan())?));
    }
    let most = peaks.iter().copied().fold(0.0, f64::max);
    table::print(
        &format!("Agent: one scan of a root with {} dpkg packages", options.packages),
        &setting,
        ["figure", "value"],
        &[
            ["CPU, mean".to_owned(), format!("{:.1} ms", cpu.as_secs_f64() * 1e3)],
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
