//! Who is at this machine: as logind keeps it, and on macOS by whose the console is.

use std::{fs, io, os::unix::fs::MetadataExt as _, path::Path};

/// Where logind keeps a file for each user who is logged in; on macOS the console, which is the user's whose session is
/// shown.
pub const LOGINS: &str = if cfg!(target_os = "macos") {
    "/dev/console"
} else {
    "/run/systemd/users"
};

/// Whether a user has an active session: in the foreground of a seat, or from the network (on macOS: at the screen).
///
/// # Errors
/// When it cannot be told.
pub(super) fn is_active(logins: &Path, uid: u32) -> io::Result<bool> {
    if cfg!(target_os = "macos") {
        owns_console(logins, uid)
    } else {
        is_active_for_logind(logins, uid)
    }
}

/// Nobody's session is shown while the console is root's.
fn owns_console(console: &Path, uid: u32) -> io::Result<bool> {
    Ok(fs::metadata(console)?.uid() == uid)
}

/// Read the way sd_uid_get_state(3) does: `STATE=active` in the user's file; no file means not logged in. Background
/// sessions (`online`), lingering services and sessions that are closing do not count.
fn is_active_for_logind(logins: &Path, uid: u32) -> io::Result<bool> {
    let text = match fs::read_to_string(logins.join(uid.to_string())) {
        Ok(text) => text,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(false),
        Err(error) => return Err(error),
    };
    Ok(text.lines().any(|line| line == "STATE=active"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_an_active_session_counts() {
        let logins = tempfile::tempdir().unwrap();
        let mut uids = 1000..;
        let mut user = |text: &str| {
            let uid = uids.next().unwrap();
            fs::write(logins.path().join(uid.to_string()), text).unwrap();
            is_active_for_logind(logins.path(), uid).unwrap()
        };
        let head = "# This is private data. Do not parse.\nNAME=ann\n";
        assert!(user(&format!("{head}STATE=active\nSTOPPING=no\nSESSIONS=4\n")));
        for other in ["STATE=online", "STATE=lingering", "STATE=closing", "STATE=offline", ""] {
            assert!(!user(&format!("{head}{other}\n")), "{other}");
        }
        assert!(!is_active_for_logind(logins.path(), 4711).unwrap(), "not logged in");
        let file = logins.path().join("1000");
        assert!(is_active_for_logind(&file, 1).is_err(), "no directory");
    }

    #[test]
    fn the_console_of_macos_is_whose_session_is_shown() {
        let console = tempfile::NamedTempFile::new().unwrap();
        let own = rustix::process::geteuid().as_raw();
        assert!(owns_console(console.path(), own).unwrap());
        assert!(!owns_console(console.path(), own + 1).unwrap());
        assert!(owns_console(&console.path().join("none"), own).is_err());
    }
}
