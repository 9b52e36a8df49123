//! Where to look on Windows.

use std::cell::OnceCell;

use cutover_proto::{
    rule::{KnownFolder, Look, Need, Trace},
    verdict::Showing,
};

use super::{
    ends::{or_nothing, seen},
    trail::{End, Trail},
};
use crate::{
    facts::{
        Answer, FileIdentity, Process, Question, Reply, RootSubject, SecurityProduct, UninstallEntries, UninstallPlace,
        WindowsService,
    },
    host::{HostPath, HostView, Links},
    parse,
};

mod component;
mod driven;
mod paths;
mod uninstall;

/// What is asked once for a whole look.
pub(crate) struct WindowsGround<'v> {
    view: &'v dyn HostView,
    folders: [OnceCell<Answer<String>>; 4],
    machine: OnceCell<UninstallEntries>,
    users: OnceCell<Answer<UninstallEntries>>,
    services: OnceCell<Answer<Vec<WindowsService>>>,
    processes: OnceCell<Answer<Vec<Process>>>,
    security_center: OnceCell<Answer<Vec<SecurityProduct>>>,
    tasks: OnceCell<Answer<Vec<String>>>,
    roots: OnceCell<Answer<Vec<RootSubject>>>,
}

impl<'v> WindowsGround<'v> {
    pub(crate) fn gather(view: &'v dyn HostView) -> Self {
        Self {
            view,
            folders: [OnceCell::new(), OnceCell::new(), OnceCell::new(), OnceCell::new()],
            machine: OnceCell::new(),
            users: OnceCell::new(),
            services: OnceCell::new(),
            processes: OnceCell::new(),
            security_center: OnceCell::new(),
            tasks: OnceCell::new(),
            roots: OnceCell::new(),
        }
    }

    /// Every trail that one look leaves.
    pub(crate) fn look(&self, look: &Look) -> Vec<Trail> {
        let shows = look.shows;
        let ends = match &look.trace {
            Trace::UninstallKey { .. } => self.uninstalled(&look.trace, shows),
            Trace::WindowsService(driven) => self.services_like(driven, shows),
            Trace::Driver(driven) => self.drivers_like(driven, shows),
            Trace::Process { names, images } => self.processes_like(names, images, shows),
            Trace::File { paths, signers } => self.files(paths, signers, shows),
            Trace::WindowsPath { paths } => self.paths(paths, shows),
            Trace::SecurityCenter { names, except } => {
                let is_meant = |name: &str| any(names, name) && !any(except, name);
                let products = self.security_center().as_ref();
                listed(
                    products,
                    "this Windows has no Security Center",
                    |product| is_meant(&product.name).then(|| format!("Security Center lists {}", product.name)),
                    shows,
                )
            }
            Trace::RegistryKey { keys } => self.registry_keys(keys, shows),
            Trace::BrowserExtension { ids } => extensions(self.view, ids, shows),
            Trace::ScheduledTask { names } => listed(
                self.tasks().as_ref(),
                "this Windows has no task scheduler",
                |task| any(names, task).then(|| format!("scheduled task {task}")),
                shows,
            ),
            Trace::Certificate { subjects, .. } => listed(
                self.roots().as_ref(),
                "this Windows keeps no root certificates",
                |root| {
                    let meant = subjects.iter().find(|it| it.is(&root.common_name, &root.organization));
                    meant.map(|subject| format!("root certificate {subject}"))
                },
                shows,
            ),
            Trace::Component {
                carriers,
                files,
                signers,
            } => self.components(carriers, files, signers),
            Trace::Package { .. }
            | Trace::Unit { .. }
            | Trace::Path { .. }
            | Trace::Module { .. }
            | Trace::Listener { .. }
            | Trace::Group { .. }
            | Trace::Service { .. }
            | Trace::Receipt { .. }
            | Trace::Bundle { .. }
            | Trace::SystemExtension { .. } => vec![End::NotChecked(super::not_of_this_system(look))],
        };
        let ends = or_nothing(ends, || format!("no {}", look.trace.kind()));
        let machines = ends.into_iter().map(|end| Trail::of(look, end));
        let users = if matches!(look.trace, Trace::UninstallKey { .. }) {
            self.uninstalled_by_users(&look.trace, shows)
        } else {
            Vec::new()
        };
        let users = users.into_iter().map(|end| Trail {
            need: Need::Supplementary,
            ..Trail::of(look, end)
        });
        machines.chain(users).collect()
    }

