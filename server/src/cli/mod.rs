//! The command line: what runs the server, and what speaks to a running one over its REST API.
//!
//! Data goes to stdout, messages to stderr. Exit 0 done, 1 refused or failed, 2 usage.

mod args;
mod client;
mod init;
mod operator;
mod output;
mod serve;

pub use args::{Args, Command};
pub use output::Format;

use std::process::ExitCode;

/// Runs one command.
#[must_use]
pub fn run(args: Args) -> ExitCode {
    match dispatch(args) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            output::message(&format!("cutover: {error:#}"));
            ExitCode::from(1)
        }
    }
}

fn dispatch(args: Args) -> anyhow::Result<()> {
    let Args { config, connection, output, command } = args;
    match command {
        Command::Init(init) => init::run(config.as_deref(), &init),
        Command::Serve => serve::run(config.as_deref()),
        #[cfg(feature = "demo")]
        Command::Demo(demo) => crate::demo::run(&demo, output),
        Command::CheckConfig => serve::check_config(config.as_deref()),
        Command::Catalog(catalog) => operator::catalog(&catalog, output),
        Command::Operator(operator) => operator::run(&operator, &connection, config.as_deref(), output),
    }
}
