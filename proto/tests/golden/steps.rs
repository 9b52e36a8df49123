//! Samples of steps, their parameters, and the order that holds one of each of the first kinds.

use std::time::Duration;

use cutover_proto::{
    artifact::{ArtifactDigest, ArtifactRef},
    inventory::PackageManager,
    order::WorkOrder,
    step::{Action, SetUpState, Step},
    subject::Subject,
    v1::{self, step::Action as Wire},
};

use crate::{
    keys::{HOST, host_id},
    messages::{AT_MS, sealed_secret},
    sample::Sample,
};

pub(crate) fn samples() -> Vec<Sample> {
    let mut all: Vec<Sample> = steps()
        .into_iter()
        .chain(later_steps())
        .map(|(kind, wire, typed)| {
            let sample = Sample::typed("Step", kind, wire, typed);
            if kind == "restart" { sample.earlier() } else { sample }
        })
        .collect();
    all.push(Sample::of("FetchPackages", fetch()));
    all.push(Sample::of("RemovePackages", remove()));
    all.push(Sample::of("InstallPackages", install()));
    all.push(Sample::of("Sweep", sweep()));
    all.push(Sample::of("DetectionTest", detection_test()));
    all.push(Sample::of("Restart", restart()).earlier());
    all.push(Sample::variant("Restart", "with-notice", restart_with_notice()));
    let (wire, typed) = noticed_step();
    all.push(Sample::typed("Step", "restart-with-notice", wire, typed));
    all.push(Sample::of("RepairPackages", repair()));
    all.extend(swept());
    all.push(Sample::of("EnableService", enable()));
    all.push(Sample::of("WriteConfig", write()));
    all.push(Sample::of("SetUp", set_up()));
    all.push(Sample::of("ArtifactRef", artifact_wire()));
    all.push(Sample::of("FetchArtifact", fetch_artifact()));
    all.push(Sample::of("InstallArtifact", install_artifact()));
    all
}

fn fetch() -> v1::FetchPackages {
    v1::FetchPackages {
        manager: v1::PackageManager::Apt.into(),
        packages: vec!["clamav".into(), "clamav-freshclam".into()],
    }
}

fn remove() -> v1::RemovePackages {
    v1::RemovePackages {
        manager: v1::PackageManager::Apt.into(),
        product: "kesl".into(),
        packages: vec!["kesl".into()],
    }
}

fn install() -> v1::InstallPackages {
    v1::InstallPackages {
        manager: v1::PackageManager::Apt.into(),
        product: "clamav".into(),
        packages: vec!["clamav".into()],
    }
}

fn sweep() -> v1::Sweep {
    v1::Sweep {
        product: "kesl".into(),
        paths: vec!["/var/opt/kaspersky/kesl".into()],
    }
}

fn detection_test() -> v1::DetectionTest {
    v1::DetectionTest {
        product: "clamav".into(),
    }
}

/// Leftovers that are no files.
fn swept() -> Vec<Sample> {
    let groups = v1::SweepGroups {
        product: "kesl".into(),
        groups: vec!["kesladmin".into(), "nokesl".into()],
    };
    let subject = "CN=Kaspersky Anti-Virus Personal Root Certificate, O=AO Kaspersky Lab";
    let certificates = v1::SweepCertificates {
        product: "kesl".into(),
        subjects: vec![subject.into()],
    };
    let step = |kind: &'static str, wire: Wire, action: Action| {
        let wire = v1::Step {
            action: Some(wire),
            time_limit_seconds: 600,
            safe_point_after: true,
        };
        let typed = Step {
            action,
            time_limit: Duration::from_secs(600),
            safe_point_after: true,
        };
        Sample::typed("Step", kind, wire, typed)
    };
    vec![
        step(
            "sweep-groups",
            Wire::SweepGroups(groups.clone()),
            Action::SweepGroups {
                product: "kesl".into(),
                groups: groups.groups.clone(),
            },
        ),
        step(
            "sweep-certificates",
            Wire::SweepCertificates(certificates.clone()),
            Action::SweepCertificates {
                product: "kesl".into(),
                subjects: vec![Subject::parse(subject).unwrap()],
            },
        ),
        Sample::of("SweepGroups", groups),
        Sample::of("SweepCertificates", certificates),
    ]
}

