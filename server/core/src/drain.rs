//! What draining a host by another system means for its start: who is asked, what it waits for, what it holds meanwhile.
//!
//! A host that is drained, or may be, holds its places among those that work at a time (campaign, wave, site, set) from the
//! question on until its release was taken. So no more hosts are drained at once than may work at once, and whoever does
//! not answer holds up no more than these places.

use crate::{
    campaign::{Campaign, DrainRule, span},
    plan::{Drain, DrainState, Plan},
    rollout::Slot,
    waiting::Waiting,
};

/// The slot that counts hosts that are drained, or may be.
pub const DRAINED: &str = "drained";

/// What the slots begin with that count, of a wave, hosts that were asked for and have begun nothing yet.
const DRAINING: &str = "draining:";

/// The slot that counts those of a wave that were asked for and have begun nothing yet. They count as begun where it is asked
/// how many may begin.
#[must_use]
pub fn draining(wave: &str) -> String {
    format!("{DRAINING}{wave}")
}

/// The wave of such a slot.
#[must_use]
pub fn draining_in(slot: &str) -> Option<&str> {
    slot.strip_prefix(DRAINING)
}

/// What counts no limit and is only counted.
fn counted(name: String) -> Slot {
    Slot {
        of: "hosts that are drained".to_owned(),
        cap: u32::MAX,
        name,
    }
}

/// Who has to drain the host before its next order, where nobody was asked yet.
#[must_use]
pub fn to_ask<'a>(plan: &Plan, campaign: &'a Campaign) -> Option<&'a DrainRule> {
    if plan.drain.is_some() {
        return None;
    }
    campaign.drain_for(&plan.traits())
}

/// What it takes when it is asked for, where an order would take these.
pub(crate) fn places(plan: &Plan, order: Vec<Slot>) -> Vec<Slot> {
    let counts = [DRAINED.to_owned(), draining(&plan.wave)].map(counted);
    order.into_iter().chain(counts).collect()
}

/// Whether it was asked for, and counts as begun although no order was issued since.
pub(crate) fn counts_as_begun(plan: &Plan) -> bool {
    plan.drain.as_ref().is_some_and(|drain| !drain.has_begun)
}

/// What stands against a start: it is not drained.
#[must_use]
pub fn hindrance(plan: &Plan, campaign: &Campaign) -> Option<Waiting> {
    let drain = plan.drain.as_ref().filter(|drain| !drain.is_drained())?;
    Some(Waiting::Drain {
        by_ms: next_ask_ms(drain, campaign),
        is_late: drain.told,
        drain: Box::new(drain.clone()),
    })
}

/// When it is asked for again, where nobody answered; `None` where nothing is asked.
fn next_ask_ms(drain: &Drain, campaign: &Campaign) -> Option<i64> {
    let rule = campaign.drain_named(&drain.name)?;
    match drain.state {
        DrainState::Asked | DrainState::Refused { .. } => Some(drain.asked_ms.saturating_add(span::ms(rule.within))),
        DrainState::Drained { .. } | DrainState::Releasing { .. } => None,
    }
}

/// When something of it is due by the clock: it is asked for again, or people are told that it takes long. From when that
/// counts, and how long it is.
pub(crate) fn due(plan: &Plan, campaign: &Campaign) -> Option<(i64, i64)> {
    const WITHOUT_RULE_MS: i64 = 24 * 3_600_000;
    let drain = plan.drain.as_ref()?;
    let rule = campaign.drain_named(&drain.name);
    match drain.state {
        DrainState::Asked | DrainState::Refused { .. } => Some((drain.asked_ms, span::ms(rule?.within))),
        DrainState::Drained { .. } | DrainState::Releasing { .. } if drain.told => None,
        DrainState::Drained { .. } | DrainState::Releasing { .. } => {
            let at_most_ms = rule.map_or(WITHOUT_RULE_MS, |rule| span::ms(rule.at_most));
            Some((drain.since_ms, at_most_ms))
        }
    }
}
