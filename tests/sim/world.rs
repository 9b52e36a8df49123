//! The world: one queue of what happens, in virtual time, each thing after the other.

use std::{
    collections::{BTreeMap, BTreeSet, VecDeque},
    sync::Arc,
};

use anyhow::{Context as _, Result};
use cutover_core::campaign::Campaign;
use cutover_server::service::ServiceError;

use crate::{
    calendar::{DAY, HOUR, SECOND, begins_ms, shown},
    case::{Case, Failure, Violation},
    dice::Dice,
    fault::Fault,
    habit::Traits,
    happening::Happening,
    ledger::Ledger,
    machine::Machine,
    people::Deed,
    plot::Plot,
    server::{SPEED, Server},
    truth::planted,
    view::View,
    weather::{Weather, campaign_text},
    work::Then,
};

/// For so long things go wrong.
const STORM: i64 = 7 * DAY;
/// After it everything is well, and every plan comes to where a person would have to move it. Limits, hours and waves that halt may
/// make a large fleet wait for weeks; but within so long fewer have to be on their way than ever before.
pub(crate) const CALM: i64 = 20 * DAY;
/// How often plans are looked at in the calm, to end when nothing moves any more.
const GLANCE: i64 = 6 * HOUR;
/// How often the whole store is read.
const RECOUNT: i64 = 12 * HOUR;
/// The server's loop beats at least so often: a longer pause is an outage.
const BEAT: i64 = 10 * SPEED * SECOND;
/// So many beats to one whole pass.
const BEATS_A_PASS: u64 = 6;
/// How soon after a commit the server's loop looks.
const SOON: i64 = SPEED * SECOND / 50;
/// Lines that a failure keeps.
const LINES: usize = 60;

/// How a run ended.
pub(crate) struct Outcome {
    pub(crate) ledger: Ledger,
    /// Of all events in their order: the same for the same case.
    pub(crate) trace: String,
    pub(crate) failure: Option<Failure>,
}

pub(crate) struct World {
    pub(crate) case: Case,
    pub(crate) begins_ms: i64,
    pub(crate) now_ms: i64,
    /// The fewest plans that were on their way in the calm, and since when.
    pub(crate) fewest: Option<(usize, i64)>,
    pub(crate) server: Server,
    pub(crate) machines: Vec<Machine>,
    pub(crate) weather: Weather,
    pub(crate) view: View,
    pub(crate) ledger: Ledger,
    pub(crate) dice: Dice,
    pub(crate) calm: bool,
    pub(crate) cut_off: BTreeSet<usize>,
    pub(crate) tokens: BTreeMap<&'static str, String>,
    /// Names in place of keys' hashes.
    pub(crate) names: BTreeMap<String, String>,
    pub(crate) down_since_ms: Option<i64>,
    /// Disks as they were, to be put back.
    pub(crate) backups: BTreeMap<usize, Machine>,
    pub(crate) image_is_new: bool,
    queue: BTreeMap<(i64, u64), Happening>,
    queued: u64,
    polls: BTreeMap<usize, i64>,
    pass_at_ms: Option<i64>,
    lines: VecDeque<String>,
    violation: Option<Violation>,
    /// Something was committed since the checks looked last, as far as was told.
    pub(crate) is_called: bool,
    beats: u64,
}

impl World {
    /// Runs a case to its end, or to the first thing that does not hold.
    pub(crate) async fn run(case: Case) -> Result<Outcome> {
        let mut world = Self::new(case).await?;
        world.begin().await?;
        while world.violation.is_none() {
            let Some(((at_ms, _), happening)) = world.queue.pop_first() else {
                break;
            };
            world.now_ms = world.now_ms.max(at_ms);
            world.server.move_to(world.now_ms);
            world.ledger.steps += 1;
            let is_end = matches!(happening, Happening::Glance) && world.is_settled();
            if is_end {
                world.end().await?;
                break;
            }
            world.happen(happening).await?;
            world.watch().await?;
        }
        Ok(world.outcome())
    }

