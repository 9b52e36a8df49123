//! How many hosts of a wave came to what, in one round of its breaker.

use cutover_proto::words;
use serde::{Deserialize, Serialize};

words! {
    /// What came of the newest order of ours on a host. What counts against a wave goes on counting in its round until the
    /// host succeeds: a second attempt that is under way takes nothing back.
    #[derive(Default)]
    pub enum Outcome("outcome") {
        /// No order of ours has been out, or none that used an attempt.
        #[default]
        None = "none",
        /// An order is out, or its work is being verified.
        UnderWay = "under-way",
        /// Migrated, and nothing has been lost since.
        Succeeded = "succeeded",
        /// An attempt was used up, or the success did not last.
        Failed = "failed",
        /// Went silent, or left the fleet, after a step.
        Dark = "dark",
        /// Did not come back from a restart in its time.
        NotBack = "not-back",
        /// What the campaign supplies was not what its order states; no attempt was used.
        Unfit = "unfit",
    }
}

impl Outcome {
    /// Whether nothing came of any order.
    #[must_use]
    pub const fn is_none(&self) -> bool {
        matches!(self, Self::None)
    }

    /// Whether it counts against the wave.
    #[must_use]
    pub const fn is_against(self) -> bool {
        match self {
            Self::Failed | Self::Dark | Self::NotBack | Self::Unfit => true,
            Self::None | Self::UnderWay | Self::Succeeded => false,
        }
    }
}

/// How many hosts of one wave have which outcome in one round. Hosts without any are not in it: they have no round.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Tally {
    /// See [`Outcome::UnderWay`].
    pub under_way: u32,
    /// See [`Outcome::Succeeded`].
    pub succeeded: u32,
    /// See [`Outcome::Failed`].
    pub failed: u32,
    /// See [`Outcome::Dark`].
    pub dark: u32,
    /// See [`Outcome::NotBack`].
    pub not_back: u32,
    /// See [`Outcome::Unfit`].
    #[serde(default)]
    pub unfit: u32,
}

impl Tally {
    /// Adds hosts of an outcome; [`Outcome::None`] adds nothing.
    pub const fn add(&mut self, outcome: Outcome, hosts: u32) {
        let count = match outcome {
            Outcome::None => return,
            Outcome::UnderWay => &mut self.under_way,
            Outcome::Succeeded => &mut self.succeeded,
            Outcome::Failed => &mut self.failed,
            Outcome::Dark => &mut self.dark,
            Outcome::NotBack => &mut self.not_back,
            Outcome::Unfit => &mut self.unfit,
        };
        *count = count.saturating_add(hosts);
    }

    /// Hosts that are not heard of any more after a step.
    #[must_use]
    pub const fn gone(&self) -> u32 {
        self.dark.saturating_add(self.not_back)
    }

    /// Hosts that count against the wave.
    #[must_use]
    pub const fn against(&self) -> u32 {
        self.failed.saturating_add(self.unfit).saturating_add(self.gone())
    }

    /// The sample: hosts that came to something, good or bad.
    #[must_use]
    pub const fn settled(&self) -> u32 {
        self.succeeded.saturating_add(self.against())
    }

    /// Hosts that began in this round.
    #[must_use]
    pub const fn begun(&self) -> u32 {
        self.settled().saturating_add(self.under_way)
    }
}

/// Hosts of a wave that may still come to something.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Left {
    /// Those that have not begun in this round and may still.
    pub untried: u32,
    /// Of those that count against the wave, the ones that will be tried again.
    pub again: u32,
}
