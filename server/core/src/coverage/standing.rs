//! Where assets without agent count.

use std::collections::BTreeMap;

use cutover_proto::words;
use serde::{Deserialize, Serialize};

use super::Place;
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
    }
}

/// What a person said of an asset, and until when it holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Attestation {
    /// What.
    pub claim: Claim,
    /// Until then, not included.
    pub ends_ms: i64,
}

impl AssetBucket {
    /// How it relates to the duty; `None` for what lies outside it.
    #[must_use]
    pub fn standing(self, now_ms: i64, campaign: &Campaign) -> Option<Standing> {
        match self {
            Self::Unknown => Some(Standing::Unknown),
            Self::Replaced | Self::Clear => Some(Standing::Compliant),
            Self::Carries if campaign.target_ms().is_some_and(|target| now_ms >= target) => Some(Standing::Overdue),
            Self::Carries => Some(Standing::AtRisk),
            Self::Gone => None,
        }
    }

    /// Whether it ever carried the target, as far as anybody said.
    #[must_use]
    pub const fn carried(self) -> bool {
        matches!(self, Self::Carries | Self::Replaced)
    }

    /// Whether a person's word is all there is.
    #[must_use]
    pub const fn is_attested(self) -> bool {
        !matches!(self, Self::Unknown)
    }
}

/// Where a record counts; `None` where its host, or another record of the same machine, counts for it. `attested` is what
/// was said of any record of this machine; the worst that still holds stands.
#[must_use]
pub fn bucket(place: &Place, attested: &[Attestation], now_ms: i64) -> Option<AssetBucket> {
    match place {
        Place::Host { .. } | Place::Same { .. } => return None,
        Place::Alone | Place::Ambiguous { .. } => {}
    }
    let worst = attested
        .iter()
        .filter(|it| now_ms < it.ends_ms)
        .map(|it| it.claim)
        .min();
    Some(match worst {
        None => AssetBucket::Unknown,
        Some(Claim::Carries) => AssetBucket::Carries,
        Some(Claim::Replaced) => AssetBucket::Replaced,
        Some(Claim::Clear) => AssetBucket::Clear,
        Some(Claim::Gone) => AssetBucket::Gone,
    })
}

/// How many assets are in each bucket.
pub type AssetTotals = BTreeMap<AssetBucket, i64>;
