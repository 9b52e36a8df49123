//! Hosts with ClamAV as a service, in every state of health.

use super::plants::{DAY_MS, NOW_MS, debian, installed};
use crate::{
    facts::{Answer, Tool},
    host::Fixture,
};

/// What the kernel says of a clamonacc that may deny, and of one that only listens.
pub(super) const ASKS: &str =
    "fanotify flags:34 event-flags:8000\nfanotify ino:1 sdev:2 mflags:0 mask:8030000 ignored_mask:0\n";
pub(super) const LISTENS: &str =
    "fanotify flags:34 event-flags:8000\nfanotify ino:1 sdev:2 mflags:0 mask:800002b ignored_mask:0\n";

/// ClamAV as a service, healthy; `said` is clamd's answer.
pub(super) fn clamd(about: &str, said: &str) -> Fixture {
    let packages = [
        installed("clamav-daemon", "1.4.6+dfsg-1"),
        installed("clamav-freshclam", "1.4.6+dfsg-1"),
    ];
    ["clamav-daemon.service", "clamav-freshclam.service"]
        .iter()
        .fold(debian(about, &packages), |host, service| at_work(host, service, true))
        .with_directory("/run/systemd/system")
        .with_file("/usr/sbin/clamd", b"x", 0)
        .with_file("/var/lib/clamav/daily.cld", b"x", NOW_MS - DAY_MS)
        .with_tool(Tool::ClamdVersion, said, "")
}

pub(super) fn at_work(host: Fixture, service: &str, is: bool) -> Fixture {
    let events = format!("populated {}\nfrozen 0\n", u8::from(is));
    let group = format!("/sys/fs/cgroup/system.slice/{service}");
    host.with_directory("/sys/fs/cgroup/system.slice").with_file(
        &format!("{group}/cgroup.events"),
        events.as_bytes(),
        0,
    )
}

/// The same with clamonacc before it.
pub(super) fn on_access(about: &str, group: &str) -> Fixture {
    set_up_on_access(about).with_listener(77, "clamonacc", group)
}

fn set_up_on_access(about: &str) -> Fixture {
    at_work(clamd(about, FRESH), "clamav-clamonacc.service", true)
        .with_file("/usr/sbin/clamonacc", b"x", 0)
        .with_file("/etc/clamav/clamonacc.conf", b"x", 0)
}

/// Three days before [`NOW_MS`].
pub(super) const FRESH: &str = "ClamAV 1.4.6/27500/Tue Sep 17 09:30:12 2024\0";

pub(super) fn services() -> Vec<Fixture> {
    let clamd_without = |about: &str, path: &str, list: Option<&str>| {
        let mut host = clamd(about, FRESH);
        host.files.remove(path);
        host.stats.remove(path);
        host.link_stats.remove(path);
        if let Some(list) = list {
            host.lists.insert(list.to_owned(), Answer::Found(Vec::new()));
        }
        host
    };
    let mut offline = clamd("clamd offline", FRESH);
    offline.boot_id = Some(Answer::Unsupported);
    offline.processes = Some(Answer::Unsupported);
    vec![
        clamd("clamd healthy", FRESH),
        clamd("clamd with signatures of its own", "ClamAV 1.4.6\0"),
        clamd(
            "clamd loaded no newer ones",
            "ClamAV 1.4.6/27500/Tue Sep  3 09:30:12 2024\0",
        ),
        clamd("clamd says nonsense", "BUSY\0"),
        at_work(clamd("clamd dead", FRESH), "clamav-daemon.service", false),
        at_work(clamd("freshclam dead", FRESH), "clamav-freshclam.service", false),
        clamd_without(
            "clamd without signatures",
            "/var/lib/clamav/daily.cld",
            Some("/var/lib/clamav"),
        ),
        clamd_without("clamd, systemd does not run", "/run/systemd/system", None),
        offline,
        on_access("clamonacc asks", ASKS),
        on_access("clamonacc only listens", LISTENS),
        set_up_on_access("clamonacc ended"),
        at_work(on_access("clamonacc dead", ASKS), "clamav-clamonacc.service", false),
    ]
}
