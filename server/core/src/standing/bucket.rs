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

impl Standing {
    /// Whether something is left to do: neither done nor let off.
    #[must_use]
    pub const fn is_open(self) -> bool {
        match self {
            Self::Compliant | Self::Exempt => false,
            Self::Unknown | Self::Overdue | Self::AtRisk | Self::OnTrack => true,
        }
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
///
/// Overdue, on-track and at-risk are told by the campaign's target: the recovery target where one is set, else the
/// cutoff. That the cutoff itself is past is an added mark ([`overdue_since`]). A host that is being verified is never
/// overdue: its target was seen to be gone.
#[must_use]
pub fn standing(bucket: &Bucket, now_ms: i64, campaign: &Campaign) -> Option<Standing> {
    match bucket.phase {
        Phase::OutOfScope | Phase::Retired => return None,
        Phase::Exempt => return Some(Standing::Exempt),
        Phase::Concluded => return Some(Standing::Compliant),
        Phase::Unassessed => return Some(Standing::Unknown),
        Phase::Clear
        | Phase::Unplanned
        | Phase::Planned
        | Phase::Queued
        | Phase::Migrating
        | Phase::Rebooting
        | Phase::Verifying
        | Phase::Migrated
        | Phase::Blocked
        | Phase::Handwork
        | Phase::Failed => {}
    }
    if bucket.stale && !bucket.closed {
        return Some(Standing::Unknown);
    }
    if matches!(bucket.phase, Phase::Clear | Phase::Migrated) {
        return Some(Standing::Compliant);
    }
    let is_past = campaign.target_ms().is_some_and(|target| now_ms >= target);
    let needs_a_person = matches!(
        bucket.phase,
        Phase::Unplanned | Phase::Blocked | Phase::Handwork | Phase::Failed
    );
    Some(if is_past && bucket.phase != Phase::Verifying {
        Standing::Overdue
    } else if bucket.late || needs_a_person || is_past {
        Standing::AtRisk
    } else {
        Standing::OnTrack
    })
}

/// The mark beside the standing: since when the cutoff is past for a host whose target may still be there.
#[must_use]
pub fn overdue_since(bucket: &Bucket, now_ms: i64, campaign: &Campaign) -> Option<i64> {
    let cutoff_ms = campaign.cutoff_ms().filter(|cutoff| now_ms >= *cutoff)?;
    match bucket.phase {
        Phase::Unplanned
        | Phase::Planned
        | Phase::Queued
        | Phase::Migrating
        | Phase::Rebooting
        | Phase::Blocked
        | Phase::Handwork
        | Phase::Failed => Some(cutoff_ms),
        // Whether the target is still there is not known, or it is not, or it may be.
        Phase::Unassessed
        | Phase::Clear
        | Phase::Verifying
        | Phase::Migrated
        | Phase::Exempt
        | Phase::Concluded
        | Phase::OutOfScope
        | Phase::Retired => None,
    }
}
