//! What the store counts in rows, counted in memory.

use std::collections::{BTreeMap, VecDeque};

use super::Setup;
use crate::{
    campaign::Campaign,
    decide::Effect,
    plan::{OpenOrder, Plan},
    rollout::{
        Fetches, Groups, Left, Lines, Outcome, Starts, Tally, WaveState, answers_at, bytes_of, is_first_place,
        may_start,
    },
};

/// What a plan is counted by.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Counted {
    outcome: Outcome,
    tried_in: String,
    round: u32,
    pub(super) wave: String,
    site: String,
    answers_at: Option<String>,
    may_start: bool,
}

impl Counted {
    pub(super) fn of(plan: &Plan) -> Self {
        Self {
            outcome: plan.outcome,
            tried_in: plan.tried_in.clone(),
            round: plan.round,
            wave: plan.wave.clone(),
            site: plan.known.site.clone(),
            answers_at: answers_at(plan).map(str::to_owned),
            may_start: may_start(plan.phase),
        }
    }
}

/// Counters.
#[derive(Debug, Default)]
pub(super) struct Counts {
    taken: BTreeMap<String, u32>,
    issued: VecDeque<i64>,
    issued_in: BTreeMap<String, VecDeque<i64>>,
    /// What orders make hosts fetch, with when each was issued.
    fetching: Vec<(i64, Fetches)>,
    controllers: BTreeMap<String, u32>,
    outcomes: BTreeMap<(String, u32), BTreeMap<Outcome, u32>>,
    may_start: BTreeMap<String, u32>,
}

impl Counts {
    /// Counts a plan in.
    pub(super) fn add(&mut self, counted: &Counted) {
        if let Some(site) = &counted.answers_at {
            *self.controllers.entry(site.clone()).or_default() += 1;
        }
        if counted.may_start {
            *self.may_start.entry(counted.wave.clone()).or_default() += 1;
        }
        let of_round = self.outcomes.entry((counted.tried_in.clone(), counted.round));
        *of_round.or_default().entry(counted.outcome).or_default() += 1;
    }

    /// Counts it out again.
    pub(super) fn remove(&mut self, counted: &Counted) {
        if let Some(site) = &counted.answers_at {
            lessen(self.controllers.get_mut(site));
        }
        if counted.may_start {
            lessen(self.may_start.get_mut(&counted.wave));
        }
        let of_round = self.outcomes.get_mut(&(counted.tried_in.clone(), counted.round));
        lessen(of_round.and_then(|of_round| of_round.get_mut(&counted.outcome)));
    }

    /// An order that was out before.
    pub(super) fn note_order(&mut self, plan: &Plan, order: &OpenOrder, campaign: &Campaign) {
        for slot in order.slots.iter().filter(|slot| !is_first_place(slot)) {
            *self.taken.entry(slot.clone()).or_default() += 1;
        }
        self.note_issued(&plan.wave, order.issued_ms);
        let bytes = bytes_of(&order.steps, &order.replacement, campaign);
        let fetches = Fetches::new(plan, campaign, bytes, order.issued_ms);
        self.fetching.push((order.issued_ms, fetches));
    }

    /// Places that were held before.
    pub(super) fn note_places(&mut self, places: &[String]) {
        for slot in places {
            *self.taken.entry(slot.clone()).or_default() += 1;
        }
    }

    fn note_issued(&mut self, wave: &str, at_ms: i64) {
        self.issued.push_back(at_ms);
        self.issued_in.entry(wave.to_owned()).or_default().push_back(at_ms);
    }

    /// What follows of a decision for what is counted. `order` is the one that was out before it.
    pub(super) fn follow(&mut self, effect: &Effect, counted: &Counted, order: Option<i64>, now_ms: i64) {
        let (wave, site) = (counted.wave.as_str(), counted.site.as_str());
        match effect {
            Effect::IssueOrder { slots, fetches, .. } => {
                for slot in slots {
                    *self.taken.entry(slot.name.clone()).or_default() += 1;
                }
                self.note_issued(wave, now_ms);
                self.fetching.push((now_ms, fetches.clone()));
            }
            Effect::WithdrawOrder { slots, .. } => {
                self.give_back(slots);
                // What no host had does not count as a start.
                forget(Some(&mut self.issued), order);
                forget(self.issued_in.get_mut(wave), order);
                let fetched = self
                    .fetching
                    .iter()
                    .rposition(|(at_ms, it)| Some(*at_ms) == order && it.site == site);
                if let Some(index) = fetched {
                    self.fetching.remove(index);
                }
            }
            Effect::FreeSlots { slots, .. } | Effect::GiveBack { slots } => self.give_back(slots),
            Effect::RecipesSucceeded { .. }
            | Effect::CancelOrder { .. }
            | Effect::WantLook
            | Effect::Nudge
            | Effect::Alarm { .. }
            | Effect::AskDrain { .. }
            | Effect::ReleaseDrained => {}
        }
    }

