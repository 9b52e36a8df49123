//! Names of streams.

use std::fmt;

use super::error::StoreError;

/// The name of a stream. The kinds are fixed: `host:`, `plan:`, `campaign:`, `audit:`.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct StreamName(String);

impl StreamName {
    /// What a host said and what was said to it.
    pub fn host(host_id: &str) -> Self {
        Self(format!("host:{host_id}"))
    }

    /// One host in one campaign.
    pub fn plan(campaign_id: &str, host_id: &str) -> Self {
        Self(format!("plan:{campaign_id}/{host_id}"))
    }

    /// A campaign as a whole.
    pub fn campaign(campaign_id: &str) -> Self {
        Self(format!("campaign:{campaign_id}"))
    }

    /// What people and their tokens did.
    pub fn audit(subject: &str) -> Self {
        Self(format!("audit:{subject}"))
    }

    /// A name as it was stored or typed.
    ///
    /// # Errors
    /// [`StoreError::Constraint`] when it is of none of the four kinds.
    pub fn parse(text: &str) -> Result<Self, StoreError> {
        let known = ["host:", "plan:", "campaign:", "audit:"];
        if known
            .iter()
            .any(|kind| text.strip_prefix(kind).is_some_and(|rest| !rest.is_empty()))
        {
            Ok(Self(text.to_owned()))
        } else {
            Err(StoreError::Constraint {
                why: format!("{text:?} is no stream; write host:ID, plan:CAMPAIGN/ID, campaign:ID or audit:SUBJECT"),
            })
        }
    }

    /// A name that comes from the store.
    pub(super) fn stored(text: String) -> Self {
        Self(text)
    }

    /// The name as it is stored.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for StreamName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_names_of_streams_never_change() {
        assert_eq!(StreamName::host("h").as_str(), "host:h");
        assert_eq!(StreamName::plan("c", "h").as_str(), "plan:c/h");
        assert_eq!(StreamName::campaign("c").as_str(), "campaign:c");
        assert_eq!(StreamName::audit("tokens").to_string(), "audit:tokens");
    }

    #[test]
    fn a_name_of_no_known_kind_is_refused_with_the_known_ones() {
        assert_eq!(
            StreamName::parse("host:h").map(|name| name.to_string()),
            Ok("host:h".to_owned())
        );
        for wrong in ["", "host", "host:", "user:x"] {
            let refused = StreamName::parse(wrong).expect_err(wrong).to_string();
            assert!(refused.contains("plan:CAMPAIGN/ID"), "{refused}");
        }
    }
}
