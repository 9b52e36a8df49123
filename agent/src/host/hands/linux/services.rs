//! Asks systemd to enable and start a service.

use std::path::Path;

use super::{
    super::seam::{HandsError, Run, ToolRun},
    process::{Runner, Session},
};

pub(super) const SYSTEMCTL: &str = "/usr/bin/systemctl";
/// systemd makes it at its start (sd_booted(3)).
const SYSTEMD: &str = "/run/systemd/system";

pub(super) fn enable(runner: &Runner, service: &str, run: &mut Run<'_>) -> Result<ToolRun, HandsError> {
    must_run(service)?;
    let mut session = runner.session(run)?;
    enable_in(&mut session, SYSTEMCTL, service)?;
    session.finish()
}

/// In a chroot systemctl says success and does nothing.
pub(super) fn must_run(service: &str) -> Result<(), HandsError> {
    if Path::new(SYSTEMD).is_dir() {
        Ok(())
    } else {
        Err(HandsError::Unsupported(format!(
            "systemd does not run here, so {service} cannot be started"
        )))
    }
}

/// The same within a step that does more.
pub(super) fn enable_in(session: &mut Session<'_, '_, '_>, systemctl: &str, service: &str) -> Result<(), HandsError> {
    // Units and what adds to them may have been written just now.
    session.tool(systemctl, &["--no-ask-password", "daemon-reload"])?;
    session.tool(systemctl, &["--no-ask-password", "enable", "--", service])?;
    if !session.tool(systemctl, &["--no-ask-password", "restart", "--", service])? {
        // A service that was started too often waits for this word.
        session.tool(systemctl, &["--no-ask-password", "reset-failed", "--", service])?;
    }
    // What it waits for stands there: a condition, an exit code. Without log lines, which may name users' files.
    session.tool(systemctl, &["--no-pager", "--lines=0", "status", "--", service])?;
    Ok(())
}
