//! What the running kernel says of itself.

use serde::{Deserialize, Serialize};

/// The answer of uname(2), in part.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Kernel {
    /// The machine's name; a label.
    pub hostname: String,
    /// For example `6.1.0-28-amd64`.
    pub release: String,
    /// For example `x86_64`.
    pub machine: String,
}
