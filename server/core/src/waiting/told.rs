//! Waits that need more words: what whoever works at the machine is told of, and a line that is full.

use super::Waiting;
use crate::{
    campaign::{size_words, zone::utc},
    plan::{Drain, DrainState, numbered},
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

/// What a host waits for that is to be drained, or released first.
pub(super) fn drained(drain: &Drain, by_ms: Option<i64>, is_late: bool) -> String {
    let (name, asked) = (&drain.name, utc(drain.asked_ms));
    let again = by_ms.map_or_else(String::new, |by_ms| {
        format!("; by {} it answers, or is asked again", utc(by_ms))
    });
    match &drain.state {
        DrainState::Asked if is_late => format!(
            "waits for {name} to drain it, which has not answered in time, asked at {asked}, time {}{again}",
            drain.asks
        ),
        DrainState::Asked => format!("waits for {name} to drain it, asked at {asked}{again}"),
        DrainState::Refused { change } => {
            format!("waits for {name} to drain it, which said no{}{again}", numbered(change))
        }
        DrainState::Drained { .. } | DrainState::Releasing { .. } => drain.text(),
    }
}

pub(super) fn undrained(drain: &Drain, is_late: bool) -> String {
    let name = &drain.name;
    match drain.state {
        DrainState::Drained { .. } => String::new(),
        DrainState::Asked if !is_late => String::new(),
        DrainState::Asked | DrainState::Refused { .. } => format!(
            "see why {name} does not drain it; if you drained it by hand: cutover hosts drained HOST; to give its place to \
             others: cutover hosts hold HOST"
        ),
        DrainState::Releasing { .. } => {
            format!("see why {name} does not take that; if you released it by hand: cutover hosts released HOST")
        }
    }
}
