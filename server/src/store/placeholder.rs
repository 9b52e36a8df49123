//! `?1` to `$1`.

use std::borrow::Cow;

/// A statement as PostgreSQL reads it, and the highest placeholder in it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Rewritten<'a> {
    pub(super) sql: Cow<'a, str>,
    pub(super) highest: usize,
}

/// Rewrites `?N` to `$N`, outside string literals, quoted names and comments.
///
/// SQLite would accept `$N` as well, but binds it by order of appearance: `$2, $1` swaps two values silently. Written as
/// `?N` a forgotten rewrite is a syntax error on PostgreSQL, never wrong data.
pub(super) fn rewrite(sql: &str) -> Rewritten<'_> {
    if !sql.contains('?') {
        return Rewritten {
            sql: Cow::Borrowed(sql),
            highest: 0,
        };
    }
    let mut out = String::with_capacity(sql.len());
    let mut highest = 0;
    let mut rest = sql;
    while let Some(first) = rest.chars().next() {
        let taken = match first {
            '\'' | '"' => quoted(rest, first),
            '-' if rest.starts_with("--") => rest.find('\n').unwrap_or(rest.len()),
            '/' if rest.starts_with("/*") => rest.find("*/").map_or(rest.len(), |end| end + 2),
            '?' => {
                let digits = rest[1..].bytes().take_while(u8::is_ascii_digit).count();
                if let Ok(number) = rest[1..=digits].parse::<usize>() {
                    highest = highest.max(number);
                    out.push('$');
                    out.push_str(&rest[1..=digits]);
                    rest = &rest[1 + digits..];
                    continue;
                }
                1
            }
            other => other.len_utf8(),
        };
        out.push_str(&rest[..taken]);
        rest = &rest[taken..];
    }
    Rewritten {
        sql: Cow::Owned(out),
        highest,
    }
}

/// `(?1, ?2), (?3, ?4)`: places for `rows` rows of `columns` columns each, for an INSERT of many rows.
pub(super) fn rows(rows: usize, columns: usize) -> String {
    let places: Vec<String> = (0..rows)
        .map(|row| {
            let numbers: Vec<String> = (1..=columns)
                .map(|column| format!("?{}", row * columns + column))
                .collect();
            format!("({})", numbers.join(", "))
        })
        .collect();
    places.join(", ")
}

/// Length of the quoted run at the start of `text`, closing quote included. A doubled quote is two runs in a row, which
/// comes to the same.
fn quoted(text: &str, quote: char) -> usize {
    text[1..].find(quote).map_or(text.len(), |end| end + 2)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(sql: &str) -> String {
        rewrite(sql).sql.into_owned()
    }

    #[test]
    fn placeholders_keep_their_numbers() {
        let rewritten = rewrite("SELECT ?2, ?1, ?12");
        assert_eq!(rewritten.sql, "SELECT $2, $1, $12");
        assert_eq!(rewritten.highest, 12);
    }

    #[test]
    fn literals_names_and_comments_stay_as_they_are() {
        assert_eq!(
            text("SELECT '?1', 'it''s ?2', \"?3\" -- ?4\n, /* ?5 */ ?1"),
            "SELECT '?1', 'it''s ?2', \"?3\" -- ?4\n, /* ?5 */ $1"
        );
    }

    #[test]
    fn rows_of_places_count_on() {
        assert_eq!(rows(1, 1), "(?1)");
        assert_eq!(rows(2, 3), "(?1, ?2, ?3), (?4, ?5, ?6)");
    }

    #[test]
    fn text_beyond_ascii_and_unclosed_quotes_end_the_rewrite_without_a_panic() {
        assert_eq!(text("SELECT 'é', ?1, 'ü?2"), "SELECT 'é', $1, 'ü?2");
        assert_eq!(text("SELECT ?"), "SELECT ?");
    }
}
