//! Where a cancel or a hold may act.

use cutover_proto::{
    order::WorkOrder,
    step::{Action, Step, StepKind},
};

/// Whether an order may end before this step: before the first, or after one with a safe point. Never between removal
/// and protection, whatever the order says.
pub(super) fn is_before(order: &WorkOrder, step: usize) -> bool {
    let Some(before) = step.checked_sub(1) else {
        return true;
    };
    let (done, to_come) = order.steps.split_at(step.min(order.steps.len()));
    let kind = |step: &Step| step.action.kind();
    let removed = done.iter().any(|step| kind(step) == StepKind::RemovePackages);
    let protects = |step: &Step| {
        matches!(
            step.action,
            Action::InstallPackages { .. } | Action::InstallArtifact { .. } | Action::DetectionTest { .. }
        )
    };
    // A scanner that is installed and waits for its service to be set up and started protects nothing.
    let sets_up = |step: &Step| {
        matches!(
            kind(step),
            StepKind::InstallPackages | StepKind::InstallArtifact | StepKind::WriteConfig | StepKind::EnableService
        )
    };
    let is_up = !to_come.iter().any(sets_up);
    let protected = is_up && (done.iter().any(protects) || !to_come.iter().any(protects));
    let flagged = order.steps.get(before).is_some_and(|step| step.safe_point_after);
    flagged && (!removed || protected)
}

/// Whether no safe point lies ahead of the step at hand: the order finishes whatever is asked.
pub(super) fn is_past_last(order: &WorkOrder, at_hand: usize) -> bool {
    // The end of the order is no point to stop at.
    let ahead = at_hand.saturating_add(1)..order.steps.len();
    !ahead.into_iter().any(|step| is_before(order, step)) && !is_before(order, at_hand)
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use cutover_proto::{
        artifact::{ArtifactDigest, ArtifactRef},
        ids::HostId,
        inventory::PackageManager,
    };

    use super::*;

    fn artifact() -> ArtifactRef {
        ArtifactRef {
            sha256: ArtifactDigest::new([1; 32]),
            size: 1,
            file_name: "clamav_1.4_amd64.deb".to_owned(),
            urls: Vec::new(),
        }
    }

    fn order(steps: &[(StepKind, bool)]) -> WorkOrder {
        let packages = vec!["p".to_owned()];
        let manager = PackageManager::Apt;
        let step = |(kind, safe): &(StepKind, bool)| Step {
            action: match kind {
                StepKind::FetchPackages => Action::FetchPackages {
                    manager,
                    packages: packages.clone(),
                },
                StepKind::RemovePackages => Action::RemovePackages {
                    manager,
                    product: "kesl".into(),
                    packages: packages.clone(),
                },
                StepKind::InstallPackages => Action::InstallPackages {
                    manager,
                    product: "clamav".into(),
                    packages: packages.clone(),
                },
                StepKind::Sweep => Action::Sweep {
                    product: "kesl".into(),
                    paths: Vec::new(),
                },
                StepKind::DetectionTest => Action::DetectionTest {
                    product: "clamav".into(),
                },
                StepKind::SweepGroups => Action::SweepGroups {
                    product: "kesl".into(),
                    groups: Vec::new(),
                },
                StepKind::SweepCertificates => Action::SweepCertificates {
                    product: "kesl".into(),
                    subjects: Vec::new(),
                },
                StepKind::Restart => Action::Restart {
                    reason: String::new(),
                    notice: Duration::ZERO,
                    defer: Duration::ZERO,
                },
                StepKind::RepairPackages => Action::RepairPackages { manager },
                StepKind::EnableService => Action::EnableService {
                    product: "clamav-daemon".into(),
                    services: vec!["clamav-daemon.service".into()],
                },
                StepKind::WriteConfig => Action::WriteConfig {
                    product: "clamav-daemon".into(),
                    path: "/etc/clamav/freshclam.conf".into(),
                    contents: String::new(),
                    mode: 0o444,
                },
                StepKind::FetchArtifact => Action::FetchArtifact { artifact: artifact() },
                StepKind::InstallArtifact => Action::InstallArtifact {
                    manager,
                    product: "clamav".into(),
                    artifacts: vec![artifact()],
                },
            },
            time_limit: Duration::from_secs(60),
            safe_point_after: *safe,
        };
        WorkOrder {
            host_id: HostId::new(uuid::Uuid::nil()),
            campaign_id: cutover_proto::ids::CampaignId::new("c"),
            campaign_epoch: 1,
            number: 1,
            attempt: 1,
            not_before_ms: 0,
            expires_ms: 1,
            offline: false,
            steps: steps.iter().map(step).collect(),
            secrets: Vec::new(),
            catalog_revision: 1,
        }
    }

    #[test]
    fn removal_first_has_no_safe_point_until_protection() {
        use StepKind::{DetectionTest, FetchPackages, InstallPackages, RemovePackages, Sweep};
        // An order that wrongly marks the point after removal as safe.
        let order = order(&[
            (FetchPackages, true),
            (RemovePackages, true),
            (InstallPackages, true),
            (DetectionTest, false),
            (Sweep, false),
        ]);
        let safe: Vec<bool> = (0..5).map(|step| is_before(&order, step)).collect();
        assert_eq!(safe, [true, true, false, true, false]);
        let past: Vec<bool> = (0..5).map(|step| is_past_last(&order, step)).collect();
        assert_eq!(past, [false, false, false, false, true]);
    }

    #[test]
    fn a_service_that_is_not_up_yet_is_no_protection_to_stop_at() {
        use StepKind::{DetectionTest, EnableService, InstallPackages, RemovePackages, WriteConfig};
        let order = order(&[
            (RemovePackages, true),
            (InstallPackages, true),
            (WriteConfig, true),
            (EnableService, true),
            (DetectionTest, true),
        ]);
        let safe: Vec<bool> = (0..5).map(|step| is_before(&order, step)).collect();
        assert_eq!(safe, [true, false, false, false, true]);
    }

    #[test]
    fn a_replacement_from_artifacts_protects_as_one_from_packages_does() {
        use StepKind::{FetchArtifact, InstallArtifact, RemovePackages, Sweep};
        let order = order(&[
            (FetchArtifact, true),
            (RemovePackages, true),
            (InstallArtifact, true),
            (Sweep, false),
        ]);
        let safe: Vec<bool> = (0..4).map(|step| is_before(&order, step)).collect();
        assert_eq!(safe, [true, true, false, true]);
    }

    #[test]
    fn make_before_break_may_stop_on_either_side_of_the_removal() {
        use StepKind::{FetchPackages, InstallPackages, RemovePackages, Sweep};
        let order = order(&[
            (FetchPackages, true),
            (InstallPackages, true),
            (RemovePackages, true),
            (Sweep, false),
        ]);
        assert!((0..4).all(|step| is_before(&order, step)));
    }
}
