//! Reading the store as it was at a position: the same statements, answered from versions.
//!
//! Each table that a statement reads is replaced by what it was. A table that is not kept is refused, so that no answer is
//! mixed from two times.

use super::error::StoreError;
use super::tx::Reader;
use super::value::params;
use super::versions::{FIGURES, Figures, SPANS, Spans};

/// A place in the history of the store.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct AsOf {
    /// The last position that counts.
    pub pos: i64,
    /// The instant that was asked for.
    pub at_ms: i64,
}

impl AsOf {
    /// Where the store was at an instant: after the newest transaction that came no later. `Err` with the first instant that
    /// can be answered, where there is one, when history begins later.
    ///
    /// # Errors
    /// As [`Reader::query`].
    pub fn resolve(db: &mut impl Reader, at_ms: i64) -> Result<Result<Self, Option<i64>>, StoreError> {
        let newest = db.query_opt(
            "SELECT pos FROM event WHERE moment_ms IS NOT NULL AND moment_ms <= ?1
             ORDER BY moment_ms DESC, pos DESC LIMIT 1",
            params![at_ms],
        )?;
        if let Some(row) = newest {
            let pos = row.int("pos")?;
            return Ok(Ok(Self { pos, at_ms }));
        }
        let first = db.query_opt(
            "SELECT moment_ms FROM event WHERE moment_ms IS NOT NULL ORDER BY moment_ms LIMIT 1",
            params![],
        )?;
        Ok(Err(first.map(|row| row.int("moment_ms")).transpose()?))
    }

    /// The statement with each table as it was.
    pub(super) fn rewrite(self, sql: &str) -> Result<String, StoreError> {
        let words = words(sql);
        let mut out = String::with_capacity(sql.len() + 256);
        let mut done = 0;
        for (index, word) in words.iter().enumerate() {
            let follows = |it: &str| index > 0 && words[index - 1].is(it);
            if !(follows("FROM") || follows("JOIN")) || is_distinct_from(&words, index) {
                continue;
            }
            out.push_str(&sql[done..word.start]);
            out.push_str(&self.table(word.text)?);
            if !words.get(index + 1).is_some_and(|next| next.is_alias_of(word, sql)) {
                out.push_str(" AS ");
                out.push_str(word.text);
            }
            done = word.start + word.text.len();
        }
        out.push_str(&sql[done..]);
        Ok(out)
    }

    /// What a table was.
    fn table(self, name: &str) -> Result<String, StoreError> {
        if let Some(of) = SPANS.iter().find(|of| of.live == name) {
            return Ok(self.spans(of));
        }
        if let Some(of) = FIGURES.iter().find(|of| of.live == name) {
            return Ok(self.figures(of));
        }
        let Self { pos, at_ms } = self;
        Ok(match name {
            "event" => format!("(SELECT * FROM event WHERE pos <= {pos})"),
            // Rows that never change, with the time at which they came.
            "inventory" | "step_record" => format!("(SELECT * FROM {name} WHERE received_ms <= {at_ms})"),
            "campaign_version" => format!("(SELECT * FROM campaign_version WHERE made_ms <= {at_ms})"),
            "work_order" => format!(
                "(SELECT host_id, number, campaign_id, attempt, epoch, wave, body, envelope, cancel, issued_ms, expires_ms,
                         fetches, line_until_ms, site, site_until_ms,
                         CASE WHEN ended_ms > {at_ms} THEN 'fetched' ELSE state END AS state,
                         CASE WHEN ended_ms > {at_ms} THEN NULL ELSE outcome END AS outcome,
                         CASE WHEN ended_ms > {at_ms} THEN NULL ELSE ended_ms END AS ended_ms,
                         CASE WHEN fetched_ms > {at_ms} THEN NULL ELSE fetched_ms END AS fetched_ms
                  FROM work_order WHERE issued_ms <= {at_ms})"
            ),
            // In a silence the last sign before it; otherwise one that was shortly before.
            "host_seen" => format!(
                "(SELECT host_id, boot_id, looked_agent_ms,
                         COALESCE((SELECT s.last_ms FROM host_silence s
                                   WHERE s.host_id = host_seen.host_id AND s.last_ms <= {at_ms} AND s.until_ms > {at_ms}
                                   ORDER BY s.last_ms DESC LIMIT 1),
                                  CASE WHEN seen_ms <= {at_ms} THEN seen_ms ELSE {at_ms} END) AS seen_ms
                  FROM host_seen)"
            ),
            // What was erased stays erased, also of the past.
            "personal" => "personal".to_owned(),
            _ => return Err(StoreError::NotKept { table: name.to_owned() }),
        })
    }

    fn spans(self, of: &Spans) -> String {
        let columns = of.key.iter().chain(of.rest).copied().collect::<Vec<_>>().join(", ");
        format!(
            "(SELECT {columns}{} FROM {} WHERE from_pos <= {pos} AND to_pos > {pos})",
            of.more,
            of.was,
            pos = self.pos
        )
    }

    fn figures(self, of: &Figures) -> String {
        let same: Vec<String> = of.key.iter().map(|key| format!("w.{key} = l.{key}")).collect();
        let then = |column: &&str| {
            format!(
                "COALESCE((SELECT w.{column} FROM {} w WHERE {} AND w.from_pos <= {}
                  ORDER BY w.from_pos DESC LIMIT 1), 0) AS {column}",
                of.was,
                same.join(" AND "),
                self.pos
            )
        };
        let key: Vec<String> = of.key.iter().map(|key| format!("l.{key}")).collect();
        let rest: Vec<String> = of.rest.iter().map(then).collect();
        format!("(SELECT {}, {} FROM {} l)", key.join(", "), rest.join(", "), of.live)
    }
}

