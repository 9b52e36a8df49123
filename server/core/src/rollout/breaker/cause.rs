//! Why a wave is halted.

use serde::{Deserialize, Serialize};

use crate::{
    plan::Owner,
    rollout::{
        Gate, Left, Rate, Tally,
        gate::{Success, shows},
    },
};

/// The second host that does not come back from a restart halts its wave: one may be a broken power supply.
const NOT_BACK: u32 = 2;

/// The second host that gets another file than its order states halts its wave: one may have a broken network.
const UNFIT: u32 = 2;

/// Why a wave is halted.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "kebab-case")]
pub enum Cause {
    /// Hosts did not come back from a restart.
    NotBack {
        /// So many.
        hosts: u32,
    },
    /// A file of the campaign's is not what its orders state.
    Unfit {
        /// On so many hosts.
        hosts: u32,
    },
    /// Too many failed.
    Failures {
        /// So many.
        failed: u32,
        /// No more than so many may.
        most: u32,
    },
    /// Too many are not heard of any more.
    Dark {
        /// So many.
        gone: u32,
        /// No more than so many may be.
        most: u32,
    },
    /// The sample shows that fewer succeed than must.
    ShownBelow {
        /// So many succeeded.
        succeeded: u32,
        /// Of so many.
        settled: u32,
        /// This rate must.
        success: Rate,
        /// At this confidence.
        confidence: Rate,
    },
    /// Too few would have succeeded even if every host that is left did.
    OutOfReach {
        /// So many count against the wave for good.
        against: u32,
        /// Of so many hosts in all.
        hosts: u32,
        /// This rate must succeed.
        success: Rate,
    },
    /// Of the few hosts that a reset let through, some did not succeed.
    HalfOpen {
        /// So many failed.
        failed: u32,
        /// So many are not heard of any more.
        gone: u32,
    },
}

/// Why a wave must halt, by what its hosts came to in the present round. Without a gate only restarts halt it.
#[must_use]
pub fn breach(gate: Option<&Gate>, tally: &Tally, left: Left) -> Option<Cause> {
    if tally.not_back >= NOT_BACK {
        return Some(Cause::NotBack { hosts: tally.not_back });
    }
    if tally.unfit >= UNFIT {
        return Some(Cause::Unfit { hosts: tally.unfit });
    }
    let gate = gate?;
    if let Some(most) = gate.most_failures.filter(|most| tally.failed > *most) {
        return Some(Cause::Failures {
            failed: tally.failed,
            most,
        });
    }
    if let Some(most) = gate.most_dark.filter(|most| tally.gone() > *most) {
        return Some(Cause::Dark {
            gone: tally.gone(),
            most,
        });
    }
    gate.success.and_then(|success| below(success, tally, left))
}

fn below(success: Success, tally: &Tally, left: Left) -> Option<Cause> {
    let Success { rate, confidence } = success;
    // The same wager the other way round: that more than the rest does not succeed.
    if shows(tally.against(), tally.succeeded, rate.rest(), confidence) {
        return Some(Cause::ShownBelow {
            succeeded: tally.succeeded,
            settled: tally.settled(),
            success: rate,
            confidence,
        });
    }
    let against = tally.against().saturating_sub(left.again);
    let hosts = tally.begun().saturating_add(left.untried);
    // In whole numbers: against / hosts > rest.
    let is_out_of_reach =
        u64::from(against) * u64::from(Rate::WHOLE) > u64::from(hosts) * u64::from(rate.rest().parts());
    is_out_of_reach.then_some(Cause::OutOfReach {
        against,
        hosts,
        success: rate,
    })
}

impl Cause {
    /// Why, for a person.
    #[must_use]
    pub fn text(&self) -> String {
        match self {
            Self::NotBack { hosts } => format!("{hosts} hosts did not come back from a restart"),
            Self::Unfit { hosts } => {
                format!("on {hosts} hosts a file of the campaign's was not the one that the order states")
            }
            Self::Failures { failed, most } => format!("{failed} hosts failed, more than the {most} that may"),
            Self::Dark { gone, most } => {
                format!("{gone} hosts went silent after a step, more than the {most} that may")
            }
            Self::ShownBelow {
                succeeded,
                settled,
                success,
                confidence,
            } => format!(
                "only {succeeded} of {settled} hosts succeeded, which shows at {confidence} confidence that fewer than \
                 {success} do"
            ),
            Self::OutOfReach {
                against,
                hosts,
                success,
            } => format!(
                "{against} of the wave's {hosts} hosts did not succeed, so it cannot reach {success} any more, even if \
                 every host that is left succeeds"
            ),
            Self::HalfOpen { failed, gone } => format!(
                "of the hosts that the last reset let through, {failed} failed and {gone} went silent after a step"
            ),
        }
    }

    /// What to do about it.
    #[must_use]
    pub fn remedy(&self) -> &'static str {
        match self {
            Self::NotBack { .. } => "look at these machines before any other restarts; then reset with the cause",
            Self::Unfit { .. } => {
                "`cutover blockers` names the file; put it right (`cutover artifact add`) or find what rewrites it, then reset with \
                 the cause"
            }
            Self::Dark { .. } => "find out whether these machines run and reach the server; then reset with the cause",
            Self::Failures { .. } | Self::ShownBelow { .. } | Self::OutOfReach { .. } | Self::HalfOpen { .. } => {
                "`cutover blockers` ranks what failed; mend it, then reset with the cause"
            }
        }
    }

    /// Who must act.
    #[must_use]
    pub const fn owner(&self) -> Owner {
        match self {
            Self::NotBack { .. } => Owner::Technician,
            Self::Unfit { .. } => Owner::Catalog,
            Self::Dark { .. } => Owner::Helpdesk,
            Self::Failures { .. } | Self::ShownBelow { .. } | Self::OutOfReach { .. } | Self::HalfOpen { .. } => {
                Owner::Operator
            }
        }
    }
}
