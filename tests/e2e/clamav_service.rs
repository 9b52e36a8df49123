//! ClamAV as a service, on a machine that boots: an order sets it up, a mirror on the loopback gives it signatures, it holds
//! the test file up, and the agent says so only while it does.

use std::fs;
use std::path::Path;
use std::time::Duration;

use anyhow::{Context, Result};
use cutover_proto::record::RecordEvent;
use cutover_proto::step::StepKind;
use cutover_tests::harness::clock::wait_until;
use cutover_tests::harness::machine::{Machine, Network, Setup, readiness};
use cutover_tests::harness::process::Running;
use cutover_tests::harness::signatures::{self, SignatureMirror};
use cutover_tests::harness::{binaries, eicar, packages, requirement};

use crate::evidence;
use crate::scanned::{health, protection, says, says_nothing};
use crate::server::Server;

/// Packages are fetched, services come up, at the side of other tests.
const LIMIT: Duration = Duration::from_secs(400);
const SOON: Duration = Duration::from_secs(60);
const AGENT: &str = "/usr/local/bin/cutover-agent";
const HOST: &str = "served";

#[test]
fn clamav_on_access_takes_the_targets_place_and_is_real_time_only_while_it_intercepts() -> Result<()> {
    if !requirement::met(readiness())? {
        return Ok(());
    }
    let mirror = SignatureMirror::start()?;
    let mut machine = Machine::assemble(&Setup {
        hostname: HOST,
        network: Network::Shared,
        volumes: &[],
    })?;
    packages::plant(&machine)?;
    signatures::start_clamd_without_the_official(&machine)?;
    machine.place_program(&binaries::agent()?, AGENT)?;
    machine.boot()?;

    let at = machine.forward(mirror.port())?;
    let server = Server::start_for(Some(signatures::replacement("clamav-on-access", at, &["/srv"])))?;
    let logs = tempfile::tempdir()?;
    let log = logs.path().join("agent.log");
    let outcome = the_way(&machine, &server, &mirror, &log);
    outcome.with_context(|| {
        let agent = fs::read_to_string(&log).unwrap_or_default();
        format!("server:\n{}\nagent:\n{agent}", server.log())
    })
}

fn the_way(machine: &Machine, server: &Server, mirror: &SignatureMirror, log: &Path) -> Result<()> {
    let token = server.token()?;
    let enroll = [
        AGENT,
        "enroll",
        "--server",
        &server.address(),
        "--ca-fingerprint",
        server.fingerprint(),
        "--token",
        &token,
    ];
    machine.run(&enroll, SOON)?.succeeded()?;
    server.cutover(&["wave", "open", "all"])?.succeeded()?;
    let mut agent: Running = machine.spawn(&[AGENT, "run"], &[], log)?;

    let host = server.wait_for_host(HOST, "migrated", LIMIT, |host| host.phase == "migrated")?;
    assert_eq!(host.protection, "real-time");
    assert!(mirror.served() > 0, "freshclam fetched from the mirror on the loopback");
    proven_by_records(server)?;
    let kept = machine.outside("/var/lib/cutover/agent/kept-config/etc!clamav!freshclam.conf");
    let kept = fs::read_to_string(kept)?;
    assert!(
        kept.contains("DatabaseMirror"),
        "the package's own is kept aside: {kept}"
    );
    agent.kill_hard()?;

    holds_up(machine)?;
    says_what_is_wrong(machine)
}

/// The signed records have each service at work, and the test file denied by name.
fn proven_by_records(server: &Server) -> Result<()> {
    let kept = evidence::of_the_only_host(&server.store())?;
    let [order] = kept.orders.as_slice() else {
        anyhow::bail!("{} orders where one is enough", kept.orders.len());
    };
    for (index, step) in order.order.steps.iter().enumerate() {
        let done = order.records.iter().find(|record| {
            usize::try_from(record.step).is_ok_and(|step| step == index)
                && matches!(record.event, RecordEvent::StepDone | RecordEvent::StepFoundDone)
        });
        let done = done.with_context(|| format!("{} is done", step.action.describe()))?;
        if step.action.kind() == StepKind::DetectionTest {
            assert!(done.detail.contains(eicar::NAME), "{}", done.detail);
        }
    }
    let kinds: Vec<StepKind> = order.order.steps.iter().map(|step| step.action.kind()).collect();
    let count = |kind| kinds.iter().filter(|it| **it == kind).count();
    assert_eq!((count(StepKind::WriteConfig), count(StepKind::EnableService)), (3, 3));
    Ok(())
}

