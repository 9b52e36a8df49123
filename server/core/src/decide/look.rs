//! A host was heard of: what its look, or the absence of news, means.

use super::{
    AlarmKind, Effect, Fact, Refused, disks, order,
    pen::Pen,
    place::{look_failed, place, settle, suspect},
    restart, verify,
};
use crate::{
    judge::{Assessment, Condition},
    plan::{Phase, Reason, Stop, Verify},
};

/// A check-in. `news` is what a changed inventory means; without it, the known one was confirmed at `looked_at_ms`.
pub(super) fn seen(
    pen: &mut Pen<'_>,
    looked_at_ms: Option<i64>,
    boot_id: &str,
    news: Option<&Assessment>,
) -> Result<(), Refused> {
    if pen.plan.is_closed() {
        return Err(pen.refuse("the host is no longer watched; enrol it again"));
    }
    if pen.plan.stale {
        pen.write(Fact::SeenAgain)?;
    }
    if pen.plan.agent_perhaps_lost {
        pen.write(Fact::AgentBack)?;
    }
    let is_new_session = !boot_id.is_empty() && pen.plan.last_boot_id != boot_id;
    restart::seen(pen, boot_id)?;
    let known = pen.plan.last_looked_ms.unwrap_or(i64::MIN);
    let is_newer = looked_at_ms.is_some_and(|at| at > known);
    if let Some(at_ms) = looked_at_ms.filter(|_| is_newer) {
        take_look(pen, at_ms, boot_id, news)?;
    }
    let newest_ms = looked_at_ms.unwrap_or(i64::MIN).max(known);
    // A look that is not dated was made before now, and that is all that is known of it.
    let before_ms = if looked_at_ms.is_some() {
        newest_ms
    } else {
        known.max(pen.cx.now_ms)
    };
    journal(pen, newest_ms, before_ms)?;
    match pen.plan.phase {
        Phase::Unassessed
        | Phase::Clear
        | Phase::Unplanned
        | Phase::Planned
        | Phase::Queued
        | Phase::Blocked
        | Phase::Failed
        | Phase::Exempt
        | Phase::OutOfScope => settle(pen),
        Phase::Migrating | Phase::Rebooting => at_work(pen),
        Phase::Verifying => verify::seen(pen, newest_ms),
        Phase::Migrated => watch(pen),
        Phase::Handwork => match &pen.plan.reason {
            // The machine is back after all.
            Some(Reason::RestartOverdue { .. }) if is_new_session => settle(pen),
            _ if pen.plan.is_persons_to_end() => Ok(()),
            Some(_) | None => settle(pen),
        },
        Phase::Concluded | Phase::Retired => Ok(()),
    }
}

/// Takes a newer look in where it says something, or where one is awaited.
fn take_look(pen: &mut Pen<'_>, looked_at_ms: i64, boot_id: &str, news: Option<&Assessment>) -> Result<(), Refused> {
    let news = news.filter(|it| pen.plan.assessment.as_ref() != Some(it));
    let Some(it) = news.or(pen.plan.assessment.as_ref()).cloned() else {
        return Ok(());
    };
    let grade_turned = pen.plan.account.grade != it.protection;
    let is_awaited = is_awaited(pen, looked_at_ms);
    if news.is_none() && !is_awaited && !grade_turned && pen.plan.last_boot_id == boot_id {
        return Ok(());
    }
    let carried_before = pen.plan.assessment.as_ref().is_some_and(Assessment::carries);
    pen.write(Fact::Looked {
        looked_at_ms,
        boot_id: boot_id.to_owned(),
        assessment: news.map(|it| Box::new(it.clone())),
    })?;
    disks::contradicted(pen)?;
    pen.turn_protection(it.protection, pen.cx.now_ms)?;
    if !pen.plan.ever_carried && matches!(it.condition, Condition::Carries | Condition::Embedded) {
        let products = shown(&it);
        pen.write(Fact::TargetSeen { products })?;
    }
    let is_idle = match pen.plan.phase {
        Phase::Unassessed | Phase::Unplanned | Phase::Planned | Phase::Queued | Phase::Blocked => true,
        Phase::Clear
        | Phase::Migrating
        | Phase::Rebooting
        | Phase::Verifying
        | Phase::Migrated
        | Phase::Handwork
        | Phase::Failed
        | Phase::Exempt
        | Phase::Concluded
        | Phase::OutOfScope
        | Phase::Retired => false,
    };
    if carried_before && it.is_free() && is_idle && pen.plan.last_failure.is_none() {
        pen.write(Fact::TargetVanished)?;
    }
    Ok(())
}

