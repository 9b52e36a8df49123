//! Where a figure comes from: machine, commit, command. Without them it says nothing.

use std::{fmt, fs, path::Path};

use anyhow::{Context, Result};
use cutover_tests::harness::process::tool;

use crate::program::output_of;

/// What stands above every table.
#[derive(Debug)]
pub(crate) struct Setting {
    machine: String,
    commit: String,
    command: String,
}

impl Setting {
    /// Reads this machine, the workspace's commit and this process's arguments.
    ///
    /// # Errors
    /// When one of them cannot be told.
    pub(crate) fn of_this_run() -> Result<Self> {
        Ok(Self {
            machine: machine()?,
            commit: commit()?,
            command: command_line(),
        })
    }
}

impl fmt::Display for Setting {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "- machine: {}", self.machine)?;
        writeln!(f, "- commit: {}", self.commit)?;
        writeln!(f, "- command: `{}`", self.command)
    }
}

/// Kind of the file system that holds a path, as `/proc/self/mounts` names it: `ext4`, `tmpfs`.
///
/// # Errors
/// When it cannot be told.
pub(crate) fn file_system(path: &Path) -> Result<String> {
    let path = path
        .canonicalize()
        .with_context(|| format!("cannot find {}", path.display()))?;
    let mounts = fs::read_to_string("/proc/self/mounts").context("cannot read /proc/self/mounts")?;
    let kind = kind_of(&mounts, &path);
    kind.map(str::to_owned)
        .with_context(|| format!("no mount holds {}", path.display()))
}

/// The deepest mount above a path; of several at one place the last one counts, because it covers the others.
fn kind_of<'a>(mounts: &'a str, path: &Path) -> Option<&'a str> {
    let mut deepest: Option<(usize, &str)> = None;
    for line in mounts.lines() {
        let mut fields = line.split(' ').skip(1);
        let (Some(point), Some(kind)) = (fields.next(), fields.next()) else {
            continue;
        };
        let depth = Path::new(point).components().count();
        if path.starts_with(point) && deepest.is_none_or(|(known, _)| depth >= known) {
            deepest = Some((depth, kind));
        }
    }
    deepest.map(|(_, kind)| kind)
}

fn machine() -> Result<String> {
    let cpus = fs::read_to_string("/proc/cpuinfo").context("cannot read /proc/cpuinfo")?;
    let cores = cpus.lines().filter(|line| line.starts_with("processor")).count();
    let model = after(&cpus, "model name").unwrap_or("an unnamed processor");
    let memory = fs::read_to_string("/proc/meminfo").context("cannot read /proc/meminfo")?;
    let kib: u64 = after(&memory, "MemTotal")
        .and_then(|value| value.split_whitespace().next()?.parse().ok())
        .context("/proc/meminfo names no memory")?;
    let kernel = fs::read_to_string("/proc/sys/kernel/osrelease").context("cannot read the kernel's version")?;
    let gib = kib.div_ceil(1024 * 1024);
    Ok(format!("{cores} cores of {model}, {gib} GiB, Linux {}", kernel.trim()))
}

/// The value of the first line `name : value`.
fn after<'a>(text: &'a str, name: &str) -> Option<&'a str> {
    text.lines()
        .filter_map(|line| line.split_once(':'))
        .find(|(key, _)| key.trim() == name)
        .map(|(_, value)| value.trim())
}

fn commit() -> Result<String> {
    let mut git = tool("git");
    git.args([
        "-C",
        env!("CARGO_MANIFEST_DIR"),
        "describe",
        "--always",
        "--dirty",
        "--abbrev=12",
    ]);
    Ok(output_of(git).context("cannot tell the commit")?.trim().to_owned())
}

/// The arguments, with the program's own name only: where it lies on this machine is of no use to the next reader.
fn command_line() -> String {
    let arguments = std::env::args().skip(1).map(|argument| match Path::new(&argument) {
        path if path.is_absolute() => path.file_name().unwrap_or_default().to_string_lossy().into_owned(),
        _ => argument,
    });
    std::iter::once("load".to_owned())
        .chain(arguments)
        .collect::<Vec<_>>()
        .join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_deepest_and_last_mount_names_the_file_system() {
        let mounts = "a / ext4 rw 0 0\nb /tmp xfs rw 0 0\nc /tmp tmpfs rw 0 0\nd /tmpfoo nfs rw 0 0\n";
        assert_eq!(kind_of(mounts, Path::new("/tmp/x")), Some("tmpfs"));
        assert_eq!(kind_of(mounts, Path::new("/var/x")), Some("ext4"));
        assert_eq!(kind_of("", Path::new("/var/x")), None);
    }

    #[test]
    fn a_value_stands_behind_its_own_name() {
        let text = "model\t\t: 17\nmodel name\t: Some Processor\n";
        assert_eq!(after(text, "model name"), Some("Some Processor"));
        assert_eq!(after(text, "vendor"), None);
    }
}
