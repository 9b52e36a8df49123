//! Writes a configuration file whole or not at all, by handle from the root down, and keeps aside what was there before.

use std::{
    fs::{self, DirBuilder, File},
    io::{Read, Write},
    os::{
        fd::{AsFd, OwnedFd},
        unix::fs::DirBuilderExt,
    },
    path::Path,
};

use cutover_proto::step::CONFIG_MAX;
use rustix::{
    fs::{
        AtFlags, CWD, FileType, Gid, Mode, OFlags, Stat, Uid, fchmod, fchown, fsync, mkdirat, openat, renameat, statat,
        unlinkat,
    },
    io::Errno,
};

use super::super::seam::HandsError;

/// Beside the file while it is written.
const NEW: &str = ".cutover-new";
/// What was there before may be longer than what is written, and is no configuration beyond this.
const KEPT_MAX: u64 = 16 * CONFIG_MAX as u64;

/// Writes `contents` to `path` below `root`. A file that is there gives its owner to the new one, and its contents to
/// `kept`, unless those of an earlier day are there already. One that is so already stays as it is.
pub(super) fn write(root: &Path, kept: &Path, path: &str, contents: &[u8], mode: u32) -> Result<(), HandsError> {
    let refused = |why: &str| HandsError::PathRefused {
        path: path.to_owned(),
        why: why.to_owned(),
    };
    let failed = |errno: Errno| HandsError::io(format!("write {path}"), errno);
    let parts: Vec<&str> = path.split('/').skip(1).collect();
    let plain = path.starts_with('/') && parts.len() >= 2 && parts.iter().all(|part| !matches!(*part, "" | "." | ".."));
    let Some((name, parents)) = parts.split_last().filter(|_| plain) else {
        return Err(refused("it is not a plain absolute path of two levels or more"));
    };
    let dir = match directory(root, parents) {
        Ok(dir) => dir,
        Err(Errno::LOOP | Errno::NOTDIR) => return Err(refused("a part of it is a link or no directory")),
        Err(errno) => return Err(failed(errno)),
    };
    let before = match statat(&dir, *name, AtFlags::SYMLINK_NOFOLLOW) {
        Ok(stat) if FileType::from_raw_mode(stat.st_mode) == FileType::RegularFile => Some(stat),
        Ok(_) => return Err(refused("what lies there is no plain file")),
        Err(Errno::NOENT) => None,
        Err(errno) => return Err(failed(errno)),
    };
    if let Some(before) = &before {
        let is_so = is_written(&dir, name, contents, mode, before);
        if is_so.map_err(|error| HandsError::io(format!("read {path}"), error))? {
            // Whoever wrote it may have been ended before this.
            return fsync(&dir).map_err(failed);
        }
        keep(&dir, name, kept, path, contents)?;
    }
    let new = format!("{name}{NEW}");
    place(&dir, &new, contents, mode, before.as_ref())
        .and_then(|()| renameat(&dir, &new, &dir, *name).map_err(Into::into))
        .and_then(|()| fsync(&dir).map_err(Into::into))
        .map_err(|error| {
            // Nothing else may find half a file.
            let _ = unlinkat(&dir, &new, AtFlags::empty());
            HandsError::io(format!("write {path}"), error)
        })
}

/// Opens the directory, made where its last part is missing.
fn directory(root: &Path, parts: &[&str]) -> Result<OwnedFd, Errno> {
    let flags = OFlags::DIRECTORY | OFlags::CLOEXEC | OFlags::RDONLY;
    let mut at = openat(CWD, root, flags, Mode::empty())?;
    for (index, part) in parts.iter().enumerate() {
        let open = |at: &OwnedFd| openat(at, *part, flags | OFlags::NOFOLLOW, Mode::empty());
        at = match open(&at) {
            Err(Errno::NOENT) if index + 1 == parts.len() => {
                mkdirat(&at, *part, Mode::from_raw_mode(0o755))?;
                open(&at)?
            }
            other => other?,
        };
    }
    Ok(at)
}

/// Whether a file has these contents and this mode.
fn is_written(dir: &OwnedFd, name: &str, contents: &[u8], mode: u32, stat: &Stat) -> std::io::Result<bool> {
    const PERMISSIONS: u32 = 0o7777;
    if stat.st_mode & PERMISSIONS != mode {
        return Ok(false);
    }
    let flags = OFlags::RDONLY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    let file = openat(dir, name, flags, Mode::empty())?;
    let mut found = Vec::new();
    File::from(file)
        .take(contents.len() as u64 + 1)
        .read_to_end(&mut found)?;
    Ok(found == contents)
}

/// Keeps what was there, once: what a later order finds is our own.
fn keep(dir: &OwnedFd, name: &str, kept: &Path, path: &str, contents: &[u8]) -> Result<(), HandsError> {
    let target = kept.join(path.trim_start_matches('/').replace('/', "!"));
    if target.exists() {
        return Ok(());
    }
    let failed = |error: std::io::Error| HandsError::io(format!("keep {path} aside"), error);
    let flags = OFlags::RDONLY | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    let file = openat(dir, name, flags, Mode::empty()).map_err(|errno| failed(errno.into()))?;
    let mut before = Vec::new();
    File::from(file)
        .take(KEPT_MAX + 1)
        .read_to_end(&mut before)
        .map_err(failed)?;
    if before == contents {
        return Ok(());
    }
    if before.len() as u64 > KEPT_MAX {
        return Err(HandsError::PathRefused {
            path: path.to_owned(),
            why: format!("it holds more than {KEPT_MAX} bytes, which no configuration does"),
        });
    }
    DirBuilder::new()
        .recursive(true)
        .mode(0o700)
        .create(kept)
        .map_err(failed)?;
    let new = target.with_extension("new");
    fs::write(&new, before).map_err(failed)?;
    File::open(&new).and_then(|file| file.sync_all()).map_err(failed)?;
    fs::rename(&new, &target).map_err(failed)
}

