//! Which package database is believed, and what it says of the packages that rules name.

use std::collections::{BTreeMap, BTreeSet};

use crate::{
    facts::{Answer, EntryKind, OsRelease, Package},
    host::{HostPath, HostView, Links},
    parse::dpkg,
};

const STATUS: &str = "/var/lib/dpkg/status";
/// dpkg's journal of a run that has not been folded into the database.
const UPDATES: &str = "/var/lib/dpkg/updates";
/// One file list per package of which anything is left.
const INFO: &str = "/var/lib/dpkg/info";
/// Some 70,000 packages; the largest Debian systems have a tenth of that.
const MAX_STATUS: u64 = 64 << 20;
/// One stanza.
const MAX_UPDATE: u64 = 1 << 20;
const RESTORE: &str = "dpkg keeps daily copies in /var/backups/dpkg.status.*";

/// What the database says of the wanted packages.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub(crate) struct Packages {
    by_name: BTreeMap<String, Vec<Package>>,
    /// The architecture that the system is made for, in the database's words.
    pub(crate) native: String,
}

impl Packages {
    /// Every entry under a name: one per architecture, or a duplicate.
    pub(crate) fn named(&self, name: &str) -> &[Package] {
        self.by_name.get(name).map_or(&[], Vec::as_slice)
    }

    /// The database's later word on one package.
    fn update(&mut self, newer: Package) {
        let entries = self.by_name.entry(newer.name.clone()).or_default();
        entries.retain(|entry| !newer.architecture.is_empty() && entry.architecture != newer.architecture);
        entries.push(newer);
    }
}

/// Reads the system's package database. A database that must be there and is not, that is damaged, or that is not the
/// one this system keeps its packages in, is failed: nobody may conclude an absence from it.
pub(crate) fn load(view: &dyn HostView, os: &Answer<OsRelease>, wanted: &BTreeSet<&str>) -> Answer<Packages> {
    let debian_like = os.as_ref().found().is_some_and(OsRelease::is_debian_like);
    view.read(&HostPath::unix(STATUS), MAX_STATUS)
        .expected(|| missing(os))
        .and_then(|bytes| read(&bytes, wanted))
        .and_then(|(packages, has_dpkg)| {
            if debian_like || has_dpkg {
                Answer::Found(packages)
            } else {
                // A system of another kind may have dpkg as a tool, with a database of its own beside the system's.
                Answer::Failed(foreign(os))
            }
        })
        .and_then(|packages| with_updates(view, packages, wanted))
        .and_then(|packages| not_contradicted(view, packages, wanted))
}

fn missing(os: &Answer<OsRelease>) -> String {
    match os {
        Answer::Found(os) if os.is_debian_like() => {
            format!(
                "{STATUS} is missing, though {} keeps its packages there; {RESTORE}",
                os.pretty_name
            )
        }
        Answer::Found(_) | Answer::Absent | Answer::Unsupported | Answer::Denied(_) | Answer::Failed(_) => foreign(os),
    }
}

fn foreign(os: &Answer<OsRelease>) -> String {
    match os {
        Answer::Found(os) => format!(
            "{} does not keep its packages with dpkg, and this version reads no other package database",
            os.pretty_name
        ),
        Answer::Absent | Answer::Unsupported => {
            "no os-release and no database of dpkg; is this the root of a system?".into()
        }
        Answer::Denied(why) | Answer::Failed(why) => {
            format!("cannot tell which package database this system has: {why}")
        }
    }
}

/// One pass over the bytes; only wanted packages are copied. Also tells whether dpkg is a package of its own database.
fn read(bytes: &[u8], wanted: &BTreeSet<&str>) -> Answer<(Packages, bool)> {
    let mut packages = Packages::default();
    let mut has_dpkg = false;
    for stanza in dpkg::stanzas(bytes) {
        let stanza = match stanza {
            Ok(stanza) => stanza,
            Err(error) => return Answer::Failed(format!("{STATUS} {error}; {RESTORE}")),
        };
        if stanza.name == "dpkg" && stanza.state.is_present() {
            has_dpkg = true;
            stanza.architecture.clone_into(&mut packages.native);
        } else if packages.native.is_empty() && stanza.architecture != "all" {
            stanza.architecture.clone_into(&mut packages.native);
        }
        if wanted.contains(stanza.name) {
            let entries = packages.by_name.entry(stanza.name.to_owned()).or_default();
            entries.push(stanza.to_package());
        }
    }
    Answer::Found((packages, has_dpkg))
}

/// Adds what a run of dpkg that goes on, or was killed, has written so far.
fn with_updates(view: &dyn HostView, mut packages: Packages, wanted: &BTreeSet<&str>) -> Answer<Packages> {
    let dir = HostPath::unix(UPDATES);
    let records = match view.list(&dir) {
        Answer::Found(entries) => entries,
        Answer::Absent | Answer::Unsupported => return Answer::Found(packages),
        Answer::Denied(why) => return Answer::Denied(why),
        Answer::Failed(why) => return Answer::Failed(why),
    };
    let is_record = |name: &str| !name.is_empty() && name.bytes().all(|byte| byte.is_ascii_digit());
    for record in records.iter().filter(|entry| is_record(&entry.name)) {
        if record.kind != EntryKind::File {
            return Answer::Failed(format!("{UPDATES}/{} is not a plain file", record.name));
        }
        let bytes = match view.read(&dir.join(&record.name), MAX_UPDATE) {
            Answer::Found(bytes) => bytes,
            // dpkg folded it into the database between our two looks, so what was read before is old.
            Answer::Absent | Answer::Unsupported => {
                return Answer::Failed("dpkg is at work; look again when it has ended".into());
            }
            Answer::Denied(why) => return Answer::Denied(why),
            Answer::Failed(why) => return Answer::Failed(why),
        };
        for stanza in dpkg::update_record(&bytes) {
            match stanza {
                Ok(stanza) if wanted.contains(stanza.name) => packages.update(stanza.to_package()),
                Ok(_) => {}
                Err(error) => {
                    return Answer::Failed(format!(
                        "{UPDATES}/{} {error}; run `dpkg --audit` and repair what it names",
                        record.name
                    ));
                }
            }
        }
    }
    Answer::Found(packages)
}

/// A database that was cut between two entries reads as whole. dpkg's file lists betray it: a package with a list and
/// without an entry was lost.
fn not_contradicted(view: &dyn HostView, packages: Packages, wanted: &BTreeSet<&str>) -> Answer<Packages> {
    let info = HostPath::unix(INFO);
    for name in wanted.iter().filter(|name| packages.named(name).is_empty()) {
        let list = info.join(&format!("{name}.list"));
        match view.stat(&list, Links::AsTheyAre) {
            Answer::Found(_) => {
                return Answer::Failed(format!(
                    "{STATUS} has no entry for {name}, but {list} is there, so entries were lost; {RESTORE}"
                ));
            }
            Answer::Absent | Answer::Unsupported => {}
            Answer::Denied(why) => return Answer::Denied(why),
            Answer::Failed(why) => return Answer::Failed(why),
        }
    }
    Answer::Found(packages)
}
