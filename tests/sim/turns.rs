//! What machines' habits do over time, and what goes wrong beside calls.

use anyhow::Result;
use cutover_proto::v1::JournalState;

use crate::{
    calendar::{DAY, HOUR, MINUTE, SECOND},
    fault::Fault,
    habit::Habit,
    happening::Happening,
    machine::Machine,
    truth::Replacement,
    world::World,
};

/// How often a machine looks whether its habit has it on.
const PRESENCE: i64 = 30 * MINUTE;

impl World {
    /// Goes on or off, as its habit has it.
    pub(crate) async fn turn_presence(&mut self, index: usize) -> Result<()> {
        let now_ms = self.now_ms;
        let machine = &mut self.machines[index];
        if machine.host.is_none() {
            return Ok(());
        }
        let is_on = machine.traits.presence.is_on(now_ms);
        // A machine that is down for a restart has no agent, and comes up by itself.
        let is_asleep = !machine.on && machine.session.is_some();
        match (machine.on, is_on) {
            (true, false) => {
                machine.on = false;
                // What is left of the step at hand is done when it wakes.
                machine.busy_until_ms = machine.busy_until_ms.map(|until| until - now_ms);
            }
            (false, true) if is_asleep => {
                machine.on = true;
                machine.busy_until_ms = machine.busy_until_ms.map(|left| now_ms + left.max(0));
                if machine.dice.once_in_a_thousand(200) {
                    machine.boot(now_ms);
                } else {
                    machine.woke(now_ms);
                }
                self.poll(index).await?;
            }
            (true, true) | (false, _) => {}
        }
        if !matches!(self.machines[index].traits.presence, crate::habit::Presence::Always) {
            self.later(now_ms + PRESENCE, Happening::Presence(index));
        }
        Ok(())
    }

    /// What is particular about it, and what follows of that.
    pub(crate) async fn turn(&mut self, index: usize, nth: u32) -> Result<()> {
        let now_ms = self.now_ms;
        if self.machines[index].host.is_none() {
            self.later(now_ms + HOUR, Happening::Turn(index, nth));
            return Ok(());
        }
        let habit = self.machines[index].traits.habit;
        let machine = &mut self.machines[index];
        let again_ms = now_ms + machine.dice.between(6 * HOUR, 3 * DAY);
        match (habit, nth) {
            (Habit::UltraAv, 0) => {
                machine.truth.targets.clear();
                machine.truth.unapproved = true;
                machine.changed(now_ms);
            }
            (Habit::ByHand, 0) => {
                machine.truth.targets.clear();
                machine.truth.replacement = Replacement::Healthy;
                machine.changed(now_ms);
            }
            (Habit::LittleDisk, 0) => {
                machine.truth.free_mib = 32_768;
                machine.changed(now_ms);
            }
            (Habit::LookFails, 0) => {
                machine.truth.look_fails = false;
                machine.changed(now_ms);
            }
            (Habit::FallsIll, 0) if machine.truth.replacement == Replacement::Healthy => {
                machine.truth.replacement = Replacement::Ill;
                machine.changed(now_ms);
                self.later(again_ms, Happening::Turn(index, 1));
            }
            (Habit::FallsIll, 0) => self.later(again_ms, Happening::Turn(index, 0)),
            (Habit::FallsIll, _) => {
                machine.truth.replacement = Replacement::Healthy;
                machine.changed(now_ms);
            }
            (Habit::LocalHold, 0 | 1) => {
                machine.hold = (nth == 0).then(|| "accounts are being closed".to_owned());
                machine.say_hold(now_ms);
                if nth == 0 {
                    self.later(again_ms, Happening::Turn(index, 1));
                }
            }
            (Habit::JournalLost, 0) if machine.journal.state == JournalState::Sound => {
                machine.journal.lose();
                if machine.on {
                    machine.start_agent(now_ms);
                }
            }
            (Habit::Restored, 0) => {
                let backup = machine.copied(machine.dice.clone())?;
                self.backups.insert(index, backup);
                self.later(again_ms, Happening::Turn(index, 1));
            }
            (Habit::Restored, _) => {
                if let Some(backup) = self.backups.remove(&index) {
                    let was_on = machine.on || machine.session.is_some();
                    machine.restore(&backup);
                    if was_on {
                        machine.boot(now_ms);
                    }
                }
            }
            (Habit::Clone, 0) => {
                let dice = machine.dice.clone();
                let copy = machine.copied(dice)?;
                self.view.shared.extend(copy.host);
                self.machines.push(copy);
                let other = self.machines.len() - 1;
                self.later(now_ms + MINUTE, Happening::Boot(other));
            }
            (Habit::EnrolsAgain, 0) => {
                machine.forget_identity()?;
                machine.on = false;
                self.later(now_ms + MINUTE, Happening::Enrol(index));
            }
            (Habit::Pooled, _) => self.next_session(index, nth)?,
            _ => {}
        }
        self.poll(index).await
    }

