//! A planted host under the real look, changed by its hands.

use cutover_proto::{
    ids::ProductId,
    inventory::{DiskEncryption, PackageManager},
    record::FailureCause,
    step::StepKind,
};
use tempfile::TempDir;

use super::{Behaviour, Fault, Profile, SandboxHands, SandboxView, TargetProduct, plant};
use crate::{
    facts::Answer,
    host::{
        HostView,
        hands::{HostHands, ProcessMark, Run},
    },
};

const APT: PackageManager = PackageManager::Apt;

fn profile(behaviour: Behaviour) -> Profile {
    Profile {
        hostname: "ws-07".to_owned(),
        machine_id: "0123456789abcdef0123456789abcdef".to_owned(),
        boot_id: "6f6b0f5e-0000-4000-8000-000000000001".to_owned(),
        targets: TargetProduct::ALL.to_vec(),
        encryption: DiskEncryption::None,
        free_disk_mib: 20_000,
        restart_wanted_by: Vec::new(),
        behaviour,
    }
}

fn planted(behaviour: Behaviour) -> (TempDir, SandboxHands) {
    let root = tempfile::tempdir().unwrap();
    plant(root.path(), &profile(behaviour)).unwrap();
    let hands = SandboxHands::open(root.path()).unwrap();
    (root, hands)
}

fn names(names: &[&str]) -> Vec<String> {
    names.iter().map(|name| (*name).to_owned()).collect()
}

fn run<T>(act: impl FnOnce(&mut Run<'_>) -> T) -> T {
    let mut started = |_: ProcessMark| {};
    act(&mut Run {
        label: "test".to_owned(),
        time_limit: std::time::Duration::from_secs(60),
        said: Vec::new(),
        started: &mut started,
    })
}

#[test]
fn purged_packages_are_gone_and_their_data_stays_until_it_is_deleted() {
    let (root, mut hands) = planted(Behaviour::default());
    run(|run| hands.remove_packages(APT, &names(&["kesl-gui", "kesl"]), run)).unwrap();
    assert!(!root.path().join("opt/kaspersky/kesl").exists());
    assert!(root.path().join("var/opt/kaspersky/kesl").exists());
    hands.delete_leftover("/var/opt/kaspersky/kesl").unwrap();
    assert!(!root.path().join("var/opt/kaspersky/kesl").exists());
    let status = std::fs::read_to_string(root.path().join("var/lib/dpkg/status")).unwrap();
    assert!(!status.contains("Package: kesl"), "{status}");
    assert!(status.contains("Package: klnagent64"), "{status}");
    let processes = SandboxView::open(root.path()).unwrap().processes();
    let Answer::Found(processes) = processes else {
        panic!("{processes:?}");
    };
    assert!(processes.iter().any(|process| process.runs_as("klnagent")));
    assert!(!processes.iter().any(|process| process.runs_as("kesl")));
}

#[test]
fn a_fault_comes_as_often_as_planted_also_across_a_restart_of_the_agent() {
    let (root, mut hands) = planted(Behaviour {
        fail_first: Some(Fault {
            step: StepKind::RemovePackages,
            cause: FailureCause::Locked,
            times: 2,
        }),
        ..Behaviour::default()
    });
    let kesl = names(&["kesl"]);
    let first = run(|run| hands.remove_packages(APT, &kesl, run)).unwrap();
    assert_eq!(first.exit_code, Some(100));
    assert!(first.log_tail.contains("Could not get lock"));
    let mut hands = SandboxHands::open(root.path()).unwrap();
    let second = run(|run| hands.remove_packages(APT, &kesl, run)).unwrap();
    assert_eq!(second.exit_code, Some(100));
    let third = run(|run| hands.remove_packages(APT, &kesl, run)).unwrap();
    assert_eq!(third.exit_code, Some(0));
}

#[test]
fn a_replacement_detects_only_when_it_is_installed_and_works() {
    let clamav = ProductId::new("clamav");
    for (works, named) in [(true, Some("Planted.Test.EICAR")), (false, None)] {
        let (_root, mut hands) = planted(Behaviour {
            detection_works: works,
            ..Behaviour::default()
        });
        assert!(run(|run| hands.detection_test(&clamav, run)).is_err());
        run(|run| hands.install_packages(APT, &names(&["clamav"]), run)).unwrap();
        let test = run(|run| hands.detection_test(&clamav, run)).unwrap();
        assert_eq!(test.named.as_deref(), named);
    }
}

#[test]
fn packages_are_fetched_once_they_were() {
    let (_root, mut hands) = planted(Behaviour::default());
    let packages = names(&["clamav", "clamav-freshclam"]);
    assert!(!hands.are_fetched(APT, &packages).unwrap());
    run(|run| hands.fetch_packages(APT, &packages, run)).unwrap();
    assert!(hands.are_fetched(APT, &packages).unwrap());
}

#[test]
fn a_restart_makes_a_new_kernel_session_each_time() {
    let (root, mut hands) = planted(Behaviour::default());
    let view = SandboxView::open(root.path()).unwrap();
    let mut seen = vec![view.boot_id().found().unwrap()];
    for _ in 0..3 {
        hands.restart("test").unwrap();
        let id = view.boot_id().found().unwrap();
        assert_eq!(id.len(), 36);
        assert!(!seen.contains(&id), "{id}");
        seen.push(id);
    }
}

#[test]
fn encryption_by_a_target_cannot_be_planted() {
    let root = tempfile::tempdir().unwrap();
    let profile = Profile {
        encryption: DiskEncryption::ByTarget,
        ..profile(Behaviour::default())
    };
    assert!(plant(root.path(), &profile).is_err());
}
