//! Recipes that have not soaked here yet: a few hosts go first with them, and a person lets each of these start.
//!
//! A host that goes first holds its place until it is known what came of it: past its order's end, while its work is verified. Where
//! it succeeded, the place stays taken, so that no more than these few start before all of them are through; one that failed keeps
//! it until it succeeds, others do its work, or a person sets it aside. Once one has succeeded and nobody else holds a place the
//! recipe is as any other, in its present text and on that system.

use super::{Cx, Effect, Fact, Refused, pen::Pen};
use crate::{
    catalog::Proven,
    plan::{HoldKind, Phase, Plan},
    rollout::{Outcome, first_place},
};

/// The recipes of a plan's next order with which a few go first; none where the campaign asks it of none of them.
pub(super) fn untried(plan: &Plan, cx: &Cx<'_>) -> Vec<String> {
    let first = cx.campaign.policy.first_canaries;
    let recipes = graded(plan, cx).into_iter();
    recipes
        .filter(|(recipe, grade)| first.asks_of(*grade) && !cx.succeeded.contains(recipe))
        .map(|(recipe, _)| recipe)
        .collect()
}

/// Every recipe that its next order goes by.
pub(super) fn recipes(plan: &Plan, cx: &Cx<'_>) -> Vec<String> {
    graded(plan, cx).into_iter().map(|(recipe, _)| recipe).collect()
}

fn graded(plan: &Plan, cx: &Cx<'_>) -> Vec<(String, Proven)> {
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

/// What follows of a decision for the places: whoever succeeded hands its places over to the recipes, whoever failed keeps them, and
/// all others that are through, or decided about, give them back.
pub(super) fn follow(pen: &mut Pen<'_>, before: &Plan) -> Result<(), Refused> {
    let (failed, is_through) = (has_failed(pen, before), pen.plan.first_places.is_empty());
    if failed && !is_through {
        // It is not heard of any more: its order, or its verification, may never come to an end.
        let mut places = [pen.plan.kept_places.clone(), pen.plan.first_places.clone()].concat();
        places.sort();
        pen.write(Fact::PlacesKept { places })?;
    }
    let plan = &pen.plan;
    let mut left = if is_through {
        before.first_places.clone()
    } else {
        Vec::new()
    };
    let mut kept = plan.kept_places.clone();
    if is_decided(plan) {
        left.append(&mut kept);
    } else if failed {
        kept.append(&mut left);
        kept.sort();
    }
    if plan.outcome == Outcome::Succeeded && before.outcome != Outcome::Succeeded {
        let is_news = |recipe: &&String| !pen.cx.succeeded.contains(*recipe);
        let recipes: Vec<String> = plan.recipes.iter().filter(is_news).cloned().collect();
        let stays = |place: &String| recipes.iter().any(|recipe| first_place(recipe) == *place);
        let (places, back) = left.into_iter().partition(stays);
        left = back;
        if !recipes.is_empty() {
            pen.effect(Effect::RecipesSucceeded { recipes, places });
        }
    }
    if kept != pen.plan.kept_places {
        pen.write(Fact::PlacesKept { places: kept })?;
    }
    if !left.is_empty() {
        pen.effect(Effect::GiveBack { slots: left });
    }
    Ok(())
}

/// Whether nothing is open about a host that failed: it is done, has nothing to do any more, or a person set it aside.
fn is_decided(plan: &Plan) -> bool {
    let is_held = |kind: &HoldKind| matches!(kind, HoldKind::Operator | HoldKind::Legal);
    match plan.phase {
        Phase::Migrated | Phase::Clear | Phase::Exempt | Phase::Concluded | Phase::OutOfScope | Phase::Retired => true,
        Phase::Unassessed
        | Phase::Unplanned
        | Phase::Planned
        | Phase::Queued
        | Phase::Migrating
        | Phase::Rebooting
        | Phase::Verifying
        | Phase::Blocked
        | Phase::Handwork
        | Phase::Failed => plan.holds.keys().any(is_held),
    }
}

/// Whether this decision is the end of work by recipes that failed, or nobody can say that it will have one. What was taken back,
/// asked to end or only hindered shows nothing.
fn has_failed(pen: &Pen<'_>, before: &Plan) -> bool {
    let uses_attempt = |fact: &Fact| {
        matches!(
            fact,
            Fact::OrderEnded { used_attempt: true, .. } | Fact::NotConfirmed { used_attempt: true, .. }
        )
    };
    let is_anew = |fact: &Fact| matches!(fact, Fact::Enrolled { .. });
    let wrote = |is_such: &dyn Fn(&Fact) -> bool| pen.written().iter().any(|event| is_such(&event.fact));
    let plan = &pen.plan;
    // The outcome does not tell: what counted against the host before this try still does.
    let is_lost = (plan.stale && is_at_work(plan)) || (is_at_work(before) && wrote(&is_anew));
    let turned_against = plan.outcome.is_against() && plan.outcome != before.outcome;
    is_lost || !plan.recipes.is_empty() && (turned_against || wrote(&uses_attempt))
}

/// Whether it holds places with work that may have begun: an order that nobody fetched is withdrawn in its own time.
fn is_at_work(plan: &Plan) -> bool {
    let may_have_begun = plan.order.as_ref().is_none_or(|order| order.fetched_ms.is_some());
    may_have_begun && !plan.first_places.is_empty()
}
