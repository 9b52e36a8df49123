//! The base root: made once by mmdebstrap, then only copied.

use std::fs::{self, File};
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context, Result};
use sha2::{Digest, Sha256};

use super::apt::{self, AptSetup};
use crate::harness::binaries;
use crate::harness::process::{run, tool};

/// Where base roots and the copies of running tests lie, when it is not `target/debian-root`.
const CACHE_VARIABLE: &str = "CUTOVER_TEST_CACHE";

/// mmdebstrap takes about 20 s where archives are near; a slow mirror gets its time.
const BUILD_LIMIT: Duration = Duration::from_secs(600);

/// What makes a base root the one that is wanted; a change here makes a new one.
///
/// `minbase` is every essential and required package with apt. systemd and the bus are what a machine boots with;
/// ca-certificates is the trust store. Manual pages and translations are left out, as many servers do, because each test
/// copies the root.
const RECIPE: [&str; 5] = [
    "--mode=root",
    "--variant=minbase",
    "--include=systemd,systemd-sysv,dbus,ca-certificates",
    "--dpkgopt=path-exclude=/usr/share/man/*",
    "--dpkgopt=path-exclude=/usr/share/locale/*",
];

/// The cache directory, made where it was missing.
pub(in crate::harness) fn cache() -> Result<PathBuf> {
    let cache = match std::env::var_os(CACHE_VARIABLE) {
        Some(directory) => PathBuf::from(directory),
        None => binaries::profile_directory()?
            .parent()
            .context("the target directory has no parent")?
            .join("debian-root"),
    };
    fs::create_dir_all(&cache).with_context(|| format!("cannot make the cache directory {}", cache.display()))?;
    Ok(cache.canonicalize()?)
}

/// The base root's directory, built where it was missing, with these packages beside the recipe's. Of tests that ask at the same time, one builds.
pub(super) fn base_root(setup: &AptSetup, more: &[&str]) -> Result<PathBuf> {
    let cache = cache()?;
    let lock = File::create(cache.join("lock"))?;
    lock.lock().context("cannot lock the cache directory")?;

    let base = cache.join(format!("base-{}-{}", apt::RELEASE, key(more)));
    if base.is_dir() {
        return Ok(base);
    }
    let unfinished = cache.join("unfinished");
    remove_directory(&unfinished)?;
    build(setup, more, &unfinished).context("mmdebstrap made no Debian root")?;
    fs::rename(&unfinished, &base)?;
    Ok(base)
}

fn build(setup: &AptSetup, more: &[&str], target: &Path) -> Result<()> {
    let scratch = tempfile::tempdir()?;
    let settings = scratch.path().join("apt.conf");
    fs::write(&settings, &setup.settings)?;

    // What it mounts inside the root is seen by nobody else, and gone when it ends, however it ends.
    let mut command = tool("unshare");
    command
        .args(["--mount", "--", "mmdebstrap"])
        .args(RECIPE)
        .arg("--format=directory")
        .arg(format!("--aptopt={}", settings.display()))
        // Credentials must be there before the first archive is asked; `$1` is the root that is being made.
        .arg(
            "--setup-hook=mkdir -p \"$1/etc/apt/auth.conf.d\" && \
             { [ ! -e /etc/apt/auth.conf ] || cp -p /etc/apt/auth.conf \"$1/etc/apt/\"; } && \
             { [ ! -d /etc/apt/auth.conf.d ] || cp -pR /etc/apt/auth.conf.d \"$1/etc/apt/\"; }",
        );
    if !more.is_empty() {
        command.arg(format!("--include={}", more.join(",")));
    }
    command.arg(apt::RELEASE).arg(target).args(&setup.sources);
    run(command, BUILD_LIMIT)?.succeeded()?;
    Ok(())
}

/// Tells recipes apart in file names.
fn key(more: &[&str]) -> String {
    let mut digest = Sha256::new();
    for part in RECIPE.iter().chain(more) {
        digest.update(part);
        digest.update([0]);
    }
    hex::encode(&digest.finalize()[..6])
}

/// Removes a directory that may not be there.
pub(super) fn remove_directory(path: &Path) -> Result<()> {
    match fs::remove_dir_all(path) {
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(()),
        other => other.with_context(|| format!("cannot remove {}", path.display())),
    }
}
