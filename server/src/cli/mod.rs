//! The command line: what runs the server, and what speaks to a running one over its REST API.
//!
//! Data goes to stdout, messages to stderr. Exit 0 done, 1 refused or failed, 2 usage.

mod agent_releases;
mod args;
mod artifacts;
mod assets;
mod blockers;
mod campaign;
mod client;
mod closing;
mod drains;
mod encryption;
mod exemptions;
mod findings;
mod forecast;
mod handwork;
mod import_scan;
mod init;
mod operator;
pub(crate) mod output;
mod pages;
mod readiness;
mod secrets;
mod serve;
mod simulate;

#[cfg(feature = "demo")]
pub use args::Demo;
pub use args::{Args, Command};
pub use output::Format;
#[cfg(feature = "demo")]
pub(crate) use serve::{install_crypto, install_logs, told_to_stop};

use std::process::ExitCode;

use cutover_core::catalog::{Catalog, CatalogError};

/// Runs one command; `main` itself runs the demo, which nothing here knows. A server goes by the catalog that is given here.
///
/// # Errors
/// What went wrong and what to do.
pub fn run(args: Args, catalog: impl FnOnce() -> Result<Catalog, CatalogError>) -> anyhow::Result<()> {
    let Args {
        config,
        connection,
        output,
        command,
    } = args;
    match command {
        Command::Init(init) => init::run(config.as_deref(), &init, catalog()?),
        Command::Serve => serve::run(config.as_deref(), catalog()?),
        #[cfg(feature = "demo")]
        Command::Demo(_) => anyhow::bail!("the demo is run by the program itself"),
        Command::CheckConfig => serve::check_config(config.as_deref()),
        Command::Catalog(asked) => operator::catalog(&asked, output),
        Command::Operator(operator) => operator::run(&operator, &connection, config.as_deref(), output),
    }
}

/// Says what went wrong, and gives the exit code for it.
#[must_use]
pub fn ended(result: anyhow::Result<()>) -> ExitCode {
    match result {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            output::message(&format!("cutover: {}", told(&error)));
            ExitCode::from(1)
        }
    }
}

/// An error with its causes, each said once: some errors quote their cause in their own words.
fn told(error: &anyhow::Error) -> String {
    let mut text = error.to_string();
    for cause in error.chain().skip(1).map(ToString::to_string) {
        if !text.contains(&cause) {
            text = format!("{text}: {cause}");
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use anyhow::Context;

    use super::*;

    #[test]
    fn a_cause_is_said_once() {
        let quoting = anyhow::anyhow!("disk full").context("cannot write: disk full");
        assert_eq!(told(&quoting), "cannot write: disk full");
        let adding = Err::<(), _>(anyhow::anyhow!("disk full"))
            .context("cannot write")
            .unwrap_err();
        assert_eq!(told(&adding), "cannot write: disk full");
    }
}
