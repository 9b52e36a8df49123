//! The agent's own files: only it reads them, and what is put in place of another file is there whole or not at all,
//! also after a crash.

#[cfg(unix)]
use std::fs::File;
use std::{
    fs::{self, OpenOptions},
    io::{self, Write},
    path::Path,
};

#[cfg(windows)]
mod claim;
#[cfg(windows)]
pub(crate) mod owner;

#[cfg(windows)]
pub use claim::{LaidAside, NotPrivate, claim, clear_and_claim, refuse_strangers};

/// A file that these options make is for the agent alone. On Windows a file has the access list of its directory, and
/// that is set where the directory is made.
pub(crate) fn private(options: &mut OpenOptions) -> &mut OpenOptions {
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(options, 0o600);
    options
}

/// Writes a file for the agent alone so that after a crash there is either the old content or the new one, on disk.
///
/// # Errors
/// What the system says. The old content is untouched then.
pub fn write_private(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let temporary = path.with_extension("new");
    let mut options = OpenOptions::new();
    let mut file = private(options.write(true).create(true).truncate(true)).open(&temporary)?;
    file.write_all(bytes)?;
    file.sync_all()?;
    drop(file);
    replace(&temporary, path)
}

/// Gives a file that is on disk its name, in place of what had it before. On return the name is on disk too.
pub(crate) fn replace(temporary: &Path, path: &Path) -> io::Result<()> {
    rename(temporary, path)?;
    sync_name(path)
}

/// Forces the name of a new or renamed file to disk.
#[cfg(unix)]
pub(crate) fn sync_name(path: &Path) -> io::Result<()> {
    File::open(path.parent().unwrap_or(Path::new(".")))?.sync_all()
}

/// Forces the name of a new or renamed file to disk. Windows cannot flush a directory; flushing the file itself writes
/// the file system's log out, and the name with it. PostgreSQL's `durable_rename` does the same there.
#[cfg(windows)]
pub(crate) fn sync_name(path: &Path) -> io::Result<()> {
    // Only a handle that may write can flush.
    OpenOptions::new().write(true).open(path)?.sync_all()
}

#[cfg(unix)]
fn rename(from: &Path, to: &Path) -> io::Result<()> {
    fs::rename(from, to)
}

/// A scanner that has the old or the new file open for a moment makes Windows refuse; that passes.
#[cfg(windows)]
fn rename(from: &Path, to: &Path) -> io::Result<()> {
    const TIMES: u32 = 20;
    const BETWEEN: std::time::Duration = std::time::Duration::from_millis(50);
    for _ in 1..TIMES {
        match fs::rename(from, to) {
            // ERROR_ACCESS_DENIED, ERROR_SHARING_VIOLATION, ERROR_LOCK_VIOLATION.
            Err(error) if matches!(error.raw_os_error(), Some(5 | 32 | 33)) => std::thread::sleep(BETWEEN),
            done => return done,
        }
    }
    fs::rename(from, to)
}

/// Makes a directory that only the agent enters, with those above it.
#[cfg(unix)]
pub(crate) fn make_private_dir(path: &Path) -> io::Result<()> {
    let mut builder = fs::DirBuilder::new();
    builder.recursive(true);
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, 0o700);
    builder.create(path)
}

/// Makes a directory that only the agent enters, with those above it.
#[cfg(windows)]
pub(crate) fn make_private_dir(path: &Path) -> io::Result<()> {
    claim::make(path)
}

/// The text of a file that whoever rules this machine put there.
///
/// # Errors
/// What the system says; on Windows also when somebody else owns it: there every user may make directories where programs
/// have theirs. On other systems only root can write where the agent's settings are.
#[cfg(unix)]
pub(crate) fn read_ours(path: &Path) -> io::Result<String> {
    fs::read_to_string(path)
}

/// The text of a file that whoever rules this machine put there.
///
/// # Errors
/// What the system says; and when somebody else owns it, or the directory that it is in: every user may make directories
/// where programs have theirs.
#[cfg(windows)]
pub(crate) fn read_ours(path: &Path) -> io::Result<String> {
    let mut file = fs::File::open(path)?;
    if !owner::is_ours(&file, owner::Behind::File)? {
        return Err(io::Error::other(
            "it belongs neither to SYSTEM nor to administrators nor to whoever runs this, so anybody may have put it there; look \
             at it, and delete it or give it to administrators (icacls FILE /setowner Administrators)",
        ));
    }
    if let Some(above) = path.parent() {
        refuse_strangers(above).map_err(io::Error::other)?;
    }
    let mut text = String::new();
    io::Read::read_to_string(&mut file, &mut text)?;
    Ok(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_private_file_takes_the_place_of_the_one_before_and_leaves_no_other() {
        let root = tempfile::tempdir().unwrap();
        let directory = root.path().join("a/b");
        make_private_dir(&directory).unwrap();
        make_private_dir(&directory).unwrap();
        let file = directory.join("inventory");
        write_private(&file, b"one").unwrap();
        write_private(&file, b"two").unwrap();
        assert_eq!(fs::read(&file).unwrap(), b"two");
        assert_eq!(fs::read_dir(&directory).unwrap().count(), 1);
        let nowhere = write_private(&directory.join("missing/inventory"), b"three");
        assert_eq!(nowhere.unwrap_err().kind(), io::ErrorKind::NotFound);
    }

    #[cfg(unix)]
    #[test]
    fn only_its_owner_may_read_a_private_file_or_enter_its_directory() {
        use std::os::unix::fs::PermissionsExt;

        let root = tempfile::tempdir().unwrap();
        let directory = root.path().join("state");
        make_private_dir(&directory).unwrap();
        let file = directory.join("inventory");
        write_private(&file, b"one").unwrap();
        let mode = |path: &Path| fs::metadata(path).unwrap().permissions().mode() & 0o777;
        assert_eq!((mode(&directory), mode(&file)), (0o700, 0o600));
    }
}