    async fn new(case: Case) -> Result<Self> {
        let mut dice = Dice::of(case.seed, 1);
        let begins_ms = begins_ms(case.seed);
        let weather = Weather::of(&mut dice, begins_ms, &case.without_faults);
        let plot = Plot::of(&mut Dice::of(case.seed, 2), begins_ms, case.hosts, case.tamper);
        let text = campaign_text(&weather, &plot, 1)?;
        let server = Server::start(case.seed, &text, begins_ms).await?;
        Ok(Self {
            begins_ms,
            now_ms: begins_ms,
            fewest: None,
            server,
            machines: Vec::new(),
            view: View::new(Campaign::parse("campaign.toml", &text, 1)?, plot),
            ledger: Ledger::default(),
            calm: false,
            cut_off: BTreeSet::new(),
            tokens: BTreeMap::new(),
            names: BTreeMap::new(),
            down_since_ms: None,
            backups: BTreeMap::new(),
            image_is_new: false,
            queue: BTreeMap::new(),
            queued: 0,
            polls: BTreeMap::new(),
            pass_at_ms: None,
            lines: VecDeque::new(),
            violation: None,
            is_called: true,
            beats: 0,
            case,
            weather,
            dice,
        })
    }

    async fn begin(&mut self) -> Result<()> {
        self.make_tokens().await?;
        for index in 0..self.case.hosts {
            let traits = Traits::of(self.case.seed, index, self.begins_ms);
            let mut dice = Dice::of(self.case.seed, 1_000_000 + u64::try_from(index)?);
            let mut place = Dice::of(self.case.seed, 2_000_000 + u64::try_from(index)?);
            let (site, zone) = self.view.plot.place(&mut place);
            let truth = planted(index, &traits, zone, &mut dice);
            let enrols_ms = self.begins_ms + dice.between(0, 12 * HOUR);
            let mut machine = Machine::new(traits, truth, dice)?;
            machine.tags = self.view.plot.tags(index, site, &mut place);
            self.machines.push(machine);
            if self.case.without_hosts.contains(&index) {
                continue;
            }
            self.ledger.habit(self.machines[index].traits.habit);
            self.later(enrols_ms, Happening::Enrol(index));
            self.later(self.machines[index].traits.turn_ms, Happening::Turn(index, 0));
        }
        for fault in [
            Fault::Outage,
            Fault::CrashBefore,
            Fault::CrashAfter,
            Fault::StoreError,
            Fault::Partition,
            Fault::AgentCrash,
        ] {
            for at_ms in self.weather.times(fault, STORM) {
                self.later(at_ms, Happening::Trouble(fault));
            }
        }
        for (nth, at_ms) in self.weather.people_ms.clone().into_iter().enumerate() {
            let deed = if nth == 0 { Deed::Tend } else { Deed::Thrown };
            self.later(at_ms, Happening::People(deed));
        }
        self.later(self.begins_ms, Happening::Beat);
        self.later(self.begins_ms + RECOUNT, Happening::Recount);
        self.later(self.begins_ms + STORM, Happening::Calm);
        if self.case.tamper.is_some() {
            self.later(self.begins_ms + 3 * DAY, Happening::Tamper);
        }
        Ok(())
    }

    /// Something is to happen at a time. What is for the same time happens in the order in which it was said.
    pub(crate) fn later(&mut self, at_ms: i64, happening: Happening) {
        self.queued += 1;
        self.queue.insert((at_ms.max(self.now_ms), self.queued), happening);
    }

    /// A line of the account that a failure keeps.
    pub(crate) fn tell(&mut self, line: impl FnOnce() -> String) {
        if self.lines.len() == LINES {
            self.lines.pop_front();
        }
        let line = format!("{}  {}", shown(self.now_ms), line());
        self.lines.push_back(line);
    }

    /// Something does not hold.
    pub(crate) fn broke(&mut self, invariant: &str, why: String) {
        let at_ms = self.now_ms;
        self.violation.get_or_insert_with(|| Violation {
            invariant: invariant.to_owned(),
            why,
            at_ms,
        });
    }

