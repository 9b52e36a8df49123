//! The course of it: contacts, wakes and passes of the rollout, in the order of their times.

use std::{
    cmp::Reverse,
    collections::{BTreeMap, BTreeSet, BinaryHeap},
};

use jiff::{Timestamp, tz::TimeZone};

use super::{
    Assumptions, Habit, Presence, Simulated,
    cause::cause,
    counts::{Counted, Counts},
    machine::{Machine, likely_habit},
    queue::{Place, Queues},
    report::{End, Recorder, is_done, is_to_do},
};
use crate::{
    campaign::{Campaign, span},
    catalog::{Catalog, Shelf},
    decide::{Cx, Event, Input, decide_and_apply},
    forecast::latest_start_ms,
    mix::mix,
    plan::{Personal, Phase, Plan},
    rollout::{
        BreakerState, Breakers, Candidate, ExternalAnswer, Gates, IN_FLIGHT, RunState, Turned, WaveState, Waves,
        approval_cause, choose, openings, ready_at_ms, turned,
    },
    waiting::{self, Waiting, hindrance},
};

/// How many queued plans one pass looks at in a wave, as in earnest.
const HEAD: usize = 200;
/// How soon a host that is there fetches what waits for it: it is nudged.
const NUDGED_MS: i64 = 2000;
/// How soon one comes back that was asked for a look; the longer the more often it was asked for nothing.
const ASKED_MS: i64 = 60_000;
/// The longest of these.
const ASKED_MOST: u32 = 8;

/// A host that its habit would have brought, and that was not heard of for so long, is away.
const AWAY_MS: i64 = 24 * 3_600_000;

/// Where a simulation begins.
#[derive(Debug, Clone)]
pub struct Setup<'a> {
    /// The campaign that would be in force.
    pub campaign: &'a Campaign,
    /// Rules and recipes.
    pub catalog: &'a Catalog,
    /// Package files that operators bound to products.
    pub shelf: &'a Shelf,
    /// Whether anything may start.
    pub run: RunState,
    /// The waves' states.
    pub waves: Waves,
    /// Their breakers.
    pub breakers: Breakers,
    /// How far their gates are.
    pub gates: Gates,
    /// The campaign's epoch.
    pub epoch: u64,
    /// Waves that a person opens, and when.
    pub opens: Vec<(String, i64)>,
    /// What is made up.
    pub assumptions: &'a Assumptions,
    /// When it begins.
    pub from_ms: i64,
    /// When it ends.
    pub until_ms: i64,
    /// What everything drawn is drawn from.
    pub seed: u64,
    /// What the jitter of every decision is drawn from; `None` for another one each time, as in earnest.
    pub jitter: Option<u64>,
}

/// A host that takes part.
#[derive(Debug, Clone)]
pub struct Participant {
    /// Its plan.
    pub plan: Plan,
    /// When it was last heard of.
    pub last_seen_ms: i64,
    /// When it is there; `None` where that is not known.
    pub habit: Option<Habit>,
}

/// One decision of a simulation.
#[derive(Debug)]
pub struct Step<'a> {
    /// When.
    pub at_ms: i64,
    /// What happened.
    pub input: &'a Input,
    /// The plan after it.
    pub plan: &'a Plan,
    /// What followed.
    pub events: &'a [Event],
}

/// What is due, in the order in which it happens at one instant.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Due {
    /// A person opens a wave.
    Open(usize),
    /// A host checks in, for the so-and-so-many-th time that it was told when.
    Contact(usize, u32),
    /// A plan wakes.
    Wake(usize, u32),
    /// A person lets a host start.
    Approve(usize),
    /// Whoever is asked answers a wave's gate.
    Answer(usize),
    /// The rollout may go on.
    Pass,
}

struct Member {
    plan: Plan,
    machine: Machine,
    last_seen_ms: i64,
    was_to_do: bool,
    contact: u32,
    wake: u32,
    wake_ms: Option<i64>,
    /// How often in a row it was asked for a look and had nothing to say.
    asked: u32,
    was_asked_for_approval: bool,
}

