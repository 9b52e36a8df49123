//! The users of this machine: whose registry is loaded, and where their profiles lie. No answer names one.

use std::{
    fs::{File, OpenOptions},
    os::windows::fs::{MetadataExt as _, OpenOptionsExt as _},
};

use windows_registry::{Key, LOCAL_MACHINE, USERS};
use windows_sys::Win32::Storage::FileSystem::{
    FILE_ATTRIBUTE_REPARSE_POINT, FILE_FLAG_OPEN_REPARSE_POINT, FILE_SHARE_DELETE, FILE_SHARE_READ, FILE_SHARE_WRITE,
};

use super::{native, registry};
use crate::{
    facts::{Answer, UninstallEntries},
    host::{
        HostPath,
        hives::Reasons,
        users::{self, FILES, FOLDER, PROFILES, is_persons},
    },
};

/// A name that leads to another file is not followed: the folder is the user's, and the agent may read more than he may.
const AS_IT_IS: u32 = FILE_FLAG_OPEN_REPARSE_POINT;
const LEADS_ELSEWHERE: u32 = FILE_ATTRIBUTE_REPARSE_POINT;
/// Windows may load, change and delete the file meanwhile.
const SHARED: u32 = FILE_SHARE_READ | FILE_SHARE_WRITE | FILE_SHARE_DELETE;

fn profile_list() -> String {
    format!(r"SOFTWARE\{PROFILES}")
}

/// The ids of people's accounts among the names below a key.
fn ids(key: &Key, path: &str) -> Answer<Vec<String>> {
    registry::names(key, path).map(|names| names.into_iter().filter(|name| is_persons(name)).collect())
}

fn profiles() -> Answer<(Key, Vec<String>)> {
    let key = registry::open(LOCAL_MACHINE, false, &profile_list())
        .expected(|| "the list of users' profiles is not in the registry, where every Windows has it".to_owned());
    key.and_then(|key| ids(&key, PROFILES).map(|ids| (key, ids)))
}

/// Entries of users who are logged in, and of the others by the files of their registries, which are read as they are:
/// Windows reads one only by loading it, and that would change it. One that cannot be read is told.
pub(super) fn uninstall() -> Answer<UninstallEntries> {
    let loaded = ids(USERS, "HKEY_USERS").expected(|| "HKEY_USERS has no key".to_owned());
    loaded.and_then(|loaded| {
        let mut found = UninstallEntries::default();
        for id in &loaded {
            let whose = |why: &str| format!("the registry of a user who is logged in: {}", why.replace(id, "USER"));
            match registry::open(USERS, false, id).and_then(|user| registry::entries(&user, false)) {
                Answer::Found(more) => {
                    found.entries.extend(more.entries);
                    // A reason names the key, and so a program of the user's, which is his own business.
                    let count = more.unread.len();
                    if count > 0 {
                        found
                            .unread
                            .push(whose(&format!("{count} of its uninstall keys cannot be read")));
                    }
                }
                Answer::Absent | Answer::Unsupported => {}
                Answer::Denied(why) | Answer::Failed(why) => found.unread.push(whose(&why)),
            }
        }
        match profiles() {
            Answer::Found((list, known)) => {
                let mut reasons = Reasons::default();
                for id in known.iter().filter(|id| !loaded.contains(id)) {
                    match users::uninstall(file(&list, id)) {
                        Answer::Found(more) => {
                            found.entries.extend(more.entries);
                            more.unread.into_iter().for_each(|why| reasons.add(why));
                        }
                        Answer::Absent | Answer::Unsupported => reasons.add("there is no such file".to_owned()),
                        Answer::Denied(why) | Answer::Failed(why) => reasons.add(why),
                    }
                }
                found.unread.extend(reasons.told(|count, why| {
                    format!("the registry (NTUSER.DAT) of {count} users who are not logged in: {why}")
                }));
            }
            Answer::Absent | Answer::Unsupported => {}
            Answer::Denied(why) | Answer::Failed(why) => found.unread.push(why),
        }
        Answer::Found(found)
    })
}

/// The file of a user's registry, below the profile that the list names. No reason has its path, which names him.
fn file(list: &Key, id: &str) -> Answer<File> {
    let folder = registry::open(list, false, id).and_then(|profile| registry::text(&profile, FOLDER));
    let folder = match folder {
        Answer::Found(folder) => HostPath::windows(&expanded(&folder)),
        Answer::Absent | Answer::Unsupported => {
            return Answer::Failed("Windows does not tell where it lies".to_owned());
        }
        Answer::Denied(_) => return Answer::Denied("where it lies may not be looked at".to_owned()),
        Answer::Failed(_) => return Answer::Failed("where it lies cannot be told".to_owned()),
    };
    for name in FILES {
        match opened(&folder.join(name)) {
            Answer::Absent => {}
            other @ (Answer::Found(_) | Answer::Unsupported | Answer::Denied(_) | Answer::Failed(_)) => return other,
        }
    }
    Answer::Absent
}

fn opened(path: &HostPath) -> Answer<File> {
    let Some(native) = super::files::on_drive(path) else {
        return Answer::Failed("it does not lie on a drive of this machine".to_owned());
    };
    let mut options = OpenOptions::new();
    options.read(true).share_mode(SHARED).custom_flags(AS_IT_IS);
    let opened = options
        .open(native)
        .and_then(|file| file.metadata().map(|meta| (file, meta)));
    match opened {
        Ok((file, meta)) if meta.is_file() && meta.file_attributes() & LEADS_ELSEWHERE == 0 => Answer::Found(file),
        Ok(_) => Answer::Failed("it is no plain file".to_owned()),
        Err(error) => error.raw_os_error().map_or_else(
            || Answer::Failed(error.to_string()),
            |code| native::answer_of(code.cast_unsigned(), "it"),
        ),
    }
}

/// Where people's profiles lie, as Windows spells it, and why some could not be told.
pub(super) fn profile_folders() -> Answer<(Vec<String>, Vec<String>)> {
    profiles().map(|(key, ids)| {
        let (mut folders, mut unread) = (Vec::new(), Vec::new());
        for id in ids {
            let folder = registry::open(&key, false, &id).and_then(|profile| registry::text(&profile, FOLDER));
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

fn expanded(folder: &str) -> String {
    let drive = std::env::var("SystemDrive").unwrap_or_else(|_| "C:".to_owned());
    users::on_drive(folder, &drive)
}
