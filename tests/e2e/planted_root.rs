//! The planted packages are what they say, and they go the way the genuine ones are known to go.

use std::fs;
use std::time::Duration;

use anyhow::Result;
use cutover_tests::harness::debian_root::{DebianRoot, readiness};
use cutover_tests::harness::process::Finished;
use cutover_tests::harness::{packages, requirement};

use crate::dpkg;

const LIMIT: Duration = Duration::from_secs(60);

#[test]
fn planted_packages_show_in_dpkg_and_lie_where_the_genuine_ones_do() -> Result<()> {
    if !requirement::met(readiness())? {
        return Ok(());
    }
    let root = DebianRoot::fresh("planted")?;
    packages::plant(&root)?;

    let listed = root
        .run(&["dpkg", "-l", "kesl", "kesl-gui", "klnagent64"], LIMIT)?
        .succeeded()?;
    let rows: Vec<Vec<&str>> = listed
        .stdout
        .lines()
        .filter(|line| line.contains("kesl") || line.contains("klnagent64"))
        .map(|line| line.split_whitespace().take(3).collect())
        .collect();
    assert_eq!(
        rows,
        [
            ["ii", "kesl", "12.1.0-1297"],
            ["ii", "kesl-gui", "12.1.0-1297"],
            ["ii", "klnagent64", "15.1.0-20748"],
        ]
    );

    for path in [
        "/opt/kaspersky/kesl/bin/kesl-control",
        "/usr/bin/kesl-control",
        "/var/opt/kaspersky/kesl/install-current",
        "/var/opt/kaspersky/kesl/common/kesl.ini",
        "/etc/opt/kaspersky/kesl/kesl.conf",
        "/var/log/kaspersky",
        "/usr/lib/systemd/system/kesl.service",
        "/usr/lib/systemd/system/klnagent64.service",
        "/opt/kaspersky/klnagent64/bin/klnagchk",
        "/var/opt/kaspersky/klnagent",
    ] {
        assert!(root.has(path), "{path} is missing");
    }
    let groups = fs::read_to_string(root.outside("/etc/group"))?;
    for group in packages::GROUPS {
        assert!(groups.contains(&format!("\n{group}:")), "no group {group}");
    }
    let enabled = root
        .run(
            &["systemctl", "is-enabled", "kesl.service", "klnagent64.service"],
            LIMIT,
        )?
        .succeeded()?;
    assert_eq!(enabled.stdout, "enabled\nenabled\n");
    let info = root.run(&["kesl-control", "--app-info"], LIMIT)?.succeeded()?;
    assert!(info.stdout.contains("12.1.0.1297"), "{}", info.stdout);
    Ok(())
}

#[test]
fn a_purge_takes_the_window_first_and_leaves_what_the_product_wrote() -> Result<()> {
    if !requirement::met(readiness())? {
        return Ok(());
    }
    let root = DebianRoot::fresh("purged")?;
    packages::plant(&root)?;
    let logs = tempfile::tempdir()?;
    let mut product = packages::start_product(&root, &logs.path().join("kesl.log"))?;
    assert!(
        root.has("/etc/systemd/system/kesl.service"),
        "the launcher writes its unit at each start"
    );

    // The product alone cannot go: its window depends on it.
    let alone = root.run(&["dpkg", "--purge", "kesl"], LIMIT)?;
    assert_eq!(alone.code(), Some(1), "{}", alone.stderr);
    assert!(alone.stderr.contains("dependency problems"), "{}", alone.stderr);
    assert_eq!(product.ended()?, None, "a refused removal stops nothing");

    purge(&root, &packages::IN_ORDER_OF_REMOVAL)?.succeeded()?;

    assert!(
        product.wait(LIMIT)?.code().is_none(),
        "the removal script ends the product by a signal"
    );
    assert_eq!(dpkg::states(&root)?, "", "purged packages leave no line in dpkg");
    let order = dpkg::log(&root, "remove")?;
    let at = |package: &str| order.iter().position(|removed| removed == package);
    assert!(at("kesl-gui").is_some() && at("kesl-gui") < at("kesl"), "{order:?}");
    assert!(at("klnagent64").is_some(), "{order:?}");

    for path in packages::LEFTOVERS {
        assert!(root.has(path), "{path} should have stayed");
    }
    let groups = fs::read_to_string(root.outside("/etc/group"))?;
    for group in packages::GROUPS {
        assert!(groups.contains(&format!("\n{group}:")), "no group {group}");
    }
    for path in [
        "/opt/kaspersky",
        "/etc/opt/kaspersky",
        "/usr/bin/kesl-control",
        "/usr/lib/systemd/system/kesl.service",
        "/usr/lib/systemd/system/klnagent64.service",
        "/etc/systemd/system/multi-user.target.wants/kesl.service",
        "/etc/systemd/system/multi-user.target.wants/klnagent64.service",
    ] {
        assert!(!root.has(path), "{path} should be gone");
    }
    Ok(())
}

#[test]
fn removal_without_purge_keeps_the_configuration_and_dpkg_says_so() -> Result<()> {
    if !requirement::met(readiness())? {
        return Ok(());
    }
    let root = DebianRoot::fresh("removed")?;
    packages::plant(&root)?;
    root.run(
        &[
            "apt-get",
            "-y",
            "-q",
            "-o",
            "Dpkg::Use-Pty=0",
            "remove",
            "kesl-gui",
            "kesl",
        ],
        LIMIT,
    )?
    .succeeded()?;
    assert_eq!(
        dpkg::states(&root)?,
        "kesl deinstall ok config-files\nklnagent64 install ok installed\n",
        "the window has no configuration to keep"
    );
    assert!(root.has("/etc/opt/kaspersky/kesl/kesl.conf"));
    assert!(!root.has("/opt/kaspersky/kesl"));
    Ok(())
}

#[test]
fn a_failing_removal_script_leaves_the_product_installed_and_the_next_try_ends_it() -> Result<()> {
    if !requirement::met(readiness())? {
        return Ok(());
    }
    let root = DebianRoot::fresh("failing")?;
    packages::plant(&root)?;
    packages::fail_removal_once(&root, "kesl")?;

    let failed = purge(&root, &packages::IN_ORDER_OF_REMOVAL)?;
    assert_eq!(failed.code(), Some(100), "{}", failed.stdout);
    assert!(
        dpkg::states(&root)?.contains("kesl install ok installed\n"),
        "{}",
        dpkg::states(&root)?
    );

    let left: Vec<&str> = packages::IN_ORDER_OF_REMOVAL
        .into_iter()
        .filter(|package| dpkg::states(&root).is_ok_and(|states| states.contains(&format!("{package} "))))
        .collect();
    purge(&root, &left)?.succeeded()?;
    assert_eq!(dpkg::states(&root)?, "");
    Ok(())
}

/// Purges as the agent is meant to.
fn purge(root: &DebianRoot, packages: &[&str]) -> Result<Finished> {
    let mut line = vec![
        "apt-get",
        "-y",
        "-q",
        "-o",
        "Dpkg::Use-Pty=0",
        "--no-auto-remove",
        "purge",
    ];
    line.extend(packages);
    root.run(&line, LIMIT)
}
