//! Looks that a person carried to the server: what they say of a machine that no agent reports from.

use cutover_proto::words;
use serde::{Deserialize, Serialize};

use super::AssetBucket;
use crate::{
    judge::{Assessment, Condition},
    report::instant,
};

words! {
    /// Who vouches for an imported look. The first says least.
    pub enum Vouched("kind of imported look") {
        /// Nobody: a collection, which anybody could have edited.
        Collected = "collected",
        /// A key that this server never certified: nothing was changed on the way.
        Signed = "signed",
        /// The key of an enrolled host.
        HostKey = "host-key",
    }
}

words! {
    /// Which imported looks a campaign counts.
    pub enum CountedLooks("kind of imported looks that count") {
        /// None: they are kept and shown.
        Never = "never",
        /// Those that are signed.
        Signed = "signed",
        /// All.
        Collected = "collected",
    }
}

words! {
    /// What an imported look found.
    pub enum Found("finding of a look") {
        /// A target, also one inside another product.
        Carries = "carries",
        /// A required look failed or was not made. Never an absent.
        Unknown = "unknown",
        /// No target, and no approved replacement that is healthy.
        Free = "free",
        /// No target, and the approved replacement at work.
        Replaced = "replaced",
    }
}

impl Vouched {
    /// For people.
    #[must_use]
    pub const fn in_words(self) -> &'static str {
        match self {
            Self::Collected => "gathered by the collector and signed by nobody",
            Self::Signed => "signed by a key that this server did not certify",
            Self::HostKey => "signed by the host's own key",
        }
    }
}

impl Found {
    /// What a judged look comes to.
    #[must_use]
    pub fn of(assessment: &Assessment) -> Self {
        match assessment.condition {
            Condition::Carries | Condition::Embedded => Self::Carries,
            Condition::Unknown => Self::Unknown,
            Condition::Remnant | Condition::Free if assessment.is_protected_by_replacement() => Self::Replaced,
            Condition::Remnant | Condition::Free => Self::Free,
        }
    }
}

/// The newest look of one kind at a machine.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ImportedLook {
    /// Hex SHA-256 of the file.
    pub sha256: String,
    /// Who vouches for it.
    pub vouched: Vouched,
    /// When it was made, by the machine's clock.
    pub taken_ms: i64,
    /// When it was imported.
    pub imported_ms: i64,
    /// What it found.
    pub found: Found,
    /// Whether it or an earlier one found a target.
    pub carried: bool,
}

impl ImportedLook {
    /// For people: what, when, how far it can be trusted.
    #[must_use]
    pub fn in_words(&self) -> String {
        let what = match self.found {
            Found::Carries => "seen carrying",
            Found::Unknown => "not seen whole",
            Found::Free => "seen clean",
            Found::Replaced => "seen clean and replaced",
        };
        let (taken, imported) = (instant(self.taken_ms), instant(self.imported_ms));
        let by = self.vouched.in_words();
        format!("{what} at {taken} by import at {imported}, self-reported ({by}), not watched")
    }
}

/// What a campaign makes of imported looks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct LookRules {
    /// Which count.
    pub counted: CountedLooks,
    /// For how long one that found no target says so: from when it was made.
    pub hold_ms: i64,
}

impl LookRules {
    fn counts(&self, look: &ImportedLook) -> bool {
        match self.counted {
            CountedLooks::Never => false,
            CountedLooks::Signed => look.vouched > Vouched::Collected,
            CountedLooks::Collected => true,
        }
    }

    /// When a look no longer says that no target is there.
    #[must_use]
    pub const fn end_ms(&self, look: &ImportedLook) -> i64 {
        look.taken_ms.saturating_add(self.hold_ms)
    }

    /// The look that decides about a machine, of all that were imported of it: the newest that counts; of two at the same
    /// moment the one that found more.
    #[must_use]
    pub fn newest<'l>(&self, looks: &'l [ImportedLook]) -> Option<&'l ImportedLook> {
        looks
            .iter()
            .filter(|look| self.counts(look))
            .max_by_key(|look| (look.taken_ms, std::cmp::Reverse(look.found)))
    }

    /// Where that puts the machine, and since when it is known; `None` where the looks say nothing.
    ///
    /// What was seen to be there counts until a later look finds it gone, however old the look is. What was not there counts
    /// for a time only.
    #[must_use]
    pub(super) fn bucket(&self, looks: &[ImportedLook], now_ms: i64) -> Option<(i64, AssetBucket)> {
        let look = self.newest(looks)?;
        let carried = looks.iter().any(|other| self.counts(other) && other.carried);
        let holds = now_ms < self.end_ms(look);
        let bucket = match look.found {
            Found::Carries => AssetBucket::SeenCarries,
            // It was there, and no look has shown that it went.
            Found::Unknown if carried => AssetBucket::SeenCarries,
            Found::Unknown => return None,
            Found::Free if carried => AssetBucket::SeenUnreplaced,
            Found::Free if holds => AssetBucket::SeenClear,
            Found::Replaced if holds && carried => AssetBucket::SeenReplaced,
            Found::Replaced if holds => AssetBucket::SeenClear,
            Found::Replaced if carried => AssetBucket::SeenLongAgo,
            Found::Free | Found::Replaced => return None,
        };
        Some((look.taken_ms, bucket))
    }
}

#[cfg(test)]
mod tests;
