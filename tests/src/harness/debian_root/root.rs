//! One test's own copy of the base root.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use anyhow::{Context, Result, bail, ensure};

use super::apt::{self, AptSetup};
use super::base;
use super::namespace::{self, Namespace, Net};
use crate::harness::process::{Finished, Running, find, run, tool};

/// Programs that a root cannot be made without, and the Debian package that brings each.
const PROGRAMS: [(&str, &str); 6] = [
    ("mmdebstrap", "mmdebstrap"),
    ("unshare", "util-linux"),
    ("nsenter", "util-linux"),
    ("chroot", "coreutils"),
    ("dpkg-deb", "dpkg"),
    ("apt-get", "apt"),
];

/// What programs inside find in their environment, as they would on a server. Proxies of the machine are added.
const ENVIRONMENT: [(&str, &str); 3] = [
    ("PATH", "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"),
    ("HOME", "/root"),
    ("LANG", "C.UTF-8"),
];

/// The namespaces of a machine: what nsenter(1) calls each, and the file that shows it (namespaces(7)).
const NAMESPACES: [(&str, &str); 7] = [
    ("mount", "mnt"),
    ("uts", "uts"),
    ("ipc", "ipc"),
    ("net", "net"),
    ("pid", "pid"),
    ("cgroup", "cgroup"),
    ("time", "time"),
];

/// Gives up what no namespace holds back: to set the clock of all, and to load modules into the kernel of all.
pub(in crate::harness) const WITHOUT_REACH: [&str; 2] = ["setpriv", "--bounding-set=-sys_time,-sys_module"];

const PROXIES: [&str; 5] = ["http_proxy", "https_proxy", "no_proxy", "HTTPS_PROXY", "NO_PROXY"];

/// Copying takes well under a second, some seconds on a slow disk.
const COPY_LIMIT: Duration = Duration::from_secs(120);

/// A root of its own. Dropping it kills what runs inside and deletes the directory.
#[derive(Debug)]
pub struct DebianRoot {
    base: PathBuf,
    path: PathBuf,
    // An option only so that it can end before the directory goes.
    namespace: Option<Namespace>,
    inside: Inside,
}

/// Where programs of the root run.
#[derive(Debug)]
pub(in crate::harness) enum Inside {
    /// In a chroot, with nothing else running.
    Chroot,
    /// Beside the programs of the machine whose PID 1 has this number outside, and in a control group of its own there.
    Machine {
        /// PID 1, as the machine that the test runs on counts.
        init: i32,
        /// The directory of the control group.
        cgroup: PathBuf,
    },
    /// Nowhere: the machine is down.
    Nowhere,
}

/// Enters a control group and becomes the program; in between nothing else is started.
const IN_CGROUP: &str = r#"echo 0 >"$0/cgroup.procs" && exec "$@""#;

/// Whether a Debian root can be made here.
///
/// # Errors
/// Says what is missing and how to get it.
pub fn readiness() -> Result<()> {
    ensure!(
        rustix::process::geteuid().is_root(),
        "a Debian root can only be made by root: run the tests as root"
    );
    for (program, package) in PROGRAMS {
        ensure!(
            find(program).is_some(),
            "{program} is missing: apt-get install {package}"
        );
    }
    namespace::allowed()
}

impl DebianRoot {
    /// A fresh copy of the base root with namespaces around it, called `hostname`.
    ///
    /// # Errors
    /// When the base root cannot be built, or copied, or mounted into.
    pub fn fresh(hostname: &str) -> Result<Self> {
        Self::with(hostname, &[], Net::Shared, None)
    }

    /// The same from a base root that has these packages of the distribution too.
    ///
    /// # Errors
    /// As [`DebianRoot::fresh`].
    pub fn with_packages(hostname: &str, packages: &[&str]) -> Result<Self> {
        Self::with(hostname, packages, Net::Shared, None)
    }

