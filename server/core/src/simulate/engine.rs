//! The course of it: contacts, wakes and passes of the rollout, in the order of their times.

use std::{
    cmp::Reverse,
    collections::{BTreeSet, BinaryHeap},
};

use jiff::{Timestamp, tz::TimeZone};

use super::{
    Participant, Presence, Setup, Simulated, Step,
    cause::cause,
    counts::{Counted, Counts},
    machine::{Machine, likely_habit},
    queue::{Place, Queues},
    report::{End, HostEnd, Recorder, is_done, is_to_do},
};
use crate::{
    campaign::span,
    decide::{Cx, Effect, Input, decide_and_apply},
    forecast::turn_ms,
    mix::mix,
    notice,
    plan::{Phase, Plan},
    rollout::{WaveState, approval_cause, first_place, ready_at_ms},
    waiting,
};

/// How soon a host that is there fetches what waits for it: it is nudged.
const NUDGED_MS: i64 = 2000;

/// How soon one comes back that was asked for a look; the longer the more often it was asked for nothing.
const ASKED_MS: i64 = 60_000;
/// The longest of these.
const ASKED_MOST: u32 = 8;

/// A host that its habit would have brought, and that was not heard of for so long, is away.
const AWAY_MS: i64 = 24 * 3_600_000;

/// What is due, in the order in which it happens at one instant.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Due {
    /// People have settled the readiness list.
    Settle,
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

pub(super) struct Member {
    pub(super) plan: Plan,
    machine: Machine,
    last_seen_ms: i64,
    was_to_do: bool,
    contact: u32,
    wake: u32,
    wake_ms: Option<i64>,
    /// How often in a row it was asked for a look and had nothing to say.
    asked: u32,
    pub(super) was_asked_for_approval: bool,
}

pub(super) struct Simulation<'a, F> {
    pub(super) setup: Setup<'a>,
    pub(super) now_ms: i64,
    pub(super) members: Vec<Member>,
    due: BinaryHeap<Reverse<(i64, Due)>>,
    passes: BTreeSet<i64>,
    pub(super) counts: Counts,
    pub(super) queues: Queues,
    pub(super) recorder: Recorder,
    pub(super) rollout_is_due: bool,
    pub(super) judging_is_due: bool,
    trace: F,
}

/// Lets a fleet go on until the end, or until nothing is due any more. `trace` is told of every decision that something
/// follows from.
pub fn simulate(setup: Setup<'_>, fleet: Vec<Participant>, trace: impl FnMut(&Step<'_>)) -> Simulated {
    course(setup, fleet, trace).0
}

