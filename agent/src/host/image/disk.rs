//! Files of an image by the paths that Windows has for them: one drive, and names whatever their case.

use crate::{
    facts::{Answer, Entry, EntryKind},
    host::{HostPath, Links, rootdir::RootDir},
    parse::hive::same_name,
};

/// Where every Windows keeps the files of its registry.
pub(super) const CONFIG: [&str; 3] = ["Windows", "System32", "config"];

/// Whether a Windows lies here: the folder of its registry's files is there, or may not be looked at.
pub(super) fn is_windows(root: &RootDir) -> bool {
    let config = below(root, CONFIG.into_iter());
    // What may not be looked at could be any system's, unless a Windows is seen around it.
    config.is_found() || (config.trouble().is_some() && below(root, CONFIG.into_iter().take(2)).is_found())
}

/// Finds files of the drive that the image is of.
#[derive(Debug)]
pub(super) struct Disk {
    /// As `C:`; why not, where the image does not tell it.
    drive: Answer<String>,
}

impl Disk {
    pub(super) const fn new(drive: Answer<String>) -> Self {
        Self { drive }
    }

    /// Where a path of this Windows lies below the root, as it is spelled there.
    pub(super) fn place(&self, root: &RootDir, path: &HostPath) -> Answer<HostPath> {
        let mut parts = path.parts();
        let Some(drive) = parts.next().filter(|part| is_drive(part)) else {
            return Answer::Unsupported;
        };
        self.drive.as_ref().and_then(|own| {
            if own.eq_ignore_ascii_case(drive) {
                below(root, parts)
            } else {
                Answer::Failed(format!(
                    "{drive} is another drive than the one that is looked at ({own}), so nothing is known of what lies on it"
                ))
            }
        })
    }

    /// What a running Windows would list: nothing is below a file.
    pub(super) fn list(&self, root: &RootDir, dir: &HostPath) -> Answer<Vec<Entry>> {
        self.place(root, dir)
            .and_then(|place| match root.stat(&place, Links::Followed) {
                Answer::Found(stat) if stat.kind == EntryKind::Directory => root.list(&place),
                Answer::Found(_) | Answer::Absent => Answer::Absent,
                Answer::Unsupported => Answer::Unsupported,
                Answer::Denied(why) => Answer::Denied(why),
                Answer::Failed(why) => Answer::Failed(why),
            })
    }
}

fn is_drive(part: &str) -> bool {
    matches!(part.as_bytes(), [letter, b':'] if letter.is_ascii_alphabetic())
}

/// `KASPER~1`: a second name that is kept beside the first, and not shown by a mounted disk.
fn is_short_name(part: &str) -> bool {
    let stem = part.split('.').next().unwrap_or_default();
    let tail = stem.rsplit_once('~').map(|(_, tail)| tail);
    tail.is_some_and(|tail| !tail.is_empty() && tail.bytes().all(|byte| byte.is_ascii_digit()))
}

/// Goes down name by name. A name as it is asked for comes first; else the one that Windows takes for the same.
pub(super) fn below<'p>(root: &RootDir, parts: impl Iterator<Item = &'p str>) -> Answer<HostPath> {
    let mut at = HostPath::unix("/");
    for part in parts {
        let exact = at.join(part);
        match root.stat(&exact, Links::AsTheyAre) {
            Answer::Found(_) => {
                at = exact;
                continue;
            }
            Answer::Absent => {}
            other @ (Answer::Unsupported | Answer::Denied(_) | Answer::Failed(_)) => return other.map(|_| at),
        }
        match named(root, &at, part) {
            Answer::Found(name) => at = at.join(&name),
            other @ (Answer::Absent | Answer::Unsupported | Answer::Denied(_) | Answer::Failed(_)) => {
                return other.map(|_| at);
            }
        }
    }
    Answer::Found(at)
}

fn named(root: &RootDir, dir: &HostPath, part: &str) -> Answer<String> {
    let is_directory = root
        .stat(dir, Links::Followed)
        .map(|stat| stat.kind == EntryKind::Directory);
    let entries = match is_directory {
        Answer::Found(true) => root.list(dir),
        Answer::Found(false) => return Answer::Absent,
        other @ (Answer::Absent | Answer::Unsupported | Answer::Denied(_) | Answer::Failed(_)) => {
            return other.map(|_| String::new());
        }
    };
    entries.and_then(|entries| {
        let mut same = entries.into_iter().filter(|entry| same_name(&entry.name, part));
        match (same.next(), same.next()) {
            (Some(entry), None) => Answer::Found(entry.name),
            (None, _) if is_short_name(part) => Answer::Failed(format!(
                "{part} is a short name, and which file it is for cannot be told on a Windows that does not run"
            )),
            (None, _) => Answer::Absent,
            (Some(_), Some(_)) => Answer::Failed(format!("{dir} has two names that differ from {part} in case alone")),
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_second_name_is_told_from_a_name_with_a_tilde() {
        assert!(is_short_name("KASPER~1") && is_short_name("AVP~12.EXE"));
        for plain in ["Kaspersky Lab", "a~b", "~", "backup~", "x.y~1"] {
            assert!(!is_short_name(plain), "{plain}");
        }
    }
}
