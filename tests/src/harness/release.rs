//! A release: packages as `deploy/build` makes them, or by hand as `deploy/README.md` says, whose marked blocks are run.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use crate::harness::binaries;
use crate::harness::debian_root::DebianRoot;
use crate::harness::process::{Finished, run, tool};
use anyhow::{Context, Result};

const LIMIT: Duration = Duration::from_secs(60);

/// Compressing programs that were not made small.
const BUILD_LIMIT: Duration = Duration::from_secs(300);

/// The lines of a marked block of `deploy/README.md`.
fn block(mark: &str) -> Result<String> {
    let text = fs::read_to_string(deploy().join("README.md"))?;
    let begin = format!("```sh {mark}\n");
    let (_, rest) = text.split_once(&begin).with_context(|| format!("no block {begin:?}"))?;
    let (lines, _) = rest.split_once("```").context("a block without an end")?;
    Ok(lines.to_owned())
}

fn deploy() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../deploy")
}

/// Packages the programs that the tests run, under this version, into a directory. The names and values are what the
/// script finds in its environment beside the test's own.
///
/// # Errors
/// When it cannot be started, or takes too long. Whether it succeeded is in what it gives.
pub fn build(kinds: &[&str], version: &str, out: &Path, environment: &[(&str, &str)]) -> Result<Finished> {
    let profile = binaries::profile_directory()?;
    let target = profile
        .parent()
        .context("a profile's directory lies in the target directory")?;
    let name = profile.file_name().context("a profile has a name")?;
    let mut command = tool(deploy().join("build"));
    command
        .args(kinds)
        .args(["--version", version, "--out"])
        .arg(out)
        .arg("--built")
        .arg(name)
        .env("CARGO_TARGET_DIR", target)
        .envs(environment.iter().copied());
    run(command, BUILD_LIMIT)
}

/// Runs the block of this mark (`agent`, `server`) inside the root, where an unpacked release with this program lies in a
/// directory of its own for as long.
///
/// # Errors
/// When there is no such block, or a line of it fails.
pub fn install(root: &DebianRoot, mark: &str, program: &Path) -> Result<()> {
    let unpacked = root.outside("/root/release");
    fs::create_dir_all(&unpacked)?;
    let name = program.file_name().context("a program is a file")?;
    root.place_program(program, &format!("/root/release/{}", name.display()))?;
    let mut copy = tool("cp");
    copy.arg("-r").arg(deploy()).arg(&unpacked);
    run(copy, LIMIT)?.succeeded()?;
    let script = format!("cd /root/release\n{}", block(mark)?);
    // No systemd runs in the root: `systemctl enable` works on the files.
    let line = ["/usr/bin/env", "SYSTEMD_OFFLINE=1", "/bin/sh", "-euc", &script];
    root.run(&line, LIMIT)?.succeeded()?;
    fs::remove_dir_all(&unpacked)?;
    Ok(())
}
