//! What an order leaves in the plan: its issue, its records and its end.

use cutover_proto::{record::RecordEvent, step::StepKind};

use super::{ApplyError, Fact};
use crate::{
    drain::draining_in,
    plan::{LastFailure, OpenOrder, OrderEnd, Plan, RestartDue},
    rollout::is_first_place,
};

/// The order that is out, where it is the one that a fact speaks of.
pub(super) fn open<'a>(plan: &'a mut Plan, fact: &Fact, number: u64) -> Result<&'a mut OpenOrder, ApplyError> {
    plan.order
        .as_mut()
        .filter(|order| order.number == number)
        .ok_or(ApplyError::NoSuchOrder {
            fact: fact.name(),
            number,
        })
}

/// It was issued.
pub(super) fn issue(plan: &mut Plan, at_ms: i64, fact: &Fact) -> Result<(), ApplyError> {
    let Fact::OrderIssued {
        number,
        attempt,
        epoch,
        replacement,
        steps,
        expires_ms,
        fetch_by_ms,
        slots,
        recipes,
        secrets,
        grade,
        ..
    } = fact
    else {
        return Ok(());
    };
    if let Some(order) = &plan.order {
        return Err(ApplyError::OrderOut {
            open: order.number,
            issued: *number,
        });
    }
    plan.highest_order = plan.highest_order.max(*number);
    plan.retry_at_ms = None;
    plan.recipes.clone_from(recipes);
    // What one order left undone another one does, and both count. The best stands first.
    plan.grade = plan.grade.max(*grade);
    if let Some(drain) = &mut plan.drain {
        // It works from here on, and the order holds its places among those that go first.
        drain.has_begun = true;
        drain
            .slots
            .retain(|slot| !is_first_place(slot) && draining_in(slot).is_none());
    }
    plan.first_places = slots.iter().filter(|slot| is_first_place(slot)).cloned().collect();
    plan.order = Some(OpenOrder {
        number: *number,
        attempt: *attempt,
        epoch: *epoch,
        replacement: replacement.clone(),
        steps: steps.clone(),
        slots: slots.clone(),
        secrets: secrets.clone(),
        boot_id: plan.last_boot_id.clone(),
        issued_ms: at_ms,
        expires_ms: *expires_ms,
        fetch_by_ms: *fetch_by_ms,
        fetched_ms: None,
        last_progress_ms: at_ms,
        records_mark: 0,
        last_step: None,
        failing: None,
        failing_detail: String::new(),
        failing_exit: None,
        last_record_host_ms: 0,
        cancelling: None,
        restart: None,
    });
    Ok(())
}

/// A record of it was taken in.
pub(super) fn report(order: &mut OpenOrder, at_ms: i64, fact: &Fact) {
    let Fact::StepReported {
        sequence,
        event,
        step,
        cause,
        detail,
        host_ms,
        boot_id,
        until_ms,
        exit_code,
        ..
    } = fact
    else {
        return;
    };
    order.records_mark = *sequence;
    order.last_progress_ms = at_ms;
    order.last_record_host_ms = *host_ms;
    match event {
        RecordEvent::StepBegun => {
            order.last_step = Some(*step);
            let begun = order.step(*step).map(|step| step.action.kind());
            if begun == Some(StepKind::Restart) && order.restart.is_none() {
                order.restart = Some(RestartDue {
                    step: *step,
                    since_ms: at_ms,
                    boot_id: boot_id.clone(),
                    comes_ms: None,
                    is_deferred: false,
                });
            }
        }
        RecordEvent::StepDone | RecordEvent::StepFoundDone | RecordEvent::StepFailed | RecordEvent::StepInterrupted => {
            order.last_step = Some(*step);
            if order.restart.as_ref().is_some_and(|due| due.step == *step) {
                order.restart = None;
            }
        }
        RecordEvent::RestartNoticed | RecordEvent::RestartDeferred => {
            if let Some(due) = order.restart.as_mut() {
                due.comes_ms = *until_ms;
                due.is_deferred |= *event == RecordEvent::RestartDeferred;
            }
        }
        RecordEvent::OrderAccepted
        | RecordEvent::OrderRefused
        | RecordEvent::OrderCompleted
        | RecordEvent::OrderFailed
        | RecordEvent::OrderCancelled => {}
    }
    if cause.is_some() {
        order.failing = *cause;
        order.failing_detail.clone_from(detail);
        order.failing_exit = exit_code.or(order.failing_exit);
    }
}

/// It ended.
pub(super) fn end(plan: &mut Plan, at_ms: i64, fact: &Fact) {
    let Fact::OrderEnded {
        end,
        cause,
        detail,
        used_attempt,
        exit_code,
        stop,
        ..
    } = fact
    else {
        return;
    };
    plan.order = None;
    plan.attempts_used += u32::from(*used_attempt);
    match end {
        OrderEnd::Failed | OrderEnd::Refused | OrderEnd::Interrupted | OrderEnd::Silent | OrderEnd::JournalLost => {
            plan.last_failure = Some(LastFailure {
                cause: *cause,
                detail: detail.clone(),
                at_ms,
                used_attempt: *used_attempt,
                exit_code: *exit_code,
                stop: stop.clone(),
            });
        }
        OrderEnd::Completed => plan.hindrances = 0,
        OrderEnd::Cancelled | OrderEnd::Withdrawn | OrderEnd::Abandoned => {}
    }
}
