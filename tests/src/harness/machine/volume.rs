//! A small disk at a place of the root, so that it can be filled.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::{Context, Result, ensure};

use crate::harness::debian_root::DebianRoot;
use crate::harness::process::run;

const LIMIT: Duration = Duration::from_secs(30);

/// What makes it: a file system in memory with what lay at the place before. It is mounted where only the harness sees it,
/// so that it outlives a restart of the machine.
const MAKE: &str = r#"
set -e
mkdir -p "$2"
mount -t tmpfs -o "size=$3,mode=755" volume "$2"
cp -a "$1/." "$2/"
"#;

/// One such disk. It ends with the root.
#[derive(Debug)]
pub(super) struct Volume {
    source: PathBuf,
    place: String,
}

impl Volume {
    /// Makes one of `bytes` for the directory `place` of the root, which is made where it is missing.
    pub(super) fn make(root: &DebianRoot, number: usize, place: &str, bytes: u64) -> Result<Self> {
        ensure!(place.starts_with('/'), "{place:?} is no absolute path");
        let inside = root.outside(place);
        fs::create_dir_all(&inside).with_context(|| format!("cannot make {place} in the root"))?;
        let source = root.path().join("dev").join(format!("volume-{number}"));
        let mut make = root.namespace()?.enter();
        make.args(["/bin/sh", "-c", MAKE, "volume"])
            .arg(inside)
            .arg(&source)
            .arg(bytes.to_string());
        run(make, LIMIT)?.succeeded().context("cannot mount a small disk")?;
        Ok(Self {
            source,
            place: place.to_owned(),
        })
    }

    /// Where the harness holds it.
    pub(super) fn source(&self) -> &Path {
        &self.source
    }

    /// Where the machine sees it.
    pub(super) fn place(&self) -> &str {
        &self.place
    }
}
