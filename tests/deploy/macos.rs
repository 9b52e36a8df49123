//! What is shipped for macOS, as far as it can be held against anything where there is no Mac: tools of macOS's are scripts
//! that note how they were called.

use std::{
    fs,
    os::unix::fs::PermissionsExt as _,
    path::{Path, PathBuf},
    time::Duration,
};

use anyhow::{Context, Result};
use cutover_agent::osservice::launchd;
use cutover_proto::rule::BUILT_IN;
use cutover_tests::harness::process::{Finished, run, tool};
use plist::Value;
use tempfile::TempDir;

use crate::shipped;

const LIMIT: Duration = Duration::from_secs(120);
const DAEMON: &str = "macos/org.cutover.agent.plist";
/// The head of a program of macOS for one processor, and of one for several.
const HEADS: [&[u8]; 2] = [b"\xcf\xfa\xed\xfe rest", b"\xca\xfe\xba\xbe rest"];

fn executable(file: &Path, script: &str) -> Result<()> {
    fs::write(file, format!("#!/bin/sh\n{script}\n"))?;
    fs::set_permissions(file, fs::Permissions::from_mode(0o755))?;
    Ok(())
}

fn mode(file: &Path) -> Result<u32> {
    Ok(fs::metadata(file)
        .with_context(|| file.display().to_string())?
        .permissions()
        .mode()
        & 0o777)
}

fn build(program: &Path, out: &Path) -> Result<Finished> {
    let mut command = tool(shipped::path("build"));
    command
        .args(["pkg", "--version", "9.8.7", "--out"])
        .arg(out)
        .env("CUTOVER_MACOS_PROGRAM", program)
        .env_remove("CUTOVER_SIGN_KEY");
    run(command, LIMIT)
}

/// The layout, unpacked as on a Mac.
fn layout() -> Result<(TempDir, PathBuf, Finished)> {
    let dir = tempfile::tempdir()?;
    let program = dir.path().join("program");
    fs::write(&program, HEADS[1])?;
    let built = build(&program, dir.path())?.succeeded()?;
    let mut unpack = tool("tar");
    unpack
        .arg("xzf")
        .arg(dir.path().join("cutover-agent-9.8.7-macos.tar.gz"))
        .arg("-C")
        .arg(dir.path());
    run(unpack, LIMIT)?.succeeded()?;
    let layout = dir.path().join("cutover-agent-9.8.7-macos");
    Ok((dir, layout, built))
}

#[test]
fn launchd_starts_the_program_that_the_package_puts_there_and_again_when_it_fails() -> Result<()> {
    let daemon = Value::from_file(shipped::path(DAEMON))?;
    let daemon = daemon.as_dictionary().context("a dictionary")?;
    let text = |key: &str| daemon.get(key).and_then(Value::as_string);
    assert_eq!(text("Label"), Some(launchd::LABEL));
    let arguments = daemon
        .get("ProgramArguments")
        .and_then(Value::as_array)
        .context("arguments")?;
    let arguments: Vec<_> = arguments.iter().filter_map(Value::as_string).collect();
    let places = launchd::Places::default();
    assert_eq!(arguments, [places.program.to_str().context("text")?, "run"]);
    assert!(
        places
            .daemon
            .ends_with(Path::new(DAEMON).file_name().context("a name")?)
    );
    let keep = daemon
        .get("KeepAlive")
        .and_then(Value::as_dictionary)
        .context("conditions")?;
    assert_eq!(keep.get("SuccessfulExit").and_then(Value::as_boolean), Some(false));
    let umask = daemon.get("Umask").and_then(Value::as_signed_integer);
    assert_eq!(umask, Some(0o077), "what the agent writes is root's alone");
    for key in ["StandardErrorPath", "StandardOutPath"] {
        assert_eq!(text(key), Some(launchd::LOG), "{key}: what the agent shortens");
    }
    Ok(())
}

