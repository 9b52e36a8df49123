//! Whether somebody changes packages at this moment: by the locks that dpkg and rpm hold while they write.

use std::{
    fs::{self, File},
    io::ErrorKind,
    path::Path,
};

use rustix::process::{Flock, FlockType, fcntl_getlk};

use super::super::seam::HandsError;

/// Locks of record (fcntl(2)): dpkg's own and its front ends', rpm's in its two places.
const LOCKS: [&str; 4] = [
    "var/lib/dpkg/lock-frontend",
    "var/lib/dpkg/lock",
    "var/lib/rpm/.rpm.lock",
    "usr/lib/sysimage/rpm/.rpm.lock",
];

/// Who holds one of them, in words. Asking takes none.
pub(super) fn holder(root: &Path) -> Result<Option<String>, HandsError> {
    for lock in LOCKS {
        let path = root.join(lock);
        let failed = |error: std::io::Error| HandsError::io(format!("look at the lock {}", path.display()), error);
        let file = match File::open(&path) {
            Ok(file) => file,
            Err(error) if error.kind() == ErrorKind::NotFound => continue,
            Err(error) => return Err(failed(error)),
        };
        let wanted = Flock::from(FlockType::WriteLock);
        if let Some(held) = fcntl_getlk(&file, &wanted).map_err(|error| failed(error.into()))? {
            let who = held.pid.map_or_else(
                || "somebody".to_owned(),
                |pid| {
                    let pid = pid.as_raw_nonzero().get();
                    let name = fs::read_to_string(format!("/proc/{pid}/comm")).unwrap_or_default();
                    format!("process {pid} ({})", name.trim())
                },
            );
            return Ok(Some(format!("{who} holds {}", path.display())));
        }
    }
    Ok(None)
}

#[cfg(test)]
mod tests {
    use std::{
        io::{BufRead, BufReader},
        process::{Command, Stdio},
    };

    use super::*;

    #[test]
    fn a_lock_that_another_process_holds_is_seen_with_its_holder() {
        let root = tempfile::tempdir().unwrap();
        assert_eq!(holder(root.path()).unwrap(), None, "no package manager at all");
        let lock = root.path().join("var/lib/dpkg/lock");
        fs::create_dir_all(lock.parent().unwrap()).unwrap();
        fs::write(&lock, "").unwrap();
        assert_eq!(holder(root.path()).unwrap(), None, "a file that nobody locks");
        // F_WRLCK over the whole file, as dpkg takes it (struct flock of Linux on 64 bits).
        let take = "use Fcntl; open(my $f, '+<', $ARGV[0]) or die; my $l = pack('s s x4 q q l x4', F_WRLCK, 0, 0, 0, 0); \
                    fcntl($f, F_SETLK, $l) or die; $| = 1; print \"held\\n\"; <STDIN>;";
        #[expect(clippy::disallowed_methods, reason = "only another process can hold such a lock")]
        let mut other = Command::new("perl")
            .args(["-e", take])
            .arg(&lock)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        let mut said = String::new();
        BufReader::new(other.stdout.take().unwrap())
            .read_line(&mut said)
            .unwrap();
        assert_eq!(said, "held\n");
        let who = holder(root.path()).unwrap().unwrap();
        assert!(who.contains(&format!("process {} (perl)", other.id())), "{who}");
        drop(other.stdin.take());
        other.wait().unwrap();
        assert_eq!(holder(root.path()).unwrap(), None, "let go");
    }
}
