//! Events in words: one line each, for `why`, timelines and snapshots.

use crate::{decide::Event, plan::Plan, waiting::Waiting};

/// One line without the time.
#[must_use]
pub fn line(event: &Event) -> String {
    todo!("{event:?}")
}

/// The chain that led to where the plan stands, oldest first, and what it waits for: what `cutover why` prints.
#[must_use]
pub fn why_chain(plan: &Plan, events: &[Event], waiting: Option<&Waiting>) -> Vec<String> {
    todo!("{plan:?} {events:?} {waiting:?}")
}
