//! Systems that keep their packages with rpm: found, and taken to `migrated` by dnf and by zypper.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use cutover_tests::harness::debian_root::readiness;
use cutover_tests::harness::rpm_root::{self, Distribution};
use cutover_tests::harness::{packages, requirement};

use crate::evidence;
use crate::server::Server;
use crate::workstation::Workstation;

/// The whole way, at the side of other tests.
const LIMIT: Duration = Duration::from_secs(240);

#[test]
fn a_host_with_dnf_migrates() -> Result<()> {
    migrates("fedora", Distribution::Fedora)
}

#[test]
fn a_host_with_zypper_migrates() -> Result<()> {
    migrates("leap", Distribution::Leap)
}

fn migrates(name: &str, distribution: Distribution) -> Result<()> {
    if !requirement::met(readiness())? {
        return Ok(());
    }
    let mut station = Workstation::set_up_with_rpm(name, distribution)?;
    let mut server = Server::start()?;
    let outcome = to_the_end(name, &mut station, &mut server)
        .and_then(|()| a_restart_is_told_by_its_own_tool(&station, distribution))
        .and_then(|()| without_the_tool_nothing_is_known(&station));
    outcome.with_context(|| format!("server:\n{}\nagent:\n{}", server.log(), station.agent_log()))
}

fn to_the_end(name: &str, station: &mut Workstation, server: &mut Server) -> Result<()> {
    let before = station.scan()?;
    assert_eq!(before.code(), Some(10), "{}{}", before.stdout, before.stderr);
    assert_eq!(installed(station)?, ["kesl", "kesl-gui", "klnagent64", "rpm"]);
    // A look at the same disk from another system asks nobody, so it does not know, and says why.
    let outside = station.scan_from_outside()?;
    assert_eq!(outside.code(), Some(11), "{}{}", outside.stdout, outside.stderr);
    assert!(
        outside.stdout.contains("only its own rpm program reads them"),
        "{}",
        outside.stdout
    );

    server.cutover(&["wave", "open", "all"])?.succeeded()?;
    station.enroll(server)?;
    station.start_agent()?;
    let host = server.wait_for_host(name, "migrated", LIMIT, |host| host.phase == "migrated")?;

    assert!(station.product_was_ended()?, "the removal script ended the product");
    for path in packages::LEFTOVERS
        .iter()
        .chain(&["/opt/kaspersky", "/etc/opt/kaspersky", "/var/opt/kaspersky"])
    {
        assert!(!station.root.has(path), "{path} is still there");
    }
    let left = installed(station)?;
    assert!(
        left.contains(&"clamav".to_owned()) && left.contains(&"clamav-lib".to_owned()),
        "{left:?}"
    );
    assert!(
        !left
            .iter()
            .any(|package| packages::IN_ORDER_OF_REMOVAL.contains(&package.as_str())),
        "{left:?}"
    );
    let owner = station
        .root
        .run(&["rpm", "-qf", "/usr/bin/clamscan"], LIMIT)?
        .succeeded()?;
    assert!(owner.stdout.starts_with("clamav-1.4.6-1."), "{}", owner.stdout);

    assert!(host.chain_verified);
    assert_eq!(host.protection, "on-demand");
    let tested = host
        .steps
        .iter()
        .any(|step| step.detail.contains("named the test file"));
    assert!(tested, "{:#?}", host.steps);
    let kept = evidence::of_the_only_host(&server.store())?;
    let [order] = kept.orders.as_slice() else {
        anyhow::bail!("one attempt is enough, but there were {} orders", kept.orders.len());
    };
    let gone: Vec<&str> = order.done().filter_map(evidence::removed).collect();
    assert_eq!(gone, packages::IN_ORDER_OF_REMOVAL);

    let after = station.scan()?;
    assert_eq!(after.code(), Some(0), "{}{}", after.stdout, after.stderr);
    Ok(())
}

/// Whether something waits for a restart.
fn a_restart_is_told_by_its_own_tool(station: &Workstation, distribution: Distribution) -> Result<()> {
    let said = |wanted: &str| {
        let scan = station.scan()?.stdout;
        ensure!(scan.contains(&format!("restart pending: {wanted}")), "{wanted}: {scan}");
        Ok(())
    };
    said("no;")?;
    rpm_root::update_the_core(&station.root, distribution)?;
    let (program, yes) = match distribution {
        Distribution::Fedora => ("/usr/bin/dnf", "yes (linux-firmware);"),
        Distribution::Leap => ("/usr/bin/zypper", "yes;"),
    };
    said(yes)?;
    // A tool that fails, and one that is not there, say nothing about it.
    let (place, away) = (
        station.root.outside(program),
        station.root.outside("/root/manager-away"),
    );
    fs::rename(&place, &away)?;
    said("unknown (")?;
    fs::write(&place, "#!/bin/sh\necho no such command >&2\nexit 1\n")?;
    fs::set_permissions(&place, fs::Permissions::from_mode(0o755))?;
    said("unknown (")?;
    fs::rename(&away, &place)?;
    said(yes)
}

/// The same clean machine, when its rpm program is missing.
fn without_the_tool_nothing_is_known(station: &Workstation) -> Result<()> {
    let (rpm, away) = (
        station.root.outside("/usr/bin/rpm"),
        station.root.outside("/root/rpm-away"),
    );
    fs::rename(&rpm, &away)?;
    let scan = station.scan()?;
    assert_eq!(scan.code(), Some(11), "{}{}", scan.stdout, scan.stderr);
    assert!(
        scan.stdout.contains("the rpm program is missing; install it"),
        "{}",
        scan.stdout
    );
    fs::rename(&away, &rpm)?;

    // A database that was lost: rpm makes a new one and ends with zero.
    fs::rename(
        station.root.outside("/var/lib/rpm"),
        station.root.outside("/var/lib/rpm-away"),
    )?;
    let scan = station.scan()?;
    assert_eq!(scan.code(), Some(11), "{}{}", scan.stdout, scan.stderr);
    assert!(scan.stdout.contains("rpm's list lacks rpm itself"), "{}", scan.stdout);
    Ok(())
}

/// Names in rpm's database, in order.
fn installed(station: &Workstation) -> Result<Vec<String>> {
    let list = station
        .root
        .run(&["rpm", "-qa", "--qf", "%{NAME}\\n"], LIMIT)?
        .succeeded()?;
    let mut names: Vec<String> = list.stdout.lines().map(str::to_owned).collect();
    names.sort();
    Ok(names)
}
