//! What a certificate or an account is known by, where a rule or a step names one.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::WireError;

/// The longest common name or organisation of a certificate (X.520, ub-common-name and ub-organization-name).
const MAX_PART: usize = 64;
/// The longest group name (shadow's groupadd(8) on Linux).
const MAX_GROUP: usize = 32;

/// A certificate's subject by two of its parts, spelled `CN=NAME, O=ORGANISATION`. Both are compared whole and exactly:
/// what a product makes anew on each machine has another thumbprint everywhere and the same subject.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Subject {
    common_name: String,
    organization: String,
}

impl Subject {
    /// Reads the spelling.
    ///
    /// # Errors
    /// When a part is missing, too long, or holds what would make the spelling ambiguous.
    pub fn parse(text: &str) -> Result<Self, String> {
        let parts = text.strip_prefix("CN=").and_then(|rest| rest.split_once(", O="));
        let Some((common_name, organization)) = parts.filter(|(name, of)| is_part(name) && is_part(of)) else {
            return Err(format!(
                "`{text}` is no subject; write `CN=NAME, O=ORGANISATION`, each of at most {MAX_PART} characters without \
                 commas and equals signs"
            ));
        };
        Ok(Self {
            common_name: common_name.to_owned(),
            organization: organization.to_owned(),
        })
    }

    /// Whether a certificate with these parts is meant.
    #[must_use]
    pub fn is(&self, common_name: &str, organization: &str) -> bool {
        self.common_name == common_name && self.organization == organization
    }
}

fn is_part(text: &str) -> bool {
    let plain = |c: char| !c.is_control() && !matches!(c, ',' | '=');
    !text.is_empty() && text.trim() == text && text.chars().count() <= MAX_PART && text.chars().all(plain)
}

impl fmt::Display for Subject {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&format!("CN={}, O={}", self.common_name, self.organization))
    }
}

impl TryFrom<String> for Subject {
    type Error = String;
    fn try_from(text: String) -> Result<Self, String> {
        Self::parse(&text)
    }
}

impl From<Subject> for String {
    fn from(subject: Subject) -> Self {
        subject.to_string()
    }
}

/// Whether a name can be a local group's. Never an option to a tool, never another file's entry.
#[must_use]
pub fn is_group_name(name: &str) -> bool {
    let first = |c: char| c.is_ascii_lowercase() || c == '_';
    let rest = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || matches!(c, '_' | '-');
    name.len() <= MAX_GROUP && name.starts_with(first) && name.chars().all(rest)
}
/// The group names of a step.
pub(crate) fn groups(names: Vec<String>) -> Result<Vec<String>, WireError> {
    if names.is_empty() {
        return Err(WireError::Missing("step.groups"));
    }
    match names.iter().find(|name| !is_group_name(name)) {
        Some(bad) => Err(WireError::Invalid {
            field: "step.groups",
            why: format!("`{bad}` is no group name"),
        }),
        None => Ok(names),
    }
}

/// The subjects of a step.
pub(crate) fn subjects(spelled: &[String]) -> Result<Vec<Subject>, WireError> {
    if spelled.is_empty() {
        return Err(WireError::Missing("step.subjects"));
    }
    spelled
        .iter()
        .map(|text| {
            Subject::parse(text).map_err(|why| WireError::Invalid {
                field: "step.subjects",
                why,
            })
        })
        .collect()
}
