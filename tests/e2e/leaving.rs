//! The end of a host: its agent says its last word and takes itself off a machine that boots, whoever put it there.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use cutover_tests::harness::clock::wait_until;
use cutover_tests::harness::debian_root::DebianRoot;
use cutover_tests::harness::machine::readiness;
use cutover_tests::harness::{archive, eicar, packages, requirement};

use crate::distribution;
use crate::server::{Server, Terms};
use crate::station::{self, LIMIT, Station};

/// Where nothing of an agent may be left. What the system itself logs, and what dpkg has written down, stays.
const PLACES: [&str; 8] = ["etc", "usr", "opt", "var/lib", "var/cache", "run", "tmp", "home"];

fn terms() -> Terms {
    Terms {
        retire: Some("4s"),
        ..Terms::default()
    }
}

/// The test's own, for the scanner.
const DATABASE: &str = "cutover-test.hdb";

/// Everything whose name says that it is Cutover's.
fn ours(root: &Path) -> Result<Vec<PathBuf>> {
    let mut found = Vec::new();
    let mut open: Vec<PathBuf> = PLACES.iter().map(|place| root.join(place)).collect();
    while let Some(path) = open.pop() {
        let Ok(meta) = path.symlink_metadata() else { continue };
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        if name.contains("cutover") && name != DATABASE {
            found.push(path.strip_prefix(root)?.to_owned());
        }
        if meta.is_dir() {
            for entry in fs::read_dir(&path)? {
                open.push(entry?.path());
            }
        }
    }
    Ok(found)
}

/// Takes the host to `concluded`.
fn leaves(station: &mut Station, server: &Server, name: &str) -> Result<()> {
    station.machine.forward(server.port())?;
    station.enroll(server, &server.token()?)?.succeeded()?;
    station.start_agent()?;
    server.wait_for_host(name, "planned", LIMIT, |host| host.phase == "planned")?;
    server.cutover(&["wave", "open", "all"])?.succeeded()?;
    server.wait_for_host(name, "migrated", LIMIT, |host| {
        ["migrated", "concluded"].contains(&host.phase.as_str())
    })?;
    server.wait_for_host(name, "concluded", LIMIT, |host| host.phase == "concluded")?;
    Ok(())
}

/// Neither file, unit, user nor process.
fn is_gone(station: &Station, server: &Server, name: &str) -> Result<()> {
    wait_until("the agent has taken itself away", LIMIT, || {
        let is_away = station.machine.process("cutover-agent")?.is_none();
        Ok(is_away && ours(station.machine.path())?.is_empty() && !at_work(station)?)
    })
    .with_context(|| format!("still there: {:?}", ours(station.machine.path())))?;
    let said = station
        .machine
        .run(&["journalctl", "--no-pager", "-u", "cutover-agent*"], LIMIT)?
        .stdout;
    assert!(!said.contains("timed out"), "it ended when it was told to: {said}");
    let units = ["systemctl", "list-units", "--all", "--no-legend", "cutover*"];
    assert_eq!(station.machine.run(&units, LIMIT)?.stdout.trim(), "");
    let files = ["systemctl", "list-unit-files", "--no-legend", "cutover*"];
    assert_eq!(station.machine.run(&files, LIMIT)?.stdout.trim(), "");
    for accounts in ["/etc/passwd", "/etc/group"] {
        let text = fs::read_to_string(station.machine.outside(accounts))?;
        assert!(!text.contains("cutover"), "{accounts}: {text}");
    }
    assert_eq!(station.machine.state()?, "running", "no unit has failed");

    let why = server.cutover(&["why", name])?.succeeded()?.stdout;
    assert!(why.contains("concluded") && why.contains("watched no longer"), "{why}");
    assert!(server.host(name)?.chain_verified);
    Ok(())
}

/// Whether the removal itself still runs.
fn at_work(station: &Station) -> Result<bool> {
    let asked = ["systemctl", "is-active", "cutover-agent-leaves.service"];
    let state = station.machine.run(&asked, LIMIT)?.stdout;
    Ok(["active", "activating", "deactivating"].contains(&state.trim()))
}

#[test]
fn an_agent_that_came_as_a_deb_concludes_and_leaves_nothing_behind() -> Result<()> {
    let made = distribution::readiness(&distribution::TO_MAKE_DEB);
    if !requirement::met(readiness().and(made))? {
        return Ok(());
    }
    let root = DebianRoot::fresh("leaving-deb")?;
    packages::plant(&root)?;
    archive::plant(&root)?;
    eicar::plant_database(&root)?;
    let [package, server_package] = distribution::packages(&root, "deb", "0.1.0")?;
    fs::remove_file(root.outside(&server_package))?;
    let mut station = Station::boot(&root, "leaves-deb", &[])?;
    let server = Server::start_with(&terms())?;
    station
        .machine
        .run(&["dpkg", "--install", &package], LIMIT)?
        .succeeded()?;
    let outcome = leaves(&mut station, &server, "leaves-deb").and_then(|()| is_gone(&station, &server, "leaves-deb"));
    let known = station.machine.run(&["dpkg-query", "--show", "cutover-agent"], LIMIT)?;
    outcome.with_context(|| told(&station, &server))?;
    assert_ne!(known.code(), Some(0), "dpkg knows it no more: {}", known.stdout);
    Ok(())
}

#[test]
fn an_agent_that_was_installed_by_hand_concludes_and_leaves_nothing_behind() -> Result<()> {
    if !requirement::met(readiness())? {
        return Ok(());
    }
    let root = station::prepared()?;
    // What somebody made for the unit stays, and here it would be the test's own.
    fs::remove_dir_all(root.outside("/etc/systemd/system/cutover-agent.service.d"))?;
    let mut station = Station::boot(&root, "leaves-hand", &[])?;
    let server = Server::start_with(&terms())?;
    let outcome = leaves(&mut station, &server, "leaves-hand").and_then(|()| is_gone(&station, &server, "leaves-hand"));
    outcome.with_context(|| told(&station, &server))
}

fn told(station: &Station, server: &Server) -> String {
    let journal = ["journalctl", "--no-pager", "-u", "cutover-agent*"];
    let agent = station.machine.run(&journal, LIMIT).map(|run| run.stdout);
    format!("server:\n{}\nagent:\n{}", server.log(), agent.unwrap_or_default())
}
