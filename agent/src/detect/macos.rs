//! Where to look on macOS.

use std::cell::OnceCell;

use cutover_proto::{
    rule::{Look, Pattern, Trace},
    subject::Subject,
    verdict::Showing,
};

use super::{
    ends::{or_nothing, seen},
    trail::{End, Trail},
    windows::{any, extensions},
};
use crate::{
    facts::{Answer, Entry, EntryKind, Process, Tool},
    host::{HostPath, HostView, Links},
    parse::{self, property_list, system_extensions::SystemExtension},
};

const APPLICATIONS: &str = "/Applications";
/// What macOS says of an extension whose end waits for the next start.
const LEAVING: &str = "terminated";
/// And of one at work.
const ACTIVE: &str = "activated enabled";

/// What is asked once for a whole look.
pub(crate) struct MacGround<'v> {
    view: &'v dyn HostView,
    receipts: OnceCell<Answer<Vec<String>>>,
    applications: OnceCell<Answer<Vec<Entry>>>,
    extensions: OnceCell<Answer<Vec<SystemExtension>>>,
    processes: OnceCell<Answer<Vec<Process>>>,
    roots: OnceCell<Answer<Vec<(String, String)>>>,
}

impl<'v> MacGround<'v> {
    pub(crate) fn gather(view: &'v dyn HostView) -> Self {
        Self {
            view,
            receipts: OnceCell::new(),
            applications: OnceCell::new(),
            extensions: OnceCell::new(),
            processes: OnceCell::new(),
            roots: OnceCell::new(),
        }
    }

    /// Every trail that one look leaves.
    pub(crate) fn look(&self, look: &Look) -> Vec<Trail> {
        let shows = look.shows;
        let ends = match &look.trace {
            Trace::Receipt { names } => self.receipts_like(names, shows),
            Trace::Bundle { names } => self.bundles_like(names, shows),
            Trace::SystemExtension { identifiers, teams } => self.extensions_like(identifiers, teams, shows),
            Trace::Process { names, images } => self.processes_like(names, images, shows),
            Trace::Path { paths, .. } => paths.iter().filter_map(|path| self.path(path, shows)).collect(),
            Trace::Certificate { subjects, .. } => self.certificates(subjects, shows),
            Trace::BrowserExtension { ids } => extensions(self.view, ids, shows),
            Trace::Package { .. }
            | Trace::Unit { .. }
            | Trace::Module { .. }
            | Trace::Listener { .. }
            | Trace::Group { .. }
            | Trace::Service { .. }
            | Trace::UninstallKey { .. }
            | Trace::WindowsService(_)
            | Trace::Driver(_)
            | Trace::File { .. }
            | Trace::WindowsPath { .. }
            | Trace::SecurityCenter { .. }
            | Trace::RegistryKey { .. }
            | Trace::ScheduledTask { .. }
            | Trace::Component { .. } => vec![End::NotChecked(super::not_of_this_system(look))],
        };
        let ends = or_nothing(ends, || format!("no {}", look.trace.kind()));
        ends.into_iter().map(|end| Trail::of(look, end)).collect()
    }

    fn receipts_like(&self, names: &[Pattern], shows: Showing) -> Vec<End> {
        let receipts = self.receipts.get_or_init(|| {
            let said = self.view.tool(Tool::Receipts);
            said.expected(|| "pkgutil is missing, which every macOS has".into())
                .parsed(|said| match receipts(&said.stdout) {
                    // Every Mac has some of Apple's own.
                    ids if ids.is_empty() => Err("pkgutil lists no receipt at all, so its list was not read"),
                    ids => Ok(ids),
                })
        });
        each(receipts, |ids| {
            let found = ids.iter().filter(|id| any(names, id));
            found.map(|id| seen(shows, format!("receipt {id}"))).collect()
        })
    }

    fn bundles_like(&self, names: &[Pattern], shows: Showing) -> Vec<End> {
        let applications = self.applications.get_or_init(|| {
            let listed = self.view.list(&HostPath::unix(APPLICATIONS));
            listed.expected(|| format!("{APPLICATIONS} is missing, which every macOS has"))
        });
        each(applications, |entries| {
            let found = entries
                .iter()
                .filter(|entry| entry.kind != EntryKind::File && any(names, &entry.name));
            found
                .map(|entry| End::Seen {
                    shows,
                    detail: format!("{APPLICATIONS}/{}", entry.name),
                    version: self.bundle_version(&entry.name),
                })
                .collect()
        })
    }

