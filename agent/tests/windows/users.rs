//! Users who are not logged in: their registries lie in files. Wine keeps none in Windows' own format, so the profile, its
//! entry in the list and its file are the test's.

use std::{fs, os::windows::fs::OpenOptionsExt as _, path::PathBuf};

use regf::{
    DataType,
    writer::{HiveBuilder, KeyTreeNode, KeyTreeValue},
};
use windows_registry::LOCAL_MACHINE;

use super::{Scan, alone};

const PROFILE: &str =
    r"SOFTWARE\Microsoft\Windows NT\CurrentVersion\ProfileList\S-1-5-21-1004336348-1177238915-682003330-1002";
const FOLDER: &str = r"C:\users\absent";
const PRODUCT: &str = "kaspersky-password-manager";

/// A profile that goes with it.
struct Profile(PathBuf);

impl Profile {
    fn made(file: &[u8]) -> Self {
        let profile = Self(PathBuf::from(FOLDER).join("NTUSER.DAT"));
        fs::create_dir_all(FOLDER).unwrap();
        fs::write(&profile.0, file).unwrap();
        let key = LOCAL_MACHINE.create(PROFILE).unwrap();
        key.set_string("ProfileImagePath", r"%SystemDrive%\users\absent")
            .unwrap();
        profile
    }
}

impl Drop for Profile {
    fn drop(&mut self) {
        let _ = LOCAL_MACHINE.remove_tree(PROFILE);
        let _ = fs::remove_dir_all(FOLDER);
    }
}

fn registry() -> Vec<u8> {
    let mut root = KeyTreeNode::new("ROOT");
    let entry = root.get_or_create_path(r"Software\Microsoft\Windows\CurrentVersion\Uninstall\{KPM}");
    for (name, text) in [
        ("DisplayName", "Kaspersky Password Manager"),
        ("Publisher", "АО Kaspersky Lab"),
    ] {
        let wide = text.encode_utf16().chain([0]).flat_map(u16::to_le_bytes);
        entry.values.push(KeyTreeValue {
            name: name.to_owned(),
            data_type: DataType::String,
            data: wide.collect(),
        });
    }
    let mut builder = HiveBuilder::from_tree_with_version(root, 1, 5).unwrap();
    builder.to_bytes().unwrap()
}

/// What is said of users' registries that were not read.
fn unread(scan: &Scan) -> Vec<String> {
    let all = scan.json["verdicts"].as_array().cloned().unwrap_or_default();
    let evidence = all
        .iter()
        .flat_map(|it| it["evidence"].as_array().cloned().unwrap_or_default());
    let not_checked = evidence.filter(|it| it["outcome"] == "not-checked");
    let told = not_checked.map(|it| it["detail"].as_str().unwrap_or_default().to_owned());
    told.filter(|it| it.contains("NTUSER.DAT")).collect()
}

#[test]
fn what_an_absent_user_installed_is_found_in_the_file_of_his_registry() {
    let _alone = alone();
    let file = registry();
    let profile = Profile::made(&file);
    let scan = Scan::made();
    assert_eq!((scan.code, scan.verdict(PRODUCT)), (10, "installed"), "{:#}", scan.json);
    let entry = scan.evidence(PRODUCT, "uninstall-key", "seen");
    assert!(
        entry
            .iter()
            .any(|it| it.starts_with("Kaspersky Password Manager") && it.ends_with("of a user")),
        "{entry:?}"
    );
    assert_eq!(fs::read(&profile.0).unwrap(), file, "a look changes nothing");
    drop(profile);
    assert_eq!(Scan::made().verdict(PRODUCT), "absent");
}

#[test]
fn a_file_that_was_not_written_out_or_is_in_use_is_told_without_its_users_name() {
    let _alone = alone();
    let mut unfinished = registry();
    unfinished[4] ^= 1;
    // With a product that is found, so that its evidence is printed.
    let package = super::Package::install("kes.msi", &[]);
    let profile = Profile::made(&unfinished);
    let told = unread(&Scan::made());
    assert!(
        told.iter().any(|it| it.contains("was not written out whole")),
        "{told:?}"
    );
    drop(profile);

    let profile = Profile::made(&registry());
    let in_use = fs::OpenOptions::new()
        .read(true)
        .share_mode(0)
        .open(&profile.0)
        .unwrap();
    let scan = Scan::made();
    let told = unread(&scan);
    assert!(
        told.iter().any(|it| it.contains("of 1 users who are not logged in")),
        "{told:?}"
    );
    assert!(told.iter().all(|it| !it.contains("absent")), "{told:?}");
    assert_eq!(scan.verdict(PRODUCT), "absent");
    drop(in_use);
    package.remove();
}
