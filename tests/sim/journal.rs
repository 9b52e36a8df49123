//! A host's journal: what it has on disk of its orders. Records are numbered and signed; marks say what is durable at the
//! server.

use std::collections::{BTreeMap, BTreeSet};

use anyhow::Result;
use cutover_agent::session::JournalSays;
use cutover_proto::{
    envelope::{self, Context, SigningKey},
    order::WorkOrder,
    record::{FailureCause, RecordEvent, StepRecord},
    v1::{self, JournalState},
};

/// An order that is at work.
#[derive(Debug, Clone)]
pub(crate) struct Open {
    pub(crate) order: WorkOrder,
    /// The step at hand.
    pub(crate) step: usize,
    /// The kernel session in which it was begun; `None` before.
    pub(crate) begun_in: Option<String>,
    /// When its restart is to come.
    pub(crate) restart_ms: Option<i64>,
}

/// What a host keeps.
#[derive(Debug, Clone)]
pub(crate) struct Journal {
    pub(crate) state: JournalState,
    pub(crate) highest_begun: u64,
    pub(crate) open: Option<Open>,
    pub(crate) epoch: String,
    records: Vec<(u64, u32, v1::Envelope)>,
    last: BTreeMap<u64, u32>,
    marks: BTreeMap<u64, u32>,
    /// Orders of which it wrote down that they failed.
    pub(crate) failures: BTreeSet<u64>,
}

impl Journal {
    pub(crate) fn new() -> Self {
        Self {
            state: JournalState::Sound,
            highest_begun: 0,
            open: None,
            epoch: String::new(),
            records: Vec::new(),
            last: BTreeMap::new(),
            marks: BTreeMap::new(),
            failures: BTreeSet::new(),
        }
    }

    /// For a check-in.
    pub(crate) fn says(&self) -> JournalSays {
        let is_sound = self.state == JournalState::Sound;
        let running = self.open.as_ref().filter(|_| is_sound).map(|open| v1::RunningOrder {
            order_number: open.order.number,
            step: u32::try_from(open.step).unwrap_or(u32::MAX),
            past_last_safe_point: false,
        });
        let mark = |order: &u64| self.marks.get(order).copied().unwrap_or(0);
        let waiting = self
            .records
            .iter()
            .filter(|(order, sequence, _)| *sequence > mark(order));
        JournalSays {
            state: self.state.into(),
            running,
            highest_begun: self.highest_begun,
            pending: waiting.map(|(_, _, envelope)| envelope.clone()).collect(),
        }
    }

    /// Writes a record.
    pub(crate) fn write(&mut self, mut record: StepRecord, key: &SigningKey) -> Result<()> {
        let last = self.last.entry(record.order_number).or_insert(0);
        *last += 1;
        record.sequence = *last;
        match record.event {
            RecordEvent::OrderFailed
            | RecordEvent::OrderRefused
            | RecordEvent::StepFailed
            | RecordEvent::StepInterrupted => {
                self.failures.insert(record.order_number);
            }
            RecordEvent::OrderAccepted
            | RecordEvent::StepBegun
            | RecordEvent::StepDone
            | RecordEvent::StepFoundDone
            | RecordEvent::OrderCompleted
            | RecordEvent::OrderCancelled
            | RecordEvent::RestartNoticed
            | RecordEvent::RestartDeferred => {}
        }
        let (order, sequence) = (record.order_number, record.sequence);
        let signed = envelope::seal_message(Context::StepRecord, &v1::StepRecord::from(record), key)?;
        self.records.push((order, sequence, signed));
        Ok(())
    }

    /// The server's marks. One above all that is known here: this disk is older than what the server has.
    pub(crate) fn take_marks(&mut self, epoch: &str, durable: &[v1::OrderMark]) {
        epoch.clone_into(&mut self.epoch);
        for mark in durable {
            let own = self.last.get(&mark.order_number).copied().unwrap_or(0);
            if mark.sequence > own && self.state == JournalState::Sound {
                self.state = JournalState::Restored;
            }
            let known = self.marks.entry(mark.order_number).or_insert(0);
            *known = (*known).max(mark.sequence);
        }
    }

    /// Begins anew in place of one that cannot be trusted: nothing at or below what the server knows is begun again.
    pub(crate) fn settle(&mut self) {
        if self.state == JournalState::Sound {
            return;
        }
        let heard = self.marks.keys().copied().max().unwrap_or(0);
        let open = self.open.take().map_or(0, |open| open.order.number);
        self.highest_begun = self.highest_begun.max(heard).max(open);
        for (order, mark) in &self.marks {
            let last = self.last.entry(*order).or_insert(0);
            *last = (*last).max(*mark);
        }
        self.records.clear();
        self.state = JournalState::Sound;
    }

    /// Its file is gone.
    pub(crate) fn lose(&mut self) {
        let failures = std::mem::take(&mut self.failures);
        *self = Self {
            state: JournalState::Lost,
            failures,
            ..Self::new()
        };
    }

    /// Of these records, how far the server said that it has them.
    pub(crate) fn marks(&self) -> &BTreeMap<u64, u32> {
        &self.marks
    }
}

/// A record before it is numbered.
pub(crate) fn record(
    order: &WorkOrder,
    event: RecordEvent,
    step: usize,
    cause: Option<FailureCause>,
    at_ms: i64,
    boot_id: &str,
) -> StepRecord {
    StepRecord {
        host_id: order.host_id,
        order_number: order.number,
        sequence: 0,
        event,
        step: u32::try_from(step).unwrap_or(u32::MAX),
        at_ms,
        boot_id: boot_id.to_owned(),
        cause,
        detail: cause.map(|cause| format!("simulated: {cause}")).unwrap_or_default(),
        exit_code: None,
        log_tail: String::new(),
        until_ms: None,
    }
}
