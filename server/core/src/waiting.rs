//! "Not yet" is a value: why a plan does not go on at this moment, who must act, and when it will be looked at again.

use cutover_proto::words;

use crate::{
    campaign::Campaign,
    decide::Outage,
    plan::{HoldKind, Owner, Plan, Reason},
    rollout::GroupState,
};

/// Why a plan does not go on at this moment.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Waiting {
    /// The campaign only looks.
    ObserveMode,
    /// Its wave is not open.
    WaveClosed {
        /// Which.
        wave: String,
    },
    /// Its wave is paused.
    WavePaused {
        /// Which.
        wave: String,
    },
    /// The campaign is stopped.
    Stopped,
    /// Nobody is forced yet.
    Grace {
        /// Until then.
        until_ms: i64,
    },
    /// A person must let it start.
    Approval,
    /// All slots are taken.
    Slot {
        /// So many are out.
        in_flight: u32,
        /// So many may be.
        limit: u32,
    },
    /// It is held.
    Held {
        /// How.
        kind: HoldKind,
        /// By whom.
        who: String,
        /// Why.
        why: String,
        /// Until when.
        until_ms: Option<i64>,
    },
    /// The last attempt did not succeed; the next is due then.
    Retry {
        /// When.
        at_ms: i64,
        /// How many attempts are used up.
        used: u32,
        /// Of how many.
        of: u32,
        /// What the last one said.
        why: String,
    },
    /// The host is away: an order would not be fetched.
    Away {
        /// Last heard of.
        last_seen_ms: i64,
    },
    /// Its journal must be settled by a fresh look.
    Journal,
    /// It starts with the next pass of the rollout.
    NextPass,
    /// The order waits to be fetched.
    Fetch {
        /// Withdrawn then.
        by_ms: i64,
    },
    /// Steps are running.
    Steps {
        /// From 1.
        step: u32,
        /// Of how many.
        of: u32,
        /// What it is.
        what: String,
        /// Silence beyond this uses an attempt up.
        until_ms: i64,
    },
    /// A restart is due.
    Restart {
        /// By then.
        by_ms: i64,
    },
    /// A fresh look must confirm.
    FreshLook,
    /// Both halves must hold for a while.
    Soak {
        /// Until then.
        until_ms: i64,
    },
    /// A person must act, or something outside must change.
    Stuck(Reason),
}

words! {
    /// What a wake is for.
    pub enum WakeKind("wake") {
        /// An order that nobody fetched is withdrawn.
        Fetch = "fetch",
        /// Silence uses an attempt up.
        Silence = "silence",
        /// A retry is due.
        Retry = "retry",
        /// Grace is over.
        Grace = "grace",
        /// A restart was put off for too long.
        Restart = "restart",
        /// The soak is over.
        Soak = "soak",
        /// The replacement was not healthy for too long.
        Protection = "protection",
        /// A hold ends.
        Hold = "hold",
        /// An exemption ends.
        Exemption = "exemption",
        /// The host may have gone stale.
        Stale = "stale",
    }
}

/// When a plan must be looked at again, and for what. Not stored in the plan: the row's column follows from it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Wake {
    /// When.
    pub at_ms: i64,
    /// For what.
    pub kind: WakeKind,
}

/// The earliest instant at which [`Input::Woke`](crate::decide::Input::Woke) is due; `None` for plans that no longer are
/// watched. A pure function of plan and campaign, so that a changed policy re-arms every wake.
#[must_use]
pub fn next_wake(plan: &Plan, last_seen_ms: i64, campaign: &Campaign, outages: &[Outage]) -> Option<Wake> {
    todo!("{plan:?} {last_seen_ms} {campaign:?} {outages:?}")
}

/// Why the plan does not go on, computed when it is read. `None` where nothing is awaited (clear, migrated).
#[must_use]
pub fn why(plan: &Plan, group: &GroupState, last_seen_ms: i64, campaign: &Campaign, now_ms: i64) -> Option<Waiting> {
    todo!("{plan:?} {group:?} {last_seen_ms} {campaign:?} {now_ms}")
}

impl Waiting {
    /// Why, for a person.
    #[must_use]
    pub fn text(&self) -> String {
        todo!()
    }

    /// What to do about it; empty where nothing need be done.
    #[must_use]
    pub fn remedy(&self) -> String {
        todo!()
    }

    /// Who must act.
    #[must_use]
    pub fn owner(&self) -> Owner {
        todo!()
    }

    /// Until when it lasts at most, where that is known.
    #[must_use]
    pub fn until_ms(&self) -> Option<i64> {
        todo!()
    }
}
