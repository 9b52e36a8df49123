//! What an agent tells a person who asks.

use serde::{Deserialize, Serialize};

use super::{
    announced::StartState,
    footprint::{self, Footprint},
    life::Life,
};
use crate::{
    act::{self, JournalState},
    session::SessionStatus,
};

/// An agent as of now.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct AgentStatus {
    /// As the server named it.
    pub host_id: String,
    /// Of the program.
    pub agent_version: String,
    /// In the order in which they are tried.
    pub servers: Vec<String>,
    /// The conversation with them.
    pub session: SessionStatus,
    /// The order that is open.
    pub order: Option<OrderStatus>,
    /// What it did is written there.
    pub journal: JournalStatus,
    /// Why no order begins here and one at work ends at its next safe point: the local hold.
    #[serde(default)]
    pub hold: Option<String>,
    /// What the agent uses itself.
    #[serde(default)]
    pub footprint: Option<Footprint>,
    /// The memory that it may use, MiB.
    #[serde(default)]
    pub memory_limit_mib: Option<u64>,
    /// Why it is about to end itself.
    #[serde(default)]
    pub ending: Option<String>,
    /// The restart that is due.
    #[serde(default)]
    pub restart: Option<RestartStatus>,
    /// The work that is announced.
    #[serde(default)]
    pub start: Option<StartState>,
}

/// A restart that is due. Instants by trusted time.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RestartStatus {
    /// Why.
    pub reason: String,
    /// When it is to come; none until that was told.
    pub comes_ms: Option<i64>,
    /// Whether its user put it off to then.
    pub is_deferred: bool,
    /// It cannot be put off beyond this.
    pub latest_ms: i64,
}

/// An open order.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct OrderStatus {
    /// Its number.
    pub number: u64,
    /// Its attempt, where this process saw it arrive.
    pub attempt: Option<u32>,
    /// Index of the step at hand.
    pub step: u32,
    /// How many steps it has.
    pub steps: u32,
    /// What the step at hand does; none when all are done.
    pub what: Option<String>,
    /// Whether a step that takes something away was ever begun.
    pub destructive_begun: bool,
    /// Whether it finishes whatever is asked.
    pub past_last_safe_point: bool,
}

/// A journal.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct JournalStatus {
    /// `sound`, `corrupt`, `lost` or `restored`.
    pub state: String,
    /// What is wrong, where something is.
    pub trouble: Option<String>,
    /// The highest order number that was ever begun.
    pub highest_begun: u64,
    /// Records that the server does not have for good yet.
    pub waiting_records: usize,
}

impl Life {
    pub(super) fn status(&self) -> AgentStatus {
        let journal = self.journal();
        let label = self.session.order();
        let order = journal.running().zip(journal.progress()).map(|(running, progress)| {
            let steps = &progress.order.steps;
            OrderStatus {
                number: running.order_number,
                attempt: label
                    .filter(|label| label.number == running.order_number)
                    .and_then(|label| label.attempt),
                step: running.step,
                steps: u32::try_from(steps.len()).unwrap_or(u32::MAX),
                what: steps.get(progress.at_hand()).map(|step| step.action.describe()),
                destructive_begun: progress.has_destroyed(),
                past_last_safe_point: running.past_last_safe_point,
            }
        });
        AgentStatus {
            host_id: self.identity.host_id().to_string(),
            agent_version: super::life::VERSION.to_owned(),
            servers: self.book.in_order().iter().map(ToString::to_string).collect(),
            session: self.session.status(self.clock.ticks()),
            order,
            journal: JournalStatus {
                state: word(journal.state()).to_owned(),
                trouble: journal.trouble().map(str::to_owned),
                highest_begun: journal.highest_begun(),
                waiting_records: journal.waiting(),
            },
            hold: self.control.hold(),
            footprint: footprint::measure(),
            memory_limit_mib: self.limits.memory_mib,
            ending: self.ending.as_ref().map(|ending| ending.why.clone()),
            restart: act::restart_state(&journal).map(|due| RestartStatus {
                reason: due.reason,
                comes_ms: due.comes_ms,
                is_deferred: due.is_deferred,
                latest_ms: due.latest_ms,
            }),
            start: self.announced.state(),
        }
    }
}

const fn word(state: JournalState) -> &'static str {
    match state {
        JournalState::Sound => "sound",
        JournalState::Corrupt => "corrupt",
        JournalState::Lost => "lost",
        JournalState::Restored => "restored",
    }
}
