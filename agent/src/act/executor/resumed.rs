//! Takes up a step that an agent began and did not end.

use cutover_proto::{
    order::WorkOrder,
    record::{FailureCause, RecordEvent},
    step::{Purpose, Replay, StepKind},
};

use super::{ExecuteError, Executor, judge::Aim, records::Entry};
use crate::act::journal::Begun;

/// A step that ended the agent this often will do so again.
const BEGUN_MAX: u32 = 5;

impl Executor {
    /// Gives the reason when the order is to end here instead, at a safe point.
    pub(super) fn take_up(
        &mut self,
        order: &WorkOrder,
        index: usize,
        begun: &Begun,
    ) -> Result<Option<String>, ExecuteError> {
        let step = &order.steps[index];
        let kind = step.action.kind();
        tracing::info!(
            order = order.number,
            step = index,
            times = begun.times,
            "taking up a begun step"
        );
        if kind == StepKind::Restart {
            return self.go_on_with_restart(order, index, begun);
        }
        let left = self.time_left(step, begun);
        let ended = begun
            .process
            .as_ref()
            .is_some_and(|mark| self.wait_for_orphan(mark, left));
        self.scrub_logs(order);
        let entry = match kind.replay() {
            Replay::Once => interrupted("the agent was ended in the middle of a step that must not run twice"),
            Replay::Probe => match self.aim(&step.action) {
                Aim::Reached => Entry::of(RecordEvent::StepFoundDone),
                Aim::CannotTell(why) if matches!(step.action.purpose(), Purpose::Remove(_)) => Entry::failed(
                    RecordEvent::StepFailed,
                    FailureCause::StillThere,
                    &format!("the look could not tell how far it came: {why}"),
                ),
                Aim::Missed(_) if ended => Entry::failed(
                    RecordEvent::StepFailed,
                    FailureCause::TimeLimit,
                    "its tool ran longer than the step allows and was ended",
                ),
                Aim::Missed(_) | Aim::CannotTell(_) => return self.again(order, index, begun),
            },
            Replay::Repeat => return self.again(order, index, begun),
        };
        let entry = Entry {
            log: self.kept_output(order, index),
            ..entry
        };
        self.parts.looker.look();
        self.write(order, entry.about(index))?;
        Ok(None)
    }

    fn again(&mut self, order: &WorkOrder, index: usize, begun: &Begun) -> Result<Option<String>, ExecuteError> {
        if begun.times < BEGUN_MAX {
            return self.carry_out(order, index);
        }
        let why = format!("it was begun {} times, and the agent ended each time", begun.times);
        let entry = Entry::failed(RecordEvent::StepFailed, FailureCause::Interrupted, &why);
        self.write(order, entry.about(index))?;
        Ok(None)
    }
}

pub(super) fn interrupted(why: &str) -> Entry {
    Entry::failed(RecordEvent::StepInterrupted, FailureCause::Interrupted, why)
}
