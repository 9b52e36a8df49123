//! The file that launchd opens for the agent's log. launchd never shortens it, and newsyslog, which renames files, would
//! leave the agent writing into the one that was renamed. So the agent does it, where it starts.

use std::{
    fs::{self, OpenOptions},
    io,
    path::Path,
};

/// Some ten thousand lines.
const MAX: u64 = 4 << 20;

/// Keeps a log that has become long as `NAME.1`, in place of the one before, and goes on with an empty one. launchd has it
/// open for appending, so what is written next stands at its beginning.
///
/// # Errors
/// When it cannot be copied or emptied; it is as it was.
pub fn shorten(log: &Path) -> io::Result<()> {
    let length = match fs::symlink_metadata(log) {
        Ok(file) if file.is_file() => file.len(),
        Ok(_) => return Ok(()),
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(()),
        Err(error) => return Err(error),
    };
    if length <= MAX {
        return Ok(());
    }
    let before = log.with_extension("log.1");
    fs::copy(log, before)?;
    OpenOptions::new().write(true).open(log)?.set_len(0)
}

#[cfg(test)]
mod tests {
    use std::io::Write as _;

    use super::*;

    #[test]
    fn a_long_log_is_kept_once_and_what_follows_stands_in_an_empty_one() {
        let dir = tempfile::tempdir().expect("a directory");
        let log = dir.path().join("agent.log");
        let before = dir.path().join("agent.log.1");
        shorten(&log).expect("none is nothing to do");
        // As launchd has it.
        let mut open = OpenOptions::new().append(true).create(true).open(&log).expect("opened");
        open.write_all(b"short\n").expect("written");
        shorten(&log).expect("looked at");
        assert_eq!(fs::read(&log).expect("there"), b"short\n");
        assert!(!before.exists());

        let long = vec![b'x'; usize::try_from(MAX).expect("fits")];
        open.write_all(&long).expect("written");
        shorten(&log).expect("shortened");
        open.write_all(b"next\n").expect("written");
        assert_eq!(fs::read(&log).expect("there"), b"next\n");
        assert_eq!(fs::metadata(&before).expect("kept").len(), MAX + 6);
    }
}
