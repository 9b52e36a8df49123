//! Namespaces around one root, held open by a process that ends with the test.

use std::io::{BufRead, BufReader, Read};
use std::path::Path;
use std::process::{Child, Command, Stdio};

use anyhow::{Context, Result, ensure};

use crate::harness::process::tool;

/// Runs as PID 1 of the new namespace, with the root, its host name and the kind of network as arguments. It mounts what programs expect, says
/// so, and then reads its standard input to the end: when the test is gone, however it went, that end has come, PID 1
/// ends, and the kernel kills whatever still runs inside and drops the mounts. As SIGCHLD is ignored, orphans leave no
/// zombies behind.
const HOLD: &str = r#"
set -e
root=$1
hostname "$2"
mount --bind "$root" "$root"
mount -t proc -o nosuid,nodev,noexec proc "$root/proc"
mount -t sysfs -o ro,nosuid,nodev,noexec sysfs "$root/sys" 2>/dev/null || mount --bind /sys "$root/sys"
mount -t tmpfs -o mode=755,nosuid,noexec dev "$root/dev"
for node in null:1:3 zero:1:5 full:1:7 random:1:8 urandom:1:9 tty:5:0; do
    numbers=${node#*:}
    mknod -m 666 "$root/dev/${node%%:*}" c "${numbers%:*}" "${numbers#*:}"
done
mkdir "$root/dev/pts" "$root/dev/shm"
mount -t devpts -o nosuid,noexec,newinstance,ptmxmode=0666,mode=620 devpts "$root/dev/pts"
mount -t tmpfs -o mode=1777,nosuid,nodev shm "$root/dev/shm"
ln -s pts/ptmx "$root/dev/ptmx"
ln -s /proc/self/fd "$root/dev/fd"
if [ "$3" = own-network ]; then
    # This namespace is the site; a second one is for the machine, with one cable between them. It is kept open by a
    # mount, so that it outlives a restart of the machine.
    : >"$root/dev/machine-net"
    # /proc is that of the machine outside, where only /proc/self surely means this process.
    unshare --net mount --bind /proc/self/ns/net "$root/dev/machine-net"
    inside="nsenter --net=$root/dev/machine-net"
    # Whatever else has more links than its loopback, and must be left alone.
    [ "$($inside ip -oneline link | wc -l)" = 1 ]
    ip link set lo up
    ip link add site0 type veth peer name eth0
    ip link set eth0 netns "$root/dev/machine-net"
    ip addr add "$4" dev site0
    ip link set site0 up
    $inside ip link set lo up
    $inside ip addr add "$5" dev eth0
    $inside ip link set eth0 up
    $inside ip route add default via "${4%/*}"
fi
echo ready
exec env --ignore-signal=CHLD cat >/dev/null
"#;

/// Mount, PID and host-name namespaces. Dropping it kills all processes in it; its mounts are seen nowhere else.
#[derive(Debug)]
pub(in crate::harness) struct Namespace {
    holder: Child,
}

/// Which network programs inside have.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(in crate::harness) enum Net {
    /// The machine's that the test runs on.
    Shared,
    /// One of their own with one cable: the address at its far end, which is the test's, and their own, both with the
    /// length of the prefix.
    Own {
        /// The far end.
        site: &'static str,
        /// Theirs.
        machine: &'static str,
    },
}

impl Namespace {
    pub(super) fn start(root: &Path, hostname: &str, net: Net) -> Result<Self> {
        let (namespace, words): (&[&str], [&str; 3]) = match net {
            Net::Shared => (&[], ["shared-network", "", ""]),
            Net::Own { site, machine } => (&["--net"], ["own-network", site, machine]),
        };
        let mut holder = unshare(namespace)
            .args(["/bin/sh", "-c", HOLD, "hold"])
            .arg(root)
            .arg(hostname)
            .args(words)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .context("cannot start unshare")?;
        let mut said = String::new();
        if let Some(stdout) = holder.stdout.take() {
            BufReader::new(stdout).read_line(&mut said)?;
        }
        if said != "ready\n" {
            // It ends by itself: either the script failed or the end of its input comes now.
            drop(holder.stdin.take());
            let mut complaint = String::new();
            if let Some(mut stderr) = holder.stderr.take() {
                stderr.read_to_string(&mut complaint)?;
            }
            holder.wait()?;
            anyhow::bail!("cannot mount in a namespace of its own: {}", complaint.trim());
        }
        Ok(Self { holder })
    }

    /// A command that enters the namespaces; the program and its arguments are still to be added.
    pub(in crate::harness) fn enter(&self) -> Command {
        let namespaces = self.files();
        let mut command = tool("nsenter");
        command
            .arg(format!("--mount={namespaces}/mnt"))
            .arg(format!("--uts={namespaces}/uts"))
            .arg(format!("--net={namespaces}/net"))
            // The holder is outside its new PID namespace; its children are inside.
            .arg(format!("--pid={namespaces}/pid_for_children"))
            .arg("--");
        command
    }

    /// The directory in which the kernel shows its namespaces.
    pub(in crate::harness) fn files(&self) -> String {
        format!("/proc/{}/ns", self.holder.id())
    }
}

impl Drop for Namespace {
    fn drop(&mut self) {
        drop(self.holder.stdin.take());
        let _ = self.holder.wait();
    }
}

/// Whether this process may make such namespaces.
pub(super) fn allowed() -> Result<()> {
    let output = unshare(&[]).arg("true").output().context("cannot start unshare")?;
    ensure!(
        output.status.success(),
        "this machine does not let root make mount namespaces (a container without privileges?): {}",
        String::from_utf8_lossy(&output.stderr).trim()
    );
    Ok(())
}

fn unshare(more: &[&str]) -> Command {
    let mut command = tool("unshare");
    command.args(["--mount", "--uts", "--pid", "--fork", "--kill-child"]);
    command.args(more).arg("--");
    command
}
