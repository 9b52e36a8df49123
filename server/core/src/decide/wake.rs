//! The plan's wake is due: everything whose time has come, in one go.

use cutover_proto::verdict::Protection;

use super::{AlarmKind, Cx, Effect, Fact, Refused, disks, drain, look, notice, order, pen::Pen, place::settle, verify};
use crate::{
    campaign::span,
    plan::{HoldKind, OrderEnd, Phase, Reason, Verify},
    waiting::{self, WakeKind},
};

/// Each kind is handled at most once a wake; what a handling makes due anew comes with the next.
pub(super) fn woke(pen: &mut Pen<'_>, last_seen_ms: i64) -> Result<(), Refused> {
    for kind in WakeKind::ALL {
        if is_due(pen, *kind, last_seen_ms) {
            handle(pen, *kind, last_seen_ms)?;
        }
    }
    Ok(())
}

fn is_due(pen: &Pen<'_>, kind: WakeKind, last_seen_ms: i64) -> bool {
    let Cx {
        campaign,
        outages,
        now_ms,
        ..
    } = pen.cx;
    waiting::wakes(&pen.plan, last_seen_ms, campaign, outages)
        .iter()
        .any(|wake| wake.kind == kind && wake.at_ms <= *now_ms)
}

fn handle(pen: &mut Pen<'_>, kind: WakeKind, last_seen_ms: i64) -> Result<(), Refused> {
    match kind {
        WakeKind::Hold => lift_ended_holds(pen),
        WakeKind::Exemption => {
            pen.write(Fact::ExemptionEnded { by: None, why: None })?;
            settle(pen)
        }
        WakeKind::Disks => disks::over(pen),
        WakeKind::Fetch => {
            if let Some(number) = pen.plan.order.as_ref().map(|order| order.number) {
                order::withdraw(pen, number)?;
            }
            settle(pen)
        }
        WakeKind::Silence => {
            order::end(
                pen,
                OrderEnd::Silent,
                None,
                "nothing was heard of the order".to_owned(),
                true,
            )?;
            settle(pen)?;
            order::set_retry(pen, false)
        }
        WakeKind::Restart => {
            let reason = Reason::RestartOverdue {
                since_ms: pen.plan.phase_since_ms,
            };
            order::end(
                pen,
                OrderEnd::Silent,
                None,
                "it did not come back from a restart".to_owned(),
                true,
            )?;
            pen.go(Phase::Handwork, Some(reason))
        }
        WakeKind::Retry => pen.write(Fact::RetryDue),
        WakeKind::Notice => notice::due(pen),
        WakeKind::Drain => drain::due(pen),
        WakeKind::Soak => {
            pen.effect(Effect::Nudge);
            pen.write(Fact::VerifyTurned {
                verify: Verify::LastContact,
            })
        }
        WakeKind::Protection if pen.plan.phase == Phase::Verifying => verify::out_of_time(pen),
        WakeKind::Protection => look::protection_lost(pen),
        WakeKind::Gap => gap_exceeded(pen),
        WakeKind::Handwork => handwork_overdue(pen),
        WakeKind::AgentLost => pen.write(Fact::AgentPerhapsLost {
            last_seen_ms,
            products: pen.plan.assessment.as_ref().map_or_else(Vec::new, look::shown),
        }),
        WakeKind::Stale => {
            pen.write(Fact::WentStale { last_seen_ms })?;
            pen.turn_protection(Protection::Unobserved, last_seen_ms)
        }
    }
}

/// What the order was to bring did not come in time. The plan stays where it is: its own limits move it.
fn gap_exceeded(pen: &mut Pen<'_>) -> Result<(), Refused> {
    let Some(gap) = pen.plan.gap else {
        return Ok(());
    };
    let host = pen
        .plan
        .assessment
        .as_ref()
        .map_or("the host", |it| it.hostname.as_str());
    let text = format!(
        "{host} has been without protection since {}, longer than the {} that the recipe bears; see why its order does not go on",
        crate::campaign::zone::utc(gap.since_ms),
        span::words(gap.bound_ms)
    );
    pen.alarm(AlarmKind::Unprotected, text);
    pen.write(Fact::GapExceeded)
}

/// The plan stays where it is: only the person, or a look, moves it.
fn handwork_overdue(pen: &mut Pen<'_>) -> Result<(), Refused> {
    let Some(due_ms) = pen.plan.handwork_due_ms(pen.cx.campaign) else {
        return Ok(());
    };
    let assessment = pen.plan.assessment.as_ref();
    let host = assessment.map_or("the host", |it| it.hostname.as_str());
    let handwork = pen
        .plan
        .handwork_text(pen.cx.campaign, pen.cx.now_ms)
        .unwrap_or_default();
    let remedy = pen.plan.reason.as_ref().map(Reason::remedy).unwrap_or_default();
    pen.alarm(AlarmKind::HandworkOverdue, format!("{host}: {handwork}; {remedy}"));
    pen.write(Fact::HandworkOverdue { due_ms })
}

fn lift_ended_holds(pen: &mut Pen<'_>) -> Result<(), Refused> {
    let now_ms = pen.cx.now_ms;
    let ended: Vec<HoldKind> = pen
        .plan
        .holds
        .values()
        .filter(|hold| hold.until_ms.is_some_and(|until| until <= now_ms))
        .map(|hold| hold.kind)
        .collect();
    for kind in ended {
        pen.write(Fact::HoldLifted { kind, by: None })?;
    }
    Ok(())
}
