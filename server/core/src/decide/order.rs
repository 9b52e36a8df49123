//! A work order's life on the server's side: issued, fetched, withdrawn, cancelled, ended.

use cutover_proto::{record::FailureCause, step::StepKind};

use super::{
    AlarmKind, Effect, Fact, Refused, canaries, drain, line,
    pen::Pen,
    place::{place, settle},
    restart, secrets,
};
use crate::{
    campaign::{Mode, span},
    notice,
    plan::{JournalFault, OrderEnd, Phase, Reason, Stop},
    rollout::{BreakerState, Fetches, RunState, WaveState, approval_cause, bytes_of, is_first_place, slots},
    secret,
    waiting::hours,
};

/// The rollout chose the host. What stands against a start is checked again here: between choosing and starting, anything
/// may have happened.
pub(super) fn started(pen: &mut Pen<'_>, number: u64, epoch: u64) -> Result<(), Refused> {
    may_start(pen, number)?;
    if canaries::untried(&pen.plan, pen.cx) != pen.plan.untried {
        // What it waits for is another thing than what was asked about it.
        return settle(pen);
    }
    if line::fetches(&pen.plan, pen.cx) != pen.plan.fetches {
        // Its line was asked for another room than it needs.
        return settle(pen);
    }
    let (phase, _) = place(&pen.plan, pen.cx);
    let chosen = pen.plan.judged(pen.cx.now_ms).and_then(|it| {
        let product = it.replacement.as_ref()?.product.clone();
        Some((restart::steps(&pen.plan, &it, &product, pen.cx), product))
    });
    let Some((Ok(steps), replacement)) = chosen.filter(|_| phase == Phase::Queued) else {
        return settle(pen);
    };
    if drain::ask_first(pen)? {
        // The order follows once somebody has drained it.
        return Ok(());
    }
    let (now_ms, policy) = (pen.cx.now_ms, &pen.cx.campaign.policy);
    let attempt = pen.plan.attempts_used + 1;
    let expires_ms = now_ms.saturating_add(span::ms(policy.order_life));
    let fetch_by_ms = now_ms.saturating_add(span::ms(policy.fetch_within));
    let catalog_revision = pen.cx.catalog.revision;
    let slots = slots(&pen.plan, pen.cx.campaign);
    let (handed_over, begun) = drain::handed_over(&pen.plan);
    let held = slots.iter().map(|slot| slot.name.clone()).chain(handed_over).collect();
    let is_work = steps.iter().any(|step| step.action.kind() != StepKind::Restart);
    let recipes = if is_work {
        canaries::recipes(&pen.plan, pen.cx)
    } else {
        Vec::new()
    };
    let secrets = secret::for_order(&pen.plan, &steps, pen.cx.catalog, pen.cx.secrets);
    let grade = canaries::grade(&pen.plan, pen.cx).filter(|_| is_work);
    pen.write(Fact::OrderIssued {
        number,
        attempt,
        epoch,
        replacement: replacement.clone(),
        steps: steps.clone(),
        expires_ms,
        fetch_by_ms,
        catalog_revision,
        round: pen.cx.breakers.round(&pen.plan.wave),
        slots: held,
        recipes,
        secrets: secrets.clone(),
        grade,
    })?;
    pen.go(Phase::Migrating, None)?;
    if !begun.is_empty() {
        pen.effect(Effect::GiveBack { slots: begun });
    }
    let bytes = bytes_of(&steps, &replacement, pen.cx.campaign);
    let fetches = Fetches::new(&pen.plan, pen.cx.campaign, bytes, now_ms);
    pen.effect(Effect::IssueOrder {
        number,
        attempt,
        epoch,
        not_before_ms: now_ms,
        expires_ms,
        replacement,
        steps,
        catalog_revision,
        slots,
        secrets,
        fetches,
    });
    pen.effect(Effect::Nudge);
    Ok(())
}

