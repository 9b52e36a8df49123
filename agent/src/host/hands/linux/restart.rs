//! Asks systemd for a restart, on a machine of its own only.

use std::{fs, os::unix::fs::MetadataExt, path::Path, time::Duration};

use super::{super::seam::HandsError, process::Runner};

const SYSTEMCTL: &str = "/usr/bin/systemctl";
const LIMIT: Duration = Duration::from_secs(60);

/// Fails where a restart asked for here would not be one of this machine.
pub(super) fn must_be_possible() -> Result<(), HandsError> {
    match why_not(Path::new("/")) {
        None => Ok(()),
        Some(why) => Err(HandsError::Unsupported(format!("no restart here: {why}"))),
    }
}

pub(super) fn request(runner: &Runner, reason: &str) -> Result<(), HandsError> {
    must_be_possible()?;
    let message = format!("--message=cutover: {reason}");
    let (code, output) = runner.ask(SYSTEMCTL, &["--no-ask-password", &message, "reboot"], LIMIT)?;
    if code == Some(0) {
        Ok(())
    } else {
        Err(HandsError::io(
            "restart",
            std::io::Error::other(output.trim().to_owned()),
        ))
    }
}

/// Why a restart asked for here would not be one of this machine.
fn why_not(root: &Path) -> Option<String> {
    let identity = |path: &Path| fs::metadata(path).map(|meta| (meta.dev(), meta.ino()));
    match (identity(&root.join("proc/1/root")), identity(root)) {
        (Ok(first), Ok(own)) if first == own => {}
        (Ok(_), Ok(_)) => return Some("the agent runs in a chroot".to_owned()),
        (Err(error), _) | (_, Err(error)) => {
            return Some(format!("cannot tell whether this is the machine's own root: {error}"));
        }
    }
    let container = ["run/systemd/container", ".dockerenv", "run/.containerenv"];
    if let Some(sign) = container.iter().find(|sign| root.join(sign).exists()) {
        return Some(format!("/{sign} says that this is a container"));
    }
    if !root.join("run/systemd/system").is_dir() {
        return Some("systemd does not run here".to_owned());
    }
    None
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::symlink;

    use super::*;

    #[test]
    fn a_chroot_a_container_and_an_unknown_are_refused() {
        let root = tempfile::tempdir().unwrap();
        let why = |root: &tempfile::TempDir| why_not(root.path());
        assert!(why(&root).unwrap().contains("cannot tell"));

        fs::create_dir_all(root.path().join("proc/1")).unwrap();
        symlink("/usr", root.path().join("proc/1/root")).unwrap();
        assert!(why(&root).unwrap().contains("chroot"));

        fs::remove_file(root.path().join("proc/1/root")).unwrap();
        symlink(root.path(), root.path().join("proc/1/root")).unwrap();
        assert!(why(&root).unwrap().contains("systemd does not run"));

        fs::create_dir_all(root.path().join("run/systemd/system")).unwrap();
        assert_eq!(why(&root), None);

        fs::write(root.path().join("run/systemd/container"), "docker").unwrap();
        assert!(why(&root).unwrap().contains("container"));
    }
}
