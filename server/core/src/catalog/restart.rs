//! Where a restart stands among the steps of an order.

use cutover_proto::{
    ids::ProductId,
    step::{Action, Purpose, Step},
};

use super::Means;

/// The steps of an order with one restart in them: after everything that removes, installs or proves, so that the machine
/// is protected when it goes down and cancel may act until then; before the sweep, which then finds no file in use.
///
/// Where the replacement is shown a test file, one follows the restart too: what was proven before it must also hold in the new
/// kernel session.
#[must_use]
pub fn with_restart(mut steps: Vec<Step>, restart: Step, replacement: &ProductId, means: &Means<'_>) -> Vec<Step> {
    let at = steps
        .iter()
        .position(|step| matches!(step.action.purpose(), Purpose::Sweep(_)))
        .unwrap_or(steps.len());
    let test = means
        .catalog
        .installation(replacement)
        .filter(|install| install.detection_test && means.shows_test)
        .map(|install| Step {
            action: Action::DetectionTest {
                product: replacement.clone(),
            },
            time_limit: install.test_time_limit,
            safe_point_after: true,
        });
    steps.splice(at..at, std::iter::once(restart).chain(test));
    steps
}
