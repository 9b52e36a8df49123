//! Text with gaps: how names that differ by language and version are told.

use std::fmt;

use serde::Deserialize;

/// The longest pattern, in characters.
const MAX_PATTERN: usize = 128;
/// So many letters or digits at least; fewer would take in what others made.
const MIN_LETTERS: usize = 3;
/// Of a text that is compared, this much counts. The longest sound names are a quarter of it.
const MAX_TEXT: usize = 1024;

/// Text in which `*` stands for any text, or none, and `#` for a version: digits and dots, beginning and ending with a
/// digit. Compared whole, without regard to case, and with every run of spaces as one.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(try_from = "String")]
pub struct Pattern {
    written: String,
    parts: Vec<Part>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Part {
    Text(Vec<char>),
    Any,
    Version,
}

impl Pattern {
    /// Reads the spelling.
    ///
    /// # Errors
    /// When it is too long, names almost nothing, or holds a control character.
    pub fn parse(written: &str) -> Result<Self, String> {
        let letters = written.chars().filter(|c| c.is_alphanumeric()).count();
        let is_plain = written.trim() == written && !written.contains(|c: char| c.is_control());
        if letters < MIN_LETTERS || written.chars().count() > MAX_PATTERN || !is_plain {
            return Err(format!(
                "`{written}` is no pattern; write a text of at most {MAX_PATTERN} characters with at least {MIN_LETTERS} \
                 letters or digits, `*` for any text and `#` for a version"
            ));
        }
        let mut parts: Vec<Part> = Vec::new();
        for c in folded(written) {
            match (c, parts.last_mut()) {
                ('*', Some(Part::Any)) => return Err(format!("`{written}` has `**`; one `*` says the same")),
                ('*', _) => parts.push(Part::Any),
                ('#', _) => parts.push(Part::Version),
                (_, Some(Part::Text(text))) => text.push(c),
                (_, Some(Part::Any | Part::Version) | None) => parts.push(Part::Text(vec![c])),
            }
        }
        Ok(Self {
            written: written.to_owned(),
            parts,
        })
    }

    /// As it was written.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.written
    }

    /// Whether the whole of a text is meant.
    #[must_use]
    pub fn matches(&self, text: &str) -> bool {
        let text = folded(text);
        // Where the parts so far may have ended. Bounded by the text's length, whatever the pattern.
        let mut ends = vec![false; text.len() + 1];
        ends[0] = true;
        for part in &self.parts {
            ends = part.ends(&text, &ends);
        }
        ends.last() == Some(&true)
    }
}

impl Part {
    fn ends(&self, text: &[char], starts: &[bool]) -> Vec<bool> {
        let mut ends = vec![false; starts.len()];
        for (at, _) in starts.iter().enumerate().filter(|(_, start)| **start) {
            let rest = &text[at..];
            match self {
                Self::Text(wanted) if rest.starts_with(wanted) => ends[at + wanted.len()] = true,
                Self::Text(_) => {}
                Self::Any => {
                    ends[at..].fill(true);
                    break;
                }
                Self::Version => {
                    let is_version = |c: &&char| c.is_ascii_digit() || **c == '.';
                    let length = rest.iter().take_while(is_version).count();
                    if rest.first().is_some_and(char::is_ascii_digit) {
                        for (taken, c) in rest[..length].iter().enumerate() {
                            ends[at + taken + 1] |= c.is_ascii_digit();
                        }
                    }
                }
            }
        }
        ends
    }
}

/// Lower case, with every run of spaces (of any kind) as one and none at the ends.
fn folded(text: &str) -> Vec<char> {
    let mut out: Vec<char> = Vec::new();
    for c in text.trim().chars().take(MAX_TEXT) {
        if c.is_whitespace() {
            if out.last() != Some(&' ') {
                out.push(' ');
            }
        } else {
            out.extend(c.to_lowercase());
        }
    }
    out
}

impl fmt::Display for Pattern {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.written)
    }
}

impl TryFrom<String> for Pattern {
    type Error = String;
    fn try_from(written: String) -> Result<Self, String> {
        Self::parse(&written)
    }
}
