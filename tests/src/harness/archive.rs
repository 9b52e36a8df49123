//! An archive of the distribution's own packages on the disk of a root, for machines that reach no other.

use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context, Result};

use crate::harness::debian_root::{DebianRoot, cache};
use crate::harness::process::{run, tool};

/// What a replacement may want; with all that a fresh root lacks for it.
const PACKAGES: [&str; 3] = ["clamav", "clamav-daemon", "clamdscan"];

/// Where it lies in a root.
const PLACE: &str = "/srv/archive";

/// Fetching 40 packages from a slow mirror, once.
const LIMIT: Duration = Duration::from_secs(600);

/// Puts the archive into a root that has not booted yet, as the only one that its apt knows. apt copies from it, as it would
/// from any other.
///
/// # Errors
/// When the packages cannot be fetched, once, from the machine's own archives.
pub fn plant(root: &DebianRoot) -> Result<()> {
    let archive = fetched(root.base())?;
    let mut copy = tool("cp");
    copy.args(["--archive", "--link", "--"])
        .arg(archive)
        .arg(root.outside(PLACE));
    run(copy, LIMIT)?.succeeded()?;
    make_it_the_only_one(root)
}

/// Makes the archive of a root that has one the only one that its apt knows.
///
/// # Errors
/// When the setting cannot be written.
pub fn make_it_the_only_one(root: &DebianRoot) -> Result<()> {
    // No signature: the packages were checked when they were fetched.
    fs::write(
        root.outside("/etc/apt/sources.list"),
        format!("deb [trusted=yes] copy:{PLACE} ./\n"),
    )?;
    Ok(())
}

/// The archive in the cache, made where it was missing. It belongs to one base root, whose packages it need not hold.
pub(super) fn fetched(base: &Path) -> Result<PathBuf> {
    let cache = cache()?;
    let lock = File::create(cache.join("archive-lock"))?;
    lock.lock().context("cannot lock the cache directory")?;
    let base = base.file_name().context("a base root lies in a directory")?;
    let archive = cache.join(format!("archive-of-{}", base.to_string_lossy()));
    if archive.is_dir() {
        return Ok(archive);
    }
    let root = DebianRoot::fresh("archive")?;
    fs::create_dir_all(root.outside(&format!("{PLACE}/partial")))?;
    let directory = format!("Dir::Cache::archives={PLACE}");
    root.run(&["apt-get", "-q", "update"], LIMIT)?.succeeded()?;
    let fetch = [
        "apt-get",
        "-y",
        "-q",
        "-o",
        &directory,
        "install",
        "--no-install-recommends",
        "--download-only",
    ];
    root.run(&[&fetch[..], &PACKAGES].concat(), LIMIT)?.succeeded()?;
    let made = root.outside(PLACE);
    fs::remove_dir_all(made.join("partial"))?;
    let mut scan = tool("dpkg-scanpackages");
    scan.arg(".").current_dir(&made);
    fs::write(made.join("Packages"), run(scan, LIMIT)?.succeeded()?.stdout)?;
    fs::rename(&made, &archive)?;
    Ok(archive)
}
