//! What a scan on a machine says, as people read it there.

use std::time::Duration;

use anyhow::{Context, Result};
use cutover_tests::harness::machine::Machine;
use serde_json::Value;

const SOON: Duration = Duration::from_secs(60);
/// Wherever it lies on the machine.
const AGENT: &str = "cutover-agent";

fn scan(machine: &Machine) -> Result<Value> {
    let scanned = machine.run(&[AGENT, "scan", "--format", "json"], SOON)?;
    serde_json::from_str(&scanned.stdout).with_context(|| format!("{}{}", scanned.stdout, scanned.stderr))
}

/// The host's grade of protection.
pub(super) fn protection(machine: &Machine) -> Result<String> {
    let scanned = scan(machine)?;
    let grade = scanned["protection"]["grade"].as_str();
    Ok(grade.context("a grade")?.to_owned())
}

/// A replacement, as the scan shows it.
pub(super) fn health(machine: &Machine, product: &str) -> Result<Value> {
    let scanned = scan(machine)?;
    let replacements = scanned["protection"]["replacements"]
        .as_array()
        .context("replacements")?;
    let found = replacements.iter().find(|it| it["product"] == product);
    found.cloned().with_context(|| format!("{product} is there: {scanned}"))
}

/// It is ill, and the scan says why.
pub(super) fn says(machine: &Machine, product: &str, part: &str) -> Result<()> {
    let health = health(machine, product)?;
    assert_eq!(health["state"], "unhealthy", "{health}");
    assert!(
        health["why"].as_str().is_some_and(|why| why.contains(part)),
        "{part}: {health}"
    );
    Ok(())
}

/// It is healthy.
pub(super) fn says_nothing(machine: &Machine, product: &str) -> Result<()> {
    let health = health(machine, product)?;
    assert_eq!(health["state"], "healthy", "{health}");
    Ok(())
}
