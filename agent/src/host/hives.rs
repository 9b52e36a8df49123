//! Files of the registry that no running Windows has loaded: opened, and asked as the registry itself would be.

use std::{collections::BTreeMap, fs::File, io};

#[cfg(unix)]
use crate::facts::RegistryKey;
use crate::{
    facts::{Answer, RegistryValue, UninstallEntries, UninstallEntry},
    parse::hive::{Hive, HiveError, Key, Kind, Source, Value, same_name},
};

/// Where uninstall entries lie below `SOFTWARE`, the machine's or a user's.
pub(super) const UNINSTALL: &str = r"Microsoft\Windows\CurrentVersion\Uninstall";

/// No text that is asked for is longer, in bytes.
const MAX_TEXT: u32 = 32 << 10;
/// No value is; a certificate has some 2 kB.
const MAX_VALUE: u32 = 1 << 20;
/// Of a binary value so much is told.
const MAX_BYTES: usize = 64;
/// More entries, or more text in them, no Windows has. A user may write as many as he likes.
const MAX_ENTRIES: usize = 1 << 14;
const MAX_ALL: usize = 4 << 20;

/// A plain file, open for reading.
#[derive(Debug)]
pub(super) struct HiveFile(pub(super) File);

impl Source for HiveFile {
    fn length(&self) -> io::Result<u64> {
        self.0.metadata().map(|meta| meta.len())
    }

    #[cfg(unix)]
    fn fill(&self, at: u64, into: &mut [u8]) -> io::Result<()> {
        std::os::unix::fs::FileExt::read_exact_at(&self.0, into, at)
    }

    #[cfg(windows)]
    fn fill(&self, at: u64, into: &mut [u8]) -> io::Result<()> {
        use std::os::windows::fs::FileExt;
        let mut done = 0;
        while done < into.len() {
            match self.0.seek_read(&mut into[done..], at + done as u64)? {
                0 => return Err(io::ErrorKind::UnexpectedEof.into()),
                count => done += count,
            }
        }
        Ok(())
    }
}

/// What an error means: nobody knows what the file holds.
pub(super) fn answer<T>(result: Result<T, HiveError>, what: &str) -> Answer<T> {
    match result {
        Ok(value) => Answer::Found(value),
        Err(error) => Answer::Failed(format!("{what} {error}")),
    }
}

/// A key that may be missing.
pub(super) fn key<S: Source>(hive: &Hive<S>, path: &str, what: &str) -> Answer<Key> {
    answer(hive.key(path), what).and_then(|key| key.map_or(Answer::Absent, Answer::Found))
}

/// The entries below the uninstall key at this path. Those of which something cannot be read are counted and not named, for a
/// user's are his own business; the others are told.
pub(super) fn uninstall<S: Source>(hive: &Hive<S>, path: &str, what: &str) -> Answer<UninstallEntries> {
    key(hive, path, what).and_then(|key| answer(entries(hive, &key), what))
}

fn entries<S: Source>(hive: &Hive<S>, key: &Key) -> Result<UninstallEntries, HiveError> {
    let below = hive.subkeys(key)?;
    if below.len() > MAX_ENTRIES {
        return Err(HiveError::TooMany("uninstall entries"));
    }
    let mut found = UninstallEntries::default();
    let mut unread = Reasons::default();
    let mut length = 0;
    for key in below {
        match entry(hive, &key) {
            Ok(entry) => {
                let texts = [
                    &entry.key,
                    &entry.name,
                    &entry.publisher,
                    &entry.version,
                    &entry.location,
                ];
                length += texts.iter().map(|text| text.len()).sum::<usize>();
                if length > MAX_ALL {
                    return Err(HiveError::TooMany("words in uninstall entries"));
                }
                found.entries.push(entry);
            }
            Err(error) => unread.add(error.to_string()),
        }
    }
    found.unread = unread.told(|count, why| match count {
        1 => format!("an uninstall key {why}"),
        _ => format!("each of {count} uninstall keys {why}"),
    });
    Ok(found)
}

