//! Extensions of Chromium's family in users' profiles: by the folder that the browser keeps for each.

use super::{HostPath, HostView, Links};
use crate::facts::{Answer, Entry, EntryKind, ExtensionUse};

/// Where browsers keep profiles, below a user's folder.
const BROWSERS: [&str; 7] = [
    "AppData/Local/Google/Chrome/User Data",
    "AppData/Local/Microsoft/Edge/User Data",
    "AppData/Local/Chromium/User Data",
    "AppData/Local/BraveSoftware/Brave-Browser/User Data",
    "AppData/Local/Vivaldi/User Data",
    "AppData/Local/Yandex/YandexBrowser/User Data",
    "AppData/Roaming/Opera Software",
];

/// Looks below these folders of users; `unread` is why some of them are not known.
pub(super) fn extension(view: &dyn HostView, folders: &[String], unread: Vec<String>, id: &str) -> ExtensionUse {
    let mut used = ExtensionUse { profiles: 0, unread };
    for folder in folders {
        for browser in BROWSERS {
            let data = HostPath::unix(&format!("{}/{browser}", HostPath::windows(folder)));
            if let Some(why) = count(view, &data, id, &mut used.profiles) {
                let why = format!("browser profiles of a user {why}");
                if !used.unread.contains(&why) {
                    used.unread.push(why);
                }
            }
        }
    }
    used
}

/// Counts the profiles that have it; tells, without a name, why some could not be looked at.
fn count(view: &dyn HostView, data: &HostPath, id: &str, profiles: &mut u32) -> Option<&'static str> {
    let mut trouble = None;
    let entries = noted(view.list(data), &mut trouble).unwrap_or_default();
    let is_folder = |entry: &&Entry| entry.kind == EntryKind::Directory;
    for entry in entries.iter().filter(is_folder) {
        let place = data.join(&entry.name).join("Extensions").join(id);
        if noted(view.stat(&place, Links::Followed), &mut trouble).is_some() {
            *profiles = profiles.saturating_add(1);
        }
    }
    trouble
}

fn noted<T>(answer: Answer<T>, trouble: &mut Option<&'static str>) -> Option<T> {
    match answer {
        Answer::Found(found) => return Some(found),
        Answer::Absent | Answer::Unsupported => {}
        Answer::Denied(_) => *trouble = Some("may not be looked at; run as administrator or root"),
        Answer::Failed(_) => *trouble = Some("cannot be looked at"),
    }
    None
}
