//! Another system drains a host before its order and is told to release it after: asked, answered, released, and what is
//! late of that.

use super::{AlarmKind, Effect, Fact, Refused, pen::Pen};
use crate::{
    drain::{draining_in, places, to_ask},
    plan::{DrainState, DrainTurn, OrderEnd, Personal, Phase, Plan},
    rollout::{BreakerState, RunState, WaveState, is_first_place, slots},
    waiting::hours,
};

/// What whoever drains hosts says of one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum DrainWord {
    /// Whether it is drained.
    Answered {
        /// Which drain of the host; `None`: the present one.
        number: Option<u32>,
        /// Whether it is.
        drained: bool,
        /// In which change over there.
        change: Option<String>,
        /// The person who says so; `None` where the system does.
        by: Option<Personal>,
    },
    /// It was released.
    Released {
        /// Which drain of the host; `None`: the present one.
        number: Option<u32>,
        /// The person who says so; `None` where the system took it.
        by: Option<Personal>,
    },
}

/// The host's turn has come, and somebody must drain it first: asks for that. `false` where nobody need.
pub(super) fn ask_first(pen: &mut Pen<'_>) -> Result<bool, Refused> {
    if let Some(drain) = &pen.plan.drain {
        return if drain.is_drained() {
            Ok(false)
        } else {
            Err(pen.refuse(drain.text()))
        };
    }
    let Some(rule) = to_ask(&pen.plan, pen.cx.campaign) else {
        return Ok(false);
    };
    let slots = places(&pen.plan, slots(&pen.plan, pen.cx.campaign));
    let (name, number) = (rule.name.clone(), pen.plan.drains + 1);
    pen.write(Fact::DrainTurned {
        turn: DrainTurn::Asked {
            name,
            number,
            ask: 1,
            slots: slots.iter().map(|slot| slot.name.clone()).collect(),
        },
    })?;
    pen.effect(Effect::AskDrain { slots });
    Ok(true)
}

/// Of what a drained host holds, what its order holds from here on, and what its beginning gives back.
pub(super) fn handed_over(plan: &Plan) -> (Vec<String>, Vec<String>) {
    let held = plan.drain.iter().flat_map(|drain| &drain.slots);
    let of = |is_such: &dyn Fn(&str) -> bool| held.clone().filter(|slot| is_such(slot)).cloned().collect();
    (of(&is_first_place), of(&|slot| draining_in(slot).is_some()))
}

pub(super) fn said(pen: &mut Pen<'_>, word: &DrainWord) -> Result<(), Refused> {
    match word {
        DrainWord::Answered {
            number,
            drained,
            change,
            by,
        } => answered(pen, *number, *drained, change.as_ref(), by.as_ref()),
        DrainWord::Released { number, by } => released(pen, *number, by.as_ref()),
    }
}

fn answered(
    pen: &mut Pen<'_>,
    number: Option<u32>,
    drained: bool,
    change: Option<&String>,
    by: Option<&Personal>,
) -> Result<(), Refused> {
    let Some(drain) = &pen.plan.drain else {
        return late(pen, by, "nobody was asked to drain it; see `cutover why`");
    };
    if number.is_some_and(|number| number != drain.number) {
        return late(pen, by, "that is of an earlier drain, which is over; see `cutover why`");
    }
    match &drain.state {
        DrainState::Asked | DrainState::Refused { .. } => {}
        DrainState::Drained { .. } if drained => return Ok(()),
        DrainState::Drained { .. } => {
            return late(
                pen,
                by,
                "it was said to be drained; say that it is released (cutover hosts released), or hold it",
            );
        }
        DrainState::Releasing { .. } => return late(pen, by, "it is being released; it is asked for anew after that"),
    }
    pen.write(Fact::DrainTurned {
        turn: DrainTurn::Answered {
            drained,
            change: change.cloned(),
            by: by.cloned(),
        },
    })?;
    if !drained {
        alarm_waits(pen)?;
    }
    Ok(())
}

fn released(pen: &mut Pen<'_>, number: Option<u32>, by: Option<&Personal>) -> Result<(), Refused> {
    let Some(drain) = &pen.plan.drain else {
        return late(pen, by, "it is not drained");
    };
    if number.is_some_and(|number| number != drain.number) {
        return late(pen, by, "that is of an earlier drain, which is over; see `cutover why`");
    }
    if pen.plan.order.is_some() {
        return Err(
            pen.refuse("its work order is out, and it must stay drained until that has ended; hold it to end it")
        );
    }
    let slots = drain.slots.clone();
    pen.write(Fact::DrainTurned {
        turn: DrainTurn::Released { by: by.cloned() },
    })?;
    pen.effect(Effect::GiveBack { slots });
    Ok(())
}

/// What comes late from a system is no news; a person is told.
fn late(pen: &Pen<'_>, by: Option<&Personal>, why: &str) -> Result<(), Refused> {
    match by {
        Some(_) => Err(pen.refuse(why)),
        None => Ok(()),
    }
}

