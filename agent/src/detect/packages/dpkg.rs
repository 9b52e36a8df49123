//! What dpkg's own files say.

use std::collections::BTreeSet;

use super::Packages;
use crate::{
    facts::{Answer, EntryKind, PackageDatabase},
    host::{HostPath, HostView, Links},
    parse::dpkg,
};

pub(super) const STATUS: &str = "/var/lib/dpkg/status";
/// dpkg's journal of a run that has not been folded into the database.
const UPDATES: &str = "/var/lib/dpkg/updates";
/// One file list per package of which anything is left.
const INFO: &str = "/var/lib/dpkg/info";
/// Some 70,000 packages; the largest Debian systems have a tenth of that.
const MAX_STATUS: u64 = 64 << 20;
/// One stanza.
const MAX_UPDATE: u64 = 1 << 20;
pub(super) const RESTORE: &str = "dpkg keeps daily copies in /var/backups/dpkg.status.*";

/// Reads the database with all that corrects it. `Absent` where there is none. A damaged one, or one that another of its
/// files contradicts, is failed: nobody may conclude an absence from it.
pub(super) fn load(view: &dyn HostView, wanted: &BTreeSet<&str>) -> Answer<Packages> {
    view.read(&HostPath::unix(STATUS), MAX_STATUS)
        .and_then(|bytes| read(&bytes, wanted))
        .and_then(|packages| with_updates(view, packages, wanted))
        .and_then(|packages| not_contradicted(view, packages, wanted))
}

/// One pass over the bytes; only wanted packages are copied.
fn read(bytes: &[u8], wanted: &BTreeSet<&str>) -> Answer<Packages> {
    let mut packages = Packages::of(PackageDatabase::Dpkg);
    for stanza in dpkg::stanzas(bytes) {
        let stanza = match stanza {
            Ok(stanza) => stanza,
            Err(error) => return Answer::Failed(format!("{STATUS} {error}; {RESTORE}")),
        };
        if stanza.name == "dpkg" && stanza.state.is_present() {
            packages.has_itself = true;
            stanza.architecture.clone_into(&mut packages.native);
        } else if packages.native.is_empty() && stanza.architecture != "all" {
            stanza.architecture.clone_into(&mut packages.native);
        }
        if wanted.contains(stanza.name) {
            let entries = packages.by_name.entry(stanza.name.to_owned()).or_default();
            entries.push(stanza.to_package());
        }
    }
    Answer::Found(packages)
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
fn not_contradicted(view: &dyn HostView, mut packages: Packages, wanted: &BTreeSet<&str>) -> Answer<Packages> {
    let info = HostPath::unix(INFO);
    for name in wanted {
        if !packages.named(name).is_empty() {
            continue;
        }
        let list = info.join(&format!("{name}.list"));
        match view.stat(&list, Links::AsTheyAre) {
            Answer::Found(_) => {
                return Answer::Failed(format!(
                    "{STATUS} has no entry for {name}, but {list} is there, so entries were lost; {RESTORE}"
                ));
            }
            Answer::Absent | Answer::Unsupported => {}
            // This list could have betrayed the database. What it has is there all the same; what it lacks is not known.
            Answer::Denied(why) | Answer::Failed(why) => {
                packages.doubt.get_or_insert(why);
            }
        }
    }
    Answer::Found(packages)
}
