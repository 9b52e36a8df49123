//! ClamAV as the distribution ships it: fetched first, installed later, and catching the test file.

use std::fs;
use std::path::Path;
use std::time::Duration;

use anyhow::Result;
use cutover_tests::harness::debian_root::{DebianRoot, readiness};
use cutover_tests::harness::process::{Finished, run, tool};
use cutover_tests::harness::{eicar, packages, requirement};

/// 28 packages from the distribution's archives.
const LIMIT: Duration = Duration::from_secs(300);

/// Not apt's own: hosts clean that one, and a purge between fetch and install may be the moment when they do.
const ARCHIVES: &str = "/var/lib/cutover/archives";

#[test]
fn clamav_fetched_before_the_removal_installs_after_it_and_catches_the_test_file() -> Result<()> {
    if !requirement::met(readiness())? {
        return Ok(());
    }
    let root = DebianRoot::fresh("clamav")?;
    let base_before = fingerprint(root.base())?;
    packages::plant(&root)?;
    fs::create_dir_all(root.outside(ARCHIVES))?;
    let directory = format!("Dir::Cache::archives={ARCHIVES}");

    root.run(&["apt-get", "-q", "update"], LIMIT)?.succeeded()?;
    let common = ["-y", "-q", "-o", "Dpkg::Use-Pty=0", "-o", &directory];
    let apt = |rest: &[&str]| root.run(&[&["apt-get"][..], &common, rest].concat(), LIMIT);

    apt(&["install", "--no-install-recommends", "--download-only", "clamav"])?.succeeded()?;
    assert!(!root.has("/usr/bin/clamscan"), "fetching installs nothing");
    // Some hosts' apt deletes fetched packages after each run of dpkg.
    fs::write(
        root.outside("/etc/apt/apt.conf.d/clean"),
        "DPkg::Post-Invoke { \"rm -f /var/cache/apt/archives/*.deb\"; };\n",
    )?;
    apt(&["purge", "kesl-gui", "kesl", "klnagent64"])?.succeeded()?;

    // From here on there are no archives to reach, as when the removal takes the network down.
    fs::write(
        root.outside("/etc/apt/apt.conf.d/zz-cut-off"),
        "Acquire::http::Proxy \"http://127.0.0.1:9\";\nAcquire::https::Proxy \"http://127.0.0.1:9\";\n",
    )?;
    let unreachable = root.run(&["apt-get", "-q", "download", "clamav-doc"], LIMIT)?;
    assert_eq!(unreachable.code(), Some(100), "{}", unreachable.stdout);
    eicar::plant_database(&root)?;
    let installed = apt(&[
        "install",
        "--no-install-recommends",
        "--no-download",
        "--no-remove",
        "clamav",
    ])?
    .succeeded()?;

    let policy = root.run(&["apt-cache", "policy", "clamav"], LIMIT)?.succeeded()?;
    assert!(policy.stdout.contains("Installed: 1."), "{}", policy.stdout);
    let owner = root
        .run(&["dpkg", "--search", "/usr/bin/clamscan"], LIMIT)?
        .succeeded()?;
    assert_eq!(owner.stdout, "clamav: /usr/bin/clamscan\n");
    let said = installed.stdout + &installed.stderr;
    assert!(
        said.contains("policy-rc.d denied execution of start"),
        "the updater must not start in the root: {said}"
    );

    fs::write(root.outside("/root/eicar.com"), eicar::text())?;
    let found = clamscan(&root, "/root/eicar.com")?;
    assert_eq!(
        (found.code(), found.stdout.as_str()),
        (
            Some(1),
            format!("/root/eicar.com: {}.UNOFFICIAL FOUND\n", eicar::NAME).as_str()
        ),
        "{}",
        found.stderr
    );
    let clean = clamscan(&root, "/etc/hostname")?;
    assert_eq!((clean.code(), clean.stdout.as_str()), (Some(0), "/etc/hostname: OK\n"));

    // Without a database it says so, and must never be read as clean.
    fs::remove_file(root.outside("/var/lib/clamav/cutover-test.hdb"))?;
    let blind = clamscan(&root, "/root/eicar.com")?;
    assert_eq!(blind.code(), Some(2), "{}", blind.stdout);
    assert!(
        blind.stderr.contains("No supported database files found"),
        "{}",
        blind.stderr
    );

    // Installing and purging for real is the hardest use that a copy sees.
    assert!(
        base_before == fingerprint(root.base())?,
        "the base root, which all tests share, has been written into"
    );
    Ok(())
}

/// Path, kind, size, time of change, owner and permissions of everything in a directory.
fn fingerprint(directory: &Path) -> Result<String> {
    let mut find = tool("find");
    find.arg(directory).args(["-printf", "%p %y %s %T@ %m %U:%G %l\\n"]);
    Ok(run(find, LIMIT)?.succeeded()?.stdout)
}

fn clamscan(root: &DebianRoot, file: &str) -> Result<Finished> {
    root.run(&["clamscan", "--no-summary", file], LIMIT)
}