/// Nobody answered in time, or it is drained for long.
pub(super) fn due(pen: &mut Pen<'_>) -> Result<(), Refused> {
    let Some(drain) = &pen.plan.drain else {
        return Ok(());
    };
    match &drain.state {
        DrainState::Asked | DrainState::Refused { .. } => {
            let turn = DrainTurn::Asked {
                name: drain.name.clone(),
                number: drain.number,
                ask: drain.asks + 1,
                slots: Vec::new(),
            };
            alarm_waits(pen)?;
            pen.write(Fact::DrainTurned { turn })?;
            pen.effect(Effect::AskDrain { slots: Vec::new() });
            Ok(())
        }
        DrainState::Drained { .. } | DrainState::Releasing { .. } => {
            let text = format!(
                "{}: {}; see that it is released (cutover hosts released HOST says that it is)",
                host(pen),
                drain.text()
            );
            pen.alarm(AlarmKind::NotReleased, text);
            pen.write(Fact::DrainTurned {
                turn: DrainTurn::Overdue,
            })
        }
    }
}

/// People are told once that it waits.
fn alarm_waits(pen: &mut Pen<'_>) -> Result<(), Refused> {
    let Some(drain) = pen.plan.drain.as_ref().filter(|drain| !drain.told) else {
        return Ok(());
    };
    let text = format!(
        "{}: {}; nothing starts there before it is drained: see to it there, or say so (cutover hosts drained HOST)",
        host(pen),
        drain.text()
    );
    pen.alarm(AlarmKind::NotDrained, text);
    pen.write(Fact::DrainTurned {
        turn: DrainTurn::Overdue,
    })
}

fn host(pen: &Pen<'_>) -> String {
    let assessment = pen.plan.assessment.as_ref();
    assessment.map_or_else(|| pen.plan.host_id.to_string(), |it| it.hostname.clone())
}

/// What follows of any decision: a host of which the work is over, or does not come, is released.
pub(super) fn follow(pen: &mut Pen<'_>) -> Result<(), Refused> {
    let is_open = pen
        .plan
        .drain
        .as_ref()
        .is_some_and(|drain| !matches!(drain.state, DrainState::Releasing { .. }));
    let Some(why) = is_over(pen).filter(|_| is_open) else {
        return Ok(());
    };
    pen.write(Fact::DrainTurned {
        turn: DrainTurn::Releasing { why },
    })?;
    pen.effect(Effect::ReleaseDrained);
    Ok(())
}

/// Why it need not stay drained; `None` where it must.
fn is_over(pen: &Pen<'_>) -> Option<String> {
    let plan = &pen.plan;
    if plan.order.is_some() {
        return None;
    }
    let taken_back = pen.written().iter().any(|event| {
        matches!(
            event.fact,
            Fact::OrderEnded {
                end: OrderEnd::Withdrawn,
                ..
            }
        )
    });
    if taken_back {
        return Some("its order was taken back before the host fetched it".to_owned());
    }
    if let Some(hold) = plan.holds.values().next() {
        return Some(format!("it is held ({})", hold.kind));
    }
    match plan.phase {
        Phase::Queued => cannot_start(pen),
        Phase::Migrating | Phase::Rebooting | Phase::Verifying => None,
        Phase::Migrated => Some("it is migrated".to_owned()),
        phase @ (Phase::Unassessed
        | Phase::Clear
        | Phase::Unplanned
        | Phase::Planned
        | Phase::Blocked
        | Phase::Handwork
        | Phase::Failed
        | Phase::Exempt
        | Phase::Concluded
        | Phase::OutOfScope
        | Phase::Retired) => Some(format!("it is {phase}")),
    }
}

/// Why a queued host does not start soon.
fn cannot_start(pen: &Pen<'_>) -> Option<String> {
    let (plan, cx) = (&pen.plan, pen.cx);
    if plan.local_hold.is_some() {
        return Some("it holds itself".to_owned());
    }
    if plan.stale {
        return Some("it is not heard of any more".to_owned());
    }
    if cx.run != RunState::Running {
        return Some(format!("the campaign is {}", cx.run));
    }
    let is_halted = matches!(cx.breakers.of(&plan.wave).state, BreakerState::Tripped(_));
    if is_halted || cx.waves.state(&plan.wave) != WaveState::Open {
        return Some(format!("wave {} is halted or paused", plan.wave));
    }
    if plan.executor(cx.campaign).is_some() {
        return Some("others do the work".to_owned());
    }
    if plan.notices.put_off_ms.is_some_and(|until_ms| until_ms > cx.now_ms) {
        return Some("its user put the start off".to_owned());
    }
    let drain = plan.drain.as_ref()?;
    let named = cx.campaign.drain_for(&plan.traits()).map(|rule| &rule.name);
    if !drain.is_drained() && named != Some(&drain.name) {
        return Some("the campaign no longer has it drained there".to_owned());
    }
    // A machine without protection is not put back to work for the night.
    let is_half_done = plan.gap.is_some() || plan.restart_owed.is_some();
    let closed = hours(plan, cx.campaign, cx.now_ms).filter(|_| !is_half_done)?;
    Some(closed.text())
}
