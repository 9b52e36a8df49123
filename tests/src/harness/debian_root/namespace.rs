//! Namespaces around one root, held open by a process that ends with the test.

use std::io::{BufRead, BufReader, Read};
use std::path::Path;
use std::process::{Child, Command, Stdio};

use anyhow::{Context, Result, ensure};

use crate::harness::process::tool;

/// Runs as PID 1 of the new namespace, with the root and its host name as arguments. It mounts what programs expect, says
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
echo ready
exec env --ignore-signal=CHLD cat >/dev/null
"#;

/// Mount, PID and host-name namespaces. Dropping it kills all processes in it; its mounts are seen nowhere else.
#[derive(Debug)]
pub(super) struct Namespace {
    holder: Child,
}

impl Namespace {
    pub(super) fn start(root: &Path, hostname: &str) -> Result<Self> {
        let mut holder = unshare()
            .args(["/bin/sh", "-c", HOLD, "hold"])
            .arg(root)
            .arg(hostname)
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
    pub(super) fn enter(&self) -> Command {
        let namespaces = format!("/proc/{}/ns", self.holder.id());
        let mut command = tool("nsenter");
        command
            .arg(format!("--mount={namespaces}/mnt"))
            .arg(format!("--uts={namespaces}/uts"))
            // The holder is outside its new PID namespace; its children are inside.
            .arg(format!("--pid={namespaces}/pid_for_children"))
            .arg("--");
        command
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
    let output = unshare().arg("true").output().context("cannot start unshare")?;
    ensure!(
        output.status.success(),
        "this machine does not let root make mount namespaces (a container without privileges?): {}",
        String::from_utf8_lossy(&output.stderr).trim()
    );
    Ok(())
}

fn unshare() -> Command {
    let mut command = tool("unshare");
    command.args(["--mount", "--uts", "--pid", "--fork", "--kill-child", "--"]);
    command
}
