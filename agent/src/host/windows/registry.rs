//! The registry: keys that are asked for, uninstall entries, and the scheduler's own list of its tasks.

use std::collections::BTreeMap;

use windows_registry::{Key, LOCAL_MACHINE, Type};
use windows_sys::Win32::System::Registry::{KEY_WOW64_32KEY, KEY_WOW64_64KEY};

use super::{native, users};
use crate::facts::{Answer, RegistryKey, RegistryValue, UninstallEntries, UninstallEntry, UninstallPlace};

const UNINSTALL: &str = r"SOFTWARE\Microsoft\Windows\CurrentVersion\Uninstall";
const TASKS: &str = r"SOFTWARE\Microsoft\Windows NT\CurrentVersion\Schedule\TaskCache\Tree";
/// Of a binary value.
const MAX_BYTES: usize = 64;
const MAX_TASKS: usize = 1 << 15;
/// Folders of tasks lie in each other; deeper than this nothing made by the scheduler does.
const MAX_DEPTH: usize = 32;

/// A key below a root in one of the two views.
pub(super) fn open(root: &Key, is_32: bool, path: &str) -> Answer<Key> {
    let view = if is_32 { KEY_WOW64_32KEY } else { KEY_WOW64_64KEY };
    match root.options().read().access(view).open(path) {
        Ok(key) => Answer::Found(key),
        Err(error) => native::answer_of(native::code_of(error.code().0), path),
    }
}

/// The names below a key.
pub(super) fn names(key: &Key, path: &str) -> Answer<Vec<String>> {
    match key.keys() {
        Ok(names) => Answer::Found(names.collect()),
        Err(error) => native::answer_of(native::code_of(error.code().0), path),
    }
}

/// A value; `Absent` where the key has none of this name.
fn value(key: &Key, name: &str) -> Answer<RegistryValue> {
    let value = match key.get_value(name) {
        Ok(value) => value,
        Err(error) => return native::answer_of(native::code_of(error.code().0), name),
    };
    Answer::Found(match value.ty() {
        Type::String | Type::ExpandString => RegistryValue::Text(native::text(value.as_wide())),
        Type::U32 | Type::U64 => {
            let mut bytes = [0; 8];
            let length = value.len().min(bytes.len());
            bytes[..length].copy_from_slice(&value[..length]);
            RegistryValue::Number(u64::from_le_bytes(bytes))
        }
        Type::Bytes => RegistryValue::Hex(hex::encode(&value[..value.len().min(MAX_BYTES)])),
        // Lists of texts and what else there is: that it is there is all that is told.
        Type::MultiString | Type::Other(_) => RegistryValue::Hex(String::new()),
    })
}

pub(super) fn text(key: &Key, name: &str) -> Answer<String> {
    value(key, name).map(|value| match value {
        RegistryValue::Text(text) => text,
        RegistryValue::Number(_) | RegistryValue::Hex(_) => String::new(),
    })
}

pub(super) fn key(is_32: bool, path: &str, wanted: &[String]) -> Answer<RegistryKey> {
    open(LOCAL_MACHINE, is_32, path).and_then(|key| {
        let mut values = BTreeMap::new();
        for name in wanted {
            match value(&key, name) {
                Answer::Found(value) => {
                    values.insert(name.clone(), value);
                }
                Answer::Absent | Answer::Unsupported => {}
                Answer::Denied(why) => return Answer::Denied(format!("{path}: {why}")),
                Answer::Failed(why) => return Answer::Failed(format!("{path}: {why}")),
            }
        }
        Answer::Found(RegistryKey { values })
    })
}

pub(super) fn uninstall(place: UninstallPlace) -> Answer<UninstallEntries> {
    match place {
        UninstallPlace::Machine => entries(LOCAL_MACHINE, false),
        UninstallPlace::Machine32 => entries(LOCAL_MACHINE, true),
        UninstallPlace::Users => users::uninstall(),
    }
}

/// The entries below a root. One that cannot be read is told; the others are read.
pub(super) fn entries(root: &Key, is_32: bool) -> Answer<UninstallEntries> {
    let key = open(root, is_32, UNINSTALL);
    key.and_then(|key| {
        names(&key, UNINSTALL).map(|names| {
            let mut found = UninstallEntries::default();
            for name in names {
                match open(&key, is_32, &name).and_then(|below| entry(&below, &name)) {
                    Answer::Found(entry) => found.entries.push(entry),
                    // Removed meanwhile.
                    Answer::Absent | Answer::Unsupported => {}
                    Answer::Denied(why) | Answer::Failed(why) => found.unread.push(format!("uninstall key {why}")),
                }
            }
            found
        })
    })
}

fn entry(key: &Key, name: &str) -> Answer<UninstallEntry> {
    let mut trouble = None;
    let mut text = |value: &str| match text(key, value) {
        Answer::Found(text) => text,
        Answer::Absent | Answer::Unsupported => String::new(),
        Answer::Denied(why) | Answer::Failed(why) => {
            trouble = Some(why);
            String::new()
        }
    };
    let mut entry = UninstallEntry {
        key: name.to_owned(),
        name: text("DisplayName"),
        publisher: text("Publisher"),
        version: text("DisplayVersion"),
        location: text("InstallLocation"),
        installed: text("InstallDate"),
        source: String::new(),
        is_msi: false,
    };
    if let Some(why) = trouble {
        return Answer::Failed(format!("{name}: {why}"));
    }
    // No verdict follows from it, so that a source which cannot be read takes no entry away.
    entry.source = self::text(key, "InstallSource").found().unwrap_or_default();
    entry.is_msi = matches!(value(key, "WindowsInstaller"), Answer::Found(RegistryValue::Number(1)));
    Answer::Found(entry)
}

/// The scheduler keeps a key for each task and each folder of tasks; a task's has an `Id`. Asked here and not from the
/// scheduler, which hides from users what is not theirs and says nothing about it.
pub(super) fn tasks() -> Answer<Vec<String>> {
    let tree = open(LOCAL_MACHINE, false, TASKS)
        .expected(|| "the scheduler's tree of tasks is not in the registry, where every Windows has it".to_owned());
    tree.and_then(|tree| {
        let mut tasks = Vec::new();
        let mut open_folders = vec![(String::new(), tree, 0)];
        while let Some((path, key, depth)) = open_folders.pop() {
            let below = match names(&key, &path) {
                Answer::Found(names) => names,
                Answer::Absent | Answer::Unsupported => continue,
                Answer::Denied(why) => return Answer::Denied(format!("scheduled tasks: {why}")),
                Answer::Failed(why) => return Answer::Failed(format!("scheduled tasks: {why}")),
            };
            for name in below {
                if tasks.len() + open_folders.len() > MAX_TASKS || depth > MAX_DEPTH {
                    return Answer::Failed("there are more scheduled tasks than are looked through".to_owned());
                }
                let path = format!(r"{path}\{name}");
                match open(&key, false, &name) {
                    Answer::Found(below) => {
                        if value(&below, "Id").is_found() {
                            tasks.push(path.clone());
                        }
                        open_folders.push((path, below, depth + 1));
                    }
                    Answer::Absent | Answer::Unsupported => {}
                    Answer::Denied(why) => return Answer::Denied(format!("scheduled tasks: {why}")),
                    Answer::Failed(why) => return Answer::Failed(format!("scheduled tasks: {why}")),
                }
            }
        }
        tasks.sort();
        Answer::Found(tasks)
    })
}
