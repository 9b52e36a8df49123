//! What does not fit together: what a host's own looks say, and what other systems say of the same machine; and what its own
//! looks date after a milestone that forbids it. And, where others agree, how much better the host's evidence is for it.
//!
//! A finding is told, and moves nothing: who is right is for a person to say. To add one, give it a kind with what to do
//! about it, and a rule in [`findings`]; all that is stored, listed and shown follows.

mod duty;
mod kinds;
mod rules;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;

use cutover_proto::{ids::ProductId, words};
use serde::{Deserialize, Serialize};

pub use duty::{DutyCourse, DutyPart, DutyStep, Reported, draft};
pub use kinds::FindingKind;
pub use rules::{corroboration, findings};

use crate::{
    coverage::{
        Ownership,
        import::{Health, TargetSeen},
    },
    judge::Assessment,
    plan::{Phase, Plan},
    upkeep::Dates,
};

words! {
    /// How good evidence is.
    pub enum Grade("grade") {
        /// A person or an earlier record says so.
        Attested = "attested",
        /// The machine's own looks say so.
        SelfReported = "self-reported",
        /// Another system agrees.
        Corroborated = "corroborated",
    }
}

/// What a host's own looks say.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct OwnWord<'h> {
    /// Where its plan stands.
    pub phase: Phase,
    /// Since when.
    pub since_ms: i64,
    /// What the newest look means; `None` before the first.
    pub assessment: Option<&'h Assessment>,
    /// When the newest look was made, by the host's clock.
    pub looked_ms: i64,
    /// How targets that are there, or may be, are kept up.
    pub dates: &'h BTreeMap<ProductId, Dates>,
}

/// What a source says of the machine.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct OtherWord {
    /// Who says it.
    pub source: String,
    /// The protection that it sees there.
    pub product: Option<ProductId>,
    /// Whether that works.
    pub health: Option<Health>,
    /// Whose it is; empty where it is not said.
    pub tenant: String,
    /// When the source last heard of the machine.
    pub last_seen_ms: Option<i64>,
    /// Whether what must go is there.
    pub target: Option<TargetSeen>,
    /// Whether the source counts it as in use.
    pub active: Option<bool>,
    /// Whose the machine is.
    pub ownership: Option<Ownership>,
    /// Where it stands; empty where it is not said.
    pub site: String,
}

/// What a person should know.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Finding {
    /// What kind.
    pub kind: FindingKind,
    /// Which source says otherwise; both where sources contradict each other; of dates, the product that they are of.
    pub source: String,
    /// What each says.
    pub text: String,
}

/// Another system that agrees with the host's own looks.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Corroboration {
    /// Which.
    pub source: String,
    /// When it last heard of the machine.
    pub at_ms: i64,
}

impl<'h> OwnWord<'h> {
    /// What a plan knows.
    #[must_use]
    pub fn of(plan: &'h Plan) -> Self {
        Self {
            phase: plan.phase,
            since_ms: plan.phase_since_ms,
            assessment: plan.assessment.as_ref(),
            looked_ms: plan.last_looked_ms.unwrap_or_default(),
            dates: &plan.dates,
        }
    }
}
