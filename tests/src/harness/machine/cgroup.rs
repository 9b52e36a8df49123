//! The machine's own part of the control groups, taken away when whoever holds it is gone.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Child, Stdio};

use anyhow::{Context, Result};

use crate::harness::process::tool;

/// Waits for the end of its input, which comes when the test drops this or is killed, and then removes the groups as soon
/// as they are empty. They are empty soon: the kernel ends all processes of a machine with its namespace.
const KEEPER: &str = r#"
cat >/dev/null
tries=0
while [ -d "$1" ] && [ "$tries" -lt 300 ]; do
    find "$1" -depth -type d -exec rmdir {} + 2>/dev/null
    [ ! -d "$1" ] || sleep 0.1
    tries=$((tries + 1))
done
[ ! -d "$1" ]
"#;

/// A control group with all below it. Dropping it waits until it is gone.
#[derive(Debug)]
pub(super) struct Cgroup {
    path: PathBuf,
    keeper: Child,
}

impl Cgroup {
    /// Makes one that bears this name.
    ///
    /// # Errors
    /// When the machine has no unified control groups, or they cannot be written.
    pub(super) fn make(name: &str) -> Result<Self> {
        let path = unified()?.join(format!("cutover-test-{name}"));
        fs::create_dir(&path).with_context(|| format!("cannot make the control group {}", path.display()))?;
        let keeper = tool("setsid")
            .args(["/bin/sh", "-c", KEEPER, "keeper"])
            .arg(&path)
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .context("cannot start a shell that removes the control group in the end")?;
        Ok(Self { path, keeper })
    }

    /// Its directory.
    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    /// All processes in it and below, as the machine that the test runs on counts.
    ///
    /// # Errors
    /// When it cannot be read.
    pub(super) fn processes(&self) -> Result<Vec<i32>> {
        let mut found = Vec::new();
        let mut left = vec![self.path.clone()];
        while let Some(group) = left.pop() {
            // Groups come and go with their units.
            let Ok(entries) = fs::read_dir(&group) else { continue };
            let below = entries
                .flatten()
                .filter(|entry| entry.file_type().is_ok_and(|kind| kind.is_dir()));
            left.extend(below.map(|entry| entry.path()));
            let processes = fs::read_to_string(group.join("cgroup.procs")).unwrap_or_default();
            found.extend(processes.lines().filter_map(|line| line.parse::<i32>().ok()));
        }
        Ok(found)
    }
}

impl Drop for Cgroup {
    fn drop(&mut self) {
        drop(self.keeper.stdin.take());
        let removed = self.keeper.wait().is_ok_and(|status| status.success());
        if !removed {
            #[expect(clippy::print_stderr, reason = "a drop can only say what it left behind")]
            {
                eprintln!("left behind: {}", self.path.display());
            }
        }
    }
}

/// Whether such groups can be made here.
///
/// # Errors
/// Says what is missing.
pub(super) fn readiness() -> Result<()> {
    let unified = unified()?;
    rustix::fs::access(&unified, rustix::fs::Access::WRITE_OK)
        .with_context(|| format!("a machine needs a control group of its own below {}", unified.display()))
}

/// Where the unified control groups are mounted: alone, or beside those of the first version.
fn unified() -> Result<PathBuf> {
    let mounts = fs::read_to_string("/proc/self/mountinfo").context("cannot read the mounts")?;
    mounts
        .lines()
        .filter(|line| line.contains(" - cgroup2 "))
        // The fifth field is the mount point (proc_pid_mountinfo(5)).
        .find_map(|line| line.split(' ').nth(4))
        .map(PathBuf::from)
        .context("no unified control groups (cgroup2) are mounted here, and systemd needs them")
}
