//! Asking a gate.

use serde::{Deserialize, Serialize};

use super::{Gate, Rate, Success, bound};
use crate::{
    campaign::{span, zone::utc},
    rollout::{
        Left, Tally,
        breaker::{Cause, breach},
    },
};

/// When an external gate was asked, and what it said.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ExternalAsked {
    /// When.
    pub at_ms: i64,
    /// What came back.
    #[serde(default)]
    pub answer: Option<ExternalAnswer>,
    /// Whether it was told that no answer came in time.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub is_overdue_told: bool,
}

/// What an external gate said.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ExternalAnswer {
    /// Whether the next wave may open.
    pub granted: bool,
    /// The change's number over there.
    pub change: String,
    /// When the answer came.
    pub at_ms: i64,
}

/// What is known of a wave when its gate is asked.
#[derive(Debug, Clone, Copy)]
pub struct GateFacts<'a> {
    /// What its hosts came to in the present round.
    pub tally: &'a Tally,
    /// What may still come.
    pub left: Left,
    /// Since when the gate [has its sample](Gate::has_sample), for the soak; `None` when that was not noted yet.
    pub sample_since_ms: Option<i64>,
    /// Whether somebody with the role of [`Gate::approval`] approved in the present round.
    pub is_approved: bool,
    /// The external gate, once it was asked in the present round.
    pub external: Option<&'a ExternalAsked>,
    /// The time.
    pub now_ms: i64,
}

/// What a gate says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum GateVerdict {
    /// The next wave may open.
    Holds,
    /// Not yet.
    NotYet(NotYet),
    /// The wave is to halt.
    Breached(Cause),
}

/// Why a gate does not hold yet.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "kind", rename_all = "kebab-case")]
pub enum NotYet {
    /// Too few hosts came to something.
    Sample {
        /// So many did.
        settled: u32,
        /// So many must.
        least: u32,
    },
    /// The rate is not shown.
    Bound {
        /// So many succeeded.
        succeeded: u32,
        /// Of so many.
        settled: u32,
        /// This rate is shown.
        shown: Rate,
        /// This one must be.
        success: Rate,
        /// At this confidence.
        confidence: Rate,
        /// So many more successes without a failure would show it; `None` where it is very many.
        more: Option<u32>,
    },
    /// Even if every host that is left succeeds, it will not hold.
    OutOfHosts {
        /// So many hosts it would be in all.
        hosts: u32,
        /// So many of them count against it for good.
        against: u32,
        /// So many must have come to something.
        least: u32,
    },
    /// The least sample must have been there for a while.
    Soak {
        /// Until then.
        until_ms: i64,
    },
    /// Nobody with the role approved.
    Approval {
        /// Which role.
        role: String,
    },
    /// Everything else holds: the external gate is to be asked.
    ExternalUnasked {
        /// Which.
        name: String,
    },
    /// It has not answered.
    ExternalMissing {
        /// Which.
        name: String,
        /// It has until then.
        until_ms: i64,
    },
    /// It said no.
    ExternalRejected {
        /// Which.
        name: String,
        /// The change's number over there.
        change: String,
    },
    /// It did not answer in its time.
    ExternalOutOfTime {
        /// Which.
        name: String,
        /// It had until then.
        until_ms: i64,
    },
}

impl Gate {
    /// Whether enough hosts came to something. When this is first so, its time is to be noted: the soak counts from there.
    #[must_use]
    pub const fn has_sample(&self, tally: &Tally) -> bool {
        tally.settled() >= self.least
    }

    /// Whether the next wave may open.
    #[must_use]
    pub fn verdict(&self, facts: &GateFacts<'_>) -> GateVerdict {
        if let Some(cause) = breach(Some(self), facts.tally, facts.left) {
            return GateVerdict::Breached(cause);
        }
        match self.lacking(facts).into_iter().next() {
            None => GateVerdict::Holds,
            Some(not_yet) => GateVerdict::NotYet(not_yet),
        }
    }

    /// Everything that is lacking, the weightiest first; a wave that is to halt aside.
    #[must_use]
    pub fn lacking(&self, facts: &GateFacts<'_>) -> Vec<NotYet> {
        let mut lacking = Vec::new();
        lacking.extend(self.sample(facts.tally, facts.left));
        if self.has_sample(facts.tally) {
            let since_ms = facts.sample_since_ms.unwrap_or(facts.now_ms);
            let until_ms = since_ms.saturating_add(span::ms(self.soak));
            if facts.now_ms < until_ms {
                lacking.push(NotYet::Soak { until_ms });
            }
        }
        let is_shown = lacking.is_empty();
        if let Some(role) = self.approval.as_ref().filter(|_| !facts.is_approved) {
            lacking.push(NotYet::Approval { role: role.clone() });
        }
        lacking.extend(self.outside(facts, is_shown));
        lacking
    }

