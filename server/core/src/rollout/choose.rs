//! The choosing, and what it looks at.

use cutover_proto::{ids::HostId, words};

use super::GroupState;
use crate::{
    campaign::Campaign,
    plan::{Phase, Plan},
    waiting::{Waiting, hindrance},
};

words! {
    /// Whether a wave's hosts may start. Kept in the wave's row.
    pub enum WaveState("wave state") {
        /// Not yet.
        Closed = "closed",
        /// They may.
        Open = "open",
        /// They might, but somebody paused it.
        Paused = "paused",
    }
}

/// A queued plan at the head of the queue.
#[derive(Debug, Clone, Copy)]
pub struct Candidate<'a> {
    /// Its row.
    pub plan: &'a Plan,
    /// When the host was last heard of, by the server's clock.
    pub last_seen_ms: i64,
}

/// What a pass decided.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Chosen {
    /// These start, in this order.
    pub starts: Vec<HostId>,
    /// These do not, and why.
    pub waiting: Vec<(HostId, Waiting)>,
}

/// Chooses who starts, and counts them in the group. Candidates come in the queue's order, least slack first; one that waits
/// does not hold up the next, but for what would come over the line that it waits for.
#[must_use]
pub fn choose(candidates: &[Candidate<'_>], group: &mut GroupState, campaign: &Campaign, now_ms: i64) -> Chosen {
    let mut chosen = Chosen::default();
    for candidate in candidates.iter().filter(|it| it.plan.phase == Phase::Queued) {
        let host = candidate.plan.host_id;
        match hindrance(candidate.plan, group, candidate.last_seen_ms, campaign, now_ms) {
            Some(waiting) => {
                if matches!(waiting, Waiting::Line(_)) {
                    group.lines.keep(candidate.plan, campaign);
                }
                chosen.waiting.push((host, waiting));
            }
            None => {
                group.note_start(candidate.plan, campaign, now_ms);
                chosen.starts.push(host);
            }
        }
    }
    chosen
}
