//! Resolves a path part by part below an open root, for kernels that cannot keep a look inside a directory themselves.

use std::{
    collections::VecDeque,
    ffi::CString,
    os::fd::{BorrowedFd, OwnedFd},
};

use rustix::{
    fs::{AtFlags, FileType, Mode, OFlags},
    io::Errno,
};

use super::{HostPath, Links};

/// As many links as Linux follows in one path (path_resolution(7)).
const MAX_LINKS: usize = 40;

/// How a directory is opened that is only passed through.
#[cfg(target_os = "linux")]
pub(crate) const DIRECTORY: OFlags = OFlags::PATH.union(OFlags::DIRECTORY);
#[cfg(not(target_os = "linux"))]
pub(crate) const DIRECTORY: OFlags = OFlags::RDONLY.union(OFlags::DIRECTORY);

/// Where a path ends.
#[derive(Debug)]
pub(crate) enum Place {
    /// At the root itself.
    Root,
    /// At this name in this directory. It need not exist; when it is a link, the link itself is meant.
    In(OwnedFd, CString),
}

/// Goes to a path. `..` stops at the root and an absolute link begins there again, so nothing leads out.
pub(crate) fn to(root: BorrowedFd<'_>, path: &HostPath, links: Links) -> Result<Place, Errno> {
    let mut todo: VecDeque<Vec<u8>> = path.parts().map(|part| part.as_bytes().to_vec()).collect();
    // The directories from the root (not in it) to where we are.
    let mut trail: Vec<OwnedFd> = Vec::new();
    let mut followed = 0;
    while let Some(part) = todo.pop_front() {
        match part.as_slice() {
            b"" | b"." => continue,
            b".." => {
                trail.pop();
                continue;
            }
            _ => {}
        }
        let name = CString::new(part).map_err(|_| Errno::INVAL)?;
        let here = trail.last().map_or(root, std::os::fd::AsFd::as_fd);
        let last = todo.iter().all(|part| matches!(part.as_slice(), b"" | b"."));
        let kind = match rustix::fs::statat(here, &name, AtFlags::SYMLINK_NOFOLLOW) {
            Ok(stat) => FileType::from_raw_mode(stat.st_mode),
            Err(errno) => return Err(errno),
        };
        if kind == FileType::Symlink && !(last && links == Links::AsTheyAre) {
            followed += 1;
            if followed > MAX_LINKS {
                return Err(Errno::LOOP);
            }
            let target = rustix::fs::readlinkat(here, &name, Vec::new())?.into_bytes();
            if target.first() == Some(&b'/') {
                trail.clear();
            }
            for part in target.split(|byte| *byte == b'/').rev() {
                todo.push_front(part.to_vec());
            }
        } else if last {
            let here = match trail.pop() {
                Some(dir) => dir,
                None => rustix::fs::openat(root, ".", DIRECTORY | OFlags::CLOEXEC, Mode::empty())?,
            };
            return Ok(Place::In(here, name));
        } else {
            let flags = DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
            let dir = rustix::fs::openat(here, &name, flags, Mode::empty())?;
            trail.push(dir);
        }
    }
    // A path that ends in `..` or in a link to a directory's root lands on a directory that is already open.
    match trail.pop() {
        Some(dir) => Ok(Place::In(dir, CString::from(c"."))),
        None => Ok(Place::Root),
    }
}
