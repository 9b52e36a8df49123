//! What put a target back: what is known of that, ranked into one that is named, and how sure it is. It names software, its
//! servers and policies, and never a person. Nothing known is unknown: it never means that nobody did it.

mod rank;
#[cfg(test)]
mod tests;

use cutover_proto::words;
use serde::{Deserialize, Serialize};

pub use rank::rank;

words! {
    /// How sure it is. Ordered from the surest.
    pub enum Sureness("sureness") {
        /// The record that the installation left names it.
        Recorded = "recorded",
        /// What was recorded, or what is there, is best explained by it.
        Likely = "likely",
        /// It is there and could have done it.
        Suspected = "suspected",
        /// Nothing tells.
        Unknown = "unknown",
    }
}

/// What is held to have put a target back.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Suspect {
    /// What hosts are counted by: the same for all that one thing mends.
    pub key: String,
    /// Its name for people.
    pub name: String,
    /// How sure that is.
    pub sure: Sureness,
    /// What tells it, and what else there is that could have done it.
    pub why: Vec<String>,
    /// How it is stopped.
    pub remedy: String,
}

impl Suspect {
    /// In one line.
    #[must_use]
    pub fn text(&self) -> String {
        let why = self.why.join("; ");
        match (self.sure, why.is_empty()) {
            (Sureness::Unknown, true) => self.name.clone(),
            (Sureness::Unknown, false) => format!("{} ({why})", self.name),
            (sure, true) => format!("{} ({sure})", self.name),
            (sure, false) => format!("{} ({sure}: {why})", self.name),
        }
    }
}
