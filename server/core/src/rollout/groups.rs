//! What the rows of all waves say at a moment.

use std::collections::BTreeMap;

use super::{Breakers, GroupState, Lines, Outcome, RunState, Starts, Tally, Waves};
use crate::drain::{DRAINED, draining_in};

/// What the rows of all waves say at a moment. What one wave takes of what they share, the next ones no longer have.
#[derive(Debug, Clone)]
pub struct Groups {
    /// The campaign.
    pub run: RunState,
    /// The waves' states.
    pub waves: Waves,
    /// How many of each slot are taken, by its name; none where it is not named.
    pub taken: BTreeMap<String, u32>,
    /// Starts in the campaign, where it limits them.
    pub starts: Starts,
    /// Starts in waves that limit them.
    pub wave_starts: BTreeMap<String, Starts>,
    /// What counts on lines, where they are limited.
    pub lines: Lines,
    /// How many domain controllers answer at each site.
    pub controllers: BTreeMap<String, u32>,
    /// The waves' breakers.
    pub breakers: Breakers,
    /// Items of the readiness list that are open, and without which mode automatic starts nobody.
    pub not_ready: Vec<String>,
    /// What hosts of open waves came to in the present round.
    pub tallies: BTreeMap<String, Tally>,
}

impl Groups {
    /// Those of one wave.
    #[must_use]
    pub fn of(&self, wave: &str) -> GroupState {
        GroupState {
            run: self.run,
            wave: self.waves.state(wave),
            taken: self.taken.clone(),
            starts: self.starts,
            wave_starts: self.wave_starts.get(wave).copied().unwrap_or_default(),
            lines: self.lines.clone(),
            controllers: self.controllers.clone(),
            not_ready: self.not_ready.clone(),
            breaker: self.breakers.of(wave).clone(),
            tally: self.tallies.get(wave).copied().unwrap_or_default(),
        }
    }

    /// Whether hosts are drained, or may be, and how many.
    #[must_use]
    pub fn drained(&self) -> u32 {
        self.taken.get(DRAINED).copied().unwrap_or(0)
    }

    /// Counts hosts that are to be drained as begun and as started: those that may begin are no more than that.
    pub fn count_drains(&mut self, now_ms: i64) {
        let count = |starts: &mut Starts, hosts: u32| {
            if starts.count == 0 {
                starts.oldest_ms = now_ms;
            }
            starts.count = starts.count.saturating_add(hosts);
        };
        for (slot, hosts) in &self.taken {
            let Some(wave) = draining_in(slot).filter(|_| *hosts > 0) else {
                continue;
            };
            count(&mut self.starts, *hosts);
            count(self.wave_starts.entry(wave.to_owned()).or_default(), *hosts);
            self.tallies
                .entry(wave.to_owned())
                .or_default()
                .add(Outcome::UnderWay, *hosts);
        }
    }

    /// Takes over what a wave has taken of what all waves share.
    pub fn take_in(&mut self, group: GroupState) {
        self.taken = group.taken;
        self.starts = group.starts;
        self.lines = group.lines;
    }
}
