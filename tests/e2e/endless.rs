//! An installer that never ends: the step's time limit ends it with all that it started, and what it said is kept.

use std::fs;
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use cutover_proto::step::Action;
use cutover_tests::harness::clock::wait_until;
use cutover_tests::harness::machine::readiness;
use cutover_tests::harness::{packages, requirement};

use crate::dpkg;
use crate::orders;
use crate::server::{Server, Terms};
use crate::station::{self, LIMIT, Station};

/// A recipe's limit is twenty minutes. Long enough for the script to begin.
const TIME_LIMIT: Duration = Duration::from_secs(8);

#[test]
fn an_installer_that_never_ends_is_ended_with_all_that_it_started() -> Result<()> {
    if !requirement::met(readiness())? {
        return Ok(());
    }
    let mut station = Station::boot(&station::prepared()?, "endless", &[])?;
    let server = Server::start_with(&Terms {
        one_try: true,
        ..Terms::default()
    })?;
    let outcome = ended(&mut station, &server);
    outcome.with_context(|| format!("server:\n{}\nagent:\n{}", server.log(), station.agent_log()))
}

fn ended(station: &mut Station, server: &Server) -> Result<()> {
    let endless = packages::endless_removal(&station.machine)?;
    station.machine.forward(server.port())?;
    station.enroll(server, &server.token()?)?.succeeded()?;
    station.start_agent()?;
    server.wait_for_host("endless", "planned", LIMIT, |host| host.phase == "planned")?;
    station.stop_agent()?;
    server.cutover(&["wave", "open", "all"])?.succeeded()?;
    orders::change_unsigned(&server.store(), LIMIT, |order, _| {
        let is_removal =
            |action: &Action| matches!(action, Action::RemovePackages { product, .. } if product.as_str() == "kesl");
        let removal = order.steps.iter_mut().find(|step| is_removal(&step.action));
        removal.context("the order removes kesl")?.time_limit = TIME_LIMIT;
        Ok(())
    })?;
    station.start_agent()?;

    let straggler = || fs::read_to_string(station.machine.outside("/var/lib/stand-in/kesl.straggler"));
    wait_until("the removal script has left its child", LIMIT, || {
        Ok(straggler().is_ok())
    })?;
    let straggler = straggler()?.trim().to_owned();
    let host = server.wait_until_settled("endless", LIMIT)?;
    assert_eq!(host.phase, "failed", "{}", host.reason);
    let said = host.why.join("\n");
    ensure!(host.reason.contains("time-limit"), "{said}");
    ensure!(said.contains("cutover hosts retry"), "{said}");

    // The log's end is in the signed record, and the operator sees it without asking for more than the host.
    let failed = host
        .steps
        .iter()
        .find(|step| step.event == "step-failed")
        .context("a failed step")?;
    ensure!(
        failed.log_tail.contains("kesl: waiting for the product to stop, 1"),
        "{}",
        failed.log_tail
    );
    let shown = server.cutover(&["hosts", "show", "endless"])?.succeeded()?.stdout;
    ensure!(shown.contains("kesl: waiting for the product to stop,"), "{shown}");

    // Nothing of it is left, also not what had a session of its own and no ear for SIGTERM.
    let alive = ["kill", "-0", &straggler];
    assert_ne!(
        station.machine.run(&alive, LIMIT)?.code(),
        Some(0),
        "process {straggler}"
    );
    for process in ["apt-get", "dpkg"] {
        assert_eq!(station.machine.process(process)?, None, "{process} still runs");
    }
    let scopes = [
        "systemctl",
        "list-units",
        "--type=scope",
        "--no-legend",
        "--plain",
        "cutover-*",
    ];
    let scopes = station.machine.run(&scopes, LIMIT)?.succeeded()?.stdout;
    assert_eq!(scopes.trim(), "");

    // The window went before; the product still protects, beside ClamAV.
    assert_eq!(station.unit("kesl.service")?, "active");
    assert_eq!(host.protection_seconds.unprotected, 0);
    ensure!(dpkg::states(&station.machine)?.contains("kesl "));

    // Once the cause is mended the rest goes on from there.
    drop(endless);
    server.cutover(&["hosts", "retry", "endless"])?.succeeded()?;
    let host = server.wait_for_host("endless", "migrated", LIMIT, |host| host.phase == "migrated")?;
    assert_eq!(host.protection_seconds.unprotected, 0);
    assert_eq!(dpkg::states(&station.machine)?, "");
    assert_eq!(station.scan()?.code(), Some(0));
    Ok(())
}