    /// By its property list; that one cannot be read says nothing about whether the application is there.
    fn bundle_version(&self, bundle: &str) -> Option<String> {
        let list = HostPath::unix(APPLICATIONS).join(bundle).join("Contents/Info.plist");
        let read = self.view.read(&list, property_list::MAX);
        read.parsed(|bytes| property_list::bundle_version(&bytes)).found()?
    }

    fn extensions_like(&self, identifiers: &[Pattern], teams: &[String], shows: Showing) -> Vec<End> {
        let listed = self.extensions();
        if matches!(listed, Answer::Absent | Answer::Unsupported) {
            return vec![End::NotHere("this macOS has no system extensions".into())];
        }
        each(listed, |listed| {
            let is_meant = |one: &&SystemExtension| {
                (identifiers.is_empty() || any(identifiers, &one.identifier))
                    && (teams.is_empty() || teams.contains(&one.team))
            };
            listed
                .iter()
                .filter(is_meant)
                .map(|one| extension(one, shows))
                .collect()
        })
    }

    /// Those that are listed.
    pub(crate) fn extensions(&self) -> &Answer<Vec<SystemExtension>> {
        self.extensions.get_or_init(|| {
            self.view
                .tool(Tool::SystemExtensions)
                .parsed(|said| parse::system_extensions::parse(&said.stdout))
        })
    }

    fn processes_like(&self, names: &[String], images: &[Pattern], shows: Showing) -> Vec<End> {
        let processes = self.processes.get_or_init(|| self.view.processes());
        if matches!(processes, Answer::Absent | Answer::Unsupported) {
            return vec![End::NotHere("this host does not run, so it has no processes".into())];
        }
        each(processes, |processes| {
            let is_meant = |process: &Process, name: &str| {
                process.runs_as(name) && (images.is_empty() || process.executable().is_none_or(|exe| any(images, exe)))
            };
            names
                .iter()
                .filter(|name| processes.iter().any(|process| is_meant(process, name)))
                .map(|name| seen(shows, format!("process {name}")))
                .collect()
        })
    }

    fn path(&self, path: &str, shows: Showing) -> Option<End> {
        match self.view.stat(&HostPath::unix(path), Links::AsTheyAre) {
            Answer::Found(_) => Some(seen(shows, path.to_owned())),
            Answer::Absent | Answer::Unsupported => None,
            Answer::Denied(why) | Answer::Failed(why) => Some(End::NotChecked(why)),
        }
    }

    fn certificates(&self, subjects: &[Subject], shows: Showing) -> Vec<End> {
        let roots = self.roots.get_or_init(|| {
            let said = self.view.tool(Tool::SystemKeychain);
            let both = |it: parse::certificate::Subject| (it.common_name, it.organization);
            said.parsed(|said| {
                parse::certificate::subjects(&said.stdout).map(|found| found.into_iter().map(both).collect())
            })
        });
        each(roots, |roots| {
            let is_meant = |subject: &&Subject| roots.iter().any(|(name, of)| subject.is(name, of));
            let found = subjects.iter().filter(is_meant);
            found
                .map(|subject| seen(shows, format!("certificate {subject} in the system's keychain")))
                .collect()
        })
    }
}

fn receipts(bytes: &[u8]) -> Vec<String> {
    let text = String::from_utf8_lossy(bytes);
    let ids = text.lines().map(str::trim).filter(|id| !id.is_empty());
    ids.map(str::to_owned).collect()
}

fn extension(one: &SystemExtension, shows: Showing) -> End {
    let SystemExtension {
        identifier,
        team,
        version,
        state,
    } = one;
    let shows = match shows {
        _ if state.starts_with(LEAVING) => Showing::Remnant,
        Showing::Installed if state == ACTIVE => Showing::Running,
        shows @ (Showing::Installed | Showing::Running | Showing::Remnant | Showing::Embedded) => shows,
    };
    let state = if state.is_empty() { "listed" } else { state.as_str() };
    End::Seen {
        shows,
        detail: format!("system extension {identifier} {version} of team {team} ({state})"),
        version: Some(version.clone()).filter(|version| !version.is_empty()),
    }
}

/// What the list holds; why nothing is known where it could not be read.
fn each<T>(list: &Answer<T>, ends: impl FnOnce(&T) -> Vec<End>) -> Vec<End> {
    match list {
        Answer::Found(list) => ends(list),
        Answer::Absent | Answer::Unsupported => Vec::new(),
        Answer::Denied(why) | Answer::Failed(why) => vec![End::NotChecked(why.clone())],
    }
}
