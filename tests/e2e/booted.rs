//! The whole way on a machine that boots: running services, the agent as the service that is shipped, clamd in the
//! product's place, a restart by order and one by hand.

use std::fs;

use anyhow::{Context, Result};
use cutover_proto::record::RecordEvent;
use cutover_proto::step::StepKind;
use cutover_tests::harness::machine::readiness;
use cutover_tests::harness::signatures::{self, SignatureMirror};
use cutover_tests::harness::{packages, requirement};

use crate::dpkg;
use crate::evidence;
use crate::server::Server;
use crate::station::{self, LIMIT, Station};

const HOST: &str = "booted-proof";

/// Where Debian's packages say that the machine waits for a restart.
const REBOOT_REQUIRED: &str = "/run/reboot-required";

#[test]
fn a_booted_host_with_running_services_comes_to_clamd_through_a_restart_and_stays_so_after_another() -> Result<()> {
    if !requirement::met(readiness())? {
        return Ok(());
    }
    let prepared = station::prepared()?;
    packages::plant_certificate(&prepared)?;
    signatures::start_clamd_without_the_official(&prepared)?;
    let mut station = Station::boot(&prepared, HOST, &[])?;
    let mirror = SignatureMirror::start()?;
    let at = station.machine.forward(mirror.port())?;
    let server = Server::start_for(Some(signatures::replacement("clamav-daemon", at, &[])))?;
    let outcome = migrated(&mut station, &server, &mirror);
    outcome.with_context(|| format!("server:\n{}\nagent:\n{}", server.log(), station.agent_log()))
}

fn migrated(station: &mut Station, server: &Server, mirror: &SignatureMirror) -> Result<()> {
    for unit in packages::UNITS {
        assert_eq!(station.unit(unit)?, "active", "{unit}");
    }
    assert!(
        station.machine.has("/etc/systemd/system/kesl.service"),
        "the launcher wrote its unit when the machine booted"
    );
    assert_eq!(station.scan()?.code(), Some(10), "the products are there");
    for path in packages::CERTIFICATE {
        assert!(station.machine.has(path), "{path}");
    }
    // Something else waits for a restart: that comes first, and the work after it.
    station.machine.run(&["touch", REBOOT_REQUIRED], LIMIT)?.succeeded()?;
    let trusted = certificates(station)?;
    let session = station.machine.boot_id()?.to_owned();

    station.machine.forward(server.port())?;
    station.enroll(server, &server.token()?)?.succeeded()?;
    station.start_agent()?;
    let first = server.wait_for_host(HOST, "planned", LIMIT, |host| host.phase == "planned")?;
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
    station.machine.wait_for_restart(LIMIT)?;
    let after_order = station.machine.boot_id()?.to_owned();
    server.wait_for_host(HOST, "migrated", LIMIT, |host| host.phase == "migrated")?;
    assert_eq!(station.unit("clamav-daemon.service")?, "active");
    assert!(mirror.served() > 0, "freshclam fetched from the site's mirror");

    // Once more; whatever could bring the product back does so now.
    let contact = server.host(HOST)?.last_contact_ms;
    station.machine.restart()?;
    let host = server.wait_for_host(HOST, "the agent reports after the restart", LIMIT, |host| {
        host.last_contact_ms > contact && host.protection == "on-demand"
    })?;
    assert_eq!(station.machine.state()?, "running", "no unit has failed");
    assert_eq!(host.phase, "migrated");
    assert!(host.chain_verified, "the chains of its events");
    let spent = host.protection_seconds;
    assert_eq!(
        spent.unprotected, 0,
        "the replacement stood before the product went: {spent:?}"
    );
    assert!(spent.protected > 0, "{spent:?}");

    swept(station, trusted)?;
    proven(server, &[&session, &after_order])?;
    figures(station)
}

/// Nothing of the product is left that a look, or a person who knows it, would find.
fn swept(station: &Station, trusted: usize) -> Result<()> {
    let second = station.scan()?;
    assert_eq!(second.code(), Some(0), "a second look finds nothing: {}", second.stdout);
    assert_eq!(dpkg::states(&station.machine)?, "");
    for path in packages::LEFTOVERS.iter().chain(&packages::CERTIFICATE) {
        assert!(!station.machine.has(path), "{path} was not swept");
    }
    assert_eq!(certificates(station)?, trusted - 1, "one certificate less is trusted");
    let groups = fs::read_to_string(station.machine.outside("/etc/group"))?;
    for group in packages::GROUPS {
        assert!(
            !groups.lines().any(|line| line.starts_with(&format!("{group}:"))),
            "{group}"
        );
    }
    for unit in packages::UNITS {
        let shown = station.machine.run(&["systemctl", "cat", unit], LIMIT)?;
        assert_ne!(shown.code(), Some(0), "{unit} is still known: {}", shown.stdout);
    }
    for process in ["kesl", "klnagent"] {
        assert_eq!(station.machine.process(process)?, None, "{process} still runs");
    }
    Ok(())
}

/// How many certificates programs on the machine trust.
fn certificates(station: &Station) -> Result<usize> {
    let bundle = fs::read_to_string(station.machine.outside(packages::TRUSTED))?;
    Ok(bundle.matches("BEGIN CERTIFICATE").count())
}

/// The signed records: one order restarted the machine, the next replaced the product in the session that came of it.
fn proven(server: &Server, sessions: &[&str]) -> Result<()> {
    let kept = evidence::of_the_only_host(&server.store())?;
    let [restart, replace] = kept.orders.as_slice() else {
        anyhow::bail!("{} orders where two are enough", kept.orders.len());
    };
    let kinds = |order: &evidence::Order| -> Vec<StepKind> {
        order.order.steps.iter().map(|step| step.action.kind()).collect()
    };
    assert_eq!(kinds(restart), [StepKind::Restart]);
    assert!(!kinds(replace).contains(&StepKind::Restart));
    for order in [restart, replace] {
        assert_eq!(order.done().count(), order.order.steps.len(), "{:#?}", order.records);
    }
    let noticed = restart
        .records
        .iter()
        .any(|record| record.event == RecordEvent::RestartNoticed);
    assert!(noticed, "people were told: {:#?}", restart.records);
    let boots: Vec<&str> = kept.inventories.iter().map(|kept| kept.boot_id.as_str()).collect();
    assert_eq!(
        boots.first(),
        sessions.first(),
        "the first look was made before the restart"
    );
    assert!(boots.contains(&sessions[1]), "{boots:?}");
    Ok(())
}

/// What the agent's service used in the session that began last. Printed, and never judged: a machine's speed is no
/// property of the code.
#[expect(clippy::print_stdout, reason = "figures for a person who reads them")]
fn figures(station: &Station) -> Result<()> {
    let group = "/sys/fs/cgroup/system.slice/cutover-agent.service/cpu.stat";
    let cpu = station.machine.run(&["cat", group], LIMIT)?.succeeded()?.stdout;
    let cpu = cpu.lines().next().context("a line of cpu.stat")?;
    let agent = station.machine.process("cutover-agent")?.context("the agent runs")?;
    let status = fs::read_to_string(format!("/proc/{agent}/status"))?;
    let memory = |name| status.lines().find(|line| line.starts_with(name));
    println!(
        "the agent's service since the last boot: {cpu}, {}, {}",
        memory("VmRSS").context("resident memory")?,
        memory("VmHWM").context("its peak")?
    );
    Ok(())
}
