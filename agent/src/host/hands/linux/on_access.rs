//! Shows ClamAV's on-access scanner a harmless test file: nobody may open it.
//!
//! All that touches the watched directory is a program with a time limit: a scanner that hangs holds up whoever opens.

use std::{
    fs::{self, File},
    io::{Read, Seek, SeekFrom},
    path::Path,
    thread,
    time::Duration,
};

use super::{
    super::seam::{Detection, HandsError, Run},
    clamav::{Private, name_in, write_test_file},
    process::Runner,
};

/// Watched by the configuration that the rule of `clamav-on-access` holds; its unit makes it.
const WATCHED: &str = "/var/lib/clamav-on-access-test";
/// Where that unit writes what it found, a line as clamscan prints it.
const LOG: &str = "/var/log/clamav/clamonacc.log";
/// How much of the log's end is read.
const LOG_TAIL: u64 = 64 << 10;
/// What `head` says when the kernel was told to deny (fanotify(7): EPERM).
const DENIED: &str = "Operation not permitted";
/// How often it is tried to open the file. One denial is the proof; a scanner that never denies has none.
const TRIES: u32 = 30;
const BETWEEN: Duration = Duration::from_secs(1);

/// Copies the test file into the watched directory and tries to open it there.
pub(super) fn detect(runner: &Runner, directory: &Path, run: &mut Run<'_>) -> Result<Detection, HandsError> {
    if !Path::new(WATCHED).is_dir() {
        return Err(HandsError::Unsupported(format!(
            "{WATCHED} is not there; set up the on-access scanner first"
        )));
    }
    let mut session = runner.session(run)?;
    let private = Private::make(directory)?;
    let file = write_test_file(directory)?;
    let target = format!("{WATCHED}/{}.com", session.label());
    session.tool("/usr/bin/cp", &["--", &file, &target])?;
    let mut denied = false;
    for _ in 0..TRIES {
        session.tool("/usr/bin/head", &["-c", "1", "--", &target])?;
        denied = is_denied(&session.output()?, &target);
        if denied || session.time_left().is_zero() {
            break;
        }
        // Its service is at work before it has taken hold of the directory.
        thread::sleep(BETWEEN);
    }
    let removed = fs::remove_file(&target);
    drop(private);
    let run = session.finish()?;
    removed.map_err(|error| HandsError::io(format!("delete {target}"), error))?;
    // A name without a denial is a scanner that only watches.
    let named = denied.then(|| name_in(&log_tail(), &target).unwrap_or_else(|| "and let nobody open it".to_owned()));
    Ok(Detection { run, named })
}

/// `head: cannot open 'PATH' for reading: Operation not permitted`.
fn is_denied(output: &str, target: &str) -> bool {
    output
        .lines()
        .any(|line| line.contains(target) && line.contains("cannot open") && line.contains(DENIED))
}

fn log_tail() -> String {
    let mut bytes = Vec::new();
    let read = File::open(LOG).and_then(|mut file| {
        let start = file.metadata()?.len().saturating_sub(LOG_TAIL);
        file.seek(SeekFrom::Start(start))?;
        file.take(LOG_TAIL).read_to_end(&mut bytes)
    });
    if let Err(error) = read {
        tracing::debug!(%error, "the scanner's log was not read");
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_kernels_denial_of_our_file_is_the_proof() {
        let file = "/var/lib/clamav-on-access-test/order-1-step-2.com";
        let said = |path: &str, why: &str| format!("X\nhead: cannot open '{path}' for reading: {why}\n");
        assert!(is_denied(&said(file, "Operation not permitted"), file));
        assert!(!is_denied(&said(file, "Permission denied"), file));
        assert!(!is_denied(&said(file, "No such file or directory"), file));
        assert!(!is_denied(&said("/other", "Operation not permitted"), file));
        assert!(!is_denied("X", file));
    }
}
