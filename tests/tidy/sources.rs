//! Checks on one Rust file.

use std::{ffi::OsStr, path::Path};

use crate::{
    finding::Finding,
    rust_source::{Token, tokens},
};

/// The hard end of a file's length, tests included; 150 is the aim, 300 the point to look twice.
const LONGEST: usize = 500;

/// Reads of a clock: a type and its function.
const CLOCKS: [(&str, &str); 7] = [
    ("SystemTime", "now"),
    ("Instant", "now"),
    ("Timestamp", "now"),
    ("Zoned", "now"),
    ("Utc", "now"),
    ("Local", "now"),
    ("Uuid", "now_v7"),
];

/// Module names that say nothing about what is inside.
const NAMELESS: [&str; 6] = ["utils", "common", "helpers", "manager", "types", "misc"];

/// Reads of a clock in a file that is not called `clock.rs`.
pub(crate) fn clock_reads(file: &Path, source: &str) -> Vec<Finding> {
    if file.file_name() == Some(OsStr::new("clock.rs")) {
        return Vec::new();
    }
    let read = |window: &[Token<'_>]| match *window {
        [kind, path, function] if path.text == "::" => CLOCKS.contains(&(kind.text, function.text)),
        _ => false,
    };
    let tokens = tokens(source);
    let mut findings = Vec::new();
    for window in tokens.windows(3).filter(|window| read(window)) {
        let what = format!(
            "{}::{} reads a clock: take the time as an argument",
            window[0].text, window[2].text
        );
        findings.push(Finding::at(file, window[0].line, what));
    }
    for token in tokens.iter().filter(|token| token.text == "clock_gettime") {
        let what = "clock_gettime reads a clock: take the time as an argument";
        findings.push(Finding::at(file, token.line, what));
    }
    findings
}

/// A file beyond the hard end.
pub(crate) fn too_long(file: &Path, source: &str) -> Vec<Finding> {
    let lines = source.lines().count();
    let finding = Finding::of(file, format!("{lines} lines, {LONGEST} is the end: one idea a file"));
    (lines > LONGEST).then_some(finding).into_iter().collect()
}

/// `allow(...)` inside an attribute.
pub(crate) fn allowed_lints(file: &Path, source: &str) -> Vec<Finding> {
    let tokens = tokens(source);
    let mut findings = Vec::new();
    let mut at = 0;
    while at < tokens.len() {
        let opens = match (text(&tokens, at), text(&tokens, at + 1), text(&tokens, at + 2)) {
            ("#", "[", _) => Some(at + 2),
            ("#", "!", "[") => Some(at + 3),
            _ => None,
        };
        let Some(inside) = opens else {
            at += 1;
            continue;
        };
        at = attribute_end(&tokens, inside);
        findings.extend(
            (inside..at)
                .filter(|&index| text(&tokens, index) == "allow" && text(&tokens, index + 1) == "(")
                .map(|index| Finding::at(file, tokens[index].line, "allow: use expect, with a reason")),
        );
    }
    findings
}

/// `todo!` and `unimplemented!`, in tests too.
pub(crate) fn unfinished(file: &Path, source: &str) -> Vec<Finding> {
    tokens(source)
        .windows(2)
        .filter(|pair| matches!(pair[0].text, "todo" | "unimplemented") && pair[1].text == "!")
        .map(|pair| {
            Finding::at(
                file,
                pair[0].line,
                format!("{}!: build it, or leave it out", pair[0].text),
            )
        })
        .collect()
}

/// `#[ignore]`: with `CI=true` a test that was left out is a failure, and elsewhere it is forgotten.
pub(crate) fn ignored_tests(file: &Path, source: &str) -> Vec<Finding> {
    tokens(source)
        .windows(3)
        .filter(
            |them| matches!(them, [hash, open, word] if hash.text == "#" && open.text == "[" && word.text == "ignore"),
        )
        .map(|them| {
            let what = "ignore: no test may be left out; let tests/nightly name a larger size of one that runs always";
            Finding::at(file, them[2].line, what)
        })
        .collect()
}