/// The same, with what became of each host that was to be done.
pub fn course(
    setup: Setup<'_>,
    mut fleet: Vec<Participant>,
    trace: impl FnMut(&Step<'_>),
) -> (Simulated, Vec<HostEnd>) {
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
        for (recipe, held) in &self.setup.soaking {
            for _ in 0..*held {
                self.counts.note_places(&[first_place(recipe)]);
            }
        }
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
            self.counts.note_places(&it.plan.first_places);
            self.counts.note_places(&it.plan.kept_places);
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
                self.counts.note_order(plan, order, self.setup.campaign);
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
        if let Some(within) = self.setup.assumptions.people_within {
            self.at(from_ms.saturating_add(span::ms(within)), Due::Settle);
        }
        self.at(from_ms, Due::Pass);
    }

    fn go(&mut self) {
        while let Some(Reverse((at_ms, _))) = self.due.peek().copied() {
            if at_ms > self.setup.until_ms {
                break;
            }
            debug_assert!(at_ms >= self.now_ms, "time goes on");
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
            Due::Settle => {
                self.setup.not_ready.clear();
                self.rollout_is_due = true;
            }
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
            Due::Approve(index) => self.approve(index),
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
        self.tell_user(index);
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
    pub(super) fn take(&mut self, index: usize, input: &Input) {
        let cx = Cx {
            now_ms: self.now_ms,
            campaign: self.setup.campaign,
            catalog: self.setup.catalog,
            shelf: self.setup.shelf,
            secrets: self.setup.secrets,
            run: self.setup.run,
            waves: &self.setup.waves,
            breakers: &self.setup.breakers,
            succeeded: &self.setup.succeeded,
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
            // Of the wave in which an order was issued: a plan with one stays in it, and leaves it with the order's end.
            self.counts.follow(effect, &counted, issued_ms, self.now_ms);
            if let Effect::RecipesSucceeded { recipes, places } = effect {
                for recipe in recipes {
                    let held = self.setup.soaking.entry(recipe.clone()).or_default();
                    *held += u32::from(places.contains(&first_place(recipe)));
                }
            }
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
        // Nothing else brings it, where it was only its wave that opened.
        if matches!(input, Input::WaveOpened | Input::ApprovedByName { .. })
            && notice::is_due(&self.members[index].plan, self.setup.campaign, self.now_ms)
        {
            self.schedule(index);
        }
    }

    /// Puts the host to its place in the queue.
    fn place(&mut self, index: usize) {
        let campaign = self.setup.campaign;
        let plan = &self.members[index].plan;
        if plan.phase != Phase::Queued {
            self.queues.put(index, "", Place::Out);
            return;
        }
        let turn_ms = turn_ms(plan, campaign);
        let place = match ready_at_ms(plan, campaign) {
            i64::MAX => Place::Idle,
            at_ms if at_ms <= self.now_ms => Place::Ready { turn_ms },
            at_ms => Place::Dated { at_ms, turn_ms },
        };
        let wave = plan.wave.clone();
        let waits_for_people = plan.approval.is_none() && approval_cause(plan, campaign).is_some();
        self.queues.put(index, &wave, place);
        if let Place::Dated { at_ms, .. } = place {
            self.pass_at(at_ms);
        }
        if waits_for_people {
            self.ask_for_approval(index);
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
    pub(super) fn schedule(&mut self, index: usize) {
        let now_ms = self.now_ms;
        let it = &mut self.members[index];
        let in_a_while = now_ms.saturating_add(ASKED_MS << it.asked.min(ASKED_MOST));
        let is_told = notice::is_due(&it.plan, self.setup.campaign, now_ms);
        let is_verified = it.plan.verify.is_some() && it.plan.wants_look() && it.machine.shows.is_some();
        let due_ms = if let Some(at_ms) = it.machine.tells_ms() {
            // Always ahead: what happened until now was told, or put off until the machine is back.
            Some(at_ms)
        } else if it.plan.order.as_ref().is_some_and(|order| order.fetched_ms.is_none()) {
            Some(now_ms + NUDGED_MS)
        } else if it.machine.looks_next || it.plan.order.is_some() || is_verified || is_told {
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

    pub(super) fn last_seen(&self, index: usize) -> i64 {
        let it = &self.members[index];
        it.machine.presence.last_ms(self.now_ms, it.last_seen_ms)
    }

    pub(super) fn at(&mut self, at_ms: i64, due: Due) {
        self.due.push(Reverse((at_ms, due)));
    }

    /// A pass at an instant, once.
    pub(super) fn pass_at(&mut self, at_ms: i64) {
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

    fn finish(mut self) -> (Simulated, Vec<HostEnd>) {
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
        let within = |at_ms: i64| from_ms < at_ms && at_ms <= self.setup.until_ms;
        let milestones = campaign.milestones.iter().map(|it| (it.name.clone(), it.at_ms));
        let target = campaign.target_ms().map(|at_ms| ("target".to_owned(), at_ms));
        let marks = milestones.chain(target).filter(|(_, at_ms)| within(*at_ms)).collect();
        let hosts = self.recorder.ends(&ends);
        let simulated = Simulated {
            from_ms,
            until_ms: self.setup.until_ms,
            seed: self.setup.seed,
            ..self.recorder.finish(campaign.wave_names(), marks, &ends)
        };
        (simulated, hosts)
    }
}

fn offset_ms(zone: &TimeZone, at_ms: i64) -> i64 {
    let offset = Timestamp::from_millisecond(at_ms).map(|at| zone.to_offset(at).seconds());
    offset.map_or(0, |seconds| i64::from(seconds) * 1000)
}