fn restart() -> v1::Restart {
    v1::Restart {
        reason: "a kernel module is still loaded".into(),
        ..v1::Restart::default()
    }
}

fn repair() -> v1::RepairPackages {
    v1::RepairPackages {
        manager: v1::PackageManager::Apt.into(),
    }
}

fn enable() -> v1::EnableService {
    v1::EnableService {
        product: "clamav-daemon".into(),
        services: vec!["clamav-daemon.service".into()],
    }
}

fn write() -> v1::WriteConfig {
    v1::WriteConfig {
        product: "clamav-daemon".into(),
        path: "/etc/clamav/freshclam.conf".into(),
        contents: "Checks 24\n".into(),
        mode: 0o444,
    }
}

fn set_up() -> v1::SetUp {
    v1::SetUp {
        product: "defender-endpoint".into(),
        state: v1::SetUpState::Onboarded.into(),
        tenant: "b1c2-d3".into(),
    }
}

fn artifact() -> ArtifactRef {
    ArtifactRef {
        sha256: ArtifactDigest::new([0xab; 32]),
        size: 123_456_789,
        file_name: "clamav_1.4.6+dfsg-1_amd64.deb".into(),
        urls: vec!["https://mirror.example/clamav.deb".into()],
    }
}

pub(crate) fn artifact_wire() -> v1::ArtifactRef {
    v1::ArtifactRef {
        sha256: vec![0xab; 32],
        size: 123_456_789,
        file_name: "clamav_1.4.6+dfsg-1_amd64.deb".into(),
        urls: vec!["https://mirror.example/clamav.deb".into()],
    }
}

fn fetch_artifact() -> v1::FetchArtifact {
    v1::FetchArtifact {
        sha256: vec![0xab; 32],
        size: 123_456_789,
        file_name: "clamav_1.4.6+dfsg-1_amd64.deb".into(),
        urls: vec!["https://mirror.example/clamav.deb".into()],
    }
}

fn install_artifact() -> v1::InstallArtifact {
    v1::InstallArtifact {
        manager: v1::PackageManager::Apt.into(),
        product: "clamav".into(),
        artifacts: vec![artifact_wire()],
    }
}

/// Kinds that came after the first order was kept: its bytes stand for programs in the field and name none of these.
fn later_steps() -> Vec<(&'static str, v1::Step, Step)> {
    let manager = PackageManager::Apt;
    let pairs = [
        (
            "fetch-artifact",
            Wire::FetchArtifact(fetch_artifact()),
            Action::FetchArtifact { artifact: artifact() },
        ),
        (
            "install-artifact",
            Wire::InstallArtifact(install_artifact()),
            Action::InstallArtifact {
                manager,
                product: "clamav".into(),
                artifacts: vec![artifact()],
            },
        ),
    ];
    pairs.into_iter().map(whole).collect()
}

fn restart_with_notice() -> v1::Restart {
    v1::Restart {
        notice_seconds: 300,
        defer_seconds: 86_400,
        ..restart()
    }
}

fn noticed_step() -> (v1::Step, Step) {
    let wire = v1::Step {
        action: Some(Wire::Restart(restart_with_notice())),
        time_limit_seconds: 600,
        safe_point_after: true,
    };
    let typed = Step {
        action: Action::Restart {
            reason: "a kernel module is still loaded".into(),
            notice: Duration::from_secs(300),
            defer: Duration::from_secs(86_400),
        },
        time_limit: Duration::from_secs(600),
        safe_point_after: true,
    };
    (wire, typed)
}

/// The order with a restart of today in place of the earlier one.
pub(crate) fn order_with_notice() -> (v1::WorkOrder, WorkOrder) {
    let (wire_step, step) = noticed_step();
    let (mut wire, mut typed) = (order_wire(), order());
    wire.steps.pop();
    wire.steps.push(wire_step);
    typed.steps.pop();
    typed.steps.push(step);
    (wire, typed)
}

