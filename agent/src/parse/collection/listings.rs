//! The names in folders, as `dir` prints them.

use std::collections::{BTreeMap, BTreeSet};

use super::Part;
use crate::facts::{Answer, Entry, EntryKind};

/// `names` and `directories` of one folder as `dir /b` prints them, or of all below one (`tree`, `tree-directories`), as
/// `dir /b /s` does: whole paths.
pub(super) fn listings(parts: &[Part]) -> BTreeMap<String, Answer<Vec<Entry>>> {
    let mut out = BTreeMap::new();
    let directories = Directories::of(parts, "directories");
    for part in parts.iter().filter(|part| part.what == "names") {
        let entry = |name: &str| directories.entry(&part.of, name, name);
        let answer = match part.whole() {
            Ok(body) => Answer::Found(lines(body).map(entry).collect()),
            Err(why) => Answer::Failed(why),
        };
        out.insert(part.of.to_lowercase(), answer);
    }
    let directories = Directories::of(parts, "tree-directories");
    for part in parts.iter().filter(|part| part.what == "tree" && part.code == 0) {
        let mut below: BTreeMap<String, Vec<Entry>> = BTreeMap::new();
        below.insert(part.of.to_lowercase(), Vec::new());
        let empty = directories.in_tree(&part.of);
        below.extend(empty.map(|directory| (directory.clone(), Vec::new())));
        for path in lines(&part.body) {
            if let Some((parent, name)) = path.rsplit_once('\\') {
                let entry = directories.entry(&part.of, path, name);
                below.entry(parent.to_lowercase()).or_default().push(entry);
            }
        }
        out.extend(
            below
                .into_iter()
                .map(|(directory, entries)| (directory, Answer::Found(entries))),
        );
    }
    out
}

fn lines(body: &str) -> impl Iterator<Item = &str> {
    body.lines().map(str::trim).filter(|line| !line.is_empty())
}

/// Which of the names are folders, by what they were asked of; in lower case. `dir` fails where there is none.
struct Directories(BTreeMap<String, BTreeSet<String>>);

impl Directories {
    fn of(parts: &[Part], what: &str) -> Self {
        let asked = parts.iter().filter(|part| part.what == what);
        let names = |part: &Part| lines(&part.body).map(str::to_lowercase).collect();
        Self(asked.map(|part| (part.of.to_lowercase(), names(part))).collect())
    }

    fn in_tree(&self, of: &str) -> impl Iterator<Item = &String> {
        self.0.get(&of.to_lowercase()).into_iter().flatten()
    }

    /// The entry `name`, which `dir` printed as `line`.
    fn entry(&self, of: &str, line: &str, name: &str) -> Entry {
        let known = self.0.get(&of.to_lowercase());
        let kind = if known.is_some_and(|names| names.contains(&line.to_lowercase())) {
            EntryKind::Directory
        } else {
            EntryKind::File
        };
        Entry {
            name: name.to_owned(),
            kind,
        }
    }
}
