//! Restarts: which order gets one, and when it was seen.

use std::time::Duration;

use cutover_proto::{
    ids::ProductId,
    record::{RecordEvent, StepRecord},
    step::{Action, Purpose, Step, StepKind},
};

use super::{Cx, Fact, Refused, pen::Pen};
use crate::{
    campaign::{HostUse, PendingRestart, Policy},
    catalog::{ComposeError, ExitMeaning, RestartNeed, compose, ours, with_restart},
    judge::Assessment,
    plan::{Phase, Plan, Stop},
};

/// The steps of the next order, its restart included: one at the most.
///
/// Where something else already waits for a restart, that comes first, in an order of its own; the work follows in the
/// new kernel session. Where a removal is complete only after a restart, it comes once the machine is protected again.
pub(super) fn steps(
    plan: &Plan,
    it: &Assessment,
    replacement: &ProductId,
    cx: &Cx<'_>,
) -> Result<Vec<Step>, ComposeError> {
    let policy = &cx.campaign.policy;
    if is_pending_first(plan, it, policy) {
        // What could not follow must not restart the machine for nothing.
        compose(it, replacement, &cx.means(it, replacement))?;
        let reason = "an earlier installation or update waits for a restart";
        return Ok(vec![restart(plan, reason.to_owned(), policy)]);
    }
    let products = products_that_owe(plan, it, cx);
    let composed = match compose(it, replacement, &cx.means(it, replacement)) {
        Err(ComposeError::NothingToDo) if !products.is_empty() => Vec::new(),
        // What was removed is complete only after it, whoever removes the rest.
        Err(ComposeError::ByOthers(_)) if is_owed(plan, it) => Vec::new(),
        composed => composed?,
    };
    if products.is_empty() {
        return Ok(composed);
    }
    let names: Vec<&str> = products.iter().map(|product| product.as_str()).collect();
    let reason = format!("the removal of {} is complete only after a restart", names.join(", "));
    Ok(with_restart(
        composed,
        restart(plan, reason, policy),
        replacement,
        &cx.means(it, replacement),
    ))
}

fn restart(plan: &Plan, reason: String, policy: &Policy) -> Step {
    let (notice, defer) = match plan.traits().usage() {
        None => (policy.restart_notice, policy.restart_within),
        // All of them are told, and none of them decides for the others: whoever let it start has.
        Some(HostUse::MultiSession) => (policy.restart_notice, Duration::ZERO),
        // Nobody is there to be told or asked.
        Some(HostUse::Kiosk) => (Duration::ZERO, Duration::ZERO),
    };
    Step {
        action: Action::Restart { reason, notice, defer },
        time_limit: policy.restart_time.max(Duration::from_secs(1)),
        safe_point_after: true,
    }
}

/// A sign that outlives a restart of ours is not cured by another one in the same session.
fn is_pending_first(plan: &Plan, it: &Assessment, policy: &Policy) -> bool {
    if is_demanded(plan) {
        return true;
    }
    let is_cured = !plan.restarted_into.is_empty() && plan.restarted_into == plan.last_boot_id;
    policy.pending_restart == PendingRestart::First && it.carries() && it.restart_pending == Some(true) && !is_cured
}

/// An installer does not begin, or is not done, before the machine was restarted, and it has not been since.
fn is_demanded(plan: &Plan) -> bool {
    let stop = plan.last_failure.as_ref().and_then(|failure| failure.stop.as_ref());
    matches!(stop, Some(Stop::RestartFirst { boot_id }) if *boot_id == plan.last_boot_id)
}

/// Whether the removals that were made so far are complete only after a restart. That it cannot be told whether one
/// waits counts as one that waits.
pub(super) fn is_owed(plan: &Plan, it: &Assessment) -> bool {
    plan.restart_owed.as_ref().is_some_and(|owed| match owed.need {
        RestartNeed::None => false,
        RestartNeed::IfPending => it.restart_pending != Some(false),
        RestartNeed::Due => true,
    })
}

/// What was removed, or is removed by the next order, and owes a restart. What owes one only where something waits for
/// it is known after its removal.
fn products_that_owe<'a>(plan: &'a Plan, it: &'a Assessment, cx: &Cx<'_>) -> Vec<&'a ProductId> {
    let mut products: Vec<&ProductId> = Vec::new();
    if is_owed(plan, it) {
        products.extend(plan.restart_owed.iter().flat_map(|owed| &owed.products));
    }
    let next = ours(it, cx.catalog).map(|target| &target.product);
    let due = next.filter(|product| {
        let removal = cx.catalog.removal(product);
        removal.is_some_and(|removal| removal.restart == RestartNeed::Due)
    });
    for product in due {
        if !products.contains(&product) {
            products.push(product);
        }
    }
    products
}

/// A removal that its recipe calls complete only after a restart.
pub(super) fn removed(pen: &mut Pen<'_>, record: &StepRecord) -> Result<(), Refused> {
    let step = pen.plan.order.as_ref().and_then(|order| order.step(record.step));
    // The installer itself may say that it is complete only after a restart.
    let said = step.zip(record.exit_code);
    let said = said.and_then(|(step, code)| pen.cx.catalog.exit_meaning(step, code));
    let (product, need) = match (step.map(|step| step.action.purpose()), said) {
        (_, Some((ExitMeaning::RestartAfter, Some(product)))) => (product, RestartNeed::Due),
        (Some(Purpose::Remove(product)), _) => {
            let removal = pen.cx.catalog.removal(product);
            (product, removal.map_or(RestartNeed::None, |removal| removal.restart))
        }
        (_, _) => return Ok(()),
    };
    if need == RestartNeed::None {
        return Ok(());
    }
    let (product, boot_id) = (product.clone(), record.boot_id.clone());
    pen.write(Fact::RestartOwed { need, product, boot_id })
}

/// A restart's step was begun: it is due from here on.
pub(super) fn begun(pen: &mut Pen<'_>, record: &StepRecord) -> Result<(), Refused> {
    let step = pen.plan.order.as_ref().and_then(|order| order.step(record.step));
    let is_restart = step.is_some_and(|step| step.action.kind() == StepKind::Restart);
    if is_restart && pen.plan.phase == Phase::Migrating {
        pen.go(Phase::Rebooting, None)?;
    }
    Ok(())
}

/// A record out of a new kernel session proves the restart, unless it says that none was.
pub(super) fn told(pen: &mut Pen<'_>, record: &StepRecord) -> Result<(), Refused> {
    match record.event {
        RecordEvent::StepFailed | RecordEvent::StepInterrupted => Ok(()),
        RecordEvent::OrderAccepted
        | RecordEvent::OrderRefused
        | RecordEvent::StepBegun
        | RecordEvent::StepDone
        | RecordEvent::StepFoundDone
        | RecordEvent::OrderCompleted
        | RecordEvent::OrderFailed
        | RecordEvent::OrderCancelled
        | RecordEvent::RestartNoticed
        | RecordEvent::RestartDeferred => seen(pen, &record.boot_id),
    }
}

/// The kernel session that the host is in. A new one while a restart is due: it has come.
pub(super) fn seen(pen: &mut Pen<'_>, boot_id: &str) -> Result<(), Refused> {
    let is_new = pen
        .plan
        .order
        .as_ref()
        .is_some_and(|order| order.is_after_restart(boot_id));
    if pen.plan.phase == Phase::Rebooting && is_new {
        pen.write(Fact::RestartSeen {
            boot_id: boot_id.to_owned(),
        })?;
        pen.go(Phase::Migrating, None)?;
    }
    Ok(())
}
