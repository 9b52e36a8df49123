//! A Windows of Wine goes from the product and its console's agent to a replacement, by the real agent as the service that is
//! shipped: past another installation that is at work, a wrong password, an agent that is killed and a server that is gone in the
//! middle of a removal, and a restart.
//!
//! The packages have the genuine names, publishers, services and properties; they and the replacement are ours
//! (`tests/windows/packages`). Wine is no client that could say who encrypts its disks, and does not count its starts: the test
//! makes it a server, and counts for it.

use std::fs;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result, ensure};
use cutover_proto::ids::ProductId;
use cutover_proto::step::StepKind;
use cutover_proto::verdict::{Protection, Verdict};
use cutover_tests::harness::clock::{wait_for, wait_until};
use cutover_tests::harness::process::{Running, run, tool};
use cutover_tests::harness::requirement;

use crate::evidence;
use crate::server::{Host, Server, Terms};
use crate::wine::{LIMIT, Windows, package, readiness, top};

/// The name that Windows Installer's mutex has.
const AT_WORK: &str = r"Global\_MSIExecute";

const WRONG: &str = "Not-The-0ne";
const RIGHT: &str = "Right-0ne-5";
/// What the console's agent wants, once it is in hex of UTF-16LE.
const OF_THE_AGENT: &str = "Пароль-9";

const GUARD: &str = "stand-in-guard";
const REMOVE_PRODUCT: &str = "remove kes-windows";

struct Stage {
    windows: Windows,
    server: Server,
    host: String,
    /// Keeps the Windows up.
    up: Running,
}

#[test]
fn a_windows_goes_from_the_product_and_its_agent_to_a_replacement() -> Result<()> {
    if !requirement::met(readiness())? {
        return Ok(());
    }
    let directory = tempfile::tempdir()?;
    let packages = build(&directory.path().join("packages"))?;
    let windows = Windows::make()?;
    windows.be_a_server()?;
    fs::copy(packages.join("wait.exe"), windows.outside("wait.exe"))?;
    let up = stay_up(&windows)?;
    for name in ["kes-held-up.msi", "klnagent-restart.msi"] {
        let (installed, log) = windows.msiexec("/i", &packages.join(name), &[], &[])?;
        ensure!(installed.code() == Some(0), "{name}: {log}");
    }

    leave_an_orphan(&windows)?;

    let server = Server::start_with(&Terms {
        replacement: Some(toml::toml! {
            os_family = ["windows"]
            product = "stand-in-guard"
            source = "artifacts"
            tenant = "00112233445566778899aabbccddeeff"
        }),
        with_guard: true,
        ..Terms::default()
    })?;
    let file = packages.join("stand-in-guard_1.0.0_x64.msi");
    let file = file.to_str().context("a path in UTF-8")?;
    server
        .cutover(&["artifact", "add", file, "--product", GUARD, "--version", "1.0.0"])?
        .succeeded()?;
    let secrets = directory.path().join("secret");
    for (product, name, value) in [
        ("kes-windows", "login", "KLAdmin"),
        ("kes-windows", "password", WRONG),
        ("klnagent-windows", "password", OF_THE_AGENT),
    ] {
        set_secret(&server, &secrets, product, name, value)?;
    }

    let (installer, _) = package("0.1.0", directory.path(), &[])?;
    let properties = [
        format!("SERVER={}", server.address()),
        format!("CA_FINGERPRINT={}", server.fingerprint()),
        format!("TOKEN={}", server.token()?),
    ];
    let properties = properties.each_ref().map(String::as_str);
    let (installed, log) = windows.msiexec("/i", &installer, &properties, &[])?;
    ensure!(installed.code() == Some(0), "{log}");
    let host = windows.wait_until_checked_in()?;

    let mut stage = Stage {
        windows,
        server,
        host,
        up,
    };
    let outcome = the_way(&mut stage, &secrets);
    outcome.with_context(|| format!("server:\n{}\nagent:\n{:#?}", stage.server.log(), stage.windows.status()))
}

