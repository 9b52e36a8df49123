//! What stops starts from beside the phase: holds, and exemptions.

use cutover_proto::words;
use serde::{Deserialize, Serialize};

use super::Personal;

words! {
    /// The kinds of holds. A plan has at most one of each.
    pub enum HoldKind("hold") {
        /// An operator asked for it.
        Operator = "operator",
        /// The host's identity is on more than one machine.
        Clone = "clone",
        /// A legal hold: nothing may be changed on the machine.
        Legal = "legal",
    }
}

/// Something that stops starts and new orders until it is lifted.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Hold {
    /// Which.
    pub kind: HoldKind,
    /// Who placed it.
    pub who: Personal,
    /// Why.
    pub why: Personal,
    /// It lifts itself then; `None` means that a person lifts it.
    #[serde(default)]
    pub until_ms: Option<i64>,
}

/// A waiver.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Exemption {
    /// Why the host is let off.
    pub why: Personal,
    /// Who answers for it.
    pub owner: Personal,
    /// What is done instead; `None` where nothing is.
    #[serde(default)]
    pub control: Option<Personal>,
    /// Its end; `None` means until revoked.
    #[serde(default)]
    pub until_ms: Option<i64>,
}
