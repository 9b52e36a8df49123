//! Where to look on Linux.

use std::{cell::OnceCell, collections::BTreeSet};

use cutover_proto::{
    inventory::OsFamily,
    rule::{Look, Need, Rule, Trace},
    verdict::Showing,
};

use super::{
    kernel_modules, listeners,
    packages::{self, Packages},
    services::at_work,
    trail::{End, Trail},
    trust_store::TrustStore,
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
/// Where systemd itself keeps units that it was told of, or made of something else (a script in /etc/init.d). They end with
/// the system.
const MADE_UNIT_DIRS: &[&str] = &[
    "/run/systemd/transient",
    "/run/systemd/generator.early",
    "/run/systemd/generator",
    "/run/systemd/generator.late",
];
/// Where people and programs put what changes a unit that lies elsewhere: directories named after it, with `.d`.
const DROP_IN_DIRS: &[&str] = &["/etc/systemd/system", "/run/systemd/system"];
/// Units are a page of text.
const MAX_UNIT: u64 = 1 << 20;
const MAX_OS_RELEASE: u64 = 64 << 10;

/// What is read once for a whole look.
pub(crate) struct LinuxGround<'v> {
    view: &'v dyn HostView,
    pub(crate) os: Answer<OsRelease>,
    pub(crate) packages: Answer<Packages>,
    processes: Answer<Vec<Process>>,
    /// Read when the first rule asks.
    modules: OnceCell<Answer<Vec<String>>>,
    blocking: OnceCell<Answer<Vec<Process>>>,
    trust_store: OnceCell<TrustStore>,
}

