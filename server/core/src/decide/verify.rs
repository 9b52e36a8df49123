//! Verifying: a fresh look, a soak, and a fresh look again must show that the target is gone and that an approved
//! replacement is healthy. Fresh means newer, by the host's clock, than everything known when it was asked for.

use std::borrow::Cow;

use super::{
    Effect, Fact, Refused,
    pen::Pen,
    place::{look_failed, settle},
    restart,
};
use crate::{
    campaign::span,
    catalog::ComposeError,
    judge::{Assessment, Condition},
    plan::{Origin, Phase, Verify},
};

/// The host was heard of; `newest_ms` is its newest look.
pub(super) fn seen(pen: &mut Pen<'_>, newest_ms: i64) -> Result<(), Refused> {
    let Some(verify) = pen.plan.verify.clone() else {
        return turn(pen, Verify::FirstContact);
    };
    match verify {
        Verify::FirstContact => want(
            pen,
            Verify::FirstLook {
                fresh_after_ms: newest_ms,
            },
        ),
        Verify::FirstLook { fresh_after_ms } if newest_ms > fresh_after_ms => {
            if holds(pen)? {
                let soak_ms = span::ms(pen.cx.campaign.policy.soak);
                if soak_ms == 0 {
                    return done(pen);
                }
                return turn(
                    pen,
                    Verify::Soaking {
                        until_ms: pen.cx.now_ms.saturating_add(soak_ms),
                    },
                );
            }
            Ok(())
        }
        Verify::Soaking { until_ms } => {
            if holds(pen)? && pen.cx.now_ms >= until_ms {
                return want(
                    pen,
                    Verify::LastLook {
                        fresh_after_ms: newest_ms,
                    },
                );
            }
            Ok(())
        }
        // What came with it may show that the soak did not hold to its end.
        Verify::LastContact => {
            if holds(pen)? {
                return want(
                    pen,
                    Verify::LastLook {
                        fresh_after_ms: newest_ms,
                    },
                );
            }
            Ok(())
        }
        Verify::LastLook { fresh_after_ms } if newest_ms > fresh_after_ms => {
            if holds(pen)? {
                return done(pen);
            }
            Ok(())
        }
        Verify::FirstLook { .. } | Verify::LastLook { .. } => Ok(()),
    }
}

fn turn(pen: &mut Pen<'_>, verify: Verify) -> Result<(), Refused> {
    pen.write(Fact::VerifyTurned { verify })
}

fn want(pen: &mut Pen<'_>, verify: Verify) -> Result<(), Refused> {
    pen.effect(Effect::WantLook);
    turn(pen, verify)
}

fn done(pen: &mut Pen<'_>) -> Result<(), Refused> {
    pen.go(Phase::Migrated, None)
}

/// Whether both halves hold by the newest look. Where they do not, says so, and takes verifying back to its first look or
/// the plan to where it belongs.
fn holds(pen: &mut Pen<'_>) -> Result<bool, Refused> {
    let Some(it) = pen.plan.judged(pen.cx.now_ms).map(Cow::into_owned) else {
        return Ok(false);
    };
    match it.condition {
        // What is left others remove, and the order left it to them.
        Condition::Carries if pen.plan.origin == Some(Origin::Order) && is_ours_done(pen, &it) => {
            settle(pen)?;
            return Ok(false);
        }
        Condition::Carries => {
            let names: Vec<&str> = it.targets.iter().map(|target| target.product.as_str()).collect();
            not_confirmed(pen, format!("{} is still there", names.join(", ")))?;
            return Ok(false);
        }
        Condition::Embedded => {
            settle(pen)?;
            return Ok(false);
        }
        Condition::Unknown => {
            start_over(pen)?;
            pen.turn_reason(look_failed(&it))?;
            return Ok(false);
        }
        Condition::Remnant | Condition::Free => {}
    }
    match it.replacement_fault() {
        None if restart::is_owed(&pen.plan, &it) => {
            settle(pen)?;
            Ok(false)
        }
        None => {
            if pen.plan.unhealthy_since_ms.is_some() {
                pen.write(Fact::ProtectionRestored)?;
            }
            pen.turn_reason(None)?;
            Ok(true)
        }
        Some(fault) => {
            start_over(pen)?;
            pen.turn_reason(Some(fault))?;
            if pen.plan.unhealthy_since_ms.is_none() {
                pen.write(Fact::ProtectionDoubtful)?;
            }
            Ok(false)
        }
    }
}

/// Whether nothing that is left on the host is for an order of ours.
fn is_ours_done(pen: &Pen<'_>, it: &Assessment) -> bool {
    let steps = |product| restart::steps(&pen.plan, it, product, pen.cx);
    let composed = it.replacement.as_ref().map(|seen| steps(&seen.product));
    matches!(composed, Some(Err(ComposeError::ByOthers(_))))
}

/// What was seen so far counts no longer.
fn start_over(pen: &mut Pen<'_>) -> Result<(), Refused> {
    match &pen.plan.verify {
        Some(Verify::Soaking { .. } | Verify::LastContact | Verify::LastLook { .. }) => {
            let fresh_after_ms = pen.plan.last_looked_ms.unwrap_or(i64::MIN);
            want(pen, Verify::FirstLook { fresh_after_ms })
        }
        Some(Verify::FirstContact | Verify::FirstLook { .. }) | None => Ok(()),
    }
}

/// The work is not done after all: an attempt of ours is used up, and the plan goes where it belongs.
fn not_confirmed(pen: &mut Pen<'_>, why: String) -> Result<(), Refused> {
    let used_attempt = pen.plan.origin == Some(Origin::Order);
    pen.write(Fact::NotConfirmed { why, used_attempt })?;
    settle(pen)?;
    if used_attempt {
        super::order::set_retry(pen, false)
    } else {
        Ok(())
    }
}

/// The replacement was not healthy for longer than the bound.
pub(super) fn out_of_time(pen: &mut Pen<'_>) -> Result<(), Refused> {
    let fault = pen.plan.assessment.as_ref().and_then(Assessment::replacement_fault);
    match fault {
        None => pen.write(Fact::ProtectionRestored),
        Some(fault) => not_confirmed(pen, fault.text()),
    }
}
