//! What people, campaigns and enrolment do to a plan.

use cutover_proto::{ids::HostId, step::StepKind, verdict::Protection};

use super::{
    Fact, Input, Refused, group, order,
    pen::Pen,
    place::{self, begin_verifying, settle},
};
use crate::{
    campaign::Traits,
    plan::{Exemption, Hold, HoldKind, Known, OrderEnd, Origin, Personal, Phase, Pool, Reason, Verify},
};

pub(super) fn enrolled(pen: &mut Pen<'_>, known: &Known) -> Result<(), Refused> {
    order::end(
        pen,
        OrderEnd::Abandoned,
        None,
        "the agent enrolled anew".to_owned(),
        false,
    )?;
    let traits = Traits {
        known,
        looked: None,
        ..pen.plan.traits()
    };
    let wave = pen.cx.campaign.wave_of(&traits).to_owned();
    pen.write(Fact::Enrolled {
        wave,
        site: known.site.clone(),
        campaign_version: pen.cx.campaign.version,
    })?;
    if pen.plan.known != *known {
        pen.write(Fact::Described { known: known.clone() })?;
    }
    let is_late_joiner = group::joins_late(pen.cx, &pen.plan.wave);
    if pen.plan.is_late_joiner != is_late_joiner {
        pen.write(Fact::Grouped {
            wave: pen.plan.wave.clone(),
            site: pen.plan.site.clone(),
            is_late_joiner,
        })?;
    }
    pen.turn_protection(Protection::Unobserved, pen.cx.now_ms)?;
    pen.go(Phase::Unassessed, Some(Reason::NoInventory))?;
    settle(pen)
}

/// What was true of the disk before it was copied is true of each copy.
pub(super) fn forked(pen: &mut Pen<'_>, from: HostId, first_carried_ms: Option<i64>) -> Result<(), Refused> {
    watched(pen)?;
    if pen.plan.forked_from == Some(from) {
        return Ok(());
    }
    pen.write(Fact::Forked { from, first_carried_ms })
}

/// Again, or with another owner, where the pool is known.
pub(super) fn pooled(pen: &mut Pen<'_>, pool: &Pool) -> Result<(), Refused> {
    watched(pen)?;
    if pen.plan.pool.as_ref() == Some(pool) {
        return Ok(());
    }
    pen.write(Fact::Pooled { pool: pool.clone() })?;
    settle(pen)
}

pub(super) fn approved(pen: &mut Pen<'_>, by: &Personal, named: bool) -> Result<(), Refused> {
    watched(pen)?;
    if pen.plan.approval.as_ref().is_some_and(|it| it.named || !named) {
        return Ok(());
    }
    pen.write(Fact::Approved { by: by.clone(), named })
}

pub(super) fn hold_placed(pen: &mut Pen<'_>, hold: &Hold) -> Result<(), Refused> {
    watched(pen)?;
    if hold.until_ms.is_some_and(|until| until <= pen.cx.now_ms) {
        return Err(pen.refuse("the hold ends before it begins; give it a later end or none"));
    }
    if pen.plan.holds.get(&hold.kind) == Some(hold) {
        return Ok(());
    }
    pen.write(Fact::HoldPlaced { hold: hold.clone() })?;
    order::cancel(pen, &format!("held ({}) by {}: {}", hold.kind, hold.who, hold.why))?;
    if pen.plan.phase.has_order() {
        settle(pen)
    } else {
        Ok(())
    }
}

pub(super) fn hold_lifted(pen: &mut Pen<'_>, kind: HoldKind, by: &Personal) -> Result<(), Refused> {
    if !pen.plan.holds.contains_key(&kind) {
        return Err(pen.refuse(format!("there is no hold of kind {kind}")));
    }
    pen.write(Fact::HoldLifted {
        kind,
        by: Some(by.clone()),
    })
}

/// The hold on the machine itself. An order that the host has is not cancelled here: the agent ends it at its next safe
/// point, and goes on where the hold is gone by then.
pub(super) fn held_locally(pen: &mut Pen<'_>, why: Option<&str>) -> Result<(), Refused> {
    watched(pen)?;
    if pen.plan.local_hold.as_deref() == why {
        return Ok(());
    }
    let Some(why) = why else {
        return pen.write(Fact::LocalHoldGone);
    };
    pen.write(Fact::HeldLocally { why: why.to_owned() })?;
    match pen.plan.order.as_ref().map(|order| (order.number, order.fetched_ms)) {
        Some((number, None)) => {
            order::withdraw(pen, number)?;
            settle(pen)
        }
        Some((_, Some(_))) | None => Ok(()),
    }
}

/// What the host's agent cannot do. An order that it has is left to it: it refuses a whole order for one step that it does
/// not know, before the first.
pub(super) fn said_steps(pen: &mut Pen<'_>, lacking: &[StepKind]) -> Result<(), Refused> {
    watched(pen)?;
    if pen.plan.lacking_steps == lacking {
        return Ok(());
    }
    pen.write(Fact::StepsLacking {
        kinds: lacking.to_vec(),
    })?;
    let waiting_order = pen.plan.order.as_ref().filter(|order| order.fetched_ms.is_none());
    if let Some(order) = waiting_order.filter(|order| !place::lacking(&pen.plan, &order.steps).is_empty()) {
        let number = order.number;
        order::withdraw(pen, number)?;
        return settle(pen);
    }
    match pen.plan.phase {
        Phase::Planned | Phase::Queued | Phase::Blocked => settle(pen),
        Phase::Unassessed
        | Phase::Clear
        | Phase::Unplanned
        | Phase::Migrating
        | Phase::Rebooting
        | Phase::Verifying
        | Phase::Migrated
        | Phase::Handwork
        | Phase::Failed
        | Phase::Exempt
        | Phase::Concluded
        | Phase::OutOfScope
        | Phase::Retired => Ok(()),
    }
}

