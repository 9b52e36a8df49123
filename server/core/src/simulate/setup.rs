//! Where a simulation begins, and what it tells on the way.

use std::collections::{BTreeMap, BTreeSet};

use super::{Assumptions, Habit};
use crate::{
    campaign::Campaign,
    catalog::{Catalog, Shelf},
    decide::{Event, Input},
    plan::Plan,
    rollout::{Breakers, Gates, RunState, Waves},
    secret::Keyring,
};

/// Where a simulation begins.
#[derive(Debug, Clone)]
pub struct Setup<'a> {
    /// The campaign that would be in force.
    pub campaign: &'a Campaign,
    /// Rules and recipes.
    pub catalog: &'a Catalog,
    /// Package files that operators bound to products.
    pub shelf: &'a Shelf,
    /// Secrets that the server has and can open.
    pub secrets: &'a Keyring,
    /// Whether anything may start.
    pub run: RunState,
    /// Items of the readiness list that are open, and without which mode automatic starts nobody.
    pub not_ready: Vec<String>,
    /// The waves' states.
    pub waves: Waves,
    /// Their breakers.
    pub breakers: Breakers,
    /// How far their gates are.
    pub gates: Gates,
    /// Recipes that succeeded here and have soaked.
    pub succeeded: BTreeSet<String>,
    /// Recipes that succeeded while others that went first are not through, each with how many places stay taken for it.
    pub soaking: BTreeMap<String, u32>,
    /// The campaign's epoch.
    pub epoch: u64,
    /// Waves that a person opens, and when.
    pub opens: Vec<(String, i64)>,
    /// What is made up.
    pub assumptions: &'a Assumptions,
    /// When it begins.
    pub from_ms: i64,
    /// When it ends.
    pub until_ms: i64,
    /// What everything drawn is drawn from.
    pub seed: u64,
    /// What the jitter of every decision is drawn from; `None` for another one each time, as in earnest.
    pub jitter: Option<u64>,
}

/// A host that takes part.
#[derive(Debug, Clone)]
pub struct Participant {
    /// Its plan.
    pub plan: Plan,
    /// When it was last heard of.
    pub last_seen_ms: i64,
    /// When it is there; `None` where that is not known.
    pub habit: Option<Habit>,
}

/// One decision of a simulation.
#[derive(Debug)]
pub struct Step<'a> {
    /// When.
    pub at_ms: i64,
    /// What happened.
    pub input: &'a Input,
    /// The plan after it.
    pub plan: &'a Plan,
    /// What followed.
    pub events: &'a [Event],
}
