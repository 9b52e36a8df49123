//! What lies ahead of a host, in words: when it is to be heard of next, what that brings, and what the clock brings without it.

use super::{Waiting, WakeKind, next_wake};
use crate::{
    campaign::{Campaign, zone::utc},
    decide::Outage,
    leaving::{self, Stays},
    plan::{Phase, Plan, Verify},
    rollout::RunState,
};

/// When a host was heard of, and how often it is to be.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Contact {
    /// Last, by the server's clock.
    pub last_ms: i64,
    /// The longest between two check-ins of a host that is there.
    pub every_ms: i64,
}

/// The lines; none for a host that is watched no longer.
#[must_use]
pub fn ahead(
    plan: &Plan,
    waiting: Option<&Waiting>,
    contact: Contact,
    campaign: &Campaign,
    outages: &[Outage],
    now_ms: i64,
) -> Vec<String> {
    if plan.is_closed() || !plan.is_enrolled() {
        return Vec::new();
    }
    let due_ms = contact.last_ms.saturating_add(contact.every_ms);
    let due = if now_ms <= due_ms {
        format!("next contact: by {}", utc(due_ms))
    } else {
        format!("next contact: was due by {}; whenever it comes back", utc(due_ms))
    };
    let mut lines = vec![due, format!("what happens then: {}", then(plan, waiting, campaign))];
    match next_wake(plan, contact.last_ms, campaign, outages) {
        Some(wake) => lines.push(format!(
            "without it: at {} {}",
            utc(wake.at_ms),
            by_the_clock(wake.kind)
        )),
        // Whoever is not unknown yet becomes it some day.
        None => lines.push("without it: it stays unknown".to_owned()),
    }
    lines.extend(leaves(plan, campaign, now_ms));
    lines
}

/// Whether its agent leaves, where the campaign says when.
fn leaves(plan: &Plan, campaign: &Campaign, now_ms: i64) -> Option<String> {
    if plan.phase != Phase::Migrated || campaign.policy.retire.is_none() {
        return None;
    }
    Some(match leaving::stays(plan, campaign, RunState::Running, now_ms) {
        None => "its agent is asked to leave, if it can; then it is watched no longer".to_owned(),
        Some(Stays::Until(at_ms)) => format!("its agent is asked to leave from {} on", utc(at_ms)),
        Some(stays) => format!("its agent does not leave: {}", stays.text()),
    })
}

/// What the next contact brings.
fn then(plan: &Plan, waiting: Option<&Waiting>, campaign: &Campaign) -> String {
    if plan.journal_fault.is_some() {
        return "a fresh look settles its journal; until then nothing runs there".to_owned();
    }
    if let Some(order) = &plan.order {
        let number = order.number;
        return match (order.fetched_ms, &order.cancelling) {
            (None, _) => format!("work order {number} goes to it"),
            (Some(_), Some(_)) => format!("it is told to end work order {number} at its next safe point"),
            (Some(_), None) if plan.phase == Phase::Rebooting => {
                "it says when it restarts, or that it did; what is left of its order goes on after that".to_owned()
            }
            (Some(_), None) => format!("it says how far work order {number} is"),
        };
    }
    match plan.phase {
        Phase::Unassessed => "a look is asked for, and shows whether it carries a target".to_owned(),
        Phase::Clear => "its look shows whether a target has come".to_owned(),
        Phase::Unplanned => "its look is judged; nothing is planned before a rule and a recipe fit".to_owned(),
        Phase::Planned => format!("its look is judged; nothing starts before {} opens", wave(plan)),
        Phase::Queued => queued(plan, waiting, campaign),
        Phase::Migrating | Phase::Rebooting => "it says how far it is".to_owned(),
        Phase::Verifying => match plan.verify {
            Some(Verify::Soaking { until_ms }) => format!(
                "its look shows whether both halves still hold; it is migrated once they held until {}",
                utc(until_ms)
            ),
            Some(Verify::FirstContact | Verify::FirstLook { .. } | Verify::LastContact | Verify::LastLook { .. })
            | None => "a fresh look is asked for, and decides whether it is migrated".to_owned(),
        },
        Phase::Migrated => {
            "its look shows whether the target came back, and whether the replacement is healthy".to_owned()
        }
        Phase::Blocked => "its look shows whether what blocks it is mended; if so, it goes on by itself".to_owned(),
        Phase::Handwork => "its look shows whether the work was done".to_owned(),
        Phase::Failed => "its look is judged; another attempt comes only by `cutover hosts retry`".to_owned(),
        Phase::Exempt => "its look is kept, and nothing starts while the exemption holds".to_owned(),
        Phase::OutOfScope => "its look is kept; work starts only if it shows that the host is in scope".to_owned(),
        Phase::Concluded | Phase::Retired => "nothing".to_owned(),
    }
}

fn queued(plan: &Plan, waiting: Option<&Waiting>, campaign: &Campaign) -> String {
    if let Some(external) = plan.executor(campaign) {
        return format!("its look shows whether {} has done the work", external.name);
    }
    match waiting {
        None | Some(Waiting::NextPass) => "the work order that it gets by then goes to it".to_owned(),
        Some(Waiting::Away { .. } | Waiting::AgentPerhapsLost { .. }) => {
            "it takes its turn again, and a work order goes to it".to_owned()
        }
        Some(Waiting::Notice {
            given, is_due: true, ..
        }) => format!("its user is told of the start, notice {}", given + 1),
        Some(waiting) => match waiting.until_ms() {
            Some(until_ms) => format!("its look is judged; nothing starts before {}", utc(until_ms)),
            None => "its look is judged; nothing starts while it waits for that".to_owned(),
        },
    }
}

fn wave(plan: &Plan) -> String {
    if plan.wave.is_empty() {
        "its wave".to_owned()
    } else {
        format!("wave {}", plan.wave)
    }
}

/// What a wake does, where the host says nothing until then.
const fn by_the_clock(kind: WakeKind) -> &'static str {
    match kind {
        WakeKind::Hold => "its hold ends",
        WakeKind::Exemption => "its exemption ends, and it is planned again",
        WakeKind::Disks => "what is attested of its disks ends, and only a look or another attestation counts",
        WakeKind::Fetch => "its work order is taken back, and no attempt is used",
        WakeKind::Silence => "its silence uses an attempt up",
        WakeKind::Restart => "it has not come back from its restart, and a person must look",
        WakeKind::Retry => "its next attempt is due",
        WakeKind::Notice => "a notice for its user is due, or is to be given anew",
        WakeKind::Drain => "it is asked again to be drained, or it is drained for long, which is an alarm",
        WakeKind::Soak => "its soak is over, and a look must confirm",
        WakeKind::Protection => "its protection counts as lost",
        WakeKind::Gap => "it has been without protection for too long, which is an alarm",
        WakeKind::Handwork => "its handwork is overdue, which is an alarm",
        WakeKind::AgentLost => "its agent counts as possibly removed by the product",
        WakeKind::Stale => "it counts as unknown",
    }
}
