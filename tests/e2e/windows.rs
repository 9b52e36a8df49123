//! The agent as users of Windows get it, under Wine: installed by its own MSI with properties, enrolled with a real server,
//! asked through its pipe, upgraded, and taken away without a trace.

use std::fs;
use std::os::unix::fs::chown;
use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use cutover_tests::harness::clock::wait_for;
use cutover_tests::harness::process::{run, tool};
use cutover_tests::harness::{binaries, requirement};
use serde_json::Value;

use crate::server::Server;
use crate::wine::{LIMIT, Windows, package, program, readiness};

/// A version that comes after.
const NEXT: &str = "9.9.9";

/// Wine shows what belongs to another user than its own as somebody else's.
const A_USER: u32 = 4711;

/// What an exit code of Windows looks like from here: eight bits of 1603, ERROR_INSTALL_FAILURE.
const REFUSED: i32 = 1603 & 0xff;

/// What a package demands of a machine, and what it says to one that lacks it.
fn conditions(package: &Path) -> Result<String> {
    let mut command = tool("msiinfo");
    command.arg("export").arg(package).arg("LaunchCondition");
    Ok(run(command, LIMIT)?.succeeded()?.stdout)
}

/// A certificate for signing programs, and its key.
fn throw_away_certificate(directory: &Path) -> Result<(PathBuf, PathBuf)> {
    let mut wanted = rcgen::CertificateParams::new(Vec::new())?;
    wanted.extended_key_usages = vec![rcgen::ExtendedKeyUsagePurpose::CodeSigning];
    let key = rcgen::KeyPair::generate()?;
    let (certificate_file, key_file) = (directory.join("certificate.pem"), directory.join("key.pem"));
    fs::write(&certificate_file, wanted.self_signed(&key)?.pem())?;
    fs::write(&key_file, key.serialize_pem())?;
    Ok((certificate_file, key_file))
}

