//! A report as it is kept and delivered.

use serde::{Deserialize, Serialize};

use super::Figures;

/// What stands for the schedule of a report that somebody asked for.
pub const BY_HAND: &str = "by-hand";

/// One report of one period.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Document {
    /// Which schedule; [`BY_HAND`] for one that was asked for.
    pub schedule: String,
    /// Which period.
    pub period: String,
    /// Whether it was made after its time.
    pub late: bool,
    /// What it says.
    pub figures: Figures,
}

/// The name that a report's files begin with.
#[must_use]
pub fn file_stem(schedule: &str, period: &str) -> String {
    let by_hand = if schedule == BY_HAND { "-by-hand" } else { "" };
    format!("deadline{by_hand}-{}", period.replace(':', ""))
}