/// A file in a watched directory cannot be opened, by root either, and clamd names it when it is asked.
fn holds_up(machine: &Machine) -> Result<()> {
    fs::write(machine.outside("/root/eicar.com"), eicar::text())?;
    machine
        .run(&["cp", "/root/eicar.com", "/srv/eicar.com"], SOON)?
        .succeeded()?;
    let opened = machine.run(&["cat", "/srv/eicar.com"], SOON)?;
    assert_eq!(
        (opened.code(), opened.stdout.as_str()),
        (Some(1), ""),
        "{}",
        opened.stderr
    );
    assert!(opened.stderr.contains("Operation not permitted"), "{}", opened.stderr);
    let asked = machine.run(&["clamdscan", "--fdpass", "--no-summary", "/root/eicar.com"], SOON)?;
    assert_eq!(asked.code(), Some(1), "{}", asked.stderr);
    let line = format!("/root/eicar.com: {}.UNOFFICIAL FOUND\n", eicar::NAME);
    assert_eq!(asked.stdout, line);
    Ok(())
}

/// Each thing that fails is told by the next look, with what to do, and real-time is never claimed with it.
fn says_what_is_wrong(machine: &Machine) -> Result<()> {
    assert_eq!(protection(machine)?, "real-time");

    machine
        .run(&["systemctl", "stop", "clamav-clamonacc.service"], SOON)?
        .succeeded()?;
    says(machine, "clamav-on-access", "clamav-clamonacc.service is not at work")?;
    assert_eq!(protection(machine)?, "on-demand", "clamd still scans what it is shown");

    // It runs, and may only watch: a service at work is no proof.
    let conf = machine.outside("/etc/clamav/clamonacc.conf");
    let text = fs::read_to_string(&conf)?.replace("OnAccessPrevention yes", "OnAccessPrevention no");
    fs::write(&conf, text)?;
    machine
        .run(&["systemctl", "start", "clamav-clamonacc.service"], SOON)?
        .succeeded()?;
    wait_until("clamonacc watches", SOON, || {
        let log = fs::read_to_string(machine.outside("/var/log/clamav/clamonacc.log"))?;
        Ok(log.matches("watching '/srv'").count() > 1)
    })?;
    says(machine, "clamav-on-access", "the kernel asks no clamonacc")?;
    assert_eq!(protection(machine)?, "on-demand");

    let database = "/var/lib/clamav/cutover-test.hdb";
    machine
        .run(&["touch", "-d", "10 days ago", database], SOON)?
        .succeeded()?;
    says(machine, "clamav-daemon", "older than 7 days")?;
    assert_eq!(protection(machine)?, "none");
    fs::remove_file(machine.outside(database))?;
    says(
        machine,
        "clamav-daemon",
        "no signatures in /var/lib/clamav; let the product fetch them",
    )?;

    fs::write(machine.outside(database), eicar::database())?;
    says_nothing(machine, "clamav-daemon")?;
    machine
        .run(
            &["systemctl", "kill", "--signal=SIGSTOP", "clamav-daemon.service"],
            SOON,
        )?
        .succeeded()?;
    let hung = health(machine, "clamav-daemon")?;
    assert_eq!(hung["state"], "unknown", "{hung}");
    assert!(
        hung["why"].as_str().is_some_and(|why| why.contains("did not answer")),
        "{hung}"
    );
    // Its socket too, which would start it at the next call.
    let stop = [
        "systemctl",
        "stop",
        "clamav-clamonacc.service",
        "clamav-daemon.socket",
        "clamav-daemon.service",
    ];
    machine.run(&stop, LIMIT)?.succeeded()?;
    says(machine, "clamav-daemon", "see `systemctl status clamav-daemon.service`")
}
