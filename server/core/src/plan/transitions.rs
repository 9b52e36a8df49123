//! Which phase may follow which. A test compares this text with the table, and another sees `decide` make every move.
//!
//! ```text
//! unassessed -> clear, unplanned, planned, verifying, blocked, handwork, failed, exempt, out-of-scope, retired
//! clear -> unassessed, unplanned, planned, blocked, handwork, exempt, concluded, out-of-scope, retired
//! unplanned -> unassessed, planned, verifying, blocked, handwork, failed, exempt, out-of-scope, retired
//! planned -> unassessed, unplanned, queued, verifying, blocked, handwork, failed, exempt, out-of-scope, retired
//! queued -> unassessed, unplanned, planned, migrating, verifying, blocked, handwork, failed, exempt, out-of-scope, retired
//! migrating -> unassessed, unplanned, planned, queued, rebooting, verifying, blocked, handwork, failed, exempt, out-of-scope, retired
//! rebooting -> unassessed, unplanned, planned, queued, migrating, verifying, blocked, handwork, failed, exempt, out-of-scope, retired
//! verifying -> unassessed, unplanned, planned, queued, migrated, blocked, handwork, failed, exempt, out-of-scope, retired
//! migrated -> unassessed, unplanned, planned, blocked, handwork, exempt, concluded, out-of-scope, retired
//! blocked -> unassessed, unplanned, planned, verifying, handwork, failed, exempt, out-of-scope, retired
//! handwork -> unassessed, unplanned, planned, verifying, blocked, failed, exempt, out-of-scope, retired
//! failed -> unassessed, unplanned, planned, verifying, blocked, handwork, exempt, out-of-scope, retired
//! exempt -> unassessed, clear, unplanned, planned, verifying, blocked, handwork, failed, out-of-scope, retired
//! concluded -> unassessed, retired
//! out-of-scope -> unassessed, clear, unplanned, planned, verifying, blocked, handwork, failed, exempt, retired
//! retired -> unassessed
//! ```

use super::Phase;
use Phase::{
    Blocked, Clear, Concluded, Exempt, Failed, Handwork, Migrated, Migrating, OutOfScope, Planned, Queued, Rebooting,
    Retired, Unassessed, Unplanned, Verifying,
};

/// Every move that an event may make: from, and where to.
pub const TRANSITIONS: &[(Phase, &[Phase])] = &[
    (
        Unassessed,
        &[
            Clear, Unplanned, Planned, Verifying, Blocked, Handwork, Failed, Exempt, OutOfScope, Retired,
        ],
    ),
    (
        Clear,
        &[
            Unassessed, Unplanned, Planned, Blocked, Handwork, Exempt, Concluded, OutOfScope, Retired,
        ],
    ),
    (
        Unplanned,
        &[
            Unassessed, Planned, Verifying, Blocked, Handwork, Failed, Exempt, OutOfScope, Retired,
        ],
    ),
    (
        Planned,
        &[
            Unassessed, Unplanned, Queued, Verifying, Blocked, Handwork, Failed, Exempt, OutOfScope, Retired,
        ],
    ),
    (
        Queued,
        &[
            Unassessed, Unplanned, Planned, Migrating, Verifying, Blocked, Handwork, Failed, Exempt, OutOfScope,
            Retired,
        ],
    ),
    (
        Migrating,
        &[
            Unassessed, Unplanned, Planned, Queued, Rebooting, Verifying, Blocked, Handwork, Failed, Exempt,
            OutOfScope, Retired,
        ],
    ),
    (
        Rebooting,
        &[
            Unassessed, Unplanned, Planned, Queued, Migrating, Verifying, Blocked, Handwork, Failed, Exempt,
            OutOfScope, Retired,
        ],
    ),
    (
        Verifying,
        &[
            Unassessed, Unplanned, Planned, Queued, Migrated, Blocked, Handwork, Failed, Exempt, OutOfScope, Retired,
        ],
    ),
    (
        Migrated,
        &[
            Unassessed, Unplanned, Planned, Blocked, Handwork, Exempt, Concluded, OutOfScope, Retired,
        ],
    ),
    (
        Blocked,
        &[
            Unassessed, Unplanned, Planned, Verifying, Handwork, Failed, Exempt, OutOfScope, Retired,
        ],
    ),
    (
        Handwork,
        &[
            Unassessed, Unplanned, Planned, Verifying, Blocked, Failed, Exempt, OutOfScope, Retired,
        ],
    ),
    (
        Failed,
        &[
            Unassessed, Unplanned, Planned, Verifying, Blocked, Handwork, Exempt, OutOfScope, Retired,
        ],
    ),
    (
        Exempt,
        &[
            Unassessed, Clear, Unplanned, Planned, Verifying, Blocked, Handwork, Failed, OutOfScope, Retired,
        ],
    ),
    (Concluded, &[Unassessed, Retired]),
    (
        OutOfScope,
        &[
            Unassessed, Clear, Unplanned, Planned, Verifying, Blocked, Handwork, Failed, Exempt, Retired,
        ],
    ),
    (Retired, &[Unassessed]),
];

/// Whether a plan may move so.
#[must_use]
pub fn is_legal(from: Phase, to: Phase) -> bool {
    TRANSITIONS.iter().any(|(at, next)| *at == from && next.contains(&to))
}
