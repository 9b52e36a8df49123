//! Figures for docs/performance.md: what agent and server cost, measured on the real programs. No test, because a
//! machine's speed is no property of the code; `tests/load/run` builds what is needed and runs all of it.

mod as_of;
mod at_rest;
mod booted;
mod checkin;
mod clock;
mod debian_files;
mod echo;
mod elf;
mod engine;
mod fleet;
mod identity;
mod installation;
mod look;
mod passes;
mod program;
mod rounds;
mod scan;
mod setting;
mod table;
mod usage;
mod windows_machine;

use anyhow::{Result, anyhow};
use clap::Parser;

/// Measures agent and server and prints tables for docs/performance.md.
#[derive(Debug, Parser)]
#[command(name = "load", version)]
enum Args {
    /// The agent: size of the program, memory and CPU while it is connected and at rest.
    Agent(at_rest::Options),
    /// The agent as the service that is shipped, on a machine that boots; needs root.
    Machine(booted::Options),
    /// The agent: CPU, time and peak memory of one scan, of a Debian root and of a Windows machine's kept answers.
    Scan(scan::Options),
    /// The server: CPU for one check-in, beside a bare server.
    Server(checkin::Options),
    /// The core: decisions a second, a fleet simulated for weeks, a forecast.
    Engine(engine::Options),
    /// The store: changes that keep rows as they were, and questions as of an instant.
    AsOf(as_of::Options),
    /// The engine over a large store: plans that are due among very many, and a wave that opens.
    Passes(passes::Options),
    /// The bare server alone; `server` starts it.
    #[command(hide = true)]
    EchoServer(echo::Options),
}

fn main() -> Result<()> {
    rustls::crypto::ring::default_provider()
        .install_default()
        .map_err(|_| anyhow!("a cryptographic provider is installed already"))?;
    match Args::parse() {
        Args::Agent(options) => at_rest::run(&options),
        Args::Machine(options) => booted::run(&options),
        Args::Scan(options) => scan::run(&options),
        Args::Server(options) => checkin::run(&options),
        Args::Engine(options) => engine::run(&options),
        Args::AsOf(options) => as_of::run(&options),
        Args::Passes(options) => passes::run(&options),
        Args::EchoServer(options) => echo::run(&options),
    }
}
