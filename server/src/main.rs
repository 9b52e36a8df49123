//! The binary `cutover`: the server, and the command line of those who run it.

use std::process::ExitCode;

use clap::Parser;
use cutover_server::cli;

fn main() -> ExitCode {
    cli::run(cli::Args::parse())
}
