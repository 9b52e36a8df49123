//! The packages that must go: built with dpkg-deb under the genuine names, from `tests/harness/packages`.
//!
//! Their files, scripts and version numbers are ours, written from publicly documented effects (`docs/testing.md`).

use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context, Result};

use crate::harness::clock::wait_until;
use crate::harness::debian_root::DebianRoot;
use crate::harness::process::{Running, run, tool};

/// All of them, in the order in which they have to go: the window before the product, the product before its agent.
pub const IN_ORDER_OF_REMOVAL: [&str; 3] = ["kesl-gui", "kesl", "klnagent64"];

/// The units of the products that run.
pub const UNITS: [&str; 2] = ["kesl.service", "klnagent64.service"];

/// Groups that the product makes and that nothing removes.
pub const GROUPS: [&str; 4] = ["kesladmin", "kesluser", "keslaudit", "nokesl"];

/// What lies on the disk after all three were purged, once the product had been started.
pub const LEFTOVERS: [&str; 4] = [
    "/var/opt/kaspersky/kesl",
    "/var/opt/kaspersky/klnagent",
    "/var/log/kaspersky",
    "/etc/systemd/system/kesl.service",
];

/// Where the product's certificate lies once it is trusted: the anchor, and what the system's own tool makes of it.
pub const CERTIFICATE: [&str; 2] = [
    "/usr/local/share/ca-certificates/kaspersky.crt",
    "/etc/ssl/certs/kaspersky.pem",
];

/// What programs trust: all certificates in one file.
pub const TRUSTED: &str = "/etc/ssl/certs/ca-certificates.crt";

/// The product's launcher, which writes its own unit at each start.
const LAUNCHER: &str = "/opt/kaspersky/kesl/libexec/kesl_launcher.sh";

/// The processes: copies of the root's own `sleep`, because a script would run under the shell's name.
const PROCESSES: [(&str, &str); 2] = [
    ("kesl", "opt/kaspersky/kesl/libexec/kesl"),
    ("klnagent64", "opt/kaspersky/klnagent64/sbin/klnagent"),
];

/// Where the removal scripts look for the tests' knobs.
const KNOBS: &str = "/var/lib/stand-in";

const LIMIT: Duration = Duration::from_secs(60);

/// Builds the three packages and installs them by dpkg inside the root.
///
/// # Errors
/// When one cannot be built or installed.
pub fn plant(root: &DebianRoot) -> Result<()> {
    let drop_box = root.outside("/root/packages");
    fs::create_dir_all(&drop_box)?;
    let mut install = vec!["dpkg".to_owned(), "--install".to_owned()];
    for package in IN_ORDER_OF_REMOVAL {
        build(root, package, &drop_box).with_context(|| format!("cannot build {package}"))?;
        install.push(format!("/root/packages/{package}.deb"));
    }
    let install: Vec<&str> = install.iter().map(String::as_str).collect();
    root.run(&install, LIMIT)?
        .succeeded()
        .context("cannot install the packages")?;
    fs::remove_dir_all(&drop_box)?;
    Ok(())
}

/// Makes the root trust a certificate with the subject of the one by which the product reads TLS traffic. The product makes
/// its own on each machine, so this one is made here.
///
/// # Errors
/// When it cannot be made, or the system's tool does not take it.
pub fn plant_certificate(root: &DebianRoot) -> Result<()> {
    let mut params = rcgen::CertificateParams::new(Vec::new())?;
    params.distinguished_name = rcgen::DistinguishedName::new();
    for (attribute, value) in [
        (
            rcgen::DnType::CommonName,
            "Kaspersky Anti-Virus Personal Root Certificate",
        ),
        (rcgen::DnType::OrganizationName, "AO Kaspersky Lab"),
    ] {
        params.distinguished_name.push(attribute, value);
    }
    params.is_ca = rcgen::IsCa::Ca(rcgen::BasicConstraints::Unconstrained);
    let certificate = params.self_signed(&rcgen::KeyPair::generate()?)?;
    fs::write(root.outside(CERTIFICATE[0]), certificate.pem())?;
    root.run(&["update-ca-certificates"], LIMIT)?.succeeded()?;
    Ok(())
}

/// Builds the stand-in of Microsoft Defender for Endpoint, as the file that an operator gives to the server.
///
/// # Errors
/// When it cannot be built.
pub fn defender(root: &DebianRoot, into: &Path) -> Result<PathBuf> {
    build(root, "mdatp", into).context("cannot build mdatp")?;
    let file = into.join("mdatp_101.24082.0004_amd64.deb");
    fs::rename(into.join("mdatp.deb"), &file)?;
    Ok(file)
}

/// Builds the stand-in of CrowdStrike Falcon, as the file that an operator gives to the server.
///
/// # Errors
/// When it cannot be built.
pub fn falcon(root: &DebianRoot, into: &Path) -> Result<PathBuf> {
    build(root, "falcon-sensor", into).context("cannot build falcon-sensor")?;
    let file = into.join("falcon-sensor_7.20.0-17306_amd64.deb");
    fs::rename(into.join("falcon-sensor.deb"), &file)?;
    Ok(file)
}

