//! Figures as pages, documents and the command line print them: one spelling for all.

use std::borrow::Cow;

use crate::{campaign::zone::utc, standing::Share};

/// A part in percent: 100 and 0 only when true, a dash of nothing.
#[must_use]
pub fn percent(part: i64, whole: i64) -> String {
    Share { part, whole }
        .percent()
        .map_or_else(|| "–".to_owned(), |percent| format!("{percent} %"))
}

/// Whole days to or since an instant, as a person says it.
#[must_use]
pub fn distance(days: i64, past: bool) -> String {
    let count = match days.abs() {
        0 => {
            return if past {
                "less than a day past".to_owned()
            } else {
                "in less than a day".to_owned()
            };
        }
        1 => "1 day".to_owned(),
        days => format!("{days} days"),
    };
    if past {
        format!("{count} past")
    } else {
        format!("in {count}")
    }
}

/// An instant in UTC, to the second; `never` for none.
#[must_use]
pub fn instant(ms: i64) -> String {
    if ms == 0 { "never".to_owned() } else { utc(ms) }
}

/// A value as a CSV cell: one that a spreadsheet would take for a formula gets an apostrophe in front.
#[must_use]
pub fn csv_cell(value: &str) -> Cow<'_, str> {
    if value.starts_with(['=', '+', '-', '@', '\t', '\r']) && value.parse::<f64>().is_err() {
        Cow::Owned(format!("'{value}"))
    } else {
        Cow::Borrowed(value)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_formula_is_made_harmless_and_a_number_stays_a_number() {
        assert_eq!(csv_cell("=1+1"), "'=1+1");
        assert_eq!(csv_cell("@SUM(A1)"), "'@SUM(A1)");
        assert_eq!(csv_cell("-cmd"), "'-cmd");
        assert_eq!(csv_cell("-12"), "-12");
        assert_eq!(csv_cell("ws-1"), "ws-1");
    }

    #[test]
    fn a_part_is_all_or_nothing_only_where_it_is_true() {
        let said = [(1, 4), (0, 4), (4, 4), (1, 1000), (999, 1000), (0, 0)].map(|(part, whole)| percent(part, whole));
        assert_eq!(said, ["25 %", "0 %", "100 %", "1 %", "99 %", "–"]);
    }

    #[test]
    fn a_distance_says_its_direction() {
        assert_eq!(distance(-785, true), "785 days past");
        assert_eq!(distance(1, false), "in 1 day");
        assert_eq!(distance(0, true), "less than a day past");
    }
}
