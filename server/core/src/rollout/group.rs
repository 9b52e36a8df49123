//! What a wave's rows say at a moment: its state, the campaign's, and what is out and was started.

use std::collections::BTreeMap;

use cutover_proto::{inventory::HostRole, words};
use serde::{Deserialize, Serialize};

use super::{Breaker, BreakerState, Fetches, Lines, Outcome, Tally, WaveState, course::canaries};
use crate::{
    campaign::{Campaign, HostUse, LateJoiners, Mode, Wave},
    drain::counts_as_begun,
    plan::{Plan, SET},
};

words! {
    /// Whether anything may start in a campaign. Kept in its row.
    pub enum RunState("state of a campaign") {
        /// It may.
        Running = "running",
        /// Nothing starts; what is out runs to its end.
        Paused = "paused",
        /// Nothing starts, and what is out ends at its next safe point.
        Stopped = "stopped",
        /// It is over, and nothing of it changes any more.
        Closed = "closed",
    }
}

/// The states of a campaign's waves. One that was never turned is closed.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Waves(BTreeMap<String, WaveState>);

impl Waves {
    /// The state of a wave.
    #[must_use]
    pub fn state(&self, wave: &str) -> WaveState {
        self.0.get(wave).copied().unwrap_or(WaveState::Closed)
    }

    /// Turns a wave.
    pub fn turn(&mut self, wave: &str, to: WaveState) {
        self.0.insert(wave.to_owned(), to);
    }
}

impl<const N: usize> From<[(&str, WaveState); N]> for Waves {
    fn from(states: [(&str, WaveState); N]) -> Self {
        Self(
            states
                .into_iter()
                .map(|(wave, state)| (wave.to_owned(), state))
                .collect(),
        )
    }
}

/// The breakers of a campaign's waves. One that never tripped lets everything through, in round 0.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Breakers(BTreeMap<String, Breaker>);

/// Of a wave that never tripped.
static WORKING: Breaker = Breaker {
    round: 0,
    state: BreakerState::Working,
};

impl Breakers {
    /// The breaker of a wave.
    #[must_use]
    pub fn of(&self, wave: &str) -> &Breaker {
        self.0.get(wave).unwrap_or(&WORKING)
    }

    /// The present round of a wave's breaker.
    #[must_use]
    pub fn round(&self, wave: &str) -> u32 {
        self.of(wave).round
    }

    /// Sets a wave's breaker.
    pub fn set(&mut self, wave: &str, breaker: Breaker) {
        self.0.insert(wave.to_owned(), breaker);
    }
}

/// A limit on how many orders may be out at a time, of which a host takes a part.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Slot {
    /// Its name in the store.
    pub name: String,
    /// How many there are.
    pub cap: u32,
    /// What it limits, for people.
    pub of: String,
}

/// The slot of the whole campaign.
pub const IN_FLIGHT: &str = "in-flight";

/// What the slots of those begin with that go first with a recipe.
const FIRST: &str = "first:";

/// Whether a slot is a place among those that go first with a recipe.
pub(crate) fn is_first_place(slot: &str) -> bool {
    slot.starts_with(FIRST)
}

/// The slot of the places among those that go first with a recipe.
#[must_use]
pub fn first_place(recipe: &str) -> String {
    format!("{FIRST}{recipe}")
}

/// Of recipes that succeeded, each with how many places those hold that did: with which nobody else holds one. Whoever goes first
/// holds a place until it succeeded or is decided about, so all are through, and from here on the recipe is as any other.
#[must_use]
pub fn soaked(succeeded: &BTreeMap<String, u32>, taken: impl Fn(&str) -> u32) -> Vec<String> {
    let through = |(recipe, held): &(&String, &u32)| taken(&first_place(recipe)) <= **held;
    succeeded
        .iter()
        .filter(through)
        .map(|(recipe, _)| recipe.clone())
        .collect()
}

fn wave_slot(wave: &str) -> String {
    format!("wave:{wave}")
}

