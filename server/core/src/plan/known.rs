//! What people and records say of a host, which no look of its own shows.

use serde::{Deserialize, Serialize};

use crate::{
    campaign::{HostClass, HostUse},
    coverage::Ownership,
};

/// The tag that says of which set of machines that stand in for each other a host is one.
pub const SET: &str = "set";

/// What people and records say of a host.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Known {
    /// Its tags, sorted.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub tags: Vec<String>,
    /// Its site; empty where nobody says it.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub site: String,
    /// Whose it is, where somebody says it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ownership: Option<Ownership>,
}

impl Known {
    /// Whether it has this tag.
    #[must_use]
    pub fn has_tag(&self, tag: &str) -> bool {
        self.tags.iter().any(|it| it == tag)
    }

    /// What its tags `KEY=…` say.
    pub fn values<'a>(&'a self, key: &'a str) -> impl Iterator<Item = &'a str> {
        self.tags
            .iter()
            .filter_map(move |tag| tag.strip_prefix(key)?.strip_prefix('='))
    }

    /// Whether a tag `KEY=…` says one of these.
    #[must_use]
    pub fn says(&self, key: &str, wanted: &[String]) -> bool {
        self.values(key).any(|value| wanted.iter().any(|it| it == value))
    }

    /// What it is there for, where a tag says it.
    #[must_use]
    pub fn class(&self) -> Option<HostClass> {
        self.values("class").find_map(|value| HostClass::parse(value).ok())
    }

    /// Who works at it, where a tag says it.
    #[must_use]
    pub fn usage(&self) -> Option<HostUse> {
        self.values("use").find_map(|value| HostUse::parse(value).ok())
    }

    /// Whether it is the organisation's to change. Nobody's word leaves it so: enrolment was the organisation's act.
    #[must_use]
    pub fn is_ours(&self) -> bool {
        self.ownership.is_none_or(Ownership::is_ours)
    }
}
