//! How far an order is, read from its entries alone.

use cutover_proto::{
    order::WorkOrder,
    record::{FailureCause, RecordEvent, StepRecord},
};

use crate::host::hands::ProcessMark;

/// The open order and what its entries say.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Progress {
    /// The order itself.
    pub order: WorkOrder,
    accepted: bool,
    steps: Vec<State>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum State {
    Waiting,
    Begun(Begun),
    Done,
    Failed(FailureCause, String),
}

/// A step that was begun and of which nothing more is known.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Begun {
    /// When it was first begun.
    pub at_ms: i64,
    /// The kernel session in which it was begun last.
    pub boot_id: String,
    /// The newest tool that it started.
    pub process: Option<ProcessMark>,
    /// How often it was begun.
    pub times: u32,
    /// A restart: when it is to come, as it was told last.
    pub comes_ms: Option<i64>,
    /// A restart: when the user put it off to.
    pub deferred_ms: Option<i64>,
    /// A restart: that it was asked for.
    pub asked: Option<Asked>,
}

/// A restart that was asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Asked {
    /// By trusted time.
    pub at_ms: i64,
    /// How long the kernel session had lasted.
    pub session_seconds: Option<u64>,
}

/// What an order needs next.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Next {
    /// Its acceptance is not on record yet.
    Accept,
    /// Begin this step.
    Begin(usize),
    /// This step was begun by an agent that ended.
    TakeUp(usize, Begun),
    /// A step failed, and the order's failure is not on record yet.
    Fail(usize, FailureCause, String),
    /// Every step is done.
    Complete,
}

impl Progress {
    pub(super) fn new(order: WorkOrder) -> Self {
        Self {
            steps: vec![State::Waiting; order.steps.len()],
            order,
            accepted: false,
        }
    }

    pub(super) fn record(&mut self, record: &StepRecord) {
        let event = record.event;
        let state = usize::try_from(record.step)
            .ok()
            .and_then(|step| self.steps.get_mut(step));
        match (event, state) {
            (RecordEvent::OrderAccepted, _) => self.accepted = true,
            (RecordEvent::StepBegun, Some(state)) => {
                let (at_ms, times) = match state {
                    State::Begun(before) => (before.at_ms, before.times),
                    State::Waiting | State::Done | State::Failed(..) => (record.at_ms, 0),
                };
                *state = State::Begun(Begun {
                    at_ms,
                    boot_id: record.boot_id.clone(),
                    process: None,
                    times: times + 1,
                    comes_ms: None,
                    deferred_ms: None,
                    asked: None,
                });
            }
            (RecordEvent::StepDone | RecordEvent::StepFoundDone, Some(state)) => {
                *state = State::Done;
            }
            (RecordEvent::StepFailed | RecordEvent::StepInterrupted, Some(state)) => {
                let cause = record.cause.unwrap_or(FailureCause::Interrupted);
                *state = State::Failed(cause, record.detail.clone());
            }
            (RecordEvent::RestartNoticed, Some(State::Begun(begun))) => begun.comes_ms = record.until_ms,
            (RecordEvent::RestartDeferred, Some(State::Begun(begun))) => {
                begun.comes_ms = record.until_ms;
                begun.deferred_ms = record.until_ms;
            }
            // Of a step that is not at hand: written by nobody, and nothing follows from it.
            (RecordEvent::RestartNoticed | RecordEvent::RestartDeferred, _) => {}
            // An end closes the order as a whole, which is not for its progress to tell.
            (
                RecordEvent::OrderRefused
                | RecordEvent::OrderCompleted
                | RecordEvent::OrderFailed
                | RecordEvent::OrderCancelled,
                _,
            ) => {}
            // A step that the order does not have: written by nobody, and nothing follows from it.
            (
                RecordEvent::StepBegun
                | RecordEvent::StepDone
                | RecordEvent::StepFoundDone
                | RecordEvent::StepFailed
                | RecordEvent::StepInterrupted,
                None,
            ) => {}
        }
    }

    pub(super) fn process(&mut self, step: u32, mark: &ProcessMark) {
        let state = usize::try_from(step).ok().and_then(|step| self.steps.get_mut(step));
        if let Some(State::Begun(begun)) = state {
            begun.process = Some(mark.clone());
        }
    }

    pub(super) fn restart_asked(&mut self, step: u32, asked: Asked) {
        let state = usize::try_from(step).ok().and_then(|step| self.steps.get_mut(step));
        if let Some(State::Begun(begun)) = state {
            begun.asked = Some(asked);
        }
    }

    /// The step that was begun and has not ended, with its index.
    pub(crate) fn begun(&self) -> Option<(usize, &Begun)> {
        self.steps.iter().enumerate().find_map(|(index, state)| match state {
            State::Begun(begun) => Some((index, begun)),
            State::Waiting | State::Done | State::Failed(..) => None,
        })
    }

    /// What it needs next.
    pub(crate) fn next(&self) -> Next {
        if !self.accepted {
            return Next::Accept;
        }
        for (index, state) in self.steps.iter().enumerate() {
            match state {
                State::Done => {}
                State::Waiting => return Next::Begin(index),
                State::Begun(begun) => return Next::TakeUp(index, begun.clone()),
                State::Failed(cause, why) => return Next::Fail(index, *cause, why.clone()),
            }
        }
        Next::Complete
    }

    /// The step at hand; the number of steps when all are done.
    pub(crate) fn at_hand(&self) -> usize {
        let done = |state: &State| matches!(state, State::Done);
        self.steps
            .iter()
            .position(|state| !done(state))
            .unwrap_or(self.steps.len())
    }

    /// Whether a destructive step was ever begun.
    pub(crate) fn has_destroyed(&self) -> bool {
        self.order
            .steps
            .iter()
            .zip(&self.steps)
            .any(|(step, state)| step.action.kind().is_destructive() && matches!(state, State::Begun(_) | State::Done))
    }
}
