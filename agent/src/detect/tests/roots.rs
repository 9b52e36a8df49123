//! Whole looks at real directories.
#![cfg(unix)]

use std::{fs, os::unix::fs::symlink, path::Path};

use cutover_proto::verdict::{Protection, Verdict};

use super::plants::{NOW_MS, debian_base, installed, looked};
use crate::{
    detect::{RuleSet, ScanOutcome, attributed_packages, outcome, sight},
    facts::PackageState,
    host::{Fixture, Recorder, Rooted},
};

fn root(status: Option<&str>) -> tempfile::TempDir {
    let dir = tempfile::tempdir().expect("a directory");
    fs::create_dir_all(dir.path().join("var/lib/dpkg/info")).expect("made");
    fs::create_dir_all(dir.path().join("etc")).expect("made");
    fs::create_dir_all(dir.path().join("usr/lib")).expect("made");
    fs::write(dir.path().join("usr/lib/os-release"), "ID=debian\nPRETTY_NAME=Debian\n").expect("written");
    symlink("../usr/lib/os-release", dir.path().join("etc/os-release")).expect("linked");
    if let Some(status) = status {
        fs::write(dir.path().join("var/lib/dpkg/status"), status).expect("written");
    }
    dir
}

fn open(dir: &Path) -> Rooted {
    Rooted::open(dir).expect("a root")
}

fn kesl_why(dir: &Path) -> String {
    let inventory = looked(&open(dir));
    assert_eq!(outcome(&inventory, &RuleSet::built_in()), ScanOutcome::Unknown);
    let kesl = inventory.sighting(&"kesl".into()).expect("looked for").clone();
    assert_eq!(kesl.verdict, Verdict::Unknown);
    kesl.why
}

#[test]
fn a_clean_root_has_no_target() {
    let dir = root(Some(&debian_base()));
    let inventory = looked(&open(dir.path()));
    assert_eq!(outcome(&inventory, &RuleSet::built_in()), ScanOutcome::NoTarget);
    assert_eq!(inventory.protection, Protection::None);
    assert_eq!(inventory.boot_id, "");
}

#[test]
fn an_installed_target_is_found_and_its_protection_cannot_be_seen_in_a_root() {
    let dir = root(Some(&(debian_base() + &installed("kesl", "12.1.0-1297"))));
    let inventory = looked(&open(dir.path()));
    assert_eq!(outcome(&inventory, &RuleSet::built_in()), ScanOutcome::TargetFound);
    assert_eq!(inventory.protection, Protection::Unobserved);
}

#[test]
fn every_bad_database_is_unknown_and_names_its_remedy() {
    let cut = debian_base();
    for (status, says) in [
        (None, "is missing, though Debian keeps its packages there"),
        (
            Some(&cut[..cut.len() - 9]),
            "is cut off in the middle of an entry, at line 12",
        ),
        (Some(""), "holds no package at all"),
        (Some("<html>\n\n"), "is damaged at line 1"),
    ] {
        let dir = root(status);
        let why = kesl_why(dir.path());
        assert!(why.contains(says) && why.contains("/var/backups/dpkg.status"), "{why}");
    }
}

#[test]
fn a_database_of_a_gigabyte_is_unknown_and_not_read() {
    let dir = root(None);
    let file = fs::File::create(dir.path().join("var/lib/dpkg/status")).expect("made");
    file.set_len(1 << 30).expect("sparse");
    let why = kesl_why(dir.path());
    assert!(
        why.contains("longer than 67108864 bytes") && why.contains("put a sound copy in its place"),
        "{why}"
    );
}

#[test]
fn a_database_that_is_not_utf_8_is_unknown_where_it_matters() {
    let dir = root(None);
    fs::write(
        dir.path().join("var/lib/dpkg/status"),
        b"Package: k\xffsl\nStatus: install ok installed\nVersion: 1\n\n",
    )
    .expect("written");
    let why = kesl_why(dir.path());
    assert!(
        why.contains("Package is not a package name") && why.contains("/var/backups/dpkg.status"),
        "{why}"
    );
}

#[test]
fn a_database_that_is_a_link_out_of_the_root_is_unknown() {
    let outside = root(Some(&debian_base()));
    let dir = root(None);
    symlink(
        outside.path().join("var/lib/dpkg/status"),
        dir.path().join("var/lib/dpkg/status"),
    )
    .expect("linked");
    assert!(kesl_why(dir.path()).contains("not followed out of the root"));
}

#[test]
fn a_product_behind_a_link_out_of_the_root_is_unknown_and_never_absent() {
    let outside = root(None);
    let dir = root(Some(&debian_base()));
    symlink(outside.path(), dir.path().join("opt")).expect("linked");
    let why = kesl_why(dir.path());
    assert!(
        why.contains("/opt is a link") && why.contains("put what it leads to below the root"),
        "{why}"
    );
}

#[test]
fn a_recording_of_a_root_replays_to_the_same_inventory() {
    let dir = root(Some(&(debian_base() + &installed("kesl", "12.1.0-1297"))));
    fs::create_dir_all(dir.path().join("opt/kaspersky/kesl")).expect("made");
    let recorder = Recorder::new(open(dir.path()), "a root");
    let seen = looked(&recorder);
    let json = recorder.fixture().to_json().expect("json");
    let replayed = looked(&Fixture::from_json(&json).expect("reads"));
    assert_eq!(replayed, seen);
}

#[test]
fn a_work_order_learns_which_packages_are_the_products() {
    let status = debian_base()
        + &installed("kesl", "12.1.0-1297")
        + "Package: kesl-astra\nStatus: deinstall ok config-files\nVersion: 11\nArchitecture: amd64\n\n"
        + &installed("kesl-gui", "12.1.0-1297");
    let dir = root(Some(&status));
    let rules = RuleSet::built_in();
    let kesl = rules.rule(&"kesl".into()).expect("a rule");
    let packages = attributed_packages(&open(dir.path()), kesl).found().expect("looked");
    let names: Vec<_> = packages.iter().map(|one| (one.name.as_str(), one.state)).collect();
    assert_eq!(
        names,
        [
            ("kesl", PackageState::Installed),
            ("kesl-astra", PackageState::ConfigFiles)
        ]
    );
    let sighting = sight(&open(dir.path()), kesl, NOW_MS);
    assert_eq!(
        (sighting.verdict, sighting.version.as_deref()),
        (Verdict::Installed, Some("12.1.0-1297"))
    );
}
