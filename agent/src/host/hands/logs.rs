//! The logs of tools: one file a step, for the agent's own user alone.
//!
//! Tools write into them themselves, so what one prints is on the disk before anybody could look at it. What must not stay
//! there is taken out when the tools of the step have ended.

use std::{
    fs::{self, OpenOptions},
    io::{self, Read, Seek, SeekFrom, Write},
    path::Path,
};

use super::seam::HandsError;

/// What is read back of a tool's output, in bytes; records keep less.
pub(super) const TAIL: u64 = 64 * 1024;
/// A tool that prints more than this, in bytes, is ended: it would fill the disk.
pub(super) const LOG_MAX: u64 = 64 * 1024 * 1024;
/// Logs of older runs beyond this number are deleted.
const KEPT: usize = 40;
/// Not the ending of a log, so that it is never taken for one.
const NEW: &str = "new";
/// Before a text in units of two bytes, the lower one first.
const BOM: [u8; 2] = [0xff, 0xfe];

/// How a log is opened: for nobody else. On Windows the directory of the agent's state sees to that.
pub(super) fn options() -> OpenOptions {
    #[cfg(unix)]
    {
        use std::os::unix::fs::OpenOptionsExt as _;
        let mut options = OpenOptions::new();
        options.mode(0o600);
        options
    }
    #[cfg(not(unix))]
    OpenOptions::new()
}

pub(super) fn file_name(label: &str) -> String {
    format!("{label}.log")
}

/// Deletes the oldest above the number that is kept.
pub(super) fn drop_old(directory: &Path) {
    let Ok(entries) = fs::read_dir(directory) else {
        return;
    };
    let mut logs: Vec<_> = entries
        .flatten()
        .filter_map(|entry| Some((entry.metadata().ok()?.modified().ok()?, entry.path())))
        .collect();
    logs.sort();
    let surplus = logs.len().saturating_sub(KEPT);
    for (_, path) in &logs[..surplus] {
        if let Err(error) = fs::remove_file(path) {
            tracing::warn!(path = %path.display(), %error, "old log not deleted");
        }
    }
}

/// The last `max` bytes of a log; empty where there is none.
pub(super) fn tail(directory: &Path, label: &str, max: u64) -> Result<String, HandsError> {
    let path = directory.join(file_name(label));
    let read = || -> io::Result<String> {
        let mut log = fs::File::open(&path)?;
        let mut begin = Vec::new();
        (&mut log).take(BOM.len() as u64).read_to_end(&mut begin)?;
        let is_wide = begin == BOM;
        // Both of a unit's bytes, or none.
        let from = log.metadata()?.len().saturating_sub(max);
        let from = if is_wide { from.next_multiple_of(2) } else { from };
        log.seek(SeekFrom::Start(from))?;
        let mut bytes = Vec::new();
        log.take(max).read_to_end(&mut bytes)?;
        Ok(text(&bytes, is_wide))
    };
    match read() {
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(String::new()),
        read => read.map_err(|error| HandsError::io(format!("read {}", path.display()), error)),
    }
}

/// What a log says. Windows Installer writes its own in units of two bytes, after the mark of their order.
fn text(bytes: &[u8], is_wide: bool) -> String {
    if !is_wide {
        return String::from_utf8_lossy(bytes).into_owned();
    }
    let units = bytes.strip_prefix(&BOM).unwrap_or(bytes).chunks_exact(2);
    let units: Vec<u16> = units.map(|unit| u16::from_le_bytes([unit[0], unit[1]])).collect();
    String::from_utf16_lossy(&units)
}

/// Hands the logs whose name begins so through `scrub`. What it leaves as it is stays untouched.
pub(super) fn scrub(directory: &Path, prefix: &str, scrub: &dyn Fn(&str) -> String) -> Result<(), HandsError> {
    let entries = match fs::read_dir(directory) {
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
        entries => entries.map_err(|error| HandsError::io(format!("list {}", directory.display()), error))?,
    };
    for entry in entries.flatten() {
        let path = entry.path();
        if !entry.file_name().to_string_lossy().starts_with(prefix) {
            continue;
        }
        if let Err(error) = rewritten(&path, scrub) {
            // A disk that is full takes no other file, but it gives up this one.
            tracing::warn!(path = %path.display(), %error, "a tool's log could not be scrubbed; it is deleted");
            fs::remove_file(&path).map_err(|error| HandsError::io(format!("delete {}", path.display()), error))?;
        }
    }
    Ok(())
}

