//! Packages for distributions, as `deploy/build` makes them: installed, upgraded and taken away on real roots, and signed.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context, Result};
use cutover_tests::harness::debian_root::{self, DebianRoot};
use cutover_tests::harness::machine::{self, Machine, Network, Setup};
use cutover_tests::harness::process::{find, run, tool};
use cutover_tests::harness::rpm_root::{self, Distribution};
use cutover_tests::harness::{clock::wait_until, release, requirement};

use crate::server::Server;

const LIMIT: Duration = Duration::from_secs(240);

const AGENT: &str = "/usr/bin/cutover-agent";

/// Where packages put files, and where the programs keep theirs.
const PLACES: [&str; 5] = ["etc", "usr", "opt", "var/lib/cutover", "run/cutover-agent"];

/// Made anew by the system itself whenever packages come or go.
const MADE_ANEW: [&str; 1] = ["etc/ld.so.cache"];

pub(super) const TO_MAKE_DEB: [(&str, &str); 1] = [("cargo-deb", "cargo install --locked cargo-deb")];
const TO_MAKE_RPM: [(&str, &str); 1] = [("cargo-generate-rpm", "cargo install --locked cargo-generate-rpm")];
const TO_SIGN: [(&str, &str); 4] = [
    ("debsigs", "apt-get install debsigs"),
    ("ar", "apt-get install binutils"),
    ("rpmsign", "apt-get install rpm"),
    ("gpg", "apt-get install gnupg"),
];

pub(super) fn readiness(programs: &[(&str, &str)]) -> Result<()> {
    for (program, remedy) in programs {
        anyhow::ensure!(find(program).is_some(), "{program} is missing: {remedy}");
    }
    Ok(())
}

/// Every path in the places where packages put files.
fn paths(root: &Path) -> Result<BTreeSet<PathBuf>> {
    let mut found = BTreeSet::new();
    let mut open: Vec<PathBuf> = PLACES.iter().map(|place| root.join(place)).collect();
    while let Some(path) = open.pop() {
        let Ok(meta) = path.symlink_metadata() else { continue };
        if meta.is_dir() {
            for entry in fs::read_dir(&path)? {
                open.push(entry?.path());
            }
        }
        let inside = path.strip_prefix(root)?.to_owned();
        if !MADE_ANEW.iter().any(|made| inside == Path::new(made)) {
            found.insert(inside);
        }
    }
    Ok(found)
}

/// The two packages of one kind, and where each lies inside the root.
pub(super) fn packages(root: &DebianRoot, kind: &str, version: &str) -> Result<[String; 2]> {
    let out = tempfile::tempdir()?;
    release::build(&[kind], version, out.path(), &[])?.succeeded()?;
    let mut names = Vec::new();
    for entry in fs::read_dir(out.path())? {
        let path = entry?.path();
        if path.extension().is_some_and(|extension| extension == kind) {
            let name = path
                .file_name()
                .context("a package has a name")?
                .to_string_lossy()
                .into_owned();
            fs::copy(&path, root.outside(&format!("/root/{name}")))?;
            names.push(format!("/root/{name}"));
        }
    }
    names.sort();
    let names: [String; 2] = names
        .try_into()
        .map_err(|names| anyhow::anyhow!("agent and server: {names:?}"))?;
    assert!(
        names[0].contains("cutover-agent") && names[1].contains("cutover-server"),
        "{names:?}"
    );
    Ok(names)
}

