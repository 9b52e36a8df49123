//! The shipped units against the code: where state lies, what ends mean, which caps hold.

use std::path::Path;

use cutover_agent::{cli::EXIT_RESTART_ME, config as agent};
use cutover_server::config::Config;

use crate::shipped::shipped;

/// What every process that the agent starts would inherit, installers in scopes of their own too: each of them stops
/// some package's script in the middle of replacing a protection. The unit says so of each.
const INHERITED: [&str; 32] = [
    "User",
    "CapabilityBoundingSet",
    "NoNewPrivileges",
    "RestrictSUIDSGID",
    "ProtectSystem",
    "ProtectHome",
    "ReadOnlyPaths",
    "PrivateTmp",
    "InaccessiblePaths",
    "PrivateDevices",
    "DevicePolicy",
    "ProtectKernelModules",
    "ProtectKernelTunables",
    "ProtectKernelLogs",
    "ProtectControlGroups",
    "ProtectClock",
    "ProtectHostname",
    "ProtectProc",
    "ProcSubset",
    "PrivateUsers",
    "PrivateIPC",
    "PrivateNetwork",
    "IPAddressAllow",
    "RestrictAddressFamilies",
    "SystemCallFilter",
    "SystemCallArchitectures",
    "MemoryDenyWriteExecute",
    "RestrictNamespaces",
    "RestrictRealtime",
    "LockPersonality",
    "StateDirectory",
    "UMask",
];

/// These two are set all the same: they harm no script.
const HARMLESS: [&str; 2] = ["StateDirectory", "UMask"];

fn settings(unit: &str) -> Vec<(String, String)> {
    let text = shipped(&format!("systemd/{unit}"));
    let lines = text.lines().filter(|line| !line.starts_with('#'));
    lines
        .filter_map(|line| line.split_once('='))
        .map(|(key, value)| (key.to_owned(), value.to_owned()))
        .collect()
}

/// The last value of a key.
fn value(unit: &str, key: &str) -> String {
    let all = settings(unit);
    let found = all.iter().rev().find(|(name, _)| name == key);
    found.unwrap_or_else(|| panic!("{unit} does not say {key}=")).1.clone()
}

fn mib(unit: &str, key: &str) -> u64 {
    let text = value(unit, key);
    let number = text.strip_suffix('M').unwrap_or_else(|| panic!("{key}={text}"));
    number.parse().unwrap_or_else(|_| panic!("{key}={text}"))
}

#[test]
fn the_agents_unit_sets_nothing_that_would_break_an_installer_and_says_why() {
    let unit = "cutover-agent.service";
    let (set, text) = (settings(unit), shipped(&format!("systemd/{unit}")));
    for key in INHERITED.iter().filter(|key| !HARMLESS.contains(key)) {
        assert!(
            !set.iter().any(|(name, _)| name == key),
            "{key}= is inherited by installers"
        );
        let explained = text
            .lines()
            .any(|line| line.starts_with("#   ") && line.contains(&format!("{key}=")));
        assert!(explained, "the unit does not say why {key}= is absent");
    }
    // Scripts that leave files with another mask than root's own would leave them unreadable for their users.
    assert_eq!(value(unit, "UMask"), "0022");
    assert_eq!(value(unit, "KillMode"), "process");
    assert_eq!(value(unit, "OOMPolicy"), "continue");
}

#[test]
fn state_lies_where_the_programs_look_for_it() {
    let state = |unit| Path::new("/var/lib").join(value(unit, "StateDirectory"));
    assert_eq!(state("cutover-agent.service"), Path::new(agent::DEFAULT_STATE_DIR));
    assert_eq!(state("cutover-server.service"), Config::default().data_dir);
    let agents = cutover_agent::app::StateDir::new(agent::DEFAULT_STATE_DIR);
    let either = [agents.identity().file(), agents.enrolment(), agents.first_start_file()]
        .map(|path| format!("|{}", path.display()));
    let unit = shipped("systemd/cutover-agent.service");
    let conditions = unit
        .lines()
        .filter_map(|line| line.strip_prefix("ConditionPathExists="));
    assert_eq!(conditions.collect::<Vec<_>>(), either);
    let keys = Config::default().data_dir.join("pki");
    assert_eq!(Path::new(&value("cutover-server.service", "ConditionPathExists")), keys);
}

#[test]
fn the_agents_own_limit_comes_before_the_units() {
    let unit = "cutover-agent.service";
    let (high, max) = (mib(unit, "MemoryHigh"), mib(unit, "MemoryMax"));
    assert!(agent::DEFAULT_MEMORY_LIMIT_MIB * 2 <= high && high < max);
    assert_eq!(value(unit, "RestartForceExitStatus"), EXIT_RESTART_ME.to_string());
    assert_eq!(value(unit, "SuccessExitStatus"), EXIT_RESTART_ME.to_string());
}

#[test]
fn both_are_told_by_notification_and_watched() {
    for unit in ["cutover-agent.service", "cutover-server.service"] {
        assert_eq!(value(unit, "Type"), "notify");
        assert_eq!(value(unit, "NotifyAccess"), "main");
        assert_eq!(value(unit, "Restart"), "on-failure");
        assert_eq!(value(unit, "WatchdogSec"), "3min");
    }
}
