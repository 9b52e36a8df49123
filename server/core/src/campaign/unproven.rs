//! How far recipes are trusted that never ran in the field.

use super::{Campaign, Warning, parse::Fault, place::Step, policy::fault};
use crate::catalog::Proven;

/// How many hosts go first with a recipe that has not soaked here yet, and with which recipes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FirstCanaries {
    /// The campaign says nothing: [`FirstCanaries::MOST`], with each recipe that never ran in the field on the host's system.
    Unproven,
    /// So many, with each recipe, whatever it was shown on. 0: nobody goes first.
    Every(u32),
}

impl FirstCanaries {
    /// No more than these go first with a recipe that never ran in the field, unless the campaign says why.
    pub const MOST: u32 = 5;

    /// So many hosts go first with a recipe; 0 where nobody does.
    #[must_use]
    pub const fn cap(self) -> u32 {
        match self {
            Self::Unproven => Self::MOST,
            Self::Every(hosts) => hosts,
        }
    }

    /// Whether a few go first with a recipe of this grade.
    #[must_use]
    pub fn asks_of(self, grade: Proven) -> bool {
        match self {
            Self::Unproven => grade != Proven::Field,
            Self::Every(hosts) => hosts > 0,
        }
    }

    /// Whether it lets more hosts start with recipes that never ran in the field than may without a reason.
    const fn needs_reason(self) -> bool {
        match self {
            Self::Unproven => false,
            Self::Every(hosts) => hosts == 0 || hosts > Self::MOST,
        }
    }
}

/// Why recipes are trusted that never ran in the field.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Trust(String);

impl Trust {
    /// The reason, in the campaign's words.
    #[must_use]
    pub fn why(&self) -> &str {
        &self.0
    }

    pub(super) fn read(text: Option<String>, first_canaries: Option<u32>) -> Result<Option<Self>, Fault> {
        let Some(text) = text else { return Ok(None) };
        let refused = |why: String| Err(fault("trust_unproven", why));
        if text.trim().is_empty() {
            return refused(
                "policy.trust_unproven is empty; write why recipes that never ran in the field are trusted, or leave it and \
                 first_canaries out"
                    .to_owned(),
            );
        }
        if !first_canaries.is_some_and(|hosts| FirstCanaries::Every(hosts).needs_reason()) {
            return refused(format!(
                "policy.trust_unproven says why more may start with recipes that never ran in the field, and first_canaries lets \
                 no more start; leave it out, or write first_canaries = 0 (nobody goes first) or more than {}",
                FirstCanaries::MOST
            ));
        }
        Ok(Some(Self(text.trim().to_owned())))
    }
}

impl Campaign {
    /// What is asked of a file that is to come into force, and was not asked of those that came before: one that the store has
    /// is read all the same.
    ///
    /// # Errors
    /// When more than a few may start with recipes that never ran in the field, and nothing says why.
    pub fn check_given(&self) -> Result<(), Fault> {
        self.reason_is_missing()
            .map_or(Ok(()), |why| Err(fault("first_canaries", why)))
    }

    fn reason_is_missing(&self) -> Option<String> {
        let policy = &self.policy;
        let is_missing = policy.first_canaries.needs_reason() && policy.trust_unproven.is_none();
        is_missing.then(|| {
            format!(
                "policy.first_canaries is {}, and recipes that never ran in the field start on at most {} hosts before they have \
                 soaked; write 1 to {}, or leave it out, or say with trust_unproven = \"…\" why they are trusted",
                policy.first_canaries.cap(),
                FirstCanaries::MOST,
                FirstCanaries::MOST
            )
        })
    }

    pub(super) fn warn_of_unproven(&self) -> Option<Warning> {
        let at = |key, text| self.warning(&[Step::Key("policy"), Step::Key(key)], text);
        if let Some(text) = self.trusts_unproven() {
            return Some(at("trust_unproven", format!("policy.trust_unproven: {text}")));
        }
        self.reason_is_missing().map(|why| at("first_canaries", why))
    }

    /// How far it trusts recipes that never ran in the field, and why, for people; `None` where only the few that may start with
    /// them without a reason.
    #[must_use]
    pub fn trusts_unproven(&self) -> Option<String> {
        let trust = self.policy.trust_unproven.as_ref()?;
        let whom = match self.policy.first_canaries.cap() {
            0 => "hosts start with recipes that never ran in the field without any that go first".to_owned(),
            hosts => format!("{hosts} hosts go first with recipes that never ran in the field"),
        };
        Some(format!("{whom}; the reason that is given: {}", trust.why()))
    }
}
