//! What was true of a machine at a milestone, and how well that is known. Pure: looks and earlier records in, one answer per
//! milestone out. Nothing is ever inferred from what was not looked at.

#[cfg(test)]
mod tests;

use serde::{Deserialize, Serialize};

use crate::{
    campaign::Milestone,
    coverage::{Found, import::TargetSeen},
    report::instant,
};

/// A look at the machine.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Look {
    /// When it was made, by the machine's clock.
    pub taken_ms: i64,
    /// When the server had it: by then it had been made, whatever that clock says.
    pub received_ms: i64,
    /// What it found.
    pub found: Found,
}

/// A record of another system from before: attested by whoever imported it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct EarlierRecord {
    /// Which system, and which of its files.
    pub source: String,
    /// When it was true, as the record says.
    pub at_ms: i64,
    /// What it says.
    pub target: TargetSeen,
}

/// What was true at a milestone.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "is", rename_all = "kebab-case")]
pub enum DateProof {
    /// The milestone has not come yet.
    NotYet,
    /// A look before and a look after found no target.
    Clean {
        /// The last look before, as the server had it.
        before_ms: i64,
        /// The first one after.
        after_ms: i64,
    },
    /// A look before and a look after found one.
    Carrying {
        /// The last look before, as the server had it.
        before_ms: i64,
        /// The first one after.
        after_ms: i64,
    },
    /// An earlier record says that no target was there, and nothing speaks against it.
    CleanAttested {
        /// Whose.
        source: String,
        /// When it was so.
        at_ms: i64,
    },
    /// Nobody can say.
    NotKnowable {
        /// When the machine was first looked at.
        first_look_ms: Option<i64>,
    },
}

impl std::fmt::Display for DateProof {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::NotYet => f.write_str("not yet come"),
            Self::Clean { before_ms, after_ms } => write!(
                f,
                "clean, proven by looks at {} and {}",
                instant(*before_ms),
                instant(*after_ms)
            ),
            Self::Carrying { before_ms, after_ms } => write!(
                f,
                "carrying, proven by looks at {} and {}",
                instant(*before_ms),
                instant(*after_ms)
            ),
            Self::CleanAttested { source, at_ms } => {
                write!(f, "clean, attested by {source} of {}", instant(*at_ms))
            }
            Self::NotKnowable {
                first_look_ms: Some(at),
            } => write!(f, "not knowable, first look {}", instant(*at)),
            Self::NotKnowable { first_look_ms: None } => f.write_str("not knowable, never looked at"),
        }
    }
}

/// What was true at `milestone`.
///
/// A look counts as made before it where the server had it by then, and as made after it where the machine's clock says so,
/// too: a word that was under way speaks for neither side. What changed between the two, or could not be seen, is not knowable,
/// and an attested record never stands against a look that found a target afterwards.
#[must_use]
pub fn date_proof(milestone: &Milestone, looks: &[Look], records: &[EarlierRecord], now_ms: i64) -> DateProof {
    let at_ms = milestone.at_ms;
    if now_ms < at_ms {
        return DateProof::NotYet;
    }
    // Where several came at once, the one that found most.
    let before = looks
        .iter()
        .filter(|look| look.received_ms <= at_ms)
        .max_by_key(|look| (look.received_ms, std::cmp::Reverse(look.found)));
    let after = looks
        .iter()
        .filter(|look| look.received_ms > at_ms && look.taken_ms >= at_ms)
        .min_by_key(|look| (look.received_ms, look.found));
    let is_clean = |look: &Look| matches!(look.found, Found::Free | Found::Replaced);
    if let (Some(before), Some(after)) = (before, after) {
        let (before_ms, after_ms) = (before.received_ms, after.received_ms);
        if is_clean(before) && is_clean(after) {
            return DateProof::Clean { before_ms, after_ms };
        }
        if before.found == Found::Carries && after.found == Found::Carries {
            return DateProof::Carrying { before_ms, after_ms };
        }
    }
    let newest = records
        .iter()
        .filter(|record| record.at_ms <= at_ms)
        .max_by_key(|record| (record.at_ms, std::cmp::Reverse(record.target)));
    if let Some(EarlierRecord {
        source,
        at_ms: attested_ms,
        target: TargetSeen::Clear,
    }) = newest
    {
        let contradicts = |look: Option<&Look>| look.is_some_and(|look| look.found == Found::Carries);
        let seen_later = before.filter(|look| look.received_ms >= *attested_ms);
        if !contradicts(after) && !contradicts(seen_later) {
            return DateProof::CleanAttested {
                source: source.clone(),
                at_ms: *attested_ms,
            };
        }
    }
    DateProof::NotKnowable {
        first_look_ms: looks.iter().map(|look| look.received_ms).min(),
    }
}