#[test]
fn the_layout_holds_what_the_package_installs_and_is_said_to_be_no_package() -> Result<()> {
    let (_dir, layout, built) = layout()?;
    assert!(
        built.stderr.contains("NO PACKAGE YET") && built.stderr.contains("make-pkg"),
        "{}",
        built.stderr
    );
    assert!(built.stderr.contains("UNSIGNED"), "{}", built.stderr);
    let support = layout.join("root/Library/Application Support/Cutover");
    for (file, expected) in [
        (layout.join("root/usr/local/bin/cutover-agent"), 0o755),
        (layout.join("root/Library/LaunchDaemons/org.cutover.agent.plist"), 0o644),
        (support.join("agent.toml.default"), 0o600),
        (layout.join("scripts/preinstall"), 0o755),
        (layout.join("scripts/postinstall"), 0o755),
        (layout.join("make-pkg"), 0o755),
    ] {
        assert_eq!(mode(&file)?, expected, "{}", file.display());
    }
    let settings = fs::read_to_string(support.join("agent.toml.default"))?;
    assert!(
        settings.contains("#state_dir = \"/Library/Application Support/Cutover/agent\""),
        "{settings}"
    );
    for elsewhere in ["/etc/cutover", "\"/run/", "/var/lib/"] {
        assert!(!settings.contains(elsewhere), "{elsewhere}: {settings}");
    }
    Ok(())
}

#[test]
fn only_a_program_of_macos_goes_into_the_layout() -> Result<()> {
    let dir = tempfile::tempdir()?;
    let program = dir.path().join("program");
    for (bytes, is_taken) in [
        (HEADS[0], true),
        (HEADS[1], true),
        (b"\x7fELF rest".as_slice(), false),
        (b"", false),
    ] {
        fs::write(&program, bytes)?;
        let built = build(&program, dir.path())?;
        assert_eq!(built.code() == Some(0), is_taken, "{bytes:?}: {}", built.stderr);
        assert!(
            is_taken || built.stderr.contains("is no program of macOS"),
            "{}",
            built.stderr
        );
    }
    let missing = build(&dir.path().join("none"), dir.path())?;
    assert!(
        missing.code() != Some(0) && missing.stderr.contains("is not there"),
        "{}",
        missing.stderr
    );
    Ok(())
}

fn make(layout: &Path, tools: &Path, identities: &[(&str, &str)]) -> Result<Finished> {
    let mut command = tool("/bin/sh");
    command
        .arg(layout.join("make-pkg"))
        .env("PATH", format!("{}:/usr/bin:/bin", tools.display()));
    for name in [
        "CUTOVER_SIGN_APPLICATION",
        "CUTOVER_SIGN_INSTALLER",
        "CUTOVER_NOTARY_PROFILE",
    ] {
        command.env_remove(name);
    }
    command.envs(identities.iter().copied());
    run(command, LIMIT)
}

