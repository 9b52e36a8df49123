//! Private files: readable by their owner alone, written whole or not at all.

use std::{
    fs::{self, File, OpenOptions},
    io::{self, Read, Write},
    path::{Path, PathBuf},
};

use base64::{Engine, engine::general_purpose::STANDARD};

use super::PkiError;

/// No file here comes near it; a larger one is somebody's mistake.
const MAX_FILE_BYTES: u64 = 64 * 1024;

const DIRECTORY_MODE: u32 = 0o700;
const FILE_MODE: u32 = 0o600;

/// Makes the directory, with parents, for its owner alone.
pub(super) fn create_directory(directory: &Path) -> Result<(), PkiError> {
    let mut builder = fs::DirBuilder::new();
    builder.recursive(true);
    #[cfg(unix)]
    std::os::unix::fs::DirBuilderExt::mode(&mut builder, DIRECTORY_MODE);
    builder.create(directory).map_err(failed(directory, "creating"))?;
    check_mode(directory, DIRECTORY_MODE)
}

/// Names of the files in the directory, sorted; left-over temporary files are not among them.
pub(super) fn list(directory: &Path) -> Result<Vec<String>, PkiError> {
    check_mode(directory, DIRECTORY_MODE)?;
    let mut names = Vec::new();
    for entry in fs::read_dir(directory).map_err(failed(directory, "listing"))? {
        let entry = entry.map_err(failed(directory, "listing"))?;
        if let Ok(name) = entry.file_name().into_string()
            && !name.starts_with('.')
        {
            names.push(name);
        }
    }
    names.sort();
    Ok(names)
}

/// Reads a private file, once its permissions are right.
pub(super) fn read(path: &Path) -> Result<Vec<u8>, PkiError> {
    let file = File::open(path).map_err(failed(path, "opening"))?;
    check_mode(path, FILE_MODE)?;
    let mut bytes = Vec::new();
    file.take(MAX_FILE_BYTES + 1)
        .read_to_end(&mut bytes)
        .map_err(failed(path, "reading"))?;
    if bytes.len() as u64 > MAX_FILE_BYTES {
        return Err(PkiError::Corrupt {
            path: path.to_owned(),
            why: format!("it is larger than {MAX_FILE_BYTES} bytes"),
            remedy: "restore it from a backup",
        });
    }
    Ok(bytes)
}

/// Writes beside, syncs, renames, syncs the directory: after a crash the file is the old one or the new one.
pub(super) fn write(path: &Path, bytes: &[u8]) -> Result<(), PkiError> {
    let beside = beside(path, "new");
    write_whole(&beside, bytes)?;
    fs::rename(&beside, path).map_err(failed(path, "renaming"))?;
    sync_parent(path)
}

/// The same, and never over a file that is there: `false` when there is one. Of several that write at once one does.
pub(super) fn write_first(path: &Path, bytes: &[u8]) -> Result<bool, PkiError> {
    let beside = beside(path, &format!("{}.new", std::process::id()));
    write_whole(&beside, bytes)?;
    let linked = fs::hard_link(&beside, path);
    fs::remove_file(&beside).map_err(failed(&beside, "removing"))?;
    match linked {
        Ok(()) => sync_parent(path).map(|()| true),
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => Ok(false),
        Err(error) => Err(failed(path, "linking")(error)),
    }
}

fn write_whole(path: &Path, bytes: &[u8]) -> Result<(), PkiError> {
    match fs::remove_file(path) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => {
            return Err(failed(path, "removing")(error));
        }
        Ok(()) | Err(_) => {}
    }
    let mut options = OpenOptions::new();
    options.write(true).create_new(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, FILE_MODE);
    let mut file = options.open(path).map_err(failed(path, "creating"))?;
    file.write_all(bytes).map_err(failed(path, "writing"))?;
    file.sync_all().map_err(failed(path, "syncing"))
}

/// Deletes a file for good.
pub(super) fn remove(path: &Path) -> Result<(), PkiError> {
    fs::remove_file(path).map_err(failed(path, "removing"))?;
    sync_parent(path)
}

/// One PEM block (RFC 7468).
pub(super) fn pem(label: &str, der: &[u8]) -> String {
    let text = STANDARD.encode(der);
    let mut block = format!("-----BEGIN {label}-----\n");
    let mut rest = text.as_str();
    while !rest.is_empty() {
        let (line, after) = rest.split_at(rest.len().min(64));
        block.push_str(line);
        block.push('\n');
        rest = after;
    }
    block.push_str(&format!("-----END {label}-----\n"));
    block
}

fn beside(path: &Path, ending: &str) -> PathBuf {
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    path.with_file_name(format!(".{name}.{ending}"))
}

fn sync_parent(path: &Path) -> Result<(), PkiError> {
    let parent = path.parent().unwrap_or(Path::new("."));
    File::open(parent)
        .and_then(|directory| directory.sync_all())
        .map_err(failed(parent, "syncing"))
}

#[cfg(unix)]
fn check_mode(path: &Path, wanted: u32) -> Result<(), PkiError> {
    use std::os::unix::fs::PermissionsExt;
    let mode = fs::metadata(path)
        .map_err(failed(path, "looking at"))?
        .permissions()
        .mode()
        & 0o7777;
    if mode & 0o077 == 0 {
        return Ok(());
    }
    Err(PkiError::TooOpen {
        path: path.to_owned(),
        mode,
        wanted,
    })
}

#[cfg(not(unix))]
fn check_mode(_path: &Path, _wanted: u32) -> Result<(), PkiError> {
    Ok(())
}

fn failed(path: &Path, doing: &'static str) -> impl FnOnce(io::Error) -> PkiError {
    let path = path.to_owned();
    move |source| PkiError::File { path, doing, source }
}
