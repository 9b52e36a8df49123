//! Deletes a tree without ever following a link: each level is opened from the one above, by handle.

use std::{
    ffi::CStr,
    os::fd::{AsFd, BorrowedFd, OwnedFd},
    path::Path,
};

use rustix::{
    fs::{AtFlags, CWD, Dev, Dir, FileType, Mode, OFlags, openat, statat, unlinkat},
    io::Errno,
};

use super::seam::HandsError;

/// Deeper trees are refused: every level holds a handle open.
const MAX_DEPTH: usize = 200;

/// Whether anything was there to delete.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Deleted {
    /// It was there.
    Gone,
    /// There was nothing.
    NothingThere,
}

/// Where each vendor has a directory of its own: the first three by the Filesystem Hierarchy Standard, the last by custom.
const VENDOR_HOMES: [&[&str]; 4] = [&["opt"], &["etc", "opt"], &["var", "opt"], &["var", "log"]];

/// Deletes what `path` names below `root`, and the vendor's own directory above it once that is empty. Links are deleted,
/// never followed; other file systems are left alone.
pub(crate) fn delete(root: &Path, path: &str) -> Result<Deleted, HandsError> {
    let deleted = delete_alone(root, path)?;
    // Several products of a vendor share that directory, so it is nobody's leftover while one of them has something in it.
    remove_empty_vendor_directory(root, path);
    Ok(deleted)
}

/// Removes `/opt/VENDOR` and its like, for a `path` directly in it. One that is not empty, or cannot be removed, stays: an
/// empty directory is no reason to fail.
fn remove_empty_vendor_directory(root: &Path, path: &str) {
    let parts: Vec<&str> = path.split('/').skip(1).collect();
    let [home @ .., vendor, _] = parts.as_slice() else {
        return;
    };
    if !VENDOR_HOMES.contains(&home) {
        return;
    }
    let directory = OFlags::DIRECTORY | OFlags::CLOEXEC | OFlags::RDONLY;
    let opened = openat(CWD, root, directory, Mode::empty()).and_then(|root| {
        home.iter().try_fold(root, |at, part| {
            openat(&at, *part, directory | OFlags::NOFOLLOW, Mode::empty())
        })
    });
    match opened.and_then(|home| unlinkat(&home, *vendor, AtFlags::REMOVEDIR)) {
        Ok(()) | Err(Errno::NOENT | Errno::NOTEMPTY | Errno::EXIST) => {}
        Err(errno) => tracing::debug!(path, %errno, "the vendor's directory stays"),
    }
}

fn delete_alone(root: &Path, path: &str) -> Result<Deleted, HandsError> {
    let refused = |why: &str| HandsError::PathRefused {
        path: path.to_owned(),
        why: why.to_owned(),
    };
    let failed = |errno: Errno| HandsError::io(format!("delete {path}"), errno);
    let parts: Vec<&str> = path.split('/').skip(1).collect();
    let plain = path.starts_with('/') && parts.len() >= 2 && parts.iter().all(|part| !matches!(*part, "" | "." | ".."));
    let Some((name, parents)) = parts.split_last().filter(|_| plain) else {
        return Err(refused("it is not a plain absolute path of two levels or more"));
    };
    let directory = OFlags::DIRECTORY | OFlags::CLOEXEC | OFlags::RDONLY;
    let mut at = openat(CWD, root, directory, Mode::empty()).map_err(failed)?;
    for parent in parents {
        at = match openat(&at, *parent, directory | OFlags::NOFOLLOW, Mode::empty()) {
            Ok(next) => next,
            Err(Errno::NOENT) => return Ok(Deleted::NothingThere),
            // With DIRECTORY and NOFOLLOW a link gives NOTDIR or LOOP, by kernel.
            Err(Errno::LOOP | Errno::NOTDIR) => {
                return Err(refused(&format!(
                    "`{parent}` in it is a link or no directory; delete the leftover by hand"
                )));
            }
            Err(errno) => return Err(failed(errno)),
        };
    }
    let stat = match statat(&at, *name, AtFlags::SYMLINK_NOFOLLOW) {
        Ok(stat) => stat,
        Err(Errno::NOENT) => return Ok(Deleted::NothingThere),
        Err(errno) => return Err(failed(errno)),
    };
    if FileType::from_raw_mode(stat.st_mode) != FileType::Directory {
        unlinkat(&at, *name, AtFlags::empty()).map_err(failed)?;
        return Ok(Deleted::Gone);
    }
    let device = statat(&at, ".", AtFlags::empty()).map_err(failed)?.st_dev;
    let tree = open_below(at.as_fd(), *name).map_err(failed)?;
    let other = "another file system is mounted in it; unmount it first";
    match empty(&tree, device, 0) {
        Ok(()) => {}
        Err(Stop::OtherFileSystem) => return Err(refused(other)),
        Err(Stop::TooDeep) => return Err(refused("it is nested too deep")),
        Err(Stop::System(errno)) => return Err(failed(errno)),
    }
    drop(tree);
    unlinkat(&at, *name, AtFlags::REMOVEDIR).map_err(failed)?;
    Ok(Deleted::Gone)
}

enum Stop {
    OtherFileSystem,
    TooDeep,
    System(Errno),
}

impl From<Errno> for Stop {
    fn from(errno: Errno) -> Self {
        Self::System(errno)
    }
}

fn open_below<P: rustix::path::Arg>(at: BorrowedFd<'_>, name: P) -> Result<OwnedFd, Errno> {
    openat(
        at,
        name,
        OFlags::DIRECTORY | OFlags::NOFOLLOW | OFlags::CLOEXEC | OFlags::RDONLY,
        Mode::empty(),
    )
}

