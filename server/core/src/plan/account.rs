//! Time under protection: protected, unprotected and unobserved, which add up to the time since the first contact.

use cutover_proto::{verdict::Protection, words};
use serde::{Deserialize, Serialize};

words! {
    /// What a grade of protection counts as.
    pub enum Cover("cover") {
        /// Real-time, or a grade that the campaign accepts.
        Protected = "protected",
        /// Looked, and nothing that counts is there.
        Unprotected = "unprotected",
        /// Not looked, or the look failed.
        Unobserved = "unobserved",
    }
}

/// The account of one host.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Account {
    /// When it was opened.
    pub opened_ms: i64,
    /// What the machine shows at present.
    pub grade: Protection,
    /// What that counts as.
    pub cover: Cover,
    /// Since when.
    pub since_ms: i64,
    /// Closed spans only; [`Account::at`] adds the open one.
    pub closed: Spent,
}

/// A gap in protection that an order of ours opened.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct Gap {
    /// Server time of its beginning.
    pub since_ms: i64,
    /// How long the recipe bears it, in milliseconds.
    pub bound_ms: i64,
    /// Whether somebody was told that it lasts longer.
    pub told: bool,
}

/// Milliseconds of each kind.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Spent {
    /// Under protection that counts.
    pub protected_ms: i64,
    /// The protection gap.
    pub unprotected_ms: i64,
    /// Nobody knows.
    pub unobserved_ms: i64,
}

impl Spent {
    /// All three together.
    #[must_use]
    pub const fn total_ms(&self) -> i64 {
        self.protected_ms + self.unprotected_ms + self.unobserved_ms
    }

    fn add(&mut self, cover: Cover, ms: i64) {
        match cover {
            Cover::Protected => self.protected_ms += ms,
            Cover::Unprotected => self.unprotected_ms += ms,
            Cover::Unobserved => self.unobserved_ms += ms,
        }
    }
}

impl Account {
    /// Opens it: nothing has been seen.
    #[must_use]
    pub fn open(at_ms: i64) -> Self {
        Self {
            opened_ms: at_ms,
            grade: Protection::Unobserved,
            cover: Cover::Unobserved,
            since_ms: at_ms,
            closed: Spent::default(),
        }
    }

    /// What was spent until `now_ms`. The parts add up to `now_ms - opened_ms`.
    #[must_use]
    pub fn at(&self, now_ms: i64) -> Spent {
        let mut spent = self.closed;
        spent.add(self.cover, (now_ms - self.since_ms).max(0));
        spent
    }

    /// Closes the open span and begins another. An instant before the open span began counts as its beginning.
    pub fn turn(&mut self, grade: Protection, cover: Cover, at_ms: i64) {
        let at_ms = at_ms.max(self.since_ms);
        self.closed.add(self.cover, at_ms - self.since_ms);
        self.grade = grade;
        self.cover = cover;
        self.since_ms = at_ms;
    }
}
