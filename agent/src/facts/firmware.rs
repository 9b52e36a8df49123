//! What a machine's firmware says of it.

use serde::{Deserialize, Serialize};

/// Hints by which records of a machine are matched. Either may be empty, or what a maker left there for all of its machines.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Firmware {
    /// The maker's number on the case.
    pub serial: String,
    /// The machine's UUID.
    pub uuid: String,
}