    /// Every service and driver. A Windows without any was not looked at.
    pub(crate) fn services(&self) -> &Answer<Vec<WindowsService>> {
        self.services.get_or_init(|| {
            let services = self.view.ask(&Question::Services).parsed(Reply::services);
            not_empty(services, "Windows lists no service at all, so its list was not read")
        })
    }

    pub(crate) fn security_center(&self) -> &Answer<Vec<SecurityProduct>> {
        self.security_center
            .get_or_init(|| self.view.ask(&Question::SecurityCenter).parsed(Reply::security_center))
    }

    fn processes(&self) -> &Answer<Vec<Process>> {
        self.processes.get_or_init(|| self.view.processes())
    }

    fn tasks(&self) -> &Answer<Vec<String>> {
        self.tasks
            .get_or_init(|| self.view.ask(&Question::Tasks).parsed(Reply::tasks))
    }

    fn roots(&self) -> &Answer<Vec<RootSubject>> {
        self.roots
            .get_or_init(|| self.view.ask(&Question::RootSubjects).parsed(Reply::root_subjects))
    }

    fn folder(&self, folder: KnownFolder) -> Answer<String> {
        let kept = match folder {
            KnownFolder::ProgramFiles => &self.folders[0],
            KnownFolder::ProgramFilesX86 => &self.folders[1],
            KnownFolder::ProgramData => &self.folders[2],
            KnownFolder::SystemRoot => &self.folders[3],
        };
        let ask = || self.view.ask(&Question::Folder(folder)).parsed(Reply::folder);
        let answer = kept.get_or_init(ask).clone();
        match folder {
            // A Windows of 32 bits has none.
            KnownFolder::ProgramFilesX86 => answer,
            KnownFolder::ProgramFiles | KnownFolder::ProgramData | KnownFolder::SystemRoot => {
                answer.expected(|| format!("{folder} is not set, so nothing below it can be looked at"))
            }
        }
    }

    fn identity(&self, file: &str) -> Answer<FileIdentity> {
        self.view
            .ask(&Question::Identity(file.to_owned()))
            .parsed(Reply::identity)
    }

    /// Whether the file that an image path names is gone; `false` where that is not certain.
    fn is_gone(&self, image: &str) -> bool {
        self.image_file(image).found().is_some_and(|file| {
            let answer = self.view.stat(&HostPath::windows(&file), Links::Followed);
            matches!(answer, Answer::Absent)
        })
    }

    /// `Absent` where the image path names no file.
    fn image_file(&self, image: &str) -> Answer<String> {
        self.folder(KnownFolder::SystemRoot)
            .and_then(|root| match parse::windows_image::file(image, &root) {
                Some(file) => Answer::Found(file),
                None => Answer::Absent,
            })
    }

    fn registry_keys(&self, keys: &[String], shows: Showing) -> Vec<End> {
        let mut ends: Vec<End> = Vec::new();
        for key in keys {
            for is_32 in [false, true] {
                let question = Question::Registry {
                    is_32,
                    key: key.clone(),
                    values: Vec::new(),
                };
                let end = match self.view.ask(&question).parsed(Reply::registry) {
                    Answer::Found(_) => {
                        let view = if is_32 { " (32 bits)" } else { "" };
                        seen(shows, format!(r"HKLM\{key}{view}"))
                    }
                    Answer::Absent | Answer::Unsupported => continue,
                    Answer::Denied(why) | Answer::Failed(why) => End::NotChecked(why),
                };
                if !ends.contains(&end) {
                    ends.push(end);
                }
            }
        }
        ends
    }

