//! Failures as the real tools show them.

use std::io::{Error, ErrorKind};

use cutover_proto::record::FailureCause;

use super::SandboxError;
use crate::host::hands::{HandsError, ToolRun};

/// What a tool says and returns when it fails for this cause.
pub(super) fn of(cause: FailureCause) -> Result<ToolRun, HandsError> {
    let says = |exit_code, log: &str| {
        Ok(ToolRun {
            exit_code: Some(exit_code),
            log_tail: log.to_owned(),
            timed_out: false,
        })
    };
    match cause {
        FailureCause::Locked => says(
            100,
            "E: Could not get lock /var/lib/dpkg/lock-frontend. It is held by process 811 (unattended-upgr)\n\
             E: Unable to acquire the dpkg frontend lock (/var/lib/dpkg/lock-frontend), is another process using it?\n",
        ),
        FailureCause::Network => says(
            100,
            "Err:1 Temporary failure resolving the archive\nE: Unable to fetch some archives\n",
        ),
        FailureCause::DiskFull => says(
            100,
            "dpkg: error processing archive: cannot copy extracted data: failed to write (No space left on device)\n",
        ),
        FailureCause::TimeLimit => Ok(ToolRun {
            exit_code: None,
            log_tail: "Removing ...\n".to_owned(),
            timed_out: true,
        }),
        // It says success and did nothing; for a detection test: it names nothing.
        FailureCause::StillThere | FailureCause::NotDetected => says(0, "done\n"),
        FailureCause::Unsupported => Err(HandsError::Unsupported("planted: this host cannot do it".to_owned())),
        FailureCause::ToolFailed
        | FailureCause::BadSignature
        | FailureCause::OtherHost
        | FailureCause::Expired
        | FailureCause::Replayed
        | FailureCause::UnknownStep
        | FailureCause::NotAttributed
        | FailureCause::TooLongAway
        | FailureCause::Interrupted
        | FailureCause::Journal
        | FailureCause::NotYet
        | FailureCause::ServiceNotActive
        | FailureCause::NotSetUp
        | FailureCause::WrongHash
        | FailureCause::TooLarge => says(
            100,
            "dpkg: error processing package (--remove):\n installed pre-removal script subprocess returned error exit status 1\n\
             E: Sub-process /usr/bin/dpkg returned an error code (1)\n",
        ),
    }
}

/// An error of the planted root's files, as hands report it.
pub(super) fn of_files(error: &SandboxError) -> HandsError {
    let kind = match error {
        SandboxError::File { source, .. } => source.kind(),
        SandboxError::Damaged { .. } | SandboxError::Impossible(_) | SandboxError::View(_) => ErrorKind::Other,
    };
    HandsError::io("change the planted host", Error::new(kind, error.to_string()))
}
