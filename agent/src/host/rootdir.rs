//! Files below one directory that is taken as `/`. No look leaves it: links are resolved as if it were the root.

use std::{
    fs::File,
    io::Read,
    os::fd::{AsFd, OwnedFd},
    path::Path,
};

use rustix::{
    fs::{AtFlags, Dir, FileType, Mode, OFlags},
    io::Errno,
};

use super::{HostError, HostPath, Links, walk};
use crate::facts::{Answer, Entry, EntryKind, Stat};

/// A directory with more names than this is not listed: `/var/lib/dpkg/info` of 3,000 packages has some 12,000.
const MAX_NAMES: usize = 200_000;

/// Groups with all their members; tens of thousands of accounts.
const MAX_GROUP_FILE: u64 = 16 << 20;

/// How links are kept inside the root.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Resolve {
    /// By the kernel: openat2(2) with RESOLVE_IN_ROOT, where it has that (Linux 5.6) and lets us.
    #[cfg(target_os = "linux")]
    Kernel,
    /// Part by part.
    Walk,
}

/// An open root.
#[derive(Debug)]
pub(crate) struct RootDir {
    root: OwnedFd,
    resolve: Resolve,
}

impl RootDir {
    pub(crate) fn open(dir: &Path) -> Result<Self, HostError> {
        let root = rustix::fs::open(dir, walk::DIRECTORY | OFlags::CLOEXEC, Mode::empty()).map_err(|errno| {
            HostError::Root {
                path: dir.to_owned(),
                source: errno.into(),
            }
        })?;
        #[cfg(target_os = "linux")]
        let resolve = if kernel_open(&root, ".", walk::DIRECTORY).is_ok() {
            Resolve::Kernel
        } else {
            Resolve::Walk
        };
        #[cfg(not(target_os = "linux"))]
        let resolve = Resolve::Walk;
        Ok(Self { root, resolve })
    }

    #[cfg(test)]
    pub(crate) fn resolving(mut self, resolve: Resolve) -> Self {
        self.resolve = resolve;
        self
    }

    pub(crate) fn read(&self, file: &HostPath, max: u64) -> Answer<Vec<u8>> {
        // Without NONBLOCK a pipe under this name would keep the look waiting for ever.
        match self.open_at(file, OFlags::RDONLY | OFlags::NONBLOCK | OFlags::NOCTTY) {
            Ok(fd) => read_bounded(fd, file, max),
            Err(errno) => self.not_opened(errno, file),
        }
    }

    /// A plain file, open for reading.
    pub(crate) fn file(&self, path: &HostPath) -> Answer<File> {
        let fd = match self.open_at(path, OFlags::RDONLY | OFlags::NONBLOCK | OFlags::NOCTTY) {
            Ok(fd) => fd,
            Err(errno) => return self.not_opened(errno, path),
        };
        match rustix::fs::fstat(&fd) {
            Ok(stat) if facts(&stat).kind == EntryKind::File => Answer::Found(File::from(fd)),
            Ok(stat) => Answer::Failed(format!("{path} is a {}, not a plain file", facts(&stat).kind)),
            Err(errno) => answer_of(errno, path),
        }
    }

    pub(crate) fn list(&self, dir: &HostPath) -> Answer<Vec<Entry>> {
        let fd = match self.open_at(dir, OFlags::RDONLY | OFlags::DIRECTORY) {
            Ok(fd) => fd,
            Err(Errno::NOTDIR) if self.stat(dir, Links::Followed).is_found() => {
                return Answer::Failed(format!("{dir} is not a directory"));
            }
            Err(errno) => return self.not_opened(errno, dir),
        };
        match names(&fd) {
            Ok(Some(names)) => Answer::Found(names),
            Ok(None) => Answer::Failed(format!("{dir} holds more than {MAX_NAMES} names")),
            Err(errno) => answer_of(errno, dir),
        }
    }

    pub(crate) fn stat(&self, path: &HostPath, links: Links) -> Answer<Stat> {
        match self.stat_at(path, links) {
            Ok(stat) => Answer::Found(facts(&stat)),
            Err(errno) => self.not_opened(errno, path),
        }
    }

    fn stat_at(&self, path: &HostPath, links: Links) -> Result<rustix::fs::Stat, Errno> {
        match self.resolve {
            #[cfg(target_os = "linux")]
            Resolve::Kernel => {
                let follow = match links {
                    Links::Followed => OFlags::empty(),
                    Links::AsTheyAre => OFlags::NOFOLLOW,
                };
                kernel_open(&self.root, relative(path), OFlags::PATH | follow).and_then(|fd| rustix::fs::fstat(&fd))
            }
            Resolve::Walk => walk::to(self.root.as_fd(), path, links).and_then(|place| match place {
                walk::Place::Root => rustix::fs::fstat(&self.root),
                walk::Place::In(dir, name) => rustix::fs::statat(dir, name, AtFlags::SYMLINK_NOFOLLOW),
            }),
        }
    }

