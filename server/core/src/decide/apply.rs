//! How an event makes the next plan.

use crate::plan::{Phase, Plan};

use super::Event;

/// Why an event does not fit a plan: the stream is not this plan's.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ApplyError {
    /// The first event must be an enrolment.
    #[error("the first event of a plan must be enrolled, not {0}")]
    NotEnrolled(&'static str),
    /// That move is not in the table.
    #[error("a plan cannot move from {from} to {to}")]
    IllegalMove {
        /// From.
        from: Phase,
        /// To.
        to: Phase,
    },
    /// The event speaks of an order that is not out.
    #[error("event {fact} speaks of order {number}, which is not out")]
    NoSuchOrder {
        /// Which event.
        fact: &'static str,
        /// Which order.
        number: u64,
    },
}

/// The plan after an event.
///
/// # Errors
/// When the event cannot follow on this plan; then the stream is damaged or another plan's.
pub fn apply(plan: &Plan, event: &Event) -> Result<Plan, ApplyError> {
    todo!("{plan:?} {event:?}")
}

/// The plan after all of them.
///
/// # Errors
/// As [`apply`].
pub fn replay<'a>(plan: Plan, events: impl IntoIterator<Item = &'a Event>) -> Result<Plan, ApplyError> {
    events.into_iter().try_fold(plan, |plan, event| apply(&plan, event))
}