fn the_way(stage: &mut Stage, secrets: &Path) -> Result<()> {
    nothing_begins_beside_another_installation(stage)?;
    a_wrong_password_is_tried_once(stage)?;
    set_secret(&stage.server, secrets, "kes-windows", "password", RIGHT)?;
    an_agent_that_is_killed_goes_on_where_it_was_without_its_server(stage)?;
    another_session_of_the_kernel_comes(stage)?;
    an_entry_that_windows_installer_does_not_know_is_a_persons(stage)?;
    no_password_lies_about(stage)?;
    the_records_tell_it_all(&stage.server)
}

/// 1618 is a hindrance: it is tried again, and uses no attempt.
fn nothing_begins_beside_another_installation(stage: &Stage) -> Result<()> {
    let Stage {
        windows, server, host, ..
    } = stage;
    let at_work = windows.start(&[r"C:\wait.exe", r"C:\busy", r"C:\free", AT_WORK])?;
    wait_until("another installation is at work", LIMIT, || {
        Ok(windows.outside("busy").exists())
    })?;
    server.cutover(&["wave", "open", "all"])?.succeeded()?;
    let waiting = seen(server, host, "an installation waits for the other", |host| {
        host.steps
            .iter()
            .any(|step| step.event == "step-failed" && step.exit_code == Some(1618))
    })?;
    ensure!(
        !windows.outside("Program Files/Stand-in Guard").exists(),
        "{waiting:#?}"
    );
    fs::write(windows.outside("free"), "")?;
    drop(at_work);
    Ok(())
}

/// The replacement is there by then, and the product stays whole.
fn a_wrong_password_is_tried_once(stage: &Stage) -> Result<()> {
    let Stage {
        windows, server, host, ..
    } = stage;
    // The first removal is not held up.
    fs::write(windows.outside("go-on"), "")?;
    let blocked = seen(server, host, "a password is wanted", |host| host.phase == "blocked")?;
    let told = server.cutover(&["blockers"])?.succeeded()?.stdout;
    ensure!(
        told.contains("cutover secret set password --product kes-windows"),
        "{told}"
    );
    let tried = |host: &Host| begun(host, REMOVE_PRODUCT);
    assert_eq!(tried(&blocked), 1, "{:#?}", blocked.steps);
    // Some check-ins later it is still one.
    let later = seen(server, host, "the host checks in again", |host| {
        host.last_contact_ms > blocked.last_contact_ms + 3000
    })?;
    assert_eq!((later.phase.as_str(), tried(&later)), ("blocked", 1));
    assert_eq!(later.protection, "real-time", "by the replacement, at the latest");
    ensure!(verdict(&later, "kes-windows") == "installed", "{:#?}", later.verdicts);
    ensure!(
        later.steps.iter().all(|step| !step.log_tail.contains(WRONG)),
        "{:#?}",
        later.steps
    );
    fs::remove_file(windows.outside("go-on"))?;
    let _ = fs::remove_file(windows.outside("reached"));
    Ok(())
}

/// What removes outlives both, and is found by the agent's next start.
fn an_agent_that_is_killed_goes_on_where_it_was_without_its_server(stage: &mut Stage) -> Result<()> {
    let Stage { windows, server, .. } = stage;
    wait_until("a removal is under way", LIMIT, || {
        Ok(windows.outside("reached").exists())
    })?;
    server.kill_hard()?;
    windows.kill_service()?;
    windows.wine(&["net", "start", "cutover-agent"], &[])?;
    let program = windows.outside("Program Files (x86)/Kaspersky Lab/KES.12.9.0/avp.exe");
    let program = if program.exists() {
        program
    } else {
        windows.outside("Program Files/Kaspersky Lab/KES.12.9.0/avp.exe")
    };
    ensure!(program.exists(), "the removal was held up, and is not over");
    fs::write(windows.outside("go-on"), "")?;
    let agent = windows.outside("Program Files (x86)/Kaspersky Lab/NetworkAgent/klnagent.exe");
    wait_until("product and agent are gone, without a server", LIMIT, || {
        Ok(!program.exists() && !agent.exists())
    })?;
    server.start_again()
}