fn entry<S: Source>(hive: &Hive<S>, key: &Key) -> Result<UninstallEntry, HiveError> {
    let values = hive.values(key)?;
    let value = |name: &str| values.iter().find(|value| same_name(value.name(), name));
    let text = |name: &str| match value(name) {
        Some(value) => hive.text(value, MAX_TEXT).map(Option::unwrap_or_default),
        None => Ok(String::new()),
    };
    Ok(UninstallEntry {
        key: key.name().to_owned(),
        name: text("DisplayName")?,
        publisher: text("Publisher")?,
        version: text("DisplayVersion")?,
        location: text("InstallLocation")?,
        is_msi: match value("WindowsInstaller") {
            Some(value) => told(hive, value)? == RegistryValue::Number(1),
            None => false,
        },
        // No verdict follows from these, so that one which cannot be read takes no entry away.
        installed: text("InstallDate").unwrap_or_default(),
        source: text("InstallSource").unwrap_or_default(),
    })
}

/// A value as the registry's own interface would tell it.
fn told<S: Source>(hive: &Hive<S>, value: &Value) -> Result<RegistryValue, HiveError> {
    Ok(match value.kind() {
        Kind::Text => RegistryValue::Text(hive.text(value, MAX_TEXT)?.unwrap_or_default()),
        Kind::Number => {
            let data = hive.data(value, 8)?;
            let mut bytes = [0; 8];
            bytes[..data.len()].copy_from_slice(&data);
            RegistryValue::Number(u64::from_le_bytes(bytes))
        }
        Kind::Bytes => {
            let data = hive.data(value, MAX_VALUE)?;
            RegistryValue::Hex(hex::encode(&data[..data.len().min(MAX_BYTES)]))
        }
        Kind::Other => RegistryValue::Hex(String::new()),
    })
}

/// A value by its name.
#[cfg(unix)]
pub(super) fn value<S: Source>(hive: &Hive<S>, key: &Key, name: &str) -> Result<Option<RegistryValue>, HiveError> {
    hive.value(key, name)?.map(|value| told(hive, &value)).transpose()
}

/// A text by its name; `None` too for a value of another kind.
#[cfg(unix)]
pub(super) fn text<S: Source>(hive: &Hive<S>, key: &Key, name: &str) -> Result<Option<String>, HiveError> {
    Ok(match value(hive, key, name)? {
        Some(RegistryValue::Text(text)) => Some(text),
        Some(RegistryValue::Number(_) | RegistryValue::Hex(_)) | None => None,
    })
}

/// A number by its name; `None` too for a value of another kind.
#[cfg(unix)]
pub(super) fn number<S: Source>(hive: &Hive<S>, key: &Key, name: &str) -> Result<Option<u64>, HiveError> {
    Ok(match value(hive, key, name)? {
        Some(RegistryValue::Number(number)) => Some(number),
        Some(RegistryValue::Text(_) | RegistryValue::Hex(_)) | None => None,
    })
}

/// The whole of a binary value.
#[cfg(unix)]
pub(super) fn bytes<S: Source>(hive: &Hive<S>, key: &Key, name: &str) -> Result<Option<Vec<u8>>, HiveError> {
    hive.value(key, name)?
        .map(|value| hive.data(&value, MAX_VALUE))
        .transpose()
}

/// Those of a key's values that are wanted.
#[cfg(unix)]
pub(super) fn wanted<S: Source>(hive: &Hive<S>, key: &Key, names: &[String]) -> Result<RegistryKey, HiveError> {
    let mut values = BTreeMap::new();
    for name in names {
        if let Some(value) = value(hive, key, name)? {
            values.insert(name.clone(), value);
        }
    }
    Ok(RegistryKey { values })
}

/// Why several things of one kind could not be read: each reason once.
#[derive(Debug, Default)]
pub(super) struct Reasons(BTreeMap<String, u32>);

impl Reasons {
    /// More kinds of trouble than this are not told apart.
    const MOST: usize = 16;

    pub(super) fn add(&mut self, why: String) {
        let why = if self.0.len() < Self::MOST || self.0.contains_key(&why) {
            why
        } else {
            "cannot be read, each for a reason of its own".to_owned()
        };
        *self.0.entry(why).or_default() += 1;
    }

    pub(super) fn told(&self, words: impl Fn(u32, &str) -> String) -> Vec<String> {
        self.0.iter().map(|(why, count)| words(*count, why)).collect()
    }
}
