//! Asks systemd to enable and start a service.

use std::path::Path;

use super::{
    super::seam::{HandsError, Run, ToolRun},
    process::Runner,
};

const SYSTEMCTL: &str = "/usr/bin/systemctl";
/// systemd makes it at its start (sd_booted(3)).
const SYSTEMD: &str = "/run/systemd/system";

pub(super) fn enable(runner: &Runner, service: &str, run: &mut Run<'_>) -> Result<ToolRun, HandsError> {
    // In a chroot systemctl says success and does nothing.
    if !Path::new(SYSTEMD).is_dir() {
        return Err(HandsError::Unsupported(format!(
            "systemd does not run here, so {service} cannot be started"
        )));
    }
    let mut session = runner.session(run)?;
    // Units and what adds to them may have been written just now.
    session.tool(SYSTEMCTL, &["--no-ask-password", "daemon-reload"])?;
    session.tool(SYSTEMCTL, &["--no-ask-password", "enable", "--", service])?;
    if !session.tool(SYSTEMCTL, &["--no-ask-password", "restart", "--", service])? {
        // A service that was started too often waits for this word.
        session.tool(SYSTEMCTL, &["--no-ask-password", "reset-failed", "--", service])?;
    }
    // What it waits for stands there: a condition, an exit code. Without log lines, which may name users' files.
    session.tool(SYSTEMCTL, &["--no-pager", "--lines=0", "status", "--", service])?;
    session.finish()
}