    /// A member of a pool begins anew from its image, with an identity of its own.
    fn next_session(&mut self, index: usize, nth: u32) -> Result<()> {
        let now_ms = self.now_ms;
        // Once in a run the image is built anew, with the replacement and without the target.
        if nth == 3 {
            self.image_is_new = true;
        }
        let is_new = self.image_is_new;
        let machine = &mut self.machines[index];
        machine.forget_identity()?;
        machine.on = false;
        machine.truth.hostname = format!("desk-{index}-{nth}");
        if is_new {
            machine.truth.targets.clear();
            machine.truth.replacement = Replacement::Healthy;
        }
        let begins_ms = now_ms + machine.dice.between(HOUR, 14 * HOUR);
        let ends_ms = begins_ms + machine.dice.between(4 * HOUR, 10 * HOUR);
        self.later(begins_ms, Happening::Enrol(index));
        if !self.calm {
            self.later(ends_ms, Happening::Turn(index, nth + 1));
        }
        Ok(())
    }

    /// What follows on a machine from what became of it.
    pub(crate) fn follow(&mut self, index: usize) {
        let now_ms = self.now_ms;
        let machine: &mut Machine = &mut self.machines[index];
        let is_removed = machine.traits.habit == Habit::OldConsole && machine.truth.targets.is_empty();
        if is_removed && machine.traits.rounds > 0 && now_ms >= machine.traits.turn_ms {
            machine.traits.rounds -= 1;
            machine.truth.targets = ["klnagent64", "kesl"].into_iter().collect();
            machine.changed(now_ms);
            machine.traits.turn_ms = now_ms + machine.dice.between(4 * HOUR, 3 * DAY);
            self.tell(|| format!("an old console puts the product back on machine {index}"));
        }
    }

    pub(crate) fn trouble(&mut self, fault: Fault) {
        if self.calm {
            return;
        }
        match fault {
            Fault::Outage => {
                if self.server.service().is_some() {
                    self.ledger.fault(fault);
                    self.tell(|| "the server is stopped".to_owned());
                    let down_ms = self.dice.between(MINUTE, 20 * HOUR);
                    self.server_down(down_ms);
                }
            }
            Fault::CrashBefore | Fault::CrashAfter => {
                let commits = u32::try_from(self.dice.between(0, 7)).unwrap_or(0);
                if let Some(sabotage) = self.server.sabotage() {
                    sabotage.die_at_commit_in(commits, fault == Fault::CrashAfter);
                    self.weather.dies_by = Some(fault);
                }
            }
            Fault::StoreError => {
                let statements = u32::try_from(self.dice.between(0, 80)).unwrap_or(0);
                if let Some(sabotage) = self.server.sabotage() {
                    sabotage.fail_statement_in(statements);
                }
            }
            Fault::Partition => {
                self.ledger.fault(fault);
                let share = u64::try_from(self.dice.between(50, 1000)).unwrap_or(500);
                for index in 0..self.machines.len() {
                    if self.dice.once_in_a_thousand(share) {
                        self.cut_off.insert(index);
                    }
                }
                let ends_ms = self.now_ms + self.dice.between(10 * MINUTE, 30 * HOUR);
                self.later(ends_ms, Happening::PartitionEnds);
            }
            Fault::AgentCrash => {
                let Ok(count) = i64::try_from(self.machines.len()) else {
                    return;
                };
                let struck = self.dice.between(0, count - 1);
                let Some(machine) = usize::try_from(struck).ok().and_then(|it| self.machines.get_mut(it)) else {
                    return;
                };
                if machine.on && machine.session.is_some() {
                    machine.stop_agent();
                    self.ledger.fault(fault);
                    let back_ms = self.now_ms + self.dice.between(SECOND, 10 * MINUTE);
                    self.later(back_ms, Happening::AgentBack(usize::try_from(struck).unwrap_or(0)));
                }
            }
            Fault::DropRequest
            | Fault::DropReply
            | Fault::Duplicate
            | Fault::Reorder
            | Fault::Delay
            | Fault::Overload
            | Fault::LostNudge => {}
        }
    }
}
