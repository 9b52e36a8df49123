//! A look decides whether a step succeeded; causes are told apart.

use cutover_proto::{
    artifact::{ArtifactDigest, ArtifactRef},
    record::{FailureCause, RecordEvent},
    step::{Action, StepKind},
    verdict::Verdict,
};
use sha2::{Digest, Sha256};

use super::{
    super::End,
    world::{APT, World, fetch, install, remove, restart, sweep, sweep_certificates, sweep_groups, test},
};
use crate::host::sandbox::{Behaviour, Fault};

fn with_fault(step: StepKind, cause: FailureCause) -> World {
    World::new(Behaviour {
        fail_first: Some(Fault { step, cause, times: 1 }),
        ..Behaviour::default()
    })
}

#[test]
fn the_usual_order_migrates_the_host() {
    let world = World::new(Behaviour::default());
    assert_eq!(world.run(&world.usual()).unwrap(), End::Completed { number: 1 });
    for product in ["kesl", "kesl-gui", "klnagent64"] {
        assert_eq!(world.sighting(product).verdict, Verdict::Absent, "{product}");
    }
    let done = world
        .events()
        .into_iter()
        .filter(|(_, event)| *event == RecordEvent::StepDone);
    assert_eq!(done.count(), 10);
}

/// The planted host without the three products' packages.
fn removed(world: &World, then: &[cutover_proto::step::Action]) -> cutover_proto::order::WorkOrder {
    let mut steps = vec![
        (remove("kesl-gui", &["kesl-gui"]), false),
        (remove("kesl", &["kesl"]), false),
    ];
    steps.extend(then.iter().map(|action| (action.clone(), true)));
    world.order(&steps)
}

#[test]
fn a_group_that_is_a_users_own_stays_and_the_step_says_what_to_do_without_the_users_name() {
    let world = World::new(Behaviour::default());
    let passwd = world.root.path().join("etc/passwd");
    std::fs::write(
        &passwd,
        "root:x:0:0::/root:/bin/sh\nalice:x:1000:991::/home/alice:/bin/sh\n",
    )
    .unwrap();
    let order = removed(&world, &[sweep_groups(&["kesladmin", "kesluser"])]);
    let End::Failed { cause, why, .. } = world.run(&order).unwrap() else {
        panic!("kesluser (991) is alice's primary group");
    };
    assert_eq!(cause, FailureCause::NotAttributed);
    assert!(
        why.contains("kesluser") && why.contains("another one") && !why.contains("alice"),
        "{why}"
    );
    let groups = std::fs::read_to_string(world.root.path().join("etc/group")).unwrap();
    assert!(!groups.contains("kesladmin") && groups.contains("kesluser"), "{groups}");
}

#[test]
fn groups_and_certificates_of_a_product_that_is_still_there_stay() {
    for step in [sweep_groups(&["kesladmin"]), sweep_certificates()] {
        let world = World::new(Behaviour::default());
        let end = world.run(&world.order(&[(step, false)])).unwrap();
        assert!(
            matches!(
                end,
                End::Failed {
                    cause: FailureCause::StillThere,
                    ..
                }
            ),
            "{end:?}"
        );
        let groups = std::fs::read_to_string(world.root.path().join("etc/group")).unwrap();
        assert!(groups.contains("kesladmin"));
        assert!(
            world
                .root
                .path()
                .join("usr/local/share/ca-certificates/planted-kesl.crt")
                .exists()
        );
    }
}

#[test]
fn a_certificate_goes_from_the_anchors_and_the_bundle_and_one_among_others_is_left_to_a_person() {
    let world = World::new(Behaviour::default());
    let end = world.run(&removed(&world, &[sweep_certificates()])).unwrap();
    assert_eq!(end, End::Completed { number: 1 });
    let root = world.root.path();
    assert!(!root.join("usr/local/share/ca-certificates/planted-kesl.crt").exists());
    assert!(
        std::fs::read(root.join("etc/ssl/certs/ca-certificates.crt"))
            .unwrap()
            .is_empty()
    );

    let world = World::new(Behaviour::default());
    let anchor = world
        .root
        .path()
        .join("usr/local/share/ca-certificates/planted-kesl.crt");
    let pem = std::fs::read_to_string(&anchor).unwrap();
    std::fs::write(&anchor, format!("{pem}{pem}")).unwrap();
    let end = world.run(&removed(&world, &[sweep_certificates()])).unwrap();
    let End::Failed { cause, why, .. } = end else {
        panic!("{end:?}");
    };
    assert_eq!(cause, FailureCause::StillThere);
    assert!(why.contains("planted-kesl.crt") && why.contains("by hand"), "{why}");
    assert!(anchor.exists());
}

#[test]
fn each_failure_keeps_its_cause_and_ends_the_order() {
    let causes = [
        FailureCause::Locked,
        FailureCause::Network,
        FailureCause::DiskFull,
        FailureCause::TimeLimit,
        FailureCause::ToolFailed,
        FailureCause::StillThere,
    ];
    for (step, index) in [
        (StepKind::FetchPackages, 0),
        (StepKind::RemovePackages, 1),
        (StepKind::InstallPackages, 4),
    ] {
        for cause in causes {
            let world = with_fault(step, cause);
            let end = world.run(&world.usual()).unwrap();
            let End::Failed { cause: told, .. } = end else {
                panic!("{step} {cause}: {end:?}");
            };
            assert_eq!(told, cause, "{step}");
            let records = world.records();
            let failed = &records[records.len() - 2];
            assert_eq!((failed.step, failed.event), (index, RecordEvent::StepFailed));
            assert_eq!(failed.cause, Some(cause));
            assert!(!failed.log_tail.is_empty(), "{step} {cause}: the log is kept");
            assert_eq!(records.last().unwrap().event, RecordEvent::OrderFailed);
        }
    }
}

