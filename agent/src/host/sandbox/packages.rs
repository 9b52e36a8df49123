//! The planted root's own package database, in dpkg's format.

use super::files::{Files, SandboxError};

const STATUS: &str = "/var/lib/dpkg/status";
const WHOLE: &str = "Status: install ok installed\n";
const HALF_CONFIGURED: &str = "Status: install ok half-configured\n";

/// Adds an entry, or puts it in place of the package's old one.
pub(super) fn put(files: &Files, package: &str, version: &str) -> Result<(), SandboxError> {
    let mut entries = read(files)?;
    entries.retain(|entry| !is_of(entry, package));
    entries.push(stanza(package, version));
    write(files, &entries)?;
    // dpkg's file list; the look compares it with the database.
    files.write(&list(package), b"/.\n")
}

/// Takes a package out, with its file list.
pub(super) fn drop(files: &Files, package: &str) -> Result<(), SandboxError> {
    files.delete(&list(package))?;
    let mut entries = read(files)?;
    entries.retain(|entry| !is_of(entry, package));
    write(files, &entries)
}

/// Whether the database has it.
pub(super) fn has(files: &Files, package: &str) -> Result<bool, SandboxError> {
    Ok(read(files)?.iter().any(|entry| is_of(entry, package)))
}

/// Leaves a package half configured, as an installer that was cut off does.
#[cfg(test)]
pub(crate) fn leave_half_configured(root: &std::path::Path, package: &str) -> Result<(), SandboxError> {
    let files = &Files::new(root);
    let entries: Vec<String> = read(files)?
        .into_iter()
        .map(|entry| {
            if is_of(&entry, package) {
                entry.replace(WHOLE, HALF_CONFIGURED)
            } else {
                entry
            }
        })
        .collect();
    write(files, &entries)
}

/// Packages that are half configured.
pub(super) fn unfinished(files: &Files) -> Result<Vec<String>, SandboxError> {
    let entries = read(files)?;
    let unfinished = entries.iter().filter(|entry| entry.contains(HALF_CONFIGURED));
    Ok(unfinished
        .filter_map(|entry| entry.lines().next()?.strip_prefix("Package: "))
        .map(str::to_owned)
        .collect())
}

/// Configures them, and says which.
pub(super) fn finish(files: &Files) -> Result<Vec<String>, SandboxError> {
    let finished = unfinished(files)?;
    let entries: Vec<String> = read(files)?
        .into_iter()
        .map(|entry| entry.replace(HALF_CONFIGURED, WHOLE))
        .collect();
    write(files, &entries)?;
    Ok(finished)
}

/// A new database with what every Debian system has.
pub(super) fn found(files: &Files) -> Result<(), SandboxError> {
    let base = [("base-files", "12.4+deb12u8"), ("dpkg", "1.21.22"), ("apt", "2.6.1")];
    let entries: Vec<String> = base.iter().map(|(package, version)| stanza(package, version)).collect();
    write(files, &entries)
}

fn stanza(package: &str, version: &str) -> String {
    format!(
        "Package: {package}\nStatus: install ok installed\nPriority: optional\nSection: admin\n\
         Installed-Size: 1024\nMaintainer: Planted <planted@localhost>\nArchitecture: amd64\nVersion: {version}\n\
         Description: planted for a demonstration\n It stands for the real package of this name.\n"
    )
}

fn list(package: &str) -> String {
    format!("/var/lib/dpkg/info/{package}.list")
}

fn is_of(entry: &str, package: &str) -> bool {
    entry
        .lines()
        .next()
        .and_then(|line| line.strip_prefix("Package: "))
        .is_some_and(|name| name == package)
}

fn read(files: &Files) -> Result<Vec<String>, SandboxError> {
    let text = String::from_utf8(files.read(STATUS)?).map_err(|error| SandboxError::Damaged {
        path: files.at(STATUS),
        why: error.to_string(),
    })?;
    Ok(text
        .split("\n\n")
        .filter(|entry| !entry.trim().is_empty())
        .map(|entry| format!("{}\n", entry.trim_end_matches('\n')))
        .collect())
}

fn write(files: &Files, entries: &[String]) -> Result<(), SandboxError> {
    let text: String = entries.iter().map(|entry| format!("{entry}\n")).collect();
    files.write(STATUS, text.as_bytes())
}
