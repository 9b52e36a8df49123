//! A look as a file spells it. Each kind takes keys of its own on each system; any other is refused.

use std::collections::BTreeMap;

use serde::Deserialize;

use super::{Certainty, Driven, Look, Need, Pattern, Trace, WindowsPath};
use crate::{
    inventory::OsFamily,
    subject::Subject,
    verdict::{EvidenceKind, Showing},
};

/// serde cannot both flatten and refuse unknown keys.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct LookInFile {
    os: OsFamily,
    need: Need,
    shows: Showing,
    kind: EvidenceKind,
    certainty: Option<Certainty>,
    note: Option<String>,
    sweep: Option<bool>,
    names: Option<Vec<String>>,
    prefixes: Option<Vec<String>>,
    paths: Option<Vec<String>>,
    subjects: Option<Vec<String>>,
    publishers: Option<Vec<String>>,
    except: Option<Vec<String>>,
    images: Option<Vec<String>>,
    signers: Option<Vec<String>>,
    keys: Option<Vec<String>>,
    ids: Option<Vec<String>>,
    identifiers: Option<Vec<String>>,
    teams: Option<Vec<String>>,
    carriers: Option<Vec<String>>,
    files: Option<Vec<String>>,
}

impl TryFrom<LookInFile> for Look {
    type Error = String;
    fn try_from(mut file: LookInFile) -> Result<Self, String> {
        let certainty = file.certainty.unwrap_or(Certainty::Confirmed);
        let note = file.note.take().unwrap_or_default();
        if (certainty == Certainty::Confirmed) != note.is_empty() {
            return Err(
                "a look whose facts are not confirmed needs a `note` that says so, and one whose facts are needs none"
                    .to_owned(),
            );
        }
        let (os, need, shows, kind) = (file.os, file.need, file.shows, file.kind);
        if (shows == Showing::Embedded) != (kind == EvidenceKind::Component) {
            return Err("a look of kind component shows embedded, and no other kind does".to_owned());
        }
        Ok(Self {
            os,
            need,
            shows,
            certainty,
            note,
            trace: Keys::of(file).trace(kind, os)?,
        })
    }
}

/// The keys that a file gives, those that are taken taken out.
struct Keys {
    lists: BTreeMap<&'static str, Vec<String>>,
    sweep: Option<bool>,
}

/// What a kind takes: the keys that must be there, and those that may.
struct Takes {
    must: &'static [&'static str],
    may: &'static [&'static str],
}

const fn takes(kind: EvidenceKind, os: OsFamily) -> Option<Takes> {
    let (must, may): (&[&str], &[&str]) = match (kind, os) {
        (EvidenceKind::Process, OsFamily::Windows | OsFamily::Macos) => (&["names"], &["images"]),
        (EvidenceKind::Process, OsFamily::Linux)
        | (EvidenceKind::Package | EvidenceKind::Unit | EvidenceKind::Listener, OsFamily::Linux)
        | (EvidenceKind::Service, OsFamily::Linux)
        | (EvidenceKind::Receipt | EvidenceKind::Bundle, OsFamily::Macos)
        | (EvidenceKind::ScheduledTask, OsFamily::Windows) => (&["names"], &[]),
        (EvidenceKind::Path, OsFamily::Linux | OsFamily::Macos) => (&["paths"], &["sweep"]),
        (EvidenceKind::Path, OsFamily::Windows) => (&["paths"], &[]),
        (EvidenceKind::Group, OsFamily::Linux) => (&["names"], &["sweep"]),
        (EvidenceKind::Certificate, OsFamily::Linux) => (&["subjects"], &["sweep"]),
        (EvidenceKind::Certificate, OsFamily::Windows | OsFamily::Macos) => (&["subjects"], &[]),
        (EvidenceKind::Module, OsFamily::Linux) => (&[], &["names", "prefixes"]),
        (EvidenceKind::UninstallKey, OsFamily::Windows) => (&[], &["names", "publishers", "except"]),
        (EvidenceKind::Service | EvidenceKind::Driver, OsFamily::Windows) => {
            (&[], &["names", "except", "images", "signers"])
        }
        (EvidenceKind::File, OsFamily::Windows) => (&["paths"], &["signers"]),
        (EvidenceKind::SecurityCenter, OsFamily::Windows) => (&["names"], &["except"]),
        (EvidenceKind::RegistryKey, OsFamily::Windows) => (&["keys"], &[]),
        (EvidenceKind::BrowserExtension, OsFamily::Windows | OsFamily::Macos) => (&["ids"], &[]),
        (EvidenceKind::SystemExtension, OsFamily::Macos) => (&[], &["identifiers", "teams"]),
        (EvidenceKind::Component, OsFamily::Windows) => (&["carriers", "files", "signers"], &[]),
        (
            EvidenceKind::Package
            | EvidenceKind::Unit
            | EvidenceKind::Listener
            | EvidenceKind::Group
            | EvidenceKind::Module,
            OsFamily::Windows | OsFamily::Macos,
        )
        | (EvidenceKind::Service, OsFamily::Macos)
        | (EvidenceKind::BrowserExtension, OsFamily::Linux)
        | (
            EvidenceKind::UninstallKey
            | EvidenceKind::Driver
            | EvidenceKind::File
            | EvidenceKind::SecurityCenter
            | EvidenceKind::RegistryKey
            | EvidenceKind::ScheduledTask
            | EvidenceKind::Component,
            OsFamily::Linux | OsFamily::Macos,
        )
        | (
            EvidenceKind::Receipt | EvidenceKind::Bundle | EvidenceKind::SystemExtension,
            OsFamily::Linux | OsFamily::Windows,
        ) => {
            return None;
        }
    };
    Some(Takes { must, may })
}

