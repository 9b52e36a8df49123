//! `cutover` with a catalog that has one more replacement, which `tests/windows/packages` makes: no vendor's installer could be
//! shown here, and the built-in recipes install nothing on Windows.

use std::process::ExitCode;

use clap::Parser as _;
use cutover_core::catalog::Catalog;
use cutover_server::cli;

const RULES: &[(&str, &str)] = &[("stand-in-guard.toml", include_str!("../../windows/guard/rule.toml"))];
const RECIPES: &[(&str, &str)] = &[("stand-in-guard.toml", include_str!("../../windows/guard/recipe.toml"))];

fn main() -> ExitCode {
    cli::ended(cli::run(cli::Args::parse(), || Catalog::built_in_with(RULES, RECIPES)))
}
