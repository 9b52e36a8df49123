//! How a machine carries an order out, and what becomes of it on the way.

use anyhow::Result;
use cutover_proto::{
    inventory::DiskEncryption,
    record::{FailureCause, RecordEvent},
    step::{Action, Replay, Step, StepKind},
};

use crate::{
    calendar::{MINUTE, SECOND},
    habit::Habit,
    journal::Open,
    machine::Machine,
    truth::Replacement,
};

/// The first step that takes something away needs an answer of the server younger than this.
const ANSWER_AGE_MAX: i64 = 2 * MINUTE;
/// And waits for one at most this long.
const ANSWER_WAIT: i64 = 15 * MINUTE;

/// What a machine does beside its steps.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Then {
    Nothing,
    /// It goes down, to come up again after so long.
    Restarts(i64),
}

impl Machine {
    /// Goes on with the order that is open, as far as it comes now.
    pub(crate) fn work(&mut self, now_ms: i64) -> Result<Then> {
        if self.hard_reboot_ms.is_some_and(|at| at <= now_ms) {
            self.hard_reboot_ms = None;
            return Ok(Then::Restarts(self.dice.between(MINUTE, 5 * MINUTE)));
        }
        while let Some(open) = self.journal.open.clone() {
            if self.busy_until_ms.is_some_and(|until| now_ms < until) {
                return Ok(Then::Nothing);
            }
            let Some(step) = open.order.steps.get(open.step).cloned() else {
                self.write(&open.order, RecordEvent::OrderCompleted, 0, None, now_ms)?;
                self.order_ended(now_ms)?;
                return Ok(Then::Nothing);
            };
            let then = match &open.begun_in {
                None => self.begin(&open, &step, now_ms)?,
                Some(boot_id) if self.taken_up || *boot_id != self.boot_id() => self.take_up(&open, &step, now_ms)?,
                Some(_) => self.end(&open, &step, now_ms)?,
            };
            if then != Then::Nothing {
                return Ok(then);
            }
        }
        Ok(Then::Nothing)
    }

    fn begin(&mut self, open: &Open, step: &Step, now_ms: i64) -> Result<Then> {
        let is_safe = open.step == 0
            || open
                .order
                .steps
                .get(open.step - 1)
                .is_some_and(|before| before.safe_point_after);
        if is_safe && (self.cancelled == Some(open.order.number) || self.hold.is_some()) {
            self.write(&open.order, RecordEvent::OrderCancelled, open.step, None, now_ms)?;
            self.order_ended(now_ms)?;
            return Ok(Then::Nothing);
        }
        let kind = step.action.kind();
        let is_first = open
            .order
            .steps
            .iter()
            .position(|step| step.action.kind().is_destructive())
            == Some(open.step);
        if is_first && !open.order.offline && self.last_answer_ms.is_none_or(|at| now_ms - at >= ANSWER_AGE_MAX) {
            let since_ms = *self.waits_since_ms.get_or_insert(now_ms);
            if now_ms - since_ms >= ANSWER_WAIT {
                self.fail(open, FailureCause::TooLongAway, now_ms)?;
            } else {
                self.busy_until_ms = Some(now_ms + 30 * SECOND);
            }
            return Ok(Then::Nothing);
        }
        self.waits_since_ms = None;
        self.write(&open.order, RecordEvent::StepBegun, open.step, None, now_ms)?;
        let takes_ms = self.dice.between(self.traits.step_ms.0, self.traits.step_ms.1);
        let mut begun = open.clone();
        begun.begun_in = Some(self.boot_id());
        if let Action::Restart { notice, defer, .. } = &step.action {
            let notice_ms = i64::try_from(notice.as_millis()).unwrap_or(i64::MAX);
            let defer_ms = i64::try_from(defer.as_millis()).unwrap_or(i64::MAX);
            let mut at_ms = now_ms + notice_ms.max(SECOND);
            self.write_until(open, RecordEvent::RestartNoticed, at_ms, now_ms)?;
            if self.traits.user_defers && defer_ms > notice_ms {
                at_ms = now_ms + defer_ms;
                self.write_until(open, RecordEvent::RestartDeferred, at_ms, now_ms)?;
            }
            begun.restart_ms = Some(at_ms);
            self.busy_until_ms = Some(at_ms);
        } else {
            self.busy_until_ms = Some(now_ms + takes_ms);
            let interrupts = self.traits.habit == Habit::Interrupted && self.failed == 0;
            if interrupts && (kind == StepKind::RemovePackages || kind == StepKind::DetectionTest) {
                self.failed += 1;
                self.hard_reboot_ms = Some(now_ms + takes_ms / 2);
            }
        }
        self.journal.open = Some(begun);
        Ok(Then::Nothing)
    }

    fn write_until(&mut self, open: &Open, event: RecordEvent, at_ms: i64, now_ms: i64) -> Result<()> {
        let until_ms = at_ms - now_ms + self.trusted_ms(now_ms);
        let mut record = crate::journal::record(
            &open.order,
            event,
            open.step,
            None,
            self.trusted_ms(now_ms),
            &self.boot_id(),
        );
        record.until_ms = Some(until_ms);
        self.journal.write(record, &self.keys.signing)
    }