/// 1605 is no removal while a look still finds the product.
fn an_entry_that_windows_installer_does_not_know_is_a_persons(stage: &Stage) -> Result<()> {
    let Stage {
        windows, server, host, ..
    } = stage;
    wait_until("the entry is told as somebody's work", LIMIT, || {
        let told = server.cutover(&["blockers"])?.succeeded()?.stdout;
        Ok(told.contains("delete the entry of klnagent-windows"))
    })?;
    ensure!(server.host(host)?.phase == "blocked", "and nothing is tried again");
    windows.wine(&["reg", "delete", ORPHAN, "/f"], &[])?.succeeded()?;
    let done = seen(server, host, "it is migrated", |host| host.phase == "migrated")?;
    assert_eq!(done.protection, "real-time");
    ensure!(done.chain_verified, "its history");
    Ok(())
}

/// What a removal owes (3010) is not done before.
fn another_session_of_the_kernel_comes(stage: &mut Stage) -> Result<()> {
    let Stage {
        windows,
        server,
        host,
        up,
    } = stage;
    let waits = seen(server, host, "the restart begins", |host| {
        host.steps
            .iter()
            .any(|step| step.event == "step-begun" && step.detail.starts_with("restart"))
    })?;
    ensure!(waits.phase == "rebooting", "{}: {}", waits.phase, waits.reason);
    windows.restart()?;
    *up = stay_up(windows)?;
    windows.wine(&["net", "start", "cutover-agent"], &[])?;
    Ok(())
}

/// Neither in what the agent keeps nor with the server: as text, as Windows has it, and in hex of that.
fn no_password_lies_about(stage: &Stage) -> Result<()> {
    let forms = [WRONG, RIGHT, OF_THE_AGENT].map(|password| {
        let wide: Vec<u8> = password.encode_utf16().flat_map(u16::to_le_bytes).collect();
        let hex = hex::encode(&wide);
        let upper = hex.to_uppercase().into_bytes();
        [password.as_bytes().to_vec(), wide, hex.into_bytes(), upper]
    });
    let mut open = vec![stage.windows.outside("ProgramData/Cutover"), stage.server.data_dir()];
    while let Some(path) = open.pop() {
        if path.is_dir() {
            for entry in fs::read_dir(&path)? {
                open.push(entry?.path());
            }
            continue;
        }
        let bytes = fs::read(&path)?;
        for form in forms.iter().flatten() {
            ensure!(
                !bytes.windows(form.len()).any(|part| part == form.as_slice()),
                "a password is in {}",
                path.display()
            );
        }
    }
    Ok(())
}

