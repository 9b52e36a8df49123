//! The machine's registry, by its files.

use crate::{
    facts::{Answer, RegistryKey, RootSubject, UninstallEntries, WindowsService},
    host::{
        hives::{self, HiveFile, UNINSTALL, answer},
        rootdir::RootDir,
    },
    parse::{
        certificate,
        hive::{Hive, HiveError, Key, same_name},
    },
};

use super::disk::{self, CONFIG};

/// What programs of 32 bits have in place of `SOFTWARE` on a system of 64.
const FOR_32: &str = "Wow6432Node";
/// What stands for the control set that is in use.
const CURRENT: &str = "CurrentControlSet";
const TASKS: &str = r"Microsoft\Windows NT\CurrentVersion\Schedule\TaskCache\Tree";
const MAX_TASKS: usize = 1 << 15;
/// Folders of tasks lie in each other; deeper than this nothing made by the scheduler does.
const MAX_DEPTH: usize = 32;
/// A service's `Type`: bits of drivers, and of what runs in a process.
const DRIVER: u64 = 0x0b;
const PROCESS: u64 = 0xf0;
/// Where trusted root certificates are kept; every Windows has the first.
const ROOTS: [&str; 4] = [
    r"Microsoft\SystemCertificates\ROOT\Certificates",
    r"Microsoft\SystemCertificates\AuthRoot\Certificates",
    r"Policies\Microsoft\SystemCertificates\ROOT\Certificates",
    r"Microsoft\EnterpriseCertificates\Root\Certificates",
];
/// The property of a kept certificate that is the certificate itself (`CERT_CERT_PROP_ID`).
const CERTIFICATE: u32 = 32;

/// One of the machine's files.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Part {
    Software,
    System,
}

impl Part {
    const fn name(self) -> &'static str {
        match self {
            Self::Software => "SOFTWARE",
            Self::System => "SYSTEM",
        }
    }

    /// How it is called where it cannot be read.
    const fn told(self) -> &'static str {
        match self {
            Self::Software => r"Windows\System32\config\SOFTWARE",
            Self::System => r"Windows\System32\config\SYSTEM",
        }
    }
}

/// The files of the registry below a root. Each question opens the one that it is about: its answer needs some cells.
#[derive(Debug)]
pub(super) struct Registry {
    root: RootDir,
}

impl Registry {
    pub(super) const fn new(root: RootDir) -> Self {
        Self { root }
    }

    pub(super) const fn root(&self) -> &RootDir {
        &self.root
    }

    pub(super) fn open(&self, part: Part) -> Answer<Hive<HiveFile>> {
        let place = disk::below(&self.root, CONFIG.into_iter().chain([part.name()]));
        let file = place
            .and_then(|place| self.root.file(&place))
            .expected(|| format!("{} is missing, which every Windows has", part.told()));
        file.and_then(|file| answer(Hive::open(HiveFile(file)), part.told()))
    }

    /// The drive that Windows is on.
    pub(super) fn drive(&self) -> Answer<String> {
        self.text(Part::Software, r"Microsoft\Windows NT\CurrentVersion", "SystemRoot")
            .and_then(|root| {
                root.get(..2)
                    .map_or(Answer::Absent, |drive| Answer::Found(drive.to_owned()))
            })
            .expected(|| "the registry does not tell which drive Windows is on".to_owned())
    }

    /// A text; `Absent` where key or value is missing, or it is no text.
    pub(super) fn text(&self, part: Part, path: &str, name: &str) -> Answer<String> {
        self.at(part, path, |hive, key| hives::text(hive, key, name))
            .and_then(|text| text.map_or(Answer::Absent, Answer::Found))
    }

    /// As [`Self::text`], of a number.
    pub(super) fn number(&self, part: Part, path: &str, name: &str) -> Answer<u64> {
        self.at(part, path, |hive, key| hives::number(hive, key, name))
            .and_then(|number| number.map_or(Answer::Absent, Answer::Found))
    }

    /// What is asked of a key that may be missing. Below the control set that is in use where the path says so.
    pub(super) fn at<T>(
        &self,
        part: Part,
        path: &str,
        ask: impl FnOnce(&Hive<HiveFile>, &Key) -> Result<T, HiveError>,
    ) -> Answer<T> {
        self.open(part).and_then(|hive| {
            in_use(&hive, part, path)
                .and_then(|path| hives::key(&hive, &path, part.told()))
                .and_then(|key| answer(ask(&hive, &key), part.told()))
        })
    }

    /// Whether this Windows is one of 64 bits.
    pub(super) fn is_64(&self) -> Answer<bool> {
        self.architecture()
            .map(|architecture| !architecture.eq_ignore_ascii_case("x86"))
    }

    /// `AMD64`, `ARM64` or `x86`.
    pub(super) fn architecture(&self) -> Answer<String> {
        const ENVIRONMENT: &str = r"CurrentControlSet\Control\Session Manager\Environment";
        self.text(Part::System, ENVIRONMENT, "PROCESSOR_ARCHITECTURE")
            .expected(|| "the registry does not tell which processor this Windows is for".to_owned())
    }

    pub(super) fn key(&self, is_32: bool, path: &str, wanted: &[String]) -> Answer<RegistryKey> {
        let (first, rest) = path.split_once('\\').unwrap_or((path, ""));
        let part = match first {
            _ if same_name(first, Part::Software.name()) => Part::Software,
            _ if same_name(first, Part::System.name()) => Part::System,
            _ => {
                return Answer::Failed(format!(
                    "{first} is a part of the registry that is not read while Windows does not run"
                ));
            }
        };
        let view = if is_32 && part == Part::Software {
            self.view_of_32(rest)
        } else {
            Answer::Found(rest.to_owned())
        };
        view.and_then(|path| self.at(part, &path, |hive, key| hives::wanted(hive, key, wanted)))
    }