    /// A step that an earlier process, or kernel session, began.
    fn take_up(&mut self, open: &Open, step: &Step, now_ms: i64) -> Result<Then> {
        self.taken_up = false;
        let kind = step.action.kind();
        if kind == StepKind::Restart {
            if open.begun_in.as_deref() == Some(self.boot_id().as_str()) {
                self.busy_until_ms = open.restart_ms;
                return Ok(Then::Nothing);
            }
            return self.done(open, RecordEvent::StepDone, now_ms);
        }
        match kind.replay() {
            Replay::Once => {
                let cause = Some(FailureCause::Interrupted);
                self.write(&open.order, RecordEvent::StepInterrupted, open.step, cause, now_ms)?;
                self.write(&open.order, RecordEvent::OrderFailed, open.step, cause, now_ms)?;
                self.order_ended(now_ms)?;
                Ok(Then::Nothing)
            }
            Replay::Probe if self.is_reached(&step.action) => self.done(open, RecordEvent::StepFoundDone, now_ms),
            Replay::Probe | Replay::Repeat => {
                let mut again = open.clone();
                again.begun_in = Some(self.boot_id());
                self.journal.open = Some(again);
                self.busy_until_ms = Some(now_ms + self.dice.between(self.traits.step_ms.0, self.traits.step_ms.1));
                Ok(Then::Nothing)
            }
        }
    }

    fn end(&mut self, open: &Open, step: &Step, now_ms: i64) -> Result<Then> {
        if step.action.kind() == StepKind::Restart {
            return Ok(Then::Restarts(self.traits.return_ms));
        }
        match self.perform(&step.action) {
            Ok(()) => self.done(open, RecordEvent::StepDone, now_ms),
            Err(cause) => {
                self.fail(open, cause, now_ms)?;
                Ok(Then::Nothing)
            }
        }
    }

    fn done(&mut self, open: &Open, event: RecordEvent, now_ms: i64) -> Result<Then> {
        self.write(&open.order, event, open.step, None, now_ms)?;
        self.journal.open = Some(Open {
            step: open.step + 1,
            begun_in: None,
            restart_ms: None,
            ..open.clone()
        });
        self.busy_until_ms = None;
        Ok(Then::Nothing)
    }

    fn fail(&mut self, open: &Open, cause: FailureCause, now_ms: i64) -> Result<()> {
        self.write(&open.order, RecordEvent::StepFailed, open.step, Some(cause), now_ms)?;
        self.write(&open.order, RecordEvent::OrderFailed, open.step, Some(cause), now_ms)?;
        self.order_ended(now_ms)
    }

    fn is_reached(&self, action: &Action) -> bool {
        if let Action::RemovePackages { product, .. } = action {
            return !self.truth.targets.contains(product.as_str());
        }
        // The others that a look decides about install.
        self.truth.replacement != Replacement::Absent
    }

    fn perform(&mut self, action: &Action) -> Result<(), FailureCause> {
        self.watch_over(action);
        if let Some(failing) = self.traits.failing.filter(|failing| failing.step == action.kind())
            && self.failed < failing.times
        {
            self.failed += 1;
            return Err(failing.cause);
        }
        let kind = action.kind();
        if kind == StepKind::FetchPackages {
            self.truth.fetched = true;
        } else if matches!(kind, StepKind::InstallPackages | StepKind::InstallArtifact) {
            self.truth.replacement = Replacement::Healthy;
        } else if kind == StepKind::DetectionTest && self.truth.replacement != Replacement::Healthy {
            return Err(FailureCause::NotDetected);
        }
        if let Action::RemovePackages { product, .. } = action
            && self.traits.habit != Habit::Liar
        {
            self.truth.targets.remove(product.as_str());
        }
        Ok(())
    }

    /// What no order may bring a machine to do.
    fn watch_over(&mut self, action: &Action) {
        let name = self.truth.hostname.clone();
        let is_locked = self.hides_encryption
            || matches!(
                self.truth.encryption,
                DiskEncryption::ByTarget | DiskEncryption::Unknown
            );
        let kind = action.kind();
        let changes = kind.is_destructive() || matches!(kind, StepKind::InstallPackages | StepKind::InstallArtifact);
        if is_locked && changes && kind != StepKind::Restart {
            let what = format!(
                "{name} is asked to {} while its disks are, or may be, encrypted",
                action.describe()
            );
            self.broken.push(("encrypted-untouched", what));
        }
        if let Action::RemovePackages { .. } = action {
            let is_at_hand = self.truth.fetched || self.truth.replacement != Replacement::Absent;
            if !is_at_hand {
                let what = format!(
                    "{name} is asked to {} before its replacement was fetched",
                    action.describe()
                );
                self.broken.push(("fetched-before-removal", what));
            }
        }
    }
}
