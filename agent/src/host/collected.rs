//! A Windows that the collector looked at.

use cutover_proto::{inventory::OsFamily, rule::KnownFolder};

use super::{HostPath, HostView, Links};
use crate::facts::{
    Answer, Collection, Entry, EntryKind, Kernel, Listener, Process, Question, Reply, Stat, Tool, ToolOutput,
    UninstallPlace,
};

/// Answers from a collection. What the collector did not ask has failed: nobody knows it.
#[derive(Debug, Clone)]
pub struct Collected(Collection);

impl Collected {
    /// A view of this collection.
    #[must_use]
    pub const fn new(collection: Collection) -> Self {
        Self(collection)
    }

    /// The names in a directory, where they were gathered; `Absent` where one above it was and does not have it.
    fn names(&self, parts: &[&str]) -> Answer<&Vec<Entry>> {
        if let Some(answer) = self.0.listings.get(&spelled(parts)) {
            return answer.as_ref();
        }
        match self.stat_parts(parts) {
            Answer::Found(Stat {
                kind: EntryKind::Directory,
                ..
            }) => not_gathered(),
            // A file has no names in it.
            Answer::Found(_) | Answer::Absent => Answer::Absent,
            Answer::Unsupported => Answer::Unsupported,
            Answer::Denied(why) => Answer::Denied(why),
            Answer::Failed(why) => Answer::Failed(why),
        }
    }

    fn stat_parts(&self, parts: &[&str]) -> Answer<Stat> {
        for depth in (0..parts.len()).rev() {
            let (above, below) = parts.split_at(depth);
            let Some(names) = self.0.listings.get(&spelled(above)) else {
                continue;
            };
            let names = match names {
                Answer::Found(names) => names,
                other @ (Answer::Absent | Answer::Unsupported | Answer::Denied(_) | Answer::Failed(_)) => {
                    return other.as_ref().map(|_| directory());
                }
            };
            let Some(name) = below.first() else {
                continue;
            };
            let lower = name.to_lowercase();
            return match names.iter().find(|entry| entry.name.to_lowercase() == lower) {
                None => Answer::Absent,
                Some(entry) if below.len() == 1 => Answer::Found(Stat {
                    kind: entry.kind,
                    ..directory()
                }),
                Some(entry) if entry.kind == EntryKind::Directory => not_gathered(),
                Some(_) => Answer::Absent,
            };
        }
        if self.0.listings.contains_key(&spelled(parts)) {
            return Answer::Found(directory());
        }
        not_gathered()
    }

    fn key(&self, key: &str, is_32: bool) -> Answer<()> {
        if is_32 && !self.0.is_64() {
            return Answer::Unsupported;
        }
        let key = key.to_lowercase();
        let key = match key.strip_prefix(r"software\") {
            Some(below) if is_32 => format!(r"software\wow6432node\{below}"),
            _ => key,
        };
        let Some((parent, name)) = key.rsplit_once('\\') else {
            return not_gathered();
        };
        match self.0.subkeys.get(parent) {
            Some(answer) => answer.as_ref().and_then(|names| {
                if names.iter().any(|other| other.to_lowercase() == name) {
                    Answer::Found(())
                } else {
                    Answer::Absent
                }
            }),
            None => not_gathered(),
        }
    }

    fn folder(&self, folder: KnownFolder) -> Answer<String> {
        match self.0.folders.iter().find(|(known, _)| *known == folder) {
            Some((_, path)) => Answer::Found(path.clone()),
            None if folder == KnownFolder::ProgramFilesX86 && !self.0.is_64() => Answer::Absent,
            None => not_gathered(),
        }
    }
}

fn not_gathered<T>() -> Answer<T> {
    Answer::Failed("the collector does not look at that".into())
}

fn spelled(parts: &[&str]) -> String {
    parts.join("\\").to_lowercase()
}

/// What is known of a directory: that it is one.
const fn directory() -> Stat {
    Stat {
        kind: EntryKind::Directory,
        size: 0,
        modified_ms: 0,
        executable: false,
    }
}

impl HostView for Collected {
    fn os_family(&self) -> OsFamily {
        OsFamily::Windows
    }

    fn read(&self, _: &HostPath, _: u64) -> Answer<Vec<u8>> {
        not_gathered()
    }

    fn list(&self, dir: &HostPath) -> Answer<Vec<Entry>> {
        let parts: Vec<&str> = dir.parts().collect();
        self.names(&parts).map(Clone::clone)
    }

    fn stat(&self, path: &HostPath, _: Links) -> Answer<Stat> {
        let parts: Vec<&str> = path.parts().collect();
        self.stat_parts(&parts)
    }

    fn link(&self, _: &HostPath) -> Answer<String> {
        Answer::Unsupported
    }

    fn processes(&self) -> Answer<Vec<Process>> {
        self.0.processes.clone()
    }

    fn listeners(&self) -> Answer<Vec<Listener>> {
        Answer::Unsupported
    }

    fn group(&self, _: &str) -> Answer<u32> {
        Answer::Unsupported
    }

    fn mounts(&self) -> Answer<Vec<u8>> {
        Answer::Unsupported
    }

    fn kernel(&self) -> Answer<Kernel> {
        let machine = match self.0.architecture.to_ascii_lowercase().as_str() {
            "amd64" => "x86_64".to_owned(),
            "arm64" => "aarch64".to_owned(),
            "x86" => "i686".to_owned(),
            other => other.to_owned(),
        };
        Answer::Found(Kernel {
            hostname: self.0.computer.clone(),
            release: self.0.os_version.clone(),
            machine,
        })
    }

    fn boot_id(&self) -> Answer<String> {
        not_gathered()
    }

    fn free_disk(&self, _: &HostPath) -> Answer<u64> {
        not_gathered()
    }

    fn tool(&self, _: Tool) -> Answer<ToolOutput> {
        Answer::Unsupported
    }

    fn ask(&self, question: &Question) -> Answer<Reply> {
        let Collection {
            machine,
            machine_32,
            users,
            services,
            security_center,
            tasks,
            ..
        } = &self.0;
        match question {
            Question::Folder(folder) => self.folder(*folder).map(Reply::Folder),
            Question::Uninstall(UninstallPlace::Machine) => machine.clone().map(Reply::Uninstall),
            Question::Uninstall(UninstallPlace::Machine32) => machine_32.clone().map(Reply::Uninstall),
            Question::Uninstall(UninstallPlace::Users) => users.clone().map(Reply::Uninstall),
            Question::Services => services.clone().map(Reply::Services),
            Question::SecurityCenter => security_center.clone().map(Reply::SecurityCenter),
            Question::Tasks => tasks.clone().map(Reply::Tasks),
            Question::Registry { is_32, key, values } if values.is_empty() => {
                self.key(key, *is_32).map(|()| Reply::Registry(Default::default()))
            }
            Question::Registry { .. }
            | Question::Identity(_)
            | Question::RootSubjects
            | Question::BrowserExtension(_)
            | Question::DefenderStatus
            | Question::BitLocker
            | Question::Battery
            | Question::OnBattery
            | Question::SessionAge
            | Question::DomainJoin
            | Question::Firmware => not_gathered(),
        }
    }
}
