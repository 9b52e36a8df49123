//! A look at a machine that cannot reach its server.

use std::process::ExitCode;

use anyhow::{Context, Result};
use cutover_proto::scan_file::ScanFile;

use super::{ScanArgs, finish, keep, said};
use crate::{
    detect::{RuleSet, ScanCx, outcome, scan},
    host,
    link::IdentityDir,
};

/// Looks at this machine, and keeps what it saw in a file that the machine's own key signed.
///
/// # Errors
/// As [`super::run`].
pub(in crate::cli) fn run(args: &ScanArgs, identity: &IdentityDir, now_ms: i64) -> Result<ExitCode> {
    finish(look(args, identity, now_ms))
}

fn look(args: &ScanArgs, identity: &IdentityDir, now_ms: i64) -> Result<(String, u8)> {
    let file = args.out.as_deref().context("--sign needs --out FILE")?;
    let (host_id, key) = identity.signer().context(
        "this machine has no key to sign with; run it as the user that the agent runs as (root, an administrator)",
    )?;
    let rules = RuleSet::built_in();
    let inventory = scan(&host::live()?, &rules, &ScanCx { host_id, now_ms });
    let text = said(args, &inventory, &rules)?;
    let code = outcome(&inventory, &rules).exit_code();
    keep(file, &ScanFile::sign(inventory, &key)?)?;
    Ok((text, code))
}
