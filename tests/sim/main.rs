//! A simulated fleet: the real service and its store, virtual time, machines with habits, and everything that goes wrong
//! with networks, servers and stores. What must hold is asked all along. A run follows from its seed alone, so one that
//! failed is run again by one command.
//!
//! Real are the service, its decisions and its store, and the agent's conversation (`cutover_agent::session`), orders and
//! signatures. Stood in for are the machines themselves, the agent's hands and journal, and the network.

mod calendar;
mod calls;
mod case;
mod clock;
mod conn;
mod course;
mod deeds;
mod dice;
mod fault;
mod habit;
mod happening;
mod invariants;
mod journal;
mod keys;
mod ledger;
mod machine;
mod people;
mod plot;
mod run;
mod server;
mod situation;
mod tamper;
mod told;
mod truth;
mod turns;
mod view;
mod wall;
mod watching;
mod weather;
mod work;
mod world;

#[cfg(test)]
mod historical;
#[cfg(test)]
mod late;
#[cfg(test)]
mod overdue;
#[cfg(test)]
mod passes;
#[cfg(test)]
mod puppet;
#[cfg(test)]
mod tests;
#[cfg(test)]
mod trace;

use std::{path::PathBuf, process::ExitCode};

use anyhow::Result;
use clap::{Parser, Subcommand};

use crate::case::Failure;

/// What simulated agents say that they are.
const AGENT_VERSION: &str = "0.1.0";

/// Runs simulated fleets.
#[derive(Debug, Parser)]
#[command(name = "tests/sim/run")]
struct Arguments {
    #[command(subcommand)]
    command: Command,
}

#[derive(Debug, Subcommand)]
enum Command {
    /// Runs many seeds.
    Run {
        /// The first.
        #[arg(long, default_value_t = 0)]
        first: u64,
        /// How many.
        #[arg(long, default_value_t = 200)]
        seeds: u64,
        /// Hosts in each.
        #[arg(long, default_value_t = 40)]
        hosts: usize,
        /// Where files of failed runs go.
        #[arg(long, default_value = "target/sim")]
        failures: PathBuf,
        /// Fails also where a habit, a fault or a situation never occurred.
        #[arg(long)]
        complete: bool,
    },
    /// Runs again what failed.
    Replay {
        /// The file that a failed run left.
        file: PathBuf,
        /// Looks for a smaller run that fails the same, and leaves its file beside this one.
        #[arg(long)]
        shrink: bool,
    },
}

fn main() -> Result<ExitCode> {
    match Arguments::parse().command {
        Command::Run {
            first,
            seeds,
            hosts,
            failures,
            complete,
        } => many(first, seeds, hosts, &failures, complete),
        Command::Replay { file, shrink } => replay(&file, shrink),
    }
}

#[expect(clippy::print_stdout, reason = "a program for people")]
fn many(first: u64, seeds: u64, hosts: usize, failures: &std::path::Path, complete: bool) -> Result<ExitCode> {
    let watch = clock::Stopwatch::start();
    let many = run::many(first, seeds, hosts, failures)?;
    let took = watch.seconds();
    print!("{}", many.ledger.table());
    println!(
        "{} runs of {hosts} hosts in {took:.1} s: {:.2} runs and {:.0} faults a second, {} failed",
        many.runs,
        many.runs as f64 / took,
        many.ledger.faults.values().sum::<u64>() as f64 / took,
        many.failures.len()
    );
    for (path, failure) in &many.failures {
        let violation = &failure.violation;
        println!("seed {}: {}: {}", failure.case.seed, violation.invariant, violation.why);
        println!("  again: tests/sim/run replay {}", path.display());
    }
    let missing = many.ledger.missing();
    if !missing.is_empty() {
        println!("never occurred: {}", missing.join(", "));
    }
    let is_good = many.failures.is_empty() && (missing.is_empty() || !complete);
    Ok(if is_good { ExitCode::SUCCESS } else { ExitCode::FAILURE })
}

#[expect(clippy::print_stdout, reason = "a program for people")]
fn replay(file: &std::path::Path, shrink: bool) -> Result<ExitCode> {
    let before = Failure::read(file)?;
    let outcome = run::one(before.case.clone())?;
    let Some(mut failure) = outcome.failure else {
        println!("it holds now: {} was broken", before.violation.invariant);
        return Ok(ExitCode::SUCCESS);
    };
    if shrink {
        failure = run::shrink(failure, 200)?;
        let path = file.with_extension("small.json");
        std::fs::write(&path, serde_json::to_string_pretty(&failure)? + "\n")?;
        let left = failure.case.hosts - failure.case.without_hosts.len();
        println!("{left} hosts are left: {}", path.display());
    }
    for line in &failure.last {
        println!("{line}");
    }
    println!("course {}", outcome.trace);
    let at = calendar::shown(failure.violation.at_ms);
    println!(
        "{at}  {} is broken: {}",
        failure.violation.invariant, failure.violation.why
    );
    Ok(ExitCode::FAILURE)
}
