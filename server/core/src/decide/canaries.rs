//! Recipes that have not succeeded here yet: a few hosts go first with them, and a person lets each of these start.
//!
//! A host that goes first holds its place until it is known what came of it: past its order's end, while its work is verified. One
//! success is enough. From then on the recipe is as any other, in its present text and on that system.

use super::{Cx, Effect, Fact, Refused, pen::Pen};
use crate::{
    catalog::Proven,
    plan::{Phase, Plan},
    rollout::Outcome,
};

/// The recipes of a plan's next order that have not succeeded here; none where the campaign takes no notice of it.
pub(super) fn untried(plan: &Plan, cx: &Cx<'_>) -> Vec<String> {
    if cx.campaign.policy.first_canaries == 0 {
        return Vec::new();
    }
    let mut recipes = recipes(plan, cx);
    recipes.retain(|recipe| !cx.succeeded.contains(recipe));
    recipes
}

/// Every recipe that its next order goes by.
pub(super) fn recipes(plan: &Plan, cx: &Cx<'_>) -> Vec<String> {
    let Some(it) = &plan.assessment else {
        return Vec::new();
    };
    let replacement = it.replacement.as_ref().map(|seen| &seen.product);
    replacement.map_or_else(Vec::new, |product| cx.catalog.recipes_for(it, product))
}

/// The least that these were shown on.
pub(super) fn grade(plan: &Plan, cx: &Cx<'_>) -> Option<Proven> {
    let it = plan.assessment.as_ref()?;
    let replacement = &it.replacement.as_ref()?.product;
    cx.catalog.grade_for(it, replacement)
}

/// Writes down which those of a queued plan are, where they are others than before.
pub(super) fn turn(pen: &mut Pen<'_>) -> Result<(), Refused> {
    if pen.plan.phase != Phase::Queued {
        return Ok(());
    }
    let recipes = untried(&pen.plan, pen.cx);
    if pen.plan.untried == recipes {
        return Ok(());
    }
    pen.write(Fact::RecipesUntried { recipes })
}

/// What follows of a decision: the recipes of an order that succeeded have, and whoever is through gives its places back.
pub(super) fn follow(pen: &mut Pen<'_>, before: &Plan) {
    let plan = &pen.plan;
    let mut recipes = Vec::new();
    if plan.outcome == Outcome::Succeeded && before.outcome != Outcome::Succeeded {
        let is_news = |recipe: &&String| !pen.cx.succeeded.contains(*recipe);
        recipes.extend(plan.recipes.iter().filter(is_news).cloned());
    }
    let is_through = plan.first_places.is_empty() && !before.first_places.is_empty();
    if !recipes.is_empty() {
        pen.effect(Effect::RecipesSucceeded { recipes });
    }
    if is_through {
        pen.effect(Effect::GiveBack {
            slots: before.first_places.clone(),
        });
    }
}
