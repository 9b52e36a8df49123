//! A machine: switched on, restarted, cut off.

use std::fs;
use std::net::SocketAddr;
use std::ops::Deref;
use std::os::unix::fs::symlink;
use std::path::Path;
use std::time::Duration;

use anyhow::{Context, Result, bail, ensure};
use rustix::process::{Pid, Signal, kill_process};

use super::boot::{Boot, Down};
use super::cgroup::{self, Cgroup};
use super::network::{Cable, Network};
use super::volume::Volume;
use crate::harness::clock::wait_for;
use crate::harness::debian_root::{self, DebianRoot, Inside};
use crate::harness::process::find;

/// Units that would do something by the clock, or reach for disks and debugging interfaces that are not the machine's.
const MASKED: [&str; 6] = [
    "apt-daily.timer",
    "apt-daily-upgrade.timer",
    "e2scrub_all.timer",
    "e2scrub_reap.service",
    "sys-kernel-debug.mount",
    "sys-kernel-tracing.mount",
];

/// systemd waits up to 90 s for a unit that does not end (DefaultTimeoutStopSec).
const SHUTDOWN_LIMIT: Duration = Duration::from_secs(120);

/// Booting takes half a second; more where all processors are busy.
const BOOT_LIMIT: Duration = Duration::from_secs(120);

/// What a machine is to be.
#[derive(Debug, Clone)]
pub struct Setup<'s> {
    /// Its host name.
    pub hostname: &'s str,
    /// Its network.
    pub network: Network,
    /// Small disks: for each a directory and its size in bytes.
    pub volumes: &'s [(&'s str, u64)],
}

/// A root that boots. It derefs to the root: commands run on the machine while it is up, in a chroot before it was ever
/// switched on, and nowhere while it is down. Dropping it ends and removes everything.
#[derive(Debug)]
pub struct Machine {
    // In the order in which they must go: processes, the far end of the cable, mounts and files, the control group.
    boot: Option<Boot>,
    cable: Option<Cable>,
    root: DebianRoot,
    cgroup: Cgroup,
    hostname: String,
    volumes: Vec<Volume>,
    logs: tempfile::TempDir,
    boots: u32,
}

/// Whether a machine can be made here.
///
/// # Errors
/// Says what is missing and how to get it.
pub fn readiness() -> Result<()> {
    debian_root::readiness()?;
    ensure!(find("ip").is_some(), "ip is missing: apt-get install iproute2");
    ensure!(
        Path::new("/proc/self/ns/time").exists(),
        "this kernel has no time namespaces (Linux 5.6, CONFIG_TIME_NS), so no restart can be shown"
    );
    cgroup::readiness()
}

impl Machine {
    /// Makes one that is still switched off: what is put into its root now is there when it boots.
    ///
    /// # Errors
    /// When its root or its control group cannot be made.
    pub fn assemble(setup: &Setup<'_>) -> Result<Self> {
        let root = DebianRoot::with_network(setup.hostname, setup.network.of_the_root(), None)?;
        Self::around(root, setup)
    }

    /// The same as a copy of a root that was prepared, which several machines may be.
    ///
    /// # Errors
    /// When its root or its control group cannot be made.
    pub fn assemble_from(prepared: &DebianRoot, setup: &Setup<'_>) -> Result<Self> {
        let net = setup.network.of_the_root();
        let root = DebianRoot::with_network(setup.hostname, net, Some(prepared))?;
        Self::around(root, setup)
    }

    fn around(root: DebianRoot, setup: &Setup<'_>) -> Result<Self> {
        // Its services start.
        fs::remove_file(root.outside("/usr/sbin/policy-rc.d"))?;
        for unit in MASKED {
            symlink("/dev/null", root.outside("/etc/systemd/system").join(unit))?;
        }
        let name = root.path().file_name().context("a root lies in a directory")?;
        let cgroup = Cgroup::make(&name.to_string_lossy())?;
        let cable = match setup.network {
            Network::Shared => None,
            Network::Own => Some(Cable::of(&root)?),
        };
        let mut machine = Self {
            boot: None,
            cable,
            root,
            cgroup,
            hostname: setup.hostname.to_owned(),
            volumes: Vec::new(),
            logs: tempfile::tempdir()?,
            boots: 0,
        };
        for (number, (place, bytes)) in setup.volumes.iter().enumerate() {
            machine
                .volumes
                .push(Volume::make(&machine.root, number, place, *bytes)?);
        }
        Ok(machine)
    }

    /// Switches it on and waits until systemd has started all it is to start.
    ///
    /// # Errors
    /// When it is on already, or does not come up.
    pub fn boot(&mut self) -> Result<()> {
        ensure!(self.boot.is_none(), "the machine is on already");
        self.boots += 1;
        let log = self.logs.path().join(format!("boot-{}.log", self.boots));
        let network = self.cable.as_ref().map(Cable::machine);
        let boot = Boot::start(
            &self.root,
            &self.hostname,
            self.cgroup.path(),
            network,
            &self.volumes,
            &log,
        )?;
        self.root.run_inside(Inside::Machine {
            init: boot.init(),
            cgroup: self.cgroup.path().join("harness"),
        });
        self.boot = Some(boot);
        let state = self.wait_until_up()?;
        match state.as_str() {
            "running" | "degraded" => Ok(()),
            other => bail!("the machine came up {other}"),
        }
    }

