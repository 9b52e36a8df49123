//! What must hold of keys and certificates.

mod directory;
mod host;
mod secret_key;
mod server;

use std::path::Path;

use tempfile::TempDir;

use super::Pki;

/// 2026-11-23T00:00:00.500Z.
const NOW_MS: i64 = 1_795_392_000_500;
const DAY_MS: i64 = 24 * 3600 * 1000;

fn fresh() -> (TempDir, Pki) {
    let root = tempfile::tempdir().expect("a temporary directory");
    let pki = Pki::create(&root.path().join("pki"), NOW_MS).expect("a new authority");
    (root, pki)
}

fn file_starting(directory: &Path, start: &str) -> std::path::PathBuf {
    let mut found = std::fs::read_dir(directory)
        .expect("a readable directory")
        .map(|entry| entry.expect("an entry").path())
        .filter(|path| {
            let name = path.file_name().expect("a name").to_string_lossy().into_owned();
            name.starts_with(start) && name.ends_with(".pem")
        });
    let path = found.next().expect("one such file");
    assert_eq!(found.next(), None, "only one such file");
    path
}
