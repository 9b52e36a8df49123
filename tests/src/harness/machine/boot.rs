//! One kernel session, as far as programs can tell: from the start of PID 1 to its end.

use std::fs;
use std::os::unix::process::ExitStatusExt;
use std::path::Path;
use std::process::ExitStatus;
use std::time::Duration;

use anyhow::{Context, Result, bail};
use rustix::process::{Pid, Signal, kill_process};

use super::volume::Volume;
use crate::harness::clock::wait_for;
use crate::harness::debian_root::{DebianRoot, WITHOUT_REACH};
use crate::harness::process::{Running, only_child_of};

/// How long the script may take until systemd has taken over.
const SOON: Duration = Duration::from_secs(30);

/// Enters the control group, which becomes the root of those that are seen inside, the network if there is one of its own,
/// and new namespaces. The words: control group, file of the network or nothing, and what runs inside.
///
/// The time since the kernel started begins at zero again (time_namespaces(7)), as it does after a real restart: in
/// `/proc/uptime`, and in what processes say of when they began.
const ENTER: &str = r#"
echo 0 >"$1/cgroup.procs"
network=$2
shift 2
read -r up rest </proc/uptime
set -- unshare --mount --uts --ipc --pid --fork --cgroup --time "--boottime=-${up%.*}" --kill-child -- "$@"
[ -z "$network" ] || set -- nsenter "--net=$network" "$@"
exec "$@"
"#;

/// Becomes PID 1 of a root. The words: the root, the boot id, the host name, the line that starts systemd, and a source and a
/// place for each volume.
///
/// `/proc/sys` and `/sys` are read-only, as they belong to the kernel and so to everybody; the boot id is another file over
/// the kernel's. What no namespace holds back is given up ([`WITHOUT_REACH`]).
const BOOT: &str = r#"
set -e
root=$1 boot_id=$2
hostname "$3"
init=$4
shift 4
while [ $# -gt 0 ]; do
    mount --bind "$1" "$root$2"
    shift 2
done
mount --rbind "$root" "$root"
for old in dev sys proc; do
    umount --recursive --lazy "$root/$old"
done
cd "$root"
mount -t proc -o nosuid,nodev,noexec proc proc
mount --bind proc/sys proc/sys
mount -o remount,bind,ro,nosuid,nodev,noexec proc/sys
mount -t sysfs -o ro,nosuid,nodev,noexec sysfs sys
mount -t cgroup2 -o nosuid,nodev,noexec cgroup2 sys/fs/cgroup
mount -t tmpfs -o mode=755,nosuid,nodev run run
echo "$boot_id" >run/boot-id
mount --bind run/boot-id proc/sys/kernel/random/boot_id
mount -o remount,bind,ro proc/sys/kernel/random/boot_id
rm run/boot-id
mount -t tmpfs -o mode=755,nosuid,noexec dev dev
for node in null:1:3 zero:1:5 full:1:7 random:1:8 urandom:1:9 tty:5:0; do
    numbers=${node#*:}
    mknod -m 666 "dev/${node%%:*}" c "${numbers%:*}" "${numbers#*:}"
done
mkdir dev/pts dev/shm run/old
mount -t devpts -o nosuid,noexec,newinstance,ptmxmode=0666,mode=620 devpts dev/pts
mount -t tmpfs -o mode=1777,nosuid,nodev shm dev/shm
ln -s pts/ptmx dev/ptmx
ln -s /proc/self/fd dev/fd
pivot_root . run/old
umount -l /run/old
rmdir /run/old
exec $init
"#;

/// How a machine went down.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Down {
    /// Somebody asked for a restart, and PID 1 ended the units and then itself.
    ForRestart,
    /// Switched off in the same way.
    Off,
    /// All at once.
    Cut,
}

/// What has been booted. Dropping it ends all processes at once, as a power cut does.
#[derive(Debug)]
pub(super) struct Boot {
    entering: Running,
    init: Pid,
    id: String,
}

impl Boot {
    /// Starts PID 1 of a root in a control group; what the script says goes to the file `log`.
    pub(super) fn start(
        root: &DebianRoot,
        hostname: &str,
        cgroup: &Path,
        network: Option<&str>,
        volumes: &[Volume],
        log: &Path,
    ) -> Result<Self> {
        let id = fs::read_to_string("/proc/sys/kernel/random/uuid")?.trim().to_owned();
        let mut command = root.namespace()?.enter();
        command
            .args(["/bin/sh", "-c", ENTER, "enter"])
            .arg(cgroup)
            .arg(network.unwrap_or_default())
            .args(["/bin/sh", "-c", BOOT, "boot"])
            .arg(root.path())
            .args([&id, hostname])
            .arg(format!("{} env -i /sbin/init", WITHOUT_REACH.join(" ")));
        for volume in volumes {
            command.arg(volume.source()).arg(volume.place());
        }
        let mut entering = Running::spawn("the boot", command, log)?;
        let outer = Pid::from_raw(entering.pid()).context("a process has a number")?;
        let init = wait_for("systemd has become PID 1", SOON, || {
            if let Some(status) = entering.ended()? {
                bail!("the boot ended with {status}: {}", entering.log()?);
            }
            // The first waits for the second outside, the second for PID 1.
            let Some(unshare) = only_child_of(outer)? else {
                return Ok(None);
            };
            let Some(init) = only_child_of(unshare)? else {
                return Ok(None);
            };
            let program = fs::read_link(format!("/proc/{}/exe", init.as_raw_nonzero()));
            let taken_over = program.is_ok_and(|program| program.ends_with("lib/systemd/systemd"));
            Ok(taken_over.then_some(init))
        })?;
        Ok(Self { entering, init, id })
    }

    /// PID 1, as the machine that the test runs on counts.
    pub(super) fn init(&self) -> i32 {
        self.init.as_raw_nonzero().get()
    }

    /// What the kernel seems to call this session.
    pub(super) fn id(&self) -> &str {
        &self.id
    }

    /// Whether it has ended, and how.
    pub(super) fn ended(&mut self) -> Result<Option<Down>> {
        self.entering.ended()?.map(how).transpose()
    }

    /// Ends all processes at once and waits until they are gone.
    pub(super) fn cut(mut self) -> Result<()> {
        self.kill();
        self.entering.wait(SOON).map(drop)
    }

    fn kill(&mut self) {
        // Only while the outer process has not been waited for does PID 1's number surely belong to it.
        if matches!(self.entering.ended(), Ok(None)) {
            let _ = kill_process(self.init, Signal::KILL);
        }
    }
}

impl Drop for Boot {
    fn drop(&mut self) {
        self.kill();
        // Gone before the mounts and the control group are taken away.
        let _ = self.entering.wait(SOON);
    }
}

/// A restart in a PID namespace ends its PID 1 by SIGHUP, a halt or power-off by SIGINT (pid_namespaces(7)); the processes
/// that wait for it end in the same way.
fn how(status: ExitStatus) -> Result<Down> {
    match status.signal().and_then(Signal::from_named_raw) {
        Some(Signal::HUP) => Ok(Down::ForRestart),
        Some(Signal::INT) => Ok(Down::Off),
        Some(Signal::KILL) => Ok(Down::Cut),
        _ => bail!("PID 1 ended in a way that no machine knows: {status}"),
    }
}
