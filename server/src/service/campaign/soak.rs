//! Recipes soak: hosts that went first with one are through, and from then on it is as any other.

use cutover_core::rollout::{RunState, first_place, soaked};
use cutover_proto::ids::HostId;

use super::{
    super::{Service, ServiceError},
    InForce, Pass,
};
use crate::store::{Reader, WriteTx, slots};

impl Service {
    /// Recipes succeeded on a host. Its places stay taken, so that nobody else starts before all that went first are through.
    pub(in super::super) fn recipes_succeeded(
        &self,
        tx: &mut WriteTx<'_>,
        recipes: &[String],
        places: &[String],
        host: HostId,
    ) -> Result<(), ServiceError> {
        let mut in_force = self.in_force(tx)?;
        let (mut news, mut free) = (Vec::new(), Vec::new());
        for recipe in recipes {
            let place = first_place(recipe);
            let holds = places.contains(&place);
            if in_force.progress.succeeded.contains(recipe) {
                // The others were found to be through as this host came through.
                free.extend(holds.then_some(place));
                continue;
            }
            let held = in_force.progress.soaking.entry(recipe.clone()).or_default();
            *held += u32::from(holds);
            news.push(recipe);
        }
        if !news.is_empty() {
            let body = serde_json::json!({ "recipes": news, "host": host });
            self.put_campaign(tx, &in_force, Some(("recipes-succeeded", body)))?;
        }
        let campaign = self.campaign_id().as_str();
        free.iter().try_for_each(|place| Ok(slots::give(tx, campaign, place)?))
    }

    /// Recipes with which all that went first are through become as any other, and whoever waited for that is decided anew. Says how
    /// many.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn tend_recipes(&self) -> Result<usize, ServiceError> {
        let service = self.clone();
        self.0
            .store
            .write(move |tx| {
                let mut in_force = service.in_force(tx)?;
                let done = service.soaked(tx, &in_force)?;
                if done.is_empty() {
                    return Ok(0);
                }
                let mut free = Vec::new();
                for recipe in &done {
                    let held = in_force.progress.soaking.remove(recipe).unwrap_or_default();
                    free.extend((0..held).map(|_| first_place(recipe)));
                    in_force.progress.succeeded.insert(recipe.clone());
                }
                if in_force.campaign.policy.first_canaries.cap() > 0 {
                    Pass::Recipes.begin(&mut in_force.progress);
                }
                let body = serde_json::json!({ "recipes": done });
                service.put_campaign(tx, &in_force, Some(("recipes-soaked", body)))?;
                let campaign = service.campaign_id().as_str();
                for place in &free {
                    slots::give(tx, campaign, place)?;
                }
                Ok(done.len())
            })
            .await
    }

    /// Recipes with which all that went first are through.
    pub(in super::super) fn soaked(
        &self,
        db: &mut impl Reader,
        in_force: &InForce,
    ) -> Result<Vec<String>, ServiceError> {
        let soaking = &in_force.progress.soaking;
        if soaking.is_empty() || in_force.run == RunState::Closed {
            return Ok(Vec::new());
        }
        let rows = slots::list(db, self.campaign_id().as_str())?;
        let taken = |place: &str| {
            let row = rows.iter().find(|row| row.name == place);
            row.map_or(0, |row| u32::try_from(row.used).unwrap_or(u32::MAX))
        };
        Ok(soaked(soaking, taken))
    }
}
