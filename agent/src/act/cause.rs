//! Reads the cause of a failure out of a tool's words. apt and dpkg give one exit code for all of them.

use std::io::ErrorKind;

use cutover_proto::record::FailureCause;

use crate::host::hands::{HandsError, ToolRun};

/// What apt 2.6, dpkg 1.21, rpm 4.18, dnf 4.14 and zypper 1.14 print in English, most telling first: a full disk also
/// makes downloads fail.
const WORDS: &[(FailureCause, &[&str])] = &[
    (
        FailureCause::DiskFull,
        &[
            "No space left on device",
            "You don't have enough free space in",
            "Disk quota exceeded",
            "more space on the",
            "more space needed on the",
        ],
    ),
    (
        FailureCause::TooLarge,
        &["Writing more data than expected", "File is larger than expected"],
    ),
    // A list that states another size is found out by it before its hash is; which of the two lies nobody can tell.
    (
        FailureCause::WrongHash,
        &[
            "Hash Sum mismatch",
            "File has unexpected size",
            "checksum doesn't match",
            "Digest verification failed",
        ],
    ),
    (
        FailureCause::Locked,
        &[
            "Could not get lock",
            "Unable to acquire the dpkg frontend lock",
            "lock was locked by another process",
            "Unable to lock",
            "can't create transaction lock",
            "System management is locked by the application",
        ],
    ),
    (
        FailureCause::Network,
        &[
            "Temporary failure resolving",
            "Could not resolve",
            "Could not connect to",
            "Unable to connect to",
            "Cannot initiate the connection",
            "Connection timed out",
            "Network is unreachable",
            "Failed to fetch",
            // What came in place of a list: a page that asks for a login, or without end.
            "Clearsigned file isn't valid",
            "doesn't contain all expected parts",
            "Unable to fetch some archives",
            "Curl error",
            "Download (curl) error",
            "Failed to download metadata for repo",
        ],
    ),
];

/// Why a run did not bring what the look wanted.
pub(super) fn of_run(run: &ToolRun) -> FailureCause {
    if run.timed_out {
        return FailureCause::TimeLimit;
    }
    match (named_in(&run.log_tail), run.exit_code) {
        // It said success, whatever it complained of on the way.
        (_, Some(0)) => FailureCause::StillThere,
        (Some(cause), _) => cause,
        (None, _) => FailureCause::ToolFailed,
    }
}

fn named_in(said: &str) -> Option<FailureCause> {
    let named = WORDS
        .iter()
        .find(|(_, words)| words.iter().any(|word| said.contains(word)));
    named.map(|(cause, _)| *cause)
}

/// Why hands did not act.
pub(super) fn of_error(error: &HandsError) -> FailureCause {
    match error {
        HandsError::Unsupported(_) => FailureCause::Unsupported,
        HandsError::WouldTouchMore(_) | HandsError::PathRefused { .. } | HandsError::GroupInUse(_) => {
            FailureCause::NotAttributed
        }
        HandsError::Io { source, .. } => {
            let full = [ErrorKind::StorageFull, ErrorKind::QuotaExceeded];
            if full.contains(&source.kind()) {
                FailureCause::DiskFull
            } else {
                // What a tool said that was only asked.
                named_in(&source.to_string()).unwrap_or(FailureCause::ToolFailed)
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn run(exit_code: Option<i32>, log: &str) -> ToolRun {
        ToolRun {
            exit_code,
            log_tail: log.to_owned(),
            timed_out: false,
        }
    }

    #[test]
    fn the_log_tells_the_cause() {
        let cases = [
            (
                "E: Could not get lock /var/lib/dpkg/lock-frontend. It is held by process 4 (apt)\n",
                FailureCause::Locked,
            ),
            (
                "dpkg: error: dpkg frontend lock was locked by another process with pid 7\n",
                FailureCause::Locked,
            ),
            (
                "Err:1 Temporary failure resolving 'deb.example'\nE: Unable to fetch some archives\n",
                FailureCause::Network,
            ),
            (
                "E: Failed to fetch x  write (28: No space left on device)\n",
                FailureCause::DiskFull,
            ),
            (
                "RPM: error: can't create transaction lock on /var/lib/rpm/.rpm.lock (Resource temporarily unavailable)\n\
                 Error: Could not run transaction.\n",
                FailureCause::Locked,
            ),
            (
                "System management is locked by the application with pid 59 (zypper).\n",
                FailureCause::Locked,
            ),
            (
                "  - Curl error (6): Couldn't resolve host name for http://no.such.host.invalid/repodata/repomd.xml\n",
                FailureCause::Network,
            ),
            (
                "Error code: Connection failed\nDownload (curl) error for 'http://no.such.host.invalid/content':\n",
                FailureCause::Network,
            ),
            (
                "installing package clamav-1-1.x86_64 needs 8MB more space on the / filesystem\n",
                FailureCause::DiskFull,
            ),
            (
                "E: Failed to fetch http://m.example/./Packages  Hash Sum mismatch\n   Hashes of expected file:\n",
                FailureCause::WrongHash,
            ),
            (
                "E: Failed to fetch http://m.example/c.deb  File has unexpected size (6268600 != 6267600). Mirror sync in \
                 progress?\n",
                FailureCause::WrongHash,
            ),
            (
                "E: Failed to fetch http://m.example/c.deb  Writing more data than expected (7 > 6)\n",
                FailureCause::TooLarge,
            ),
            (
                "E: Failed to fetch http://m.example/c.deb  Redirection loop encountered\n",
                FailureCause::Network,
            ),
            (
                "E: Splitting of clearsigned file /var/lib/apt/lists/m.example_._Release failed as it doesn't contain all \
                 expected parts\n",
                FailureCause::Network,
            ),
            (
                "dpkg: error processing package kesl (--remove):\n",
                FailureCause::ToolFailed,
            ),
        ];
        for (log, cause) in cases {
            assert_eq!(of_run(&run(Some(100), log)), cause, "{log}");
        }
    }

    #[test]
    fn success_that_the_look_does_not_confirm_is_still_there() {
        let warned = run(Some(0), "W: Failed to fetch an index\n");
        assert_eq!(of_run(&warned), FailureCause::StillThere);
    }

    #[test]
    fn a_time_limit_is_told_before_all() {
        let run = ToolRun {
            timed_out: true,
            ..run(None, "Could not get lock")
        };
        assert_eq!(of_run(&run), FailureCause::TimeLimit);
    }

    #[test]
    fn a_full_disk_is_known_by_its_errno() {
        let error = HandsError::io("write", std::io::Error::from(ErrorKind::StorageFull));
        assert_eq!(of_error(&error), FailureCause::DiskFull);
    }
}
