//! What dpkg itself says of the packages that must go.

use std::fs;
use std::time::Duration;

use anyhow::{Context, Result};
use cutover_tests::harness::debian_root::DebianRoot;

const LIMIT: Duration = Duration::from_secs(60);

/// What dpkg's database says of the planted packages, one a line; nothing of those it does not know.
pub(super) fn states(root: &DebianRoot) -> Result<String> {
    let status = root.run(
        &[
            "dpkg-query",
            "-W",
            "-f",
            "${Package} ${Status}\\n",
            "kesl*",
            "klnagent*",
        ],
        LIMIT,
    )?;
    // Names that only other packages mention have the state not-installed.
    Ok(status
        .stdout
        .lines()
        .filter(|line| !line.ends_with("not-installed"))
        .map(|line| format!("{line}\n"))
        .collect())
}

/// The packages that dpkg has begun to remove or to purge, in the order of its log. `action` is its word for it.
pub(super) fn log(root: &DebianRoot, action: &str) -> Result<Vec<String>> {
    let log = fs::read_to_string(root.outside("/var/log/dpkg.log")).context("dpkg has written no log")?;
    Ok(log
        .lines()
        .filter_map(|line| line.split_once(&format!(" {action} ")))
        .filter_map(|(_, rest)| rest.split([':', ' ']).next())
        .map(str::to_owned)
        .collect())
}
