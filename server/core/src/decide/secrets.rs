//! What is tried on a host of what a product asks for, and when nothing is left to try.

use cutover_proto::{ids::ProductId, record::FailureCause, step::Step};

use super::{Cx, Fact, Refused, pen::Pen};
use crate::{
    catalog::{ExitMeaning, ours},
    judge::Assessment,
    plan::{OpenOrder, OrderEnd, Plan, Reason, Stop},
    secret::{self, Choice, Tries},
};

/// What a product takes, as `cutover secret set` calls it.
pub(super) fn taken(pen: &Pen<'_>, product: &ProductId) -> Vec<String> {
    names(pen.cx, product)
}

fn names(cx: &Cx<'_>, product: &ProductId) -> Vec<String> {
    let recipe = cx.catalog.recipes.get(product);
    let secrets = recipe.iter().flat_map(|recipe| &recipe.secrets);
    secrets.map(|secret| secret.name.to_string()).collect()
}

/// Whether something is there that was not tried on the host.
pub(super) fn is_any_left(plan: &Plan, product: &ProductId, cx: &Cx<'_>) -> bool {
    matches!(
        secret::choice(plan, product, cx.catalog, cx.secrets),
        Choice::Untried(_)
    )
}

/// The first product that the next order would remove with nothing that was not tried yet.
pub(super) fn spent(plan: &Plan, it: &Assessment, cx: &Cx<'_>) -> Option<Reason> {
    let mut next = ours(it, cx.catalog).map(|target| &target.product);
    let product = next.find(|product| secret::choice(plan, product, cx.catalog, cx.secrets) == Choice::Spent)?;
    let failure = plan.last_failure.as_ref();
    Some(Reason::Stopped {
        by: Stop::Secret {
            product: product.clone(),
            takes: names(cx, product),
            is_sure: false,
        },
        detail: failure.map(|failure| failure.detail.clone()).unwrap_or_default(),
        exit_code: failure.and_then(|failure| failure.exit_code),
    })
}

/// What an order with these steps must bring, and the server does not have.
pub(super) fn lacking(steps: &[Step], cx: &Cx<'_>) -> Option<Reason> {
    let mut onboarded = steps.iter().filter_map(|step| step.action.onboards());
    onboarded.find_map(|product| {
        let recipe = cx.catalog.recipes.get(product)?;
        let names = cx.secrets.lacks(product, &recipe.secrets);
        (!names.is_empty()).then(|| Reason::SecretMissing {
            product: product.clone(),
            names,
        })
    })
}

/// Before an order ends: what it brought for a product that did not go is not tried there again. Only where it is sure that it was not
/// tried, it may be: a wrong password too many could lock the product.
pub(super) fn note(pen: &mut Pen<'_>, end: OrderEnd, exit_code: Option<i32>) -> Result<(), Refused> {
    let Some(open) = &pen.plan.order else {
        return Ok(());
    };
    let tried: Vec<Fact> = open
        .secrets
        .iter()
        .filter(|it| was_tried(pen, open, it, end, exit_code))
        .map(|it| Fact::SecretsTried {
            product: it.product.clone(),
            digests: it.tries.iter().map(|it| it.digest.clone()).collect(),
        })
        .collect();
    tried.into_iter().try_for_each(|fact| pen.write(fact))
}

fn was_tried(pen: &Pen<'_>, open: &OpenOrder, brought: &Tries, end: OrderEnd, exit_code: Option<i32>) -> bool {
    let is_its = |step: &Step| secret::asking(step) == Some(&brought.product);
    let Some(at) = open.steps.iter().position(is_its) else {
        return false;
    };
    let reached = open.last_step.and_then(|step| usize::try_from(step).ok());
    match end {
        // It went.
        OrderEnd::Completed => false,
        // Nothing began.
        OrderEnd::Withdrawn | OrderEnd::Refused => false,
        // Nobody knows how far it came since its last record.
        OrderEnd::Silent | OrderEnd::JournalLost | OrderEnd::Abandoned => {
            open.fetched_ms.is_some() && reached.is_none_or(|reached| reached <= at)
        }
        OrderEnd::Failed | OrderEnd::Cancelled | OrderEnd::Interrupted => {
            let failed = open.failing.is_some_and(|cause| !is_before_it(cause));
            let code = exit_code.or(open.failing_exit);
            reached == Some(at) && failed && !code.is_some_and(|code| is_spared(pen, &open.steps[at], brought, code))
        }
    }
}

/// Whether a step that fails so did not begin.
const fn is_before_it(cause: FailureCause) -> bool {
    matches!(cause, FailureCause::TooLongAway | FailureCause::NotAttributed)
}

/// Whether an installer that answers so was told nothing, or nothing that it did not take.
fn is_spared(pen: &Pen<'_>, step: &Step, brought: &Tries, code: i32) -> bool {
    // It says that what it was asked for is done, or not there, and a look still finds something of the product: another entry of it,
    // or what goes with a restart. Of several tries nobody knows which it took, and those before were wrong.
    let is_taken = brought.tries.len() == 1;
    match pen.cx.catalog.exit_meaning(step, code) {
        // Another installation was at work, so this one was not begun.
        Some((ExitMeaning::Busy, _)) => true,
        Some((ExitMeaning::RestartAfter | ExitMeaning::Gone, _)) => is_taken,
        None => code == 0 && is_taken,
        Some((
            ExitMeaning::RestartFirst
            | ExitMeaning::Secret
            | ExitMeaning::PerhapsSecret
            | ExitMeaning::Forbidden
            | ExitMeaning::Cancelled
            | ExitMeaning::Package
            | ExitMeaning::Ours,
            _,
        )) => false,
    }
}
