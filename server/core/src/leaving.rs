//! When a host's agent is asked to leave, and why one is not.
//!
//! Only a migrated host leaves, `retire` after it became so. One that is `clear` stays: nothing was proven there that would
//! end the watching, and its agent is what sees a target arrive.

use crate::{
    campaign::{Campaign, Mode, span, zone::utc},
    plan::{Phase, Plan},
    rollout::RunState,
};

/// Why an agent is not asked to leave.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Stays {
    /// The policy keeps it.
    Never,
    /// Nothing is asked of any host now.
    Halted(RunState),
    /// The campaign changes nothing on machines.
    Observes,
    /// The host is not done.
    NotMigrated(Phase),
    /// It is not time yet.
    Until(i64),
    /// Something holds the host, or is open there.
    Busy(&'static str),
}

impl Stays {
    /// For people.
    #[must_use]
    pub fn text(&self) -> String {
        match self {
            Self::Never => "its campaign keeps watching hosts that are done".to_owned(),
            Self::Halted(run) => format!("its campaign is {run}"),
            Self::Observes => "its campaign only observes".to_owned(),
            Self::NotMigrated(phase) => format!("it is {phase}, and only migrated hosts leave"),
            Self::Until(at_ms) => format!("it is watched until {}", utc(*at_ms)),
            Self::Busy(why) => (*why).to_owned(),
        }
    }
}

/// Why the agent of a host is not asked to leave; `None` where it is due. What only its agent can say (that it knows how,
/// that nothing is left to send) is asked beside this.
#[must_use]
pub fn stays(plan: &Plan, campaign: &Campaign, run: RunState, now_ms: i64) -> Option<Stays> {
    let Some(after) = campaign.policy.retire else {
        return Some(Stays::Never);
    };
    if run != RunState::Running {
        return Some(Stays::Halted(run));
    }
    if campaign.mode == Mode::Observe {
        return Some(Stays::Observes);
    }
    if plan.phase != Phase::Migrated {
        return Some(Stays::NotMigrated(plan.phase));
    }
    if let Some(why) = busy(plan) {
        return Some(Stays::Busy(why));
    }
    let due_ms = plan.phase_since_ms.saturating_add(span::ms(after));
    (now_ms < due_ms).then_some(Stays::Until(due_ms))
}

fn busy(plan: &Plan) -> Option<&'static str> {
    let cases = [
        (plan.order.is_some(), "a work order of it is open"),
        (!plan.holds.is_empty(), "it is held"),
        (plan.local_hold.is_some(), "a hold on the machine itself is set"),
        (plan.exemption.is_some(), "it is exempt"),
        (plan.pool.is_some(), "its machines come and go from an image"),
        (
            plan.rounds > 0,
            "its target came back after it was replaced, and nobody has said what put it there",
        ),
        (plan.unhealthy_since_ms.is_some(), "its replacement is not healthy"),
        (!plan.leftovers.is_empty(), "leftovers are still to be swept"),
        (plan.restart_owed.is_some(), "a restart is owed"),
        (plan.journal_fault.is_some(), "its journal cannot be trusted"),
        (plan.stale, "it was not heard of for long"),
    ];
    cases.into_iter().find_map(|(is_so, why)| is_so.then_some(why))
}
