//! What people are called and what they write: in a plan and its events only a digest stands for it.

use std::fmt;

use serde::{Deserialize, Serialize};

/// Begins every mention of a personal value in words and in JSON.
const MARK: &str = "personal:";

/// Hex digits of a SHA-256.
const DIGITS: usize = 64;

/// The salted digest that stands for a name or for free text. The value lies beside the events, in rows that can be
/// erased while the chain of the events still verifies; who may read puts it back with [`fill_in`](Self::fill_in).
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Personal(String);

/// A text that stands for no personal value.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("a personal value is mentioned as `personal:` and {DIGITS} lower-case hex digits, not as it is")]
pub struct NotADigest;

impl Personal {
    /// The value with this digest, in lower-case hex.
    ///
    /// # Errors
    /// When that is no digest: plain text must not come in here.
    pub fn of_digest(digest: &str) -> Result<Self, NotADigest> {
        if is_digest(digest) {
            Ok(Self(digest.to_owned()))
        } else {
            Err(NotADigest)
        }
    }

    /// The digest, in lower-case hex.
    #[must_use]
    pub fn digest(&self) -> &str {
        &self.0
    }

    /// The values that a text mentions, in its order.
    #[must_use]
    pub fn mentioned_in(text: &str) -> Vec<Self> {
        mentions(text).map(|(_, digest)| Self(digest.to_owned())).collect()
    }

    /// The text with each mention replaced by what `value_of` says. What that says is not looked through again.
    #[must_use]
    pub fn fill_in(text: &str, mut value_of: impl FnMut(&Self) -> String) -> String {
        let (mut filled, mut done) = (String::with_capacity(text.len()), 0);
        for (at, digest) in mentions(text) {
            filled.push_str(&text[done..at]);
            filled.push_str(&value_of(&Self(digest.to_owned())));
            done = at + MARK.len() + DIGITS;
        }
        filled.push_str(&text[done..]);
        filled
    }
}

impl fmt::Display for Personal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{MARK}{}", self.0)
    }
}

impl From<Personal> for String {
    fn from(personal: Personal) -> Self {
        personal.to_string()
    }
}

impl TryFrom<String> for Personal {
    type Error = NotADigest;

    fn try_from(text: String) -> Result<Self, NotADigest> {
        Self::of_digest(text.strip_prefix(MARK).ok_or(NotADigest)?)
    }
}

fn is_digest(text: &str) -> bool {
    text.len() == DIGITS && text.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'))
}

/// Where mentions begin, and their digests.
fn mentions(text: &str) -> impl Iterator<Item = (usize, &str)> {
    text.match_indices(MARK).filter_map(|(at, _)| {
        let begin = at + MARK.len();
        let digest = text.get(begin..begin + DIGITS)?;
        is_digest(digest).then_some((at, digest))
    })
}

/// Stands for a word of a test; different words give different values.
#[cfg(test)]
impl From<&str> for Personal {
    fn from(word: &str) -> Self {
        use std::fmt::Write as _;
        let mut digest = String::new();
        for byte in word.bytes() {
            write!(digest, "{byte:02x}").expect("a string takes what is written");
        }
        Self(format!("{digest:0<DIGITS$}"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn plain_text_does_not_pass_for_a_personal_value() {
        let ann = Personal::from("ann");
        assert_eq!(Personal::of_digest(ann.digest()), Ok(ann.clone()));
        let upper = ann.digest().to_uppercase();
        for text in ["ann", "", upper.as_str(), &ann.digest()[1..]] {
            assert_eq!(Personal::of_digest(text), Err(NotADigest), "{text:?}");
            assert!(serde_json::from_value::<Personal>(text.into()).is_err(), "{text:?}");
        }
        let json = serde_json::to_string(&ann).unwrap();
        assert_eq!(json, format!("\"personal:{}\"", ann.digest()));
        assert_eq!(serde_json::from_str::<Personal>(&json).unwrap(), ann);
    }

    #[test]
    fn mentions_are_found_and_filled_in_and_everything_else_stays() {
        let (ann, why) = (Personal::from("ann"), Personal::from("scrapped"));
        let text = format!("ö personal: retired by {ann}: {why}; personal:{}", &ann.digest()[..63]);
        assert_eq!(Personal::mentioned_in(&text), [ann.clone(), why.clone()]);
        let filled = Personal::fill_in(&text, |it| {
            // A value that looks like a mention is only text.
            if *it == ann { why.to_string() } else { "scrapped".into() }
        });
        let rest = &ann.digest()[..63];
        assert_eq!(
            filled,
            format!("ö personal: retired by {why}: scrapped; personal:{rest}")
        );
        assert_eq!(Personal::mentioned_in(&format!("personal:{}", "ö".repeat(40))), []);
    }
}