impl Takes {
    fn in_words(&self) -> String {
        let list = |keys: &[&str], word: &str| {
            let quoted: Vec<String> = keys.iter().map(|key| format!("`{key}`")).collect();
            quoted.join(word)
        };
        match (self.must, self.may) {
            (must, []) => format!("{} and nothing else", list(must, " and ")),
            ([], may) => format!("{} and nothing else", list(may, " or ")),
            (must, may) => format!("{} and may take {}", list(must, " and "), list(may, " or ")),
        }
    }
}

impl Keys {
    fn of(file: LookInFile) -> Self {
        let given = [
            ("names", file.names),
            ("prefixes", file.prefixes),
            ("paths", file.paths),
            ("subjects", file.subjects),
            ("publishers", file.publishers),
            ("except", file.except),
            ("images", file.images),
            ("signers", file.signers),
            ("keys", file.keys),
            ("ids", file.ids),
            ("identifiers", file.identifiers),
            ("teams", file.teams),
            ("carriers", file.carriers),
            ("files", file.files),
        ];
        let lists = given.into_iter().filter_map(|(key, list)| Some((key, list?)));
        Self {
            lists: lists.collect(),
            sweep: file.sweep,
        }
    }

    fn trace(mut self, kind: EvidenceKind, os: OsFamily) -> Result<Trace, String> {
        let Some(takes) = takes(kind, os) else {
            return Err(format!("there is no look of kind {kind} on {os}"));
        };
        let mut given: Vec<&str> = self.lists.keys().copied().collect();
        given.extend(self.sweep.map(|_| "sweep"));
        let is_taken = |key: &&str| takes.must.contains(key) || takes.may.contains(key);
        if !given.iter().all(is_taken) || !takes.must.iter().all(|key| given.contains(key)) {
            return Err(format!("a look of kind {kind} takes {}", takes.in_words()));
        }
        let sweep = self.sweep.unwrap_or(false);
        let driven = |keys: &mut Self| {
            Ok::<_, String>(Driven {
                names: keys.each("names", Pattern::parse)?,
                except: keys.each("except", Pattern::parse)?,
                images: keys.each("images", Pattern::parse)?,
                signers: keys.each("signers", Pattern::parse)?,
            })
        };
        Ok(match (kind, os) {
            (EvidenceKind::Package, _) => Trace::Package {
                names: self.list("names"),
            },
            (EvidenceKind::Unit, _) => Trace::Unit {
                names: self.list("names"),
            },
            (EvidenceKind::Listener, _) => Trace::Listener {
                names: self.list("names"),
            },
            (EvidenceKind::Process, _) => Trace::Process {
                names: self.list("names"),
                images: self.each("images", Pattern::parse)?,
            },
            (EvidenceKind::Service, OsFamily::Windows) => Trace::WindowsService(driven(&mut self)?),
            (EvidenceKind::Service, OsFamily::Linux | OsFamily::Macos) => Trace::Service {
                names: self.list("names"),
            },
            (EvidenceKind::Path, OsFamily::Windows) => Trace::WindowsPath {
                paths: self.each("paths", WindowsPath::parse)?,
            },
            (EvidenceKind::Path, OsFamily::Linux | OsFamily::Macos) => Trace::Path {
                paths: self.list("paths"),
                sweep,
            },
            (EvidenceKind::Group, _) => Trace::Group {
                names: self.list("names"),
                sweep,
            },
            (EvidenceKind::Certificate, _) => Trace::Certificate {
                subjects: self.each("subjects", Subject::parse)?,
                sweep,
            },
            (EvidenceKind::Module, _) => Trace::Module {
                names: self.list("names"),
                prefixes: self.list("prefixes"),
            },
            (EvidenceKind::UninstallKey, _) => Trace::UninstallKey {
                names: self.each("names", Pattern::parse)?,
                publishers: self.each("publishers", Pattern::parse)?,
                except: self.each("except", Pattern::parse)?,
            },
            (EvidenceKind::Driver, _) => Trace::Driver(driven(&mut self)?),
            (EvidenceKind::File, _) => Trace::File {
                paths: self.each("paths", WindowsPath::parse)?,
                signers: self.each("signers", Pattern::parse)?,
            },
            (EvidenceKind::SecurityCenter, _) => Trace::SecurityCenter {
                names: self.each("names", Pattern::parse)?,
                except: self.each("except", Pattern::parse)?,
            },
            (EvidenceKind::RegistryKey, _) => Trace::RegistryKey {
                keys: self.list("keys"),
            },
            (EvidenceKind::BrowserExtension, _) => Trace::BrowserExtension { ids: self.list("ids") },
            (EvidenceKind::ScheduledTask, _) => Trace::ScheduledTask {
                names: self.each("names", Pattern::parse)?,
            },
            (EvidenceKind::Receipt, _) => Trace::Receipt {
                names: self.each("names", Pattern::parse)?,
            },
            (EvidenceKind::Bundle, _) => Trace::Bundle {
                names: self.each("names", Pattern::parse)?,
            },
            (EvidenceKind::SystemExtension, _) => Trace::SystemExtension {
                identifiers: self.each("identifiers", Pattern::parse)?,
                teams: self.list("teams"),
            },
            (EvidenceKind::Component, _) => Trace::Component {
                carriers: self.each("carriers", Pattern::parse)?,
                files: self.each("files", Pattern::parse)?,
                signers: self.each("signers", Pattern::parse)?,
            },
        })
    }

    fn list(&mut self, key: &str) -> Vec<String> {
        self.lists.remove(key).unwrap_or_default()
    }

    fn each<T>(&mut self, key: &str, read: impl Fn(&str) -> Result<T, String>) -> Result<Vec<T>, String> {
        self.list(key).iter().map(|text| read(text)).collect()
    }
}
