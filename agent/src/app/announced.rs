//! The work that is announced on this host: what the server says of it, what was shown of it, and to when its user put it
//! off. Kept on disk, so that an agent that starts again tells nobody twice and keeps what was acknowledged to a user.

use std::time::Duration;

use cutover_proto::v1;
use serde::{Deserialize, Serialize};

use crate::{
    session,
    words::{Language, Said},
};

/// The longest text of a campaign that is shown to people, in characters.
const TEXT_MAX: usize = 300;

/// All of it.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub(super) struct Announced {
    start: Option<Announcement>,
    /// That the work begins was shown, and the server has not heard it yet.
    begun: Option<Shown>,
    put_off: Option<PutOff>,
}

/// As the server said it last.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub(super) struct Announcement {
    pub(super) code: String,
    round: u32,
    pub(super) number: u32,
    of: u32,
    pub(super) starts_ms: i64,
    from: String,
    why: String,
    contact: String,
    left: u32,
    longest_ms: i64,
    latest_ms: Option<i64>,
    no_put_off: String,
    put_off_ms: Option<i64>,
    shown: Option<Shown>,
}

/// What was shown, or could not be.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Shown {
    pub(super) round: u32,
    /// Which notice, from 1; 0: that the work begins.
    pub(super) number: u32,
    pub(super) at_ms: i64,
    /// Whether somebody was logged in; `None` where that could not be told.
    pub(super) somebody: Option<bool>,
    /// In words.
    pub(super) how: String,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
struct PutOff {
    round: u32,
    asked_ms: i64,
    until_ms: i64,
}

/// What follows from what the server says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) enum Tell {
    /// Nothing that people here do not know.
    Nothing,
    /// This is to be shown.
    Show(Box<Announcement>),
    /// The server did not take the deferral that was acknowledged here; to then.
    NotPutOff(i64),
}

/// The work that is announced, for people. Instants by trusted time.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct StartState {
    /// By which the helpdesk knows it.
    pub code: String,
    /// It begins no earlier.
    pub starts_ms: i64,
    /// Who does it.
    pub from: String,
    /// Why.
    pub why: String,
    /// Whom to ask.
    pub contact: String,
    /// Whether its user put it off to then.
    pub is_put_off: bool,
    /// How often more it may be put off.
    pub left: u32,
    /// By how many seconds at a time.
    pub longest_seconds: u64,
    /// Why it cannot be put off; empty where it can.
    pub no_put_off: String,
}

/// A start that was put off.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct StartDeferral {
    /// To then.
    pub until_ms: i64,
    /// So many times more.
    pub left: u32,
}

/// Why a start is not put off.
#[derive(Debug, thiserror::Error)]
pub enum StartRefused {
    /// Nothing is announced.
    #[error("no work is announced on this machine")]
    NothingAnnounced,
    /// The order is here.
    #[error("the work on this machine has begun")]
    Begun,
    /// The server says so.
    #[error("{0}")]
    NotAllowed(String),
    /// It was put off as often as it may be.
    #[error("the start cannot be put off any more")]
    UsedUp,
    /// The server has not heard of the one before.
    #[error("the deferral before has not reached the server yet; ask again once it has")]
    Pending,
    /// Beyond the budget.
    #[error("that is longer than is allowed")]
    TooLong {
        /// The latest instant to which it can be put off.
        latest_ms: i64,
    },
    /// It could not be kept, so it does not hold.
    #[error("the deferral could not be kept on disk ({0}), so it does not hold; try again")]
    NotKept(#[from] std::io::Error),
}

impl Announced {
    /// Takes what the server says in answer to what it was told. `somebody` is asked only where it matters: whether somebody
    /// is here now.
    pub(super) fn take(
        &mut self,
        notice: Option<&v1::StartNotice>,
        told: &session::Announced,
        now_ms: i64,
        somebody: impl FnOnce() -> Option<bool>,
    ) -> Tell {
        let heard = |shown: &Shown| {
            told.shown
                .iter()
                .any(|it| (it.round, it.number) == (shown.round, shown.number))
        };
        if self.begun.as_ref().is_some_and(heard) {
            self.begun = None;
        }
        let Some(notice) = notice else {
            self.start = None;
            self.put_off = None;
            return Tell::Nothing;
        };
        let mut next = Announcement::from(notice);
        if next.number == 0 {
            // The server has not heard of it, and the order ends before its first step.
            if self.put_off.is_some_and(|own| own.until_ms > now_ms) {
                return Tell::Nothing;
            }
            self.start = None;
            self.put_off = None;
            return Tell::Show(Box::new(next));
        }
        let refused = self.judge_put_off(&next, told);
        next.shown = self
            .start
            .take()
            .and_then(|before| before.shown)
            .filter(|shown| next.is_of(shown));
        let is_seen = next.shown.as_ref().is_some_and(|shown| shown.somebody == Some(true));
        let is_first = next.shown.is_none();
        self.start = Some(next.clone());
        // Who was not here when it was shown is told now.
        if is_first || (!is_seen && somebody() == Some(true)) {
            return Tell::Show(Box::new(next));
        }
        refused.map_or(Tell::Nothing, Tell::NotPutOff)
    }