#[test]
fn the_agents_deb_is_upgraded_under_its_running_service_and_purged_without_a_trace() -> Result<()> {
    if !requirement::met(machine::readiness().and_then(|()| readiness(&TO_MAKE_DEB)))? {
        return Ok(());
    }
    let mut machine = Machine::assemble(&Setup {
        hostname: "packaged",
        network: Network::Own,
        volumes: &[],
    })?;
    let [old, _] = packages(&machine, "deb", "0.1.0")?;
    let [new, _] = packages(&machine, "deb", "0.1.1")?;
    machine.boot()?;
    let before = paths(machine.path())?;
    let server = Server::start()?;
    machine.forward(server.port())?;

    machine.run(&["dpkg", "--install", &old], LIMIT)?.succeeded()?;
    let token = server.token()?;
    let address = format!("192.0.2.1:{}", server.port());
    let enroll = [
        AGENT,
        "enroll",
        "--server",
        &address,
        "--ca-fingerprint",
        server.fingerprint(),
    ];
    machine
        .run(&[&enroll[..], &["--token", &token]].concat(), LIMIT)?
        .succeeded()?;
    machine
        .run(&["systemctl", "start", "cutover-agent.service"], LIMIT)?
        .succeeded()?;
    server.wait_for_host("packaged", "it has looked", LIMIT, |host| host.phase == "clear")?;

    // What somebody has set here stays, and the service goes on with the new program.
    let config = machine.outside("/etc/cutover/agent.toml");
    let own = fs::read_to_string(&config)? + "\nlook_nice = 7\n";
    fs::write(&config, &own)?;
    let first = machine.process("cutover-agent")?.context("the service runs")?;
    machine.run(&["dpkg", "--install", &new], LIMIT)?.succeeded()?;
    wait_until("the service runs again", LIMIT, || {
        Ok(machine.process("cutover-agent")?.is_some_and(|now| now != first))
    })?;
    assert_eq!(fs::read_to_string(&config)?, own);
    let contact = server.host("packaged")?.last_contact_ms;
    server.wait_for_host("packaged", "it reports as the same host", LIMIT, |host| {
        host.last_contact_ms > contact
    })?;
    let enabled = machine.run(&["systemctl", "is-enabled", "cutover-agent.service"], LIMIT)?;
    assert_eq!(enabled.stdout.trim(), "enabled");

    let refused = machine.run(&[AGENT, "uninstall"], LIMIT)?;
    assert_eq!(refused.code(), Some(1));
    assert!(
        refused.stderr.contains("apt-get purge cutover-agent"),
        "{}",
        refused.stderr
    );

    machine
        .run(&["dpkg", "--remove", "cutover-agent"], LIMIT)?
        .succeeded()?;
    assert_eq!(machine.process("cutover-agent")?, None);
    assert!(
        machine.has("/var/lib/cutover/agent/identity"),
        "a removal keeps its identity"
    );
    machine.run(&["dpkg", "--purge", "cutover-agent"], LIMIT)?.succeeded()?;
    let after = paths(machine.path())?;
    let left: Vec<_> = after.symmetric_difference(&before).collect();
    assert!(left.is_empty(), "{left:#?}");
    assert_eq!(machine.state()?, "running", "no unit has failed");
    Ok(())
}

#[test]
fn the_servers_deb_makes_its_user_and_never_takes_the_evidence_away() -> Result<()> {
    if !requirement::met(debian_root::readiness().and_then(|()| readiness(&TO_MAKE_DEB)))? {
        return Ok(());
    }
    let root = DebianRoot::fresh("packaged-hub")?;
    let [_, package] = packages(&root, "deb", "0.1.0")?;
    let said = root.run(&["dpkg", "--install", &package], LIMIT)?.succeeded()?.stdout;
    assert!(said.contains("cutover init"), "what comes next: {said}");
    let init = ["/usr/sbin/runuser", "-u", "cutover", "--", "/usr/bin/cutover", "init"];
    root.run(&init, LIMIT)?.succeeded()?;
    let said = root
        .run(&["dpkg", "--purge", "cutover-server"], LIMIT)?
        .succeeded()?
        .stdout;
    assert!(said.contains("left /var/lib/cutover/server"), "{said}");
    assert!(root.has("/var/lib/cutover/server/cutover.db") || root.has("/var/lib/cutover/server/pki"));
    for gone in ["/usr/bin/cutover", "/etc/cutover"] {
        assert!(!root.has(gone), "{gone}");
    }
    Ok(())
}

#[test]
fn the_agents_rpm_is_installed_upgraded_and_erased_without_a_trace() -> Result<()> {
    if !requirement::met(debian_root::readiness().and_then(|()| readiness(&TO_MAKE_RPM)))? {
        return Ok(());
    }
    let root = rpm_root::fresh("packaged-rpm", Distribution::Fedora)?;
    let [old, _] = packages(&root, "rpm", "0.1.0")?;
    let [new, _] = packages(&root, "rpm", "0.1.1")?;
    let before = paths(root.path())?;
    let needs = root
        .run(&["rpm", "-qp", "--requires", &old], LIMIT)?
        .succeeded()?
        .stdout;
    assert!(
        needs.contains("libc.so.6(GLIBC_") && needs.lines().any(|line| line.trim() == "systemd"),
        "the system that it needs is stated: {needs}"
    );
    // The libraries and systemd are there, and Debian's, so this root's rpm does not know them.
    root.run(&["rpm", "--install", "--nodeps", &old], LIMIT)?.succeeded()?;
    let wants = "/etc/systemd/system/multi-user.target.wants/cutover-agent.service";
    assert!(root.has(wants), "enabled");
    fs::remove_file(root.outside(wants))?;
    root.run(&["rpm", "--upgrade", "--nodeps", &new], LIMIT)?.succeeded()?;
    let version = root
        .run(&["rpm", "-q", "--qf", "%{VERSION}", "cutover-agent"], LIMIT)?
        .succeeded()?;
    assert_eq!(version.stdout, "0.1.1");
    assert!(root.has(AGENT) && !root.has(wants), "whoever disabled it had a reason");
    root.run(&["rpm", "--erase", "cutover-agent"], LIMIT)?.succeeded()?;
    let after = paths(root.path())?;
    let left: Vec<_> = after.symmetric_difference(&before).collect();
    assert!(left.is_empty(), "{left:#?}");
    Ok(())
}