pub(super) fn exempted(pen: &mut Pen<'_>, exemption: &Exemption) -> Result<(), Refused> {
    watched(pen)?;
    if exemption.until_ms.is_some_and(|until| until <= pen.cx.now_ms) {
        return Err(pen.refuse("the exemption ends before it begins; give it a later end or none"));
    }
    if pen.plan.exemption.as_ref() == Some(exemption) {
        return Ok(());
    }
    pen.write(Fact::Exempted {
        exemption: exemption.clone(),
    })?;
    order::cancel(pen, &format!("exempted by {}: {}", exemption.owner, exemption.why))?;
    settle(pen)
}

pub(super) fn exemption_revoked(pen: &mut Pen<'_>, by: &Personal, why: &Personal) -> Result<(), Refused> {
    if pen.plan.exemption.is_none() {
        return Err(pen.refuse("it has no exemption"));
    }
    pen.write(Fact::ExemptionEnded {
        by: Some(by.clone()),
        why: Some(why.clone()),
    })?;
    if pen.plan.phase == Phase::Exempt {
        settle(pen)
    } else {
        Ok(())
    }
}

pub(super) fn retried(pen: &mut Pen<'_>, by: &Personal) -> Result<(), Refused> {
    match pen.plan.phase {
        Phase::Failed | Phase::Queued | Phase::Planned => {}
        // What a person was asked to mend is mended.
        Phase::Blocked if matches!(pen.plan.reason, Some(Reason::Stopped { .. })) => {}
        Phase::Blocked => {
            let remedy = pen.plan.reason.as_ref().map(Reason::remedy).unwrap_or_default();
            return Err(pen.refuse(format!(
                "a precondition fails, and a retry would not change that: {remedy}"
            )));
        }
        Phase::Handwork => return Err(pen.refuse("a person must act first; then mark the handwork done")),
        Phase::Unassessed
        | Phase::Clear
        | Phase::Unplanned
        | Phase::Migrating
        | Phase::Rebooting
        | Phase::Verifying
        | Phase::Migrated
        | Phase::Exempt
        | Phase::Concluded
        | Phase::OutOfScope
        | Phase::Retired => return Err(pen.refuse("there is no attempt that could be tried again")),
    }
    pen.write(Fact::Retried { by: by.clone() })?;
    if pen.plan.journal_fault.is_some() {
        pen.write(Fact::JournalSettled)?;
    }
    settle(pen)
}

pub(super) fn handwork_assigned(pen: &mut Pen<'_>, input: &Input) -> Result<(), Refused> {
    let Input::HandworkAssigned {
        by,
        owner,
        reference,
        due_ms,
    } = input
    else {
        return Ok(());
    };
    if pen.plan.phase != Phase::Handwork {
        return Err(pen.refuse("no handwork is open"));
    }
    if due_ms.is_some_and(|due_ms| due_ms <= pen.cx.now_ms) {
        return Err(pen.refuse("its date is past; give it a later one or none"));
    }
    pen.write(Fact::HandworkAssigned {
        by: by.clone(),
        owner: owner.clone(),
        reference: reference.clone(),
        due_ms: *due_ms,
    })
}

pub(super) fn handwork_done(pen: &mut Pen<'_>, by: &Personal, evidence: &Personal) -> Result<(), Refused> {
    if pen.plan.phase != Phase::Handwork {
        return Err(pen.refuse("no handwork is open"));
    }
    pen.write(Fact::HandworkDone {
        by: by.clone(),
        evidence: evidence.clone(),
    })?;
    begin_verifying(pen, Origin::Handwork, Verify::FirstContact)
}

pub(super) fn forecast(pen: &mut Pen<'_>, late: bool) -> Result<(), Refused> {
    if pen.plan.late == late {
        Ok(())
    } else {
        pen.write(Fact::LateTurned { late })
    }
}

pub(super) fn retired(pen: &mut Pen<'_>, by: &Personal, why: &Personal) -> Result<(), Refused> {
    if pen.plan.phase == Phase::Retired {
        return Ok(());
    }
    leave(pen)?;
    pen.go(
        Phase::Retired,
        Some(Reason::Retired {
            why: why.clone(),
            by: by.clone(),
        }),
    )
}

pub(super) fn concluded(pen: &mut Pen<'_>) -> Result<(), Refused> {
    match pen.plan.phase {
        Phase::Concluded => return Ok(()),
        Phase::Migrated | Phase::Clear => {}
        Phase::Unassessed
        | Phase::Unplanned
        | Phase::Planned
        | Phase::Queued
        | Phase::Migrating
        | Phase::Rebooting
        | Phase::Verifying
        | Phase::Blocked
        | Phase::Handwork
        | Phase::Failed
        | Phase::Exempt
        | Phase::OutOfScope
        | Phase::Retired => {
            return Err(pen.refuse("only a migrated or clear host concludes; retire it with a reason instead"));
        }
    }
    leave(pen)?;
    pen.go(Phase::Concluded, Some(Reason::Concluded { at_ms: pen.cx.now_ms }))
}

/// The host is watched no longer: its order is over, and its protection is unobserved from here on.
fn leave(pen: &mut Pen<'_>) -> Result<(), Refused> {
    order::end(pen, OrderEnd::Abandoned, None, "the host left".to_owned(), false)?;
    pen.turn_protection(Protection::Unobserved, pen.cx.now_ms)
}

fn watched(pen: &Pen<'_>) -> Result<(), Refused> {
    if pen.plan.is_closed() {
        return Err(pen.refuse("the host is no longer watched; it would have to enrol again"));
    }
    Ok(())
}