    /// Where a link leads, as it stands there.
    pub(crate) fn link(&self, path: &HostPath) -> Answer<String> {
        let target = match self.resolve {
            #[cfg(target_os = "linux")]
            Resolve::Kernel => kernel_open(&self.root, relative(path), OFlags::PATH | OFlags::NOFOLLOW)
                // An empty name means the opened link itself (readlink(2)).
                .and_then(|fd| rustix::fs::readlinkat(fd, "", Vec::new())),
            Resolve::Walk => walk::to(self.root.as_fd(), path, Links::AsTheyAre).and_then(|place| match place {
                walk::Place::Root => Err(Errno::INVAL),
                walk::Place::In(dir, name) => rustix::fs::readlinkat(dir, name, Vec::new()),
            }),
        };
        match target {
            Ok(target) => Answer::Found(target.to_string_lossy().into_owned()),
            // What lies there is asked for anew: both calls say the same of a thing that is no link as of one that is not there.
            Err(Errno::INVAL | Errno::NOENT) if self.stat(path, Links::AsTheyAre).is_found() => {
                Answer::Failed(format!("{path} is no link"))
            }
            Err(errno) => self.not_opened(errno, path),
        }
    }

    /// The number in a group's entry of the local database, whose lines are `NAME:PASSWORD:NUMBER:MEMBERS` (group(5)).
    pub(crate) fn group(&self, name: &str) -> Answer<u32> {
        let file = HostPath::unix("/etc/group");
        self.read(&file, MAX_GROUP_FILE).and_then(|bytes| {
            let mut entries = bytes
                .split(|byte| *byte == b'\n')
                .map(|line| line.split(|byte| *byte == b':'));
            let Some(mut entry) = entries.find(|entry| entry.clone().next() == Some(name.as_bytes())) else {
                return Answer::Absent;
            };
            let number = entry
                .nth(2)
                .and_then(|number| std::str::from_utf8(number).ok()?.parse().ok());
            match number {
                Some(number) => Answer::Found(number),
                None => Answer::Failed(format!(
                    "the entry of {name} in {file} is damaged; repair it with grpck"
                )),
            }
        })
    }

    pub(crate) fn free_disk(&self, path: &HostPath) -> Answer<u64> {
        match self
            .open_at(path, walk::DIRECTORY)
            .and_then(|fd| rustix::fs::fstatvfs(&fd))
        {
            Ok(disk) => Answer::Found(disk.f_bavail.saturating_mul(disk.f_frsize)),
            Err(errno) => self.not_opened(errno, path),
        }
    }

    fn open_at(&self, path: &HostPath, flags: OFlags) -> Result<OwnedFd, Errno> {
        match self.resolve {
            #[cfg(target_os = "linux")]
            Resolve::Kernel => kernel_open(&self.root, relative(path), flags),
            Resolve::Walk => match walk::to(self.root.as_fd(), path, Links::Followed)? {
                walk::Place::Root => rustix::fs::openat(&self.root, ".", flags | OFlags::CLOEXEC, Mode::empty()),
                walk::Place::In(dir, name) => {
                    rustix::fs::openat(dir, name, flags | OFlags::NOFOLLOW | OFlags::CLOEXEC, Mode::empty())
                }
            },
        }
    }

    /// Tells a path that is not there from one that cannot be looked at, because it is, or lies behind, a link to nothing.
    fn not_opened<T>(&self, errno: Errno, path: &HostPath) -> Answer<T> {
        let answer = answer_of(errno, path);
        if !matches!(answer, Answer::Absent) {
            return answer;
        }
        match self.link_to_nothing(path) {
            Ok(None) => answer,
            Ok(Some(link)) => Answer::Failed(format!(
                "{link} is a link to something that is not there, and links are not followed out of the root; put what \
                 it leads to below the root, or look at the system while it runs"
            )),
            Err(errno) => answer_of(errno, path),
        }
    }

    /// The first part of a path that is a link to nothing. What it should lead to may lie outside the root or on a disk
    /// that is not mounted, so nobody can tell what is or is not behind it.
    fn link_to_nothing(&self, path: &HostPath) -> Result<Option<HostPath>, Errno> {
        let mut part = HostPath::unix("/");
        for name in path.parts() {
            part = part.join(name);
            let kind = match self.stat_at(&part, Links::AsTheyAre) {
                Ok(stat) => facts(&stat).kind,
                Err(Errno::NOENT | Errno::NOTDIR) => return Ok(None),
                Err(errno) => return Err(errno),
            };
            if kind == EntryKind::Link {
                match self.stat_at(&part, Links::Followed) {
                    Ok(_) => {}
                    Err(Errno::NOENT | Errno::NOTDIR) => return Ok(Some(part)),
                    Err(errno) => return Err(errno),
                }
            }
        }
        Ok(None)
    }
}

