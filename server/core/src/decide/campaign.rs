//! What the campaign's own changes do to a plan: a new version, an opened wave, a pause, a stop.

use super::{Fact, Input, Refused, disks, look, order, pen::Pen, place::settle};
use crate::{
    judge::Assessment,
    plan::Phase,
    rollout::{RunState, WaveState},
};

pub(super) fn wave_opened(pen: &mut Pen<'_>) -> Result<(), Refused> {
    let state = pen.cx.waves.state(&pen.plan.wave);
    match state {
        WaveState::Open => {}
        WaveState::Closed | WaveState::Paused => {
            return Err(pen.refuse(format!("wave {} is {state} by its row; open that first", pen.plan.wave)));
        }
    }
    if pen.plan.phase == Phase::Planned {
        settle(pen)
    } else {
        Ok(())
    }
}

pub(super) fn campaign_changed(pen: &mut Pen<'_>, assessment: Option<&Assessment>) -> Result<(), Refused> {
    let version = pen.cx.campaign.version;
    let news = assessment.filter(|it| pen.plan.assessment.as_ref() != Some(it));
    if pen.plan.campaign_version != version || news.is_some() {
        pen.write(Fact::CampaignChanged {
            version,
            assessment: news.map(|it| Box::new(it.clone())),
        })?;
    }
    disks::contradicted(pen)?;
    // What a grade counts as may have changed with the campaign.
    let (grade, now_ms) = (pen.plan.account.grade, pen.cx.now_ms);
    pen.turn_protection(grade, now_ms)?;
    if let Some(it) = &pen.plan.assessment
        && it.carries()
        && !pen.plan.ever_carried
    {
        let products = it.targets.iter().map(|target| target.product.clone()).collect();
        pen.write(Fact::TargetSeen { products })?;
    }
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
        Phase::Handwork if pen.plan.is_persons_to_end() => Ok(()),
        Phase::Handwork => settle(pen),
        // A wider definition is no regression: nobody put anything back.
        Phase::Migrated if pen.plan.assessment.as_ref().is_some_and(Assessment::carries) => settle(pen),
        Phase::Migrated => look::watch(pen),
        // The order's end, or the look that is awaited, decides under the new version.
        Phase::Migrating | Phase::Rebooting | Phase::Verifying | Phase::Concluded | Phase::Retired => Ok(()),
    }
}

/// The campaign was paused or stopped. What no host has is taken back; what a host has ends at its next safe point,
/// unless the campaign is only paused.
pub(super) fn halted(pen: &mut Pen<'_>) -> Result<(), Refused> {
    let run = pen.cx.run;
    let is_with_host = pen.plan.order.as_ref().is_some_and(|order| order.fetched_ms.is_some());
    match run {
        RunState::Running => return Err(pen.refuse("the campaign runs by its row; pause or stop that first")),
        RunState::Paused if is_with_host => return Ok(()),
        RunState::Paused | RunState::Stopped | RunState::Closed => {}
    }
    order::cancel(pen, &format!("the campaign is {run}"))?;
    if pen.plan.phase.has_order() {
        settle(pen)
    } else {
        Ok(())
    }
}

/// Once the campaign is closed its plans stand as they stood then: what hosts and time bring moves none any more, and what
/// people ask is refused. What a host said since is in its inventories.
pub(super) fn closed(pen: &Pen<'_>, input: &Input) -> Result<(), Refused> {
    match input {
        Input::Enrolled { .. }
        | Input::Described { .. }
        | Input::Forked { .. }
        | Input::Pooled(_)
        | Input::Looked { .. }
        | Input::CheckedIn { .. }
        | Input::OrderFetched { .. }
        | Input::Recorded(_)
        | Input::Woke { .. }
        | Input::WaveOpened
        | Input::Halted
        | Input::CampaignChanged { .. }
        | Input::HeldLocally { .. }
        | Input::SaidSteps { .. }
        | Input::Notified(_)
        | Input::StartPutOff { .. }
        | Input::JournalDistrusted { .. }
        | Input::Forecast { .. }
        | Input::Concluded => Ok(()),
        Input::Approved { .. }
        | Input::ApprovedByName { .. }
        | Input::Started { .. }
        | Input::HoldPlaced(_)
        | Input::HoldLifted { .. }
        | Input::Drain(_)
        | Input::Exempted(_)
        | Input::ExemptionRevoked { .. }
        | Input::DisksAttested(_)
        | Input::DisksWithdrawn { .. }
        | Input::Retried { .. }
        | Input::HandworkAssigned { .. }
        | Input::HandworkDone { .. }
        | Input::Retired { .. } => Err(pen.refuse("the campaign is closed; nothing of it changes any more")),
    }
}
