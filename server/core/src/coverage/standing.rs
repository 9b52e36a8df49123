//! Where assets without agent count.

use std::collections::BTreeMap;

use cutover_proto::words;
use serde::{Deserialize, Serialize};

use super::{ImportedLook, LookRules, Place};
use crate::{campaign::Campaign, standing::Standing};

words! {
    /// What a person says of an asset that no agent looks at.
    pub enum Claim("claim") {
        /// Its target is still there.
        Carries = "carries",
        /// It had the target, and has an approved replacement now.
        Replaced = "replaced",
        /// It never had the target.
        Clear = "clear",
        /// It is no longer in use.
        Gone = "gone",
    }
}

words! {
    /// What assets that are no host are counted by. Kept in the transaction of the change.
    pub enum AssetBucket("asset bucket") {
        /// Nobody looks, and nobody said anything that still holds.
        Unknown = "unknown",
        /// Attested, until its end.
        Carries = "attested-carries",
        /// Attested, until its end.
        Replaced = "attested-replaced",
        /// Attested, until its end.
        Clear = "attested-clear",
        /// Attested, until its end: its own part of the total.
        Gone = "attested-gone",
        /// An imported look found a target there, and no later one found it gone.
        SeenCarries = "seen-carries",
        /// Imported looks found a target, and later neither it nor an approved replacement.
        SeenUnreplaced = "seen-unreplaced",
        /// Imported looks found a target, and later the approved replacement in its place.
        SeenReplaced = "seen-replaced",
        /// An imported look found no target, for as long as such a look says so. Nobody watches.
        SeenClear = "seen-clear",
        /// The last imported look found the replacement in a target's place, too long ago to say so now.
        SeenLongAgo = "seen-long-ago",
    }
}

/// What a person said of an asset, and until when it holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Attestation {
    /// What.
    pub claim: Claim,
    /// Until then, not included.
    pub ends_ms: i64,
    /// When it was said.
    pub at_ms: i64,
}

impl AssetBucket {
    /// How it relates to the duty; `None` for what lies outside it.
    #[must_use]
    pub fn standing(self, now_ms: i64, campaign: &Campaign) -> Option<Standing> {
        match self {
            Self::Unknown | Self::SeenLongAgo => Some(Standing::Unknown),
            Self::Replaced | Self::Clear | Self::SeenReplaced | Self::SeenClear => Some(Standing::Compliant),
            Self::Carries | Self::SeenCarries | Self::SeenUnreplaced
                if campaign.target_ms().is_some_and(|target| now_ms >= target) =>
            {
                Some(Standing::Overdue)
            }
            Self::Carries | Self::SeenCarries | Self::SeenUnreplaced => Some(Standing::AtRisk),
            Self::Gone => None,
        }
    }

    /// Whether it ever carried the target, as far as anybody said.
    #[must_use]
    pub const fn carried(self) -> bool {
        matches!(
            self,
            Self::Carries
                | Self::Replaced
                | Self::SeenCarries
                | Self::SeenUnreplaced
                | Self::SeenReplaced
                | Self::SeenLongAgo
        )
    }
}

/// All that is known of a machine without agent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Known<'k> {
    /// What was said of any record of it.
    pub attested: &'k [Attestation],
    /// Imported looks at it: the newest of each record.
    pub looks: &'k [ImportedLook],
    /// What the campaign makes of those.
    pub rules: LookRules,
}

/// Where a record counts; `None` where its host, or another record of the same machine, counts for it.
///
/// What was seen stands before what was said earlier; what was said later, before what was seen. Of several words that hold
/// the worst stands.
#[must_use]
pub fn bucket(place: &Place, known: &Known<'_>, now_ms: i64) -> Option<AssetBucket> {
    match place {
        Place::Host { .. } | Place::Same { .. } => return None,
        Place::Alone | Place::Ambiguous { .. } => {}
    }
    let seen = known.rules.bucket(known.looks, now_ms);
    let worst = known
        .attested
        .iter()
        .filter(|it| now_ms < it.ends_ms && seen.is_none_or(|(taken_ms, _)| it.at_ms > taken_ms))
        .map(|it| it.claim)
        .min();
    Some(match worst {
        None => seen.map_or(AssetBucket::Unknown, |(_, bucket)| bucket),
        Some(Claim::Carries) => AssetBucket::Carries,
        Some(Claim::Replaced) => AssetBucket::Replaced,
        Some(Claim::Clear) => AssetBucket::Clear,
        Some(Claim::Gone) => AssetBucket::Gone,
    })
}

/// When time alone may next change where it counts.
#[must_use]
pub fn next_change_ms(known: &Known<'_>, now_ms: i64) -> Option<i64> {
    let words = known.attested.iter().map(|it| it.ends_ms);
    let looks = known.looks.iter().map(|look| known.rules.end_ms(look));
    words.chain(looks).filter(|ends| *ends > now_ms).min()
}

/// How many assets are in each bucket.
pub type AssetTotals = BTreeMap<AssetBucket, i64>;
