//! A disk that is full when it is full, for a program of the machine: in memory, and mounted where only that program sees it.

use std::fs::{self, File};
use std::io::Write;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use anyhow::{Context, Result};
use cutover_tests::harness::process::{Running, tool};

const LIMIT: Duration = Duration::from_secs(30);

/// Mounts, says so, and stays until it is killed.
const HOLD: &str = r#"mount -t tmpfs -o "size=$2,mode=700" small "$1" && echo mounted && exec sleep infinity"#;

/// The disk. It ends with the process that holds its mount, which ends with this value.
#[derive(Debug)]
pub(super) struct SmallDisk {
    holder: Running,
    place: PathBuf,
}

impl SmallDisk {
    /// One of `bytes` at `place`; what its holder says goes into `logs`.
    pub(super) fn mount(place: &Path, bytes: u64, logs: &Path) -> Result<Self> {
        fs::create_dir_all(place)?;
        fs::set_permissions(place, fs::Permissions::from_mode(0o700))?;
        let mut hold = tool("unshare");
        hold.args(["--mount", "--propagation", "private", "/bin/sh", "-c", HOLD, "hold"])
            .arg(place)
            .arg(bytes.to_string());
        let mut holder = Running::spawn("the disk's holder", hold, &logs.join("disk.log"))?;
        holder.wait_for_log("mounted", LIMIT)?;
        Ok(Self {
            holder,
            place: place.to_owned(),
        })
    }

    /// A program that sees it.
    pub(super) fn enter(&self, program: &Path) -> Command {
        let mut command = tool("nsenter");
        command
            .arg(format!("--mount=/proc/{}/ns/mnt", self.holder.pid()))
            .arg("--")
            .arg(program);
        command
    }

    /// Where the test finds what such a program calls so.
    pub(super) fn outside(&self, path: &Path) -> PathBuf {
        let root = PathBuf::from(format!("/proc/{}/root", self.holder.pid()));
        root.join(path.strip_prefix("/").unwrap_or(path))
    }

    /// Fills it to the last byte.
    pub(super) fn fill(&self) -> Result<()> {
        let mut filler = File::create(self.filler())?;
        for part in [vec![0; 1 << 20], vec![0; 1]] {
            while filler.write_all(&part).is_ok() {}
        }
        Ok(())
    }

    /// Gives the room back.
    pub(super) fn free(&self) -> Result<()> {
        fs::remove_file(self.filler()).context("it was not filled")
    }

    fn filler(&self) -> PathBuf {
        self.outside(&self.place).join("filler")
    }
}
