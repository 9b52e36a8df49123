//! The users of a Windows by its list of profiles. No answer names one.

use std::fs::File;

use super::hives::{self, HiveFile, UNINSTALL};
use crate::{
    facts::{Answer, UninstallEntries},
    parse::hive::Hive,
};

/// Where the list lies, below `SOFTWARE`.
pub(super) const PROFILES: &str = r"Microsoft\Windows NT\CurrentVersion\ProfileList";
/// In each profile of it.
pub(super) const FOLDER: &str = "ProfileImagePath";
/// A user's registry, in his folder; the second where he may not change it.
pub(super) const FILES: [&str; 2] = ["NTUSER.DAT", "NTUSER.MAN"];
/// Accounts of this machine and of a domain, and those of Entra ID. The system's own have other ids.
const OF_PEOPLE: [&str; 2] = ["S-1-5-21-", "S-1-12-1-"];

pub(super) fn is_persons(id: &str) -> bool {
    // `..._Classes` is a second part of the same user's registry.
    OF_PEOPLE.iter().any(|head| id.starts_with(head))
        && id.bytes().all(|byte| byte.is_ascii_digit() || b"S-".contains(&byte))
}

/// A path with `%SystemDrive%` at its head, as Windows writes it there, at most.
pub(super) fn on_drive(path: &str, drive: &str) -> String {
    const DRIVE: &str = "%SystemDrive%";
    match path.get(..DRIVE.len()) {
        Some(head) if head.eq_ignore_ascii_case(DRIVE) => format!("{drive}{}", &path[DRIVE.len()..]),
        Some(_) | None => path.to_owned(),
    }
}

/// The uninstall entries of a user who is not there, by the file of his registry.
pub(super) fn uninstall(file: Answer<File>) -> Answer<UninstallEntries> {
    // Not its path: that names the user.
    const WHAT: &str = "the file";
    let hive = file.and_then(|file| hives::answer(Hive::open(HiveFile(file)), WHAT));
    hive.and_then(
        |hive| match hives::uninstall(&hive, &format!(r"Software\{UNINSTALL}"), WHAT) {
            // He installed nothing of his own.
            Answer::Absent | Answer::Unsupported => Answer::Found(UninstallEntries::default()),
            other @ (Answer::Found(_) | Answer::Denied(_) | Answer::Failed(_)) => other,
        },
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_accounts_of_people_are_users() {
        assert!(is_persons("S-1-5-21-1004336348-1177238915-682003330-512"));
        assert!(is_persons("S-1-12-1-111-222-333-444"));
        for other in ["S-1-5-18", "S-1-5-21-1-2-3-500_Classes", ".DEFAULT", "S-1-5-82-1"] {
            assert!(!is_persons(other), "{other}");
        }
    }

    #[test]
    fn the_system_drive_is_written_out_at_the_head_of_a_path_alone() {
        assert_eq!(on_drive(r"%systemdrive%\Users\x", "C:"), r"C:\Users\x");
        assert_eq!(on_drive(r"D:\%SystemDrive%", "C:"), r"D:\%SystemDrive%");
        assert_eq!(on_drive("é", "C:"), "é");
    }
}