    async fn happen(&mut self, happening: Happening) -> Result<()> {
        match happening {
            Happening::Poll(index) => {
                if self.polls.get(&index).is_some_and(|at| *at <= self.now_ms) {
                    self.polls.remove(&index);
                }
                self.poll(index).await?;
            }
            Happening::Presence(index) => self.turn_presence(index).await?,
            Happening::Boot(index) => {
                let now_ms = self.now_ms;
                self.machines[index].boot(now_ms);
                self.tell(|| format!("machine {index} comes up"));
                self.poll(index).await?;
            }
            Happening::AgentBack(index) => {
                let now_ms = self.now_ms;
                if self.machines[index].on && self.machines[index].session.is_none() {
                    self.machines[index].start_agent(now_ms);
                }
                self.poll(index).await?;
            }
            Happening::Enrol(index) => self.enrol(index).await?,
            Happening::Turn(index, nth) => self.turn(index, nth).await?,
            Happening::Nudge(host) => self.nudge(host).await?,
            Happening::Late(late) => self.arrive_late(*late).await?,
            Happening::Reply(index, process, reply) => {
                let now_ms = self.now_ms;
                if self.machines[index].process == process && self.machines[index].on {
                    self.machines[index].answered(*reply, now_ms)?;
                    self.poll(index).await?;
                }
            }
            // Another one that came sooner has taken its place.
            Happening::Pass if self.pass_at_ms.is_none_or(|at_ms| at_ms > self.now_ms) => {}
            Happening::Pass => {
                self.pass_at_ms = None;
                self.pass().await?;
            }
            Happening::Beat => {
                self.later(self.now_ms + BEAT, Happening::Beat);
                self.beats += 1;
                if self.beats.is_multiple_of(BEATS_A_PASS) {
                    self.pass().await?;
                } else {
                    self.beat().await;
                }
            }
            Happening::Trouble(fault) => self.trouble(fault),
            Happening::ServerUp => self.server_up()?,
            Happening::PartitionEnds => self.cut_off.clear(),
            Happening::People(deed) => self.people(deed).await?,
            Happening::Recount => {
                self.later(self.now_ms + RECOUNT, Happening::Recount);
                self.recount().await?;
            }
            Happening::Calm => self.calm_down()?,
            Happening::Glance => {
                self.glance();
                self.later(self.now_ms + GLANCE, Happening::Glance);
            }
            Happening::Tamper => {
                self.is_called = true;
                self.tamper().await?;
            }
        }
        Ok(())
    }

    /// What a machine has to do now, and when it has something to do next.
    pub(crate) async fn poll(&mut self, index: usize) -> Result<()> {
        let now_ms = self.now_ms;
        // Bounded: what goes on without end in one instant is a fault of the model.
        for _ in 0..1_000 {
            if !self.machines[index].on {
                return Ok(());
            }
            match self.machines[index].work(now_ms)? {
                Then::Nothing => {}
                Then::Restarts(back_ms) => {
                    self.tell(|| format!("machine {index} goes down"));
                    self.machines[index].on = false;
                    self.machines[index].stop_agent();
                    self.later(now_ms + back_ms, Happening::Boot(index));
                    return Ok(());
                }
            }
            self.gather(index);
            let is_waiting = self.machines[index].due_ms(now_ms).is_none_or(|due_ms| due_ms > now_ms);
            if is_waiting {
                break;
            }
            if self.machines[index].is_check_in_due(now_ms)? {
                self.check_in(index).await?;
            }
        }
        self.follow(index);
        let Some(due_ms) = self.machines[index].due_ms(now_ms) else {
            return Ok(());
        };
        let due_ms = due_ms.max(now_ms + 1);
        if self.polls.get(&index).is_none_or(|at| due_ms < *at) {
            self.polls.insert(index, due_ms);
            self.later(due_ms, Happening::Poll(index));
        }
        Ok(())
    }

    /// What the machine did that concerns the checks.
    fn gather(&mut self, index: usize) {
        let broken = std::mem::take(&mut self.machines[index].broken);
        for (invariant, why) in broken {
            self.broke(invariant, why);
        }
    }

    /// What each pass of the server's loop begins with, alone: it keeps a pause from looking like an outage. Whole passes
    /// follow commits and wakes, and come by themselves less often than in a real loop, because most would do nothing.
    async fn beat(&mut self) {
        let Some(service) = self.server.service() else { return };
        if let Err(error) = service.flush_seen().await {
            self.refused("a beat", &error);
        }
        self.after_call();
    }

    /// The server's loop, once. What fails is tried again by the next.
    async fn pass(&mut self) -> Result<()> {
        let Some(service) = self.server.service() else {
            return Ok(());
        };
        if self.case.tamper == Some(crate::case::Tamper::NoPasses) {
            return Ok(());
        }
        self.ledger.passes += 1;
        let passed = async {
            service.flush_seen().await?;
            let passed = service.pass().await?;
            if service.late_is_due().await? {
                service.judge_late(Arc::default()).await?;
            }
            Ok::<_, ServiceError>(passed)
        };
        match passed.await {
            Ok(passed) if passed.woken + passed.started > 0 => {
                self.tell(|| format!("pass: {} woken, {} started", passed.woken, passed.started));
            }
            Ok(_) => {}
            Err(error) => self.refused("a pass", &error),
        }
        self.after_call();
        if let Some(service) = self.server.service() {
            let next = service.store().read(next_wake_ms).await;
            if let Ok(Some(at_ms)) = next {
                self.pass_by(at_ms.max(self.now_ms + SECOND));
            }
        }
        Ok(())
    }