/// Whether something waits for a look of this time. One that says again what verifying already found wanting is no news,
/// however fresh.
fn is_awaited(pen: &Pen<'_>, looked_at_ms: i64) -> bool {
    if pen.plan.journal_fault.is_some() {
        return true;
    }
    let stop = pen.plan.last_failure.as_ref().and_then(|failure| failure.stop.as_ref());
    if let Some(Stop::Room { fresh_after_ms }) = stop
        && pen.plan.last_looked_ms <= Some(*fresh_after_ms)
        && looked_at_ms > *fresh_after_ms
    {
        return true;
    }
    match &pen.plan.verify {
        Some(Verify::FirstContact | Verify::LastContact) => true,
        Some(Verify::FirstLook { fresh_after_ms } | Verify::LastLook { fresh_after_ms }) => {
            looked_at_ms > *fresh_after_ms && pen.plan.reason.is_none()
        }
        Some(Verify::Soaking { .. }) | None => false,
    }
}

pub(super) fn shown(it: &Assessment) -> Vec<cutover_proto::ids::ProductId> {
    it.targets
        .iter()
        .map(|target| target.product.clone())
        .chain(it.embedded.iter().cloned())
        .collect()
}

/// A journal that is not to be trusted is settled by a look that began after the host was heard of with it. The looks so far
/// were not after `before_ms`.
fn journal(pen: &mut Pen<'_>, newest_ms: i64, before_ms: i64) -> Result<(), Refused> {
    if pen.plan.journal_fault.is_none() {
        return Ok(());
    }
    match pen.plan.journal_look_after_ms {
        None => {
            pen.effect(Effect::WantLook);
            pen.write(Fact::JournalMarked {
                fresh_after_ms: before_ms,
            })
        }
        Some(after_ms) if newest_ms > after_ms => pen.write(Fact::JournalSettled),
        Some(_) => Ok(()),
    }
}

/// An order is out. It is withdrawn if nobody has it and the host no longer needs or bears it, and asked to end where
/// the disks turn out to be encrypted.
pub(super) fn at_work(pen: &mut Pen<'_>) -> Result<(), Refused> {
    let Some(open) = &pen.plan.order else {
        return settle(pen);
    };
    let number = open.number;
    let forbidden = pen.plan.judged(pen.cx.now_ms).is_some_and(|it| it.encryption_forbids());
    if open.fetched_ms.is_none() {
        let (phase, _) = place(&pen.plan, pen.cx);
        if !matches!(phase, Phase::Queued | Phase::Planned) {
            order::withdraw(pen, number)?;
            return settle(pen);
        }
    } else if forbidden {
        order::cancel(pen, "the disks are, or may be, encrypted by the product that is to go")?;
    }
    Ok(())
}

/// A migrated host is watched on: for the target's return, and for its replacement's health.
pub(super) fn watch(pen: &mut Pen<'_>) -> Result<(), Refused> {
    let Some(it) = pen.plan.assessment.clone() else {
        return Ok(());
    };
    match it.condition {
        Condition::Carries | Condition::Embedded => {
            let products = shown(&it);
            let names: Vec<&str> = products.iter().map(cutover_proto::ids::ProductId::as_str).collect();
            let suspect = suspect(&it, pen.cx);
            pen.alarm(
                AlarmKind::Regression,
                format!(
                    "{} came back on {}; put back by: {}",
                    names.join(", "),
                    it.hostname,
                    suspect.text()
                ),
            );
            pen.write(Fact::Regressed {
                products,
                suspect: Some(suspect),
            })?;
            settle(pen)
        }
        Condition::Unknown => pen.go(Phase::Unassessed, look_failed(&it)),
        Condition::Remnant | Condition::Free => match it.replacement_fault() {
            None if pen.plan.unhealthy_since_ms.is_some() => pen.write(Fact::ProtectionRestored),
            None => Ok(()),
            Some(_) if pen.plan.unhealthy_since_ms.is_none() => pen.write(Fact::ProtectionDoubtful),
            Some(_) => Ok(()),
        },
    }
}

/// The replacement of a migrated host was not healthy for longer than the bound.
pub(super) fn protection_lost(pen: &mut Pen<'_>) -> Result<(), Refused> {
    let Some(it) = pen.plan.assessment.clone() else {
        return Ok(());
    };
    let Some(reason) = it.replacement_fault() else {
        return pen.write(Fact::ProtectionRestored);
    };
    pen.alarm(AlarmKind::ProtectionLost, format!("{}: {}", it.hostname, reason.text()));
    pen.write(Fact::ProtectionLost { reason })?;
    settle(pen)
}
