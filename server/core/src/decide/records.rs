//! Step records: what the agent says it did.

use cutover_proto::record::{FailureCause, RecordEvent, StepRecord};

use super::{
    AlarmKind, Effect, Fact, Refused,
    order::{self, Failure},
    pen::Pen,
    place::{begin_verifying, place, settle},
    restart,
    treatment::{self, Treatment},
};
use crate::plan::{OrderEnd, Origin, Phase, Reason, Stop, Verify};

/// A record arrived. Of an order that is not open, seen before, or ahead of a gap: it says nothing here.
pub(super) fn recorded(pen: &mut Pen<'_>, record: &StepRecord) -> Result<(), Refused> {
    if record.host_id != pen.plan.host_id {
        return Err(pen.refuse(format!(
            "the record is of host {}; records come over their own host's key",
            record.host_id
        )));
    }
    let Some(open) = &pen.plan.order else {
        return Ok(());
    };
    if record.order_number != open.number || record.sequence != open.records_mark + 1 {
        return Ok(());
    }
    let number = open.number;
    if open.fetched_ms.is_none() {
        pen.write(Fact::OrderFetched { number })?;
    }
    // Before it is written: that the step is done ends what is due.
    restart::told(pen, record)?;
    pen.write(Fact::StepReported {
        number,
        sequence: record.sequence,
        event: record.event,
        step: record.step,
        cause: record.cause,
        detail: record.detail.clone(),
        host_ms: record.at_ms,
        boot_id: record.boot_id.clone(),
        until_ms: record.until_ms,
        exit_code: record.exit_code,
    })?;
    match record.event {
        RecordEvent::OrderAccepted
        | RecordEvent::StepFailed
        | RecordEvent::RestartNoticed
        | RecordEvent::RestartDeferred => Ok(()),
        RecordEvent::StepBegun => restart::begun(pen, record),
        RecordEvent::StepDone | RecordEvent::StepFoundDone => step_done(pen, record),
        RecordEvent::StepInterrupted => interrupted(pen, record),
        RecordEvent::OrderCompleted => completed(pen, record),
        RecordEvent::OrderCancelled => {
            order::end(pen, OrderEnd::Cancelled, record.cause, record.detail.clone(), false)?;
            settle(pen)
        }
        RecordEvent::OrderFailed => not_done(pen, record, OrderEnd::Failed),
        RecordEvent::OrderRefused => not_done(pen, record, OrderEnd::Refused),
    }
}

fn step_done(pen: &mut Pen<'_>, record: &StepRecord) -> Result<(), Refused> {
    restart::removed(pen, record)?;
    let after = pen.plan.order.as_ref().and_then(|order| {
        let index = usize::try_from(record.step).ok()?;
        pen.cx.catalog.protection_after(&order.steps, index, &order.replacement)
    });
    match after {
        Some(grade) => pen.turn_protection(grade, pen.cx.now_ms),
        None => Ok(()),
    }
}

fn interrupted(pen: &mut Pen<'_>, record: &StepRecord) -> Result<(), Refused> {
    let what = pen
        .plan
        .order
        .as_ref()
        .and_then(|order| order.steps.get(usize::try_from(record.step).ok()?))
        .map_or_else(
            || "a step that the order does not have".to_owned(),
            |step| step.action.describe(),
        );
    let reason = Reason::StepInterrupted {
        step: record.step,
        what,
    };
    order::end(
        pen,
        OrderEnd::Interrupted,
        Some(FailureCause::Interrupted),
        record.detail.clone(),
        true,
    )?;
    pen.alarm(AlarmKind::Interrupted, reason.text());
    // Out of scope and exempt come first in the table, but neither lifts the need to look at the machine.
    pen.go(Phase::Handwork, Some(reason))
}

/// Servers' clocks, and the time of a call, differ by less.
const CLOCKS_DIFFER_MS: i64 = 60_000;

fn completed(pen: &mut Pen<'_>, record: &StepRecord) -> Result<(), Refused> {
    let is_restart_alone = pen
        .plan
        .order
        .as_ref()
        .is_some_and(crate::plan::OpenOrder::is_restart_alone);
    order::end(pen, OrderEnd::Completed, None, String::new(), false)?;
    let (phase, _) = place(&pen.plan, pen.cx);
    // A restart alone was made so that the work can begin; where nothing is left to do it is verified like any work.
    if matches!(phase, Phase::Exempt | Phase::OutOfScope) || (is_restart_alone && phase != Phase::Verifying) {
        return settle(pen);
    }
    // A host whose clock is ahead names a time to come, and no look would be fresh until then. A little ahead is the
    // difference of two servers' clocks, and the order of record and look is true.
    let is_ahead = record.at_ms > pen.cx.now_ms.saturating_add(CLOCKS_DIFFER_MS);
    let ended_ms = if is_ahead { pen.cx.now_ms } else { record.at_ms };
    let fresh_after_ms = ended_ms.max(pen.plan.last_looked_ms.unwrap_or(i64::MIN));
    begin_verifying(pen, Origin::Order, Verify::FirstLook { fresh_after_ms })
}

fn not_done(pen: &mut Pen<'_>, record: &StepRecord, how: OrderEnd) -> Result<(), Refused> {
    let open = pen.plan.order.as_ref();
    let failing = open.map(|order| (order.failing, order.failing_detail.clone(), order.failing_exit));
    let (failing, failing_detail, failing_exit) = failing.unwrap_or_default();
    let cause = record.cause.or(failing);
    let detail = if record.detail.is_empty() {
        failing_detail
    } else {
        record.detail.clone()
    };
    let few = pen.plan.hindrances < pen.cx.campaign.policy.hindrances;
    let before = pen.plan.last_failure.as_ref().and_then(|failure| failure.stop.as_ref());
    let (hindrance, uses_none, stop) = match treatment::of(pen, record) {
        Treatment::Person => return interrupted(pen, record),
        Treatment::Hindrance => (few, few, None),
        Treatment::Attempt => (false, false, None),
        Treatment::Once(stop) => {
            let is_first = !before.is_some_and(|before| before.is_like(&stop));
            (is_first, is_first, Some(stop))
        }
        Treatment::Supply(stop) => (few, few, Some(stop)),
        Treatment::Final(stop) => (false, false, Some(stop)),
        Treatment::Refusal(stop) => (false, true, Some(stop)),
    };
    let failure = Failure {
        cause,
        detail,
        used_attempt: !uses_none,
        exit_code: record.exit_code.or(failing_exit),
        stop,
    };
    order::fail(pen, how, failure)?;
    if pen
        .plan
        .last_failure
        .as_ref()
        .is_some_and(|it| matches!(it.stop, Some(Stop::Room { .. })))
    {
        pen.effect(Effect::WantLook);
    }
    settle(pen)?;
    order::set_retry(pen, hindrance)
}