struct Simulation<'a, F> {
    setup: Setup<'a>,
    now_ms: i64,
    members: Vec<Member>,
    due: BinaryHeap<Reverse<(i64, Due)>>,
    passes: BTreeSet<i64>,
    counts: Counts,
    queues: Queues,
    recorder: Recorder,
    rollout_is_due: bool,
    judging_is_due: bool,
    trace: F,
}

/// Lets a fleet go on until the end, or until nothing is due any more. `trace` is told of every decision that something
/// follows from.
pub fn simulate(setup: Setup<'_>, mut fleet: Vec<Participant>, trace: impl FnMut(&Step<'_>)) -> Simulated {
    fleet.retain(|it| it.plan.is_enrolled() && !it.plan.is_closed());
    fleet.sort_by_key(|it| it.plan.host_id);
    let mut simulation = Simulation {
        now_ms: setup.from_ms,
        members: Vec::with_capacity(fleet.len()),
        due: BinaryHeap::new(),
        passes: BTreeSet::new(),
        counts: Counts::default(),
        queues: Queues::of(fleet.len()),
        recorder: Recorder::default(),
        rollout_is_due: true,
        judging_is_due: true,
        trace,
        setup,
    };
    simulation.enter(fleet);
    simulation.go();
    simulation.finish()
}

