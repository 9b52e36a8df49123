//! What tells who put a target there: what installers wrote down of it, and what installs software on this machine. Read where a
//! target is, and nowhere else; no program is asked. What cannot be read says nothing: that is unknown, and never nobody.

use cutover_proto::{
    deployer::{self, Deployer},
    inventory::OsFamily,
    placed::{MAX_TRACES, Placed, PlacedBy, PlacedRecord, PlacedTrace, plain},
    rule::{Look, Rule, Trace},
};

use super::windows::{WindowsGround, any};
use crate::{
    facts::{Answer, Question},
    host::{HostPath, HostView, Links, Redaction},
    parse::{
        install_history,
        installs::{self, Install},
        upkeep,
    },
};

const APT: &str = "/var/log/apt/history.log";
const DPKG: &str = "/var/log/dpkg.log";
/// Of dnf, and of the yum before it. dnf 5 keeps its history where only a program reads it.
const RPM: [&str; 2] = ["/var/log/dnf.rpm.log", "/var/log/yum.log"];
const ZYPP: &str = "/var/log/zypp/history";
const MAC: &str = "/Library/Receipts/InstallHistory.plist";

fn told(traces: Vec<PlacedTrace>, is_there: impl Fn(&Deployer) -> bool) -> Option<Placed> {
    let deployers = deployer::deployers().iter().filter(|it| is_there(it));
    let placed = Placed {
        traces,
        deployers: deployers.map(|it| it.name.clone()).collect(),
    };
    Some(placed).filter(|placed| !placed.is_empty())
}

/// The folders in which Windows Installer found its packages. Where a user is named in one, he is taken out.
pub(super) fn on_windows(view: &dyn HostView, ground: &WindowsGround<'_>, rule: &Rule) -> Option<Placed> {
    let mut traces: Vec<PlacedTrace> = Vec::new();
    for (entry, is_users) in ground.entries_of(rule) {
        let trace = PlacedTrace {
            record: PlacedRecord::UninstallKey,
            what: plain(&Redaction::default().text(entry.source.trim())),
            by: is_users.then_some(PlacedBy::Person),
            day: upkeep::installer_day(&entry.installed),
        };
        let is_news = !trace.what.is_empty() || is_users;
        if is_news && traces.len() < MAX_TRACES && !traces.contains(&trace) {
            traces.push(trace);
        }
    }
    told(traces, |it| {
        it.windows().iter().any(|path| ground.is_there(path)) || it.keys.iter().any(|key| has_key(view, key))
    })
}

fn has_key(view: &dyn HostView, key: &str) -> bool {
    let question = Question::Registry {
        is_32: false,
        key: key.to_owned(),
        values: Vec::new(),
    };
    view.ask(&question).is_found()
}

/// The newest word of the package managers' logs on the rule's packages. Rotated ones are packed, and not read.
pub(super) fn on_linux(view: &dyn HostView, rule: &Rule) -> Option<Placed> {
    let packages: Vec<&str> = rule.package_names(OsFamily::Linux).collect();
    let log = |file: &str| view.read(&HostPath::unix(file), installs::MAX_LOG).found();
    let newest = |file: &str, read: fn(&[u8], &[&str]) -> Option<Install>| read(&log(file)?, &packages);
    let apt = newest(APT, installs::apt).map(|it| trace(PlacedRecord::AptHistory, it));
    let dpkg = newest(DPKG, installs::dpkg).map(|it| trace(PlacedRecord::DpkgLog, it));
    // apt lets dpkg do the work, so that both know of it; what only dpkg knows was done without apt.
    let by_dpkg = match (apt, dpkg) {
        (Some(apt), Some(dpkg)) if dpkg.day > apt.day => Some(dpkg),
        (Some(apt), _) => Some(apt),
        (None, dpkg) => dpkg,
    };
    let rpm = RPM.iter().find_map(|file| newest(file, installs::rpm));
    let rpm = rpm.map(|it| trace(PlacedRecord::RpmLog, it));
    let zypp = newest(ZYPP, installs::zypp).map(|it| trace(PlacedRecord::ZyppHistory, it));
    let traces = [by_dpkg, zypp, rpm].into_iter().flatten().collect();
    told(traces, |it| lies(view, &it.linux))
}

/// And the day, which no other look at a Mac tells.
pub(super) fn on_macos(view: &dyn HostView, rule: &Rule) -> (Option<Placed>, Option<i32>) {
    let is_meant = |id: &str| {
        let names = |look: &Look| {
            if let Trace::Receipt { names } = &look.trace {
                any(names, id)
            } else {
                false
            }
        };
        rule.looks_on(OsFamily::Macos).any(names)
    };
    let list = view.read(&HostPath::unix(MAC), install_history::MAX).found();
    let newest = list.and_then(|bytes| install_history::newest(&bytes, is_meant));
    let day = newest.as_ref().and_then(|install| install.day);
    let traces = newest.map(|it| trace(PlacedRecord::InstallHistory, it));
    (told(traces.into_iter().collect(), |it| lies(view, &it.macos)), day)
}

fn lies(view: &dyn HostView, places: &[String]) -> bool {
    let found = |place: &String| view.stat(&HostPath::unix(place), Links::Followed);
    places.iter().any(|place| matches!(found(place), Answer::Found(_)))
}

fn trace(record: PlacedRecord, install: Install) -> PlacedTrace {
    PlacedTrace {
        record,
        what: plain(&install.called),
        by: install
            .by_person
            .map(|is| if is { PlacedBy::Person } else { PlacedBy::System }),
        day: install.day,
    }
}
