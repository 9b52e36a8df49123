//! How an agent that was let go takes itself off its machine: what put it there removes it, from a unit of its own, because the
//! removal ends the service that asks for it.

use std::{
    path::Path,
    process::{Command, Stdio},
};

use super::{
    installed::{PROGRAM, UNIT},
    leaving::Stays,
    uninstall::{BOOTED, PACKAGED},
};

const SYSTEMD_RUN: &str = "/usr/bin/systemd-run";
/// One at a time: a second one is refused by its name while the first is at work.
const REMOVAL: &str = "cutover-agent-leaves.service";
/// dpkg's list of the package's files.
const BY_DPKG: &str = "/var/lib/dpkg/info/cutover-agent.list";
const DPKG: &str = "/usr/bin/dpkg";
const RPM: &str = "/usr/bin/rpm";

/// What takes the agent away, given what is there.
fn removal(there: impl Fn(&str) -> bool) -> Vec<&'static str> {
    if there(BY_DPKG) {
        // With its settings and its state. It needs no archive, and nothing depends on the agent.
        vec![DPKG, "--purge", "cutover-agent"]
    } else if there(PACKAGED) {
        vec![RPM, "-e", "cutover-agent"]
    } else {
        vec![PROGRAM, "uninstall"]
    }
}

/// Whether this process could be taken off its machine: the service, run by systemd as an installation has it.
#[must_use]
pub fn can_leave() -> bool {
    let there = |path: &str| Path::new(path).exists();
    let unit = format!("/usr/lib/systemd/system/{UNIT}");
    rustix::process::geteuid().is_root()
        && std::env::var_os("NOTIFY_SOCKET").is_some()
        && [BOOTED, SYSTEMD_RUN, unit.as_str(), PROGRAM, removal(there)[0]]
            .iter()
            .all(|path| there(path))
}

/// Begins the removal. It ends this service on its way, and goes on without it; where it could not, it is begun again by the
/// next start. Says what was begun.
///
/// # Errors
/// When systemd does not start it.
#[expect(
    clippy::disallowed_methods,
    reason = "the agent's own removal is no change to the host that an order could ask for, so hands have no part in it"
)]
pub fn take_leave() -> Result<String, Stays> {
    let failed = |why: String| Stays::Manager("systemd-run".to_owned(), why);
    let words = removal(|path| Path::new(path).exists());
    let run = Command::new(SYSTEMD_RUN)
        .args(["--quiet", "--collect", "--no-ask-password"])
        .arg(format!("--unit={REMOVAL}"))
        .args([
            "--description=Cutover: the agent leaves",
            "--setenv=DEBIAN_FRONTEND=noninteractive",
            "--",
        ])
        .args(&words)
        .stdin(Stdio::null())
        .output()
        .map_err(|error| failed(error.to_string()))?;
    if run.status.success() {
        return Ok(words.join(" "));
    }
    Err(failed(String::from_utf8_lossy(&run.stderr).trim().to_owned()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whoever_put_the_agent_there_takes_it_away() {
        let with = |paths: &'static [&'static str]| removal(move |path| paths.contains(&path)).join(" ");
        assert_eq!(with(&[BY_DPKG, PACKAGED]), "/usr/bin/dpkg --purge cutover-agent");
        assert_eq!(with(&[PACKAGED]), "/usr/bin/rpm -e cutover-agent");
        assert_eq!(with(&[]), "/usr/bin/cutover-agent uninstall");
    }
}