    /// Forgets a deferral that the server heard of and did not take.
    fn judge_put_off(&mut self, next: &Announcement, told: &session::Announced) -> Option<i64> {
        let own = self.put_off?;
        let is_told = told
            .put_off
            .is_some_and(|it| (it.round, it.until_ms) == (own.round, own.until_ms));
        let is_taken = next.put_off_ms.is_some_and(|until_ms| until_ms >= own.until_ms);
        if own.round == next.round && (is_taken || !is_told) {
            return None;
        }
        self.put_off = None;
        Some(own.until_ms).filter(|_| own.round == next.round)
    }

    /// It was shown.
    pub(super) fn shown(&mut self, shown: Shown) {
        if shown.number == 0 {
            self.begun = Some(shown);
            return;
        }
        if let Some(start) = self.start.as_mut().filter(|start| start.is_of(&shown)) {
            // When it was shown first stays.
            let at_ms = start.shown.as_ref().map_or(shown.at_ms, |first| first.at_ms);
            start.shown = Some(Shown { at_ms, ..shown });
        }
    }

    /// Puts the start off by this long from when it would come. The caller keeps it on disk before anybody is told.
    pub(super) fn put_off(&mut self, now_ms: i64, length: Duration) -> Result<StartDeferral, StartRefused> {
        let start = self.start.as_ref().ok_or(StartRefused::NothingAnnounced)?;
        if self.is_pending() {
            return Err(StartRefused::Pending);
        }
        if !start.no_put_off.is_empty() {
            return Err(StartRefused::NotAllowed(start.no_put_off.clone()));
        }
        if start.left == 0 {
            return Err(StartRefused::UsedUp);
        }
        let from_ms = now_ms.max(start.comes_ms());
        let until_ms = from_ms.saturating_add(i64::try_from(length.as_millis()).unwrap_or(i64::MAX));
        let latest_ms = from_ms
            .saturating_add(start.longest_ms)
            .min(start.latest_ms.unwrap_or(i64::MAX));
        if until_ms > latest_ms {
            return Err(StartRefused::TooLong { latest_ms });
        }
        self.put_off = Some(PutOff {
            round: start.round,
            asked_ms: now_ms,
            until_ms,
        });
        Ok(StartDeferral {
            until_ms,
            left: start.left - 1,
        })
    }

    /// Whether the server has not said yet that it has the newest deferral.
    fn is_pending(&self) -> bool {
        let known_ms = self.start.as_ref().and_then(|start| start.put_off_ms);
        self.put_off
            .is_some_and(|own| known_ms.is_none_or(|known_ms| known_ms < own.until_ms))
    }

    /// To when its user put it off, as was acknowledged here.
    pub(super) fn put_off_ms(&self) -> Option<i64> {
        self.put_off.map(|own| own.until_ms)
    }

    /// What the server is told.
    pub(super) fn said(&self) -> session::Announced {
        let start = self.start.as_ref().and_then(|start| start.shown.as_ref());
        session::Announced {
            shown: start.into_iter().chain(&self.begun).map(Shown::said).collect(),
            put_off: self.put_off.map(|own| v1::StartPutOff {
                round: own.round,
                asked_ms: own.asked_ms,
                until_ms: own.until_ms,
            }),
        }
    }

    /// For people; none where nothing is announced.
    pub(super) fn state(&self) -> Option<StartState> {
        let start = self.start.as_ref()?;
        let put_off_ms = self.put_off_ms().max(start.put_off_ms);
        let is_pending = u32::from(self.is_pending());
        Some(StartState {
            code: start.code.clone(),
            starts_ms: start.comes_ms().max(put_off_ms.unwrap_or(i64::MIN)),
            from: start.from.clone(),
            why: start.why.clone(),
            contact: start.contact.clone(),
            is_put_off: put_off_ms.is_some(),
            left: start.left.saturating_sub(is_pending),
            longest_seconds: u64::try_from(start.longest_ms / 1000).unwrap_or(0),
            no_put_off: start.no_put_off.clone(),
        })
    }
}

impl Announcement {
    fn is_of(&self, shown: &Shown) -> bool {
        (self.round, self.number) == (shown.round, shown.number)
    }