fn may_start(pen: &Pen<'_>, number: u64) -> Result<(), Refused> {
    let (plan, cx) = (&pen.plan, pen.cx);
    if plan.phase != Phase::Queued {
        return Err(pen.refuse("only a queued plan starts"));
    }
    if let Some(hold) = plan.holds.values().next() {
        return Err(pen.refuse(format!(
            "{} holds it ({}): {}; lift the hold first",
            hold.who, hold.kind, hold.why
        )));
    }
    if let Some(why) = &plan.local_hold {
        return Err(pen.refuse(format!("the host holds itself: {why}")));
    }
    if plan.journal_fault.is_some() {
        return Err(pen.refuse("the host's journal is not settled; a fresh look must come first"));
    }
    if let Some(ownership) = plan.known.ownership.filter(|it| !it.is_ours()) {
        return Err(pen.refuse(format!("the machine is not the organisation's ({ownership})")));
    }
    if cx.run != RunState::Running {
        return Err(pen.refuse(format!("the campaign is {}; resume it first", cx.run)));
    }
    if let Some(external) = plan.executor(cx.campaign) {
        return Err(pen.refuse(format!("{} does the work; this server issues no order", external.name)));
    }
    match cx.campaign.mode {
        Mode::Observe => return Err(pen.refuse("the campaign only looks; set its mode to approve or automatic")),
        Mode::Approve | Mode::Automatic => {}
    }
    if plan.approval.is_none() && approval_cause(plan, cx.campaign).is_some() {
        return Err(pen.refuse("it waits for an approval"));
    }
    match cx.waves.state(&plan.wave) {
        WaveState::Open => {}
        state @ (WaveState::Closed | WaveState::Paused) => {
            return Err(pen.refuse(format!("wave {} is {state}; open it first", plan.wave)));
        }
    }
    if let BreakerState::Tripped(trip) = &cx.breakers.of(&plan.wave).state {
        return Err(pen.refuse(format!("wave {} is halted: {}", plan.wave, trip.cause.text())));
    }
    let grace_end_ms = cx.campaign.policy.grace_end_ms(plan.grace_from_ms);
    if cx.now_ms < grace_end_ms {
        let until = crate::campaign::zone::utc(grace_end_ms);
        return Err(pen.refuse(format!("nobody is forced before {until}, the end of grace")));
    }
    if let Some(waiting) = notice::hindrance(plan, cx.campaign, cx.now_ms) {
        return Err(pen.refuse(waiting.text()));
    }
    if let Some(waiting) = hours(plan, cx.campaign, cx.now_ms) {
        return Err(pen.refuse(waiting.text()));
    }
    if let Some(at_ms) = plan.retry_at_ms.filter(|at_ms| cx.now_ms < *at_ms) {
        let at = crate::campaign::zone::utc(at_ms);
        return Err(pen.refuse(format!("its next try is due at {at}")));
    }
    if number <= plan.highest_order {
        return Err(pen.refuse(format!(
            "order {number} is not above {}, the highest issued",
            plan.highest_order
        )));
    }
    Ok(())
}

/// The order left in a reply. Again, or another one, says nothing.
pub(super) fn fetched(pen: &mut Pen<'_>, number: u64) -> Result<(), Refused> {
    let is_news = pen
        .plan
        .order
        .as_ref()
        .is_some_and(|order| order.number == number && order.fetched_ms.is_none());
    if is_news {
        pen.write(Fact::OrderFetched { number })
    } else {
        Ok(())
    }
}

/// Takes an order back that no host has. No attempt is used.
pub(super) fn withdraw(pen: &mut Pen<'_>, number: u64) -> Result<(), Refused> {
    let slots = taken(pen);
    pen.write(Fact::OrderEnded {
        number,
        end: OrderEnd::Withdrawn,
        cause: None,
        detail: String::new(),
        used_attempt: false,
        exit_code: None,
        stop: None,
    })?;
    pen.effect(Effect::WithdrawOrder { number, slots });
    Ok(())
}

/// Asks an order to end: takes it back where no host has it, else cancels it at its next safe point.
pub(super) fn cancel(pen: &mut Pen<'_>, why: &str) -> Result<(), Refused> {
    let Some(order) = &pen.plan.order else {
        return Ok(());
    };
    let number = order.number;
    if order.fetched_ms.is_none() {
        return withdraw(pen, number);
    }
    if order.cancelling.is_some() {
        return Ok(());
    }
    pen.write(Fact::OrderCancelling {
        number,
        why: why.to_owned(),
    })?;
    pen.effect(Effect::CancelOrder {
        number,
        why: why.to_owned(),
    });
    pen.effect(Effect::Nudge);
    Ok(())
}

