//! The harness keeps what it promises: nothing of a test outlives it.

use std::fs;
use std::io::Read;
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::Result;
use cutover_tests::harness::clock::wait_until;
use cutover_tests::harness::debian_root::{self, DebianRoot};
use cutover_tests::harness::postgres::{self, Postgres};
use cutover_tests::harness::process::{Running, run, tool};
use cutover_tests::harness::{binaries, packages, requirement};

const LIMIT: Duration = Duration::from_secs(60);

#[test]
fn a_root_takes_its_processes_and_mounts_with_it_after_a_panic_too() -> Result<()> {
    if !requirement::met(debian_root::readiness())? {
        return Ok(());
    }
    let mut path = PathBuf::new();
    let mut orphan = 0;
    let outcome = std::panic::catch_unwind(std::panic::AssertUnwindSafe(|| -> Result<()> {
        let root = DebianRoot::fresh("gone-soon")?;
        path = root.path().to_owned();
        let logs = tempfile::tempdir()?;
        let mut shell = root.spawn(
            &["/bin/sh", "-c", "setsid sleep 4321 & echo started; wait"],
            &[],
            &logs.path().join("sh.log"),
        )?;
        shell.wait_for_log("started", LIMIT)?;
        wait_until("the orphan's program runs", LIMIT, || {
            orphan = process_with(&path, "4321")?.unwrap_or_default();
            Ok(orphan != 0)
        })?;
        shell.kill_hard()?;
        assert!(Path::new(&format!("/proc/{orphan}")).exists());
        panic!("the test fails here");
    }));
    assert!(outcome.is_err(), "the panic comes through");
    assert_ne!(orphan, 0, "there was an orphan to take along");
    assert!(!Path::new(&format!("/proc/{orphan}")).exists());
    assert!(!path.exists(), "{} is still there", path.display());
    let mounts = fs::read_to_string("/proc/self/mountinfo")?;
    assert!(!mounts.contains(&path.display().to_string()));
    Ok(())
}

#[test]
fn the_root_is_a_machine_of_its_own() -> Result<()> {
    if !requirement::met(debian_root::readiness())? {
        return Ok(());
    }
    let root = DebianRoot::fresh("own-machine")?;
    let shown = root
        .run(
            &[
                "/bin/sh",
                "-c",
                "hostname; cat /proc/1/comm; . /etc/os-release; echo $ID $VERSION_ID; echo x >/dev/null",
            ],
            LIMIT,
        )?
        .succeeded()?;
    assert_eq!(shown.stdout, "own-machine\ncat\ndebian 12\n");
    let listener = TcpListener::bind("127.0.0.1:0")?;
    let greet = format!(
        "exec 3<>/dev/tcp/127.0.0.1/{}; echo from inside >&3",
        listener.local_addr()?.port()
    );
    root.run(&["bash", "-c", &greet], LIMIT)?.succeeded()?;
    let mut heard = String::new();
    listener.accept()?.0.read_to_string(&mut heard)?;
    assert_eq!(heard, "from inside\n", "the loopback is the machine's");
    // What a test machine has in its environment stays outside.
    let environment = root.run(&["env"], LIMIT)?.succeeded()?;
    assert!(!environment.stdout.contains("CARGO"), "{}", environment.stdout);
    Ok(())
}

#[test]
fn a_command_past_its_limit_is_killed_with_its_children() -> Result<()> {
    if !requirement::met(debian_root::readiness())? {
        return Ok(());
    }
    let root = DebianRoot::fresh("limited")?;
    let error = root
        .run(
            &["/bin/sh", "-c", "echo begun; sleep 5432; true"],
            Duration::from_millis(700),
        )
        .expect_err("it does not end by itself");
    let said = format!("{error:#}");
    assert!(said.contains("time limit") && said.contains("begun"), "{said}");
    wait_until("its child is gone", LIMIT, || {
        Ok(process_with(root.path(), "5432")?.is_none())
    })
}

