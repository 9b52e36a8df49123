//! Installing as `deploy/README.md` says, and leaving without a trace.

use std::{
    collections::{BTreeMap, BTreeSet},
    fs,
    os::unix::fs::MetadataExt,
    path::{Path, PathBuf},
    time::Duration,
};

use anyhow::{Context, Result};
use cutover_agent::app::StateDir;
use cutover_tests::harness::{
    binaries,
    clock::wait_until,
    debian_root::{DebianRoot, readiness},
    packages,
    process::Finished,
    release::install,
    requirement,
};

use crate::{dpkg, server::Server, workstation::Workstation};

const LIMIT: Duration = Duration::from_secs(240);

const STATE: &str = "/var/lib/cutover/agent";

/// Everything in the root: path, and type, mode, owner, and length where it is a file.
fn everything(root: &Path) -> Result<BTreeMap<PathBuf, (u32, u32, u32, u64)>> {
    let mut found = BTreeMap::new();
    let mut open = vec![root.to_owned()];
    while let Some(directory) = open.pop() {
        for entry in fs::read_dir(&directory)? {
            let path = entry?.path();
            let meta = path.symlink_metadata()?;
            let length = if meta.is_dir() { 0 } else { meta.len() };
            let inside = path.strip_prefix(root)?.to_owned();
            found.insert(inside, (meta.mode(), meta.uid(), meta.gid(), length));
            if meta.is_dir() {
                open.push(path);
            }
        }
    }
    Ok(found)
}

fn uninstall(root: &DebianRoot, program: &str, more: &[&str]) -> Result<Finished> {
    let line = [&[program, "uninstall"], more].concat();
    root.run(&line, LIMIT)
}

#[test]
fn an_agent_that_is_uninstalled_leaves_the_root_as_it_was() -> Result<()> {
    if !requirement::met(readiness())? {
        return Ok(());
    }
    let root = DebianRoot::fresh("leaving")?;
    let server = Server::start()?;
    let before = everything(root.path())?;
    install(&root, "agent", &binaries::agent()?)?;
    assert!(root.has("/etc/systemd/system/multi-user.target.wants/cutover-agent.service"));
    let (address, token) = (server.address(), server.token()?);
    let program = "/usr/bin/cutover-agent";
    let line = [program, "enroll", "--server", &address, "--ca-fingerprint"];
    let line = [&line[..], &[server.fingerprint(), "--token", &token]].concat();
    root.run(&line, LIMIT)?.succeeded()?;
    let logs = tempfile::tempdir()?;
    let mut agent = root.spawn(&[program, "run"], &[], &logs.path().join("agent.log"))?;
    server.wait_for_host("leaving", "it has looked", LIMIT, |host| host.phase == "clear")?;

    // Its settings are for root alone, and yet whoever works there may ask it.
    let nobody = ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups", program];
    let asked = root.run(&[&nobody[..], &["defer"]].concat(), LIMIT)?;
    assert!(!asked.stderr.contains("agent.toml"), "{}", asked.stderr);
    assert!(
        format!("{}{}", asked.stdout, asked.stderr).contains("restart"),
        "{}{}",
        asked.stdout,
        asked.stderr
    );
    let refused = root.run(&[&nobody[..], &["status"]].concat(), LIMIT)?;
    assert!(
        refused.stderr.contains("agent.toml: Permission denied"),
        "{}",
        refused.stderr
    );

    // One that runs, and not as the service, is in the way.
    let refused = uninstall(&root, program, &[])?;
    assert_eq!(refused.code(), Some(1), "{}", refused.stderr);
    assert!(refused.stderr.contains("end it first"), "{}", refused.stderr);
    agent.terminate()?;
    assert!(agent.wait(LIMIT)?.success());

    let installed = everything(root.path())?;
    let dry = uninstall(&root, program, &["--dry-run"])?.succeeded()?.stdout;
    assert_eq!(everything(root.path())?, installed, "a dry run changes nothing");
    let gone = uninstall(&root, program, &[])?.succeeded()?.stdout;
    let after = everything(root.path())?;
    let (more, less): (Vec<_>, Vec<_>) = (
        after
            .iter()
            .filter(|entry| before.get(entry.0) != Some(entry.1))
            .collect(),
        before.keys().filter(|path| !after.contains_key(*path)).collect(),
    );
    assert!(
        more.is_empty() && less.is_empty(),
        "left or changed: {more:#?}, missing: {less:#?}\n{gone}"
    );
    // What was announced is what was done.
    let paths = |text: &str, mark: &str| -> BTreeSet<String> {
        text.lines()
            .filter_map(|line| line.strip_prefix(mark))
            .map(str::to_owned)
            .collect()
    };
    assert_eq!(paths(&dry, "would remove "), paths(&gone, "removed "));
    assert!(gone.contains("hosts retire"), "{gone}");
    Ok(())
}

