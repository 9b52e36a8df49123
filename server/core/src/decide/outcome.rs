//! What came of orders of ours: for the gate and the breaker of the wave in which they were issued.
//!
//! | fact | outcome |
//! |---|---|
//! | an order is issued | under-way, in this wave and round; what counts against the host in this very round stays |
//! | it ends silent | dark; not-back where a restart was due |
//! | it ends because a file of the campaign's is not what it states, and uses no attempt | unfit |
//! | it ends otherwise and uses an attempt, or the looks do not confirm it | failed |
//! | the host enrols anew or leaves, with an order that it fetched or whose work was being verified | dark |
//! | the host goes stale with one | dark |
//! | the order ends without having used an attempt, or its work is no longer verified | what it was before |
//! | migrated by an order of ours, or after silence alone | succeeded |
//! | the target comes back, or protection is lost, after that | failed |

use crate::{
    plan::{OrderEnd, Origin, Phase, Plan, Stop, Tried},
    rollout::Outcome,
};

use super::Fact;

/// What counts of a plan as it was before a fact.
#[derive(Debug, Clone, Copy)]
pub(super) struct Before {
    phase: Phase,
    has_order: bool,
    was_fetched: bool,
}

impl Before {
    pub(super) fn of(plan: &Plan) -> Self {
        Self {
            phase: plan.phase,
            has_order: plan.order.is_some(),
            was_fetched: plan.order.as_ref().is_some_and(|order| order.fetched_ms.is_some()),
        }
    }
}

/// Turns the outcome of a plan by a fact that was applied to it.
pub(super) fn turn(before: Before, plan: &mut Plan, fact: &Fact) {
    let was_fetched = before.was_fetched;
    let is_under_way = plan.outcome == Outcome::UnderWay;
    // An order that nobody fetched is withdrawn in its own time.
    let is_lost = matches!(fact, Fact::Enrolled { .. })
        || (matches!(fact, Fact::WentStale { .. }) && (was_fetched || !before.has_order));
    let is_undone = matches!(fact, Fact::Regressed { .. } | Fact::ProtectionLost { .. });
    if let Fact::OrderIssued { round, .. } = fact {
        begin(plan, *round);
    } else if let Fact::OrderEnded {
        used_attempt: false,
        stop: Some(Stop::Unfit { .. }),
        ..
    } = fact
    {
        settle(plan, Outcome::Unfit);
    } else if let Fact::OrderEnded { end, used_attempt, .. } = fact {
        match end {
            // Its work is to be verified.
            OrderEnd::Completed => {}
            OrderEnd::Silent if before.phase == Phase::Rebooting => settle(plan, Outcome::NotBack),
            OrderEnd::Silent => settle(plan, Outcome::Dark),
            // How far it came will not be known.
            OrderEnd::Abandoned if was_fetched => settle(plan, Outcome::Dark),
            OrderEnd::Failed | OrderEnd::Refused | OrderEnd::Interrupted | OrderEnd::JournalLost if *used_attempt => {
                settle(plan, Outcome::Failed);
            }
            OrderEnd::Failed
            | OrderEnd::Refused
            | OrderEnd::Interrupted
            | OrderEnd::JournalLost
            | OrderEnd::Cancelled
            | OrderEnd::Withdrawn
            | OrderEnd::Abandoned => go_back(plan),
        }
    } else if let Fact::NotConfirmed { used_attempt: true, .. } = fact {
        settle(plan, Outcome::Failed);
    } else if is_under_way && is_lost {
        settle(plan, Outcome::Dark);
    } else if is_undone && plan.outcome == Outcome::Succeeded {
        settle(plan, Outcome::Failed);
    } else if let Fact::Moved { to, .. } = fact {
        moved(plan, *to);
    }
}

fn begin(plan: &mut Plan, round: u32) {
    if plan.outcome.is_against() && plan.round == round && plan.tried_in == plan.wave {
        return;
    }
    plan.tried_before = Some(Tried {
        outcome: plan.outcome,
        wave: std::mem::replace(&mut plan.tried_in, plan.wave.clone()),
        round: std::mem::replace(&mut plan.round, round),
    });
    plan.outcome = Outcome::UnderWay;
}

fn settle(plan: &mut Plan, outcome: Outcome) {
    if plan.outcome == Outcome::None {
        // An order of a server that kept no outcomes.
        plan.tried_in.clone_from(&plan.wave);
    }
    plan.outcome = outcome;
    plan.tried_before = None;
}

fn go_back(plan: &mut Plan) {
    if plan.outcome == Outcome::UnderWay {
        let Tried { outcome, wave, round } = plan.tried_before.take().unwrap_or_default();
        (plan.outcome, plan.tried_in, plan.round) = (outcome, wave, round);
    }
}

fn moved(plan: &mut Plan, to: Phase) {
    match (to, plan.origin) {
        (Phase::Migrating | Phase::Rebooting | Phase::Verifying, _) => {}
        (Phase::Migrated, Some(Origin::Order)) => settle(plan, Outcome::Succeeded),
        // Nobody can say who did it, and silence was all that was held against our order.
        (Phase::Migrated, Some(Origin::Unclear)) if plan.outcome == Outcome::Dark => settle(plan, Outcome::Succeeded),
        // What was removed and not yet verified will not be.
        (Phase::Retired, _) if plan.outcome == Outcome::UnderWay => settle(plan, Outcome::Dark),
        (
            Phase::Migrated
            | Phase::Retired
            | Phase::Unassessed
            | Phase::Clear
            | Phase::Unplanned
            | Phase::Planned
            | Phase::Queued
            | Phase::Blocked
            | Phase::Handwork
            | Phase::Failed
            | Phase::Exempt
            | Phase::Concluded
            | Phase::OutOfScope,
            _,
        ) => go_back(plan),
    }
}
