//! Waits that need more words: what whoever works at the machine is told of, and a line that is full.

use super::Waiting;
use crate::{
    campaign::{size_words, zone::utc},
    rollout::LineWait,
};

impl Waiting {
    /// Of the wait for notices; empty of any other.
    pub(super) fn notice_text(&self) -> String {
        let Self::Notice {
            code,
            given,
            of,
            told_ms,
            is_due,
            next_ms,
            starts_ms,
        } = self
        else {
            return String::new();
        };
        let starts = starts_ms.map_or_else(String::new, |at_ms| format!("it starts not before {}", utc(at_ms)));
        let next = given + 1;
        let Some(told_ms) = told_ms else {
            return format!(
                "its user is told before work begins (code {code}): notice 1 of {of} is due, and no word came yet that it was given"
            );
        };
        let told = format!(
            "its user was told on {} (code {code}, notice {given} of {of})",
            utc(*told_ms)
        );
        match next_ms {
            Some(due_ms) if *is_due => format!(
                "{told}; notice {next} is due since {}, and no word came yet that it was given",
                utc(*due_ms)
            ),
            Some(due_ms) => format!("{told}; notice {next} follows on {}, and {starts}", utc(*due_ms)),
            None => format!("{told}; {starts}"),
        }
    }
}

impl LineWait {
    /// For a person.
    pub(super) fn text(&self) -> String {
        let Self { of, rate, bytes, .. } = self;
        let line = format!("it fetches {}, and the line of {of} carries {rate}", size_words(*bytes));
        match self.room_ms {
            Some(at_ms) => format!(
                "{line}, all taken: there is room again from {} at the earliest",
                utc(at_ms)
            ),
            None => format!("{line}: those that wait for it before it in the queue come first"),
        }
    }
}

pub(super) fn restart(comes_ms: Option<i64>, is_deferred: bool, may_be_put_off: bool, latest_ms: i64) -> String {
    let latest = utc(latest_ms);
    match comes_ms {
        Some(at_ms) if is_deferred => {
            format!(
                "user's deferral: the restart that is due comes at {}, at the latest at {latest}",
                utc(at_ms)
            )
        }
        Some(at_ms) if !may_be_put_off => {
            format!(
                "a restart is due and comes at {}; nobody at the machine may put it off",
                utc(at_ms)
            )
        }
        Some(at_ms) => format!(
            "a restart is due and comes at {}; the user may put it off until {latest}",
            utc(at_ms)
        ),
        None => format!("a restart is due, at the latest at {latest}"),
    }
}
