//! Removes what asks for a secret: one try after the other, each told to the installer once at the most.

use std::{collections::BTreeSet, time::Duration};

use cutover_proto::{
    inventory::PackageManager,
    record::{FailureCause, RecordEvent},
    step::{Action, Step},
};

use super::{Executor, judge::Aim, perform::judged, records::Entry};
use crate::host::hands::{HandsError, Run, ToolRun};

/// Windows Installer's word for any action of a package that fails, one that found a wrong password among them
/// (`ERROR_INSTALL_FAILURE`). After no other is the next one tried.
const FAILED: i32 = 1603;
/// Another installation is at work (`ERROR_INSTALL_ALREADY_RUNNING`): nothing was begun.
const BUSY: i32 = 1618;
/// A try is noted beside the steps that must not run twice, under a number that no step has.
const PER_STEP: usize = 1_000_000;

impl Executor {
    /// What was tried is noted before it is: an agent that ends in between does not try it again, since a wrong password too many
    /// could lock the product.
    pub(super) fn remove_by_secrets(
        &mut self,
        manager: PackageManager,
        packages: &[String],
        (order, index): (u64, usize),
        step: &Step,
        tries: &BTreeSet<u32>,
        run: &mut Run<'_>,
    ) -> Entry {
        let Action::RemovePackages { product, .. } = &step.action else {
            return Entry::failed(
                RecordEvent::StepFailed,
                FailureCause::Unsupported,
                "nothing is removed here",
            );
        };
        let since_ms = self.parts.clock.ticks_ms();
        let mut ended: Option<Result<ToolRun, HandsError>> = None;
        for attempt in tries {
            let place = usize::try_from(*attempt).unwrap_or(usize::MAX).saturating_add(1);
            let place = place.saturating_mul(PER_STEP).saturating_add(index);
            let spent = Duration::from_millis(self.parts.clock.ticks_ms().saturating_sub(since_ms));
            if self.journal().acted_once(order, place) || spent >= step.time_limit {
                continue;
            }
            if let Err(error) = self.journal().note_once(order, place) {
                let why = format!("it could not be noted that a secret is tried, so it was not: {error}");
                return Entry::failed(RecordEvent::StepFailed, FailureCause::ToolFailed, &why);
            }
            run.time_limit = step.time_limit.saturating_sub(spent);
            run.said = self.secrets.said(product, *attempt);
            let ran = self.parts.hands.remove_packages(manager, packages, run);
            run.said.clear();
            let code = ran.as_ref().ok().and_then(|ran| ran.exit_code);
            // A later one that did not begin takes nothing back of what the one before found.
            if ended.is_none() || (ran.is_ok() && code != Some(BUSY)) {
                ended = Some(ran);
            }
            if code != Some(FAILED) || !matches!(self.aim(&step.action), Aim::Missed(_)) {
                break;
            }
        }
        match ended {
            Some(ran) => {
                let aim = self.aim(&step.action);
                judged(ran, aim, true)
            }
            None => Entry::failed(
                RecordEvent::StepFailed,
                FailureCause::ToolFailed,
                "each secret that the order brought was tried before the agent ended, and none is tried twice",
            ),
        }
    }
}