#[test]
fn a_replacement_that_names_nothing_fails_the_test() {
    let world = World::new(Behaviour {
        detection_works: false,
        ..Behaviour::default()
    });
    let order = world.order(&[(install(), false), (test(), false)]);
    let end = world.run(&order).unwrap();
    assert!(
        matches!(
            end,
            End::Failed {
                cause: FailureCause::NotDetected,
                ..
            }
        ),
        "{end:?}"
    );
}

#[test]
fn what_is_gone_already_is_found_done() {
    let world = World::new(Behaviour::default());
    let first = world.order(&[(remove("kesl", &["kesl"]), false)]);
    world.run(&first).unwrap();
    world.ledger.lock().unwrap().clear();
    let mut second = first;
    second.number = 2;
    assert_eq!(world.run(&second).unwrap(), End::Completed { number: 2 });
    assert!(world.ledger.lock().unwrap().is_empty(), "nothing was removed again");
    let events = world.events();
    assert!(events.contains(&(0, RecordEvent::StepFoundDone)), "{events:?}");
}

#[test]
fn files_of_a_product_that_is_still_installed_are_not_swept() {
    let world = World::new(Behaviour::default());
    let order = world.order(&[(sweep("kesl", &["/var/opt/kaspersky/kesl"]), false)]);
    let end = world.run(&order).unwrap();
    let End::Failed { cause, why, .. } = end else {
        panic!("{end:?}");
    };
    assert_eq!(cause, FailureCause::StillThere);
    assert!(why.contains("would break it"), "{why}");
    assert!(world.root.path().join("var/opt/kaspersky/kesl").exists());
}

#[test]
fn a_look_that_cannot_tell_is_never_success() {
    let world = World::new(Behaviour::default());
    let order = world.order(&[(fetch(), true), (remove("kesl", &["kesl"]), false)]);
    let status = world.root.path().join("var/lib/dpkg/status");
    let ledger = world.ledger.clone();
    let mut executor = world.executor();
    let damaged = status;
    executor.parts.on_record = Box::new(move || {
        // The database is cut in the middle while packages are fetched.
        if !ledger.lock().unwrap().is_empty() {
            let bytes = std::fs::read(&damaged).unwrap();
            std::fs::write(&damaged, &bytes[..bytes.len() / 2 + 20]).unwrap();
        }
    });
    let end = executor.run(&world.sign(&order)).unwrap();
    assert!(matches!(end, End::Failed { .. }), "{end:?}");
    assert_eq!(*world.ledger.lock().unwrap(), ["fetch clamav clamav-freshclam"]);
}

#[test]
fn a_machine_that_does_not_restart_in_time_fails_the_step() {
    let world = World::new(Behaviour {
        restarts: false,
        ..Behaviour::default()
    });
    let end = world.run(&world.order(&[(restart(), false)])).unwrap();
    assert!(
        matches!(
            end,
            End::Failed {
                cause: FailureCause::TimeLimit,
                ..
            }
        ),
        "{end:?}"
    );
}

fn goods(bytes: &[u8]) -> ArtifactRef {
    ArtifactRef {
        sha256: ArtifactDigest::new(Sha256::digest(bytes).into()),
        size: bytes.len() as u64,
        file_name: "clamav_1.4.6_amd64.deb".to_owned(),
        urls: Vec::new(),
    }
}

fn from_artifact(artifact: &ArtifactRef) -> [(Action, bool); 3] {
    let install = Action::InstallArtifact {
        manager: APT,
        product: "clamav".into(),
        artifacts: vec![artifact.clone()],
    };
    let fetch = Action::FetchArtifact {
        artifact: artifact.clone(),
    };
    [(fetch, true), (install, true), (test(), true)]
}

#[test]
fn a_replacement_is_installed_from_an_artifact_and_tested() {
    let world = World::new(Behaviour::default());
    let artifact = goods(b"a package");
    let mut partial = world.cache().partial(&artifact, &[]).unwrap();
    partial.write(b"a package").unwrap();
    partial.finish().unwrap();
    let order = world.order(&from_artifact(&artifact));
    assert_eq!(world.run(&order).unwrap(), End::Completed { number: 1 });
    assert_eq!(world.sighting("clamav").verdict, Verdict::Installed);
    assert_eq!(*world.ledger.lock().unwrap(), ["install-files clamav", "test "]);
}

#[test]
fn an_artifact_that_does_not_come_ends_the_order_before_anything_is_installed() {
    let world = World::new(Behaviour::default());
    let order = world.order(&from_artifact(&goods(b"a package")));
    let End::Failed { cause, .. } = world.run(&order).unwrap() else {
        panic!("it has no way to the artifact");
    };
    assert_eq!(cause, FailureCause::Network);
    assert!(world.ledger.lock().unwrap().is_empty());
}

#[test]
fn what_was_put_aside_goes_with_the_end_of_the_order_and_not_before() {
    let world = World::new(Behaviour::default());
    world.faults.fill_disk(true);
    assert!(world.run(&world.usual()).is_err(), "the journal has no room");
    assert_eq!(world.faults.tidied(), 0);
    world.faults.fill_disk(false);
    assert_eq!(world.run(&world.usual()).unwrap(), End::Completed { number: 1 });
    assert_eq!(world.faults.tidied(), 1);
    assert_eq!(world.executor().resume().unwrap(), None);
    assert_eq!(
        world.faults.tidied(),
        2,
        "an agent may have ended before it came to that"
    );

    let world = with_fault(StepKind::InstallPackages, FailureCause::ToolFailed);
    assert!(matches!(world.run(&world.usual()).unwrap(), End::Failed { .. }));
    assert_eq!(world.faults.tidied(), 1);
}