#[test]
fn on_a_mac_the_package_is_signed_and_notarised_by_the_identities_that_are_named() -> Result<()> {
    let (dir, layout, _) = layout()?;
    let tools = dir.path().join("tools");
    fs::create_dir(&tools)?;
    let elsewhere = make(&layout, &tools, &[])?;
    assert!(
        elsewhere.code() != Some(0) && elsewhere.stderr.contains("this runs on a Mac"),
        "{}",
        elsewhere.stderr
    );

    let calls = dir.path().join("calls");
    for name in ["pkgbuild", "codesign", "xcrun"] {
        executable(
            &tools.join(name),
            &format!("echo {name} \"$@\" >>'{}'", calls.display()),
        )?;
    }
    let identities = [
        ("CUTOVER_SIGN_APPLICATION", "Developer ID Application: X Y"),
        ("CUTOVER_SIGN_INSTALLER", "Developer ID Installer: X Y"),
        ("CUTOVER_NOTARY_PROFILE", "notary"),
    ];
    let signed = make(&layout, &tools, &identities)?.succeeded()?;
    assert!(!signed.stderr.contains("UNSIGNED"), "{}", signed.stderr);
    assert!(
        signed.stdout.trim().ends_with("/cutover-agent-9.8.7.pkg"),
        "{}",
        signed.stdout
    );
    let called = fs::read_to_string(&calls)?;
    let called: Vec<&str> = called.lines().collect();
    let [program, package, sent, stapled] = called.as_slice() else {
        panic!("{called:?}");
    };
    assert!(
        program.starts_with("codesign ") && program.contains("--sign Developer ID Application: X Y"),
        "{program}"
    );
    // What the profile for Full Disk Access asks of the signature.
    let profile = shipped::shipped("macos/jamf/privacy.mobileconfig");
    assert!(
        program.contains("--identifier org.cutover.agent ") && profile.contains("identifier \"org.cutover.agent\"")
    );
    assert!(
        package.starts_with("pkgbuild ") && package.contains("--sign Developer ID Installer: X Y"),
        "{package}"
    );
    assert!(
        package.contains("--identifier org.cutover.agent --version 9.8.7"),
        "{package}"
    );
    assert!(
        sent.contains("notarytool submit") && sent.contains("cutover-agent-9.8.7.pkg"),
        "{sent}"
    );
    assert!(stapled.starts_with("xcrun stapler staple "), "{stapled}");

    // Any one that is missing is said aloud.
    for (left_out, _) in &identities {
        let some: Vec<_> = identities
            .iter()
            .copied()
            .filter(|(name, _)| name != left_out)
            .collect();
        let said = make(&layout, &tools, &some)?.succeeded()?.stderr;
        assert!(said.contains("UNSIGNED OR NOT NOTARISED"), "{left_out}: {said}");
    }
    Ok(())
}

#[test]
fn a_macos_that_is_too_old_is_refused_before_anything_is_put_there() -> Result<()> {
    let dir = tempfile::tempdir()?;
    let script = shipped::shipped("macos/scripts/preinstall");
    for (version, is_taken) in [("10.15.7", false), ("11.0", true), ("26.1", true)] {
        let asked = script
            .replace("/usr/bin/sw_vers -productVersion", &format!("echo {version}"))
            .replace("/bin/launchctl", "false");
        let file = dir.path().join(version);
        fs::write(&file, asked)?;
        let mut command = tool("/bin/sh");
        command.arg(&file);
        let said = run(command, LIMIT)?;
        assert_eq!(said.code() == Some(0), is_taken, "{version}: {}", said.stderr);
        assert!(is_taken || said.stderr.contains("needs macOS 11"), "{}", said.stderr);
    }
    assert!(shipped::shipped("../docs/support.md").contains("macOS 11"));
    Ok(())
}

/// A Mac in a directory on which the package's files were just put, and its script with tools of ours.
struct Installing(TempDir);

impl Installing {
    fn new() -> Result<Self> {
        let dir = tempfile::tempdir()?;
        let at = |path: &str| dir.path().join(path);
        for file in [
            "usr/local/bin/cutover-agent",
            "Library/LaunchDaemons/org.cutover.agent.plist",
            "Library/Application Support/Cutover/agent.toml.default",
        ] {
            fs::create_dir_all(at(file).parent().context("below")?)?;
            fs::write(at(file), "as delivered")?;
        }
        executable(&at("usr/local/bin/cutover-agent"), "exit 0")?;
        executable(&at("chown"), "")?;
        executable(
            &at("launchctl"),
            &format!(
                "echo \"$@\" >>'{0}/calls'\n[ \"$(wc -l <'{0}/calls')\" -gt 2 ]",
                dir.path().display()
            ),
        )?;
        Ok(Self(dir))
    }

