//! One run: a seed, a number of hosts, and what was taken out of it. All that a run is follows from this.

use anyhow::{Context, Result};
use cutover_proto::words;
use serde::{Deserialize, Serialize};

use crate::fault::Fault;

words! {
    /// Something broken on purpose, to see that its check sees it.
    pub(crate) enum Tamper("tampering") {
        /// An order is issued for a host that is held.
        OrderForHeld = "order for a held host",
        /// An order is issued for a host that is exempt.
        OrderForExempt = "order for an exempt host",
        /// An order is issued for a machine that is somebody's own.
        OrderForOthers = "order for a machine of others",
        /// An order is issued for a host that a rule leaves out.
        OrderOutOfScope = "order out of scope",
        /// An order is issued while the wave is paused.
        OrderInPausedWave = "order in a paused wave",
        /// An order is issued in a wave that is halted.
        OrderInHaltedWave = "order in a halted wave",
        /// An order is issued while the campaign is stopped.
        OrderWhileStopped = "order while stopped",
        /// An order is issued for a host that is retired.
        OrderForRetired = "order for a retired host",
        /// An order is issued for a host whose disks the product encrypts, as its look says.
        OrderForEncrypted = "order for an encrypted host",
        /// An order is issued while the campaign only looks.
        OrderInObserve = "order while only looking",
        /// An order is issued for a host that has just come back.
        OrderInGrace = "order in grace",
        /// A second order is issued while the first is out.
        TwoOrders = "two orders at once",
        /// An event says what cannot be.
        Misfit = "event that does not fit",
        /// A plan stands still and does not say why.
        Silence = "no reason",
        /// More slots are taken than orders are out.
        Slot = "slot without an order",
        /// A place among those that go first is taken, and nobody holds it.
        Place = "place that nobody holds",
        /// More orders are out than the campaign allows.
        TooMany = "too many in flight",
        /// A total is off by one.
        Total = "total off by one",
        /// What came of a wave's orders is off by one.
        Tally = "tally off by one",
        /// A plan's row is not what its events say.
        Row = "row differs",
        /// A plan has no wake.
        Wake = "no wake",
        /// Step records are gone that were acknowledged.
        Records = "records gone",
        /// An event was changed afterwards.
        Chain = "event changed",
        /// A machine claims what is not so in its inventory.
        LyingLook = "lying look",
        /// A machine skips what fetches the replacement.
        NoFetch = "skips fetching",
        /// A machine is encrypted, and its looks say that it is not.
        HiddenEncryption = "hidden encryption",
        /// An attempt is used up by nothing.
        Attempt = "attempt for nothing",
        /// An order is issued at an hour that is none of its host's.
        OrderOutOfHours = "order out of hours",
        /// Or in a blackout.
        OrderInBlackout = "order in a blackout",
        /// More orders are out than a site allows.
        TooManyOfSite = "too many of a site",
        /// Than a wave allows.
        TooManyOfWave = "too many of a wave",
        /// More are issued within an hour than are allowed.
        TooManyAnHour = "too many an hour",
        /// More is to come over a line within an hour than it carries.
        TooMuchForALine = "too much for a line",
        /// More begin before a wave's first ones have succeeded.
        TooManyFirst = "too many first ones",
        /// Two of a redundancy set are worked on at a time.
        TwoOfASet = "two of a set",
        /// A wave opens before the gate of the one before it holds.
        EarlyOpening = "gate that does not hold",
        /// An order is issued against what people were told.
        AgainstWord = "order against people's word",
        /// A plan is in a wave that does not take it.
        ForeignWave = "order in a wave of others",
        /// The server is never told of the passing of time: nothing is woken, nothing started.
        NoPasses = "no passes",
    }
}

/// A run.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Case {
    pub(crate) seed: u64,
    pub(crate) hosts: usize,
    /// Hosts that are left out, by number.
    #[serde(default)]
    pub(crate) without_hosts: Vec<usize>,
    /// Faults that are left out.
    #[serde(default)]
    pub(crate) without_faults: Vec<Fault>,
    #[serde(default)]
    pub(crate) tamper: Option<Tamper>,
}

impl Case {
    pub(crate) fn new(seed: u64, hosts: usize) -> Self {
        Self {
            seed,
            hosts,
            without_hosts: Vec::new(),
            without_faults: Vec::new(),
            tamper: None,
        }
    }

    #[cfg(test)]
    pub(crate) fn tampered(seed: u64, hosts: usize, tamper: Tamper) -> Self {
        Self {
            tamper: Some(tamper),
            ..Self::new(seed, hosts)
        }
    }
}

/// What a check found.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Violation {
    /// The name of the invariant.
    pub(crate) invariant: String,
    pub(crate) why: String,
    /// Virtual time, milliseconds since the epoch.
    pub(crate) at_ms: i64,
}

/// What is left of a run that failed, for `tests/sim/run replay FILE`.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct Failure {
    pub(crate) case: Case,
    pub(crate) violation: Violation,
    /// What happened last, the newest at the end.
    pub(crate) last: Vec<String>,
}

impl Failure {
    pub(crate) fn read(path: &std::path::Path) -> Result<Self> {
        let text = std::fs::read_to_string(path).with_context(|| format!("{} cannot be read", path.display()))?;
        serde_json::from_str(&text).with_context(|| format!("{} is no file of a failed run", path.display()))
    }
}
