//! What an executor waits for: a check-in, an orphaned tool. All bounded. The wait for a restart stands in `restart`.

use std::time::Duration;

use cutover_proto::{order::WorkOrder, step::Step};

use super::Executor;
use crate::{act::journal::Begun, host::hands::ProcessMark};

/// The first destructive step needs a check-in that is younger than this.
const CHECK_IN_AGE_MAX_MS: i64 = 120_000;
/// And waits for one at most this long.
const CHECK_IN_WAIT: Duration = Duration::from_secs(15 * 60);
/// After a start of the machine the first check-in may show that it was restored from a backup; how long it is waited
/// for, since work goes on without a network too.
const BOOT_WAIT: Duration = Duration::from_secs(10 * 60);
pub(super) const POLL: Duration = Duration::from_secs(1);

/// Whether the server was heard of recently.
pub(super) enum CheckIn {
    Fresh,
    /// A cancel or a hold came while waiting, at a safe point.
    Stopped(String),
    TooLongAgo(String),
}

impl Executor {
    pub(super) fn wait_for_check_in(&mut self, order: &WorkOrder, step: usize) -> CheckIn {
        let from = self.parts.clock.ticks_ms();
        loop {
            if let Some(why) = self.stop_before(order, step) {
                return CheckIn::Stopped(why);
            }
            let last = self.parts.control.last_check_in_ms();
            let age = last.map(|last| self.parts.clock.now_ms().saturating_sub(last));
            if age.is_some_and(|age| age < CHECK_IN_AGE_MAX_MS) {
                return CheckIn::Fresh;
            }
            if self.waited(from) >= CHECK_IN_WAIT {
                return CheckIn::TooLongAgo(format!(
                    "no check-in within {} s before a step that takes something away; the server was not reached",
                    CHECK_IN_AGE_MAX_MS / 1000
                ));
            }
            self.parts.clock.wait(POLL);
        }
    }

    /// After a new start of the machine, waits for a check-in before going on with an order of an earlier one.
    pub(super) fn wait_after_boot(&mut self, order: &WorkOrder) {
        let before = self.journal().last_boot_id(order.number);
        if before.is_none_or(|before| before == self.boot_id()) {
            return;
        }
        let from = self.parts.clock.ticks_ms();
        while self.parts.control.last_check_in_ms().is_none() && self.waited(from) < BOOT_WAIT {
            self.parts.clock.wait(POLL);
        }
    }

    /// Waits until a tool that an earlier agent started has ended; ends it when its time is over. True when it had to.
    pub(super) fn wait_for_orphan(&mut self, mark: &ProcessMark, limit: Duration) -> bool {
        let from = self.parts.clock.ticks_ms();
        while self.parts.hands.alive(mark) {
            if self.waited(from) >= limit {
                tracing::warn!(pid = mark.pid, "tool of an earlier agent is ended, its time is over");
                self.parts.hands.stop(mark);
                return true;
            }
            self.parts.clock.wait(POLL);
        }
        false
    }

    /// What is left of a step's time, by trusted time. Never more than all of it.
    pub(super) fn time_left(&self, step: &Step, begun: &Begun) -> Duration {
        let spent = self.parts.clock.now_ms().saturating_sub(begun.at_ms);
        let spent = Duration::from_millis(u64::try_from(spent).unwrap_or(0));
        step.time_limit.saturating_sub(spent)
    }

    pub(super) fn waited(&self, from: u64) -> Duration {
        Duration::from_millis(self.parts.clock.ticks_ms().saturating_sub(from))
    }
}
