//! A host that another system drains before its order, and is told to release after.

use serde::{Deserialize, Serialize};

use super::{Personal, Plan};
use crate::campaign::zone::utc;

/// How far draining a host has come.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "state", rename_all = "kebab-case")]
pub enum DrainState {
    /// Whoever drains it was asked and has not answered.
    Asked,
    /// It said no.
    Refused {
        /// In which change over there.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        change: Option<String>,
    },
    /// It is drained.
    Drained {
        /// In which change over there.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        change: Option<String>,
    },
    /// Whoever drained it, or may have, is told to release it, and has not taken that yet.
    Releasing {
        /// Why.
        why: String,
    },
}

/// A host that is being drained, is drained, or is being released.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Drain {
    /// Who drains it, as the campaign calls it.
    pub name: String,
    /// Which drain of this host, from 1. Every letter of it names this, so that the other side does nothing twice.
    pub number: u32,
    /// How often it was asked.
    pub asks: u32,
    /// When it was last asked.
    pub asked_ms: i64,
    /// How far it is.
    #[serde(flatten)]
    pub state: DrainState,
    /// Since when it is so.
    pub since_ms: i64,
    /// What it holds of what is limited, from its being asked until its release was taken.
    #[serde(default)]
    pub slots: Vec<String>,
    /// Whether an order was issued since it was drained.
    #[serde(default)]
    pub has_begun: bool,
    /// Whether people were told that this takes long.
    #[serde(default)]
    pub told: bool,
}

/// What happened to it; kept as an event.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "to", rename_all = "kebab-case")]
pub enum DrainTurn {
    /// Somebody was asked to drain it, for the first time or again.
    Asked {
        /// Who.
        name: String,
        /// Which drain of this host.
        number: u32,
        /// The so-and-so-many-th time.
        ask: u32,
        /// What it takes of what is limited. Empty where it was asked before.
        #[serde(default, skip_serializing_if = "Vec::is_empty")]
        slots: Vec<String>,
    },
    /// They answered.
    Answered {
        /// Whether it is drained.
        drained: bool,
        /// In which change over there.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        change: Option<String>,
        /// The person who said so; `None` where the system itself did.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        by: Option<Personal>,
    },
    /// It takes longer than it should.
    Overdue,
    /// They are told to release it.
    Releasing {
        /// Why.
        why: String,
    },
    /// They took that.
    Released {
        /// The person who said so; `None` where the system itself took it.
        #[serde(default, skip_serializing_if = "Option::is_none")]
        by: Option<Personal>,
    },
}

impl Drain {
    /// Whether it is drained and may get an order.
    #[must_use]
    pub const fn is_drained(&self) -> bool {
        matches!(self.state, DrainState::Drained { .. })
    }

    /// What is so, for people.
    #[must_use]
    pub fn text(&self) -> String {
        let (name, since) = (&self.name, utc(self.since_ms));
        match &self.state {
            DrainState::Asked => format!("{name} is asked to drain it since {since}, and has not answered"),
            DrainState::Refused { change } => format!("{name} does not drain it{}, since {since}", numbered(change)),
            DrainState::Drained { change } => format!(
                "{name} drained it{} at {since}; it is to be released once its work is over",
                numbered(change)
            ),
            DrainState::Releasing { why } => {
                format!("{name} is told to release it since {since} ({why}), and has not taken that")
            }
        }
    }

    /// What happened, for a timeline.
    #[must_use]
    pub fn turned(turn: &DrainTurn) -> String {
        let by = |by: &Option<Personal>| by.as_ref().map_or_else(String::new, |by| format!(", said by {by}"));
        match turn {
            DrainTurn::Asked { name, ask: 1, .. } => format!("{name} is asked to drain it"),
            DrainTurn::Asked { name, ask, .. } => format!("{name} is asked to drain it, time {ask}"),
            DrainTurn::Answered {
                drained: true,
                change,
                by: who,
            } => format!("drained{}{}", numbered(change), by(who)),
            DrainTurn::Answered {
                drained: false,
                change,
                by: who,
            } => format!("not drained, the answer was no{}{}", numbered(change), by(who)),
            DrainTurn::Overdue => "that takes longer than it should".to_owned(),
            DrainTurn::Releasing { why } => format!("to be released: {why}"),
            DrainTurn::Released { by: who } => format!("released{}", by(who)),
        }
    }
}

pub(crate) fn numbered(change: &Option<String>) -> String {
    change
        .as_ref()
        .map_or_else(String::new, |change| format!(", in change {change}"))
}

impl Plan {
    /// Takes in what happened to its drain. What does not fit is taken for what it says.
    pub(crate) fn turn_drain(&mut self, turn: &DrainTurn, at_ms: i64) {
        let to = |drain: &mut Drain, state: DrainState| {
            drain.state = state;
            drain.since_ms = at_ms;
            drain.told = false;
        };
        match (turn, &mut self.drain) {
            (DrainTurn::Asked { ask, .. }, Some(drain)) => {
                drain.asks = *ask;
                drain.asked_ms = at_ms;
                // Since when it waits, and whether people know, stays as it is.
                drain.state = DrainState::Asked;
            }
            (
                DrainTurn::Asked {
                    name,
                    number,
                    ask,
                    slots,
                },
                none @ None,
            ) => {
                self.drains = *number;
                *none = Some(Drain {
                    name: name.clone(),
                    number: *number,
                    asks: *ask,
                    asked_ms: at_ms,
                    state: DrainState::Asked,
                    since_ms: at_ms,
                    slots: slots.clone(),
                    has_begun: false,
                    told: false,
                });
            }
            (
                DrainTurn::Answered {
                    drained: true, change, ..
                },
                Some(drain),
            ) => {
                to(drain, DrainState::Drained { change: change.clone() });
            }
            (DrainTurn::Answered { change, .. }, Some(drain)) => {
                // People are told once that it waits, whatever for.
                let told = drain.told;
                to(drain, DrainState::Refused { change: change.clone() });
                drain.told = told;
            }
            (DrainTurn::Overdue, Some(drain)) => drain.told = true,
            (DrainTurn::Releasing { why }, Some(drain)) => to(drain, DrainState::Releasing { why: why.clone() }),
            (DrainTurn::Released { .. }, drain) => *drain = None,
            (DrainTurn::Answered { .. } | DrainTurn::Overdue | DrainTurn::Releasing { .. }, None) => {}
        }
    }
}
