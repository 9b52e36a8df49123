//! Where the workspace's own programs lie: beside the directory of the running test program.

use std::path::{Path, PathBuf};

use anyhow::{Context, Result, ensure};

/// The agent, `cutover-agent`.
///
/// # Errors
/// When it has not been built for the profile that the test itself was built for.
pub fn agent() -> Result<PathBuf> {
    built("cutover-agent")
}

/// The server and the operator's command line, `cutover`.
///
/// # Errors
/// When it has not been built for the profile that the test itself was built for.
pub fn server() -> Result<PathBuf> {
    built("cutover")
}

/// The server with the stand-in guard in its catalog, `cutover-with-guard`.
///
/// # Errors
/// When it has not been built for the profile that the test itself was built for.
pub fn server_with_guard() -> Result<PathBuf> {
    built("cutover-with-guard")
}

/// A program with some of its words changed everywhere, each for one as long: a later version without another build.
///
/// # Errors
/// When it cannot be read, or has no such word.
pub fn in_other_words(program: &Path, changes: &[(&str, &str)]) -> Result<Vec<u8>> {
    let mut bytes = std::fs::read(program).with_context(|| format!("{} cannot be read", program.display()))?;
    for (from, to) in changes {
        ensure!(from.len() == to.len(), "`{from}` and `{to}` are not of one length");
        let places: Vec<usize> = bytes
            .windows(from.len())
            .enumerate()
            .filter(|(_, part)| *part == from.as_bytes())
            .map(|(at, _)| at)
            .collect();
        ensure!(!places.is_empty(), "`{from}` is not in {}", program.display());
        for at in places {
            bytes[at..at + to.len()].copy_from_slice(to.as_bytes());
        }
    }
    Ok(bytes)
}

/// `target/<profile>`: test programs lie in its directory `deps`, other programs in itself.
pub(super) fn profile_directory() -> Result<PathBuf> {
    let test = std::env::current_exe().context("where is this test program?")?;
    let directory = test.parent().context("this test program has no directory")?;
    if !directory.ends_with("deps") {
        return Ok(directory.to_owned());
    }
    directory
        .parent()
        .map(Path::to_path_buf)
        .with_context(|| format!("{} is not inside a target directory", test.display()))
}

fn built(name: &str) -> Result<PathBuf> {
    let path = profile_directory()?.join(name);
    ensure!(
        path.is_file(),
        "{} is missing: build the programs by `cargo build --profile ci --workspace --bins`",
        path.display()
    );
    Ok(path)
}
