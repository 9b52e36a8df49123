//! The shipped units, users and directories, judged by systemd's own tools.

use std::{
    fs,
    os::unix::fs::{MetadataExt, PermissionsExt},
    path::{Path, PathBuf},
    process::Command,
    time::Duration,
};

use anyhow::{Context, Result, ensure};
use cutover_tests::harness::{
    process::{Finished, find, run, tool},
    requirement,
};

use crate::shipped::{path, shipped};

const LIMIT: Duration = Duration::from_secs(60);

/// What `systemd-analyze security` may say of the server at most, from 0 (nothing to be had) to 10.
const MOST_EXPOSED: f64 = 2.5;

/// One of systemd's tools, where the machine has it.
fn has(name: &str) -> Result<bool> {
    let found = find(name).map(drop);
    requirement::met(found.with_context(|| format!("{name} is missing: install the package systemd")))
}

fn analyze(arguments: &[&str], unit: &Path) -> Result<Finished> {
    let mut command = tool("systemd-analyze");
    command.args(arguments).arg(unit);
    run(command, LIMIT)
}

/// `Overall exposure level for NAME: 1.2 OK`
fn exposure(unit: &Path) -> Result<f64> {
    let said = analyze(&["security", "--offline=true", "--no-pager"], unit)?
        .succeeded()?
        .stdout;
    let line = said.lines().find(|line| line.contains("Overall exposure level"));
    let word = line.and_then(|line| line.rsplit_once(": ")?.1.split_whitespace().next());
    word.with_context(|| format!("no overall exposure in {said}"))?
        .parse()
        .with_context(|| format!("no number in {line:?}"))
}

/// A copy of a unit in a directory of its own, changed.
fn copy(unit: &str, change: impl FnOnce(String) -> String) -> Result<(tempfile::TempDir, PathBuf)> {
    let directory = tempfile::tempdir()?;
    let copy = directory.path().join(unit);
    fs::write(&copy, change(shipped(&format!("systemd/{unit}"))))?;
    Ok((directory, copy))
}

#[test]
fn the_server_is_exposed_no_more_than_2_5_by_systemds_own_count() -> Result<()> {
    if !has("systemd-analyze")? {
        return Ok(());
    }
    let found = exposure(&path("systemd/cutover-server.service"))?;
    assert!(found <= MOST_EXPOSED, "{found}");
    // The count is by these lines: without them it is another one.
    let bare = |text: String| {
        text.lines()
            .filter(|line| !line.starts_with("Protect"))
            .collect::<Vec<_>>()
            .join("\n")
    };
    let (_directory, bare) = copy("cutover-server.service", bare)?;
    assert!(exposure(&bare)? > found);
    Ok(())
}

/// The unit with a program that is there.
fn runnable(text: &str) -> String {
    text.replace("ExecStart=/usr/bin/cutover-agent", "ExecStart=/bin/true")
        .replace("ExecStart=/usr/bin/cutover", "ExecStart=/bin/true")
}

/// What `systemd-analyze verify` complains of in a unit. Other units of the machine are not ours to judge.
fn complaints(unit: &str, change: impl FnOnce(String) -> String) -> Result<Vec<String>> {
    let (_directory, copy) = copy(unit, |text| change(runnable(&text)))?;
    let said = analyze(&["verify", "--man=no"], &copy)?.stderr;
    Ok(said
        .lines()
        .filter(|line| line.contains(unit))
        .map(str::to_owned)
        .collect())
}

#[test]
fn systemd_has_nothing_to_complain_of_in_either_unit() -> Result<()> {
    if !has("systemd-analyze")? {
        return Ok(());
    }
    for unit in ["cutover-agent.service", "cutover-server.service"] {
        assert_eq!(complaints(unit, |text| text)?, Vec::<String>::new());
        let misspelt = complaints(unit, |text| text.replace("WatchdogSec=", "WatchdogSecs="))?;
        assert!(
            misspelt.iter().any(|line| line.contains("WatchdogSecs")),
            "{misspelt:?}"
        );
    }
    Ok(())
}

fn succeed(mut command: Command, root: &Path, file: &str) -> Result<()> {
    command.arg(format!("--root={}", root.display())).arg(path(file));
    run(command, LIMIT)?.succeeded().map(drop)
}

#[test]
fn user_and_directories_are_made_with_owners_and_modes() -> Result<()> {
    if !has("systemd-sysusers")? || !has("systemd-tmpfiles")? {
        return Ok(());
    }
    ensure!(
        rustix::process::geteuid().is_root(),
        "owners are set by root alone; run this test as root"
    );
    let root = tempfile::tempdir()?;
    let root = root.path();
    fs::create_dir_all(root.join("etc/cutover"))?;
    for file in ["server.toml", "agent.toml"] {
        fs::write(root.join("etc/cutover").join(file), "")?;
    }
    succeed(tool("systemd-sysusers"), root, "sysusers.d/cutover-server.conf")?;
    for file in ["tmpfiles.d/cutover-server.conf", "tmpfiles.d/cutover-agent.conf"] {
        let mut create = tool("systemd-tmpfiles");
        create.arg("--create");
        succeed(create, root, file)?;
    }

    let passwd = fs::read_to_string(root.join("etc/passwd"))?;
    let line = passwd.lines().find(|line| line.starts_with("cutover:"));
    let fields: Vec<&str> = line.context("no user cutover")?.split(':').collect();
    let (uid, gid): (u32, u32) = (fields[2].parse()?, fields[3].parse()?);
    assert_ne!(uid, 0);
    assert_eq!((fields[5], fields[6]), ("/var/lib/cutover/server", "/usr/sbin/nologin"));
    for (entry, owner, group, mode) in [
        ("etc/cutover", 0, 0, 0o755),
        ("etc/cutover/server.toml", 0, gid, 0o640),
        ("etc/cutover/server.toml.d", 0, gid, 0o750),
        ("etc/cutover/agent.toml", 0, 0, 0o600),
        ("etc/cutover/agent.toml.d", 0, 0, 0o700),
        ("var/lib/cutover", 0, 0, 0o755),
        ("var/lib/cutover/server", uid, gid, 0o700),
        ("var/lib/cutover/agent", 0, 0, 0o700),
    ] {
        let made = fs::metadata(root.join(entry)).with_context(|| entry.to_owned())?;
        let mode_made = made.permissions().mode() & 0o7777;
        assert_eq!((made.uid(), made.gid(), mode_made), (owner, group, mode), "{entry}");
    }
    Ok(())
}
