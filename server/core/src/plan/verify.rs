//! Work that is verified: who did it, and how far that has come.

use cutover_proto::words;
use serde::{Deserialize, Serialize};

words! {
    /// Who did the work that is being verified.
    pub enum Origin("origin") {
        /// A work order of ours.
        Order = "order",
        /// Other hands; marked "not done by us".
        External = "external",
        /// A person, as handwork.
        Handwork = "handwork",
        /// Nobody can say: the journal was lost in the middle.
        Unclear = "unclear",
    }
}

/// How far verifying has come.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "state", rename_all = "kebab-case")]
pub enum Verify {
    /// Waits for the host to check in; what it then knows is not fresh enough.
    FirstContact,
    /// Waits for a look that is newer than this, by the host's clock.
    FirstLook {
        /// Newest look or record known when it began.
        fresh_after_ms: i64,
    },
    /// Both halves held once; they must hold for a while.
    Soaking {
        /// Server time at which the soak ends.
        until_ms: i64,
    },
    /// The soak is over; waits for the host to check in.
    LastContact,
    /// Waits for a look that is newer than this, by the host's clock.
    LastLook {
        /// Newest look known at the first contact after the soak.
        fresh_after_ms: i64,
    },
}
