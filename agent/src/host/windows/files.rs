//! Files and folders.
#![expect(unsafe_code, reason = "free disk is told by an interface of C alone")]

use std::{
    fs::{self, File, FileType, Metadata},
    io::{self, Read as _},
    path::{Path, PathBuf},
    time::UNIX_EPOCH,
};

use windows_sys::Win32::Storage::FileSystem::GetDiskFreeSpaceExW;

use super::native;
use crate::{
    facts::{Answer, Entry, EntryKind, Stat},
    host::{HostPath, Links},
};

/// Beyond this a folder is not told whole, and so not at all.
const MAX_NAMES: usize = 1 << 17;
/// `ERROR_DIRECTORY`: what is to be listed is a file.
const NO_DIRECTORY: i32 = 267;

/// As Windows takes it without any meaning of its own (no device names, no dots); `None` where it names no drive.
pub(super) fn on_drive(path: &HostPath) -> Option<PathBuf> {
    let mut parts = path.parts();
    let drive = parts.next()?;
    let is_drive = matches!(drive.as_bytes(), [letter, b':'] if letter.is_ascii_alphabetic());
    let below = parts.collect::<Vec<_>>().join("\\");
    is_drive.then(|| PathBuf::from(format!(r"\\?\{drive}\{below}")))
}

fn answer<T>(error: &io::Error, path: &HostPath) -> Answer<T> {
    match error.raw_os_error() {
        Some(NO_DIRECTORY) => Answer::Absent,
        Some(code) => native::answer_of(code.cast_unsigned(), path),
        None => Answer::Failed(format!("{path}: {error}")),
    }
}

pub(super) fn read(path: &HostPath, max: u64) -> Answer<Vec<u8>> {
    let Some(native) = on_drive(path) else {
        return Answer::Unsupported;
    };
    let meta = match fs::metadata(&native) {
        Ok(meta) => meta,
        Err(error) => return answer(&error, path),
    };
    if !meta.is_file() {
        return Answer::Failed(format!("{path} is no plain file"));
    }
    let mut bytes = Vec::new();
    match File::open(&native).and_then(|file| file.take(max.saturating_add(1)).read_to_end(&mut bytes)) {
        Ok(length) if length as u64 > max => Answer::Failed(format!(
            "{path} is longer than {max} bytes, which no sound one is; put a sound copy in its place"
        )),
        Ok(_) => Answer::Found(bytes),
        Err(error) => answer(&error, path),
    }
}

pub(super) fn list(path: &HostPath) -> Answer<Vec<Entry>> {
    let Some(native) = on_drive(path) else {
        return Answer::Unsupported;
    };
    match fs::metadata(&native) {
        Ok(meta) if meta.is_dir() => {}
        // A file has nothing below it.
        Ok(_) => return Answer::Absent,
        Err(error) => return answer(&error, path),
    }
    match entries(&native) {
        Ok(Some(mut entries)) => {
            entries.sort();
            Answer::Found(entries)
        }
        Ok(None) => Answer::Failed(format!("{path} has more than {MAX_NAMES} entries")),
        Err(error) => answer(&error, path),
    }
}

/// `None` when there are too many.
fn entries(dir: &Path) -> io::Result<Option<Vec<Entry>>> {
    let mut entries = Vec::new();
    for entry in fs::read_dir(dir)? {
        let entry = entry?;
        if entries.len() == MAX_NAMES {
            return Ok(None);
        }
        entries.push(Entry {
            name: entry.file_name().to_string_lossy().into_owned(),
            kind: kind(entry.file_type()?),
        });
    }
    Ok(Some(entries))
}

pub(super) fn stat(path: &HostPath, links: Links) -> Answer<Stat> {
    let Some(native) = on_drive(path) else {
        return Answer::Unsupported;
    };
    let itself = fs::symlink_metadata(&native);
    let meta = match (links, itself) {
        (_, Err(error)) => return answer(&error, path),
        (Links::Followed, Ok(meta)) if meta.is_symlink() => match fs::metadata(&native) {
            Ok(meta) => meta,
            Err(error) => return answer(&error, path).expected(|| format!("{path} is a link that leads nowhere")),
        },
        (Links::Followed | Links::AsTheyAre, Ok(meta)) => meta,
    };
    Answer::Found(facts(&meta))
}

fn facts(meta: &Metadata) -> Stat {
    let modified = meta.modified().ok().and_then(|at| at.duration_since(UNIX_EPOCH).ok());
    Stat {
        kind: kind(meta.file_type()),
        size: if meta.is_file() { meta.len() } else { 0 },
        modified_ms: modified.map_or(0, |at| i64::try_from(at.as_millis()).unwrap_or(i64::MAX)),
        // Windows has no such mark: whoever may read a file may execute it, unless an access list says otherwise.
        executable: true,
    }
}

fn kind(kind: FileType) -> EntryKind {
    // Junctions too.
    if kind.is_symlink() {
        EntryKind::Link
    } else if kind.is_dir() {
        EntryKind::Directory
    } else if kind.is_file() {
        EntryKind::File
    } else {
        EntryKind::Other
    }
}

pub(super) fn free_disk(path: &HostPath) -> Answer<u64> {
    let Some(native) = on_drive(path) else {
        return Answer::Unsupported;
    };
    let wide = native::wide(&native.to_string_lossy());
    let mut free = 0;
    // SAFETY: the path ends with a zero, and what is not wanted may be null.
    let done = unsafe { GetDiskFreeSpaceExW(wide.as_ptr(), &raw mut free, std::ptr::null_mut(), std::ptr::null_mut()) };
    if done == 0 {
        native::answer_of(native::last_error(), path)
    } else {
        Answer::Found(free)
    }
}