fn empty(directory: &OwnedFd, device: Dev, depth: usize) -> Result<(), Stop> {
    if depth > MAX_DEPTH {
        return Err(Stop::TooDeep);
    }
    let own = statat(directory, ".", AtFlags::empty())?;
    if own.st_dev != device {
        return Err(Stop::OtherFileSystem);
    }
    // Names are gathered first: deleting while reading may skip entries on some file systems.
    let mut names = Vec::new();
    for entry in Dir::read_from(directory)? {
        let name = entry?.file_name().to_owned();
        if !is_dot(&name) {
            names.push(name);
        }
    }
    for name in names {
        let stat = match statat(directory, &name, AtFlags::SYMLINK_NOFOLLOW) {
            Ok(stat) => stat,
            Err(Errno::NOENT) => continue,
            Err(errno) => return Err(errno.into()),
        };
        if FileType::from_raw_mode(stat.st_mode) == FileType::Directory {
            let below = open_below(directory.as_fd(), &name)?;
            empty(&below, device, depth + 1)?;
            unlinkat(directory, &name, AtFlags::REMOVEDIR)?;
        } else {
            unlinkat(directory, &name, AtFlags::empty())?;
        }
    }
    Ok(())
}

fn is_dot(name: &CStr) -> bool {
    matches!(name.to_bytes(), b"." | b"..")
}

#[cfg(test)]
mod tests {
    use std::{fs, os::unix::fs::symlink};

    use super::*;

    fn root() -> tempfile::TempDir {
        let root = tempfile::tempdir().unwrap();
        fs::create_dir_all(root.path().join("var/opt/kaspersky/kesl/private/storage")).unwrap();
        fs::write(root.path().join("var/opt/kaspersky/kesl/private/storage/a"), "a").unwrap();
        fs::create_dir_all(root.path().join("home/user")).unwrap();
        fs::write(root.path().join("home/user/letter"), "dear").unwrap();
        root
    }

    #[test]
    fn a_tree_goes_whole_and_a_second_time_finds_nothing() {
        let root = root();
        let path = "/var/opt/kaspersky/kesl";
        assert_eq!(delete(root.path(), path).unwrap(), Deleted::Gone);
        assert!(!root.path().join("var/opt/kaspersky/kesl").exists());
        assert_eq!(delete(root.path(), path).unwrap(), Deleted::NothingThere);
    }

    #[test]
    fn the_vendors_directory_goes_with_its_last_content_and_what_holds_it_stays() {
        let root = root();
        fs::create_dir_all(root.path().join("var/opt/kaspersky/klms")).unwrap();
        delete(root.path(), "/var/opt/kaspersky/kesl").unwrap();
        assert!(
            root.path().join("var/opt/kaspersky/klms").exists(),
            "another product has something in it"
        );
        delete(root.path(), "/var/opt/kaspersky/klms").unwrap();
        assert!(!root.path().join("var/opt/kaspersky").exists());
        assert!(root.path().join("var/opt").exists());

        // An agent that was ended between the two comes back to this.
        fs::create_dir_all(root.path().join("var/log/kaspersky")).unwrap();
        let again = delete(root.path(), "/var/log/kaspersky/kesl").unwrap();
        assert_eq!(again, Deleted::NothingThere);
        assert!(!root.path().join("var/log/kaspersky").exists());
    }

    #[test]
    fn a_systems_directory_that_became_empty_stays() {
        let root = root();
        let wants = root.path().join("etc/systemd/system/multi-user.target.wants");
        fs::create_dir_all(&wants).unwrap();
        symlink("../kesl.service", wants.join("kesl.service")).unwrap();
        delete(root.path(), "/etc/systemd/system/multi-user.target.wants/kesl.service").unwrap();
        assert!(wants.exists());
        delete(root.path(), "/home/user/letter").unwrap();
        assert!(root.path().join("home/user").exists());
    }

    #[test]
    fn a_link_inside_is_deleted_and_what_it_names_stays() {
        let root = root();
        symlink(root.path().join("home"), root.path().join("var/opt/kaspersky/kesl/out")).unwrap();
        delete(root.path(), "/var/opt/kaspersky/kesl").unwrap();
        assert!(root.path().join("home/user/letter").exists());
    }

    #[test]
    fn a_link_at_the_end_is_deleted_itself() {
        let root = root();
        symlink(root.path().join("home"), root.path().join("var/opt/link")).unwrap();
        assert_eq!(delete(root.path(), "/var/opt/link").unwrap(), Deleted::Gone);
        assert!(root.path().join("home/user/letter").exists());
    }

    #[test]
    fn a_link_on_the_way_refuses_the_path() {
        let root = root();
        symlink(root.path().join("home"), root.path().join("var/opt/away")).unwrap();
        let refused = delete(root.path(), "/var/opt/away/user").unwrap_err();
        assert!(refused.to_string().contains("`away` in it is a link"), "{refused}");
        assert!(root.path().join("home/user/letter").exists());
    }

    #[test]
    fn only_plain_absolute_paths_of_two_levels_are_taken() {
        let root = root();
        for path in [
            "",
            "/",
            "/var",
            "var/opt",
            "/var/../home",
            "/var//opt",
            "/var/opt/",
            "/./var",
        ] {
            assert!(delete(root.path(), path).is_err(), "{path}");
        }
        assert!(root.path().join("var/opt/kaspersky/kesl").exists());
    }
}