    /// `is_running`: as if this directory were the volume of the Mac that runs.
    fn install(&self, is_running: bool) -> Result<Finished> {
        let here = self.0.path().display();
        let mut script = shipped::shipped("macos/scripts/postinstall")
            .replace("/usr/sbin/chown", &format!("{here}/chown"))
            .replace("/bin/launchctl", &format!("{here}/launchctl"))
            .replace("/bin/sleep 2", ":");
        if is_running {
            let elsewhere = "[ -z \"$volume\" ] || exit 0\n";
            assert!(script.contains(elsewhere));
            script = script.replace(elsewhere, "");
        }
        let file = self.0.path().join("postinstall");
        fs::write(&file, script)?;
        let mut command = tool("/bin/sh");
        command.arg(&file).args(["package", "/"]).arg(self.0.path());
        run(command, LIMIT)
    }

    fn calls(&self) -> String {
        fs::read_to_string(self.0.path().join("calls")).unwrap_or_default()
    }
}

#[test]
fn an_installation_makes_private_directories_and_keeps_settings_that_are_there() -> Result<()> {
    let mac = Installing::new()?;
    mac.install(false)?.succeeded()?;
    assert_eq!(mac.calls(), "", "another volume's daemon is not this Mac's");
    let at = |path: &str| mac.0.path().join(path);
    let support = "Library/Application Support/Cutover";
    for directory in [format!("{support}/agent"), "Library/Logs/Cutover".to_owned()] {
        assert_eq!(mode(&at(&directory))?, 0o700, "{directory}");
    }
    let settings = at(&format!("{support}/agent.toml"));
    assert_eq!(
        (mode(&settings)?, fs::read_to_string(&settings)?.as_str()),
        (0o600, "as delivered")
    );
    fs::write(&settings, "changed here")?;
    mac.install(false)?.succeeded()?;
    assert_eq!(fs::read_to_string(&settings)?, "changed here");
    Ok(())
}

#[test]
fn an_installation_waits_until_launchd_takes_the_daemon_and_refuses_a_program_that_does_not_run() -> Result<()> {
    let mac = Installing::new()?;
    mac.install(true)?.succeeded()?;
    // The stand-in takes it at the third try.
    let daemon = mac.0.path().join("Library/LaunchDaemons/org.cutover.agent.plist");
    assert_eq!(
        mac.calls(),
        format!("bootstrap system {}\n", daemon.display()).repeat(3)
    );

    let other = Installing::new()?;
    executable(&other.0.path().join("usr/local/bin/cutover-agent"), "exit 126")?;
    let refused = other.install(true)?;
    assert!(
        refused.code() != Some(0) && refused.stderr.contains("this processor"),
        "{}",
        refused.stderr
    );
    assert_eq!(other.calls(), "");
    Ok(())
}

#[test]
fn the_profile_for_removals_lets_go_the_extension_that_looks_find_and_allows_none() -> Result<()> {
    let profile = Value::from_file(shipped::path("macos/jamf/removal.mobileconfig"))?;
    let payloads = profile.as_dictionary().and_then(|it| it.get("PayloadContent"));
    let payload = payloads.and_then(Value::as_array).and_then(|all| all.first());
    let payload = payload.and_then(Value::as_dictionary).context("a payload")?;
    assert_eq!(
        payload.get("PayloadType").and_then(Value::as_string),
        Some("com.apple.system-extension-policy")
    );
    let removable = payload.get("RemovableSystemExtensions").and_then(Value::as_dictionary);
    let removable = removable.context("what may go")?;
    let teams: Vec<&str> = removable.keys().map(String::as_str).collect();
    let (_, rule) = BUILT_IN
        .iter()
        .find(|(name, _)| *name == "kav-mac.toml")
        .context("a rule")?;
    assert_eq!(teams.len(), 1);
    assert!(rule.contains(&format!("teams = [\"{}\"]", teams[0])), "{teams:?}");
    assert!(
        !payload.keys().any(|key| key.starts_with("Allow")),
        "it lets nothing in"
    );
    Ok(())
}
