//! The readiness list's course: who attested or waived what, and what is still open. An item is settled by one person who says
//! that it is so, or by two different people who say that it need not be.

use std::collections::BTreeMap;

use cutover_proto::{artifact::ArtifactDigest, words};
use serde::{Deserialize, Serialize};

use crate::{
    campaign::{Campaign, Mode, ReadinessItem, readiness_named as named},
    plan::Personal,
};

#[cfg(test)]
mod tests;

/// How many people waive an item.
pub const WAIVERS: usize = 2;

words! {
    /// How an item stands.
    pub enum ItemState("state of a readiness item") {
        /// Nobody said that it is so.
        Open = "open",
        /// An item before it is open, whatever was said of itself.
        AfterOthers = "after-others",
        /// One person waived it; a second one is missing.
        HalfWaived = "half-waived",
        /// Somebody said that it is so.
        Attested = "attested",
        /// Two people said that it need not be.
        Waived = "waived",
    }
}

impl ItemState {
    /// Whether nothing more is asked of anybody.
    #[must_use]
    pub const fn is_settled(self) -> bool {
        match self {
            Self::Attested | Self::Waived => true,
            Self::Open | Self::AfterOthers | Self::HalfWaived => false,
        }
    }
}

/// Who said something of an item, when, and in which words.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Signature {
    /// Who.
    pub by: Personal,
    /// What it rests on, or why.
    pub why: Personal,
    /// When, by the server's clock.
    pub at_ms: i64,
}

/// A file that shows an item. Only what it is called and what it hashes to is kept; the file stays with those who have it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ProofFile {
    /// What it is called.
    pub name: Personal,
    /// Of its bytes.
    pub sha256: ArtifactDigest,
    /// In bytes.
    pub size: u64,
}

/// What was said of an item.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Answer {
    /// It is so.
    Attested {
        /// Who says it.
        signature: Signature,
        /// What shows it.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        file: Option<ProofFile>,
    },
    /// It need not be so.
    Waived {
        /// Who says it, each another person.
        signatures: Vec<Signature>,
    },
}

/// What was said of a campaign's items, by their names.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Answers(BTreeMap<String, Answer>);

/// Why something cannot be said of an item, and what to do.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct NotSaid(String);

impl Answers {
    /// Whether nothing was said of any item.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// What was said of an item.
    #[must_use]
    pub fn of(&self, name: &str) -> Option<&Answer> {
        self.0.get(name)
    }

    /// How an item stands.
    #[must_use]
    pub fn state(&self, items: &[ReadinessItem], item: &ReadinessItem) -> ItemState {
        match self.of(&item.name) {
            Some(Answer::Waived { signatures }) if signatures.len() >= WAIVERS => ItemState::Waived,
            Some(Answer::Waived { .. }) => ItemState::HalfWaived,
            _ if !self.before(items, item).is_empty() => ItemState::AfterOthers,
            Some(Answer::Attested { .. }) => ItemState::Attested,
            None => ItemState::Open,
        }
    }

    /// The items before it that are open.
    #[must_use]
    pub fn before<'a>(&self, items: &'a [ReadinessItem], item: &'a ReadinessItem) -> Vec<&'a str> {
        // No file has a circle in it.
        let is_open = |name: &&str| !named(items, name).is_some_and(|it| self.state(items, it).is_settled());
        item.after.iter().map(String::as_str).filter(is_open).collect()
    }

