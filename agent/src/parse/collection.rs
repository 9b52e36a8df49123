//! The file that the collector writes (`deploy/collector`) on a Windows that no agent runs on.
//!
//! | line | says |
//! |---|---|
//! | `cutover-collection 1` | the first one |
//! | `#fact NAME VALUE` | `computer`, `taken`, `architecture`, `os`, `security-center`; others are for people |
//! | `#folder NAME PATH` | `ProgramFiles`, `ProgramFilesX86`, `ProgramData`, `SystemRoot` |
//! | `#begin WHAT [OF]` … `#end CODE` | what a program of the system printed or wrote, and its exit code |
//! | `#done` | the last one: without it the file was cut |
//!
//! A part that ended with another code than 0 is known to have failed, one that is not there was not asked: neither says
//! that anything is absent. The text is UTF-16 as `reg export` writes it, or UTF-8.

use std::collections::BTreeMap;

use cutover_proto::rule::KnownFolder;

mod answers;
mod listings;

use crate::facts::Collection;

/// More than this no machine fills.
pub const MAX_BYTES: u64 = 64 << 20;

const FIRST: &str = "cutover-collection 1";

/// One part of the file.
struct Part {
    what: String,
    of: String,
    body: String,
    code: i64,
}

impl Part {
    /// What was printed, where the program ended well.
    fn whole(&self) -> Result<&str, String> {
        if self.code == 0 {
            return Ok(&self.body);
        }
        let of = if self.of.is_empty() {
            String::new()
        } else {
            format!(" of {}", self.of)
        };
        let Self { what, code, .. } = self;
        Err(format!("the collector could not read {what}{of}: exit code {code}"))
    }
}

/// Reads a file of the collector.
///
/// # Errors
/// When it is none, or was cut.
pub fn parse(bytes: &[u8]) -> Result<Collection, String> {
    let text = decoded(bytes)?;
    let mut lines = text.lines();
    if lines.next().map(str::trim) != Some(FIRST) {
        return Err("is no collection: its first line is not `cutover-collection 1`".into());
    }
    let mut facts = BTreeMap::new();
    let mut folders = Vec::new();
    let mut parts: Vec<Part> = Vec::new();
    let mut is_done = false;
    let mut open: Option<Part> = None;
    for line in lines {
        if let Some(part) = &mut open {
            if let Some(code) = line.strip_prefix("#end ") {
                part.code = code
                    .trim()
                    .parse()
                    .map_err(|_| format!("`{line}` names no exit code"))?;
                parts.extend(open.take());
            } else {
                part.body.push_str(line);
                part.body.push('\n');
            }
            continue;
        }
        let line = line.trim();
        let (word, rest) = line.split_once(' ').unwrap_or((line, ""));
        let (name, value) = rest.trim().split_once(' ').unwrap_or((rest.trim(), ""));
        match word {
            "" => {}
            "#fact" => drop(facts.insert(name.to_owned(), value.trim().to_owned())),
            "#folder" => folders.extend(folder(name).map(|folder| (folder, value.trim().to_owned()))),
            "#begin" => {
                open = Some(Part {
                    what: name.to_owned(),
                    of: value.trim().to_owned(),
                    body: String::new(),
                    code: 0,
                });
            }
            "#done" => is_done = true,
            other => {
                return Err(format!(
                    "has a line that begins with `{}`; collect it again",
                    short(other)
                ));
            }
        }
    }
    if !is_done {
        return Err("was cut: its last line `#done` is missing; collect it again".into());
    }
    Ok(answers::assembled(&facts, folders, &parts))
}

fn short(word: &str) -> String {
    word.chars().take(40).collect()
}

fn decoded(bytes: &[u8]) -> Result<String, String> {
    let is_utf16 = bytes.starts_with(&[0xff, 0xfe]) || bytes.get(1) == Some(&0);
    if !is_utf16 {
        let text = std::str::from_utf8(bytes).map_err(|_| "is neither UTF-16 nor UTF-8 text".to_owned())?;
        return Ok(text.replace('\u{feff}', ""));
    }
    let mut units = bytes.chunks_exact(2);
    let text: String = char::decode_utf16(
        units
            .by_ref()
            .filter_map(|pair| Some(u16::from_le_bytes(pair.try_into().ok()?))),
    )
    // Registry values need not be well-formed.
    .map(|c| c.unwrap_or(char::REPLACEMENT_CHARACTER))
    // Every exported file begins with a mark of its own.
    .filter(|c| *c != '\u{feff}')
    .collect();
    if units.remainder().is_empty() {
        Ok(text)
    } else {
        Err("was cut in the middle of a character; collect it again".into())
    }
}

fn folder(name: &str) -> Option<KnownFolder> {
    Some(match name {
        "ProgramFiles" => KnownFolder::ProgramFiles,
        "ProgramFilesX86" => KnownFolder::ProgramFilesX86,
        "ProgramData" => KnownFolder::ProgramData,
        "SystemRoot" => KnownFolder::SystemRoot,
        _ => return None,
    })
}

#[cfg(test)]
mod tests;
