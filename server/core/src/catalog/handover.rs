//! Targets that Cutover recognises and others remove.

use cutover_proto::{ids::ProductId, rule::Certainty, words};
use serde::{Deserialize, Serialize};

use crate::plan::Owner;

words! {
    /// Who removes a target.
    pub enum Remover("remover") {
        /// Cutover, by steps of a work order.
        Cutover = "cutover",
        /// Another system that the organisation has, as the product's own console.
        External = "external",
        /// A person.
        Hand = "hand",
    }
}

/// Who removes a target in Cutover's place, and how.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Handover {
    /// Never [`Remover::Cutover`].
    pub by: Remover,
    /// Who answers for it.
    pub owner: Owner,
    /// What to do, in words.
    pub runbook: String,
    /// What ends it.
    pub ends_when: String,
    /// How sure the facts behind the runbook are.
    pub certainty: Certainty,
    /// What is not sure about them; empty where all is.
    pub note: String,
}

impl Handover {
    /// What `catalog check` prints of it.
    #[must_use]
    pub fn notes(&self) -> Vec<String> {
        let mut notes = vec![format!(
            "removed {}, {} answers: {}; ends when {}",
            how(self.by),
            self.owner,
            self.runbook,
            self.ends_when
        )];
        if self.certainty != Certainty::Confirmed {
            notes.push(format!("its removal is {}: {}", self.certainty, self.note));
        }
        notes
    }
}

/// In the middle of a sentence.
const fn how(by: Remover) -> &'static str {
    match by {
        Remover::Cutover => "by Cutover",
        Remover::External => "by another system of yours",
        Remover::Hand => "by hand",
    }
}

/// That others remove a host's target.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct HandedOver {
    /// The target.
    pub product: ProductId,
    /// Who removes it.
    pub by: Remover,
    /// Who answers for it.
    pub owner: Owner,
    /// The recipe's words for what to do.
    pub runbook: String,
    /// The recipe's words for what ends it.
    pub ends_when: String,
    /// Further targets of the host that others remove, each by its own recipe.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub also: Vec<ProductId>,
}

impl HandedOver {
    /// What holds for every host of which it is so.
    #[must_use]
    pub fn gist(&self) -> String {
        format!("no work order removes {}: it goes {}", self.product, how(self.by))
    }

    /// What is so.
    #[must_use]
    pub fn text(&self) -> String {
        let mut said = self.gist();
        if !self.also.is_empty() {
            let also: Vec<&str> = self.also.iter().map(ProductId::as_str).collect();
            said.push_str(&format!("; nor {}", also.join(", ")));
        }
        said
    }

    /// What to do.
    #[must_use]
    pub fn remedy(&self) -> String {
        format!("{}; it ends when {}", self.runbook, self.ends_when)
    }
}