    /// The items without which mode automatic starts nobody, and that are open.
    #[must_use]
    pub fn open<'a>(&self, items: &'a [ReadinessItem]) -> Vec<&'a str> {
        let is_open = |it: &&ReadinessItem| it.required && !self.state(items, it).is_settled();
        items.iter().filter(is_open).map(|it| it.name.as_str()).collect()
    }

    /// Notes that an item is so.
    ///
    /// # Errors
    /// When an item before it is open, or it is settled already.
    pub fn attest(
        &mut self,
        items: &[ReadinessItem],
        item: &ReadinessItem,
        signature: Signature,
        file: Option<ProofFile>,
    ) -> Result<(), NotSaid> {
        let name = &item.name;
        if let Some(before) = self.before(items, item).first() {
            return Err(NotSaid(format!(
                "`{name}` comes after `{before}`, which is open; settle that first"
            )));
        }
        self.must_be_unsaid(name)?;
        self.0.insert(name.clone(), Answer::Attested { signature, file });
        Ok(())
    }

    /// Notes that an item need not be so. `is_another` says of those who waived it before whether they are somebody else than
    /// the one who does now; `None` where that cannot be told any more. Gives how many have waived it.
    ///
    /// # Errors
    /// When the same person waived it before, or that cannot be told, or it is settled already.
    pub fn waive(
        &mut self,
        item: &ReadinessItem,
        signature: Signature,
        is_another: impl Fn(&Signature) -> Option<bool>,
    ) -> Result<usize, NotSaid> {
        let name = &item.name;
        let mut signatures = match self.of(name) {
            Some(Answer::Waived { signatures }) if signatures.len() < WAIVERS => signatures.clone(),
            _ => Vec::new(),
        };
        if signatures.is_empty() {
            self.must_be_unsaid(name)?;
        }
        for before in &signatures {
            match is_another(before) {
                Some(true) => {}
                Some(false) => {
                    return Err(NotSaid(format!(
                        "you waived `{name}` already; the second signature is another person's"
                    )));
                }
                None => {
                    return Err(NotSaid(format!(
                        "who waived `{name}` first was erased, so nobody can tell whether you are another person; \
                         cutover readiness withdraw {name}, and sign anew"
                    )));
                }
            }
        }
        signatures.push(signature);
        let count = signatures.len();
        self.0.insert(name.clone(), Answer::Waived { signatures });
        Ok(count)
    }

    /// Takes back what was said of an item.
    ///
    /// # Errors
    /// When nothing was.
    pub fn withdraw(&mut self, item: &ReadinessItem) -> Result<Answer, NotSaid> {
        let name = &item.name;
        self.0.remove(name).ok_or_else(|| {
            NotSaid(format!(
                "nothing was said of `{name}`, so there is nothing to take back"
            ))
        })
    }

    fn must_be_unsaid(&self, name: &str) -> Result<(), NotSaid> {
        let how = match self.of(name) {
            None => return Ok(()),
            Some(Answer::Attested { .. }) => "attested",
            Some(Answer::Waived { .. }) => "waived",
        };
        Err(NotSaid(format!(
            "`{name}` was {how} already; cutover readiness withdraw {name} takes that back"
        )))
    }

    /// What of it holds under another version of the list, and the names of items that are open by it: what was said, was said
    /// of an item's words, and holds for no others.
    #[must_use]
    pub fn under(&self, before: &[ReadinessItem], after: &[ReadinessItem]) -> (Self, Vec<String>) {
        let reads_the_same = |name: &str| match (named(before, name), named(after, name)) {
            (Some(before), Some(after)) => before.title == after.title && before.proof == after.proof,
            _ => false,
        };
        let (kept, lost): (BTreeMap<_, _>, BTreeMap<_, _>) =
            self.0.clone().into_iter().partition(|(name, _)| reads_the_same(name));
        (Self(kept), lost.into_keys().collect())
    }

    /// Items without which mode automatic starts nobody, that are open, and that another version of the list would no longer ask
    /// for: who cannot settle one must not get round it by leaving it out.
    #[must_use]
    pub fn passed_over<'a>(&self, before: &'a [ReadinessItem], after: &[ReadinessItem]) -> Vec<&'a str> {
        let mut open = self.open(before);
        open.retain(|name| !named(after, name).is_some_and(|it| it.required));
        open
    }
}

/// Why a version of a campaign cannot follow on the one in force, as its readiness list stands; `None` where it can.
#[must_use]
pub fn not_ready(answers: &Answers, before: &Campaign, after: &Campaign) -> Option<String> {
    let passed_over = answers.passed_over(&before.readiness, &after.readiness);
    if !passed_over.is_empty() {
        return Some(format!(
            "the file no longer asks for what is open in the readiness list of the version in force: {}; attest it, or have \
             two people waive it (cutover readiness list), and leave it out then",
            passed_over.join(", ")
        ));
    }
    if after.mode != Mode::Automatic {
        return None;
    }
    let (answers, _) = answers.under(&before.readiness, &after.readiness);
    let open = answers.open(&after.readiness);
    if open.is_empty() {
        return None;
    }
    let is_new = open
        .iter()
        .any(|name| named(&before.readiness, name) != named(&after.readiness, name));
    let first = if is_new {
        "; some of it is new, or reads otherwise than in the version in force: apply the file with another mode first"
    } else {
        ""
    };
    Some(format!(
        "mode = \"automatic\" starts hosts without a person, and of the readiness list is open: {}; attest each (cutover \
         readiness attest), or have two people waive it{first}",
        open.join(", ")
    ))
}