#[test]
fn apt_ends_its_work_when_the_one_that_started_it_is_killed() -> Result<()> {
    if !requirement::met(debian_root::readiness())? {
        return Ok(());
    }
    let root = DebianRoot::fresh("orphaned-apt")?;
    packages::plant(&root)?;
    let held = packages::hold_removal(&root, "kesl")?;
    let logs = tempfile::tempdir()?;
    let mut parent = root.spawn(
        &[
            "/bin/sh",
            "-c",
            "setsid apt-get -y -q -o Dpkg::Use-Pty=0 purge kesl-gui kesl klnagent64 >/var/log/purge.log 2>&1; true",
        ],
        &[("DEBIAN_FRONTEND", "noninteractive")],
        &logs.path().join("parent.log"),
    )?;
    held.wait_until_reached(LIMIT)?;
    parent.kill_hard()?;
    drop(held);
    wait_until("the orphaned apt has purged everything", LIMIT, || {
        let known = root.run(&["dpkg-query", "-W", "kesl", "kesl-gui", "klnagent64"], LIMIT)?;
        Ok(known.stdout.is_empty())
    })?;
    let audit = root.run(&["dpkg", "--audit"], LIMIT)?.succeeded()?;
    assert_eq!(audit.stdout, "");
    Ok(())
}

#[test]
fn a_killed_program_is_gone_and_its_log_stays() -> Result<()> {
    let logs = tempfile::tempdir()?;
    let log = logs.path().join("sh.log");
    let mut command = tool("/bin/sh");
    command.args(["-c", "echo here I am; exec sleep 6543"]);
    let mut running = Running::spawn("sh", command, &log)?;
    running.wait_for_log("here I am", LIMIT)?;
    assert_eq!(running.ended()?, None);
    running.kill_hard()?;
    assert_eq!(running.ended()?.and_then(|status| status.code()), None);
    assert_eq!(running.log()?, "here I am\n");
    assert!(running.signal(rustix::process::Signal::TERM).is_err());
    Ok(())
}

#[test]
fn a_throw_away_postgres_answers_and_ends_with_its_value() -> Result<()> {
    if !requirement::met(postgres::readiness())? {
        return Ok(());
    }
    let server = Postgres::start()?;
    let url = server.create_database("harness_probe")?;
    assert_eq!(postgres::query(&url, "SELECT current_database()")?, "harness_probe");
    assert!(server.create_database("not; a name").is_err());
    postgres::query(server.url(), "DROP DATABASE harness_probe")?;
    let lent = std::env::var_os("CUTOVER_TEST_POSTGRES").is_some();
    let url = server.url().to_owned();
    drop(server);
    assert_eq!(postgres::query(&url, "SELECT 1").is_ok(), lent);
    Ok(())
}

#[test]
fn programs_are_found_beside_the_tests_or_the_message_says_how_to_build_them() -> Result<()> {
    for (found, name) in [(binaries::agent(), "cutover-agent"), (binaries::server(), "cutover")] {
        match found {
            Ok(path) => {
                let mut help = tool(&path);
                help.arg("--help");
                assert!(path.ends_with(name), "{}", path.display());
                run(help, LIMIT).map(drop)?;
            }
            Err(error) => assert!(error.to_string().contains("cargo build --profile ci"), "{error}"),
        }
    }
    Ok(())
}

/// The process inside the root at `root` that has this argument.
fn process_with(root: &Path, argument: &str) -> Result<Option<i32>> {
    for entry in fs::read_dir("/proc")? {
        let entry = entry?;
        let Some(pid) = entry.file_name().to_str().and_then(|name| name.parse().ok()) else {
            continue;
        };
        let inside = fs::read_link(entry.path().join("root")).is_ok_and(|at| at == root);
        let arguments = fs::read(entry.path().join("cmdline")).unwrap_or_default();
        let named = arguments
            .split(|byte| *byte == 0)
            .any(|found| found == argument.as_bytes());
        if inside && named {
            return Ok(Some(pid));
        }
    }
    Ok(None)
}
