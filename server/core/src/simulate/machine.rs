//! One made-up machine: when it is there, what it shows, and what it does with an order.

use std::collections::VecDeque;

use cutover_proto::{
    ids::{HostId, ProductId},
    inventory::OsFamily,
    record::{FailureCause, RecordEvent, StepRecord},
    step::{Action, Purpose, Step},
    verdict::Protection,
};

use super::{Assumptions, Presence};
use crate::{
    campaign::{HostClass, span},
    catalog::Catalog,
    judge::{Assessment, Condition, ReplacementSeen, ReplacementState},
    mix::mix,
    plan::{OpenOrder, Plan},
};

/// For how long a machine that does not come back from a restart is away: until somebody walks there.
const DARK_MS: i64 = 7 * 24 * 3_600_000;

/// A made-up machine.
#[derive(Debug, Clone)]
pub(super) struct Machine {
    host: HostId,
    pub(super) presence: Presence,
    pub(super) boot_id: String,
    boots: u32,
    /// What a look shows; `None` where none was ever taken in.
    pub(super) shows: Option<Assessment>,
    /// Whether that is news to the server.
    pub(super) is_news: bool,
    /// When the newest look was.
    pub(super) looked_at_ms: Option<i64>,
    /// Whether the server asked for a fresh look.
    pub(super) looks_next: bool,
    highest_begun: u64,
    work: Option<Work>,
    draw: u64,
}

/// An order that is being carried out.
#[derive(Debug, Clone)]
struct Work {
    number: u64,
    /// What is still to happen, and when.
    ahead: VecDeque<StepRecord>,
    /// What a look shows once it is done.
    leaves: Option<Assessment>,
    /// Not heard of after the next record.
    goes_dark: bool,
}

/// What happens with an order, as far as it is drawn beforehand.
struct Course<'a> {
    assumptions: &'a Assumptions,
    catalog: &'a Catalog,
    is_workstation: bool,
    drawn: u64,
}

impl Machine {
    pub(super) fn of(plan: &Plan, presence: Presence, seed: u64) -> Self {
        let mut machine = Self {
            host: plan.host_id,
            draw: mix(seed ^ crate::mix::of_bytes(plan.host_id.uuid().into_bytes())),
            presence,
            boot_id: plan.last_boot_id.clone(),
            boots: 0,
            shows: plan.assessment.clone(),
            is_news: false,
            looked_at_ms: plan.last_looked_ms,
            looks_next: plan.wants_look(),
            highest_begun: plan.highest_order,
            work: None,
        };
        if plan.order.as_ref().is_some_and(|order| order.fetched_ms.is_none()) {
            machine.highest_begun = plan.highest_order.saturating_sub(1);
        }
        machine
    }

    /// The order that runs.
    pub(super) fn running(&self) -> Option<u64> {
        self.work.as_ref().map(|work| work.number)
    }

    /// Takes an order up, unless it had it before.
    pub(super) fn begin(
        &mut self,
        order: &OpenOrder,
        plan: &Plan,
        assumptions: &Assumptions,
        catalog: &Catalog,
        now_ms: i64,
    ) {
        if order.number <= self.highest_begun {
            return;
        }
        self.highest_begun = order.number;
        let course = Course {
            assumptions,
            catalog,
            is_workstation: plan.traits().class() == HostClass::Workstation,
            drawn: mix(self.draw ^ order.number),
        };
        self.work = Some(course.of(self, order, now_ms));
    }

    /// Goes on with an order that it had before the simulation began, from the step after the last that was told.
    pub(super) fn resume(&mut self, plan: &Plan, assumptions: &Assumptions, catalog: &Catalog, now_ms: i64) {
        let Some(order) = plan.order.as_ref().filter(|order| order.fetched_ms.is_some()) else {
            return;
        };
        self.highest_begun = order.number.saturating_sub(1);
        self.begin(order, plan, assumptions, catalog, now_ms);
        if let Some(work) = &mut self.work {
            // What the server knows already is not told again.
            work.ahead.retain(|record| record.sequence > order.records_mark);
        }
    }