    /// The same with a choice of network, and, where a test has prepared one, as a copy of another root.
    pub(in crate::harness) fn with_network(hostname: &str, net: Net, prepared: Option<&Self>) -> Result<Self> {
        Self::with(hostname, &[], net, prepared)
    }

    fn with(hostname: &str, packages: &[&str], net: Net, prepared: Option<&Self>) -> Result<Self> {
        let setup = apt::of_this_machine()?;
        let base = base::base_root(&setup, packages)?;
        let copies = base::cache()?.join("copies");
        fs::create_dir_all(&copies)?;
        remove_abandoned(&copies)?;

        let id = fs::read_to_string("/proc/sys/kernel/random/uuid")?;
        let path = copies.join(format!("{}-{}", std::process::id(), id.trim()));
        // From here on its drop cleans up.
        let mut root = Self {
            base,
            path,
            namespace: None,
            inside: Inside::Chroot,
        };
        let source = prepared.map_or(root.base.as_path(), Self::path);
        copy(source, &root.path).context("cannot copy the base root")?;
        furnish(&root.path, &setup, hostname, &id).context("cannot furnish the root")?;
        root.namespace = Some(Namespace::start(&root.path, hostname, net)?);
        Ok(root)
    }

    /// The base root that this one is a copy of; other tests use it too.
    #[must_use]
    pub fn base(&self) -> &Path {
        &self.base
    }

    /// Where the root lies on the machine that the test runs on. `/proc` and `/dev` are empty there: mounts are seen only
    /// from inside.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// A command that runs `program` inside the root, as root, with `environment` and nothing of the test's own. A PATH
    /// and the machine's proxies are there already; arguments are still to be added.
    ///
    /// # Errors
    /// When it is the root of a machine that is down.
    pub fn command(&self, program: &str, environment: &[(&str, &str)]) -> Result<Command> {
        let mut command = match &self.inside {
            Inside::Chroot => {
                let mut command = self.namespace()?.enter();
                command.arg("chroot").arg(&self.path);
                command
            }
            Inside::Machine { init, cgroup } => {
                // systemd takes empty groups away.
                fs::create_dir_all(cgroup)?;
                let mut command = tool("/bin/sh");
                command.args(["-c", IN_CGROUP]).arg(cgroup).arg("nsenter");
                for (option, file) in NAMESPACES {
                    command.arg(format!("--{option}=/proc/{init}/ns/{file}"));
                }
                command.arg("--");
                command
            }
            Inside::Nowhere => bail!("the machine is down, so nothing runs on it"),
        };
        command.args(WITHOUT_REACH).args(["/usr/bin/env", "-i"]);
        for proxy in PROXIES {
            if let Ok(value) = std::env::var(proxy) {
                command.arg(format!("{proxy}={value}"));
            }
        }
        for (name, value) in ENVIRONMENT.iter().chain(environment) {
            command.arg(format!("{name}={value}"));
        }
        command.arg(program);
        Ok(command)
    }

    /// The namespaces that hold its mounts.
    pub(in crate::harness) fn namespace(&self) -> Result<&Namespace> {
        self.namespace.as_ref().context("the root is ending")
    }

    /// From now on programs run there.
    pub(in crate::harness) fn run_inside(&mut self, inside: Inside) {
        self.inside = inside;
    }

    /// Runs a command line to its end inside the root, without questions from Debian's tools.
    ///
    /// # Errors
    /// When it cannot be started or when `limit` passes. A bad exit code is no error here: see [`Finished::succeeded`].
    pub fn run(&self, line: &[&str], limit: Duration) -> Result<Finished> {
        let (program, arguments) = line.split_first().context("an empty command line")?;
        let mut command = self.command(program, &[("DEBIAN_FRONTEND", "noninteractive")])?;
        command.args(arguments);
        run(command, limit).with_context(|| format!("inside the root: {line:?}"))
    }

