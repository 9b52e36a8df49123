//! `cutover-agent scan`: looks, judges, says why. Needs no server and changes nothing.

mod json;
mod table;

use std::{
    fs::OpenOptions,
    io::Write,
    path::{Path, PathBuf},
    process::ExitCode,
};

use anyhow::{Context, Result};
use cutover_proto::{ids::HostId, inventory::Inventory};

use crate::{
    detect::{RuleSet, ScanCx, outcome, scan},
    host::{self, Fixture, HostView, Recorder},
};

/// The exit code when nothing could be looked at.
const EXIT_ERROR: u8 = 2;

/// How the result is shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq, clap::ValueEnum)]
pub enum Format {
    /// For people.
    Table,
    /// For scripts.
    Json,
}

/// Look for the products that must go, and say why.
///
/// Exit code 0: no target is here. 10: one is. 11: something that must be known is not. 2: nothing could be looked at.
#[derive(Debug, Clone, clap::Args)]
pub struct ScanArgs {
    /// Look at a system that does not run, under this directory.
    #[arg(long, value_name = "DIR", conflicts_with = "replay")]
    pub root: Option<PathBuf>,
    /// How to print the result.
    #[arg(long, value_enum, default_value_t = Format::Table)]
    pub format: Format,
    /// Print everything that an enrolled agent would send about this host, and nothing else.
    #[arg(long)]
    pub show_what_is_sent: bool,
    /// Keep this host's raw answers, without users' names, in a file that is made anew.
    #[arg(long, value_name = "FILE")]
    pub record: Option<PathBuf>,
    /// Look at the answers of a host that was recorded.
    #[arg(long, value_name = "FILE")]
    pub replay: Option<PathBuf>,
}

/// Runs the command at a time of the host's clock, in milliseconds since the epoch.
///
/// # Errors
/// Only when the result cannot be printed. That nothing could be looked at is told on standard error, with exit code 2.
pub fn run(args: &ScanArgs, now_ms: i64) -> Result<ExitCode> {
    match look(args, now_ms) {
        Ok((text, code)) => {
            std::io::stdout()
                .write_all(text.as_bytes())
                .context("cannot print the result")?;
            Ok(ExitCode::from(code))
        }
        Err(error) => {
            writeln!(std::io::stderr(), "error: {error:#}").context("cannot print the error")?;
            Ok(ExitCode::from(EXIT_ERROR))
        }
    }
}

/// What is printed, and the exit code.
fn look(args: &ScanArgs, now_ms: i64) -> Result<(String, u8)> {
    let view: Box<dyn HostView> = match (&args.root, &args.replay) {
        (Some(dir), _) => host::rooted(dir)?,
        (None, Some(file)) => Box::new(replayed(file)?),
        (None, None) => host::live()?,
    };
    let rules = RuleSet::built_in();
    let cx = ScanCx {
        host_id: HostId::new(uuid::Uuid::nil()),
        now_ms,
    };
    let inventory = match &args.record {
        None => scan(&view, &rules, &cx),
        Some(file) => {
            let recorder = Recorder::new(&view, "cutover-agent scan --record");
            let inventory = scan(&recorder, &rules, &cx);
            keep(file, &recorder.fixture().to_json()?)?;
            inventory
        }
    };
    let outcome = outcome(&inventory, &rules);
    let text = if args.show_what_is_sent {
        sent(&inventory)?
    } else {
        match args.format {
            Format::Table => table::render(&inventory, &rules, outcome),
            Format::Json => json::render(&inventory, &rules)?,
        }
    };
    Ok((text, outcome.exit_code()))
}

fn replayed(file: &Path) -> Result<Fixture> {
    let name = file.display();
    let text = std::fs::read_to_string(file).with_context(|| format!("cannot read the recording {name}"))?;
    Fixture::from_json(&text).with_context(|| format!("{name}"))
}

fn keep(file: &Path, text: &str) -> Result<()> {
    let name = file.display();
    OpenOptions::new()
        .write(true)
        .create_new(true)
        .open(file)
        .and_then(|mut file| file.write_all(text.as_bytes()))
        .with_context(|| format!("cannot write the recording {name}; name a file that is not there yet"))
}

/// The inventory as it is signed, field by field; the id is the one that enrolment gives.
fn sent(inventory: &Inventory) -> Result<String> {
    Ok(serde_json::to_string_pretty(inventory)? + "\n")
}

#[cfg(test)]
mod tests;
