//! Which wave a plan is in, and whether the duty reaches its host: both follow from the campaign and from what is known.

use super::{Cx, Fact, Refused, order, pen::Pen, place::settle};
use crate::{
    campaign::{LateJoiners, Wave},
    plan::{Known, Phase},
    rollout::WaveState,
};

/// People or records say something else of the host than before.
pub(super) fn described(pen: &mut Pen<'_>, known: &Known) -> Result<(), Refused> {
    if pen.plan.is_closed() || pen.plan.known == *known {
        return Ok(());
    }
    pen.write(Fact::Described { known: known.clone() })?;
    if let Some(ownership) = known.ownership.filter(|it| !it.is_ours()) {
        order::cancel(pen, &format!("the machine is not the organisation's ({ownership})"))?;
    }
    let rule_before = pen.plan.scoped_out_by.clone();
    scope(pen)?;
    if pen.plan.scoped_out_by != rule_before || pen.plan.phase.has_order() {
        // Does nothing while an order is out.
        return settle(pen);
    }
    match pen.plan.phase {
        Phase::Migrating | Phase::Rebooting | Phase::Verifying | Phase::Migrated => Ok(()),
        Phase::Handwork if pen.plan.is_persons_to_end() => Ok(()),
        Phase::Unassessed
        | Phase::Clear
        | Phase::Unplanned
        | Phase::Planned
        | Phase::Queued
        | Phase::Blocked
        | Phase::Handwork
        | Phase::Failed
        | Phase::Exempt
        | Phase::OutOfScope
        | Phase::Concluded
        | Phase::Retired => settle(pen),
    }
}

/// Takes a plan without an order to its wave, and in or out of scope.
pub(super) fn regroup(pen: &mut Pen<'_>) -> Result<(), Refused> {
    scope(pen)?;
    let wave = pen.cx.campaign.wave_of(&pen.plan.traits());
    if pen.plan.wave == wave && pen.plan.site == pen.plan.known.site {
        return Ok(());
    }
    let is_late_joiner = if pen.plan.wave == wave {
        pen.plan.is_late_joiner
    } else {
        joins_late(pen.cx, wave)
    };
    let (wave, site) = (wave.to_owned(), pen.plan.known.site.clone());
    pen.write(Fact::Grouped {
        wave,
        site,
        is_late_joiner,
    })
}

/// Whether a host that comes into the wave now comes late, and the wave makes a difference of it.
pub(super) fn joins_late(cx: &Cx<'_>, wave: &str) -> bool {
    let is_begun = match cx.waves.state(wave) {
        WaveState::Open | WaveState::Paused => true,
        WaveState::Closed => false,
    };
    let asks = |wave: &Wave| wave.late_joiners == LateJoiners::Approve;
    is_begun && cx.campaign.wave(wave).is_some_and(asks)
}

/// In or out of scope. An order that is out ends where the duty turns out not to reach the host.
fn scope(pen: &mut Pen<'_>) -> Result<(), Refused> {
    let rule = pen.cx.campaign.scope_rule_for(&pen.plan.traits());
    let rule = rule.map(|rule| rule.name.clone());
    if pen.plan.scoped_out_by == rule {
        return Ok(());
    }
    let why = rule
        .as_ref()
        .map(|rule| format!("rule `{rule}` leaves the host out of scope"));
    pen.write(Fact::ScopeTurned { rule })?;
    match why {
        Some(why) => order::cancel(pen, &why),
        None => Ok(()),
    }
}
