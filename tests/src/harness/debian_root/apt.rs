//! What this machine's apt knows about reaching Debian's archives. No host is named in this project: the root uses the
//! sources, proxies and credentials that the machine is set up with.

use std::fs;
use std::path::Path;
use std::time::Duration;

use anyhow::{Context, Result, ensure};

use crate::harness::process::{run, tool};

/// The release that the root is made of.
pub(super) const RELEASE: &str = "bookworm";

/// Code names of the parts of the release that are used where the machine has them.
const CODENAMES: [&str; 3] = ["bookworm", "bookworm-updates", "bookworm-security"];

/// Settings that decide how archives are reached; all others stay Debian's own.
const SETTINGS: [&str; 5] = [
    "Acquire::http",
    "Acquire::https",
    "Acquire::Check-",
    "Acquire::Retries",
    "Acquire::ForceIPv",
];

const LIMIT: Duration = Duration::from_secs(30);

/// What is copied from the machine into a root.
pub(super) struct AptSetup {
    /// One-line sources (sources.list(5)).
    pub(super) sources: Vec<String>,
    /// Configuration in the syntax of apt.conf(5).
    pub(super) settings: String,
}

/// Reads the setup of the machine's own apt.
pub(super) fn of_this_machine() -> Result<AptSetup> {
    let mut targets = tool("apt-get");
    targets.args([
        "indextargets",
        "--format",
        "$(CODENAME) deb $(REPO_URI) $(RELEASE) $(COMPONENT)",
        "Identifier: Packages",
        "Origin: Debian",
    ]);
    let targets = run(targets, LIMIT)?
        .succeeded()
        .context("apt does not list its sources")?;
    let mut sources: Vec<String> = targets
        .stdout
        .lines()
        .filter_map(|line| line.split_once(' '))
        .filter(|(codename, _)| CODENAMES.contains(codename))
        .map(|(_, source)| source.to_owned())
        .collect();
    sources.sort();
    sources.dedup();
    ensure!(
        !sources.is_empty(),
        "this machine's apt knows no archive of Debian's {RELEASE}: run `apt-get update` as root, or add one"
    );

    let dump = run(
        {
            let mut dump = tool("apt-config");
            dump.arg("dump");
            dump
        },
        LIMIT,
    )?
    .succeeded()?;
    let settings = dump
        .stdout
        .lines()
        .filter(|line| SETTINGS.iter().any(|setting| line.starts_with(setting)))
        .map(|line| format!("{line}\n"))
        .collect();
    Ok(AptSetup { sources, settings })
}

impl AptSetup {
    /// Whether an archive is reached over TLS, so that the root needs the certificates that the machine trusts.
    pub(super) fn uses_tls(&self) -> bool {
        self.sources.iter().any(|source| source.starts_with("deb https:"))
    }

    /// Puts sources, settings, credentials and trusted certificates where the root's own apt reads them.
    pub(super) fn write_into(&self, root: &Path) -> Result<()> {
        let etc = root.join("etc/apt");
        fs::write(etc.join("sources.list"), self.sources.join("\n") + "\n")?;
        fs::write(etc.join("apt.conf.d/99machine"), &self.settings)?;
        copy_credentials(&etc)?;
        let certificates = "etc/ssl/certs/ca-certificates.crt";
        let machine = Path::new("/").join(certificates);
        if self.uses_tls() && machine.is_file() {
            fs::create_dir_all(root.join("etc/ssl/certs"))?;
            fs::copy(machine, root.join(certificates))?;
        }
        Ok(())
    }
}

/// Copies apt's credentials, with their permissions, into `etc`, some root's `/etc/apt`.
fn copy_credentials(etc: &Path) -> Result<()> {
    let machine = Path::new("/etc/apt");
    let parts = match fs::read_dir(machine.join("auth.conf.d")) {
        Ok(parts) => parts.collect::<std::io::Result<Vec<_>>>()?,
        Err(_) => Vec::new(),
    };
    fs::create_dir_all(etc.join("auth.conf.d"))?;
    for part in parts {
        fs::copy(part.path(), etc.join("auth.conf.d").join(part.file_name()))?;
    }
    if machine.join("auth.conf").is_file() {
        fs::copy(machine.join("auth.conf"), etc.join("auth.conf"))?;
    }
    Ok(())
}
