//! A machine of the harness boots, restarts, loses its network and its power, and leaves nothing behind.

use std::fs;
use std::io::Read;
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;

use anyhow::{Context, Result};
use cutover_tests::harness::clock::wait_until;
use cutover_tests::harness::machine::{Machine, Network, Setup, readiness};
use cutover_tests::harness::process::{Running, tool};
use cutover_tests::harness::requirement;

const LIMIT: Duration = Duration::from_secs(120);

/// Says how often and in which kernel session it was started, and that it was stopped.
const WITNESS: &str = "\
[Unit]
Description=witness of starts and stops

[Service]
ExecStart=/bin/sh -c 'cat /proc/sys/kernel/random/boot_id >>/var/log/starts; exec sleep infinity'
ExecStop=/bin/sh -c 'echo stopped >>/var/log/starts'

[Install]
WantedBy=multi-user.target
";

fn machine(hostname: &str, network: Network, volumes: &[(&str, u64)]) -> Result<Machine> {
    Machine::assemble(&Setup {
        hostname,
        network,
        volumes,
    })
}

#[test]
fn a_machine_boots_with_systemd_and_shows_no_sign_that_would_refuse_a_restart() -> Result<()> {
    if !requirement::met(readiness())? {
        return Ok(());
    }
    let mut machine = machine("booted", Network::Shared, &[])?;
    machine.boot()?;
    assert_eq!(machine.state()?, "running");
    let shown = machine
        .run(
            &[
                "/bin/sh",
                "-c",
                "hostname; readlink /proc/1/exe; stat -L -c %d:%i / /proc/1/root; cat /proc/sys/kernel/random/boot_id; \
                 cat /proc/self/cgroup | grep ^0; ls /run/systemd/container /.dockerenv /run/.containerenv; true",
            ],
            LIMIT,
        )?
        .succeeded()?;
    let lines: Vec<&str> = shown.stdout.lines().collect();
    assert_eq!(lines[..2], ["booted", "/usr/lib/systemd/systemd"]);
    assert_eq!(lines[2], lines[3], "PID 1 and a command have one root");
    assert_eq!(lines[4..], [machine.boot_id()?, "0::/harness"]);
    assert_ne!(
        machine.boot_id()?,
        fs::read_to_string("/proc/sys/kernel/random/boot_id")?.trim(),
        "the boot id is its own"
    );
    // What belongs to the kernel, and so to the machine outside, is out of reach. Asked, never tried.
    let read_only = ["test", "-w", "/proc/sys/vm/swappiness"];
    assert_eq!(machine.run(&read_only, LIMIT)?.code(), Some(1));
    for process in ["1", "self"] {
        let status = machine
            .run(&["cat", &format!("/proc/{process}/status")], LIMIT)?
            .succeeded()?;
        for set in ["CapEff:", "CapBnd:"] {
            let held = status.stdout.lines().find_map(|line| line.strip_prefix(set));
            let held = u64::from_str_radix(held.context("capabilities")?.trim(), 16)?;
            // CAP_SYS_MODULE and CAP_SYS_TIME (linux/capability.h).
            assert_eq!(held & (1 << 16 | 1 << 25), 0, "{set} of {process}");
        }
    }
    Ok(())
}

#[test]
fn a_restart_asked_for_inside_stops_units_and_brings_another_boot_id() -> Result<()> {
    if !requirement::met(readiness())? {
        return Ok(());
    }
    let mut machine = machine("restarted", Network::Shared, &[("/var/lib/small", 1 << 20)])?;
    fs::write(machine.outside("/etc/systemd/system/witness.service"), WITNESS)?;
    machine
        .run(&["systemctl", "enable", "witness.service"], LIMIT)?
        .succeeded()?;
    machine.boot()?;
    let first = machine.boot_id()?.to_owned();
    let born = uptime(&fs::read_to_string("/proc/uptime")?)?;
    assert!(!machine.keep_up()?, "nobody has asked");
    let fill = "head -c 4000000 /dev/zero >/var/lib/small/file";
    let full = machine.run(&["/bin/sh", "-c", fill], LIMIT)?;
    assert!(full.stderr.contains("No space left"), "{}", full.stderr);

    // The machine may go down before this has ended, so its end says nothing.
    machine.run(&["systemd-run", "--no-block", "systemctl", "reboot"], LIMIT)?;
    machine.wait_for_restart(LIMIT)?;
    let shown = machine.run(&["cat", "/proc/uptime"], LIMIT)?.succeeded()?.stdout;
    let (session, outside) = (uptime(&shown)?, uptime(&fs::read_to_string("/proc/uptime")?)?);
    assert!(
        session <= outside - born + 1.0,
        "the session is as young as a restart makes it: {session} s"
    );
    let second = machine.boot_id()?.to_owned();
    machine.restart()?;
    let third = machine.boot_id()?.to_owned();
    machine.cut_power()?;
    assert!(machine.run(&["true"], LIMIT).is_err(), "nothing runs while it is down");
    machine.boot()?;

    let starts = fs::read_to_string(machine.outside("/var/log/starts"))?;
    let last = machine.boot_id()?;
    let wanted = [&first, "stopped", &second, "stopped", &third, last];
    assert_eq!(starts.lines().collect::<Vec<_>>(), wanted, "a power cut stops no unit");
    assert_eq!(machine.boots(), 4);
    let kept = machine
        .run(&["stat", "-c", "%s", "/var/lib/small/file"], LIMIT)?
        .succeeded()?;
    assert_eq!(
        kept.stdout,
        format!("{}\n", 1 << 20),
        "the small disk outlives the restarts"
    );
    Ok(())
}

