//! The result of one look at a host.

use serde::{Deserialize, Serialize};

/// What a look came to.
///
/// Invariant of the whole agent: only [`Answer::Absent`] and [`Answer::Unsupported`] may lead to the verdict `absent`.
/// [`Answer::Denied`] and [`Answer::Failed`] mean that nothing is known; their text tells a person why and what to do.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[must_use]
pub enum Answer<T> {
    /// It is there.
    #[serde(rename = "found")]
    Found(T),
    /// Looked, and it is not there.
    #[serde(rename = "absent")]
    Absent,
    /// This kind of host has no such thing (an offline root directory has no processes).
    #[serde(rename = "unsupported")]
    Unsupported,
    /// The system refused the look.
    #[serde(rename = "denied")]
    Denied(String),
    /// The look went wrong.
    #[serde(rename = "failed")]
    Failed(String),
}

impl<T> Answer<T> {
    /// What was found, if anything was. Forgets why not: use it only where the reason does not matter.
    pub fn found(self) -> Option<T> {
        match self {
            Self::Found(value) => Some(value),
            Self::Absent | Self::Unsupported | Self::Denied(_) | Self::Failed(_) => None,
        }
    }

    /// Whether something was found.
    #[must_use]
    pub const fn is_found(&self) -> bool {
        matches!(self, Self::Found(_))
    }

    /// Why nothing is known, when nothing is.
    #[must_use]
    pub fn trouble(&self) -> Option<&str> {
        match self {
            Self::Denied(why) | Self::Failed(why) => Some(why),
            Self::Found(_) | Self::Absent | Self::Unsupported => None,
        }
    }

    /// A view of it.
    pub fn as_ref(&self) -> Answer<&T> {
        match self {
            Self::Found(value) => Answer::Found(value),
            Self::Absent => Answer::Absent,
            Self::Unsupported => Answer::Unsupported,
            Self::Denied(why) => Answer::Denied(why.clone()),
            Self::Failed(why) => Answer::Failed(why.clone()),
        }
    }

    /// Changes what was found and nothing else.
    pub fn map<U>(self, change: impl FnOnce(T) -> U) -> Answer<U> {
        self.and_then(|value| Answer::Found(change(value)))
    }

    /// Looks further where something was found.
    pub fn and_then<U>(self, next: impl FnOnce(T) -> Answer<U>) -> Answer<U> {
        match self {
            Self::Found(value) => next(value),
            Self::Absent => Answer::Absent,
            Self::Unsupported => Answer::Unsupported,
            Self::Denied(why) => Answer::Denied(why),
            Self::Failed(why) => Answer::Failed(why),
        }
    }

    /// Reads what was found; what cannot be read is failed, never absent.
    pub fn parsed<U, E: std::fmt::Display>(self, parse: impl FnOnce(T) -> Result<U, E>) -> Answer<U> {
        self.and_then(|value| match parse(value) {
            Ok(value) => Answer::Found(value),
            Err(why) => Answer::Failed(why.to_string()),
        })
    }

    /// For what must exist on this host: its absence is a failure, for the given reason.
    pub fn expected(self, why: impl FnOnce() -> String) -> Self {
        match self {
            Self::Absent | Self::Unsupported => Self::Failed(why()),
            Self::Found(_) | Self::Denied(_) | Self::Failed(_) => self,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_cannot_be_parsed_is_failed_not_absent() {
        let answer = Answer::Found("x").parsed(|text| text.parse::<u8>());
        assert!(matches!(answer, Answer::Failed(_)), "{answer:?}");
    }

    #[test]
    fn what_must_exist_and_does_not_is_failed() {
        let expected = |answer: Answer<()>| answer.expected(|| "must exist".into());
        assert_eq!(expected(Answer::Absent), Answer::Failed("must exist".into()));
        assert_eq!(expected(Answer::Unsupported), Answer::Failed("must exist".into()));
        assert_eq!(expected(Answer::Denied("no".into())), Answer::Denied("no".into()));
        assert_eq!(expected(Answer::Found(())), Answer::Found(()));
    }

    #[test]
    fn trouble_is_told_only_where_nothing_is_known() {
        assert_eq!(Answer::<()>::Denied("why".into()).trouble(), Some("why"));
        assert_eq!(Answer::<()>::Failed("why".into()).trouble(), Some("why"));
        assert_eq!(Answer::<()>::Absent.trouble(), None);
        assert_eq!(Answer::<()>::Unsupported.trouble(), None);
    }
}