    pub(super) const fn round(&self) -> u32 {
        self.round
    }

    fn comes_ms(&self) -> i64 {
        self.starts_ms.max(self.put_off_ms.unwrap_or(i64::MIN))
    }

    /// What people read.
    pub(super) fn text(&self, when: &dyn Fn(i64) -> String, language: Language) -> String {
        let comes = when(self.comes_ms());
        let begins = match self.number {
            0 => Said::WorkBegins,
            _ => Said::WorkComes { when: &comes },
        };
        let whom = Said::WhomToAsk {
            contact: &self.contact,
            code: &self.code,
        };
        let longest = length(self.longest_ms / 1000);
        let last = match self.number {
            0 => Some(Said::RestartWouldBeTold),
            _ if self.no_put_off.is_empty() && self.left > 0 => Some(Said::HowToPutStartOff { longest: &longest }),
            _ => None,
        };
        let lines = [
            Some(begins.text(language)),
            Some(format!("{}: {}", self.from, self.why)),
            Some(whom.text(language)),
            last.map(|last| last.text(language)),
        ];
        lines.into_iter().flatten().collect::<Vec<_>>().join("\n")
    }
}

impl StartState {
    /// In one line.
    #[must_use]
    pub fn text(&self, when: &dyn Fn(i64) -> String, language: Language) -> String {
        let (starts, left) = (when(self.starts_ms), self.left.to_string());
        let longest = length(i64::try_from(self.longest_seconds).unwrap_or(i64::MAX));
        let may = match (self.no_put_off.is_empty(), self.left) {
            (false, _) => Said::StartHolds { why: &self.no_put_off },
            (true, 0) => Said::StartUsedUp,
            (true, _) => Said::StartMayBePutOff {
                left: &left,
                longest: &longest,
            },
        };
        let may = may.text(language);
        let (when, from, why, contact, code, may) = (
            starts.as_str(),
            self.from.as_str(),
            self.why.as_str(),
            self.contact.as_str(),
            self.code.as_str(),
            may.as_str(),
        );
        let said = if self.is_put_off {
            Said::WorkAheadPutOff {
                when,
                from,
                why,
                contact,
                code,
                may,
            }
        } else {
            Said::WorkAhead {
                when,
                from,
                why,
                contact,
                code,
                may,
            }
        };
        said.text(language)
    }
}

impl StartRefused {
    /// For the user.
    #[must_use]
    pub fn text(&self, when: &dyn Fn(i64) -> String, language: Language) -> String {
        match self {
            Self::NothingAnnounced => Said::NothingDue.text(language),
            Self::Begun => Said::WorkHasBegun.text(language),
            Self::NotAllowed(why) => Said::StartHolds { why }.text(language),
            Self::UsedUp => Said::StartUsedUp.text(language),
            Self::Pending => Said::DeferralBeforeIsPending.text(language),
            Self::TooLong { latest_ms } => Said::TooLong {
                latest: &when(*latest_ms),
            }
            .text(language),
            Self::NotKept(error) => Said::NotKept {
                why: &error.to_string(),
            }
            .text(language),
        }
    }
}

impl Shown {
    fn said(&self) -> v1::NoticeShown {
        v1::NoticeShown {
            round: self.round,
            number: self.number,
            shown_ms: self.at_ms,
            somebody: self.somebody,
            how: self.how.clone(),
        }
    }
}

impl From<&v1::StartNotice> for Announcement {
    fn from(notice: &v1::StartNotice) -> Self {
        Self {
            code: line(&notice.code),
            round: notice.round,
            number: notice.number,
            of: notice.of,
            starts_ms: notice.starts_ms,
            from: line(&notice.from),
            why: line(&notice.why),
            contact: line(&notice.contact),
            left: notice.put_offs_left,
            longest_ms: i64::try_from(notice.longest_seconds.saturating_mul(1000)).unwrap_or(i64::MAX),
            latest_ms: notice.latest_ms,
            no_put_off: line(&notice.no_put_off),
            put_off_ms: notice.put_off_ms,
            shown: None,
        }
    }
}

/// One bounded line for terminals.
fn line(text: &str) -> String {
    let plain = text.chars().map(|c| if c.is_control() { ' ' } else { c });
    plain.take(TEXT_MAX).collect()
}

/// As people write it.
fn length(seconds: i64) -> String {
    match seconds {
        _ if seconds > 0 && seconds % 86_400 == 0 => format!("{}d", seconds / 86_400),
        _ if seconds > 0 && seconds % 3600 == 0 => format!("{}h", seconds / 3600),
        _ => format!("{}m", seconds / 60),
    }
}

#[cfg(test)]
#[path = "announced_tests.rs"]
mod tests;