/// Seconds since the kernel started, by the text of `/proc/uptime`.
fn uptime(text: &str) -> Result<f64> {
    Ok(text.split(' ').next().context("seconds")?.parse()?)
}

#[test]
fn a_network_of_its_own_reaches_what_is_forwarded_until_the_cable_is_pulled() -> Result<()> {
    if !requirement::met(readiness())? {
        return Ok(());
    }
    let mut machine = machine("cabled", Network::Own, &[])?;
    machine.boot()?;
    let outside = TcpListener::bind("127.0.0.1:0")?;
    let port = outside.local_addr()?.port();
    let call = |address: &str| format!("exec 3<>/dev/tcp/{address}/{port} && echo from inside >&3");
    let loopback = machine.run(&["bash", "-c", &call("127.0.0.1")], LIMIT)?;
    assert_ne!(loopback.code(), Some(0), "the loopback is its own");

    let address = machine.forward(port)?.ip().to_string();
    for plugged in [true, false, true] {
        if plugged {
            machine.give_network_back()?;
        } else {
            machine.cut_network()?;
        }
        let line = call(&address);
        let calls = || Ok(machine.run(&["timeout", "3", "bash", "-c", &line], LIMIT)?.code() == Some(0));
        if plugged {
            wait_until("the call comes through", LIMIT, calls)?;
        } else {
            assert!(!calls()?, "nothing comes through a cable that is pulled");
        }
        if plugged {
            let mut heard = String::new();
            outside.accept()?.0.read_to_string(&mut heard)?;
            assert_eq!(heard, "from inside\n");
        }
    }
    machine.restart()?;
    machine.run(&["bash", "-c", &call(&address)], LIMIT)?.succeeded()?;
    Ok(())
}

#[test]
fn a_machine_takes_everything_with_it_after_a_panic_too() -> Result<()> {
    if !requirement::met(readiness())? {
        return Ok(());
    }
    let mut path = PathBuf::new();
    let mut found = Vec::new();
    let outcome = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| -> Result<()> {
        let mut machine = machine("gone-soon", Network::Own, &[("/srv", 1 << 20)])?;
        machine.boot()?;
        machine.run(&["systemd-run", "sleep", "infinity"], LIMIT)?.succeeded()?;
        machine.path().clone_into(&mut path);
        found = processes_of(&path)?;
        panic!("the test fails here");
    }));
    assert!(outcome.is_err(), "the panic comes through");
    assert!(found.len() > 4, "systemd and its services were there: {found:?}");
    nothing_is_left(&path)?;
    assert!(!path.exists(), "{} is still there", path.display());
    Ok(())
}

#[test]
fn a_killed_test_leaves_no_process_mount_or_control_group() -> Result<()> {
    if !requirement::met(readiness())? {
        return Ok(());
    }
    let logs = tempfile::tempdir()?;
    let mut hold: Command = tool(env!("CARGO_BIN_EXE_hold-machine"));
    hold.stdin(Stdio::piped());
    let mut holding = Running::spawn("hold-machine", hold, &logs.path().join("hold.log"))?;
    holding.wait_for_log("booted ", LIMIT)?;
    let log = holding.log()?;
    let path = log.split("booted ").nth(1).context("it says where")?.trim();
    let path = Path::new(path);
    assert!(
        !processes_of(path)?.is_empty() && cgroup_of(path)?.is_some(),
        "there was something to leave"
    );
    holding.kill_hard()?;
    wait_until("all of it is gone", LIMIT, || Ok(nothing_is_left(path).is_ok()))?;
    // The directory of a killed test goes with the next root that anybody makes.
    drop(machine("next", Network::Shared, &[])?);
    assert!(!path.exists(), "{} is still there", path.display());
    Ok(())
}

fn nothing_is_left(path: &Path) -> Result<()> {
    let processes = processes_of(path)?;
    anyhow::ensure!(processes.is_empty(), "still running: {processes:?}");
    let mounts = fs::read_to_string("/proc/self/mountinfo")?;
    anyhow::ensure!(!mounts.contains(&path.display().to_string()), "still mounted: {mounts}");
    let cgroup = cgroup_of(path)?;
    anyhow::ensure!(cgroup.is_none(), "still a control group: {cgroup:?}");
    let links = fs::read_to_string("/proc/net/dev")?;
    anyhow::ensure!(
        !links.contains("site0"),
        "the cable lies in the machine's own network: {links}"
    );
    Ok(())
}

/// Processes in the control group of the machine whose root lies there.
fn processes_of(path: &Path) -> Result<Vec<i32>> {
    let name = path
        .file_name()
        .context("a root has a name")?
        .to_string_lossy()
        .into_owned();
    let mut found = Vec::new();
    for entry in fs::read_dir("/proc")?.flatten() {
        let Some(pid) = entry.file_name().to_str().and_then(|name| name.parse().ok()) else {
            continue;
        };
        let groups = fs::read_to_string(entry.path().join("cgroup")).unwrap_or_default();
        if groups.contains(&name) {
            found.push(pid);
        }
    }
    Ok(found)
}

fn cgroup_of(path: &Path) -> Result<Option<PathBuf>> {
    let mounts = fs::read_to_string("/proc/self/mountinfo")?;
    let unified = mounts.lines().find(|line| line.contains(" - cgroup2 "));
    let unified = unified
        .and_then(|line| line.split(' ').nth(4))
        .context("control groups")?;
    let name = path
        .file_name()
        .context("a root has a name")?
        .to_string_lossy()
        .into_owned();
    let group = Path::new(unified).join(format!("cutover-test-{name}"));
    Ok(group.exists().then_some(group))
}
