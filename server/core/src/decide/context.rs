//! What a decision needs to know beside the plan and the input.

use std::collections::BTreeSet;

use cutover_proto::ids::ProductId;

use crate::{
    campaign::{Campaign, TestedOn},
    catalog::{Catalog, Means, Shelf},
    judge::Assessment,
    rollout::{Breakers, RunState, Waves},
    secret::Keyring,
};

/// A time in which the server took no check-ins. Limits, staleness and gates do not count it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Outage {
    /// From.
    pub from_ms: i64,
    /// Until; not included.
    pub until_ms: i64,
}

/// The circumstances of a decision.
#[derive(Debug, Clone, Copy)]
pub struct Cx<'a> {
    /// The campaign's clock.
    pub now_ms: i64,
    /// The version in force.
    pub campaign: &'a Campaign,
    /// Rules and recipes.
    pub catalog: &'a Catalog,
    /// Package files that operators bound to products.
    pub shelf: &'a Shelf,
    /// Whether anything may start in the campaign.
    pub run: RunState,
    /// Its waves, as the store has them.
    pub waves: &'a Waves,
    /// The breakers of its waves; what comes of an order counts in the round in which it was issued.
    pub breakers: &'a Breakers,
    /// Recipes that succeeded here and have soaked: nobody need go first with them any more.
    pub succeeded: &'a BTreeSet<String>,
    /// Secrets that this server has and can open.
    pub secrets: &'a Keyring,
    /// Outages of the server, in order, that may overlap the limits at hand. Empty where there were none.
    pub outages: &'a [Outage],
    /// Where this decision's jitter comes from; the edge draws it.
    pub seed: u64,
}

impl<'a> Cx<'a> {
    /// With what orders for this replacement are made, on a host that was judged so.
    pub(super) fn means(&self, it: &Assessment, replacement: &ProductId) -> Means<'a> {
        Means {
            catalog: self.catalog,
            settings: self.campaign.settings_of(replacement),
            source: self.campaign.source_of(replacement),
            tenant: self.campaign.tenant_of(replacement),
            shelf: self.shelf,
            shows_test: self.shows_test(it, replacement),
        }
    }

    fn shows_test(&self, it: &Assessment, replacement: &ProductId) -> bool {
        match self.campaign.detection_tests.on {
            TestedOn::All => true,
            TestedOn::None => false,
            TestedOn::Canaries => {
                let recipe = self.catalog.installation_for(it, replacement);
                !recipe.is_some_and(|recipe| self.succeeded.contains(&recipe))
            }
        }
    }
}