impl<F: FnMut(&Step<'_>)> Simulation<'_, F> {
    fn enter(&mut self, fleet: Vec<Participant>) {
        let (from_ms, seed) = (self.setup.from_ms, self.setup.seed);
        let mut out: Vec<usize> = Vec::new();
        for it in fleet {
            let zone = self.setup.campaign.zone_for(&it.plan.traits());
            let habit = it.habit.unwrap_or_else(|| likely_habit(&it.plan));
            let mut presence = Presence::new(it.plan.host_id, habit, offset_ms(&zone, from_ms), seed);
            let is_away = presence.last_ms(from_ms, it.last_seen_ms) - it.last_seen_ms > AWAY_MS;
            if is_away || it.plan.stale {
                presence = presence.still_away(it.last_seen_ms, from_ms);
            }
            let mut machine = Machine::of(&it.plan, presence, seed);
            machine.resume(&it.plan, self.setup.assumptions, self.setup.catalog, from_ms);
            if it.plan.order.is_some() {
                out.push(self.members.len());
            }
            self.counts.add(&Counted::of(&it.plan));
            self.members.push(Member {
                was_to_do: is_to_do(it.plan.phase),
                machine,
                last_seen_ms: it.last_seen_ms,
                plan: it.plan,
                contact: 0,
                wake: 0,
                wake_ms: None,
                asked: 0,
                was_asked_for_approval: false,
            });
        }
        out.sort_by_key(|index| self.members[*index].plan.order.as_ref().map(|order| order.issued_ms));
        for index in out {
            let plan = &self.members[index].plan;
            if let Some(order) = &plan.order {
                self.counts.note_order(&plan.wave, order);
                self.recorder.note_out(plan);
            }
        }
        for index in 0..self.members.len() {
            self.place(index);
            self.arm(index);
            self.schedule(index);
        }
        let opens: Vec<(String, i64)> = self.setup.opens.clone();
        for (wave, at_ms) in opens {
            if let Some(index) = self.wave_index(&wave) {
                self.at(at_ms.max(from_ms), Due::Open(index));
            }
        }
        self.at(from_ms, Due::Pass);
    }

    fn go(&mut self) {
        while let Some(Reverse((at_ms, _))) = self.due.peek().copied() {
            if at_ms > self.setup.until_ms {
                break;
            }
            self.now_ms = at_ms;
            while let Some(due) = self.next_at(at_ms) {
                self.happen(due);
            }
            self.pass();
        }
        self.now_ms = self.setup.until_ms;
    }

    fn next_at(&mut self, at_ms: i64) -> Option<Due> {
        let is_now = self.due.peek().is_some_and(|Reverse((at, _))| *at == at_ms);
        let next = is_now.then(|| self.due.pop())?;
        next.map(|Reverse((_, due))| due)
    }

    fn happen(&mut self, due: Due) {
        match due {
            Due::Open(wave) => {
                let name = self.wave_name(wave);
                if self.setup.waves.state(&name) != WaveState::Open {
                    self.open(&name);
                }
            }
            Due::Contact(index, nth) => {
                if self.members[index].contact == nth {
                    self.contact(index);
                }
            }
            Due::Wake(index, nth) => {
                if self.members[index].wake == nth {
                    let it = &mut self.members[index];
                    it.wake_ms = None;
                    let last_seen_ms = it.machine.presence.last_ms(self.now_ms, it.last_seen_ms);
                    it.last_seen_ms = last_seen_ms;
                    self.take(index, &Input::Woke { last_seen_ms });
                    self.arm(index);
                    self.schedule(index);
                }
            }
            Due::Approve(index) => {
                let plan = &self.members[index].plan;
                if plan.approval.is_none() && approval_cause(plan, self.setup.campaign).is_some() {
                    self.take(index, &Input::Approved { by: somebody() });
                }
            }
            Due::Answer(wave) => self.answer(wave),
            Due::Pass => {
                self.passes.remove(&self.now_ms);
                self.rollout_is_due = true;
                self.judging_is_due = true;
            }
        }
    }

    /// A host checks in, with what the server makes of it in the order in which it does: records, then a look or the word that
    /// nothing changed, then the reply.
    fn contact(&mut self, index: usize) {
        let now_ms = self.now_ms;
        self.members[index].last_seen_ms = now_ms;
        let seq = self.members[index].plan.seq;
        for record in self.members[index].machine.tell(now_ms) {
            self.take(index, &Input::Recorded(Box::new(record)));
        }
        let machine = &mut self.members[index].machine;
        if machine.is_news || machine.looks_next {
            machine.look(now_ms);
        }
        let news = machine.shows.clone().filter(|_| machine.is_news);
        machine.is_news = false;
        let (looked_at_ms, boot_id) = (machine.looked_at_ms, machine.boot_id.clone());
        let seen = match news {
            Some(assessment) => Input::Looked {
                assessment: Box::new(assessment),
                looked_at_ms: now_ms,
                boot_id,
            },
            None => Input::CheckedIn {
                looked_at_ms,
                boot_id,
                running: machine.running(),
            },
        };
        self.take(index, &seen);
        self.reply(index);
        let it = &mut self.members[index];
        it.asked = if it.plan.seq == seq { it.asked + 1 } else { 0 };
        if self.queues.place(index) == Place::UntilSeen {
            self.place(index);
        }
        self.schedule(index);
    }

    fn reply(&mut self, index: usize) {
        let now_ms = self.now_ms;
        let running = self.members[index].machine.running();
        if let Some(number) = self.members[index].plan.order_to_send(running) {
            self.take(index, &Input::OrderFetched { number });
            let it = &mut self.members[index];
            if let Some(order) = it.plan.order.clone() {
                it.machine
                    .begin(&order, &it.plan, self.setup.assumptions, self.setup.catalog, now_ms);
            }
        }
        let it = &mut self.members[index];
        if it.plan.order_to_cancel().is_some()
            && let Some(order) = it.plan.order.clone()
        {
            it.machine.cancel(&order, now_ms);
        }
        it.machine.looks_next = it.plan.wants_look() && it.machine.shows.is_some();
    }

    /// Decides, as in earnest. What is refused has no place in the plan's course, and nothing follows from it.
    fn take(&mut self, index: usize, input: &Input) {
        let cx = Cx {
            now_ms: self.now_ms,
            campaign: self.setup.campaign,
            catalog: self.setup.catalog,
            shelf: self.setup.shelf,
            run: self.setup.run,
            waves: &self.setup.waves,
            breakers: &self.setup.breakers,
            outages: &[],
            seed: self
                .setup
                .jitter
                .unwrap_or_else(|| mix(self.setup.seed ^ mix(index as u64) ^ self.recorder.decisions)),
        };
        let before = &self.members[index].plan;
        self.recorder.decisions += 1;
        let Ok((decision, plan)) = decide_and_apply(before, input, &cx) else {
            return;
        };
        if decision.events.is_empty() {
            return;
        }
        let (counted, issued_ms) = (Counted::of(before), before.order.as_ref().map(|order| order.issued_ms));
        let counts_now = Counted::of(&plan);
        if counted != counts_now {
            self.counts.remove(&counted);
            self.counts.add(&counts_now);
            self.judging_is_due = true;
        }
        for effect in &decision.effects {
            self.counts.follow(effect, &plan.wave, issued_ms, self.now_ms);
        }
        for event in &decision.events {
            self.recorder.note(&plan, event);
        }
        (self.trace)(&Step {
            at_ms: self.now_ms,
            input,
            plan: &plan,
            events: &decision.events,
        });
        self.members[index].plan = plan;
        self.rollout_is_due = true;
        self.place(index);
        self.arm(index);
    }

    /// Puts the host to its place in the queue.
    fn place(&mut self, index: usize) {
        let campaign = self.setup.campaign;
        let plan = &self.members[index].plan;
        if plan.phase != Phase::Queued {
            self.queues.put(index, "", Place::Out);
            return;
        }
        let latest_start_ms = latest_start_ms(plan, campaign);
        let place = match ready_at_ms(plan, campaign) {
            i64::MAX => Place::Idle,
            at_ms if at_ms <= self.now_ms => Place::Ready { latest_start_ms },
            at_ms => Place::Dated { at_ms, latest_start_ms },
        };
        let wave = plan.wave.clone();
        let waits_for_people = plan.approval.is_none() && approval_cause(plan, campaign).is_some();
        self.queues.put(index, &wave, place);
        if let Place::Dated { at_ms, .. } = place {
            self.pass_at(at_ms);
        }
        if let Some(within) = self.setup.assumptions.people_within
            && waits_for_people
            && !self.members[index].was_asked_for_approval
        {
            self.members[index].was_asked_for_approval = true;
            self.at(self.now_ms.saturating_add(span::ms(within)), Due::Approve(index));
        }
    }

    /// Sets when the plan wakes.
    fn arm(&mut self, index: usize) {
        let it = &mut self.members[index];
        let wake = waiting::next_wake(&it.plan, it.last_seen_ms, self.setup.campaign, &[]);
        let wake_ms = wake.map(|wake| wake.at_ms.max(self.now_ms + 1));
        if it.wake_ms != wake_ms {
            it.wake_ms = wake_ms;
            it.wake += 1;
            let due = Due::Wake(index, it.wake);
            if let Some(at_ms) = wake_ms {
                self.at(at_ms, due);
            }
        }
    }

    /// Sets when the host checks in next such that anything may follow from it.
    fn schedule(&mut self, index: usize) {
        let now_ms = self.now_ms;
        let it = &mut self.members[index];
        let in_a_while = now_ms.saturating_add(ASKED_MS << it.asked.min(ASKED_MOST));
        let due_ms = if let Some(at_ms) = it.machine.tells_ms() {
            Some(at_ms.max(now_ms + 1))
        } else if it.plan.order.as_ref().is_some_and(|order| order.fetched_ms.is_none()) {
            Some(now_ms + NUDGED_MS)
        } else if it.machine.looks_next || it.machine.is_news || it.plan.order.is_some() {
            Some(in_a_while)
        } else if it.plan.verify.is_some() && it.plan.wants_look() && it.machine.shows.is_some() {
            Some(in_a_while)
        } else if it.plan.stale || it.plan.agent_perhaps_lost || self.queues.place(index) == Place::UntilSeen {
            Some(now_ms + 1)
        } else {
            None
        };
        let at_ms = due_ms.and_then(|due_ms| it.machine.presence.next_ms(due_ms));
        it.contact += 1;
        let contact = it.contact;
        if let (Some(due_ms), Some(at_ms)) = (due_ms, at_ms) {
            if it.machine.running().is_some() {
                it.machine.put_off(at_ms - due_ms);
            }
            self.at(at_ms, Due::Contact(index, contact));
        }
    }

    /// What the server's background work does once anything changed, until nothing more follows.
    fn pass(&mut self) {
        loop {
            let mut changed = false;
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
                        self.pass_at(since_ms.saturating_add(soak_ms).max(self.now_ms + 1));
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

    fn answer(&mut self, index: usize) {
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

    fn open(&mut self, wave: &str) {
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
                let latest_start_ms = latest_start_ms(&self.members[index].plan, self.setup.campaign);
                let place = opens_ms.map_or(Place::Idle, |at_ms| Place::Dated { at_ms, latest_start_ms });
                self.queues.put(index, wave, place);
                if let Some(at_ms) = *opens_ms {
                    self.pass_at(at_ms);
                }
            }
            Waiting::Pace { at_ms, .. } => self.pass_at(*at_ms),
            _ => {}
        }
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

    fn last_seen(&self, index: usize) -> i64 {
        let it = &self.members[index];
        it.machine.presence.last_ms(self.now_ms, it.last_seen_ms)
    }

    fn at(&mut self, at_ms: i64, due: Due) {
        self.due.push(Reverse((at_ms, due)));
    }

    /// A pass at an instant, once.
    fn pass_at(&mut self, at_ms: i64) {
        if at_ms > self.now_ms && self.passes.insert(at_ms) {
            self.at(at_ms, Due::Pass);
        }
    }

    fn wave_index(&self, name: &str) -> Option<usize> {
        self.setup.campaign.wave_names().position(|wave| wave == name)
    }

    fn wave_name(&self, index: usize) -> String {
        let name = self.setup.campaign.wave_names().nth(index);
        name.unwrap_or_default().to_owned()
    }

    fn finish(mut self) -> Simulated {
        let groups = self.counts.groups(&self.setup, self.now_ms);
        let campaign = self.setup.campaign;
        let (now_ms, from_ms) = (self.now_ms, self.setup.from_ms);
        let ends: Vec<End<'_>> = self
            .members
            .iter()
            .map(|it| {
                let last_seen_ms = it.machine.presence.last_ms(now_ms, it.last_seen_ms);
                let why = match is_done(it.plan.phase) {
                    true => None,
                    false => waiting::why(&it.plan, &groups.of(&it.plan.wave), last_seen_ms, campaign, now_ms),
                };
                End {
                    plan: &it.plan,
                    was_to_do: it.was_to_do,
                    was_heard: last_seen_ms >= from_ms,
                    why: why.map_or_else(Default::default, |waiting| (cause(&waiting), waiting.remedy())),
                }
            })
            .collect();
        Simulated {
            from_ms,
            until_ms: self.setup.until_ms,
            seed: self.setup.seed,
            ..self.recorder.finish(campaign.wave_names(), &ends)
        }
    }
}

fn offset_ms(zone: &TimeZone, at_ms: i64) -> i64 {
    let offset = Timestamp::from_millisecond(at_ms).map(|at| zone.to_offset(at).seconds());
    offset.map_or(0, |seconds| i64::from(seconds) * 1000)
}

/// Whoever lets hosts start and answers gates.
fn somebody() -> Personal {
    #[expect(clippy::expect_used, reason = "sixty-four zeros are a digest")]
    Personal::of_digest(&"0".repeat(64)).expect("a digest")
}
