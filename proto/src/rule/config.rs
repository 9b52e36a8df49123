//! A file that an order may write: not with any contents, but with lines that the rule knows.
//!
//! Configuration of a service can name programs to run, so contents that an order could choose freely would be a shell
//! line by another name. The rule holds every line; an order only fills in values, each of a narrow kind.

use std::collections::BTreeMap;

use serde::Deserialize;

use crate::{step::CONFIG_MAX, words};

/// A setting takes at most this many values.
pub const SETTING_VALUES_MAX: usize = 32;

/// The longest value, in bytes.
const VALUE_MAX: usize = 200;

words! {
    /// What a value may be.
    pub enum ValueKind("kind of value") {
        /// An address over HTTP or HTTPS.
        Url = "url",
        /// An absolute path without `.` and `..`.
        Path = "path",
        /// Letters, digits, `-`, `_`, `.`.
        Word = "word",
    }
}

/// A file that may be written.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ConfigRule {
    /// Where, absolute.
    pub path: String,
    /// Its permissions, octal, at most `0755`.
    pub mode: String,
    /// Its lines, in order. One that ends in `{NAME:KIND}` stands there once for each value of the setting NAME, and not at
    /// all where that has none; KIND is `url`, `path` or `word`.
    pub lines: Vec<String>,
}

/// A line that takes values.
struct Slot<'l> {
    before: &'l str,
    name: &'l str,
    kind: ValueKind,
}

impl ConfigRule {
    /// The permissions as a number.
    #[must_use]
    pub fn mode_bits(&self) -> Option<u32> {
        u32::from_str_radix(&self.mode, 8).ok()
    }

    /// The names of the settings that its lines take.
    pub fn settings(&self) -> impl Iterator<Item = &str> {
        self.lines.iter().filter_map(|line| Some(slot(line).ok()??.name))
    }

    /// The contents with these values.
    ///
    /// # Errors
    /// When a value is not of its kind, or the whole is too long.
    pub fn fill(&self, settings: &BTreeMap<String, Vec<String>>) -> Result<String, String> {
        let mut text = String::new();
        for line in &self.lines {
            match slot(line)? {
                None => text.extend([line.as_str(), "\n"]),
                Some(slot) => {
                    for value in settings.get(slot.name).into_iter().flatten() {
                        slot.kind.check(value).map_err(|why| format!("{}: {why}", slot.name))?;
                        text.extend([slot.before, value.as_str(), "\n"]);
                    }
                }
            }
        }
        if text.len() > CONFIG_MAX {
            return Err(format!("{} would be longer than {CONFIG_MAX} bytes", self.path));
        }
        Ok(text)
    }

    /// Whether these are its lines in their order, with values of the right kinds.
    ///
    /// # Errors
    /// The first line that may not stand there.
    pub fn permits(&self, contents: &str, mode: u32) -> Result<(), String> {
        if self.mode_bits() != Some(mode) {
            return Err(format!(
                "{} is written with mode {}, not {mode:04o}",
                self.path, self.mode
            ));
        }
        // `lines` would take away a carriage return, which a daemon may not.
        if contents.contains('\r') || !contents.ends_with('\n') {
            return Err(format!(
                "{}: its last line does not end, or one ends in a carriage return",
                self.path
            ));
        }
        let mut given = contents.lines().peekable();
        for line in &self.lines {
            match slot(line)? {
                None => {
                    if given.peek() == Some(&line.as_str()) {
                        given.next();
                    } else {
                        return Err(format!("{}: the line `{line}` is not where it belongs", self.path));
                    }
                }
                Some(slot) => {
                    let mut values = 0;
                    while given
                        .next_if(|it| {
                            it.strip_prefix(slot.before)
                                .is_some_and(|value| slot.kind.check(value).is_ok())
                        })
                        .is_some()
                    {
                        values += 1;
                    }
                    if values > SETTING_VALUES_MAX {
                        return Err(format!("{}: too many values of {}", self.path, slot.name));
                    }
                }
            }
        }
        match given.next() {
            Some(line) => Err(format!("{}: the line `{line}` may not stand there", self.path)),
            None => Ok(()),
        }
    }

    pub(super) fn check(&self) -> Result<(), String> {
        if !super::is_path(&self.path) {
            return Err(format!("[[config]]: `{}` is not a plain path", self.path));
        }
        if !self
            .mode_bits()
            .is_some_and(|mode| mode & !0o755 == 0 && mode & 0o400 != 0)
        {
            return Err(format!(
                "[[config]] {}: `{}` is no mode; write it in octal, readable by its owner and at most 0755",
                self.path, self.mode
            ));
        }
        for line in &self.lines {
            if line.contains(|c: char| c.is_control()) {
                return Err(format!("[[config]] {}: `{line}` is not one line of text", self.path));
            }
            slot(line).map_err(|why| format!("[[config]] {}: {why}", self.path))?;
        }
        // What is written must be what is permitted.
        self.fill(&BTreeMap::new())
            .and_then(|text| self.permits(&text, self.mode_bits().unwrap_or(0)))
            .map_err(|why| format!("[[config]] {why}"))
    }
}

/// The slot at a line's end, where it has one.
fn slot(line: &str) -> Result<Option<Slot<'_>>, String> {
    let Some((before, rest)) = line.split_once('{') else {
        return Ok(None);
    };
    let inner = rest
        .strip_suffix('}')
        .filter(|inner| !inner.contains(['{', '}']))
        .ok_or_else(|| format!("`{line}` may hold braces only around NAME:KIND at its end"))?;
    let (name, kind) = inner
        .split_once(':')
        .filter(|(name, _)| ValueKind::Word.check(name).is_ok())
        .ok_or_else(|| format!("`{{{inner}}}` is not NAME:KIND"))?;
    if before.trim().is_empty() {
        return Err(format!(
            "`{line}` begins with a value, so the value would decide what the line means"
        ));
    }
    let kind = kind.parse().map_err(|error| format!("{error}"))?;
    Ok(Some(Slot { before, name, kind }))
}

impl ValueKind {
    fn check(self, value: &str) -> Result<(), String> {
        let only = |extra: &[char]| value.chars().all(|c| c.is_ascii_alphanumeric() || extra.contains(&c));
        let fits = match self {
            Self::Url => value
                .strip_prefix("https://")
                .or_else(|| value.strip_prefix("http://"))
                .is_some_and(|rest| {
                    rest.starts_with(|first: char| first.is_ascii_alphanumeric() || first == '[')
                        && only(&['-', '.', '_', '~', ':', '/', '[', ']', '%'])
                }),
            Self::Path => {
                let mut parts = value.split('/');
                parts.next() == Some("")
                    && parts.all(|part| !matches!(part, "" | "." | ".."))
                    && only(&['-', '.', '_', '/', '+', '@'])
            }
            Self::Word => value.starts_with(|first: char| first.is_ascii_alphanumeric()) && only(&['-', '_', '.']),
        };
        if fits && value.len() <= VALUE_MAX {
            Ok(())
        } else {
            Err(format!("`{value}` is no plain {self}"))
        }
    }
}
