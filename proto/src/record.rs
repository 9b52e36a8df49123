//! What an agent says it did: one record per event of an order, numbered without gaps, signed.

use serde::{Deserialize, Serialize};

use crate::{WireError, ids::HostId, spelling::on_wire, v1, words};

words! {
    /// What a record is about.
    pub enum RecordEvent("record event") {
        /// The order was checked and taken on.
        OrderAccepted = "order-accepted",
        /// Refused before its first step; nothing was changed.
        OrderRefused = "order-refused",
        /// About to run.
        StepBegun = "step-begun",
        /// Ran, and the look after it agrees.
        StepDone = "step-done",
        /// There was nothing left to do.
        StepFoundDone = "step-found-done",
        /// Ran, and did not succeed.
        StepFailed = "step-failed",
        /// Ended in the middle of a step that must not run twice.
        StepInterrupted = "step-interrupted",
        /// Every step is done.
        OrderCompleted = "order-completed",
        /// A step failed; the order is over.
        OrderFailed = "order-failed",
        /// Ended at a safe point because of a cancel or a hold.
        OrderCancelled = "order-cancelled",
        /// A restart is due, and whoever is logged in is being told.
        RestartNoticed = "restart-noticed",
        /// The user put the restart off; who it was is not told.
        RestartDeferred = "restart-deferred",
    }
}
on_wire!(
    RecordEvent,
    "record.event",
    v1::RecordEvent {
        OrderAccepted,
        OrderRefused,
        StepBegun,
        StepDone,
        StepFoundDone,
        StepFailed,
        StepInterrupted,
        OrderCompleted,
        OrderFailed,
        OrderCancelled,
        RestartNoticed,
        RestartDeferred,
    }
);

impl RecordEvent {
    /// Whether nothing follows it in its order.
    #[must_use]
    pub const fn ends_order(self) -> bool {
        match self {
            Self::OrderRefused | Self::OrderCompleted | Self::OrderFailed | Self::OrderCancelled => true,
            Self::OrderAccepted
            | Self::StepBegun
            | Self::StepDone
            | Self::StepFoundDone
            | Self::StepFailed
            | Self::StepInterrupted
            | Self::RestartNoticed
            | Self::RestartDeferred => false,
        }
    }
}

words! {
    /// Why something did not go well; each has a treatment of its own.
    pub enum FailureCause("failure cause") {
        /// The order is not signed by a key that this host trusts.
        BadSignature = "bad-signature",
        /// It names another host.
        OtherHost = "other-host",
        /// Too late to begin.
        Expired = "expired",
        /// Its number is not above the highest begun.
        Replayed = "replayed",
        /// It holds a step that this agent does not know.
        UnknownStep = "unknown-step",
        /// It would remove what this host's own look did not attribute to the product.
        NotAttributed = "not-attributed",
        /// The last check-in is too long ago for a destructive step.
        TooLongAway = "too-long-away",
        /// Another installer holds the lock.
        Locked = "locked",
        /// A download did not come through.
        Network = "network",
        /// No room.
        DiskFull = "disk-full",
        /// It took longer than the step allows.
        TimeLimit = "time-limit",
        /// The tool says that it failed; its log is kept.
        ToolFailed = "tool-failed",
        /// The tool said success, and the look after it did not agree.
        StillThere = "still-there",
        /// The replacement did not name the test file.
        NotDetected = "not-detected",
        /// The agent ended in the middle.
        Interrupted = "interrupted",
        /// The journal cannot be trusted.
        Journal = "journal",
        /// It may not begin yet.
        NotYet = "not-yet",
        /// This system cannot do it.
        Unsupported = "unsupported",
        /// A service was started and is not at work.
        ServiceNotActive = "service-not-active",
        /// A replacement was to come into a state, and the look did not show it there in time.
        NotSetUp = "not-set-up",
        /// What came does not hash to what the order states.
        WrongHash = "wrong-hash",
        /// A source gives more bytes than the order states.
        TooLarge = "too-large",
    }
}
on_wire!(
    FailureCause,
    "record.cause",
    v1::FailureCause {
        BadSignature,
        OtherHost,
        Expired,
        Replayed,
        UnknownStep,
        NotAttributed,
        TooLongAway,
        Locked,
        Network,
        DiskFull,
        TimeLimit,
        ToolFailed,
        StillThere,
        NotDetected,
        Interrupted,
        Journal,
        NotYet,
        Unsupported,
        ServiceNotActive,
        NotSetUp,
        WrongHash,
        TooLarge,
    }
);

/// The longest log tail that a record carries, in bytes.
pub const LOG_TAIL_MAX: usize = 4096;

/// One record.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct StepRecord {
    /// Whose.
    pub host_id: HostId,
    /// Which order.
    pub order_number: u64,
    /// From 1, without gaps within an order.
    pub sequence: u32,
    /// What happened.
    pub event: RecordEvent,
    /// Index of the step; 0 where the event is about the order.
    pub step: u32,
    /// By the host's clock.
    pub at_ms: i64,
    /// The kernel session.
    pub boot_id: String,
    /// Where something did not go well.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cause: Option<FailureCause>,
    /// For a person.
    #[serde(default)]
    pub detail: String,
    /// The tool's, where one ran. Never decides success.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub exit_code: Option<i32>,
    /// The end of the tool's output, scrubbed, at most [`LOG_TAIL_MAX`] bytes.
    #[serde(default)]
    pub log_tail: String,
    /// When a restart that is due is to come, by the host's clock.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub until_ms: Option<i64>,
}

impl From<StepRecord> for v1::StepRecord {
    fn from(record: StepRecord) -> Self {
        Self {
            host_id: record.host_id.to_string(),
            order_number: record.order_number,
            sequence: record.sequence,
            event: record.event.number(),
            step: record.step,
            at_ms: record.at_ms,
            boot_id: record.boot_id,
            cause: record.cause.map_or(0, FailureCause::number),
            detail: record.detail,
            exit_code: record.exit_code,
            log_tail: record.log_tail,
            until_ms: record.until_ms,
        }
    }
}

impl TryFrom<v1::StepRecord> for StepRecord {
    type Error = WireError;
    fn try_from(wire: v1::StepRecord) -> Result<Self, WireError> {
        if wire.sequence == 0 {
            return Err(WireError::Missing("record.sequence"));
        }
        Ok(Self {
            host_id: wire.host_id.parse()?,
            order_number: wire.order_number,
            sequence: wire.sequence,
            event: wire.event.try_into()?,
            step: wire.step,
            at_ms: wire.at_ms,
            boot_id: wire.boot_id,
            cause: if wire.cause == 0 {
                None
            } else {
                Some(wire.cause.try_into()?)
            },
            detail: wire.detail,
            exit_code: wire.exit_code,
            log_tail: wire.log_tail,
            until_ms: wire.until_ms,
        })
    }
}