    /// Starts a program inside the root; its output is appended to the file `log` of the machine outside.
    ///
    /// # Errors
    /// When it cannot be started or ends at once.
    pub fn spawn(&self, line: &[&str], environment: &[(&str, &str)], log: &Path) -> Result<Running> {
        let (program, arguments) = line.split_first().context("an empty command line")?;
        let mut command = self.command(program, environment)?;
        command.args(arguments);
        Running::spawn_entered(program, command, log)
    }

    /// Where a path inside the root lies on the machine outside. Links are not followed: absolute ones would lead out.
    #[must_use]
    pub fn outside(&self, inside: &str) -> PathBuf {
        self.path.join(inside.trim_start_matches('/'))
    }

    /// Whether something lies at this path inside the root; a dangling link counts.
    #[must_use]
    pub fn has(&self, inside: &str) -> bool {
        self.outside(inside).symlink_metadata().is_ok()
    }

    /// Puts a program of the machine into the root, executable.
    ///
    /// # Errors
    /// When it cannot be copied.
    pub fn place_program(&self, program: &Path, inside: &str) -> Result<()> {
        let target = self.outside(inside);
        // A file that is there may be shared with the base root: it must be replaced, not written into.
        let _ = fs::remove_file(&target);
        fs::copy(program, &target).with_context(|| format!("cannot copy {} into the root", program.display()))?;
        fs::set_permissions(&target, fs::Permissions::from_mode(0o755))?;
        Ok(())
    }
}

impl Drop for DebianRoot {
    fn drop(&mut self) {
        drop(self.namespace.take());
        if let Err(error) = base::remove_directory(&self.path) {
            #[expect(clippy::print_stderr, reason = "a drop can only say what it left behind")]
            {
                eprintln!("left behind: {error:#}");
            }
        }
    }
}

/// Copies the base root. Files below `/usr`, and an archive below `/srv`, are shared with it as hard links, which makes a copy a matter of well under a
/// second: there dpkg and the programs of a Debian root replace files and never write into them. A test looks whether the
/// base root stays as it was.
fn copy(base: &Path, path: &Path) -> Result<()> {
    fs::create_dir(path)?;
    for entry in fs::read_dir(base)? {
        let entry = entry?;
        let mut copy = tool("cp");
        copy.args(["--archive", "--reflink=auto"]);
        if entry.file_name() == "usr" || entry.file_name() == "srv" {
            copy.arg("--link");
        }
        copy.arg("--").arg(entry.path()).arg(path);
        run(copy, COPY_LIMIT)?.succeeded()?;
    }
    Ok(())
}

/// Makes a copy a machine of its own: its names, its way to the archives, and no services.
fn furnish(root: &Path, setup: &AptSetup, hostname: &str, id: &str) -> Result<()> {
    setup.write_into(root)?;
    // Both may be links on the machine; what they lead to is what counts.
    for name in ["etc/resolv.conf", "etc/hosts"] {
        let text = fs::read_to_string(Path::new("/").join(name)).unwrap_or_default();
        // In the root it may be a link into /run.
        let _ = fs::remove_file(root.join(name));
        fs::write(root.join(name), text)?;
    }
    fs::write(root.join("etc/hostname"), format!("{hostname}\n"))?;
    fs::write(root.join("etc/machine-id"), id.replace('-', "").to_lowercase())?;
    // "101: action forbidden by policy" (invoke-rc.d(8)): no package may start a service here.
    let policy = root.join("usr/sbin/policy-rc.d");
    let _ = fs::remove_file(&policy);
    fs::write(&policy, "#!/bin/sh\nexit 101\n")?;
    fs::set_permissions(&policy, fs::Permissions::from_mode(0o755))?;
    Ok(())
}

/// Removes copies of test processes that were killed before they could do it: a copy's name begins with its owner's
/// process id.
fn remove_abandoned(copies: &Path) -> Result<()> {
    for entry in fs::read_dir(copies)? {
        let name = entry?.file_name();
        let owner = name.to_str().and_then(|name| name.split('-').next());
        if let Some(owner) = owner
            && !Path::new("/proc").join(owner).exists()
        {
            base::remove_directory(&copies.join(&name))?;
        }
    }
    Ok(())
}
