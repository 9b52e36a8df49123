//! The packages' own look at a machine before anything is unpacked, against `docs/support.md`.

use std::{fs, os::unix::fs::PermissionsExt, path::Path, process::Command, time::Duration};

use anyhow::{Context, Result};
use cutover_tests::harness::process::{Finished, find, run, tool};

use crate::shipped::{path, shipped};

const LIMIT: Duration = Duration::from_secs(60);

/// Every script, with the arguments of a first installation.
const SCRIPTS: [(&str, &str); 4] = [
    ("packages/deb/agent/preinst", "install"),
    ("packages/deb/server/preinst", "install"),
    ("packages/rpm/agent/pre", "1"),
    ("packages/rpm/server/pre", "1"),
];

/// A machine, as its own tools name it. An empty text: the tool is not there.
struct Machine {
    uname: &'static str,
    getconf: &'static str,
    systemctl: &'static str,
}

const GOOD: Machine = Machine {
    uname: "x86_64",
    getconf: "glibc 2.36",
    systemctl: "systemd 252 (252.39-1~deb12u1)",
};

fn program(directory: &Path, name: &str, says: &str) -> Result<()> {
    let file = directory.join(name);
    fs::write(&file, format!("#!/bin/sh\necho '{says}'\n"))?;
    fs::set_permissions(&file, fs::Permissions::from_mode(0o755))?;
    Ok(())
}

/// Runs a script on a machine that has these tools and coreutils.
fn on(machine: &Machine, script: &str, argument: &str) -> Result<Finished> {
    let tools = tempfile::tempdir()?;
    for name in ["sh", "sort", "head", "sed"] {
        std::os::unix::fs::symlink(find(name).context(name)?, tools.path().join(name))?;
    }
    for (name, says) in [
        ("uname", machine.uname),
        ("getconf", machine.getconf),
        ("systemctl", machine.systemctl),
    ] {
        if !says.is_empty() {
            program(tools.path(), name, says)?;
        }
    }
    let mut command: Command = tool(find("sh").context("sh")?);
    command.env("PATH", tools.path()).arg(path(script)).arg(argument);
    run(command, LIMIT)
}

#[test]
fn a_package_is_taken_by_every_machine_that_is_supported() -> Result<()> {
    let floor = Machine {
        uname: "aarch64",
        getconf: "glibc 2.17",
        systemctl: "systemd 239",
    };
    // A root that is being made has neither yet: the package's dependencies bring them.
    let bare = Machine {
        uname: "x86_64",
        getconf: "",
        systemctl: "",
    };
    for (script, argument) in SCRIPTS {
        for machine in [&GOOD, &floor, &bare] {
            let said = on(machine, script, argument)?;
            assert_eq!(said.code(), Some(0), "{script}: {}", said.stderr);
        }
    }
    Ok(())
}

#[test]
fn a_machine_below_a_floor_is_refused_with_what_it_has_and_what_is_needed() -> Result<()> {
    for (script, argument) in SCRIPTS {
        for (machine, words) in [
            (
                Machine {
                    uname: "armv7l",
                    ..GOOD
                },
                ["armv7l", "x86_64 and aarch64"],
            ),
            (
                Machine {
                    getconf: "glibc 2.12",
                    ..GOOD
                },
                ["glibc 2.12", "2.17 or later"],
            ),
            (
                Machine {
                    systemctl: "systemd 219",
                    ..GOOD
                },
                ["systemd here is 219", "239 or later"],
            ),
        ] {
            let said = on(&machine, script, argument)?;
            assert_eq!(said.code(), Some(1), "{script}");
            for word in words.into_iter().chain(["docs/support.md"]) {
                assert!(said.stderr.contains(word), "{script}: {word}: {}", said.stderr);
            }
        }
    }
    Ok(())
}

#[test]
fn dpkg_is_refused_nothing_when_it_undoes_what_it_began() -> Result<()> {
    let old = Machine {
        systemctl: "systemd 219",
        ..GOOD
    };
    let said = on(&old, "packages/deb/agent/preinst", "abort-upgrade")?;
    assert_eq!(said.code(), Some(0), "{}", said.stderr);
    Ok(())
}

#[test]
fn the_document_and_the_installers_state_the_same_floors() {
    let document = shipped("../docs/support.md");
    for floor in ["glibc 2.17", "systemd 239", "Windows 10", "Server 2016"] {
        assert!(document.contains(floor), "{floor}");
    }
    for (script, _) in SCRIPTS {
        let text = shipped(script);
        assert!(text.contains(" 2.17 ") && text.contains(" 239 "), "{script}");
    }
    let package = shipped("windows/cutover-agent.wxs");
    assert!(package.contains("Windows 10, Windows Server 2016 or later"));
}
