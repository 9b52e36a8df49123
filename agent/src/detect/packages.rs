//! Which package database is believed, and what it says of the packages that rules name.
//!
//! | the system, by its os-release | believed |
//! |---|---|
//! | is or derives from Debian | dpkg's; it must be there |
//! | is or derives from Red Hat, Fedora, SUSE, Amazon | rpm's; the tool must be there and its list must have rpm itself |
//! | anything else, or it could not be told | the one that has its own tool as a package. Both, or neither: failed |
//!
//! The other one may be there as a tool, with a database of its own; it is not asked.

mod dpkg;
mod rpm;

use std::collections::{BTreeMap, BTreeSet};

use crate::{
    facts::{Answer, OsRelease, Package, PackageDatabase},
    host::HostView,
};

/// What the database says of the wanted packages.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Packages {
    /// Whose word it is.
    pub(crate) database: PackageDatabase,
    /// The architecture that the system is made for, in the database's words.
    pub(crate) native: String,
    by_name: BTreeMap<String, Vec<Package>>,
    /// Why it is not known whether entries were lost.
    doubt: Option<String>,
    /// Whether the database's own tool is a package in it, as on the systems that live by it.
    has_itself: bool,
}

impl Packages {
    fn of(database: PackageDatabase) -> Self {
        Self {
            database,
            native: String::new(),
            by_name: BTreeMap::new(),
            doubt: None,
            has_itself: false,
        }
    }

    /// Every entry under a name: one per architecture or version, or a duplicate.
    pub(crate) fn named(&self, name: &str) -> &[Package] {
        self.by_name.get(name).map_or(&[], Vec::as_slice)
    }

    /// Why nobody may conclude that there is no such package, where nobody may.
    pub(crate) fn doubt(&self, name: &str) -> Option<&str> {
        self.doubt.as_deref().filter(|_| self.named(name).is_empty())
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
    let known = os.as_ref().found().and_then(|os| Some((os.package_database()?, os)));
    match known {
        Some((PackageDatabase::Dpkg, os)) => dpkg::load(view, wanted).expected(|| {
            format!(
                "{} is missing, though {} keeps its packages there; {}",
                dpkg::STATUS,
                os.pretty_name,
                dpkg::RESTORE
            )
        }),
        Some((PackageDatabase::Rpm, os)) => rpm::expected(rpm::load(view, wanted), &os.pretty_name),
        None => whichever(view, os, wanted),
    }
}

/// On a system of another kind: the database that has its own tool in it.
fn whichever(view: &dyn HostView, os: &Answer<OsRelease>, wanted: &BTreeSet<&str>) -> Answer<Packages> {
    let mut owned = Vec::new();
    for answer in [dpkg::load(view, wanted), rpm::load(view, wanted)] {
        match answer {
            Answer::Found(packages) if packages.has_itself => owned.push(packages),
            Answer::Found(_) | Answer::Absent | Answer::Unsupported => {}
            trouble @ (Answer::Denied(_) | Answer::Failed(_)) => return trouble,
        }
    }
    match (owned.pop(), owned.is_empty()) {
        (Some(packages), true) => Answer::Found(packages),
        (Some(_), false) => Answer::Failed(
            "dpkg and rpm both claim this system, and its os-release does not say which of them keeps its packages; \
             correct ID or ID_LIKE in /etc/os-release"
                .into(),
        ),
        (None, _) => Answer::Failed(unknown_to_both(os)),
    }
}

fn unknown_to_both(os: &Answer<OsRelease>) -> String {
    match os {
        Answer::Found(os) => format!(
            "{} keeps its packages neither with dpkg nor with rpm that can be asked here, and this version reads no other \
             package database",
            os.pretty_name
        ),
        Answer::Absent | Answer::Unsupported => {
            "no os-release, no database of dpkg and no word of rpm; is this the root of a system?".into()
        }
        Answer::Denied(why) | Answer::Failed(why) => {
            format!("cannot tell which package database this system has: {why}")
        }
    }
}