    fn processes_like(&self, names: &[String], images: &[cutover_proto::rule::Pattern], shows: Showing) -> Vec<End> {
        let processes = match self.processes() {
            Answer::Found(processes) => processes,
            Answer::Absent | Answer::Unsupported => {
                return vec![End::NotHere("this host does not run, so it has no processes".into())];
            }
            Answer::Denied(why) | Answer::Failed(why) => return vec![End::NotChecked(why.clone())],
        };
        let is_meant = |process: &Process, name: &str| {
            let file = process.executable().and_then(|exe| exe.rsplit(['/', '\\']).next());
            let is_named = file.unwrap_or(&process.comm).to_lowercase() == name.to_lowercase();
            // A process that does not tell its executable is taken by its name.
            is_named && (images.is_empty() || process.executable().is_none_or(|exe| any(images, exe)))
        };
        names
            .iter()
            .filter(|name| processes.iter().any(|process| is_meant(process, name)))
            .map(|name| seen(shows, format!("process {name}")))
            .collect()
    }

    /// The machine's entries, of both views. What could not be read is told.
    fn machine(&self) -> &UninstallEntries {
        self.machine.get_or_init(|| {
            let mut found = UninstallEntries::default();
            for place in [UninstallPlace::Machine, UninstallPlace::Machine32] {
                match self.place(place) {
                    Answer::Found(more) => {
                        found.entries.extend(more.entries);
                        found.unread.extend(more.unread);
                    }
                    Answer::Absent | Answer::Unsupported => {}
                    Answer::Denied(why) | Answer::Failed(why) => found.unread.push(why),
                }
            }
            found
        })
    }

    fn users(&self) -> &Answer<UninstallEntries> {
        self.users.get_or_init(|| self.place(UninstallPlace::Users))
    }

    fn place(&self, place: UninstallPlace) -> Answer<UninstallEntries> {
        let answer = self.view.ask(&Question::Uninstall(place)).parsed(Reply::uninstall);
        match place {
            UninstallPlace::Machine => answer
                .expected(|| "the machine's uninstall key is missing, which every Windows has; see whether its registry is damaged".into()),
            UninstallPlace::Machine32 | UninstallPlace::Users => answer,
        }
    }
}

/// Whether any of these patterns is meant.
pub(crate) fn any(patterns: &[cutover_proto::rule::Pattern], text: &str) -> bool {
    patterns.iter().any(|pattern| pattern.matches(text))
}

fn not_empty<T>(answer: Answer<Vec<T>>, why: &str) -> Answer<Vec<T>> {
    answer.and_then(|list| {
        if list.is_empty() {
            Answer::Failed(why.to_owned())
        } else {
            Answer::Found(list)
        }
    })
}

/// What a list that the system keeps holds of the product.
fn listed<T>(list: Answer<&Vec<T>>, without: &str, told: impl Fn(&T) -> Option<String>, shows: Showing) -> Vec<End> {
    match list {
        Answer::Found(list) => {
            let mut ends: Vec<End> = Vec::new();
            for end in list.iter().filter_map(told).map(|detail| seen(shows, detail)) {
                if !ends.contains(&end) {
                    ends.push(end);
                }
            }
            ends
        }
        Answer::Absent | Answer::Unsupported => vec![End::NotHere(without.to_owned())],
        Answer::Denied(why) | Answer::Failed(why) => vec![End::NotChecked(why)],
    }
}

/// Extensions in users' browsers: one trail an id that is used, one for what could not be looked at.
pub(crate) fn extensions(view: &dyn HostView, ids: &[String], shows: Showing) -> Vec<End> {
    let mut ends: Vec<End> = Vec::new();
    for id in ids {
        match view
            .ask(&Question::BrowserExtension(id.clone()))
            .parsed(Reply::browser_extension)
        {
            Answer::Found(found) => {
                if found.profiles > 0 {
                    ends.push(seen(shows, format!("browser extension {id}")));
                }
                ends.extend(found.unread.into_iter().map(End::NotChecked));
            }
            Answer::Absent | Answer::Unsupported => {}
            Answer::Denied(why) | Answer::Failed(why) => ends.push(End::NotChecked(why)),
        }
    }
    ends
}
