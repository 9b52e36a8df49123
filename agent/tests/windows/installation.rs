//! What the hands of Windows install: files of Windows Installer that the agent fetched.

use std::path::PathBuf;

use cutover_agent::host::hands::{HostHands, PackageFile, Run, ToolRun, WindowsHands};
use cutover_proto::inventory::PackageManager;

use super::{
    Package, Scan, alone,
    removal::{HOUR, agent, codes, hands},
};

fn install(hands: &mut WindowsHands, paths: &[PathBuf]) -> ToolRun {
    let file = |path: &PathBuf| PackageFile {
        path: path.clone(),
        file_name: "stand-in_1_x64.msi".to_owned(),
        package: "stand-in".to_owned(),
    };
    let files: Vec<PackageFile> = paths.iter().map(file).collect();
    let mut started = |_| ();
    let mut run = Run {
        label: "order-1-step-1".to_owned(),
        time_limit: HOUR,
        said: Vec::new(),
        started: &mut started,
    };
    hands.install_files(PackageManager::Msi, &files, &mut run).unwrap()
}

#[test]
fn files_of_one_step_are_installed_one_after_the_other_and_a_second_run_changes_nothing() {
    let _alone = alone();
    let (_dir, mut hands) = hands(agent(), 0);
    let both = ["kes.msi", "klnagent.msi"];
    let files = both.map(Package::file);
    let ran = install(&mut hands, &files);
    assert_eq!((ran.exit_code, ran.timed_out), (Some(0), false), "{}", ran.log_tail);
    let packages = both.map(Package::installed_by_the_agent);
    let found = [codes("kes-windows"), codes("klnagent-windows")].concat();
    assert_eq!(found.len(), 2, "{found:?}");
    assert_eq!(Scan::made().verdict("kes-windows"), "installed");
    assert_eq!(install(&mut hands, &files).exit_code, Some(0));
    assert_eq!([codes("kes-windows"), codes("klnagent-windows")].concat(), found);
    packages.into_iter().for_each(Package::remove);
}

#[test]
fn a_file_that_is_none_of_windows_installer_ends_the_step_before_the_next_one() {
    let _alone = alone();
    let (dir, mut hands) = hands(agent(), 0);
    let none = dir.path().join("none.msi");
    std::fs::write(&none, "no package").unwrap();
    let ran = install(&mut hands, &[none, Package::file("kes.msi")]);
    // Windows answers 1620 here, and Wine something else.
    assert!(ran.exit_code.is_some_and(|code| code != 0), "{}", ran.log_tail);
    assert_eq!(codes("kes-windows"), [""; 0]);
}
