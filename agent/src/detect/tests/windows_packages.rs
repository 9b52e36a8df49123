//! Which packages of Windows Installer a look gives to a product, by what Windows lists under its uninstall keys.

use cutover_proto::{inventory::PackageManager, uninstall::product_code, verdict::EvidenceKind};

use super::{
    plants::debian,
    windows_plants::{LAB, MACHINE, MACHINE_32, laptop},
};
use crate::{
    detect::{RuleSet, ScanCx, attributed_packages, scan, sight},
    facts::{Answer, Question, Reply, UninstallEntries, UninstallEntry, UninstallPlace},
    host::Fixture,
};

const KES: &str = "{6C5B5F8A-0E0D-4B6A-9C1A-2B1F3E4D5C6B}";
const OLDER: &str = "{11111111-2222-3333-4444-555555555555}";
const OTHER: &str = "{99999999-2222-3333-4444-555555555555}";

fn entry(key: &str) -> UninstallEntry {
    UninstallEntry {
        key: key.to_owned(),
        name: "Kaspersky Endpoint Security for Windows".to_owned(),
        publisher: LAB.to_owned(),
        version: "12.9.0.384".to_owned(),
        is_msi: true,
        ..UninstallEntry::default()
    }
}

fn names(host: &Fixture) -> Answer<Vec<String>> {
    let rules = RuleSet::built_in();
    let found = attributed_packages(host, rules.rule(&"kes-windows".into()).unwrap());
    found.map(|packages| packages.into_iter().map(|package| package.name).collect())
}

/// What the server reads from the evidence.
fn told(host: &Fixture) -> Vec<String> {
    let rules = RuleSet::built_in();
    let sighting = sight(host, rules.rule(&"kes-windows".into()).unwrap(), 0);
    let keys = sighting
        .evidence
        .iter()
        .filter(|it| it.kind == EvidenceKind::UninstallKey);
    keys.filter_map(|it| product_code(&it.detail))
        .map(str::to_owned)
        .collect()
}

#[test]
fn an_entry_of_windows_installer_is_a_package_by_its_code_in_both_views_of_the_registry() {
    let host = laptop("windows, two of a product")
        .with_entry(MACHINE, entry(KES))
        .with_entry(MACHINE_32, entry(OLDER));
    assert_eq!(names(&host), Answer::Found(vec![KES.to_owned(), OLDER.to_owned()]));
    assert_eq!(told(&host), [KES, OLDER]);
    let stranger = UninstallEntry {
        name: "Notepad".to_owned(),
        publisher: "Somebody".to_owned(),
        ..entry(OTHER)
    };
    let host = host.with_entry(MACHINE, stranger);
    assert_eq!(told(&host), [KES, OLDER]);
}

#[test]
fn what_windows_installer_does_not_know_is_no_package_though_it_is_there() {
    let by_setup = UninstallEntry {
        is_msi: false,
        ..entry(OTHER)
    };
    let host = laptop("windows, a setup of its own").with_entry(MACHINE, by_setup);
    assert_eq!(names(&host), Answer::Found(vec![format!("uninstall key {OTHER}")]));
    assert_eq!(told(&host), [""; 0]);
}

#[test]
fn a_users_own_entry_and_one_without_its_folder_are_no_packages() {
    let orphan = UninstallEntry {
        location: r"C:\Program Files (x86)\Kaspersky Lab\KES.11.6.0".to_owned(),
        ..entry(OLDER)
    };
    let host = laptop("windows, an orphan and a user's own")
        .with_entry(UninstallPlace::Users, entry(OTHER))
        .with_entry(MACHINE_32, orphan);
    assert_eq!(names(&host), Answer::Found(Vec::new()));
    assert_eq!(told(&host), [""; 0]);
}

#[test]
fn where_an_entry_could_not_be_read_nobody_says_which_packages_there_are() {
    let found = UninstallEntries {
        entries: vec![entry(KES)],
        unread: vec!["a key may not be read".to_owned()],
    };
    let host =
        laptop("windows, an entry that is locked").with_reply(&Question::Uninstall(MACHINE), Reply::Uninstall(found));
    assert_eq!(names(&host), Answer::Failed("a key may not be read".to_owned()));
}

#[test]
fn every_windows_has_windows_installer_and_no_other_system_has_it() {
    let cx = ScanCx {
        host_id: cutover_proto::ids::HostId::new(uuid::Uuid::nil()),
        now_ms: 0,
    };
    let managers = |host: &Fixture| scan(host, &RuleSet::built_in(), &cx).facts.package_managers;
    assert_eq!(managers(&laptop("windows")), [PackageManager::Msi]);
    assert!(!managers(&debian("debian", &[])).contains(&PackageManager::Msi));
}