/// The slots that a host's order takes, all of them or none. Two members of one redundancy set (tags `set=…`), and two domain
/// controllers of one site, are never worked on at a time; a few go first with a recipe that has not soaked here yet. A place
/// that it keeps since it failed is not taken again.
#[must_use]
pub fn slots(plan: &Plan, campaign: &Campaign) -> Vec<Slot> {
    let policy = &campaign.policy;
    let mut slots = vec![Slot {
        name: IN_FLIGHT.to_owned(),
        cap: policy.max_in_flight,
        of: "the campaign".to_owned(),
    }];
    if let Some(cap) = campaign.wave(&plan.wave).and_then(|wave| wave.max_in_flight) {
        slots.push(Slot {
            name: wave_slot(&plan.wave),
            cap,
            of: format!("wave {}", plan.wave),
        });
    }
    let site = &plan.known.site;
    if let Some(cap) = policy.site_in_flight.filter(|_| !site.is_empty()) {
        slots.push(Slot {
            name: format!("site:{site}"),
            cap,
            of: format!("site {site}"),
        });
    }
    for set in plan.known.values(SET) {
        slots.push(Slot {
            name: format!("set:{set}"),
            cap: 1,
            of: format!("redundancy set {set}"),
        });
    }
    if plan.traits().has_role(HostRole::DomainController) {
        let at = if site.is_empty() {
            "at no named site".to_owned()
        } else {
            format!("at site {site}")
        };
        slots.push(Slot {
            name: format!("controllers:{site}"),
            cap: 1,
            of: format!("domain controllers {at}"),
        });
    }
    let first = plan.untried.iter().map(|recipe| Slot {
        name: first_place(recipe),
        cap: policy.first_canaries.cap(),
        of: format!("hosts that go first, until it has soaked here, to {recipe}"),
    });
    slots.extend(first.filter(|slot| !plan.kept_places.contains(&slot.name)));
    // What it holds since it was to be drained is not taken again.
    let is_held = |slot: &Slot| plan.drain.as_ref().is_some_and(|it| it.slots.contains(&slot.name));
    slots.retain(|slot| !is_held(slot));
    slots
}

words! {
    /// Why a person must let a host start.
    pub enum ApprovalCause("cause of an approval") {
        /// The campaign asks it of every host.
        Mode = "mode",
        /// Its wave asks it.
        Wave = "wave",
        /// The campaign asks it of hosts of its class.
        Class = "class",
        /// A recipe of its work has not soaked here yet.
        Recipe = "recipe",
        /// Several people work at it at once.
        MultiSession = "multi-session",
        /// No other domain controller answers for its site.
        OnlyController = "only-controller",
        /// It came into its wave when that was open.
        LateJoiner = "late-joiner",
    }
}

/// Whether a person must let the host start, and why.
#[must_use]
pub fn approval_cause(plan: &Plan, campaign: &Campaign) -> Option<ApprovalCause> {
    let wave = campaign.wave(&plan.wave);
    if campaign.mode == Mode::Approve {
        return Some(ApprovalCause::Mode);
    }
    if !plan.untried.is_empty() && campaign.policy.first_canaries.cap() > 0 {
        return Some(ApprovalCause::Recipe);
    }
    if plan.is_late_joiner && wave.is_some_and(|wave| wave.late_joiners == LateJoiners::Approve) {
        return Some(ApprovalCause::LateJoiner);
    }
    match wave.and_then(|wave| wave.approval) {
        Some(true) => Some(ApprovalCause::Wave),
        Some(false) => None,
        None if campaign.policy.approval_for.contains(&plan.traits().class()) => Some(ApprovalCause::Class),
        None => (plan.traits().usage() == Some(HostUse::MultiSession)).then_some(ApprovalCause::MultiSession),
    }
}

/// The site of a domain controller on which others may count: it is watched, and heard of. `None` of any other host, and where its
/// site is not known, since nobody knows then for whom it answers.
#[must_use]
pub fn answers_at(plan: &Plan) -> Option<&str> {
    let is_there = plan.is_enrolled() && !plan.is_closed() && !plan.stale && !plan.agent_perhaps_lost;
    let is_controller = plan.traits().has_role(HostRole::DomainController);
    let site = plan.known.site.as_str();
    (is_there && is_controller && !site.is_empty()).then_some(site)
}

/// How many hosts were started within the last hour.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Starts {
    /// So many.
    pub count: u32,
    /// When the first of them was; what the next waits for counts from here.
    pub oldest_ms: i64,
}

impl Starts {
    /// An hour.
    pub const WITHIN_MS: i64 = 3_600_000;

    fn note(&mut self, at_ms: i64) {
        if self.count == 0 {
            self.oldest_ms = at_ms;
        }
        self.count = self.count.saturating_add(1);
    }

    /// When one more may start at the earliest; `None` where it may now.
    #[must_use]
    pub fn next_ms(&self, limit: Option<u32>) -> Option<i64> {
        let is_full = limit.is_some_and(|limit| self.count >= limit);
        is_full.then(|| self.oldest_ms.saturating_add(Self::WITHIN_MS))
    }
}

/// What a wave's rows say at this moment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct GroupState {
    /// The campaign.
    pub run: RunState,
    /// The wave.
    pub wave: WaveState,
    /// How many of each slot are taken, by its name; none where it is not named.
    pub taken: BTreeMap<String, u32>,
    /// Starts in the campaign.
    pub starts: Starts,
    /// Starts in the wave.
    pub wave_starts: Starts,
    /// What counts on lines.
    pub lines: Lines,
    /// How many domain controllers answer at each site.
    pub controllers: BTreeMap<String, u32>,
    /// Items of the readiness list that are open, and without which mode automatic starts nobody.
    pub not_ready: Vec<String>,
    /// What halts the wave.
    pub breaker: Breaker,
    /// What its hosts came to in the breaker's present round.
    pub tally: Tally,
}