    /// When it has something to tell next: the end of the order, or of its session.
    pub(super) fn tells_ms(&self) -> Option<i64> {
        let work = self.work.as_ref()?;
        let is_worth = |record: &&StepRecord| {
            record.event.ends_order() || record.until_ms.is_some() || record.boot_id != self.boot_id
        };
        let record = work.ahead.iter().find(is_worth).or(work.ahead.back())?;
        // The look that follows is younger than what it confirms.
        Some(record.at_ms.saturating_add(1000))
    }

    /// It comes later than it would have: what is ahead of it happens so much later.
    pub(super) fn put_off(&mut self, by_ms: i64) {
        for record in self.work.iter_mut().flat_map(|work| &mut work.ahead) {
            record.at_ms = record.at_ms.saturating_add(by_ms);
            record.until_ms = record.until_ms.map(|until_ms| until_ms.saturating_add(by_ms));
        }
    }

    /// What happened until now.
    pub(super) fn tell(&mut self, now_ms: i64) -> Vec<StepRecord> {
        let mut told = Vec::new();
        let Some(work) = &mut self.work else {
            return told;
        };
        while work.ahead.front().is_some_and(|record| record.at_ms <= now_ms) {
            told.extend(work.ahead.pop_front());
        }
        if let Some(last) = told.last() {
            self.boot_id.clone_from(&last.boot_id);
        }
        if work.goes_dark && told.iter().any(|record| record.until_ms.is_some()) {
            self.presence.leave(now_ms.saturating_add(DARK_MS));
            work.goes_dark = false;
        }
        if work.ahead.is_empty() {
            if let Some(leaves) = work.leaves.take() {
                self.is_news = self.shows.as_ref() != Some(&leaves);
                self.shows = Some(leaves);
            }
            self.work = None;
        }
        told
    }

    /// Ends the order at once; what it did until now stays.
    pub(super) fn cancel(&mut self, order: &OpenOrder, now_ms: i64) {
        let Some(work) = &mut self.work else { return };
        work.ahead.clear();
        work.leaves = None;
        work.ahead.push_back(StepRecord {
            event: RecordEvent::OrderCancelled,
            sequence: order.records_mark + 1,
            ..blank(self.host, order.number, now_ms, &self.boot_id)
        });
    }

    /// A look at what is there.
    pub(super) fn look(&mut self, now_ms: i64) {
        self.looked_at_ms = Some(now_ms);
        self.looks_next = false;
    }
}

