//! The whole way on a machine that boots: running services, the agent as a service, a restart.

use anyhow::{Context, Result};
use cutover_tests::harness::machine::readiness;
use cutover_tests::harness::{packages, requirement};

use crate::dpkg;
use crate::evidence;
use crate::server::Server;
use crate::station::{self, LIMIT, Station};

#[test]
fn a_booted_host_with_running_services_migrates_and_stays_so_after_a_restart() -> Result<()> {
    if !requirement::met(readiness())? {
        return Ok(());
    }
    let mut station = Station::boot(&station::prepared()?, "booted-proof", &[])?;
    let server = Server::start()?;
    let outcome = migrated(&mut station, &server);
    outcome.with_context(|| format!("server:\n{}\nagent:\n{}", server.log(), station.agent_log()))
}

fn migrated(station: &mut Station, server: &Server) -> Result<()> {
    for unit in packages::UNITS {
        assert_eq!(station.unit(unit)?, "active", "{unit}");
    }
    assert!(
        station.machine.has("/etc/systemd/system/kesl.service"),
        "the launcher wrote its unit when the machine booted"
    );
    assert_eq!(station.scan()?.code(), Some(10), "the products are there");

    station.machine.forward(server.port())?;
    station.enroll(server, &server.token()?)?.succeeded()?;
    station.start_agent()?;
    let first = server.wait_for_host("booted-proof", "planned", LIMIT, |host| host.phase == "planned")?;
    assert!(
        first
            .verdicts
            .iter()
            .any(|seen| seen.product == "kesl" && seen.verdict == "running"),
        "{:?}",
        first.verdicts
    );
    assert_eq!(first.protection, "real-time");
    server.cutover(&["wave", "open", "all"])?.succeeded()?;
    server.wait_for_host("booted-proof", "migrated", LIMIT, |host| host.phase == "migrated")?;

    // The machine restarts; whatever could bring the product back does so now.
    let before = station.machine.boot_id()?.to_owned();
    let contact = server.host("booted-proof")?.last_contact_ms;
    station.machine.restart()?;
    assert_ne!(station.machine.boot_id()?, before);
    let host = server.wait_for_host("booted-proof", "the agent reports after the restart", LIMIT, |host| {
        host.last_contact_ms > contact
    })?;
    assert_eq!(station.machine.state()?, "running", "no unit has failed");
    assert_eq!(host.phase, "migrated");
    assert!(host.chain_verified, "the chains of its events");
    assert_eq!(host.protection, "on-demand");
    let spent = host.protection_seconds;
    assert_eq!(
        spent.unprotected, 0,
        "the replacement stood before the product went: {spent:?}"
    );
    assert!(spent.protected > 0, "{spent:?}");

    let second = station.scan()?;
    assert_eq!(second.code(), Some(0), "a second look finds nothing: {}", second.stdout);
    assert_eq!(dpkg::states(&station.machine)?, "");
    for path in packages::LEFTOVERS {
        assert!(!station.machine.has(path), "{path} was not swept");
    }
    for unit in packages::UNITS {
        let shown = station.machine.run(&["systemctl", "cat", unit], LIMIT)?;
        assert_ne!(shown.code(), Some(0), "{unit} is still known: {}", shown.stdout);
    }
    for process in ["kesl", "klnagent"] {
        assert_eq!(station.machine.process(process)?, None, "{process} still runs");
    }
    let kept = evidence::of_the_only_host(&server.store())?;
    assert_eq!(kept.orders.len(), 1, "one attempt was enough");
    let boots: Vec<&str> = kept.inventories.iter().map(|kept| kept.boot_id.as_str()).collect();
    assert_eq!(
        boots.first(),
        Some(&before.as_str()),
        "the first look was made before the restart"
    );
    Ok(())
}