#[test]
fn an_agent_in_the_middle_of_an_order_stays() -> Result<()> {
    if !requirement::met(readiness())? {
        return Ok(());
    }
    let mut station = Workstation::set_up("staying")?;
    let server = Server::start()?;
    let outcome = stays(&mut station, &server);
    outcome.with_context(|| format!("server:\n{}\nagent:\n{}", server.log(), station.agent_log()))
}

fn stays(station: &mut Workstation, server: &Server) -> Result<()> {
    let program = crate::workstation::AGENT;
    let held = packages::hold_removal(&station.root, "kesl")?;
    server.cutover(&["wave", "open", "all"])?.succeeded()?;
    station.enroll(server)?;
    station.start_agent()?;
    held.wait_until_reached(LIMIT)?;
    let refused = |station: &Workstation, more: &[&str], why: &str| -> Result<()> {
        let before = everything(&station.root.outside("/var/lib/cutover"))?;
        let refused = uninstall(&station.root, program, more)?;
        assert_eq!(refused.code(), Some(1), "{}", refused.stdout);
        assert!(refused.stderr.contains(why), "{}", refused.stderr);
        let kept = everything(&station.root.outside("/var/lib/cutover"))?;
        assert!(
            before.keys().all(|path| kept.contains_key(path)),
            "nothing was taken away"
        );
        Ok(())
    };
    refused(station, &[], "has begun to take something away")?;
    // Nor when the agent is dead and only the package manager goes on, whatever is asked for.
    station.kill_agent()?;
    refused(station, &[], "still runs")?;
    refused(station, &["--force"], "still runs")?;
    refused(station, &["--by-package"], "still runs")?;
    drop(held);
    wait_until("the orphaned apt has purged kesl", LIMIT, || {
        Ok(!dpkg::states(&station.root)?.contains("kesl "))
    })?;
    wait_until("nothing of it runs any more", LIMIT, || {
        let refused = uninstall(&station.root, program, &["--dry-run"])?;
        Ok(!refused.stderr.contains("still runs"))
    })?;
    refused(station, &[], "has begun to take something away")?;
    refused(station, &["--by-package"], "has begun to take something away")?;
    // What an order leaves in the state directory is on the list that uninstalling goes by.
    for entry in fs::read_dir(station.root.outside(STATE))? {
        let name = entry?.file_name();
        let known = StateDir::FILES
            .iter()
            .chain(StateDir::TREES)
            .any(|known| name == **known);
        assert!(known, "{} is not on the list of what the agent keeps", name.display());
    }
    uninstall(&station.root, program, &["--force"])?.succeeded()?;
    assert!(!station.root.has("/var/lib/cutover"));
    assert!(station.root.has(program), "it is not where an installation puts it");
    Ok(())
}

#[test]
fn the_server_is_installed_as_the_readme_says_and_makes_its_state_as_its_own_user() -> Result<()> {
    if !requirement::met(readiness())? {
        return Ok(());
    }
    let root = DebianRoot::fresh("hub")?;
    install(&root, "server", &binaries::server()?)?;
    let init = ["/usr/sbin/runuser", "-u", "cutover", "--", "/usr/bin/cutover", "init"];
    root.run(&init, LIMIT)?.succeeded()?;
    let state = root.outside("/var/lib/cutover/server");
    let owner = state.metadata()?.uid();
    assert_ne!(owner, 0);
    for (path, (mode, uid, ..)) in everything(&state)? {
        assert_eq!(uid, owner, "{}", path.display());
        assert_eq!(mode & 0o077, 0, "{} can be read by others", path.display());
    }
    Ok(())
}