    /// Where programs of 32 bits have a path below `SOFTWARE`. `Unsupported` where there is one view alone.
    fn view_of_32(&self, path: &str) -> Answer<String> {
        self.is_64().and_then(|is_64| match is_64 {
            true => Answer::Found(format!(r"{FOR_32}\{path}")),
            false => Answer::Unsupported,
        })
    }

    pub(super) fn uninstall(&self, is_32: bool) -> Answer<UninstallEntries> {
        let view = if is_32 {
            self.view_of_32(UNINSTALL)
        } else {
            Answer::Found(UNINSTALL.to_owned())
        };
        view.and_then(|path| {
            let hive = self.open(Part::Software);
            hive.and_then(|hive| hives::uninstall(&hive, &path, Part::Software.told()))
        })
    }

    /// Every service and driver, none of which runs.
    pub(super) fn services(&self) -> Answer<Vec<WindowsService>> {
        self.at(Part::System, r"CurrentControlSet\Services", |hive, key| {
            let mut services = Vec::new();
            for key in hive.subkeys(key)? {
                // Programs keep other things there too; without a type Windows takes none for a service.
                let kind = hives::number(hive, &key, "Type")?.unwrap_or_default();
                if kind & (DRIVER | PROCESS) != 0 {
                    services.push(WindowsService {
                        name: key.name().to_owned(),
                        is_driver: kind & DRIVER != 0,
                        image: hives::text(hive, &key, "ImagePath")?.unwrap_or_default(),
                        state: None,
                    });
                }
            }
            services.sort_by(|one, other| one.name.cmp(&other.name));
            Ok(services)
        })
    }

    /// The scheduler keeps a key for each task and each folder of tasks; a task's has an `Id`.
    pub(super) fn tasks(&self) -> Answer<Vec<String>> {
        let tasks = self.at(Part::Software, TASKS, |hive, tree| {
            let mut tasks = Vec::new();
            let mut folders = vec![(String::new(), tree.clone(), 0)];
            while let Some((path, key, depth)) = folders.pop() {
                for below in hive.subkeys(&key)? {
                    if tasks.len() + folders.len() > MAX_TASKS || depth > MAX_DEPTH {
                        return Err(HiveError::TooMany("scheduled tasks"));
                    }
                    let path = format!(r"{path}\{}", below.name());
                    if hive.value(&below, "Id")?.is_some() {
                        tasks.push(path.clone());
                    }
                    folders.push((path, below, depth + 1));
                }
            }
            tasks.sort();
            Ok(tasks)
        });
        tasks.expected(|| "the scheduler's tree of tasks is not in the registry, where every Windows has it".to_owned())
    }

    pub(super) fn root_subjects(&self) -> Answer<Vec<RootSubject>> {
        let mut subjects = Vec::new();
        for (number, path) in ROOTS.into_iter().enumerate() {
            let blobs = self.at(Part::Software, path, |hive, key| {
                let keys = hive.subkeys(key)?;
                keys.iter()
                    .map(|key| hives::bytes(hive, key, "Blob"))
                    .collect::<Result<Vec<_>, _>>()
            });
            let blobs = match blobs {
                Answer::Found(blobs) => blobs,
                Answer::Absent | Answer::Unsupported if number > 0 => continue,
                other @ (Answer::Absent | Answer::Unsupported | Answer::Denied(_) | Answer::Failed(_)) => {
                    return other
                        .expected(|| "the store of root certificates is missing, which every Windows has".to_owned())
                        .map(|_| Vec::new());
                }
            };
            for blob in blobs.iter().flatten() {
                let Some(subject) = subject(blob) else {
                    return Answer::Failed(
                        "a trusted root certificate in the registry cannot be read; look while Windows runs".to_owned(),
                    );
                };
                subjects.push(subject);
            }
        }
        Answer::Found(subjects)
    }
}

/// A path with the number of the control set that was in use when Windows last ran.
fn in_use(hive: &Hive<HiveFile>, part: Part, path: &str) -> Answer<String> {
    let below = match path.split_once('\\') {
        Some((first, below)) if part == Part::System && same_name(first, CURRENT) => below,
        Some(_) | None => return Answer::Found(path.to_owned()),
    };
    let number = hives::key(hive, "Select", part.told())
        .and_then(|select| answer(hives::number(hive, &select, "Current"), part.told()))
        .and_then(|number| number.map_or(Answer::Absent, Answer::Found));
    number
        .expected(|| format!("{} does not tell which control set was in use", part.told()))
        .map(|number| format!(r"ControlSet{number:03}\{below}"))
}

/// Whose a certificate is, from what the registry keeps of it: one property after another, each with its number, a word of no
/// use and its length in front.
fn subject(blob: &[u8]) -> Option<RootSubject> {
    let mut rest = blob;
    while let Some((head, after)) = rest.split_at_checked(12) {
        let word = |at: usize| head.get(at..)?.first_chunk().copied().map(u32::from_le_bytes);
        let (value, next) = after.split_at_checked(usize::try_from(word(8)?).ok()?)?;
        if word(0)? == CERTIFICATE {
            let subject = certificate::subjects(value).ok()?.into_iter().next()?;
            return Some(RootSubject {
                common_name: subject.common_name,
                organization: subject.organization,
            });
        }
        rest = next;
    }
    None
}