#[test]
fn packages_are_signed_with_the_key_that_is_named_and_loudly_not_without_one() -> Result<()> {
    if !requirement::met(readiness(&[&TO_MAKE_DEB[..], &TO_MAKE_RPM, &TO_SIGN].concat()))? {
        return Ok(());
    }
    let scratch = tempfile::tempdir()?;
    let home = scratch.path().join("gnupg");
    fs::create_dir(&home)?;
    fs::set_permissions(&home, std::os::unix::fs::PermissionsExt::from_mode(0o700))?;
    let home_text = home.to_str().context("a path in UTF-8")?;
    let gpg = |arguments: &[&str]| {
        let mut gpg = tool("gpg");
        gpg.env("GNUPGHOME", &home).args(["--batch", "--yes"]).args(arguments);
        run(gpg, LIMIT)
    };
    let key = "thrown-away@cutover.invalid";
    gpg(&[
        "--passphrase",
        "",
        "--quick-generate-key",
        key,
        "rsa3072",
        "sign",
        "never",
    ])?
    .succeeded()?;

    let out = scratch.path().join("packages");
    let bare = release::build(&["deb", "rpm"], "0.1.0", &out, &[])?.succeeded()?;
    assert!(bare.stderr.contains("UNSIGNED"), "{}", bare.stderr);
    assert!(!out.join("SHA256SUMS.asc").exists());

    let signing = [("CUTOVER_SIGN_KEY", key), ("GNUPGHOME", home_text)];
    let signed = release::build(&["deb", "rpm"], "0.1.0", &out, &signing)?.succeeded()?;
    assert!(!signed.stderr.contains("UNSIGNED"), "{}", signed.stderr);
    let sums = out.join("SHA256SUMS");
    let (asc, sums) = (out.join("SHA256SUMS.asc"), sums.to_str().context("UTF-8")?.to_owned());
    gpg(&["--verify", asc.to_str().context("UTF-8")?, &sums])?.succeeded()?;
    let mut check = tool("sha256sum");
    check.args(["--check", "--strict", "SHA256SUMS"]).current_dir(&out);
    assert_eq!(run(check, LIMIT)?.succeeded()?.stdout.lines().count(), 4);

    // rpm itself says whose it is, once it knows the key.
    let public = scratch.path().join("key.asc");
    gpg(&[
        "--armor",
        "--output",
        public.to_str().context("UTF-8")?,
        "--export",
        key,
    ])?
    .succeeded()?;
    let database = format!("_dbpath {}", scratch.path().join("rpmdb").display());
    let mut import = tool("rpmkeys");
    import.args(["--define", &database, "--import"]).arg(&public);
    run(import, LIMIT)?.succeeded()?;
    let checked = |package: &Path| {
        let mut check = tool("rpmkeys");
        check.args(["--define", &database, "--checksig"]).arg(package);
        run(check, LIMIT)
    };
    let of_kind = |kind: &str| -> Result<PathBuf> {
        let mut all = fs::read_dir(&out)?.flatten().map(|entry| entry.path());
        let found = all.find(|path| path.extension().is_some_and(|extension| extension == kind));
        found.with_context(|| format!("a package of the kind {kind}"))
    };
    let rpm = of_kind("rpm")?;
    let said = checked(&rpm)?.succeeded()?.stdout;
    assert!(said.contains("digests signatures OK"), "{said}");
    let mut bytes = fs::read(&rpm)?;
    let last = bytes.len() - 100;
    bytes[last] ^= 1;
    let tampered = scratch.path().join("tampered.rpm");
    fs::write(&tampered, bytes)?;
    assert_ne!(checked(&tampered)?.code(), Some(0));

    // debsigs signs the members of the archive one after another.
    let parts = scratch.path().join("deb");
    fs::create_dir(&parts)?;
    let mut unpack = tool("ar");
    unpack.arg("x").arg(of_kind("deb")?).current_dir(&parts);
    run(unpack, LIMIT)?.succeeded()?;
    let mut body = fs::read(parts.join("debian-binary"))?;
    for member in ["control.tar", "data.tar"] {
        let mut all = fs::read_dir(&parts)?.flatten().map(|entry| entry.path());
        let member = all.find(|path| {
            path.file_name()
                .is_some_and(|name| name.to_string_lossy().starts_with(member))
        });
        body.extend(fs::read(member.context("a member")?)?);
    }
    fs::write(parts.join("body"), body)?;
    let (signature, body) = (parts.join("_gpgorigin"), parts.join("body"));
    let verify = [
        "--verify",
        signature.to_str().context("UTF-8")?,
        body.to_str().context("UTF-8")?,
    ];
    gpg(&verify)?.succeeded()?;
    Ok(())
}