fn steps() -> Vec<(&'static str, v1::Step, Step)> {
    let manager = PackageManager::Apt;
    let pairs = [
        (
            "fetch-packages",
            Wire::FetchPackages(fetch()),
            Action::FetchPackages {
                manager,
                packages: vec!["clamav".into(), "clamav-freshclam".into()],
            },
        ),
        (
            "remove-packages",
            Wire::RemovePackages(remove()),
            Action::RemovePackages {
                manager,
                product: "kesl".into(),
                packages: vec!["kesl".into()],
            },
        ),
        (
            "install-packages",
            Wire::InstallPackages(install()),
            Action::InstallPackages {
                manager,
                product: "clamav".into(),
                packages: vec!["clamav".into()],
            },
        ),
        (
            "sweep",
            Wire::Sweep(sweep()),
            Action::Sweep {
                product: "kesl".into(),
                paths: vec!["/var/opt/kaspersky/kesl".into()],
            },
        ),
        (
            "detection-test",
            Wire::DetectionTest(detection_test()),
            Action::DetectionTest {
                product: "clamav".into(),
            },
        ),
        (
            "restart",
            Wire::Restart(restart()),
            Action::Restart {
                reason: "a kernel module is still loaded".into(),
                notice: Duration::ZERO,
                defer: Duration::ZERO,
            },
        ),
        (
            "repair-packages",
            Wire::RepairPackages(repair()),
            Action::RepairPackages { manager },
        ),
        (
            "enable-service",
            Wire::EnableService(enable()),
            Action::EnableService {
                product: "clamav-daemon".into(),
                services: vec!["clamav-daemon.service".into()],
            },
        ),
        (
            "write-config",
            Wire::WriteConfig(write()),
            Action::WriteConfig {
                product: "clamav-daemon".into(),
                path: "/etc/clamav/freshclam.conf".into(),
                contents: "Checks 24\n".into(),
                mode: 0o444,
            },
        ),
        (
            "set-up",
            Wire::SetUp(set_up()),
            Action::SetUp {
                product: "defender-endpoint".into(),
                state: SetUpState::Onboarded,
                tenant: Some("b1c2-d3".into()),
            },
        ),
    ];
    pairs.into_iter().map(whole).collect()
}

fn whole((kind, wire, action): (&'static str, Wire, Action)) -> (&'static str, v1::Step, Step) {
    let wire = v1::Step {
        action: Some(wire),
        time_limit_seconds: 600,
        safe_point_after: true,
    };
    let typed = Step {
        action,
        time_limit: Duration::from_secs(600),
        safe_point_after: true,
    };
    (kind, wire, typed)
}

/// The kept order holds the kinds that there were when it was kept; later ones have kept steps of their own.
const IN_THE_ORDER: usize = 6;

pub(crate) fn order() -> WorkOrder {
    WorkOrder {
        host_id: host_id(),
        campaign_id: "kaspersky-us-2024".into(),
        campaign_epoch: 4,
        number: 7,
        attempt: 1,
        not_before_ms: AT_MS,
        expires_ms: AT_MS + 600_000,
        offline: true,
        steps: steps()
            .into_iter()
            .take(IN_THE_ORDER)
            .map(|(_, _, step)| step)
            .collect(),
        secrets: vec![sealed_secret()],
        catalog_revision: 9,
    }
}

pub(crate) fn order_wire() -> v1::WorkOrder {
    v1::WorkOrder {
        host_id: HOST.into(),
        campaign_id: "kaspersky-us-2024".into(),
        campaign_epoch: 4,
        number: 7,
        attempt: 1,
        not_before_ms: AT_MS,
        expires_ms: AT_MS + 600_000,
        offline: true,
        steps: steps()
            .into_iter()
            .take(IN_THE_ORDER)
            .map(|(_, step, _)| step)
            .collect(),
        secrets: vec![sealed_secret()],
        catalog_revision: 9,
    }
}