/// The signed records: what was done, in this order, and what Windows Installer answered.
fn the_records_tell_it_all(server: &Server) -> Result<()> {
    let kept = evidence::of_the_only_host(&server.store())?;
    let last = kept.inventories.last().context("a look")?;
    for product in ["kes-windows", "klnagent-windows"] {
        let seen = last
            .sighting(&ProductId::new(product))
            .context("what the last look says of it")?;
        ensure!(seen.verdict == Verdict::Absent, "{product}: {seen:?}");
    }
    // Until the restart, with which services come up one after the other.
    let session = kept.inventories.iter().take_while(|it| it.boot_id != last.boot_id);
    let protected: Vec<Protection> = session
        .map(|it| it.protection)
        .skip_while(|it| *it != Protection::RealTime)
        .collect();
    ensure!(
        !protected.is_empty() && protected.iter().all(|it| *it == Protection::RealTime),
        "the replacement came first, and protection never went: {protected:?}"
    );
    let mut codes = Vec::new();
    let mut done = Vec::new();
    for order in &kept.orders {
        codes.extend(order.records.iter().filter_map(|record| record.exit_code));
        done.extend(
            order
                .done()
                .map(|action| (action.kind(), evidence::removed(action).map(str::to_owned))),
        );
    }
    // Of the console's agent a look found the entry of another until somebody deleted it, so no record says that it was removed.
    let mut answered = codes.iter();
    for code in [1618, 1603, 3010, 1605] {
        ensure!(
            answered.any(|it| *it == code),
            "{code} is not where it belongs: {codes:?}"
        );
    }
    let way = [
        (StepKind::FetchArtifact, None),
        (StepKind::InstallArtifact, None),
        (StepKind::SetUp, None),
        (StepKind::RemovePackages, Some("kes-windows")),
        (StepKind::Restart, None),
    ];
    let mut rest = done.iter();
    for (kind, product) in way {
        ensure!(
            rest.any(|(is, of)| (*is, of.as_deref()) == (kind, product)),
            "{kind:?} of {product:?} is not where it belongs: {done:?}"
        );
    }
    Ok(())
}

/// The key of an entry that a removal left behind which did not end.
const ORPHAN: &str = r"HKLM\SOFTWARE\Microsoft\Windows\CurrentVersion\Uninstall\{6B7C2E4F-3C1D-4E8E-9C0B-52A3F0A0C1FF}";

fn leave_an_orphan(windows: &Windows) -> Result<()> {
    for (value, kind, data) in [
        ("DisplayName", "REG_SZ", "Kaspersky Security Center Network Agent"),
        ("Publisher", "REG_SZ", "AO Kaspersky Lab"),
        ("DisplayVersion", "REG_SZ", "14.2.0.26967"),
        ("WindowsInstaller", "REG_DWORD", "1"),
    ] {
        windows
            .wine(&["reg", "add", ORPHAN, "/v", value, "/t", kind, "/d", data, "/f"], &[])?
            .succeeded()?;
    }
    Ok(())
}

fn build(out: &Path) -> Result<PathBuf> {
    let mut command = tool(top().join("tests/windows/packages/build"));
    command.arg(out);
    run(command, LIMIT)?.succeeded()?;
    Ok(out.to_owned())
}

/// Wine ends its services when nobody else's program runs any more.
fn stay_up(windows: &Windows) -> Result<Running> {
    windows.start(&[r"C:\wait.exe", r"C:\up", r"C:\down"])
}

fn set_secret(server: &Server, file: &Path, product: &str, name: &str, value: &str) -> Result<()> {
    fs::write(file, value)?;
    let file = file.to_str().context("a path in UTF-8")?;
    server
        .cutover(&["secret", "set", name, "--product", product, "--value-file", file])?
        .succeeded()?;
    Ok(())
}

fn begun(host: &Host, what: &str) -> usize {
    let is_it = |step: &&crate::server::Step| step.event == "step-begun" && step.detail.starts_with(what);
    host.steps.iter().filter(is_it).count()
}

fn verdict<'a>(host: &'a Host, product: &str) -> &'a str {
    let found = host.verdicts.iter().find(|it| it.product == product);
    found.map_or("", |it| it.verdict.as_str())
}

/// Waits for it, unless the host failed for good first.
fn seen(server: &Server, name: &str, what: &str, wanted: impl Fn(&Host) -> bool) -> Result<Host> {
    let mut last = None;
    let found = wait_for(what, LIMIT, || {
        let host = server.host(name)?;
        if wanted(&host) {
            return Ok(Some(host));
        }
        let is_over = host.phase == "failed";
        last = Some(host);
        ensure!(!is_over, "it failed for good");
        Ok(None)
    });
    found.with_context(|| format!("last seen: {last:#?}"))
}