fn rewritten(path: &Path, scrub: &dyn Fn(&str) -> String) -> io::Result<()> {
    let bytes = fs::read(path)?;
    let text = text(&bytes, bytes.starts_with(&BOM));
    let scrubbed = scrub(&text);
    if scrubbed == text {
        return Ok(());
    }
    let new = path.with_extension(NEW);
    let written = options()
        .create(true)
        .truncate(true)
        .write(true)
        .open(&new)
        .and_then(|mut file| file.write_all(scrubbed.as_bytes()).and_then(|()| file.sync_all()))
        .and_then(|()| fs::rename(&new, path));
    if written.is_err() {
        // Without it nothing is lost; the next scrubbing would meet it and find nothing to take out.
        let _ = fs::remove_file(&new);
    }
    written
}

#[cfg(test)]
mod tests {
    use super::*;

    fn blank(text: &str) -> String {
        text.replace("Pa55word", "[secret]")
    }

    #[test]
    fn what_is_scrubbed_is_gone_from_the_disk_and_the_rest_stays() {
        let dir = tempfile::tempdir().unwrap();
        let path = |name: &str| dir.path().join(name);
        fs::write(path("order-1-step-2.log"), b"begun\npassword Pa55word\n\xff end\n").unwrap();
        fs::write(path("order-1-step-3.log"), b"\xff nothing\n").unwrap();
        fs::write(path("ask-apt-get.log"), "Pa55word").unwrap();
        scrub(dir.path(), "order-1-", &blank).unwrap();
        assert_eq!(
            fs::read_to_string(path("order-1-step-2.log")).unwrap(),
            "begun\npassword [secret]\n\u{fffd} end\n"
        );
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt;
            let mode = path("order-1-step-2.log").metadata().unwrap().permissions().mode();
            assert_eq!(mode & 0o777, 0o600);
        }
        assert_eq!(fs::read(path("order-1-step-3.log")).unwrap(), b"\xff nothing\n");
        assert_eq!(fs::read(path("ask-apt-get.log")).unwrap(), b"Pa55word");
        scrub(dir.path(), "", &blank).unwrap();
        assert_eq!(fs::read(path("ask-apt-get.log")).unwrap(), b"[secret]");
        assert_eq!(
            fs::read_dir(dir.path()).unwrap().count(),
            3,
            "nothing is left beside them"
        );
    }

    #[test]
    fn a_log_that_cannot_be_scrubbed_is_deleted() {
        let dir = tempfile::tempdir().unwrap();
        let log = dir.path().join("order-1-step-0.log");
        fs::write(&log, "Pa55word").unwrap();
        // In the place of the new one.
        fs::create_dir(dir.path().join("order-1-step-0.new")).unwrap();
        scrub(dir.path(), "order-1-step-0.log", &blank).unwrap();
        assert!(!log.exists());
    }

    #[test]
    fn no_directory_and_no_log_are_nothing_to_read_and_nothing_to_scrub() {
        let dir = tempfile::tempdir().unwrap();
        let none = dir.path().join("none");
        scrub(&none, "", &blank).unwrap();
        assert_eq!(tail(&none, "order-1-step-0", 10).unwrap(), "");
    }

    #[test]
    fn the_tail_is_the_end_of_the_log() {
        let dir = tempfile::tempdir().unwrap();
        fs::write(dir.path().join("order-1-step-0.log"), "0123456789").unwrap();
        assert_eq!(tail(dir.path(), "order-1-step-0", 4).unwrap(), "6789");
    }

    #[test]
    fn a_log_in_units_of_two_bytes_is_read_and_scrubbed_as_the_text_that_it_is() {
        let dir = tempfile::tempdir().unwrap();
        let log = dir.path().join("order-1-step-0.log");
        let wide = |text: &str| -> Vec<u8> { text.encode_utf16().flat_map(u16::to_le_bytes).collect() };
        fs::write(&log, [BOM.to_vec(), wide("Свойство = Pa55word\r\nend")].concat()).unwrap();
        // Wherever the cut falls, also in the middle of a unit.
        assert_eq!(tail(dir.path(), "order-1-step-0", 7).unwrap(), "end");
        assert_eq!(tail(dir.path(), "order-1-step-0", 6).unwrap(), "end");
        scrub(dir.path(), "order-1-", &blank).unwrap();
        assert_eq!(fs::read_to_string(&log).unwrap(), "Свойство = [secret]\r\nend");
        assert_eq!(tail(dir.path(), "order-1-step-0", 3).unwrap(), "end");
    }
}
