//! A Linux of the ledger, as looks see it.

use cutover_agent::{facts::Tool, host::Fixture};
use cutover_proto::inventory::{OsFamily, PackageManager};

use crate::machine::{NOW_MS, State};

const DEBIAN: &str = "PRETTY_NAME=\"Debian GNU/Linux 12 (bookworm)\"\nID=debian\nVERSION_ID=\"12\"\n";
const FEDORA: &str = "PRETTY_NAME=\"Fedora Linux 40\"\nID=fedora\nVERSION_ID=40\n";
const LEAP: &str =
    "PRETTY_NAME=\"openSUSE Leap 15.6\"\nID=\"opensuse-leap\"\nID_LIKE=\"suse opensuse\"\nVERSION_ID=\"15.6\"\n";
const SLICE: &str = "/sys/fs/cgroup/system.slice";
/// What the kernel says of a group that it asks before a file is opened.
const ASKS: &str = "fanotify flags:34 event-flags:8000\nfanotify ino:1 sdev:2 mflags:0 mask:8030000 ignored_mask:0\n";
pub(crate) const ONBOARDING: &str = "/etc/opt/microsoft/mdatp/mdatp_onboard.json";
pub(crate) const ORGANISATION: &str = "7b6c1d1e-0000-4000-8000-000000000001";

pub(crate) fn seen(state: &State) -> Fixture {
    let (os_release, program) = match state.manager {
        PackageManager::Apt | PackageManager::Msi => (DEBIAN, "/usr/bin/apt-get"),
        PackageManager::Dnf => (FEDORA, "/usr/bin/dnf"),
        PackageManager::Yum => (FEDORA, "/usr/bin/yum"),
        PackageManager::Zypper => (LEAP, "/usr/bin/zypper"),
    };
    let uptime: &[u8] = if state.restarts == 0 {
        b"86400.00 1.00\n"
    } else {
        b"30.00 1.00\n"
    };
    let mut host = Fixture::bare(OsFamily::Linux, "a machine of the ledger")
        .with_file("/etc/os-release", os_release.as_bytes(), 0)
        .with_file(program, b"x", 0)
        .with_file("/proc/uptime", uptime, 0)
        .with_process(1, "systemd", Some("/usr/lib/systemd/systemd"))
        .with_mounts("22 1 8:1 / / rw - ext4 /dev/sda1 rw\n")
        .with_directory("/run/systemd/system")
        .with_directory(SLICE);
    host = with_packages(host, state);
    for (path, (contents, _)) in &state.files {
        host = with_ancestors(host, path).with_file(path, contents, NOW_MS);
    }
    for (number, group) in (900..).zip(&state.groups) {
        host = host.with_group(group, number);
    }
    for service in state.at_work.keys() {
        host = host.with_file(
            &format!("{SLICE}/{service}/cgroup.events"),
            b"populated 1\nfrozen 0\n",
            NOW_MS,
        );
    }
    with_products(host, state)
}

fn with_packages(host: Fixture, state: &State) -> Fixture {
    let names = state.packages.iter().map(String::as_str);
    if state.manager == PackageManager::Apt {
        let stanza = |name: &str| {
            format!(
                "Package: {name}\nStatus: install ok installed\nArchitecture: amd64\nVersion: 1.2-3\nDescription: a\n\n"
            )
        };
        let status: String = ["dpkg", "bash"].into_iter().chain(names).map(stanza).collect();
        host.with_file("/var/lib/dpkg/status", status.as_bytes(), NOW_MS)
    } else {
        let line = |name: &str| format!("{name}\t1.2-3\tx86_64\n");
        let list: String = ["rpm", "bash"].into_iter().chain(names).map(line).collect();
        host.with_tool(Tool::RpmQueryAll, &list, "")
    }
}

fn with_ancestors(mut host: Fixture, path: &str) -> Fixture {
    let slashes = path.match_indices('/').map(|(at, _)| at).skip(1);
    for at in slashes {
        host = host.with_directory(&path[..at]);
    }
    host
}

/// What products say of themselves, and what the kernel says of them.
fn with_products(mut host: Fixture, state: &State) -> Fixture {
    if state.is_at_work("kesl.service") {
        host = host.with_listener(400, "kesl", ASKS);
    }
    if state.is_at_work("klnagent64.service") {
        host = host.with_process(401, "klnagent", Some("/opt/kaspersky/klnagent64/sbin/klnagent"));
    }
    if state.is_at_work("clamav-daemon.service") {
        host = host.with_tool(Tool::ClamdVersion, "ClamAV 1.4.6\0", "");
    }
    if state.is_at_work("clamav-clamonacc.service") {
        host = host.with_listener(402, "clamonacc", ASKS);
    }
    if state.has("mdatp") {
        host = host.with_tool(Tool::MdatpHealth, &defender(state), "");
    }
    if state.has("falcon-sensor") {
        let said = state.customer.as_ref().map_or_else(
            || "cid is not set, aid is not set, rfm-state=false.\n".to_owned(),
            |customer| format!("cid=\"{customer}\", aid=\"f3edc954\", rfm-state=false.\n"),
        );
        host = host.with_tool(Tool::FalconState, &said, "");
    }
    host
}

/// What `mdatp health --output json` prints.
fn defender(state: &State) -> String {
    let is_onboarded = state.files.contains_key(ONBOARDING);
    let report = serde_json::json!({
        "healthy": is_onboarded,
        "healthIssues": if is_onboarded { vec![] } else { vec!["missing license"] },
        "licensed": is_onboarded,
        "orgId": if is_onboarded { ORGANISATION } else { "unavailable" },
        "realTimeProtectionEnabled": { "value": is_onboarded && !state.is_passive },
        "passiveModeEnabled": { "value": state.is_passive },
        "definitionsStatus": { "$type": if is_onboarded { "upToDate" } else { "unavailable" } },
        "conflictingApplications": [],
    });
    report.to_string()
}
