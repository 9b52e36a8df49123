//! The phases of a plan and what each is.

use cutover_proto::words;

words! {
    /// Where a host stands in a campaign. Only `decide` moves a host between them.
    pub enum Phase("phase") {
        /// No complete inventory yet, or a required look failed.
        Unassessed = "unassessed",
        /// No look and no import ever showed a target.
        Clear = "clear",
        /// Carries a target, or lost it without an approved replacement, and no rule or recipe fits.
        Unplanned = "unplanned",
        /// Has replacement, recipe and wave; its wave is not open.
        Planned = "planned",
        /// Its wave is open; waits with a reason.
        Queued = "queued",
        /// A work order is out.
        Migrating = "migrating",
        /// A restart is due.
        Rebooting = "rebooting",
        /// Steps done, or the target vanished by other hands; not confirmed yet.
        Verifying = "verifying",
        /// Absence and an approved, healthy replacement are both confirmed.
        Migrated = "migrated",
        /// A precondition fails.
        Blocked = "blocked",
        /// A person must act.
        Handwork = "handwork",
        /// Attempts used up.
        Failed = "failed",
        /// A valid exemption.
        Exempt = "exempt",
        /// The agent left with an acknowledged final statement.
        Concluded = "concluded",
        /// Outside the campaign's scope by a named rule.
        OutOfScope = "out-of-scope",
        /// Gone, with reason and proof.
        Retired = "retired",
    }
}

impl Phase {
    /// Whether the host is no longer watched: such a plan never goes stale.
    #[must_use]
    pub const fn is_closed(self) -> bool {
        match self {
            Self::Concluded | Self::Retired => true,
            Self::Unassessed
            | Self::Clear
            | Self::Unplanned
            | Self::Planned
            | Self::Queued
            | Self::Migrating
            | Self::Rebooting
            | Self::Verifying
            | Self::Migrated
            | Self::Blocked
            | Self::Handwork
            | Self::Failed
            | Self::Exempt
            | Self::OutOfScope => false,
        }
    }

    /// Whether the host gets on by itself from here, without a person. The demo ends when no host is in such a phase.
    #[must_use]
    pub const fn is_moving(self) -> bool {
        match self {
            Self::Planned | Self::Queued | Self::Migrating | Self::Rebooting | Self::Verifying => true,
            Self::Unassessed
            | Self::Clear
            | Self::Unplanned
            | Self::Migrated
            | Self::Blocked
            | Self::Handwork
            | Self::Failed
            | Self::Exempt
            | Self::Concluded
            | Self::OutOfScope
            | Self::Retired => false,
        }
    }

    /// Whether a work order is out.
    #[must_use]
    pub const fn has_order(self) -> bool {
        match self {
            Self::Migrating | Self::Rebooting => true,
            Self::Unassessed
            | Self::Clear
            | Self::Unplanned
            | Self::Planned
            | Self::Queued
            | Self::Verifying
            | Self::Migrated
            | Self::Blocked
            | Self::Handwork
            | Self::Failed
            | Self::Exempt
            | Self::Concluded
            | Self::OutOfScope
            | Self::Retired => false,
        }
    }
}