/// The slots of the open order that its end frees: the places of those that go first are held longer.
fn taken(pen: &Pen<'_>) -> Vec<String> {
    let slots = pen.plan.order.iter().flat_map(|order| &order.slots);
    slots.filter(|slot| !is_first_place(slot)).cloned().collect()
}

/// Ends the open order and frees its slots.
pub(super) fn end(
    pen: &mut Pen<'_>,
    end: OrderEnd,
    cause: Option<FailureCause>,
    detail: String,
    used_attempt: bool,
) -> Result<(), Refused> {
    let failure = Failure {
        cause,
        detail,
        used_attempt,
        exit_code: None,
        stop: None,
    };
    fail(pen, end, failure)
}

/// Why an order ended, and what that demands.
pub(super) struct Failure {
    pub(super) cause: Option<FailureCause>,
    /// For a person.
    pub(super) detail: String,
    pub(super) used_attempt: bool,
    /// Of the installer.
    pub(super) exit_code: Option<i32>,
    pub(super) stop: Option<Stop>,
}

/// The same, with all that is known of why.
pub(super) fn fail(pen: &mut Pen<'_>, end: OrderEnd, failure: Failure) -> Result<(), Refused> {
    let Some(number) = pen.plan.order.as_ref().map(|order| order.number) else {
        return Ok(());
    };
    let slots = taken(pen);
    secrets::note(pen, end, failure.exit_code)?;
    pen.write(Fact::OrderEnded {
        number,
        end,
        cause: failure.cause,
        detail: failure.detail,
        used_attempt: failure.used_attempt,
        exit_code: failure.exit_code,
        stop: failure.stop,
    })?;
    pen.effect(Effect::FreeSlots { number, slots });
    Ok(())
}

/// After an attempt that did not succeed: another one later, or, where attempts are used up, an alarm.
pub(super) fn set_retry(pen: &mut Pen<'_>, hindrance: bool) -> Result<(), Refused> {
    if pen.plan.phase == Phase::Failed {
        let why = pen
            .plan
            .reason
            .as_ref()
            .map(crate::plan::Reason::text)
            .unwrap_or_default();
        pen.alarm(AlarmKind::Failed, why);
        return Ok(());
    }
    // Of the others nothing comes by itself.
    let is_stopped = matches!(
        &pen.plan.reason,
        Some(Reason::Stopped {
            by: Stop::Room { .. } | Stop::Unfit { .. },
            ..
        })
    );
    if !is_stopped && !matches!(pen.plan.phase, Phase::Queued | Phase::Planned) {
        return Ok(());
    }
    let nth = if hindrance {
        pen.plan.hindrances + 1
    } else {
        pen.plan.attempts_used.max(1)
    };
    let wait_ms = pen.cx.campaign.policy.backoff_ms(nth, pen.cx.seed);
    pen.write(Fact::RetrySet {
        due_ms: pen.cx.now_ms.saturating_add(wait_ms),
        hindrance,
    })
}

/// The journal on the host cannot be trusted: nothing runs until a fresh look. No attempt is used.
pub(super) fn journal_distrusted(pen: &mut Pen<'_>, fault: JournalFault) -> Result<(), Refused> {
    if pen.plan.is_closed() || pen.plan.journal_fault == Some(fault) {
        return Ok(());
    }
    pen.write(Fact::JournalDistrusted { fault })?;
    pen.alarm(
        AlarmKind::Journal,
        format!("the journal is {fault}; nothing runs there until a fresh look"),
    );
    pen.effect(Effect::WantLook);
    match pen.plan.order.as_ref().map(|order| (order.number, order.fetched_ms)) {
        None => return Ok(()),
        Some((number, None)) => withdraw(pen, number)?,
        Some((_, Some(_))) => {
            let cause = Some(FailureCause::Journal);
            end(
                pen,
                OrderEnd::JournalLost,
                cause,
                format!("the journal is {fault}"),
                false,
            )?;
        }
    }
    settle(pen)
}
