//! Writes records: numbered, signed once, into the journal, then told to the session.

use cutover_proto::{
    envelope::{self, Context},
    ids::HostId,
    order::WorkOrder,
    record::{FailureCause, RecordEvent, StepRecord},
    v1,
};

use super::{ExecuteError, Executor};
use crate::act::identity::Identity;

/// The longest detail that a record carries, in characters.
const DETAIL_MAX: usize = 1000;

/// What a record says, before it has a number.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Entry {
    pub event: RecordEvent,
    pub step: usize,
    pub cause: Option<FailureCause>,
    pub detail: String,
    pub exit_code: Option<i32>,
    /// Not yet scrubbed.
    pub log: String,
    /// When a restart is to come.
    pub until_ms: Option<i64>,
}

impl Entry {
    pub(super) fn of(event: RecordEvent) -> Self {
        Self {
            event,
            step: 0,
            cause: None,
            detail: String::new(),
            exit_code: None,
            log: String::new(),
            until_ms: None,
        }
    }

    pub(super) fn failed(event: RecordEvent, cause: FailureCause, why: &str) -> Self {
        Self {
            cause: Some(cause),
            detail: why.to_owned(),
            ..Self::of(event)
        }
    }

    pub(super) fn about(self, step: usize) -> Self {
        Self { step, ..self }
    }

    pub(super) fn into_record(
        self,
        host_id: HostId,
        order_number: u64,
        sequence: u32,
        at_ms: i64,
        boot_id: String,
    ) -> StepRecord {
        StepRecord {
            host_id,
            order_number,
            sequence,
            event: self.event,
            step: u32::try_from(self.step).unwrap_or(u32::MAX),
            at_ms,
            boot_id,
            cause: self.cause,
            detail: self.detail.chars().take(DETAIL_MAX).collect(),
            exit_code: self.exit_code,
            log_tail: self.log,
            until_ms: self.until_ms,
        }
    }
}

/// Signs a record, once.
pub(super) fn signed(record: StepRecord, identity: &Identity) -> Result<(StepRecord, v1::Envelope), ExecuteError> {
    let message = v1::StepRecord::from(record.clone());
    let envelope = envelope::seal_message(Context::StepRecord, &message, &identity.signing)?;
    Ok((record, envelope))
}

/// What names the tools of a step, and their log.
pub(super) fn label(order: u64, step: usize) -> String {
    format!("{}step-{step}", label_of_all(order))
}

/// What the labels of all steps of an order begin with.
fn label_of_all(order: u64) -> String {
    format!("order-{order}-")
}

impl Executor {
    /// Takes an order's secrets out of the kept logs of tools, in which they printed what they liked. Where the secrets are
    /// not known, nothing of that order's logs is kept.
    pub(super) fn scrub_logs(&mut self, order: &WorkOrder) {
        let secrets = &self.secrets;
        if secrets.is_empty() {
            return;
        }
        // Questions to package managers have logs of their own.
        let prefix = if secrets.are_known() {
            String::new()
        } else {
            label_of_all(order.number)
        };
        if let Err(error) = self.parts.hands.scrub_logs(&prefix, &|log| secrets.whole(log)) {
            tracing::error!(%error, "a tool's log may hold a secret of its order; delete it");
        }
    }

    /// The end of what a step's tools printed, also those that an earlier agent started; not yet scrubbed.
    pub(super) fn kept_output(&mut self, order: &WorkOrder, step: usize) -> String {
        let kept = self.parts.hands.kept_output(&label(order.number, step));
        kept.unwrap_or_else(|error| {
            tracing::warn!(%error, "a tool's log is left out of the record");
            String::new()
        })
    }

    /// Writes a record of an order. On return it is durable.
    pub(super) fn write(&mut self, order: &WorkOrder, entry: Entry) -> Result<(), ExecuteError> {
        self.write_of(order.number, entry)
    }

    pub(super) fn write_of(&mut self, number: u64, entry: Entry) -> Result<(), ExecuteError> {
        let entry = Entry {
            detail: self.secrets.blank(&entry.detail),
            log: self.secrets.tail(&entry.log),
            ..entry
        };
        tracing::info!(
            order = number,
            event = %entry.event,
            step = entry.step,
            cause = entry.cause.map(FailureCause::as_str),
            detail = entry.detail,
            "recorded"
        );
        let boot_id = self.boot_id();
        let at_ms = self.parts.clock.now_ms();
        let host_id = self.parts.identity.host_id;
        {
            let mut journal = self.journal();
            let sequence = journal.next_sequence(number);
            let record = entry.into_record(host_id, number, sequence, at_ms, boot_id);
            let (record, envelope) = signed(record, &self.parts.identity)?;
            journal.record(record, envelope)?;
        }
        (self.parts.on_record)();
        Ok(())
    }
}