/// A module whose name says nothing.
pub(crate) fn nameless(file: &Path) -> Vec<Finding> {
    file.with_extension("")
        .iter()
        .filter_map(OsStr::to_str)
        .filter(|part| NAMELESS.contains(part))
        .map(|part| {
            Finding::of(
                file,
                format!("`{part}` says nothing: name the module after what is in it"),
            )
        })
        .collect()
}

fn text<'a>(tokens: &[Token<'a>], at: usize) -> &'a str {
    tokens.get(at).map_or("", |token| token.text)
}

/// The index after the bracket that closes an attribute whose inside begins here.
fn attribute_end(tokens: &[Token<'_>], inside: usize) -> usize {
    let mut depth = 1;
    let mut at = inside;
    while depth > 0 && at < tokens.len() {
        match tokens[at].text {
            "[" => depth += 1,
            "]" => depth -= 1,
            _ => {}
        }
        at += 1;
    }
    at
}

#[cfg(test)]
mod tests {
    use super::*;

    fn lines(findings: &[Finding]) -> Vec<usize> {
        findings.iter().map(|finding| finding.line).collect()
    }

    #[test]
    fn a_clock_read_is_found_outside_clock_files_only() {
        let source =
            "fn a() {\n  let t = std::time::Instant::now();\n  jiff::Timestamp::now();\n}\n// Instant::now()\n";
        assert_eq!(lines(&clock_reads(Path::new("server/src/app.rs"), source)), [2, 3]);
        assert_eq!(clock_reads(Path::new("server/src/clock.rs"), source), []);
        assert_eq!(
            lines(&clock_reads(
                Path::new("a.rs"),
                "let f = SystemTime::now;\nUuid::now_v7()"
            )),
            [1, 2]
        );
        assert_eq!(
            lines(&clock_reads(Path::new("a.rs"), "rustix::time::clock_gettime(id)")),
            [1]
        );
        assert_eq!(
            clock_reads(Path::new("a.rs"), "clock.now(); let s = \"Instant::now()\"; Cx::now()"),
            []
        );
    }

    #[test]
    fn the_line_after_the_last_allowed_one_is_one_too_many() {
        assert_eq!(too_long(Path::new("a.rs"), &"x\n".repeat(LONGEST)), []);
        assert_eq!(too_long(Path::new("a.rs"), &"x\n".repeat(LONGEST + 1)).len(), 1);
    }

    #[test]
    fn every_form_of_allow_is_found() {
        let source = "#[allow(dead_code)]\n#![allow(clippy::all)]\n#[cfg_attr(test, allow(unused))]\n#[expect(x, reason = \"\")]\nfn allow() { allow(1) }\n// #[allow(x)]";
        assert_eq!(lines(&allowed_lints(Path::new("a.rs"), source)), [1, 2, 3]);
    }

    #[test]
    fn unfinished_code_is_found_and_words_are_not() {
        let source = "fn a() { todo!() }\nfn b() { unimplemented!(\"x\") }\n// todo!()\nlet todo = 1;";
        assert_eq!(lines(&unfinished(Path::new("a.rs"), source)), [1, 2]);
    }

    #[test]
    fn a_test_that_is_left_out_is_found() {
        let source = "#[test]\n#[ignore]\nfn a() {}\n#[ignore = \"slow\"]\nfn b() { ignore[0] }\n// #[ignore]";
        assert_eq!(lines(&ignored_tests(Path::new("a.rs"), source)), [2, 4]);
    }

    #[test]
    fn a_module_named_after_nothing_is_found() {
        assert_eq!(nameless(Path::new("server/src/store/utils.rs")).len(), 1);
        assert_eq!(nameless(Path::new("agent/src/common/mod.rs")).len(), 1);
        assert_eq!(nameless(Path::new("agent/src/host/linux.rs")), []);
    }
}
