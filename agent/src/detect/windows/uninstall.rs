//! Uninstall entries: the machine's and users'.

use cutover_proto::{
    inventory::OsFamily,
    rule::{Rule, Trace},
    verdict::Showing,
};

use super::{WindowsGround, any, told};
use crate::{
    detect::trail::End,
    facts::{Answer, UninstallEntry},
    host::{HostPath, Links},
};

impl WindowsGround<'_> {
    pub(super) fn uninstalled(&self, trace: &Trace, shows: Showing) -> Vec<End> {
        let machine = self.machine();
        let found = machine.entries.iter().filter(|entry| is_meant(trace, entry));
        let seen = found.map(|entry| self.entry(entry, shows));
        distinct(seen.chain(machine.unread.iter().cloned().map(End::NotChecked)))
    }

    /// Users' own; nothing where no user has any.
    pub(super) fn uninstalled_by_users(&self, trace: &Trace, shows: Showing) -> Vec<End> {
        match self.users() {
            Answer::Found(users) => {
                let found = users.entries.iter().filter(|entry| is_meant(trace, entry));
                let seen = found.map(|entry| match self.entry(entry, shows) {
                    End::Seen { shows, detail, version } => End::Seen {
                        shows,
                        detail: format!("{detail}, of a user"),
                        version,
                    },
                    other @ (End::Nothing(_) | End::NotHere(_) | End::NotChecked(_)) => other,
                });
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

    /// One whose folder is stated and gone was left behind by an uninstaller that did not end.
    fn entry(&self, entry: &UninstallEntry, shows: Showing) -> End {
        let location = entry.location.trim().trim_matches('"');
        let is_gone = !location.is_empty()
            && matches!(
                self.view.stat(&HostPath::windows(location), Links::Followed),
                Answer::Absent
            );
        let (shows, beside) = if is_gone {
            (Showing::Remnant, " (its folder is gone)")
        } else {
            (shows, "")
        };
        End::Seen {
            shows,
            detail: told(entry) + beside,
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
