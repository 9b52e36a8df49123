//! Scopes of systemd's: control groups of their own for installers, so that neither the agent's end nor the stop of its
//! unit ends one in the middle of its work.
//!
//! `systemd-run --scope` puts itself into a new scope and then becomes the tool (systemd-run(1)): the process keeps its
//! number, so that it can be waited for and named as any other.

use std::{
    fs,
    path::{Path, PathBuf},
    sync::atomic::{AtomicU32, Ordering},
    time::Duration,
};

use rustix::process::{Pid, Signal, kill_process};

use super::process::Runner;

const SYSTEMD_RUN: &str = "/usr/bin/systemd-run";
/// There exactly where systemd is the service manager (sd_booted(3)).
const BOOTED: &str = "/run/systemd/system";
/// Begins the name of each of our scopes. Nothing in a control group of another name is ever ended by it.
const PREFIX: &str = "cutover-";
const CGROUPS: &str = "/sys/fs/cgroup";
const PROBE_LIMIT: Duration = Duration::from_secs(10);

/// Tells scopes of one agent apart.
static MADE: AtomicU32 = AtomicU32::new(0);

/// What stands before a tool's own command line to start it in a scope of its own; nothing where that cannot be had.
pub(super) fn words(runner: &Runner, label: &str) -> Vec<String> {
    if !Path::new(BOOTED).is_dir() || !Path::new(SYSTEMD_RUN).exists() {
        return Vec::new();
    }
    // A tool that could not be put into one would not run at all, so whether it can is tried with nothing to lose.
    let probe = line(label);
    let mut arguments: Vec<&str> = probe.iter().skip(1).map(String::as_str).collect();
    arguments.push("/bin/true");
    match runner.ask(SYSTEMD_RUN, &arguments, PROBE_LIMIT) {
        Ok((Some(0), _)) => line(label),
        Ok((code, said)) => {
            tracing::warn!(
                ?code,
                said = said.trim(),
                "no scope for an installer; it runs in the agent's own group"
            );
            Vec::new()
        }
        Err(error) => {
            tracing::warn!(%error, "no scope for an installer; it runs in the agent's own group");
            Vec::new()
        }
    }
}

fn line(label: &str) -> Vec<String> {
    let number = MADE.fetch_add(1, Ordering::Relaxed);
    let label: String = label
        .chars()
        .map(|c| if c.is_ascii_alphanumeric() || c == '-' { c } else { '_' })
        .collect();
    let unit = format!("--unit={PREFIX}{label}-{}-{number}.scope", std::process::id());
    // Without it the scope is described by the tool's command line (systemd-run(1)): in the system's log, and to whoever lists units.
    let description = format!("--description=Cutover: a tool of {label}");
    [
        SYSTEMD_RUN,
        "--scope",
        "--quiet",
        "--collect",
        "--no-ask-password",
        &description,
        &unit,
        "--",
    ]
    .map(str::to_owned)
    .to_vec()
}

/// A scope that one of our tools runs in.
#[derive(Debug)]
pub(super) struct Scope {
    members: PathBuf,
}

impl Scope {
    /// The one of this process; `None` when it is in none of ours.
    pub(super) fn of(pid: u32) -> Option<Self> {
        let groups = fs::read_to_string(format!("/proc/{pid}/cgroup")).ok()?;
        let members = members_files(&groups).into_iter().find(|file| file.exists())?;
        Some(Self { members })
    }

    /// Whether anything is in it.
    pub(super) fn is_populated(&self) -> bool {
        !self.pids().is_empty()
    }

    /// Sends a signal to all that is in it, also to what left its session.
    pub(super) fn signal(&self, signal: Signal) {
        for pid in self.pids() {
            if let Err(error) = kill_process(pid, signal) {
                tracing::debug!(?pid, %error, "not signalled");
            }
        }
    }

    fn pids(&self) -> Vec<Pid> {
        let text = fs::read_to_string(&self.members).unwrap_or_default();
        text.lines()
            .filter_map(|line| line.parse().ok().and_then(Pid::from_raw))
            .collect()
    }
}

/// Where the members of a control group of ours may be listed, out of `/proc/PID/cgroup` (cgroups(7)): in the hierarchy of
/// version 2, mounted alone or beside those of version 1, or in the one called `systemd` of version 1.
fn members_files(groups: &str) -> Vec<PathBuf> {
    let ours = groups.lines().filter_map(|line| {
        let (tops, path): (&[&str], &str) = match line.strip_prefix("0::/") {
            Some(path) => (&["", "unified"], path),
            None => (&["systemd"], line.split_once(":name=systemd:/")?.1),
        };
        let name = Path::new(path).file_name()?.to_str()?;
        let is_ours = name.starts_with(PREFIX) && name.ends_with(".scope");
        is_ours.then_some((tops, path))
    });
    ours.flat_map(|(tops, path)| {
        tops.iter()
            .map(move |top| Path::new(CGROUPS).join(top).join(path).join("cgroup.procs"))
    })
    .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_tools_line_begins_with_a_scope_of_its_own_name() {
        let (one, other) = (line("order-7-step-2"), line("order-7-step-2"));
        assert_eq!(one.first().unwrap(), SYSTEMD_RUN);
        assert_eq!(one.last().unwrap(), "--");
        assert_ne!(one, other);
        let described = one
            .iter()
            .any(|word| word.starts_with("--description=Cutover: a tool of order-7"));
        assert!(described, "by its command line it would be told to everybody: {one:?}");
        let odd = line("a b/../c");
        let unit = odd.iter().find_map(|word| word.strip_prefix("--unit=")).unwrap();
        assert!(
            unit.starts_with("cutover-a_b____c-") && unit.ends_with(".scope"),
            "{unit}"
        );
    }

    #[test]
    fn only_a_scope_of_ours_is_ever_ended() {
        let group = "system.slice/cutover-order-7-step-2-812-0.scope";
        let at = |top: &str| Path::new(CGROUPS).join(top).join(group).join("cgroup.procs");
        let unified = format!("9:name=systemd:/\n0::/{group}\n");
        assert_eq!(members_files(&unified), [at(""), at("unified")]);
        let older = format!("12:pids:/system.slice/x\n1:name=systemd:/{group}\n0::/\n");
        assert_eq!(members_files(&older), [at("systemd")]);
        for other in [
            "0::/system.slice/cutover-agent.service\n",
            "0::/user.slice/session-1.scope\n",
            "0::/\n",
            "1:name=systemd:/system.slice/cutover-agent.service\n",
            "0::/system.slice/cutover-order-1-step-0-9-3.scope/below\n",
            "",
        ] {
            assert!(members_files(other).is_empty(), "{other}");
        }
    }
}
