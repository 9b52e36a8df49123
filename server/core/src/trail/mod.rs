//! The kernel sessions that spoke under one identity, and what their order tells: a machine that restarts brings a session
//! that nobody saw before, a restored snapshot brings an old one back, and two machines alternate.
//!
//! Only the order counts. What a host says of its own age or time is no evidence of how many machines there are.

#[cfg(test)]
mod tests;

/// A call may be on its way for so long. Within it of the first word of a new session, one of another session may have
/// been sent before.
pub const LATE_MS: i64 = 60_000;

/// A session of which nothing was heard for so long is forgotten; bringing it back looks like a restart then.
pub const FORGET_MS: i64 = 90 * 86_400_000;

/// At most so many sessions of one identity are kept. Machines beyond are still machines of that identity; the first ones
/// suffice to see that there are several.
pub const SESSIONS_MAX: usize = 1000;

/// One kernel session of an identity.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Sight {
    /// Its id.
    pub boot_id: String,
    /// When it was first heard of.
    pub first_ms: i64,
    /// When it was last heard of after another one.
    pub last_ms: i64,
    /// Place of its first run in the order of runs, from 1. A run is what is heard of one session until another speaks.
    pub first_run: i64,
    /// Place of its newest run.
    pub last_run: i64,
}

/// What a check-in tells of the identity that it is made under.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Told {
    /// The session that spoke last, or one that may have been on its way since before the newest began.
    Nothing,
    /// A session that nobody saw: the machine started, or this is another one.
    Began,
    /// An old session came back, once: a snapshot was restored.
    Returned,
    /// Two sessions came back after one another: they are on two machines.
    Alternates,
}

/// The sessions of one identity.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Trail(Vec<Sight>);

impl Trail {
    /// From what is stored, in any order.
    #[must_use]
    pub const fn new(sights: Vec<Sight>) -> Self {
        Self(sights)
    }

    /// The session that spoke last.
    #[must_use]
    pub fn newest(&self) -> Option<&Sight> {
        self.0.iter().max_by_key(|sight| sight.last_run)
    }

    /// That session, where it is known.
    #[must_use]
    pub fn of(&self, boot_id: &str) -> Option<&Sight> {
        self.0.iter().find(|sight| sight.boot_id == boot_id)
    }

    /// All of them.
    #[must_use]
    pub fn sights(&self) -> &[Sight] {
        &self.0
    }

    /// What follows from a word of this session now. An id that is empty tells nothing.
    pub fn hear(&mut self, boot_id: &str, now_ms: i64) -> Told {
        let Some(newest) = self.newest() else {
            if !boot_id.is_empty() {
                self.begin(boot_id, 1, now_ms);
            }
            return Told::Nothing;
        };
        if boot_id.is_empty() || newest.boot_id == boot_id {
            return Told::Nothing;
        }
        let next = newest.last_run + 1;
        let newest_is_new = newest.first_run == newest.last_run && now_ms.saturating_sub(newest.first_ms) < LATE_MS;
        match self.0.iter().position(|sight| sight.boot_id == boot_id) {
            Some(_) if newest_is_new => Told::Nothing,
            Some(at) => {
                let before = self.0[at].clone();
                let back = &mut self.0[at];
                back.last_run = next;
                back.last_ms = now_ms;
                if self.0.iter().any(|other| lies_between(&before, other)) {
                    Told::Alternates
                } else {
                    Told::Returned
                }
            }
            None => {
                self.begin(boot_id, next, now_ms);
                Told::Began
            }
        }
    }

    fn begin(&mut self, boot_id: &str, run: i64, now_ms: i64) {
        let newest = self.0.iter().map(|sight| sight.last_run).max();
        self.0
            .retain(|sight| Some(sight.last_run) == newest || now_ms.saturating_sub(sight.last_ms) < FORGET_MS);
        if self.0.len() < SESSIONS_MAX {
            self.0.push(Sight {
                boot_id: boot_id.to_owned(),
                first_ms: now_ms,
                last_ms: now_ms,
                first_run: run,
                last_run: run,
            });
        }
    }
}

/// Whether one of the runs of `this` that are known lies between two of `other`: then `other` came back after it, and
/// now it comes back after `other`.
fn lies_between(this: &Sight, other: &Sight) -> bool {
    let within = |run: i64| other.first_run < run && run < other.last_run;
    this.boot_id != other.boot_id && (within(this.first_run) || within(this.last_run))
}