#[cfg(target_os = "linux")]
fn relative(path: &HostPath) -> &str {
    match path.as_str().trim_start_matches('/') {
        "" => ".",
        below => below,
    }
}

#[cfg(target_os = "linux")]
fn kernel_open(root: &OwnedFd, path: &str, flags: OFlags) -> Result<OwnedFd, Errno> {
    use rustix::fs::{ResolveFlags, openat2};
    let inside = ResolveFlags::IN_ROOT | ResolveFlags::NO_MAGICLINKS;
    // EAGAIN: something below was renamed while a `..` was resolved; the kernel wants the call again.
    for _ in 0..16 {
        match openat2(root, path, flags | OFlags::CLOEXEC, Mode::empty(), inside) {
            Err(Errno::AGAIN) => {}
            other => return other,
        }
    }
    Err(Errno::AGAIN)
}

fn read_bounded(fd: OwnedFd, path: &HostPath, max: u64) -> Answer<Vec<u8>> {
    let size = match rustix::fs::fstat(&fd) {
        Ok(stat) => facts(&stat),
        Err(errno) => return answer_of(errno, path),
    };
    if size.kind != EntryKind::File {
        return Answer::Failed(format!("{path} is a {}, not a plain file", size.kind));
    }
    let too_long = || {
        Answer::Failed(format!(
            "{path} is longer than {max} bytes, which no sound one is; put a sound copy in its place"
        ))
    };
    if size.size > max {
        return too_long();
    }
    // Files of /proc and /sys say 0 and hold more, so the bound is kept while reading too.
    let mut bytes = Vec::with_capacity(usize::try_from(size.size).unwrap_or(0).saturating_add(1));
    match File::from(fd).take(max.saturating_add(1)).read_to_end(&mut bytes) {
        Ok(length) if length as u64 > max => too_long(),
        Ok(_) => Answer::Found(bytes),
        Err(error) => match error.raw_os_error() {
            Some(code) => answer_of(Errno::from_raw_os_error(code), path),
            None => Answer::Failed(format!("{path}: {error}")),
        },
    }
}

/// `None` when there are too many.
fn names(fd: &OwnedFd) -> Result<Option<Vec<Entry>>, Errno> {
    let mut names = Vec::new();
    for entry in Dir::read_from(fd)? {
        let entry = entry?;
        let name = entry.file_name();
        if matches!(name.to_bytes(), b"." | b"..") {
            continue;
        }
        if names.len() == MAX_NAMES {
            return Ok(None);
        }
        let mut kind = kind(entry.file_type());
        // Some file systems do not tell the kind with the name.
        if entry.file_type() == FileType::Unknown {
            kind = match rustix::fs::statat(fd, name, AtFlags::SYMLINK_NOFOLLOW) {
                Ok(stat) => facts(&stat).kind,
                Err(Errno::NOENT) => continue,
                Err(errno) => return Err(errno),
            };
        }
        names.push(Entry {
            name: name.to_string_lossy().into_owned(),
            kind,
        });
    }
    names.sort();
    Ok(Some(names))
}

fn facts(stat: &rustix::fs::Stat) -> Stat {
    let nanoseconds = i64::try_from(stat.st_mtime_nsec).unwrap_or(0);
    Stat {
        kind: kind(FileType::from_raw_mode(stat.st_mode)),
        size: u64::try_from(stat.st_size).unwrap_or(0),
        modified_ms: stat
            .st_mtime
            .saturating_mul(1000)
            .saturating_add(nanoseconds / 1_000_000),
        executable: stat.st_mode & 0o111 != 0,
    }
}

const fn kind(file_type: FileType) -> EntryKind {
    match file_type {
        FileType::RegularFile => EntryKind::File,
        FileType::Directory => EntryKind::Directory,
        FileType::Symlink => EntryKind::Link,
        FileType::Fifo | FileType::Socket | FileType::CharacterDevice | FileType::BlockDevice | FileType::Unknown => {
            EntryKind::Other
        }
    }
}

/// What an error of the system means for a look.
pub(crate) fn answer_of<T>(errno: Errno, what: impl std::fmt::Display) -> Answer<T> {
    match errno {
        Errno::NOENT | Errno::NOTDIR => Answer::Absent,
        Errno::ACCESS | Errno::PERM => Answer::Denied(format!("{what} may not be read; run as root")),
        Errno::LOOP => Answer::Failed(format!("{what}: its links go in a circle or too deep")),
        errno => Answer::Failed(format!("{what}: {}", std::io::Error::from(errno))),
    }
}
