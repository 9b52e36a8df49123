//! Relative links of documents.

use std::{
    collections::BTreeSet,
    path::{Component, Path, PathBuf},
};

use crate::finding::Finding;

/// Links that lead to no file or to no heading. `look_up` gives a file's text, an empty text for a directory.
pub(crate) fn dead(file: &Path, text: &str, look_up: &dyn Fn(&Path) -> Option<String>) -> Vec<Finding> {
    let mut findings = Vec::new();
    for (line, link) in links(text) {
        if link.contains("://") || link.starts_with("mailto:") {
            continue;
        }
        let (path, heading) = link.split_once('#').unwrap_or((link, ""));
        let target = match path {
            "" => Some(text.to_owned()),
            _ => resolve(file, path).and_then(|path| look_up(&path)),
        };
        match target {
            None => findings.push(Finding::at(
                file,
                line,
                format!("the link {link} leads to no file here"),
            )),
            Some(target) if !heading.is_empty() && !anchors(&target).contains(heading) => {
                findings.push(Finding::at(file, line, format!("the link {link} leads to no heading")));
            }
            Some(_) => {}
        }
    }
    findings
}

/// Every `[words](target)` and `[words]: target` outside code, with its line.
fn links(text: &str) -> Vec<(usize, &str)> {
    let mut found = Vec::new();
    for (number, line) in prose(text) {
        if let Some((_, target)) = line.split_once("]: ").filter(|_| line.starts_with('[')) {
            found.push((number, target.trim()));
        }
        // Every other part of a line split at backticks is code.
        for part in line.split('`').step_by(2) {
            found.extend(inline_targets(part).into_iter().map(|target| (number, target)));
        }
        // A link whose words are code: [`words`](target).
        for part in line.split("`](").skip(1) {
            found.extend(part.split_once(')').map(|(target, _)| (number, target)));
        }
    }
    found.sort_unstable();
    found.dedup();
    found
}

fn inline_targets(part: &str) -> Vec<&str> {
    let opened = part.match_indices("](").map(|(at, _)| &part[at + 2..]);
    opened
        .filter_map(|rest| rest.split_once(')'))
        .map(|(target, _)| target)
        .collect()
}

/// Lines outside fenced code, counted from 1.
fn prose(text: &str) -> impl Iterator<Item = (usize, &str)> {
    let mut fenced = false;
    text.lines().enumerate().filter_map(move |(index, line)| {
        let fence = line.trim_start().starts_with("```");
        fenced ^= fence;
        (!fence && !fenced).then_some((index + 1, line))
    })
}

/// The anchors that headings get: lower case, spaces as hyphens, signs dropped.
fn anchors(text: &str) -> BTreeSet<String> {
    let headings = prose(text).filter(|(_, line)| line.starts_with('#'));
    headings
        .map(|(_, line)| anchor(line.trim_start_matches('#').trim()))
        .collect()
}

fn anchor(heading: &str) -> String {
    let kept = heading
        .chars()
        .filter(|c| c.is_alphanumeric() || matches!(c, ' ' | '-' | '_'));
    kept.map(|c| if c == ' ' { '-' } else { c })
        .collect::<String>()
        .to_lowercase()
}

/// The path that a link in a file means, relative to the root; nothing where it climbs out of the workspace.
fn resolve(file: &Path, link: &str) -> Option<PathBuf> {
    let mut path = file.parent().unwrap_or(Path::new("")).to_owned();
    for part in Path::new(link).components() {
        match part {
            Component::Normal(name) => path.push(name),
            Component::ParentDir => {
                if !path.pop() {
                    return None;
                }
            }
            Component::CurDir => {}
            Component::RootDir | Component::Prefix(_) => return None,
        }
    }
    Some(path)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn dead_in(text: &str) -> Vec<usize> {
        let look_up = |path: &Path| match path.to_str() {
            Some("docs/other.md") => Some("# Other\n\n## Two words, and a `sign`\n```\n# no heading\n```".to_owned()),
            Some("docs" | "server") => Some(String::new()),
            _ => None,
        };
        dead(Path::new("docs/this.md"), text, &look_up)
            .into_iter()
            .map(|finding| finding.line)
            .collect()
    }

    #[test]
    fn links_that_lead_somewhere_pass() {
        assert_eq!(
            dead_in("[a](other.md) [b](../server) [c](./other.md#two-words-and-a-sign)"),
            [0; 0]
        );
        assert_eq!(
            dead_in("# Here\n[a](#here) [b](https://example.org/x) [c](mailto:a@example.org)\n[d]: other.md"),
            [0; 0]
        );
    }

    #[test]
    fn links_that_lead_nowhere_are_found() {
        assert_eq!(dead_in("fine\n[a](missing.md)"), [2]);
        assert_eq!(dead_in("[`a`](missing.md)"), [1]);
        assert_eq!(dead_in("[a]: missing.md"), [1]);
        assert_eq!(
            dead_in("[a](other.md#missing)\n[b](#missing)\n[c](other.md#no-heading)"),
            [1, 2, 3]
        );
        assert_eq!(dead_in("[a](/etc/passwd)\n[b](../../outside.md)"), [1, 2]);
    }

    #[test]
    fn code_holds_no_links() {
        assert_eq!(
            dead_in("`[a](missing.md)`\n```\n[b](missing.md)\n```\nlet c = d[0](e)"),
            [5]
        );
    }
}