fn place(dir: &OwnedFd, name: &str, contents: &[u8], mode: u32, before: Option<&Stat>) -> std::io::Result<()> {
    match unlinkat(dir, name, AtFlags::empty()) {
        Ok(()) | Err(Errno::NOENT) => {}
        Err(errno) => return Err(errno.into()),
    }
    let flags = OFlags::WRONLY | OFlags::CREATE | OFlags::EXCL | OFlags::NOFOLLOW | OFlags::CLOEXEC;
    let file = openat(dir, name, flags, Mode::from_raw_mode(0o600))?;
    let mut file = File::from(file);
    file.write_all(contents)?;
    if let Some(stat) = before {
        fchown(
            file.as_fd(),
            Some(Uid::from_raw(stat.st_uid)),
            Some(Gid::from_raw(stat.st_gid)),
        )?;
    }
    // The umask does not count here.
    fchmod(file.as_fd(), Mode::from_raw_mode(mode))?;
    file.sync_all()
}

#[cfg(test)]
mod tests {
    use std::os::unix::fs::{MetadataExt, PermissionsExt, symlink};

    use super::*;

    const PATH: &str = "/etc/clamav/freshclam.conf";

    fn root() -> tempfile::TempDir {
        let root = tempfile::tempdir().unwrap();
        fs::create_dir_all(root.path().join("etc/clamav")).unwrap();
        fs::create_dir_all(root.path().join("home")).unwrap();
        root
    }

    fn put(root: &tempfile::TempDir, path: &str, text: &str) -> Result<(), HandsError> {
        write(root.path(), &root.path().join("kept"), path, text.as_bytes(), 0o444)
    }

    #[test]
    fn what_was_there_is_kept_aside_once_and_the_new_file_has_its_mode() {
        let root = root();
        let file = root.path().join("etc/clamav/freshclam.conf");
        fs::write(&file, "the package's\n").unwrap();
        put(&root, PATH, "first\n").unwrap();
        put(&root, PATH, "second\n").unwrap();
        put(&root, PATH, "second\n").unwrap();
        assert_eq!(fs::read_to_string(&file).unwrap(), "second\n");
        assert_eq!(fs::metadata(&file).unwrap().permissions().mode() & 0o7777, 0o444);
        let kept: Vec<_> = fs::read_dir(root.path().join("kept")).unwrap().flatten().collect();
        assert_eq!(kept.len(), 1);
        assert_eq!(fs::read_to_string(kept[0].path()).unwrap(), "the package's\n");
        let names: Vec<_> = fs::read_dir(root.path().join("etc/clamav"))
            .unwrap()
            .flatten()
            .collect();
        assert_eq!(names.len(), 1, "nothing lies beside it");
    }

    #[test]
    fn what_is_so_already_is_not_written_again() {
        let root = root();
        let file = root.path().join("etc/clamav/freshclam.conf");
        let number = || fs::metadata(&file).unwrap().ino();
        put(&root, PATH, "so\n").unwrap();
        let first = number();
        put(&root, PATH, "so\n").unwrap();
        assert_eq!(number(), first, "it is the same file");
        fs::set_permissions(&file, fs::Permissions::from_mode(0o600)).unwrap();
        put(&root, PATH, "so\n").unwrap();
        assert_eq!(fs::metadata(&file).unwrap().permissions().mode() & 0o7777, 0o444);
        for other in ["so\nmore\n", "s", ""] {
            put(&root, PATH, other).unwrap();
            assert_eq!(fs::read_to_string(&file).unwrap(), other);
        }
    }

    #[test]
    fn the_last_directory_is_made_and_no_more() {
        let root = root();
        put(&root, "/etc/clamav/more.d/a.conf", "a\n").unwrap();
        assert!(root.path().join("etc/clamav/more.d/a.conf").exists());
        assert!(put(&root, "/etc/other/more.d/a.conf", "a\n").is_err());
        assert!(!root.path().join("etc/other").exists());
        assert!(!root.path().join("kept").exists(), "there was nothing to keep");
    }

    #[test]
    fn a_link_is_never_written_through() {
        let root = root();
        fs::write(root.path().join("home/letter"), "dear").unwrap();
        symlink(
            root.path().join("home/letter"),
            root.path().join("etc/clamav/freshclam.conf"),
        )
        .unwrap();
        assert!(matches!(put(&root, PATH, "x\n"), Err(HandsError::PathRefused { .. })));
        symlink(root.path().join("home"), root.path().join("etc/linked")).unwrap();
        assert!(matches!(
            put(&root, "/etc/linked/letter", "x\n"),
            Err(HandsError::PathRefused { .. })
        ));
        for bad in ["/etc/../home/letter", "/etc", "etc/x/y", "/etc//x"] {
            assert!(
                matches!(put(&root, bad, "x\n"), Err(HandsError::PathRefused { .. })),
                "{bad}"
            );
        }
        assert_eq!(fs::read_to_string(root.path().join("home/letter")).unwrap(), "dear");
    }

    #[test]
    fn what_an_earlier_agent_left_half_written_is_in_nobodys_way() {
        let root = root();
        fs::write(root.path().join("etc/clamav/freshclam.conf.cutover-new"), "hal").unwrap();
        put(&root, PATH, "whole\n").unwrap();
        let text = fs::read_to_string(root.path().join("etc/clamav/freshclam.conf")).unwrap();
        assert_eq!(text, "whole\n");
    }
}