impl GroupState {
    /// How many of a slot are taken.
    #[must_use]
    pub fn taken(&self, slot: &Slot) -> u32 {
        self.taken.get(&slot.name).copied().unwrap_or(0)
    }

    /// Whether a host is the only domain controller that answers for its site, as far as is known. One of which the site is not
    /// known may be.
    #[must_use]
    pub fn is_only_controller(&self, plan: &Plan) -> bool {
        let site = plan.known.site.as_str();
        let others = || {
            let all = self.controllers.get(site).copied().unwrap_or(0);
            all.saturating_sub(u32::from(answers_at(plan).is_some()))
        };
        plan.traits().has_role(HostRole::DomainController) && (site.is_empty() || others() == 0)
    }

    /// Whether a person must let a host start and has not, and why. No policy lets a site's only domain controller start: that
    /// takes a word that names it.
    #[must_use]
    pub fn lacks_approval(&self, plan: &Plan, campaign: &Campaign) -> Option<ApprovalCause> {
        let is_named = plan.approval.as_ref().is_some_and(|it| it.named);
        if self.is_only_controller(plan) && !is_named {
            return Some(ApprovalCause::OnlyController);
        }
        approval_cause(plan, campaign).filter(|_| plan.approval.is_none())
    }

    /// At the most so many hosts of a wave may start now, by what limits all of them; each may have reasons of its own not
    /// to. At 0 nobody need look at the queue.
    #[must_use]
    pub fn room(&self, wave: &str, campaign: &Campaign) -> u32 {
        let is_halted = matches!(self.breaker.state, BreakerState::Tripped(_));
        if self.run != RunState::Running || self.wave != WaveState::Open || is_halted {
            return 0;
        }
        let (policy, wave) = (&campaign.policy, campaign.wave(wave));
        if self.first_ones(wave).is_some() {
            return 0;
        }
        let in_flight = self.taken.get(IN_FLIGHT).copied().unwrap_or(0);
        let of_wave = wave.and_then(|wave| {
            let taken = self.taken.get(&wave_slot(&wave.name)).copied().unwrap_or(0);
            Some(wave.max_in_flight?.saturating_sub(taken))
        });
        let an_hour = policy
            .starts_per_hour
            .map(|limit| limit.saturating_sub(self.starts.count));
        let an_hour_of_wave = wave
            .and_then(|wave| wave.starts_per_hour)
            .map(|limit| limit.saturating_sub(self.wave_starts.count));
        let of_campaign = policy.max_in_flight.saturating_sub(in_flight);
        [of_wave, an_hour, an_hour_of_wave]
            .into_iter()
            .flatten()
            .fold(of_campaign, u32::min)
    }

    /// Counts one more start.
    pub(super) fn note_start(&mut self, plan: &Plan, campaign: &Campaign, now_ms: i64) {
        for slot in slots(plan, campaign) {
            let taken = self.taken.entry(slot.name).or_default();
            *taken = taken.saturating_add(1);
        }
        self.starts.note(now_ms);
        self.wave_starts.note(now_ms);
        self.lines.add(&Fetches::new(plan, campaign, plan.fetches, now_ms));
        self.tally.add(Outcome::UnderWay, 1);
    }

    /// The same for a host, which does not stand in its own way: one that is drained counts as begun.
    #[must_use]
    pub fn first_ones_but(&self, plan: &Plan, wave: Option<&Wave>) -> Option<(u32, u32)> {
        if !counts_as_begun(plan) {
            return self.first_ones(wave);
        }
        let mut others = self.clone();
        others.tally.under_way = others.tally.under_way.saturating_sub(1);
        others.first_ones(wave)
    }

    /// How many of the wave's hosts go first, and how many have begun, where no other may start now: a wave's canaries, or those
    /// that a reset lets through. `None` where one may.
    #[must_use]
    pub fn first_ones(&self, wave: Option<&Wave>) -> Option<(u32, u32)> {
        let (breaker, tally) = (&self.breaker, &self.tally);
        let (allowed, room) = match (&breaker.state, canaries(breaker, wave, tally)) {
            (BreakerState::HalfOpen(half), _) => (half.allowed, breaker.room(tally)),
            (_, Some(canaries)) if tally.against() == 0 => (canaries, canaries.saturating_sub(tally.begun())),
            (_, Some(canaries)) => (canaries, 0),
            (BreakerState::Working | BreakerState::Tripped(_), None) => (0, breaker.room(tally)),
        };
        (room == 0).then(|| (allowed, tally.begun()))
    }
}
