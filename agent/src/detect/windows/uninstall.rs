//! Uninstall entries: the machine's and users'.

use cutover_proto::{
    inventory::OsFamily,
    rule::{Rule, Trace},
    uninstall,
    verdict::Showing,
};

use super::{WindowsGround, any};
use crate::{
    detect::trail::End,
    facts::{Answer, Package, PackageState, UninstallEntry},
    host::{HostPath, Links},
};

impl WindowsGround<'_> {
    pub(super) fn uninstalled(&self, trace: &Trace, shows: Showing) -> Vec<End> {
        let machine = self.machine();
        let found = machine.entries.iter().filter(|entry| is_meant(trace, entry));
        let seen = found.map(|entry| self.entry(entry, false, shows));
        distinct(seen.chain(machine.unread.iter().cloned().map(End::NotChecked)))
    }

    /// Users' own; nothing where no user has any.
    pub(super) fn uninstalled_by_users(&self, trace: &Trace, shows: Showing) -> Vec<End> {
        match self.users() {
            Answer::Found(users) => {
                let found = users.entries.iter().filter(|entry| is_meant(trace, entry));
                let seen = found.map(|entry| self.entry(entry, true, shows));
                distinct(seen.chain(users.unread.iter().cloned().map(End::NotChecked)))
            }
            Answer::Absent | Answer::Unsupported => Vec::new(),
            Answer::Denied(why) | Answer::Failed(why) => vec![End::NotChecked(why.clone())],
        }
    }

    /// The days that entries of the product name, as they are kept: the machine's and users'.
    pub(crate) fn installed_days(&self, rule: &Rule) -> Vec<&str> {
        let entries = self.entries_of(rule);
        entries.into_iter().map(|(entry, _)| entry.installed.as_str()).collect()
    }

    /// The machine's packages of a product: those of Windows Installer by their codes. What an entry of another kind or without
    /// its folder stands for, Windows Installer does not know.
    pub(crate) fn packages_of(&self, rule: &Rule) -> Answer<Vec<Package>> {
        if let Some(why) = self.machine().unread.first() {
            return Answer::Failed(why.clone());
        }
        let machines = self.entries_of(rule).into_iter().filter(|(_, is_of_user)| !is_of_user);
        let packages = machines
            .filter(|(entry, _)| !self.is_orphan(entry))
            .map(|(entry, _)| Package {
                name: match entry.is_msi && uninstall::is_product_code(&entry.key) {
                    true => entry.key.clone(),
                    // No order can name it, and it is there all the same.
                    false => format!("uninstall key {}", entry.key),
                },
                version: entry.version.clone(),
                architecture: String::new(),
                state: PackageState::Installed,
                installed_s: None,
            });
        Answer::Found(packages.collect())
    }

    /// The entries of the product, and whether each is a user's own: the machine's first.
    pub(crate) fn entries_of(&self, rule: &Rule) -> Vec<(&UninstallEntry, bool)> {
        let users = self.users().as_ref().found();
        let of_users = users.into_iter().flat_map(|users| &users.entries);
        let entries = self.machine().entries.iter().map(|entry| (entry, false));
        let is_of_rule = |(entry, _): &(&UninstallEntry, bool)| {
            let mut looks = rule.looks_on(OsFamily::Windows);
            looks.any(|look| is_meant(&look.trace, entry))
        };
        entries
            .chain(of_users.map(|entry| (entry, true)))
            .filter(is_of_rule)
            .collect()
    }

    /// Whether its folder is stated and gone: it was left behind by an uninstaller that did not end.
    fn is_orphan(&self, entry: &UninstallEntry) -> bool {
        let location = entry.location.trim().trim_matches('"');
        !location.is_empty()
            && matches!(
                self.view.stat(&HostPath::windows(location), Links::Followed),
                Answer::Absent
            )
    }

    fn entry(&self, entry: &UninstallEntry, is_of_user: bool, shows: Showing) -> End {
        let is_orphan = self.is_orphan(entry);
        let told = uninstall::Entry {
            name: &entry.name,
            version: &entry.version,
            key: &entry.key,
            is_msi: entry.is_msi,
            is_orphan,
            is_of_user,
        };
        End::Seen {
            shows: if is_orphan { Showing::Remnant } else { shows },
            detail: told.in_words(),
            version: Some(entry.version.clone()).filter(|version| !version.is_empty()),
        }
    }
}

fn is_meant(trace: &Trace, entry: &UninstallEntry) -> bool {
    let Trace::UninstallKey {
        names,
        publishers,
        except,
    } = trace
    else {
        return false;
    };
    let is_named = if names.is_empty() {
        !entry.publisher.is_empty()
    } else {
        any(names, &entry.name)
    };
    // An entry that lost its publisher is taken by its name.
    let is_published = publishers.is_empty() || entry.publisher.trim().is_empty() || any(publishers, &entry.publisher);
    is_named && is_published && !any(except, &entry.name)
}

fn distinct(ends: impl Iterator<Item = End>) -> Vec<End> {
    let mut out: Vec<End> = Vec::new();
    for end in ends {
        if !out.contains(&end) {
            out.push(end);
        }
    }
    out
}
