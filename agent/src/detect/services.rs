//! Whether a service is at work, by its control group.
//!
//! The kernel answers, not the service manager: a group that holds a running process cannot be left over from another
//! day, as a pid file can, nor does the look start a program, wait for a bus, or depend on a manager that hangs. The price:
//! only services are seen whose group lies where systemd puts it by default, and one that does its work and leaves no
//! process behind is not at work. On Windows the service manager is asked, which keeps no service for running whose process
//! has ended.

use cutover_proto::inventory::OsFamily;

use crate::{
    facts::{Answer, Question, Reply, ServiceState, WindowsService},
    host::{HostPath, HostView, Links},
    parse,
};

/// systemd makes it at its start, as sd_booted(3) says.
const SYSTEMD: &str = "/run/systemd/system";
/// Where systemd keeps services' groups: of the one hierarchy of version 2, and of its own of version 1, which it also
/// keeps beside version 2.
const VERSION_2: &str = "/sys/fs/cgroup/system.slice";
const VERSION_1: &str = "/sys/fs/cgroup/systemd/system.slice";
/// Two short lines.
const MAX_EVENTS: u64 = 4096;
/// A line of at most eleven bytes a process.
const MAX_PROCS: u64 = 1 << 20;

/// `Found`: at work. `Absent`: not. `Unsupported`: no service manager runs here.
pub(crate) fn at_work(view: &dyn HostView, service: &str) -> Answer<()> {
    if view.os_family() == OsFamily::Windows {
        return by_manager(view, service);
    }
    let is_there = |path: &str| view.stat(&HostPath::unix(path), Links::Followed).map(|_| ());
    // A root that does not run has no kernel session, whatever lies in it.
    match view.boot_id() {
        Answer::Found(_) | Answer::Absent => {}
        Answer::Unsupported => return Answer::Unsupported,
        Answer::Denied(why) => return Answer::Denied(why),
        Answer::Failed(why) => return Answer::Failed(why),
    }
    match is_there(SYSTEMD) {
        Answer::Found(()) => {}
        Answer::Absent | Answer::Unsupported => return Answer::Unsupported,
        Answer::Denied(why) => return Answer::Denied(why),
        Answer::Failed(why) => return Answer::Failed(why),
    }
    match is_there(VERSION_2) {
        Answer::Found(()) => return by_events(view, service),
        Answer::Absent | Answer::Unsupported => {}
        Answer::Denied(why) => return Answer::Denied(why),
        Answer::Failed(why) => return Answer::Failed(why),
    }
    is_there(VERSION_1)
        .expected(|| "systemd's control groups cannot be seen below /sys/fs/cgroup; mount it".to_owned())
        .and_then(|()| by_processes(view, service))
}

fn by_manager(view: &dyn HostView, service: &str) -> Answer<()> {
    let services = view.ask(&Question::Services).parsed(Reply::services);
    services.and_then(|services| {
        let its = |it: &&WindowsService| !it.is_driver && it.name.eq_ignore_ascii_case(service);
        match services.iter().find(its).map(|it| it.state) {
            Some(Some(ServiceState::Running)) => Answer::Found(()),
            Some(Some(ServiceState::Stopped)) | None => Answer::Absent,
            // Nothing runs that could be asked.
            Some(None) => Answer::Unsupported,
        }
    })
}

fn by_events(view: &dyn HostView, service: &str) -> Answer<()> {
    let file = HostPath::unix(VERSION_2).join(service).join("cgroup.events");
    view.read(&file, MAX_EVENTS)
        .parsed(|bytes| parse::cgroup::events(&bytes))
        .and_then(|events| {
            if events.populated && !events.frozen {
                Answer::Found(())
            } else {
                Answer::Absent
            }
        })
}

fn by_processes(view: &dyn HostView, service: &str) -> Answer<()> {
    let file = HostPath::unix(VERSION_1).join(service).join("cgroup.procs");
    view.read(&file, MAX_PROCS).and_then(|bytes| {
        if bytes.trim_ascii().is_empty() {
            Answer::Absent
        } else {
            Answer::Found(())
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::host::Fixture;

    const UNIT: &str = "clamav-daemon.service";

    fn booted() -> Fixture {
        Fixture::bare(OsFamily::Linux, "booted").with_directory(SYSTEMD)
    }

    fn version_2(events: &str) -> Fixture {
        booted()
            .with_directory(VERSION_2)
            .with_file(&format!("{VERSION_2}/{UNIT}/cgroup.events"), events.as_bytes(), 0)
    }

    #[test]
    fn a_service_is_at_work_when_its_group_holds_a_process_that_runs() {
        assert_eq!(at_work(&version_2("populated 1\nfrozen 0\n"), UNIT), Answer::Found(()));
        assert_eq!(at_work(&version_2("populated 0\nfrozen 0\n"), UNIT), Answer::Absent);
        assert_eq!(at_work(&version_2("populated 1\nfrozen 1\n"), UNIT), Answer::Absent);
        assert_eq!(at_work(&booted().with_directory(VERSION_2), UNIT), Answer::Absent);
        assert!(matches!(at_work(&version_2(""), UNIT), Answer::Failed(_)));
    }

    #[test]
    fn a_service_of_windows_is_at_work_by_its_managers_word() {
        let host = Fixture::windows("services")
            .with_service("Sense", r"C:\Program Files\Sense.exe", true)
            .with_service("WinDefend", r"C:\Program Files\MsMpEng.exe", false)
            .with_driver("WdFilter", r"System32\drivers\wd\WdFilter.sys", true);
        assert_eq!(at_work(&host, "sense"), Answer::Found(()));
        assert_eq!(at_work(&host, "WinDefend"), Answer::Absent);
        assert_eq!(at_work(&host, "CSFalconService"), Answer::Absent, "it is not there");
        assert_eq!(at_work(&host, "WdFilter"), Answer::Absent, "a driver is no service");
        let silent = host.with_no_reply(&Question::Services, Answer::Denied("not for you".to_owned()));
        assert_eq!(at_work(&silent, "Sense"), Answer::Denied("not for you".to_owned()));
    }

    #[test]
    fn the_older_hierarchy_is_read_by_its_processes() {
        let host = |procs: &[u8]| {
            booted()
                .with_directory(VERSION_1)
                .with_file(&format!("{VERSION_1}/{UNIT}/cgroup.procs"), procs, 0)
        };
        assert_eq!(at_work(&host(b"812\n"), UNIT), Answer::Found(()));
        assert_eq!(at_work(&host(b""), UNIT), Answer::Absent);
    }

    #[test]
    fn without_control_groups_nothing_is_known_and_without_systemd_nothing_runs() {
        let Answer::Failed(why) = at_work(&booted(), UNIT) else {
            panic!("groups that cannot be seen are no answer");
        };
        assert!(why.contains("mount it"), "{why}");
        let no_systemd = Fixture::bare(OsFamily::Linux, "another init").with_directory(VERSION_2);
        assert_eq!(at_work(&no_systemd, UNIT), Answer::Unsupported);
        let mut offline = version_2("populated 1\nfrozen 0\n");
        offline.boot_id = Some(Answer::Unsupported);
        assert_eq!(at_work(&offline, UNIT), Answer::Unsupported);
    }
}