    fn sample(&self, tally: &Tally, left: Left) -> Option<NotYet> {
        let (good, bad) = (tally.succeeded, tally.against());
        let is_shown = |good, bad| {
            self.success
                .is_none_or(|Success { rate, confidence }| bound::shows(good, bad, rate, confidence))
        };
        if self.has_sample(tally) && is_shown(good, bad) {
            return None;
        }
        let again = left.again.min(bad);
        let best = good
            .saturating_add(tally.under_way)
            .saturating_add(left.untried)
            .saturating_add(again);
        let against = bad - again;
        let hosts = best.saturating_add(against);
        if hosts < self.least || !is_shown(best, against) {
            return Some(NotYet::OutOfHosts {
                hosts,
                against,
                least: self.least,
            });
        }
        match self.success {
            Some(Success { rate, confidence }) if self.has_sample(tally) => Some(NotYet::Bound {
                succeeded: good,
                settled: tally.settled(),
                shown: bound::lower_bound(good, bad, confidence),
                success: rate,
                confidence,
                more: bound::least_good(bad, rate, confidence, good.saturating_add(MANY))
                    .map(|needed| needed.saturating_sub(good)),
            }),
            Some(_) | None => Some(NotYet::Sample {
                settled: tally.settled(),
                least: self.least,
            }),
        }
    }

    fn outside(&self, facts: &GateFacts<'_>, is_shown: bool) -> Option<NotYet> {
        let external = self.external.as_ref()?;
        let name = external.name.clone();
        let Some(asked) = facts.external else {
            return is_shown.then_some(NotYet::ExternalUnasked { name });
        };
        let until_ms = asked.at_ms.saturating_add(span::ms(external.within));
        match &asked.answer {
            Some(answer) if !answer.granted => Some(NotYet::ExternalRejected {
                name,
                change: answer.change.clone(),
            }),
            Some(answer) if answer.at_ms <= until_ms => None,
            None if facts.now_ms <= until_ms => Some(NotYet::ExternalMissing { name, until_ms }),
            Some(_) | None => Some(NotYet::ExternalOutOfTime { name, until_ms }),
        }
    }
}

/// So many successes are not worth naming.
const MANY: u32 = 100_000;

impl NotYet {
    /// Why, for a person.
    #[must_use]
    pub fn text(&self) -> String {
        match self {
            Self::Sample { settled, least } => {
                format!("the sample is too small: {settled} of at least {least} hosts have come to something")
            }
            Self::Bound {
                succeeded,
                settled,
                shown,
                success,
                confidence,
                more,
            } => {
                let more = more.map_or_else(String::new, |more| {
                    format!("; {more} more without a failure would show it")
                });
                format!(
                    "{succeeded} of {settled} hosts succeeded, which shows {shown} at {confidence} confidence, below \
                     {success}{more}"
                )
            }
            Self::OutOfHosts { hosts, against, least } => format!(
                "even if every host that is left succeeds, {hosts} hosts with {against} against them do not show what the \
                 gate asks for; its least sample is {least}"
            ),
            Self::Soak { until_ms } => format!("what the sample shows must hold until {}", utc(*until_ms)),
            Self::Approval { role } => format!("nobody with the role {role} has approved"),
            Self::ExternalUnasked { name } => format!("{name} is to be asked"),
            Self::ExternalMissing { name, until_ms } => {
                format!("{name} has not answered; it has until {}", utc(*until_ms))
            }
            Self::ExternalRejected { name, change } => format!("{name} said no, in change {change}"),
            Self::ExternalOutOfTime { name, until_ms } => {
                format!("{name} did not answer until {}", utc(*until_ms))
            }
        }
    }

    /// What to do about it; empty where nothing need be done.
    #[must_use]
    pub fn remedy(&self) -> String {
        match self {
            Self::OutOfHosts { .. } => {
                "open the next wave by hand, or ask for a lower success, confidence or least sample in the campaign"
                    .to_owned()
            }
            Self::Approval { role } => format!("somebody with the role {role}: cutover wave approve"),
            Self::ExternalRejected { name, .. } => format!("settle it with {name}, then have it asked again"),
            Self::ExternalOutOfTime { name, .. } => format!("see why {name} did not answer, then have it asked again"),
            Self::Sample { .. }
            | Self::Bound { .. }
            | Self::Soak { .. }
            | Self::ExternalUnasked { .. }
            | Self::ExternalMissing { .. } => String::new(),
        }
    }

    /// Until when it lasts at most, where that is known.
    #[must_use]
    pub const fn until_ms(&self) -> Option<i64> {
        match self {
            Self::Soak { until_ms } | Self::ExternalMissing { until_ms, .. } => Some(*until_ms),
            Self::Sample { .. }
            | Self::Bound { .. }
            | Self::OutOfHosts { .. }
            | Self::Approval { .. }
            | Self::ExternalUnasked { .. }
            | Self::ExternalRejected { .. }
            | Self::ExternalOutOfTime { .. } => None,
        }
    }
}
