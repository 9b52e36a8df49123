//! Where to look on Linux.

use std::collections::BTreeSet;

use cutover_proto::{
    inventory::OsFamily,
    rule::{Look, Rule, Trace},
    verdict::Showing,
};

use super::{
    packages::{self, Packages},
    trail::{End, Trail},
};
use crate::{
    facts::{Answer, EntryKind, OsRelease, Package, PackageState, Process, UnitState},
    host::{HostPath, HostView, Links},
    parse,
};

/// Where systemd looks for units, first found first (systemd.unit(5)).
const UNIT_DIRS: &[&str] = &[
    "/etc/systemd/system",
    "/run/systemd/system",
    "/usr/local/lib/systemd/system",
    "/lib/systemd/system",
    "/usr/lib/systemd/system",
];
/// Units are a page of text.
const MAX_UNIT: u64 = 1 << 20;
const MAX_OS_RELEASE: u64 = 64 << 10;

/// What is read once for a whole look.
pub(crate) struct LinuxGround<'v> {
    view: &'v dyn HostView,
    pub(crate) os: Answer<OsRelease>,
    pub(crate) packages: Answer<Packages>,
    processes: Answer<Vec<Process>>,
}

impl<'v> LinuxGround<'v> {
    pub(crate) fn gather<'r>(view: &'v dyn HostView, rules: impl Iterator<Item = &'r Rule>) -> Self {
        let wanted: BTreeSet<&str> = rules.flat_map(package_names).collect();
        let os = os_release(view);
        Self {
            view,
            packages: packages::load(view, &os, &wanted),
            processes: view.processes(),
            os,
        }
    }

    /// Every trail that one look leaves: one per trace that is seen, one per trace that could not be looked for, or a
    /// single one that says that nothing is there.
    pub(crate) fn look(&self, look: &Look) -> Vec<Trail> {
        let ends = match &look.trace {
            Trace::Package { names } => self.packages(names, look.shows),
            Trace::Process { names } => self.processes(names, look.shows),
            Trace::Unit { names } => each(names, "no unit", |name| self.unit(name, look.shows)),
            Trace::Path { paths, .. } => each(paths, "nothing at", |path| self.path(path, look.shows)),
        };
        let trail = |end| Trail {
            kind: look.trace.kind(),
            need: look.need,
            would_show: look.shows,
            end,
        };
        ends.into_iter().map(trail).collect()
    }

    /// The packages that a rule names and that the database knows.
    pub(crate) fn packages_of(&self, rule: &Rule) -> Answer<Vec<Package>> {
        self.packages.as_ref().map(|packages| {
            package_names(rule)
                .flat_map(|name| packages.named(name))
                .cloned()
                .collect()
        })
    }

    fn packages(&self, names: &[String], shows: Showing) -> Vec<End> {
        let packages = match &self.packages {
            Answer::Found(packages) => packages,
            Answer::Absent | Answer::Unsupported => {
                return vec![End::NotChecked("no package database was found".into())];
            }
            Answer::Denied(why) | Answer::Failed(why) => return vec![End::NotChecked(why.clone())],
        };
        let seen = names
            .iter()
            .flat_map(|name| packages.named(name))
            .filter_map(|package| package_end(package, shows));
        or_nothing(seen.collect(), "no package", names)
    }

    fn processes(&self, names: &[String], shows: Showing) -> Vec<End> {
        let processes = match &self.processes {
            Answer::Found(processes) => processes,
            Answer::Absent | Answer::Unsupported => {
                return vec![End::NotHere("this host does not run, so it has no processes".into())];
            }
            Answer::Denied(why) | Answer::Failed(why) => return vec![End::NotChecked(why.clone())],
        };
        // Neither ids nor counts: they change without anything having changed. Nor directories: they may name a user.
        let seen = names
            .iter()
            .filter(|name| processes.iter().any(|process| process.runs_as(name)))
            .map(|name| End::Seen {
                shows,
                detail: format!("process {name}"),
                version: None,
            });
        or_nothing(seen.collect(), "no process", names)
    }

    fn unit(&self, name: &str, shows: Showing) -> Option<End> {
        let mut trouble = None;
        for dir in UNIT_DIRS {
            let path = HostPath::unix(dir).join(name);
            match self.view.stat(&path, Links::AsTheyAre) {
                Answer::Found(stat) => {
                    let state = self.unit_state(&path, stat.kind == EntryKind::Link);
                    return Some(End::Seen {
                        shows,
                        detail: match state {
                            Some(state) => format!("{path} ({state})"),
                            None => path.to_string(),
                        },
                        version: None,
                    });
                }
                Answer::Absent | Answer::Unsupported => {}
                Answer::Denied(why) | Answer::Failed(why) => {
                    trouble.get_or_insert(End::NotChecked(why));
                }
            }
        }
        trouble
    }

    /// `None` where that could not be told; the unit is there in any case.
    fn unit_state(&self, path: &HostPath, is_link: bool) -> Option<UnitState> {
        // systemd masks a unit by an empty file or a link to /dev/null (systemd.unit(5)).
        let stat = self.view.stat(path, Links::Followed).found();
        match stat.map(|stat| (stat.kind, stat.size)) {
            Some((EntryKind::Other, _)) if is_link => return Some(UnitState::Masked),
            Some((EntryKind::File, 0)) => return Some(UnitState::Masked),
            Some(_) => {}
            None => return None,
        }
        let unit = parse::unit::parse(&self.view.read(path, MAX_UNIT).found()?);
        let wants = unit.wanted_by.iter().flat_map(|target| {
            [".wants", ".requires"]
                .map(|suffix| HostPath::unix("/etc/systemd/system").join(&format!("{target}{suffix}")))
        });
        for dir in wants {
            match self.view.stat(&dir.join(path.name()), Links::AsTheyAre) {
                Answer::Found(_) => return Some(UnitState::Enabled),
                Answer::Absent | Answer::Unsupported => {}
                Answer::Denied(_) | Answer::Failed(_) => return None,
            }
        }
        Some(UnitState::Disabled)
    }

    fn path(&self, path: &str, shows: Showing) -> Option<End> {
        match self.view.stat(&HostPath::unix(path), Links::AsTheyAre) {
            Answer::Found(_) => Some(End::Seen {
                shows,
                detail: path.to_owned(),
                version: None,
            }),
            Answer::Absent | Answer::Unsupported => None,
            Answer::Denied(why) | Answer::Failed(why) => Some(End::NotChecked(why)),
        }
    }
}

