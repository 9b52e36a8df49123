//! Shows ClamAV a harmless test file.

use std::{
    fs::{self, DirBuilder, OpenOptions},
    hint::black_box,
    io::Write,
    os::unix::fs::{DirBuilderExt, OpenOptionsExt},
    path::Path,
};

use super::{
    super::seam::{Detection, HandsError, Run},
    process::Runner,
};

const CLAMSCAN: &str = "/usr/bin/clamscan";
const CLAMDSCAN: &str = "/usr/bin/clamdscan";
/// How often clamd is asked whether it answers, every so many seconds, before it gets the file: it loads its signatures
/// first, for up to a minute.
const PING: &str = "60:2";

/// Who scans.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Scanner {
    /// The program itself.
    Program,
    /// The service, which gets the open file: it runs as a user who may not read ours.
    Daemon,
}

impl Scanner {
    const fn program(self) -> &'static str {
        match self {
            Self::Program => CLAMSCAN,
            Self::Daemon => CLAMDSCAN,
        }
    }

    const fn arguments(self) -> &'static [&'static str] {
        match self {
            Self::Program => &["--stdout", "--no-summary", "--infected"],
            Self::Daemon => &[
                "--stdout",
                "--no-summary",
                "--infected",
                "--fdpass",
                "--wait",
                "--ping",
                PING,
            ],
        }
    }
}

/// The EICAR test file (eicar.org), each byte changed by [`MASK`]: the plain string in a source or a program would make
/// scanners take this agent away.
const MASKED: [u8; 68] = [
    2, 111, 21, 123, 10, 127, 26, 27, 10, 1, 110, 6, 10, 0, 2, 111, 110, 114, 10, 4, 115, 109, 25, 25, 115, 109, 39,
    126, 31, 19, 25, 27, 8, 119, 9, 14, 27, 20, 30, 27, 8, 30, 119, 27, 20, 14, 19, 12, 19, 8, 15, 9, 119, 14, 31, 9,
    14, 119, 28, 19, 22, 31, 123, 126, 18, 113, 18, 112,
];
const MASK: u8 = 0x5a;

/// Composed when it is needed. `black_box` keeps the compiler from composing it into the program.
pub(super) fn test_file() -> Vec<u8> {
    let mask = black_box(MASK);
    MASKED.iter().map(|byte| byte ^ mask).collect()
}

/// Takes the directory away however the test ends.
pub(super) struct Private<'p>(&'p Path);

impl Private<'_> {
    pub(super) fn make(path: &Path) -> Result<Private<'_>, HandsError> {
        // What an agent left that was ended in the middle of a test.
        remove(path);
        DirBuilder::new()
            .mode(0o700)
            .create(path)
            .map_err(|error| HandsError::io(format!("make {}", path.display()), error))?;
        Ok(Private(path))
    }
}

impl Drop for Private<'_> {
    fn drop(&mut self) {
        remove(self.0);
    }
}

fn remove(path: &Path) {
    match fs::remove_dir_all(path) {
        Ok(()) => {}
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => {}
        Err(error) => {
            tracing::warn!(path = %path.display(), %error, "test directory not deleted");
        }
    }
}

/// Runs the scanner on the test file in a directory that only root reads.
pub(super) fn detect(
    runner: &Runner,
    scanner: Scanner,
    directory: &Path,
    run: &mut Run<'_>,
) -> Result<Detection, HandsError> {
    let program = scanner.program();
    if !Path::new(program).exists() {
        return Err(HandsError::Unsupported(format!("{program} is not there")));
    }
    let mut session = runner.session(run)?;
    let private = Private::make(directory)?;
    let path = write_test_file(directory)?;
    session.tool(program, &[scanner.arguments(), &[path.as_str()]].concat())?;
    drop(private);
    let run = session.finish()?;
    let named = name_in(&run.log_tail, &path);
    Ok(Detection { run, named })
}

/// Writes the test file, which only its owner reads, and gives its path.
pub(super) fn write_test_file(directory: &Path) -> Result<String, HandsError> {
    let file = directory.join("test.com");
    OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(&file)
        .and_then(|mut open| open.write_all(&test_file()))
        .map_err(|error| HandsError::io(format!("write {}", file.display()), error))?;
    Ok(file.to_string_lossy().into_owned())
}

/// clamscan and its like print `PATH: NAME FOUND` for each infected file (clamscan(1)). Every database names this file by its name;
/// another find in it would say nothing about detection.
pub(super) fn name_in(output: &str, path: &str) -> Option<String> {
    output.lines().find_map(|line| {
        let name = line.strip_prefix(path)?.strip_prefix(": ")?;
        let name = name.strip_suffix(" FOUND")?;
        name.to_ascii_lowercase().contains("eicar").then(|| name.to_owned())
    })
}

#[cfg(test)]
mod tests {
    use sha2::{Digest, Sha256};

    use super::*;

    #[test]
    fn the_test_file_is_the_known_one() {
        // The published SHA-256 of eicar.com.
        assert_eq!(
            hex::encode(Sha256::digest(test_file())),
            "275a021bbfb6489e54d471899f7db9d1663fc695ec2fe2a2c4538aabf651fd0f"
        );
    }

    #[test]
    fn only_the_scanners_line_about_our_file_counts() {
        let path = "/var/lib/cutover/detection-test/test.com";
        let found = format!("{path}: Eicar-Test-Signature FOUND\n");
        assert_eq!(name_in(&found, path).unwrap(), "Eicar-Test-Signature");
        assert_eq!(name_in(&format!("{path}: OK\n"), path), None);
        assert_eq!(name_in(&format!("{path}: Heuristics.Other FOUND\n"), path), None);
        assert_eq!(name_in("/other: Eicar-Test-Signature FOUND\n", path), None);
        assert_eq!(
            name_in(
                "LibClamAV Error: cli_loaddbdir: No supported database files found\n",
                path
            ),
            None
        );
    }

    #[test]
    fn the_directory_is_gone_after_the_test() {
        let state = tempfile::tempdir().unwrap();
        let directory = state.path().join("detection-test");
        fs::create_dir(&directory).unwrap();
        fs::write(directory.join("left"), "by an earlier agent").unwrap();
        let private = Private::make(&directory).unwrap();
        assert_eq!(fs::read_dir(&directory).unwrap().count(), 0);
        drop(private);
        assert!(!directory.exists());
    }
}
