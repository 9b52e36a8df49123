//! Rust text as tokens: enough to tell code from comments and literals, no more.

/// A token and where it stands. Literals are all [`LITERAL`]; comments are gone.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Token<'a> {
    /// An identifier, `::`, one sign, or [`LITERAL`].
    pub(crate) text: &'a str,
    /// Counted from 1.
    pub(crate) line: usize,
}

/// What stands for every string, character and number.
pub(crate) const LITERAL: &str = "\"\"";

/// Splits a file into tokens. Text that is not Rust gives nonsense, never a panic.
pub(crate) fn tokens(source: &str) -> Vec<Token<'_>> {
    let mut found = Vec::new();
    let mut at = 0;
    let mut line = 1;
    while let Some(first) = source[at..].chars().next() {
        let rest = &source[at..];
        let (length, text) = next(rest, first);
        if let Some(text) = text {
            found.push(Token { text, line });
        }
        line += rest[..length].matches('\n').count();
        at += length;
    }
    found
}

/// The length of what comes first, and the token that it is, where it is one.
fn next(rest: &str, first: char) -> (usize, Option<&str>) {
    if rest.starts_with("//") {
        return (rest.find('\n').unwrap_or(rest.len()), None);
    }
    if rest.starts_with("/*") {
        return (block_comment(rest), None);
    }
    if let Some(length) = prefixed_string(rest) {
        return (length, Some(LITERAL));
    }
    if let Some(raw) = rest.strip_prefix("r#") {
        let length = identifier(raw);
        return (2 + length, Some(&raw[..length]));
    }
    if first.is_alphabetic() || first == '_' {
        let length = identifier(rest);
        return (length, Some(&rest[..length]));
    }
    if first.is_ascii_digit() {
        return (identifier(rest), Some(LITERAL));
    }
    if first == '\'' {
        return character(rest);
    }
    if rest.starts_with("::") {
        return (2, Some("::"));
    }
    let length = first.len_utf8();
    (length, (!first.is_whitespace()).then(|| &rest[..length]))
}

fn identifier(rest: &str) -> usize {
    rest.find(|c: char| !(c.is_alphanumeric() || c == '_'))
        .unwrap_or(rest.len())
}

fn block_comment(rest: &str) -> usize {
    let (mut depth, mut at) = (0, 0);
    loop {
        if rest[at..].starts_with("/*") {
            depth += 1;
            at += 2;
        } else if rest[at..].starts_with("*/") {
            depth -= 1;
            at += 2;
        } else if let Some(next) = rest[at..].chars().next() {
            at += next.len_utf8();
        } else {
            return at;
        }
        if depth == 0 {
            return at;
        }
    }
}

/// The length of a string with or without prefix (`b`, `c`, `r`, `br`, `cr`), where one stands here.
fn prefixed_string(rest: &str) -> Option<usize> {
    let prefix = ["br", "cr", "b", "c", "r", ""].into_iter().find(|prefix| {
        rest.strip_prefix(prefix).is_some_and(|after| {
            let raw = prefix.ends_with('r');
            after.trim_start_matches(if raw { '#' } else { '"' }).starts_with('"') || after.starts_with('"')
        })
    })?;
    let after = &rest[prefix.len()..];
    if prefix.ends_with('r') {
        let hashes = after.len() - after.trim_start_matches('#').len();
        let end = format!("\"{}", "#".repeat(hashes));
        let body = &after[hashes + 1..];
        return Some(prefix.len() + hashes + 1 + body.find(&end).map_or(body.len(), |found| found + end.len()));
    }
    Some(prefix.len() + quoted(after))
}

/// The length of `"..."` with escapes.
fn quoted(text: &str) -> usize {
    let mut escaped = false;
    for (at, c) in text.char_indices().skip(1) {
        match c {
            _ if escaped => escaped = false,
            '\\' => escaped = true,
            '"' => return at + 1,
            _ => {}
        }
    }
    text.len()
}

/// `'a'` and `'\n'` are literals, `'a` is a lifetime.
fn character(rest: &str) -> (usize, Option<&str>) {
    let mut inside = rest.char_indices().skip(1);
    match (inside.next(), inside.next()) {
        (Some((_, '\\')), Some((escaped, c))) => {
            let after = escaped + c.len_utf8();
            let end = rest[after..].find('\'').map_or(rest.len(), |found| after + found + 1);
            (end, Some(LITERAL))
        }
        (Some(_), Some((end, '\''))) => (end + 1, Some(LITERAL)),
        _ => (1 + identifier(&rest[1..]), None),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn texts(source: &str) -> Vec<&str> {
        tokens(source).into_iter().map(|token| token.text).collect()
    }

    #[test]
    fn comments_and_literals_hide_what_they_hold() {
        let source = r####"a /* b /* c */ d */ e // f
            "g \" h" r#"i " j"# b"k" 'l' '\'' '\u{41}' m"####;
        let literals = [LITERAL; 6];
        assert_eq!(
            texts(source),
            [["a", "e"].as_slice(), literals.as_slice(), ["m"].as_slice()].concat()
        );
    }

    #[test]
    fn lifetimes_are_not_characters() {
        assert_eq!(
            texts("fn a<'b>(c: &'b str) {}"),
            "fn a < > ( c : & str ) { }".split(' ').collect::<Vec<_>>()
        );
    }

    #[test]
    fn paths_and_raw_identifiers_are_told_apart() {
        assert_eq!(
            texts("crate::r#type::x 1_000u64"),
            ["crate", "::", "type", "::", "x", LITERAL]
        );
        assert_eq!(texts("bread + crumb + r"), ["bread", "+", "crumb", "+", "r"]);
    }

    #[test]
    fn lines_are_counted_through_strings_and_comments() {
        let lines: Vec<_> = tokens("a\n\"x\n\ny\"\n/*\n*/ b")
            .into_iter()
            .map(|token| token.line)
            .collect();
        assert_eq!(lines, [1, 2, 6]);
    }

    #[test]
    fn text_that_ends_in_the_middle_is_no_panic() {
        for source in ["\"a", "r#\"a", "/* a", "'", "'\\", "r#", "b'", "ä\"ö"] {
            tokens(source);
        }
    }
}
