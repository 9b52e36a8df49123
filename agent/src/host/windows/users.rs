//! The users of this machine: whose registry is loaded, and where their profiles lie. No answer names one.

use windows_registry::{Key, LOCAL_MACHINE, USERS};

use super::{native, registry};
use crate::facts::{Answer, UninstallEntries};

const PROFILES: &str = r"SOFTWARE\Microsoft\Windows NT\CurrentVersion\ProfileList";
/// Accounts of this machine and of a domain, and those of Entra ID. The system's own have other ids.
const OF_PEOPLE: [&str; 2] = ["S-1-5-21-", "S-1-12-1-"];

fn is_persons(id: &str) -> bool {
    // `..._Classes` is a second part of the same user's registry.
    OF_PEOPLE.iter().any(|head| id.starts_with(head))
        && id.bytes().all(|byte| byte.is_ascii_digit() || b"S-".contains(&byte))
}

/// The ids of people's accounts among the names below a key.
fn ids(key: &Key, path: &str) -> Answer<Vec<String>> {
    registry::names(key, path).map(|names| names.into_iter().filter(|name| is_persons(name)).collect())
}

fn profiles() -> Answer<(Key, Vec<String>)> {
    let key = registry::open(LOCAL_MACHINE, false, PROFILES)
        .expected(|| "the list of users' profiles is not in the registry, where every Windows has it".to_owned());
    key.and_then(|key| ids(&key, PROFILES).map(|ids| (key, ids)))
}

/// Entries of users who are logged in. Files of the others' registries are in nobody's use and are not read: Windows
/// reads one only by loading it, and that would change it.
pub(super) fn uninstall() -> Answer<UninstallEntries> {
    let loaded = ids(USERS, "HKEY_USERS").expected(|| "HKEY_USERS has no key".to_owned());
    loaded.and_then(|loaded| {
        let mut found = UninstallEntries::default();
        for id in &loaded {
            let whose = |why: &str| format!("the registry of a user who is logged in: {}", why.replace(id, "USER"));
            match registry::open(USERS, false, id).and_then(|user| registry::entries(&user, false)) {
                Answer::Found(more) => {
                    found.entries.extend(more.entries);
                    found.unread.extend(more.unread);
                }
                Answer::Absent | Answer::Unsupported => {}
                Answer::Denied(why) | Answer::Failed(why) => found.unread.push(whose(&why)),
            }
        }
        match profiles() {
            Answer::Found((_, known)) => {
                let away = known.iter().filter(|id| !loaded.contains(id)).count();
                if away > 0 {
                    found.unread.push(format!(
                        "the registries of {away} users who are not logged in; look again when they are"
                    ));
                }
            }
            Answer::Absent | Answer::Unsupported => {}
            Answer::Denied(why) | Answer::Failed(why) => found.unread.push(why),
        }
        Answer::Found(found)
    })
}

/// Where people's profiles lie, as Windows spells it, and why some could not be told.
pub(super) fn profile_folders() -> Answer<(Vec<String>, Vec<String>)> {
    profiles().map(|(key, ids)| {
        let (mut folders, mut unread) = (Vec::new(), Vec::new());
        for id in ids {
            let folder =
                registry::open(&key, false, &id).and_then(|profile| registry::text(&profile, "ProfileImagePath"));
            match folder {
                Answer::Found(folder) => folders.push(expanded(&folder)),
                Answer::Absent | Answer::Unsupported => {}
                Answer::Denied(_) => unread.push("a user's profile may not be looked for".to_owned()),
                Answer::Failed(_) => unread.push("a user's profile cannot be looked for".to_owned()),
            }
        }
        (folders, unread)
    })
}

/// Windows writes `%SystemDrive%` at the head of such a path, at most.
fn expanded(folder: &str) -> String {
    const DRIVE: &str = "%SystemDrive%";
    let head = folder.get(..DRIVE.len()).unwrap_or_default();
    if head.eq_ignore_ascii_case(DRIVE) {
        let drive = std::env::var("SystemDrive").unwrap_or_else(|_| "C:".to_owned());
        format!("{drive}{}", &folder[DRIVE.len()..])
    } else {
        native::text(&native::wide(folder))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_accounts_of_people_are_users() {
        assert!(is_persons("S-1-5-21-1004336348-1177238915-682003330-512"));
        assert!(is_persons("S-1-12-1-111-222-333-444"));
        for other in ["S-1-5-18", "S-1-5-21-1-2-3-500_Classes", ".DEFAULT", "S-1-5-82-1"] {
            assert!(!is_persons(other), "{other}");
        }
    }
}
