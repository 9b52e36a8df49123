//! A disk that is full under the server's store: it takes nothing, says so, loses nothing that it had taken, and goes on by
//! itself.

use std::fs;
use std::path::Path;
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use cutover_tests::harness::clock::wait_until;
use cutover_tests::harness::debian_root::readiness;
use cutover_tests::harness::{packages, requirement};
use rusqlite::Connection;

use crate::dpkg;
use crate::evidence;
use crate::http;
use crate::server::{Host, Server};
use crate::workstation::Workstation;

const LIMIT: Duration = Duration::from_secs(240);

/// Room for one host's whole way, several times over.
const DISK: u64 = 64 << 20;

/// Every write of this length of test is far fewer.
const TOKENS_MAX: u32 = 2_000;

#[test]
fn a_full_disk_under_the_store_refuses_and_loses_nothing_acknowledged() -> Result<()> {
    if !requirement::met(readiness())? {
        return Ok(());
    }
    let mut station = Workstation::set_up("full-store")?;
    let mut server = Server::start_on_small_disk(DISK)?;
    let outcome = filled(&mut station, &mut server);
    outcome.with_context(|| format!("server:\n{}\nagent:\n{}", server.log(), station.agent_log()))
}

fn filled(station: &mut Workstation, server: &mut Server) -> Result<()> {
    assert_eq!(ready(server)?, (200, "ready\n".to_owned()));
    let held = packages::hold_removal(&station.root, "kesl")?;
    server.cutover(&["wave", "open", "all"])?.succeeded()?;
    station.enroll(server)?;
    station.start_agent()?;
    held.wait_until_reached(LIMIT)?;

    // The log of the database is reused before it grows, so writes are made until one is refused.
    server.disk()?.fill()?;
    let mut taken = 0;
    let refusal = loop {
        ensure!(taken < TOKENS_MAX, "the disk is full, and {taken} writes were taken");
        let asked = server.cutover(&["token", "create"])?;
        if asked.code() != Some(0) {
            break asked;
        }
        taken += 1;
    };
    ensure!(
        refusal.code() == Some(1) && refusal.stderr.contains("no room") && refusal.stderr.contains("free space"),
        "{refusal:?}"
    );
    wait_until("the server says that it is not ready", LIMIT, || {
        Ok(ready(server)?.0 == 503)
    })?;
    let (_, why) = ready(server)?;
    ensure!(why.contains("no room") && why.contains("free space"), "{why}");
    assert_eq!(
        http::ask(server.people_port(), "GET /healthz", &[], "")?.status,
        200,
        "it lives"
    );

    // The removal ends on the host; its record cannot be taken, and the agent is told why.
    drop(held);
    wait_until("kesl is gone", LIMIT, || {
        Ok(!dpkg::states(&station.root)?.contains("kesl "))
    })?;
    wait_until("the agent is told", LIMIT, || {
        Ok(station.agent_log().contains("the server's disk is full"))
    })?;
    let seen = server.host("full-store")?;
    assert_eq!(seen.phase, "migrating", "reading goes on: {seen:#?}");
    wait_until("the host's work is over", LIMIT, || {
        Ok(dpkg::states(&station.root)?.is_empty() && !station.root.has(packages::LEFTOVERS[0]))
    })?;

    server.disk()?.free()?;
    wait_until("the server is ready again by itself", LIMIT, || {
        Ok(ready(server)?.0 == 200)
    })?;
    let host = server.wait_for_host("full-store", "migrated", LIMIT, |host| host.phase == "migrated")?;
    assert!(host.chain_verified);
    let told = |host: &Host| -> Vec<String> {
        let steps = host.steps.iter();
        steps
            .map(|step| format!("{} {} {}", step.order, step.event, step.detail))
            .collect()
    };
    let steps = told(&host);
    for step in told(&seen) {
        ensure!(steps.contains(&step), "{step} was taken, and is gone: {steps:#?}");
    }
    ensure!(server.log().contains("the store takes writes again"));

    // As the disk has it after a crash, not as the process remembers it.
    server.kill_hard()?;
    let copy = tempfile::tempdir()?;
    // What the processes shared of its log in memory counts no more.
    for name in ["cutover.db", "cutover.db-wal"] {
        fs::copy(server.data_dir().join(name), copy.path().join(name))?;
    }
    let store = copy.path().join("cutover.db");
    // One of `init`, one that the host enrolled with.
    assert_eq!(tokens(&store)?, 2 + taken, "every token that was given out is there");
    let kept = evidence::of_the_only_host(&store)?;
    ensure!(
        kept.orders.len() == 1,
        "a full disk used attempts up: {} orders",
        kept.orders.len()
    );
    Ok(())
}

/// What a load balancer is told.
fn ready(server: &Server) -> Result<(u16, String)> {
    let answer = http::ask(server.people_port(), "GET /readyz", &[], "")?;
    Ok((answer.status, answer.body))
}

fn tokens(store: &Path) -> Result<u32> {
    let store = Connection::open(store)?;
    Ok(store.query_row("SELECT count(*) FROM enrol_token", [], |row| row.get(0))?)
}