    /// So many of a slot are free again.
    pub(super) fn free(&mut self, slot: &str, count: u32) {
        if let Some(taken) = self.taken.get_mut(slot) {
            *taken = taken.saturating_sub(count);
        }
    }

    fn give_back(&mut self, slots: &[String]) {
        for slot in slots {
            lessen(self.taken.get_mut(slot));
        }
    }

    /// How many of a slot are taken.
    pub(super) fn taken(&self, slot: &str) -> u32 {
        self.taken.get(slot).copied().unwrap_or_default()
    }

    /// Starts within the last hour in the whole campaign.
    pub(super) fn starts(&mut self, now_ms: i64) -> Starts {
        starts(&mut self.issued, now_ms)
    }

    /// What counts on lines now.
    fn lines(&mut self, campaign: &Campaign, now_ms: i64) -> Lines {
        let is_limited = campaign.limits_lines();
        self.fetching
            .retain(|(_, it)| is_limited && it.bytes > 0 && it.until_ms.max(it.site_until_ms) > now_ms);
        let mut lines = Lines::default();
        for (_, it) in &self.fetching {
            if it.until_ms > now_ms {
                lines.all.add(it.bytes, it.until_ms);
            }
            if it.site_until_ms > now_ms {
                let line = lines.sites.entry(it.site.clone()).or_default();
                line.add(it.bytes, it.site_until_ms);
            }
        }
        lines
    }

    /// What hosts of a wave came to in a round.
    pub(super) fn tally(&self, wave: &str, round: u32) -> Tally {
        let mut tally = Tally::default();
        for (outcome, hosts) in self.outcomes.get(&(wave.to_owned(), round)).into_iter().flatten() {
            tally.add(*outcome, *hosts);
        }
        tally
    }

    /// How many of a wave may still come to something.
    pub(super) fn left(&self, wave: &str, tally: &Tally) -> Left {
        let untried = self.may_start.get(wave).copied().unwrap_or_default();
        Left {
            untried,
            again: untried.min(tally.against()),
        }
    }

    /// As the rollout sees them.
    pub(super) fn groups(&mut self, setup: &Setup<'_>, now_ms: i64) -> Groups {
        let campaign = setup.campaign;
        let mut groups = Groups {
            run: setup.run,
            waves: setup.waves.clone(),
            taken: self.taken.clone(),
            starts: Starts::default(),
            wave_starts: BTreeMap::new(),
            lines: self.lines(campaign, now_ms),
            controllers: self.controllers.clone(),
            breakers: setup.breakers.clone(),
            not_ready: setup.not_ready.clone(),
            tallies: BTreeMap::new(),
        };
        groups.taken.retain(|_, taken| *taken > 0);
        if campaign.policy.starts_per_hour.is_some() {
            groups.starts = self.starts(now_ms);
        }
        for wave in campaign.wave_names() {
            if setup.waves.state(wave) == WaveState::Open {
                let tally = self.tally(wave, setup.breakers.round(wave));
                groups.tallies.insert(wave.to_owned(), tally);
            }
        }
        for wave in campaign.waves.iter().filter(|wave| wave.starts_per_hour.is_some()) {
            if let Some(issued) = self.issued_in.get_mut(&wave.name) {
                groups.wave_starts.insert(wave.name.clone(), starts(issued, now_ms));
            }
        }
        groups
    }
}

fn starts(issued: &mut VecDeque<i64>, now_ms: i64) -> Starts {
    while issued.front().is_some_and(|at_ms| *at_ms <= now_ms - Starts::WITHIN_MS) {
        issued.pop_front();
    }
    Starts {
        count: u32::try_from(issued.len()).unwrap_or(u32::MAX),
        oldest_ms: issued.front().copied().unwrap_or_default(),
    }
}

fn lessen(count: Option<&mut u32>) {
    if let Some(count) = count {
        *count = count.saturating_sub(1);
    }
}

fn forget(issued: Option<&mut VecDeque<i64>>, at_ms: Option<i64>) {
    if let (Some(issued), Some(at_ms)) = (issued, at_ms)
        && let Some(index) = issued.iter().rposition(|it| *it == at_ms)
    {
        issued.remove(index);
    }
}