#[test]
fn the_agents_msi_enrols_is_upgraded_and_leaves_nothing() -> Result<()> {
    if !requirement::met(readiness())? {
        return Ok(());
    }
    let out = tempfile::tempdir()?;
    let (old, _) = package("0.1.0", out.path(), &[])?;
    let (new, _) = package("0.2.0", out.path(), &[])?;
    let server = Server::start()?;
    let token = server.token()?;
    let windows = Windows::make()?;
    let before = windows.traces()?;

    // Without what enrolment needs nothing is installed. Wine shows nobody the words, so they are looked up in the package.
    let (refused, log) = windows.msiexec("/i", &old, &["SERVER=127.0.0.1:1"], &[])?;
    assert_eq!(refused.code(), Some(REFUSED), "{log}");
    let words = conditions(&old)?;
    assert!(words.contains("CA_FINGERPRINT=SHA256"), "{words}");
    assert!(!windows.outside("Program Files/Cutover").exists());

    // Every user may make directories where programs have theirs. What one has put under the product's name before would make
    // SYSTEM go where he says: it is laid aside, and nothing of it is in force.
    let planted = windows.outside("ProgramData/Cutover");
    let settings = "proxy = 'http://127.0.0.1:1'\nhold_file = 'C:\\windows\\win.ini'\n";
    fs::create_dir_all(planted.join("agent/identity"))?;
    fs::write(planted.join("agent.toml"), settings)?;
    for path in ["", "agent", "agent/identity", "agent.toml"] {
        chown(planted.join(path), Some(A_USER), None)?;
    }
    let properties = [
        format!("SERVER={}", server.address()),
        format!("CA_FINGERPRINT={}", server.fingerprint()),
        format!("TOKEN={token}"),
    ];
    let properties = properties.each_ref().map(String::as_str);
    let (installed, log) = windows.msiexec("/i", &old, &properties, &[])?;
    assert_eq!(installed.code(), Some(0), "{log}");
    // Wine writes hidden properties out where it lists all of them; nothing else may have the token.
    let listed = format!("Property(S): TOKEN = {token}");
    assert!(
        !log.replace(&listed, "").contains(&token),
        "the token is in the installer's log"
    );

    let aside = windows.outside("ProgramData/Cutover.laid-aside-1");
    assert_eq!(fs::read_to_string(aside.join("agent.toml"))?, settings);
    assert!(aside.join("agent/identity").is_dir() && !planted.join("agent.toml").exists());
    fs::remove_dir_all(aside)?;

    // The service enrolled the machine, and the server knows it by its looks.
    let host = windows.wait_until_checked_in()?;
    let state = windows.outside("ProgramData/Cutover/agent");
    assert!(state.join("identity/identity.json").exists());
    assert!(
        !state.join("enrolment").exists(),
        "what enrolment needed is still there"
    );
    let seen = wait_for("the server finds nothing there that has to go", LIMIT, || {
        let listed = server.cutover(&["hosts", "show", &host, "--output", "json"])?;
        let shown: Option<Value> = serde_json::from_str(&listed.stdout).ok();
        Ok(shown.filter(|host| host["phase"] == "clear"))
    })?;
    assert_eq!(seen["chain_verified"], Value::Bool(true), "{seen}");

    // Nobody but administrators and the agent itself is told; a restart is everybody's to ask for.
    let asked = windows.agent(&["defer"])?.succeeded()?;
    assert!(asked.stdout.contains("no restart is due"), "{}", asked.stdout);

    // A second agent on the same state is refused, and a package's agent does not take itself away.
    let second = windows.agent(&["run"])?;
    assert_eq!(second.code(), Some(1), "{}", second.stderr);
    let kept = windows.agent(&["uninstall"])?;
    assert!(kept.stderr.contains("installed as a package"), "{}", kept.stderr);

    // Ended and started by its service manager.
    windows.wine(&["net", "stop", "cutover-agent"], &[])?;
    assert_eq!(windows.status()?, None);
    // Settings of somebody else are refused in words, and it runs again when they are gone.
    let drop_ins = planted.join("agent.toml.d");
    fs::create_dir(&drop_ins)?;
    fs::write(drop_ins.join("50-mine.toml"), settings)?;
    chown(drop_ins.join("50-mine.toml"), Some(A_USER), None)?;
    let refused = windows.agent(&["run"])?;
    assert_eq!(refused.code(), Some(1), "{}", refused.stderr);
    assert!(
        refused
            .stderr
            .contains("50-mine.toml: it belongs neither to SYSTEM nor to administrators"),
        "{}",
        refused.stderr
    );
    fs::remove_dir_all(&drop_ins)?;
    let identity = state.join("identity");
    chown(&state, Some(A_USER), None)?;
    let refused = windows.agent(&["run"])?;
    assert!(
        refused.stderr.contains(r"Cutover\agent belongs neither to SYSTEM"),
        "{}",
        refused.stderr
    );
    chown(&state, Some(0), None)?;
    assert!(identity.exists());
    windows.wine(&["net", "start", "cutover-agent"], &[])?;
    assert_eq!(windows.wait_until_checked_in()?, host);

    // Its server signs another program: the service goes on as that one, as a process beside the installed one, and both
    // end with the service. Wine's service manager starts nothing again by itself, so the test does.
    let next = out.path().join("cutover-agent.exe");
    fs::write(
        &next,
        binaries::in_other_words(&program(), &[(env!("CARGO_PKG_VERSION"), NEXT)])?,
    )?;
    let next = next.to_str().context("a path in UTF-8")?;
    let release = ["agent-release", "add", next, "--version", NEXT, "--canaries", "1"];
    let made = server.cutover(&release)?.succeeded()?;
    assert!(
        made.stdout.contains("for windows-x86_64 as release 1"),
        "{}",
        made.stdout
    );
    windows.wine(&["net", "stop", "cutover-agent"], &[])?;
    // What the new program alone can tell: that a check-in of it was answered.
    wait_for("the server knows that the release is in force", LIMIT, || {
        if windows.status()?.is_none() {
            windows.wine(&["net", "start", "cutover-agent"], &[])?;
        }
        let listed = server
            .cutover(&["agent-release", "list", "--output", "json"])?
            .succeeded()?;
        let listed: Value = serde_json::from_str(&listed.stdout)?;
        Ok((listed[0]["in_force"] == 1).then_some(()))
    })?;
    windows.wine(&["net", "stop", "cutover-agent"], &[])?;
    assert_eq!(windows.status()?, None, "the program of the release runs on");
    windows.wine(&["net", "start", "cutover-agent"], &[])?;
    assert_eq!(windows.wait_until_checked_in()?, host);

    // Wine does not tell a package that goes that another one takes its place (UPGRADINGPRODUCTCODE), so the test does, by
    // the other way to keep the state.
    let (upgraded, log) = windows.msiexec("/i", &new, &[], &[("CUTOVER_KEEP", "1")])?;
    assert_eq!(upgraded.code(), Some(0), "{log}");
    assert_eq!(windows.wait_until_checked_in()?, host, "it is the same host");
    let version = windows.wine(&["reg", "query", r"HKLM\SOFTWARE\Cutover\Agent", "/v", "Version"], &[])?;
    assert!(version.stdout.contains("0.2.0"), "{}", version.stdout);

    let (removed, log) = windows.msiexec("/x", &new, &[], &[])?;
    assert_eq!(removed.code(), Some(0), "{log}");
    let left: Vec<String> = windows.traces()?.difference(&before).cloned().collect();
    assert_eq!(left, Vec::<String>::new());
    Ok(())
}

