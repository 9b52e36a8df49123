//! What a plan keeps of what happened to it.

use cutover_proto::{ids::ProductId, record::FailureCause, words};
use serde::{Deserialize, Serialize};

use super::{Personal, Stop};
use crate::catalog::RestartNeed;

words! {
    /// What is wrong with a host's journal.
    pub enum JournalFault("journal fault") {
        /// A line in the middle does not verify.
        Corrupt = "corrupt",
        /// Was there, is gone.
        Lost = "lost",
        /// Older than what the server acknowledged: a machine restored from backup.
        Restored = "restored",
    }
}

/// Who let a host start in a campaign of mode `approve`.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Approval {
    /// Who.
    pub by: Personal,
    /// When.
    pub at_ms: i64,
    /// Whether the host was named, and not let start with all of its wave.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub named: bool,
}

/// What the last attempt that did not succeed said.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct LastFailure {
    /// The cause; `None` where nothing was heard at all.
    #[serde(default)]
    pub cause: Option<FailureCause>,
    /// For a person.
    #[serde(default)]
    pub detail: String,
    /// When the server learned of it.
    pub at_ms: i64,
    /// Whether it used an attempt up.
    pub used_attempt: bool,
    /// The exit code of the installer, where one told it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub exit_code: Option<i32>,
    /// What it demands before anything is tried again.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub stop: Option<Stop>,
}

/// A removal that is complete only after a restart, which has not been seen yet.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RestartOwed {
    /// Whether in any case.
    pub need: RestartNeed,
    /// By the removal of which products.
    pub products: Vec<ProductId>,
    /// The kernel session in which they were removed; any other settles it.
    pub boot_id: String,
}
