//! What the server's background work does with a simulated fleet: gates and breakers are asked, waves open, hosts start.

use std::collections::BTreeMap;

use super::{
    Step,
    engine::{Due, Simulation},
    queue::Place,
};
use crate::{
    campaign::span,
    decide::{Input, NoticeGiven},
    forecast::turn_ms,
    notice,
    plan::{Personal, Phase},
    rollout::{
        ApprovalCause, BreakerState, Candidate, ExternalAnswer, IN_FLIGHT, RunState, Turned, WaveState, choose,
        first_place, openings, soaked, turned,
    },
    waiting::{Waiting, hindrance},
};

/// How many queued plans one pass looks at in a wave, as in earnest.
const HEAD: usize = 200;

impl<F: FnMut(&Step<'_>)> Simulation<'_, F> {
    /// What the server's background work does once anything changed, until nothing more follows.
    pub(super) fn pass(&mut self) {
        loop {
            let mut changed = false;
            self.tend_recipes();
            if std::mem::take(&mut self.judging_is_due) {
                changed |= self.judge();
            }
            if std::mem::take(&mut self.rollout_is_due) {
                changed |= self.start();
            }
            if !changed {
                return;
            }
        }
    }

    /// Recipes with which all that went first are through are as any other: queued hosts are decided anew, as in earnest by a pass
    /// over them.
    fn tend_recipes(&mut self) {
        let done = soaked(&self.setup.soaking, |slot| self.counts.taken(slot));
        for recipe in &done {
            let held = self.setup.soaking.remove(recipe).unwrap_or_default();
            self.counts.free(&first_place(recipe), held);
        }
        if done.is_empty() {
            return;
        }
        self.setup.succeeded.extend(done);
        self.rollout_is_due = true;
        for index in 0..self.members.len() {
            if self.members[index].plan.phase == Phase::Queued {
                self.take(index, &Input::CampaignChanged { assessment: None });
            }
        }
    }

    fn judge(&mut self) -> bool {
        let mut changed = false;
        let campaign = self.setup.campaign;
        for (index, wave) in campaign.waves.iter().enumerate() {
            if self.setup.waves.state(&wave.name) == WaveState::Closed {
                continue;
            }
            let breaker = self.setup.breakers.of(&wave.name);
            let tally = self.counts.tally(&wave.name, breaker.round);
            let left = self.counts.left(&wave.name, &tally);
            match turned(wave, breaker, &self.setup.gates, &tally, left, self.now_ms) {
                None => continue,
                Some(Turned::Breaker(next)) => {
                    if let BreakerState::Tripped(trip) = &next.state {
                        self.recorder.note_halted(&wave.name, trip.cause.text());
                    }
                    self.setup.breakers.set(&wave.name, next);
                }
                Some(Turned::Gate(course)) => {
                    let soak = wave.gate.as_ref().map(|gate| span::ms(gate.soak));
                    if let (Some(since_ms), Some(soak_ms)) = (course.sample_since_ms, soak) {
                        self.pass_at(since_ms.saturating_add(soak_ms));
                    }
                    self.setup.gates.set(&wave.name, course);
                    if let Some(within) = self.setup.assumptions.people_within {
                        self.at(self.now_ms.saturating_add(span::ms(within)), Due::Answer(index));
                    }
                }
            }
            changed = true;
        }
        if self.setup.run == RunState::Running {
            let setup = &self.setup;
            let due: Vec<String> = openings(campaign, &setup.waves, &setup.breakers, &setup.gates)
                .into_iter()
                .map(str::to_owned)
                .collect();
            changed |= !due.is_empty();
            for wave in due {
                self.open(&wave);
            }
        }
        self.judging_is_due |= changed;
        changed
    }

    pub(super) fn answer(&mut self, index: usize) {
        let Some(wave) = self.setup.campaign.waves.get(index) else {
            return;
        };
        let Some(gate) = &wave.gate else { return };
        let round = self.setup.breakers.round(&wave.name);
        let mut course = self.setup.gates.of(&wave.name, round);
        if gate.approval.is_some() {
            course.approved.get_or_insert_with(somebody);
        }
        if let Some(asked) = &mut course.external {
            asked.answer.get_or_insert_with(|| ExternalAnswer {
                granted: true,
                change: "simulated".to_owned(),
                at_ms: self.now_ms,
            });
        }
        self.setup.gates.set(&wave.name, course);
        self.judging_is_due = true;
    }

    pub(super) fn open(&mut self, wave: &str) {
        self.setup.waves.turn(wave, WaveState::Open);
        self.recorder.note_opened(wave, self.now_ms);
        for index in 0..self.members.len() {
            let plan = &self.members[index].plan;
            if plan.phase == Phase::Planned && plan.wave == wave {
                self.take(index, &Input::WaveOpened);
            }
        }
        self.rollout_is_due = true;
        self.judging_is_due = true;
    }

    fn start(&mut self) -> bool {
        let campaign = self.setup.campaign;
        if self.setup.run != RunState::Running || self.counts.taken(IN_FLIGHT) >= campaign.policy.max_in_flight {
            return false;
        }
        if let Some(at_ms) = self.counts.starts(self.now_ms).next_ms(campaign.policy.starts_per_hour) {
            self.pass_at(at_ms);
            return false;
        }
        let mut groups = self.counts.groups(&self.setup, self.now_ms);
        let mut starts = Vec::new();
        for wave in campaign.wave_names() {
            let mut group = groups.of(wave);
            if group.wave != WaveState::Open {
                continue;
            }
            let head = self.queues.head(wave, self.now_ms, HEAD);
            let seen: Vec<i64> = head.iter().map(|index| self.last_seen(*index)).collect();
            let candidates: Vec<Candidate<'_>> = head
                .iter()
                .zip(&seen)
                .map(|(index, last_seen_ms)| Candidate {
                    plan: &self.members[*index].plan,
                    last_seen_ms: *last_seen_ms,
                })
                .collect();
            let chosen = choose(&candidates, &mut group, campaign, self.now_ms);
            let by_host: BTreeMap<_, _> = head
                .iter()
                .map(|index| (self.members[*index].plan.host_id, *index))
                .collect();
            starts.extend(chosen.starts.iter().filter_map(|host| by_host.get(host).copied()));
            groups.take_in(group);
            for (host, waiting) in chosen.waiting {
                if let Some(index) = by_host.get(&host) {
                    self.put_off(*index, wave, &waiting);
                }
            }
        }
        let mut started = false;
        for index in starts {
            started |= self.start_one(index);
        }
        started
    }

    /// Who cannot start hides nobody behind it.
    fn put_off(&mut self, index: usize, wave: &str, waiting: &Waiting) {
        match waiting {
            Waiting::Away { .. } => {
                self.queues.put(index, wave, Place::UntilSeen);
                self.schedule(index);
            }
            Waiting::Hours { opens_ms } | Waiting::Blackout { opens_ms, .. } => {
                let turn_ms = turn_ms(&self.members[index].plan, self.setup.campaign);
                let place = opens_ms.map_or(Place::Idle, |at_ms| Place::Dated { at_ms, turn_ms });
                self.queues.put(index, wave, place);
                if let Some(at_ms) = *opens_ms {
                    self.pass_at(at_ms);
                }
            }
            Waiting::NoWindow => self.queues.put(index, wave, Place::Idle),
            Waiting::Approval {
                cause: ApprovalCause::OnlyController,
            } => self.ask_for_approval(index),
            Waiting::Pace { at_ms, .. } => self.pass_at(*at_ms),
            Waiting::Line(line) => {
                if let Some(at_ms) = line.room_ms {
                    self.pass_at(at_ms);
                }
            }
            // Whatever ends these is something that happens.
            Waiting::ObserveMode
            | Waiting::Readiness { .. }
            | Waiting::WaveClosed { .. }
            | Waiting::WavePaused { .. }
            | Waiting::Tripped { .. }
            | Waiting::FewFirst { .. }
            | Waiting::Halted { .. }
            | Waiting::Grace { .. }
            | Waiting::Approval { .. }
            | Waiting::Notice { .. }
            | Waiting::PutOff { .. }
            | Waiting::External { .. }
            | Waiting::Drain { .. }
            | Waiting::Slot { .. }
            | Waiting::Held { .. }
            | Waiting::HeldLocally { .. }
            | Waiting::Retry { .. }
            | Waiting::AgentPerhapsLost { .. }
            | Waiting::Journal
            | Waiting::NextPass
            | Waiting::Fetch { .. }
            | Waiting::Steps { .. }
            | Waiting::Ending { .. }
            | Waiting::Restart { .. }
            | Waiting::FreshLook
            | Waiting::Soak { .. }
            | Waiting::Stuck(_) => {}
        }
    }

    /// A person is asked to let a host start, once.
    pub(super) fn ask_for_approval(&mut self, index: usize) {
        if let Some(within) = self.setup.assumptions.people_within
            && !std::mem::replace(&mut self.members[index].was_asked_for_approval, true)
        {
            self.at(self.now_ms.saturating_add(span::ms(within)), Due::Approve(index));
        }
    }

    /// Whoever is asked lets it start, by its name.
    pub(super) fn approve(&mut self, index: usize) {
        let plan = &self.members[index].plan;
        let group = self.counts.groups(&self.setup, self.now_ms).of(&plan.wave);
        if group.lacks_approval(plan, self.setup.campaign).is_some() {
            self.take(index, &Input::ApprovedByName { by: somebody() });
        }
    }

    /// Whoever is there is told of the start at once, and puts nothing off.
    pub(super) fn tell_user(&mut self, index: usize) {
        let (plan, campaign) = (&self.members[index].plan, self.setup.campaign);
        if !notice::is_due(plan, campaign, self.now_ms) {
            return;
        }
        let group = self.counts.groups(&self.setup, self.now_ms).of(&plan.wave);
        let waiting = hindrance(plan, &group, self.now_ms, campaign, self.now_ms);
        let Some(shown) = notice::to_show(plan, campaign, waiting.as_ref(), self.now_ms) else {
            return;
        };
        let given = NoticeGiven {
            round: shown.round,
            number: shown.number,
            shown_ms: self.now_ms,
            somebody: Some(true),
            how: String::new(),
        };
        self.take(index, &Input::Notified(given));
    }

    /// In earnest, a transaction asks again before it issues an order.
    fn start_one(&mut self, index: usize) -> bool {
        let seen_ms = self.last_seen(index);
        let plan = &self.members[index].plan;
        let group = self.counts.groups(&self.setup, self.now_ms).of(&plan.wave);
        if hindrance(plan, &group, seen_ms, self.setup.campaign, self.now_ms).is_some() {
            return false;
        }
        let started = Input::Started {
            order_number: plan.highest_order + 1,
            epoch: self.setup.epoch,
        };
        self.take(index, &started);
        self.schedule(index);
        self.members[index].plan.order.is_some()
    }
}

/// Whoever lets hosts start and answers gates.
pub(super) fn somebody() -> Personal {
    #[expect(clippy::expect_used, reason = "sixty-four zeros are a digest")]
    Personal::of_digest(&"0".repeat(64)).expect("a digest")
}