#[test]
fn an_older_windows_is_refused_in_words() -> Result<()> {
    if !requirement::met(readiness())? {
        return Ok(());
    }
    let out = tempfile::tempdir()?;
    let (package, _) = package("0.1.0", out.path(), &[])?;
    let windows = Windows::make()?;
    windows.wine(&["winecfg", "-v", "win7"], &[])?;
    let (refused, log) = windows.msiexec("/i", &package, &["ENROLMENT=later"], &[])?;
    assert_eq!(refused.code(), Some(REFUSED), "{log}");
    let words = conditions(&package)?;
    assert!(words.contains("Windows 10, Windows Server 2016 or later"), "{words}");
    Ok(())
}

#[test]
fn a_package_without_a_key_is_called_unsigned_and_one_with_a_key_verifies() -> Result<()> {
    if !requirement::met(readiness())? {
        return Ok(());
    }
    let out = tempfile::tempdir()?;
    let (_, made) = package("0.1.0", out.path(), &[])?;
    assert!(made.stderr.contains("UNSIGNED"), "{}", made.stderr);
    assert!(made.stderr.contains("cutover-agent-0.1.0-x64.msi"), "{}", made.stderr);

    let keys = tempfile::tempdir()?;
    let (certificate, key) = throw_away_certificate(keys.path())?;
    let environment = [
        ("CUTOVER_WINDOWS_CERT", certificate.to_str().context("UTF-8")?),
        ("CUTOVER_WINDOWS_KEY", key.to_str().context("UTF-8")?),
    ];
    let (signed, made) = package("0.1.0", out.path(), &environment)?;
    assert!(!made.stderr.contains("x64.msi"), "{}", made.stderr);
    let verify = |package: &Path| {
        let mut command = tool("osslsigncode");
        command
            .arg("verify")
            .arg("-CAfile")
            .arg(&certificate)
            .arg("-in")
            .arg(package);
        run(command, LIMIT)
    };
    let said = verify(&signed)?;
    assert_eq!(said.code(), Some(0), "{}{}", said.stdout, said.stderr);
    // A changed file is noticed, wherever the change is within the package's own bytes.
    let mut bytes = fs::read(&signed)?;
    let middle = bytes.len() / 2;
    bytes[middle] ^= 1;
    let changed = out.path().join("changed.msi");
    fs::write(&changed, bytes)?;
    assert_ne!(verify(&changed)?.code(), Some(0));
    Ok(())
}
