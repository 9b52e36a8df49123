//! Where a cancel or a hold may act.

use cutover_proto::{
    order::WorkOrder,
    step::{Purpose, Step},
};

/// Whether an order may end before this step: before the first, or after one with a safe point. Never between removal
/// and protection, whatever the order says.
pub(super) fn is_before(order: &WorkOrder, step: usize) -> bool {
    let Some(before) = step.checked_sub(1) else {
        return true;
    };
    let (done, to_come) = order.steps.split_at(step.min(order.steps.len()));
    let removes = |step: &Step| matches!(step.action.purpose(), Purpose::Remove(_));
    let protects = |step: &Step| matches!(step.action.purpose(), Purpose::Install(_) | Purpose::Prove(_));
    // A scanner that is installed and waits for its service to be set up and started protects nothing.
    let sets_up = |step: &Step| {
        matches!(
            step.action.purpose(),
            Purpose::Install(_) | Purpose::Configure(_) | Purpose::Start(_)
        )
    };
    let removed = done.iter().any(removes);
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
        step::{Action, SetUpState},
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

    fn fetch() -> Action {
        Action::FetchPackages {
            manager: PackageManager::Apt,
            packages: vec!["p".to_owned()],
        }
    }

    fn remove() -> Action {
        Action::RemovePackages {
            manager: PackageManager::Apt,
            product: "kesl".into(),
            packages: vec!["p".to_owned()],
        }
    }

    fn install() -> Action {
        Action::InstallPackages {
            manager: PackageManager::Apt,
            product: "clamav".into(),
            packages: vec!["p".to_owned()],
        }
    }

    fn install_files() -> Action {
        Action::InstallArtifact {
            manager: PackageManager::Apt,
            product: "clamav".into(),
            artifacts: vec![artifact()],
        }
    }

    fn write() -> Action {
        Action::WriteConfig {
            product: "clamav-daemon".into(),
            path: "/etc/clamav/freshclam.conf".into(),
            contents: String::new(),
            mode: 0o444,
        }
    }

    fn enable() -> Action {
        Action::EnableService {
            product: "clamav-daemon".into(),
            services: vec!["clamav-daemon.service".into()],
        }
    }

    fn test() -> Action {
        Action::DetectionTest {
            product: "clamav".into(),
        }
    }

    fn sweep() -> Action {
        Action::Sweep {
            product: "kesl".into(),
            paths: Vec::new(),
        }
    }

    fn order<const N: usize>(steps: [(Action, bool); N]) -> WorkOrder {
        let step = |(action, safe_point_after)| Step {
            action,
            time_limit: Duration::from_secs(60),
            safe_point_after,
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
            steps: steps.into_iter().map(step).collect(),
            secrets: Vec::new(),
            catalog_revision: 1,
        }
    }

    #[test]
    fn removal_first_has_no_safe_point_until_protection() {
        // An order that wrongly marks the point after removal as safe.
        let order = order([
            (fetch(), true),
            (remove(), true),
            (install(), true),
            (test(), false),
            (sweep(), false),
        ]);
        let safe: Vec<bool> = (0..5).map(|step| is_before(&order, step)).collect();
        assert_eq!(safe, [true, true, false, true, false]);
        let past: Vec<bool> = (0..5).map(|step| is_past_last(&order, step)).collect();
        assert_eq!(past, [false, false, false, false, true]);
    }

    #[test]
    fn a_service_that_is_not_up_yet_is_no_protection_to_stop_at() {
        let order = order([
            (remove(), true),
            (install(), true),
            (write(), true),
            (enable(), true),
            (test(), true),
        ]);
        let safe: Vec<bool> = (0..5).map(|step| is_before(&order, step)).collect();
        assert_eq!(safe, [true, false, false, false, true]);
    }

    #[test]
    fn a_product_that_stands_back_is_no_protection_to_stop_at() {
        let to = |state| Action::SetUp {
            product: "defender-endpoint".into(),
            state,
            tenant: None,
        };
        let order = order([
            (install(), true),
            (to(SetUpState::StandingBack), true),
            (to(SetUpState::Onboarded), true),
            (remove(), true),
            (to(SetUpState::Active), true),
            (sweep(), true),
        ]);
        let safe: Vec<bool> = (0..6).map(|step| is_before(&order, step)).collect();
        assert_eq!(safe, [true, true, true, true, false, true]);
    }

    #[test]
    fn a_replacement_from_artifacts_protects_as_one_from_packages_does() {
        let order = order([
            (Action::FetchArtifact { artifact: artifact() }, true),
            (remove(), true),
            (install_files(), true),
            (sweep(), false),
        ]);
        let safe: Vec<bool> = (0..4).map(|step| is_before(&order, step)).collect();
        assert_eq!(safe, [true, true, false, true]);
    }

    #[test]
    fn make_before_break_may_stop_on_either_side_of_the_removal() {
        let order = order([(fetch(), true), (install(), true), (remove(), true), (sweep(), false)]);
        assert!((0..4).all(|step| is_before(&order, step)));
    }
}
