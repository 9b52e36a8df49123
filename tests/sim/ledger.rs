//! Counts of what occurred, so that a habit or a fault that never does is seen.

use std::collections::BTreeMap;

use cutover_core::plan::{Phase, Plan};

use crate::{conn::Asked, fault::Fault, habit::Habit, situation::Situation};

/// Of one run, or of several together.
#[derive(Debug, Clone, Default)]
pub(crate) struct Ledger {
    pub(crate) habits: BTreeMap<Habit, u64>,
    pub(crate) faults: BTreeMap<Fault, u64>,
    pub(crate) situations: BTreeMap<Situation, u64>,
    /// Where plans ended, by phase.
    pub(crate) ends: BTreeMap<String, u64>,
    pub(crate) check_ins: u64,
    pub(crate) orders: u64,
    /// Whole passes of the server's loop.
    pub(crate) passes: u64,
    pub(crate) steps: u64,
    pub(crate) asked: Asked,
    pub(crate) events: u64,
    pub(crate) checks: u64,
    pub(crate) virtual_ms: i64,
}

impl Ledger {
    pub(crate) fn habit(&mut self, habit: Habit) {
        *self.habits.entry(habit).or_default() += 1;
    }

    pub(crate) fn fault(&mut self, fault: Fault) {
        *self.faults.entry(fault).or_default() += 1;
    }

    pub(crate) fn situation(&mut self, situation: Situation) {
        *self.situations.entry(situation).or_default() += 1;
    }

    /// Where a plan ended; of one that nobody could judge also what kind of identity it is.
    pub(crate) fn end(&mut self, plan: &Plan) {
        let kind = match (plan.pool.is_some(), plan.forked_from.is_some()) {
            _ if plan.phase != Phase::Unassessed => "",
            (true, _) => ", of a pool",
            (false, true) => ", split off",
            (false, false) => ", of one machine",
        };
        let stale = if plan.stale { ", not heard of" } else { "" };
        *self.ends.entry(format!("{}{kind}{stale}", plan.phase)).or_default() += 1;
    }

    pub(crate) fn add(&mut self, other: &Self) {
        fn sum<K: Ord + Clone>(to: &mut BTreeMap<K, u64>, from: &BTreeMap<K, u64>) {
            for (key, count) in from {
                *to.entry(key.clone()).or_default() += count;
            }
        }
        sum(&mut self.habits, &other.habits);
        sum(&mut self.faults, &other.faults);
        sum(&mut self.situations, &other.situations);
        sum(&mut self.ends, &other.ends);
        self.check_ins += other.check_ins;
        self.orders += other.orders;
        self.passes += other.passes;
        self.steps += other.steps;
        self.asked.add(other.asked);
        self.events += other.events;
        self.checks += other.checks;
        self.virtual_ms += other.virtual_ms;
    }

    /// Habits, faults and situations that never occurred.
    pub(crate) fn missing(&self) -> Vec<&'static str> {
        let habits = Habit::ALL.iter().filter(|habit| !self.habits.contains_key(habit));
        let faults = Fault::ALL.iter().filter(|fault| !self.faults.contains_key(fault));
        let situations = Situation::ALL.iter().filter(|it| !self.situations.contains_key(it));
        habits
            .map(|it| it.as_str())
            .chain(faults.map(|it| it.as_str()))
            .chain(situations.map(|it| it.as_str()))
            .collect()
    }

    /// For people.
    pub(crate) fn table(&self) -> String {
        let mut text = String::new();
        let mut part = |title: &str, lines: Vec<(String, u64)>| {
            text.push_str(title);
            text.push('\n');
            for (name, count) in lines {
                text.push_str(&format!("  {count:>9}  {name}\n"));
            }
        };
        let habits = Habit::ALL
            .iter()
            .map(|it| (it.to_string(), self.habits.get(it).copied().unwrap_or(0)));
        part("machines by habit", habits.collect());
        let faults = Fault::ALL
            .iter()
            .map(|it| (it.to_string(), self.faults.get(it).copied().unwrap_or(0)));
        part("faults injected", faults.collect());
        let situations = Situation::ALL
            .iter()
            .map(|it| (it.to_string(), self.situations.get(it).copied().unwrap_or(0)));
        part("situations", situations.collect());
        part(
            "plans at the end",
            self.ends.iter().map(|(phase, count)| (phase.clone(), *count)).collect(),
        );
        text.push_str(&format!(
            "{} check-ins, {} orders issued, {} passes of the server, {} events, {} steps of the world, {} checks of invariants, {} virtual days\n",
            self.check_ins,
            self.orders,
            self.passes,
            self.events,
            self.steps,
            self.checks,
            self.virtual_ms / crate::calendar::DAY
        ));
        text.push_str(&format!(
            "{} transactions that read and {} that write, {} statements\n",
            self.asked.reads, self.asked.writes, self.asked.statements
        ));
        text
    }
}
