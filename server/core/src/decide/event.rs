//! What is written: a fact and when it became true.

use serde::{Deserialize, Serialize};

use super::Fact;

/// The version of the facts' form; stored with each event.
pub const EVENT_SCHEMA: u32 = 1;

/// A fact and the server's time of it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Event {
    /// By the campaign's clock.
    pub at_ms: i64,
    /// What.
    #[serde(flatten)]
    pub fact: Fact,
}
