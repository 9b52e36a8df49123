//! What the agent itself uses, and what it does about too much.

use std::{fs, time::Duration};

use serde::{Deserialize, Serialize};

use super::life::Life;
use crate::{
    act::JournalState,
    parse::own_process,
    session::{Condition, Ticks},
};

/// Looking at itself costs two reads of `/proc` and one of a directory entry.
const LOOK_AT_ITSELF: Duration = Duration::from_secs(30);
/// A limit that was set too low must not leave a host with an agent that does nothing but start.
const LEAST_UPTIME: Duration = Duration::from_secs(10 * 60);
/// How long the end waits for a server that is to be told.
const TOLD_WITHIN: Duration = Duration::from_secs(5 * 60);

/// The agent's caps on itself, for where no service manager holds any.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Limits {
    /// Resident memory, MiB; beyond it the agent ends itself between two orders. None: no limit.
    pub memory_mib: Option<u64>,
    /// How nice the agent's own looks are, from 0 to 19 (nice(1)).
    pub look_nice: u8,
    /// How often it looks at itself.
    pub every: Duration,
    /// It never ends itself sooner after its start.
    pub least_uptime: Duration,
}

impl Default for Limits {
    fn default() -> Self {
        Self {
            memory_mib: None,
            look_nice: 0,
            every: LOOK_AT_ITSELF,
            least_uptime: LEAST_UPTIME,
        }
    }
}

/// What a process uses.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Footprint {
    /// Resident memory, KiB.
    pub resident_kib: u64,
    /// The most that was ever resident, KiB.
    pub peak_kib: u64,
    /// Processor time since the start, milliseconds.
    pub cpu_ms: u64,
}

/// This process as of now; none where the system has no `/proc`.
pub(super) fn measure() -> Option<Footprint> {
    let status = fs::read_to_string("/proc/self/status").ok()?;
    let stat = fs::read_to_string("/proc/self/stat").ok()?;
    let (resident_kib, peak_kib) = own_process::memory_kib(&status)?;
    Some(Footprint {
        resident_kib,
        peak_kib,
        cpu_ms: own_process::cpu_ms(&stat)?,
    })
}

/// The agent is about to end itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Ending {
    /// Why, for people.
    pub(super) why: String,
    /// Since when.
    pub(super) since: Ticks,
}

impl Life {
    /// Looks at its own footprint and at the hold, and lets the server know what changed.
    pub(super) fn look_at_itself(&mut self, now: Ticks) {
        self.next_self_look = now.after(self.limits.every);
        if let Some(limit) = self.limits.memory_mib.filter(|_| self.ending.is_none())
            && let Some(used) = measure()
            && used.resident_kib > limit.saturating_mul(1024)
            && now.since(self.started) >= self.limits.least_uptime
        {
            let why = format!(
                "uses {} MiB of memory, memory_limit_mib allows {limit}; ends for a restart when no order is at work",
                used.resident_kib.div_ceil(1024)
            );
            tracing::warn!(
                resident_kib = used.resident_kib,
                peak_kib = used.peak_kib,
                limit_mib = limit,
                "too much memory in use; the agent ends itself at the next safe moment"
            );
            self.ending = Some(Ending { why, since: now });
        }
        self.tell_condition(now);
    }

    /// What changed about the agent itself goes with the next check-in, which is soon then.
    pub(super) fn tell_condition(&mut self, now: Ticks) {
        let condition = Condition {
            hold: self.control.hold(),
            ending: self.ending.as_ref().map(|ending| ending.why.clone()),
            update: self.updating.said(),
        };
        self.session.handle_condition(condition, now);
    }

    /// Why the loop ends now, where it does: never in the middle of an order, and the server was told if it could be.
    pub(super) fn may_end(&self, now: Ticks) -> Option<String> {
        let ending = self.ending.as_ref()?;
        let told = self.session.is_condition_told() || now.since(ending.since) >= TOLD_WITHIN;
        let idle = !self.order_at_work && {
            let journal = self.journal();
            // What lies open in a journal that is not sound waits for the server, however often the agent starts.
            !journal.is_open() || journal.state() != JournalState::Sound
        };
        (told && idle).then(|| ending.why.clone())
    }
}