impl Course<'_> {
    fn of(&self, machine: &mut Machine, order: &OpenOrder, now_ms: i64) -> Work {
        let mut teller = Teller {
            blank: blank(machine.host, order.number, now_ms, &machine.boot_id),
            told: VecDeque::new(),
        };
        let mut work = Work {
            number: order.number,
            ahead: VecDeque::new(),
            leaves: self.leaves(machine, order),
            goes_dark: false,
        };
        teller.tell(RecordEvent::OrderAccepted, 0);
        let fails_at = self.fails_at(order);
        for (index, step) in (0_u32..).zip(&order.steps) {
            teller.blank.step = index;
            teller.tell(RecordEvent::StepBegun, 0);
            if fails_at == Some(index) {
                teller.blank.cause = Some(FailureCause::ToolFailed);
                teller.tell(RecordEvent::StepFailed, self.assumptions.takes_ms(step.action.kind()));
                teller.tell(RecordEvent::OrderFailed, 0);
                work.leaves = None;
                work.ahead = teller.told;
                return work;
            }
            if let Action::Restart { notice, defer, .. } = &step.action {
                self.restart(&mut teller, span::ms(*notice), span::ms(*defer));
                machine.boots += 1;
                teller.blank.boot_id = format!("simulated-{}", machine.boots);
                work.goes_dark = self.assumptions.goes_dark.takes(mix(self.drawn ^ 2));
            }
            teller.tell(RecordEvent::StepDone, self.assumptions.takes_ms(step.action.kind()));
        }
        teller.tell(RecordEvent::OrderCompleted, 0);
        work.ahead = teller.told;
        work
    }

    /// At which step the order fails, if it does: one that changes packages.
    fn fails_at(&self, order: &OpenOrder) -> Option<u32> {
        let changes = |step: &Step| matches!(step.action.purpose(), Purpose::Remove(_) | Purpose::Install(_));
        let index = order.steps.iter().position(changes)?;
        let fails = self.assumptions.fails.takes(mix(self.drawn ^ 1));
        u32::try_from(index).ok().filter(|_| fails)
    }

    /// Whoever is there is told, and may put it off.
    fn restart(&self, teller: &mut Teller, notice_ms: i64, defer_ms: i64) {
        if notice_ms == 0 {
            return;
        }
        let comes_ms = teller.blank.at_ms.saturating_add(notice_ms);
        teller.blank.until_ms = Some(comes_ms);
        teller.tell(RecordEvent::RestartNoticed, 0);
        let defers = self.is_workstation && self.assumptions.defers.takes(mix(self.drawn ^ 3));
        let longer_ms = defer_ms.saturating_sub(notice_ms);
        if defers && longer_ms > 0 {
            let part = i64::try_from(mix(self.drawn ^ 4) % 1024).unwrap_or_default();
            let until_ms = comes_ms.saturating_add(longer_ms / 1024 * part);
            teller.blank.until_ms = Some(until_ms);
            teller.tell(RecordEvent::RestartDeferred, 0);
        }
        teller.blank.at_ms = teller.blank.until_ms.take().unwrap_or(comes_ms);
    }

    fn leaves(&self, machine: &Machine, order: &OpenOrder) -> Option<Assessment> {
        let before = machine.shows.as_ref()?;
        if order.is_restart_alone() {
            return Some(Assessment {
                restart_pending: Some(false),
                modules: Vec::new(),
                ..before.clone()
            });
        }
        let grade = self
            .catalog
            .installation(&order.replacement)
            .map_or(Protection::RealTime, |install| install.grade);
        Some(worked_on(before, &order.replacement, grade))
    }
}

/// What a look shows after work that went well.
pub(super) fn worked_on(before: &Assessment, replacement: &ProductId, grade: Protection) -> Assessment {
    Assessment {
        condition: Condition::Free,
        targets: Vec::new(),
        embedded: Vec::new(),
        leftovers: Vec::new(),
        unknown: Vec::new(),
        unapproved: Vec::new(),
        replacement: Some(ReplacementSeen {
            product: replacement.clone(),
            // Nobody plans for a replacement that the campaign does not accept.
            state: ReplacementState::Healthy { grade, accepted: true },
        }),
        protection: grade,
        blockers: Vec::new(),
        restart_pending: Some(false),
        packages_unfinished: false,
        modules: Vec::new(),
        ..before.clone()
    }
}

/// Writes records one after another.
struct Teller {
    blank: StepRecord,
    told: VecDeque<StepRecord>,
}

impl Teller {
    fn tell(&mut self, event: RecordEvent, after_ms: i64) {
        self.blank.sequence += 1;
        self.blank.at_ms = self.blank.at_ms.saturating_add(after_ms);
        self.told.push_back(StepRecord {
            event,
            ..self.blank.clone()
        });
    }
}

fn blank(host: HostId, order_number: u64, at_ms: i64, boot_id: &str) -> StepRecord {
    StepRecord {
        host_id: host,
        order_number,
        sequence: 0,
        event: RecordEvent::OrderAccepted,
        step: 0,
        at_ms,
        boot_id: boot_id.to_owned(),
        cause: None,
        detail: String::new(),
        exit_code: None,
        log_tail: String::new(),
        until_ms: None,
    }
}

/// What is made up of the habits of a machine of which nothing is known.
pub(super) fn likely_habit(plan: &Plan) -> super::Habit {
    let is_server = plan.traits().class() == HostClass::Server;
    let is_linux = plan
        .assessment
        .as_ref()
        .is_some_and(|it| it.os_family == OsFamily::Linux);
    if is_server || is_linux {
        super::Habit::Always
    } else {
        super::Habit::office()
    }
}
