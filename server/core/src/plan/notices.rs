//! What whoever works at the machine was told of the start ahead, and how they put it off.

use serde::{Deserialize, Serialize};

use super::Plan;
use crate::campaign::zone::utc;

/// A notice that was given.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Given {
    /// When the server learned of it; times count from here.
    pub at_ms: i64,
    /// When it was shown, by the host's clock.
    #[serde(default)]
    pub shown_ms: i64,
    /// Whether somebody was logged in; `None` where that could not be told.
    #[serde(default)]
    pub somebody: Option<bool>,
    /// How it was shown, in the agent's words.
    #[serde(default)]
    pub how: String,
}

/// What was told of the start ahead.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Notices {
    /// Rises when everything is told anew.
    #[serde(default)]
    pub round: u32,
    /// Those of this round, in their order.
    #[serde(default)]
    pub given: Vec<Given>,
    /// The highest of this round that the host was asked to come for.
    #[serde(default)]
    pub asked: u32,
    /// The start was put off to then.
    #[serde(default)]
    pub put_off_ms: Option<i64>,
    /// How often it was put off.
    #[serde(default)]
    pub put_offs: u32,
    /// The order at the start of which somebody was told that it starts; 0 before one was.
    #[serde(default)]
    pub start_told_of: u64,
}

impl Notices {
    pub(crate) fn is_none(&self) -> bool {
        *self == Self::default()
    }

    /// A notice was given: one from 1 on, or 0, that this order starts.
    pub(crate) fn tell(&mut self, number: u32, given: Given, order: Option<u64>) {
        let Some(index) = number.checked_sub(1).and_then(|index| usize::try_from(index).ok()) else {
            self.start_told_of = order.unwrap_or(0);
            return;
        };
        match self.given.get_mut(index) {
            // Shown again to somebody; the time counts from the first all the same.
            Some(known) => known.somebody = given.somebody,
            None => self.given.push(given),
        }
    }

    /// What was told no longer holds. The deferrals that were used up stay so.
    pub(crate) fn lapse(&mut self) {
        if self.given.is_empty() && self.put_off_ms.is_none() {
            return;
        }
        self.round += 1;
        self.given.clear();
        self.asked = 0;
        self.put_off_ms = None;
    }

    /// The work is done: another is another one.
    pub(crate) fn begin_anew(&mut self) {
        self.lapse();
        self.put_offs = 0;
    }

    /// When the newest was given.
    #[must_use]
    pub fn told_ms(&self) -> Option<i64> {
        self.given.last().map(|given| given.at_ms)
    }
}

impl Given {
    /// Whether somebody saw it, in words.
    #[must_use]
    pub const fn seen_by(&self) -> &'static str {
        match self.somebody {
            Some(true) => "somebody was logged in",
            Some(false) => "nobody was logged in",
            None => "whether somebody was logged in could not be told",
        }
    }
}

impl Plan {
    /// What its user was told and put off, in words; nothing before the first notice.
    #[must_use]
    pub fn notices_in_words(&self) -> Vec<String> {
        let notices = &self.notices;
        let code = crate::notice::code(self.host_id, &self.campaign_id);
        let mut lines: Vec<String> = (1..)
            .zip(&notices.given)
            .map(|(number, given)| {
                format!(
                    "notice {number} (code {code}) was given at {}, {}; {}",
                    utc(given.at_ms),
                    given.seen_by(),
                    given.how
                )
            })
            .collect();
        if let Some(until_ms) = notices.put_off_ms {
            let times = notices.put_offs;
            lines.push(format!(
                "its user put the start off until {}, time {times}",
                utc(until_ms)
            ));
        } else if notices.put_offs > 0 {
            lines.push(format!("its user put the start off {} times", notices.put_offs));
        }
        lines
    }
}