    /// systemd's word for the state of the whole: `running`, or `degraded` when a unit has failed.
    ///
    /// # Errors
    /// When the machine is down.
    pub fn state(&self) -> Result<String> {
        // Its exit code says the same as the word.
        let asked = self.root.run(&["systemctl", "is-system-running"], BOOT_LIMIT)?;
        Ok(asked.stdout.trim().to_owned())
    }

    fn wait_until_up(&mut self) -> Result<String> {
        wait_for("systemd has started its units", BOOT_LIMIT, || {
            if let Some(how) = self.boot.as_mut().map(Boot::ended).transpose()?.flatten() {
                bail!("the machine went down while it came up: {how:?}");
            }
            let state = self.state()?;
            // Before it answers, and while it works (systemctl(1)).
            let early = ["", "unknown", "offline", "initializing", "starting"];
            Ok((!early.contains(&state.as_str())).then_some(state))
        })
    }

    /// The boot id that programs inside see now.
    ///
    /// # Errors
    /// When the machine is down.
    pub fn boot_id(&self) -> Result<&str> {
        Ok(self.boot.as_ref().context("the machine is down")?.id())
    }

    /// How often it has been switched on.
    #[must_use]
    pub fn boots(&self) -> u32 {
        self.boots
    }

    /// Restarts it as a person at its keyboard would: units are stopped, PID 1 ends, and it comes up with another boot id.
    ///
    /// # Errors
    /// When it does not go down, or not come up.
    pub fn restart(&mut self) -> Result<()> {
        self.root.run(&["systemctl", "reboot"], SHUTDOWN_LIMIT)?;
        self.wait_for_restart(SHUTDOWN_LIMIT)
    }

    /// Waits until somebody inside has asked for a restart and it has gone down, and boots it again.
    ///
    /// # Errors
    /// When `limit` passes, or when it goes down in another way.
    pub fn wait_for_restart(&mut self, limit: Duration) -> Result<()> {
        let mut boot = self.boot.take().context("the machine is down")?;
        let down = wait_for("the machine goes down for a restart", limit, || boot.ended());
        let down = match down {
            Ok(down) => down,
            Err(error) => {
                self.boot = Some(boot);
                return Err(error);
            }
        };
        self.root.run_inside(Inside::Nowhere);
        ensure!(
            down == Down::ForRestart,
            "the machine went down, and not for a restart: {down:?}"
        );
        self.boot()
    }

    /// Boots it again if somebody inside has asked for a restart since; says whether.
    ///
    /// # Errors
    /// When it went down in another way, or does not come up.
    pub fn keep_up(&mut self) -> Result<bool> {
        let Some(how) = self.boot.as_mut().map(Boot::ended).transpose()?.flatten() else {
            return Ok(false);
        };
        self.boot = None;
        self.root.run_inside(Inside::Nowhere);
        ensure!(
            how == Down::ForRestart,
            "the machine went down, and not for a restart: {how:?}"
        );
        self.boot()?;
        Ok(true)
    }

    /// Cuts its power: everything on it ends at once, and no unit is stopped. What programs had written stays written, as
    /// the kernel lives on; a lost disk cache is not shown.
    ///
    /// # Errors
    /// When it is down already.
    pub fn cut_power(&mut self) -> Result<()> {
        self.root.run_inside(Inside::Nowhere);
        self.boot.take().context("the machine is down")?.cut()
    }

    /// The process of this name (its first 15 bytes) on the machine, as the machine that the test runs on counts; of
    /// several any one.
    ///
    /// # Errors
    /// When the processes cannot be listed.
    pub fn process(&self, name: &str) -> Result<Option<i32>> {
        for pid in self.cgroup.processes()? {
            let found = fs::read_to_string(format!("/proc/{pid}/comm"));
            if found.is_ok_and(|found| found.trim_end() == name) {
                return Ok(Some(pid));
            }
        }
        Ok(None)
    }

    /// Kills a process of this name as a crash would; what it started runs on.
    ///
    /// # Errors
    /// When there is none.
    pub fn kill(&self, name: &str) -> Result<()> {
        let pid = self
            .process(name)?
            .with_context(|| format!("no {name} runs on the machine"))?;
        let pid = Pid::from_raw(pid).context("a process has a number")?;
        kill_process(pid, Signal::KILL).with_context(|| format!("cannot kill {name}"))
    }

    /// Lets the machine reach `port` of the loopback outside, and gives the address at which it does. One with the network
    /// of the machine outside reaches it there itself.
    ///
    /// # Errors
    /// When the port is forwarded already.
    pub fn forward(&mut self, port: u16) -> Result<SocketAddr> {
        match &mut self.cable {
            Some(cable) => cable.forward(port),
            None => Ok(SocketAddr::from(([127, 0, 0, 1], port))),
        }
    }

    /// Pulls its cable. What is sent is lost, and nobody is told.
    ///
    /// # Errors
    /// When it has no network of its own.
    pub fn cut_network(&self) -> Result<()> {
        self.plug(false)
    }

    /// Plugs its cable in again. Connections that were not given up meanwhile go on.
    ///
    /// # Errors
    /// When it has no network of its own.
    pub fn give_network_back(&self) -> Result<()> {
        self.plug(true)
    }

    fn plug(&self, plugged: bool) -> Result<()> {
        let cable = self.cable.as_ref();
        cable
            .context("the machine has no network of its own, so nobody may cut it")?
            .plug(plugged)
    }
}

impl Deref for Machine {
    type Target = DebianRoot;

    fn deref(&self) -> &DebianRoot {
        &self.root
    }
}