/// A word of a statement, outside of quotes.
#[derive(Debug, Clone, Copy)]
struct Word<'a> {
    start: usize,
    text: &'a str,
}

impl Word<'_> {
    fn is(&self, other: &str) -> bool {
        self.text.eq_ignore_ascii_case(other)
    }

    /// Whether this word, the next after a table, is another name for it.
    fn is_alias_of(&self, table: &Word<'_>, sql: &str) -> bool {
        const GOES_ON: [&str; 14] = [
            "WHERE", "JOIN", "LEFT", "INNER", "CROSS", "ON", "ORDER", "GROUP", "LIMIT", "UNION", "HAVING", "EXCEPT",
            "SELECT", "FROM",
        ];
        let between = &sql[table.start + table.text.len()..self.start];
        between.trim().is_empty() && !GOES_ON.iter().any(|word| self.is(word))
    }
}

/// `IS DISTINCT FROM x` names no table.
fn is_distinct_from(words: &[Word<'_>], index: usize) -> bool {
    index > 1 && words[index - 2].is("DISTINCT")
}

fn words(sql: &str) -> Vec<Word<'_>> {
    let mut words = Vec::new();
    let bytes = sql.as_bytes();
    let is_word = |at: usize| bytes.get(at).is_some_and(|b| b.is_ascii_alphanumeric() || *b == b'_');
    let mut at = 0;
    while at < bytes.len() {
        if bytes[at] == b'\'' || bytes[at] == b'"' {
            let quote = bytes[at];
            at += 1 + bytes[at + 1..].iter().take_while(|b| **b != quote).count() + 1;
        } else if is_word(at) {
            let start = at;
            while is_word(at) {
                at += 1;
            }
            words.push(Word {
                start,
                text: &sql[start..at],
            });
        } else {
            at += 1;
        }
    }
    words
}

#[cfg(test)]
mod tests {
    use super::*;

    const THEN: AsOf = AsOf { pos: 7, at_ms: 1000 };

    #[test]
    fn each_table_is_read_as_it_was_under_the_name_that_the_statement_knows() {
        let sql = THEN
            .rewrite("SELECT stream FROM event WHERE body = ' FROM host ' ORDER BY pos")
            .expect("kept");
        assert_eq!(
            sql,
            "SELECT stream FROM (SELECT * FROM event WHERE pos <= 7) AS event WHERE body = ' FROM host ' ORDER BY pos"
        );
        let sql = THEN
            .rewrite("SELECT 1 FROM event e JOIN personal ON e.x = 1")
            .expect("kept");
        assert_eq!(
            sql,
            "SELECT 1 FROM (SELECT * FROM event WHERE pos <= 7) e JOIN personal AS personal ON e.x = 1"
        );
        let sql = THEN.rewrite("SELECT 1 FROM event").expect("kept");
        assert_eq!(sql, "SELECT 1 FROM (SELECT * FROM event WHERE pos <= 7) AS event");
    }

    #[test]
    fn a_table_that_is_not_kept_is_refused_by_name() {
        for sql in [
            "SELECT 1 FROM finding",
            "SELECT 1 FROM host LEFT JOIN finding ON finding.of_id = host.host_id",
            "SELECT 1 WHERE EXISTS (SELECT 1 FROM finding)",
        ] {
            let refused = THEN.rewrite(sql).expect_err("refused");
            assert_eq!(
                refused,
                StoreError::NotKept {
                    table: "finding".to_owned()
                }
            );
        }
    }

    #[test]
    fn a_comparison_with_distinct_from_names_no_table() {
        let sql = "SELECT 1 FROM personal WHERE a IS DISTINCT FROM b";
        let rewritten = THEN.rewrite(sql).expect("kept");
        assert_eq!(
            rewritten,
            "SELECT 1 FROM personal AS personal WHERE a IS DISTINCT FROM b"
        );
    }
}