    /// The store's failures are the simulation's own; anything else is a fault of the program.
    pub(crate) fn refused(&mut self, what: &str, error: &ServiceError) {
        let text = error.to_string();
        self.tell(|| format!("{what} fails: {text}"));
        if matches!(error, ServiceError::Broken { .. }) {
            self.broke("no-fault", format!("{what}: {text}"));
        }
    }

    fn pass_by(&mut self, at_ms: i64) {
        if self.pass_at_ms.is_none_or(|at| at_ms < at) {
            self.pass_at_ms = Some(at_ms);
            self.later(at_ms, Happening::Pass);
        }
    }

    /// After a call to the service: nudges go out, the loop looks soon, a dead process is buried.
    pub(crate) fn after_call(&mut self) {
        let topics = self.server.heard();
        if !topics.is_empty() {
            self.is_called = true;
            self.pass_by(self.now_ms + SOON);
        }
        for topic in topics {
            let Some(host) = topic.strip_prefix("nudge:").and_then(|host| host.parse().ok()) else {
                continue;
            };
            if !self.calm && self.dice.once_in_a_thousand(self.weather.rate(Fault::LostNudge)) {
                self.ledger.fault(Fault::LostNudge);
            } else {
                self.later(self.now_ms + SECOND, Happening::Nudge(host));
            }
        }
        if self.server.sabotage().is_some_and(crate::conn::Sabotage::has_fired) {
            self.ledger.fault(Fault::StoreError);
            self.tell(|| "a statement of the store failed".to_owned());
        }
        if self.server.is_dead() {
            let fault = self.weather.dies_by.take().unwrap_or(Fault::CrashBefore);
            self.ledger.fault(fault);
            self.tell(|| format!("the server died: {fault}"));
            let down_ms = self.dice.between(5 * SECOND, 3 * HOUR);
            self.server_down(down_ms);
        }
    }

    pub(crate) fn server_down(&mut self, for_ms: i64) {
        self.count_asked();
        self.server.stop();
        self.down_since_ms.get_or_insert(self.now_ms);
        self.later(self.now_ms + for_ms, Happening::ServerUp);
    }

    fn count_asked(&mut self) {
        if let Some(sabotage) = self.server.sabotage() {
            self.ledger.asked.add(sabotage.take_asked());
        }
    }

    fn server_up(&mut self) -> Result<()> {
        if self.server.service().is_none() {
            self.server.open().context("the server does not come up again")?;
            self.tell(|| "the server is up".to_owned());
            self.is_called = true;
            if let Some(since_ms) = self.down_since_ms.take() {
                self.view.down.push((since_ms, self.now_ms));
            }
            self.pass_by(self.now_ms + SECOND);
        }
        Ok(())
    }

    fn calm_down(&mut self) -> Result<()> {
        self.calm = true;
        self.cut_off.clear();
        if let Some(sabotage) = self.server.sabotage() {
            sabotage.call_off();
        }
        for index in 0..self.machines.len() {
            self.machines[index].traits.presence = crate::habit::Presence::Always;
            self.later(self.now_ms, Happening::Presence(index));
        }
        self.server_up()?;
        self.later(self.now_ms + GLANCE, Happening::Glance);
        self.later(self.now_ms + HOUR, Happening::People(Deed::Tend));
        self.tell(|| "nothing goes wrong from here on".to_owned());
        Ok(())
    }

    fn outcome(mut self) -> Outcome {
        self.count_asked();
        for plan in self.view.plans.values() {
            self.ledger.end(plan);
        }
        self.ledger.events = self.view.events;
        self.ledger.virtual_ms = self.now_ms - self.begins_ms;
        let trace = self.view.trace();
        let failure = self.violation.map(|violation| Failure {
            case: self.case,
            violation,
            last: self.lines.into_iter().collect(),
        });
        Outcome {
            ledger: self.ledger,
            trace,
            failure,
        }
    }
}

fn next_wake_ms(tx: &mut cutover_server::store::ReadTx<'_>) -> Result<Option<i64>, ServiceError> {
    Ok(cutover_server::store::plans::next_wake_ms(tx)?)
}

/// A span that is longer than the storm.
pub(crate) const WHOLE_STORM: i64 = STORM;