impl<'v> LinuxGround<'v> {
    pub(crate) fn gather<'r>(view: &'v dyn HostView, rules: impl Iterator<Item = &'r Rule>) -> Self {
        let wanted: BTreeSet<&str> = rules.flat_map(|rule| rule.package_names(OsFamily::Linux)).collect();
        let os = os_release(view);
        Self {
            view,
            packages: packages::load(view, &os, &wanted),
            processes: view.processes(),
            modules: OnceCell::new(),
            blocking: OnceCell::new(),
            trust_store: OnceCell::new(),
            os,
        }
    }

    /// Every trail that one look leaves: one per trace that is seen, one per trace that could not be looked for, or a
    /// single one that says that nothing is there.
    pub(crate) fn look(&self, look: &Look) -> Vec<Trail> {
        let ends = match &look.trace {
            Trace::Package { names } => self.packages(names, look.shows),
            Trace::Process { names, .. } => self.processes_like(names, look.shows),
            Trace::Unit { names } => each(names, "no unit", |name| self.unit(name, look.shows)),
            Trace::Service { names } => self.services(names, look.shows),
            Trace::Path { paths, .. } => each(paths, "nothing at", |path| self.path(path, look.shows)),
            Trace::Group { names, .. } => each(names, "no group", |name| self.group(name, look.shows)),
            Trace::Module { names, prefixes } => {
                let loaded = self.modules.get_or_init(|| kernel_modules::loaded(self.view));
                let wanted = [names.as_slice(), prefixes].concat();
                let ends = kernel_modules::ends(loaded, names, prefixes, look.shows);
                or_nothing(ends, "no kernel module", &wanted)
            }
            Trace::Listener { names } => {
                let ends = listeners::ends(self.blocking(), names, look.shows);
                or_nothing(ends, "no file is intercepted by", names)
            }
            Trace::Certificate { subjects, .. } => {
                let wanted: Vec<String> = subjects.iter().map(ToString::to_string).collect();
                let ends = self.trust_store().ends(subjects, look.shows);
                or_nothing(ends, "no certificate", &wanted)
            }
            Trace::UninstallKey { .. }
            | Trace::WindowsService(_)
            | Trace::Driver(_)
            | Trace::File { .. }
            | Trace::WindowsPath { .. }
            | Trace::SecurityCenter { .. }
            | Trace::RegistryKey { .. }
            | Trace::BrowserExtension { .. }
            | Trace::ScheduledTask { .. }
            | Trace::Receipt { .. }
            | Trace::Bundle { .. }
            | Trace::SystemExtension { .. }
            | Trace::Component { .. } => vec![End::NotChecked(super::not_of_this_system(look))],
        };
        let beside = if let Trace::Unit { names } = &look.trace {
            self.beside_units(names)
        } else {
            Vec::new()
        };
        let trail = |need, would_show| {
            move |end| Trail {
                kind: look.trace.kind(),
                need,
                would_show,
                end,
            }
        };
        let beside = beside.into_iter().map(trail(Need::Supplementary, Showing::Remnant));
        ends.into_iter()
            .map(trail(look.need, look.shows))
            .chain(beside)
            .collect()
    }

    /// The packages that a rule names and that the database knows.
    pub(crate) fn packages_of(&self, rule: &Rule) -> Answer<Vec<Package>> {
        self.packages.as_ref().and_then(|packages| {
            if let Some(why) = rule
                .package_names(OsFamily::Linux)
                .find_map(|name| packages.doubt(name))
            {
                return Answer::Failed(why.to_owned());
            }
            Answer::Found(
                rule.package_names(OsFamily::Linux)
                    .flat_map(|name| packages.named(name))
                    .cloned()
                    .collect(),
            )
        })
    }

    pub(crate) const fn processes(&self) -> &Answer<Vec<Process>> {
        &self.processes
    }

    /// The processes that decide whether files may be opened.
    pub(crate) fn blocking(&self) -> &Answer<Vec<Process>> {
        self.blocking.get_or_init(|| listeners::blocking(self.view.listeners()))
    }

    fn trust_store(&self) -> &TrustStore {
        self.trust_store.get_or_init(|| TrustStore::read(self.view))
    }

    fn group(&self, name: &str, shows: Showing) -> Option<End> {
        match self.view.group(name) {
            Answer::Found(_) => Some(End::Seen {
                shows,
                detail: format!("group {name}"),
                version: None,
            }),
            Answer::Absent | Answer::Unsupported => None,
            Answer::Denied(why) | Answer::Failed(why) => Some(End::NotChecked(why)),
        }
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
        let doubt = names
            .iter()
            .find_map(|name| packages.doubt(name))
            .map(|why| End::NotChecked(why.to_owned()));
        or_nothing(seen.chain(doubt).collect(), "no package", names)
    }

    fn processes_like(&self, names: &[String], shows: Showing) -> Vec<End> {
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

    fn services(&self, names: &[String], shows: Showing) -> Vec<End> {
        let mut ends = Vec::new();
        for name in names {
            match at_work(self.view, name) {
                Answer::Found(()) => ends.push(End::Seen {
                    shows,
                    detail: format!("{name} (at work)"),
                    version: None,
                }),
                Answer::Absent => {}
                Answer::Unsupported => {
                    return vec![End::NotHere(
                        "systemd does not run here, so no service of it does".into(),
                    )];
                }
                Answer::Denied(why) | Answer::Failed(why) => ends.push(End::NotChecked(why)),
            }
        }
        or_nothing(ends, "not at work:", names)
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

    /// What is beside units: made ones, and what changes one that is not there. Whatever the unit itself would show, this
    /// is no more than left behind, and a host on which it cannot be looked for is not unknown for it.
    fn beside_units(&self, names: &[String]) -> Vec<End> {
        let made = names
            .iter()
            .flat_map(|name| MADE_UNIT_DIRS.iter().map(move |dir| HostPath::unix(dir).join(name)));
        let drop_ins = names
            .iter()
            .filter(|name| !matches!(self.unit(name, Showing::Remnant), Some(End::Seen { .. })))
            .flat_map(|name| {
                DROP_IN_DIRS
                    .iter()
                    .map(move |dir| HostPath::unix(dir).join(&format!("{name}.d")))
            });
        let mut ends: Vec<End> = Vec::new();
        for end in made
            .chain(drop_ins)
            .filter_map(|path| self.path(path.as_str(), Showing::Remnant))
        {
            if !ends.contains(&end) {
                ends.push(end);
            }
        }
        ends
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