/// What the system calls itself, from the first of the two places of os-release(5) that has it.
fn os_release(view: &dyn HostView) -> Answer<OsRelease> {
    let read = |path| {
        view.read(&HostPath::unix(path), MAX_OS_RELEASE)
            .map(|bytes| parse::os_release::parse(&bytes))
    };
    match read("/etc/os-release") {
        Answer::Absent | Answer::Unsupported => read("/usr/lib/os-release"),
        other @ (Answer::Found(_) | Answer::Denied(_) | Answer::Failed(_)) => other,
    }
}

fn package_names(rule: &Rule) -> impl Iterator<Item = &str> {
    rule.looks_on(OsFamily::Linux).flat_map(|look| {
        match &look.trace {
            Trace::Package { names } => names.as_slice(),
            Trace::Unit { .. } | Trace::Process { .. } | Trace::Path { .. } => &[],
        }
        .iter()
        .map(String::as_str)
    })
}

fn package_end(package: &Package, shows: Showing) -> Option<End> {
    let Package {
        name, version, state, ..
    } = package;
    let (shows, detail) = match state {
        PackageState::NotInstalled => return None,
        PackageState::ConfigFiles => (
            Showing::Remnant,
            format!("{name} {version} (only its configuration files remain)"),
        ),
        PackageState::Installed => (shows, format!("{name} {version}")),
        PackageState::HalfInstalled
        | PackageState::Unpacked
        | PackageState::HalfConfigured
        | PackageState::TriggersAwaited
        | PackageState::TriggersPending => (shows, format!("{name} {version} ({state})")),
    };
    Some(End::Seen {
        shows,
        detail,
        version: Some(version.clone()),
    })
}

fn each(wanted: &[String], nothing: &str, look: impl Fn(&str) -> Option<End>) -> Vec<End> {
    or_nothing(
        wanted.iter().filter_map(|wanted| look(wanted)).collect(),
        nothing,
        wanted,
    )
}

fn or_nothing(mut ends: Vec<End>, nothing: &str, wanted: &[String]) -> Vec<End> {
    if ends.is_empty() {
        ends.push(End::Nothing(format!("{nothing} {}", wanted.join(", "))));
    }
    ends
}
