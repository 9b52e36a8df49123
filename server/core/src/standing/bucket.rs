//! Buckets and the standing of what is in them.

use cutover_proto::{ids::CampaignId, words};
use serde::{Deserialize, Serialize};

use crate::{campaign::Campaign, plan::Phase};

words! {
    /// How a host relates to the duty.
    pub enum Standing("standing") {
        /// Migrated, clear or concluded.
        Compliant = "compliant",
        /// Waived.
        Exempt = "exempt",
        /// Never looked at completely, or not heard of for too long.
        Unknown = "unknown",
        /// The target date is past and the host is not done.
        Overdue = "overdue",
        /// It will be late, or it stands still until a person acts.
        AtRisk = "at-risk",
        /// It goes on by itself, and in time.
        OnTrack = "on-track",
    }
}

/// What plans are counted by. Totals are kept per bucket in the transaction of the change.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Bucket {
    /// In which campaign.
    pub campaign: CampaignId,
    /// In which phase.
    pub phase: Phase,
    /// In which wave.
    pub wave: String,
    /// At which site.
    pub site: String,
    /// Not heard of for too long.
    pub stale: bool,
    /// Will miss the target.
    pub late: bool,
    /// No longer watched.
    pub closed: bool,
    /// Whether a target was ever shown: the denominator of "replaced".
    pub carried: bool,
}

/// The standing of every plan in a bucket; `None` for what lies outside the duty (out of scope, retired), which pages
/// list as a part of its own.
#[must_use]
pub fn standing(bucket: &Bucket, now_ms: i64, campaign: &Campaign) -> Option<Standing> {
    todo!("{bucket:?} {now_ms} {campaign:?}")
}

/// The mark beside the standing: since when the cutoff is past for a host whose target may still be there.
#[must_use]
pub fn overdue_since(bucket: &Bucket, now_ms: i64, campaign: &Campaign) -> Option<i64> {
    todo!("{bucket:?} {now_ms} {campaign:?}")
}
