//! `cutover-agent scan`: looks, judges, says why. Needs no server and changes nothing.

mod json;
#[cfg(feature = "link")]
mod signed;
mod table;

use std::{
    fs::OpenOptions,
    io::{Read as _, Write},
    path::{Path, PathBuf},
    process::ExitCode,
};

use anyhow::{Context, Result, anyhow, bail};
use cutover_proto::{ids::HostId, inventory::Inventory};

use crate::{
    detect::{RuleSet, ScanCx, outcome, scan},
    host::{self, Collected, Fixture, HostView, Recorder},
    parse::collection,
};

#[cfg(feature = "link")]
pub(super) use signed::run as run_signed;

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
    /// Look at what the collector (deploy/collector) gathered on a Windows that no agent runs on.
    #[arg(long, value_name = "FILE", conflicts_with_all = ["root", "replay", "record"])]
    pub collected: Option<PathBuf>,
    /// Sign the inventory of this machine, for a server that it cannot reach.
    #[cfg(feature = "link")]
    #[arg(long, requires = "out", conflicts_with_all = ["root", "replay", "collected"])]
    pub sign: bool,
    /// Where the signed inventory goes; made anew.
    #[cfg(feature = "link")]
    #[arg(long, value_name = "FILE", requires = "sign")]
    pub out: Option<PathBuf>,
}

impl ScanArgs {
    /// Whether what is seen is to be signed; that takes the host's own key.
    #[cfg(feature = "link")]
    pub(super) const fn is_signed(&self) -> bool {
        self.sign
    }
}

/// Runs the command at a time of the host's clock, in milliseconds since the epoch.
///
/// # Errors
/// Only when the result cannot be printed. That nothing could be looked at is told on standard error, with exit code 2.
pub fn run(args: &ScanArgs, now_ms: i64) -> Result<ExitCode> {
    finish(look(args, now_ms))
}

/// Prints what a look came to.
fn finish(looked: Result<(String, u8)>) -> Result<ExitCode> {
    match looked {
        Ok((text, code)) => {
            std::io::stdout()
                .write_all(text.as_bytes())
                .context("cannot print the result")?;
            Ok(ExitCode::from(code))
        }
        Err(error) => {
            writeln!(std::io::stderr(), "error: {}", super::telling::in_words(&error))
                .context("cannot print the error")?;
            Ok(ExitCode::from(EXIT_ERROR))
        }
    }
}

/// What is printed, and the exit code.
fn look(args: &ScanArgs, now_ms: i64) -> Result<(String, u8)> {
    let view: Box<dyn HostView> = match (&args.root, &args.replay, &args.collected) {
        (Some(dir), _, _) => host::rooted(dir)?,
        (None, Some(file), _) => Box::new(replayed(file)?),
        (None, None, Some(file)) => Box::new(collected(file)?),
        (None, None, None) => host::live()?,
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
    Ok((said(args, &inventory, &rules)?, outcome(&inventory, &rules).exit_code()))
}

fn said(args: &ScanArgs, inventory: &Inventory, rules: &RuleSet) -> Result<String> {
    if args.show_what_is_sent {
        return sent(inventory);
    }
    match args.format {
        Format::Table => Ok(table::render(inventory, rules, outcome(inventory, rules))),
        Format::Json => json::render(inventory, rules),
    }
}

fn replayed(file: &Path) -> Result<Fixture> {
    let name = file.display();
    let text = std::fs::read_to_string(file).with_context(|| format!("cannot read the recording {name}"))?;
    Fixture::from_json(&text).with_context(|| format!("{name}"))
}

fn collected(file: &Path) -> Result<Collected> {
    let name = file.display();
    let mut bytes = Vec::new();
    std::fs::File::open(file)
        .and_then(|opened| opened.take(collection::MAX_BYTES + 1).read_to_end(&mut bytes))
        .with_context(|| format!("cannot read the collection {name}"))?;
    if bytes.len() as u64 > collection::MAX_BYTES {
        bail!("{name} is longer than any collection");
    }
    let read = collection::parse(&bytes).map_err(|why| anyhow!("{name} {why}"))?;
    Ok(Collected::new(read))
}

fn keep(file: &Path, text: &str) -> Result<()> {
    let name = file.display();
    OpenOptions::new()
        .write(true)
        .create_new(true)
        .open(file)
        .and_then(|mut file| file.write_all(text.as_bytes()))
        .with_context(|| format!("cannot write {name}; name a file that is not there yet"))
}

/// The inventory as it is signed, field by field; the id is the one that enrolment gives.
fn sent(inventory: &Inventory) -> Result<String> {
    Ok(serde_json::to_string_pretty(inventory)? + "\n")
}

// Over a planted root of a Linux system.
#[cfg(test)]
#[cfg(unix)]
mod tests;