/// Starts the product as its service would be started.
///
/// # Errors
/// When it does not come up.
pub fn start_product(root: &DebianRoot, log: &Path) -> Result<Running> {
    let product = root.spawn(&[LAUNCHER], &[], log)?;
    wait_until("the launcher has become kesl", LIMIT, || {
        let name = fs::read_to_string(format!("/proc/{}/comm", product.pid()));
        Ok(name.is_ok_and(|name| name.trim() == "kesl"))
    })?;
    Ok(product)
}

/// The removal script of `package` will fail the next time it runs, and only then.
///
/// # Errors
/// When the knob cannot be set.
pub fn fail_removal_once(root: &DebianRoot, package: &str) -> Result<()> {
    fs::create_dir_all(root.outside(KNOBS))?;
    fs::write(root.outside(&format!("{KNOBS}/{package}.fail")), "")?;
    Ok(())
}

/// The removal script of `package` fails whenever it runs.
///
/// # Errors
/// When the knob cannot be set.
pub fn break_removal(root: &DebianRoot, package: &str) -> Result<()> {
    fs::create_dir_all(root.outside(KNOBS))?;
    fs::write(root.outside(&format!("{KNOBS}/{package}.broken")), "")?;
    Ok(())
}

/// The removal script of `kesl` says that it waits, again and again, and never ends: nor does what it started, in a session of
/// its own. Neither takes notice of SIGTERM. Until the answer is dropped, for scripts that start later.
///
/// # Errors
/// When the knob cannot be set.
pub fn endless_removal(root: &DebianRoot) -> Result<EndlessRemoval> {
    fs::create_dir_all(root.outside(KNOBS))?;
    let knob = root.outside(&format!("{KNOBS}/kesl.endless"));
    fs::write(&knob, "")?;
    Ok(EndlessRemoval { knob })
}

/// A removal script that never ends.
#[derive(Debug)]
pub struct EndlessRemoval {
    knob: PathBuf,
}

impl Drop for EndlessRemoval {
    fn drop(&mut self) {
        let _ = fs::remove_file(&self.knob);
    }
}

/// The removal script of `kesl` prints this, as installers repeat what they were given.
///
/// # Errors
/// When the knob cannot be set.
pub fn let_removal_say(root: &DebianRoot, words: &str) -> Result<()> {
    fs::create_dir_all(root.outside(KNOBS))?;
    fs::write(root.outside(&format!("{KNOBS}/kesl.says")), words)?;
    Ok(())
}

/// The removal script of `package` will stop where nothing has been removed yet, until the answer is dropped. `kesl` and
/// `klnagent64` have such a script.
///
/// # Errors
/// When the knob cannot be set.
pub fn hold_removal(root: &DebianRoot, package: &str) -> Result<HeldRemoval> {
    let knob = root.outside(&format!("{KNOBS}/{package}"));
    fs::create_dir_all(root.outside(KNOBS))?;
    fs::write(knob.with_extension("hold"), "")?;
    Ok(HeldRemoval { knob })
}

/// A removal script that waits. Dropping it lets the script go on.
#[derive(Debug)]
pub struct HeldRemoval {
    knob: PathBuf,
}

impl HeldRemoval {
    /// Waits until the script has come to the place where it stops.
    ///
    /// # Errors
    /// When `limit` passes.
    pub fn wait_until_reached(&self, limit: Duration) -> Result<()> {
        wait_until("the removal script is reached", limit, || {
            Ok(self.knob.with_extension("reached").exists())
        })
    }
}

impl Drop for HeldRemoval {
    fn drop(&mut self) {
        let _ = fs::remove_file(self.knob.with_extension("hold"));
    }
}

/// Lays a package's files out in `tree`, which must not be there yet: its scripts in `DEBIAN`, all else as on a host.
///
/// # Errors
/// When they cannot be copied.
pub(super) fn lay_out(root: &DebianRoot, package: &str, tree: &Path) -> Result<()> {
    let source = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("harness/packages")
        .join(package);
    let mut copy = tool("cp");
    copy.args(["--recursive", "--preserve=mode,links", "--no-dereference", "--"])
        .arg(source)
        .arg(tree);
    run(copy, LIMIT)?.succeeded()?;

    for (owner, process) in PROCESSES {
        if owner == package {
            let target = tree.join(process);
            fs::create_dir_all(target.parent().context("a process lies in a directory")?)?;
            fs::copy(root.outside("/usr/bin/sleep"), target)?;
        }
    }
    Ok(())
}

fn build(root: &DebianRoot, package: &str, into: &Path) -> Result<()> {
    let scratch = tempfile::tempdir()?;
    let tree = scratch.path().join(package);
    lay_out(root, package, &tree)?;
    let architecture = root.run(&["dpkg", "--print-architecture"], LIMIT)?.succeeded()?;
    let control = tree.join("DEBIAN/control");
    let text = fs::read_to_string(&control)?;
    fs::write(&control, text.replace("@ARCHITECTURE@", architecture.stdout.trim()))?;

    let mut pack = tool("dpkg-deb");
    pack.args(["--root-owner-group", "-Znone", "--build"])
        .arg(&tree)
        .arg(into.join(format!("{package}.deb")));
    run(pack, LIMIT)?.succeeded()?;
    Ok(())
}
