//! The binary `cutover`: the server, and the command line of those who run it.

use std::process::ExitCode;

use clap::Parser;
use cutover_core::catalog::Catalog;
use cutover_server::cli;

fn main() -> ExitCode {
    let args = cli::Args::parse();
    #[cfg(feature = "demo")]
    if let cli::Command::Demo(demo) = &args.command {
        return cli::ended(cutover_server::demo::run(demo, args.output));
    }
    cli::ended(cli::run(args, Catalog::built_in))
}
