//! How much its next order makes a host fetch: what a line that is limited has to have room for before it starts.

use super::{Cx, Fact, Refused, pen::Pen, restart};
use crate::{
    plan::{Phase, Plan},
    rollout::{bytes_of, is_limited},
};

/// In bytes; 0 where no line of its is limited, so that other campaigns write nothing of it.
pub(super) fn fetches(plan: &Plan, cx: &Cx<'_>) -> u64 {
    if !is_limited(plan, cx.campaign) || plan.executor(cx.campaign).is_some() {
        return 0;
    }
    let steps = plan.judged(cx.now_ms).and_then(|it| {
        let product = &it.replacement.as_ref()?.product;
        let steps = restart::steps(plan, &it, product, cx).ok()?;
        Some(bytes_of(&steps, product, cx.campaign))
    });
    steps.unwrap_or(0)
}

/// Writes down how much it is of a plan that waits for its turn, where it is more or less than before.
pub(super) fn turn(pen: &mut Pen<'_>) -> Result<(), Refused> {
    if !matches!(pen.plan.phase, Phase::Planned | Phase::Queued) {
        return Ok(());
    }
    let bytes = fetches(&pen.plan, pen.cx);
    if pen.plan.fetches == bytes {
        return Ok(());
    }
    pen.write(Fact::FetchSized { bytes })
}
