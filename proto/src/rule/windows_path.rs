//! Places on Windows: below a known folder, with gaps where a version or a product's name varies.

use std::fmt;

use super::Pattern;
use crate::words;

words! {
    /// A folder that Windows itself names.
    pub enum KnownFolder("known folder") {
        /// Programs of the system's own width.
        ProgramFiles = "%ProgramFiles%",
        /// Programs of 32 bits on a system of 64.
        ProgramFilesX86 = "%ProgramFiles(x86)%",
        /// What programs keep for all users.
        ProgramData = "%ProgramData%",
        /// Windows itself.
        SystemRoot = "%SystemRoot%",
    }
}

/// A file or folder below a known one. A part may be a [`Pattern`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct WindowsPath {
    /// Below which folder.
    pub folder: KnownFolder,
    /// The parts, at least one.
    pub parts: Vec<PathPart>,
}

/// One part of such a path.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum PathPart {
    /// By its whole name, without regard to case.
    Name(String),
    /// Any name that is meant.
    Like(Pattern),
    /// Any name; only between two others.
    Any,
}

impl WindowsPath {
    /// Reads `%ProgramFiles(x86)%\Vendor\Product *\file.exe`.
    ///
    /// # Errors
    /// When it begins with no known folder, climbs, or reaches further than it says.
    pub fn parse(text: &str) -> Result<Self, String> {
        let wrong = |why: &str| format!("`{text}` is not a plain path on Windows: {why}");
        let (folder, rest) = text
            .split_once('\\')
            .ok_or_else(|| wrong("write it below a known folder, with `\\` between its parts"))?;
        let folder = KnownFolder::parse(folder).map_err(|error| wrong(&error.to_string()))?;
        let mut parts = Vec::new();
        for part in rest.split('\\') {
            let is_plain = !matches!(part, "" | "." | "..")
                && part.trim() == part
                && part.len() <= 128
                && !part
                    .contains(|c: char| c.is_control() || matches!(c, '/' | ':' | '"' | '<' | '>' | '|' | '?' | '%'));
            if !is_plain {
                return Err(wrong("a part of it is no name"));
            }
            parts.push(if part == "*" {
                PathPart::Any
            } else if part.contains(['*', '#']) {
                PathPart::Like(Pattern::parse(part)?)
            } else {
                PathPart::Name(part.to_owned())
            });
        }
        let ends = [parts.first(), parts.last()];
        if ends.contains(&Some(&PathPart::Any)) || ends.contains(&None) {
            return Err(wrong("`*` alone may stand only between two other parts"));
        }
        Ok(Self { folder, parts })
    }
}

impl fmt::Display for WindowsPath {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.folder)?;
        for part in &self.parts {
            match part {
                PathPart::Name(name) => write!(f, "\\{name}")?,
                PathPart::Like(pattern) => write!(f, "\\{pattern}")?,
                PathPart::Any => write!(f, "\\*")?,
            }
        }
        Ok(())
    }
}
