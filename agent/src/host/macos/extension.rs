//! How many profiles of Chromium's family have one extension. Names of users and profiles are seen and not kept.

use super::MacHost;
use crate::{
    facts::{Answer, EntryKind, ExtensionUse},
    host::{HostPath, HostView, Links},
};

const USERS: &str = "/Users";
/// Below a user's home: where each browser keeps its profiles.
const BROWSERS: [&str; 4] = [
    "Library/Application Support/Google/Chrome",
    "Library/Application Support/Microsoft Edge",
    "Library/Application Support/BraveSoftware/Brave-Browser",
    "Library/Application Support/Chromium",
];

/// `Absent` where every profile was looked at and none has it.
pub(super) fn uses(view: &MacHost, id: &str) -> Answer<ExtensionUse> {
    let users = view.list(&HostPath::unix(USERS));
    let users = users.expected(|| format!("{USERS} is missing, which every macOS has"));
    users.and_then(|users| {
        let mut found = ExtensionUse::default();
        for user in users.iter().filter(|user| user.kind == EntryKind::Directory) {
            for browser in BROWSERS {
                let profiles = HostPath::unix(USERS).join(&user.name).join(browser);
                count(view, &profiles, id, &mut found);
            }
        }
        found.unread.sort_unstable();
        found.unread.dedup();
        match found {
            ExtensionUse { profiles: 0, unread } if unread.is_empty() => Answer::Absent,
            found => Answer::Found(found),
        }
    })
}

fn count(view: &MacHost, profiles: &HostPath, id: &str, found: &mut ExtensionUse) {
    let listed = match view.list(profiles) {
        Answer::Found(listed) => listed,
        Answer::Absent | Answer::Unsupported => return,
        // Whose they are stays out of the reason, and so does the path.
        Answer::Denied(_) => {
            let remedy = if super::is_root() {
                super::FULL_DISK_ACCESS
            } else {
                "run as root"
            };
            found
                .unread
                .push(format!("a user's browser profiles may not be read: {remedy}"));
            return;
        }
        Answer::Failed(_) => {
            found
                .unread
                .push("a user's browser profiles could not be read".to_owned());
            return;
        }
    };
    for profile in listed.iter().filter(|entry| entry.kind == EntryKind::Directory) {
        let extension = profiles.join(&profile.name).join("Extensions").join(id);
        match view.stat(&extension, Links::AsTheyAre) {
            Answer::Found(_) => found.profiles += 1,
            Answer::Absent | Answer::Unsupported => {}
            Answer::Denied(_) | Answer::Failed(_) => {
                found.unread.push("a browser profile could not be looked at".to_owned());
            }
        }
    }
}
