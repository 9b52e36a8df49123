//! What the agent says of itself.

use cutover_proto::{
    release::{AgentUpdate, Platform},
    v1,
};

use super::{check_ins::WhyCheckIn, state::Session, ticks::Ticks, ways::Way};

/// How the agent itself stands, as far as the server has to know.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Condition {
    /// Why no order begins on this host, where its own hold stops them.
    pub hold: Option<String>,
    /// Why the agent is about to end itself, where it is.
    pub ending: Option<String>,
    /// What became of the newest release that it was told to go on with.
    pub update: Option<AgentUpdate>,
}

impl Session {
    /// The agent's condition as of now. What changed is told soon.
    pub fn handle_condition(&mut self, condition: Condition, now: Ticks) {
        if self.condition != condition {
            self.condition = condition;
            self.check_ins.ask(now, WhyCheckIn::Condition);
        }
    }

    /// Whether the server has answered a check-in that said it as it is now.
    #[must_use]
    pub fn is_condition_told(&self) -> bool {
        self.condition_told.as_ref() == Some(&self.condition)
    }

    /// How this check-in goes, as far as it is known before.
    fn network_path(&self) -> v1::NetworkPath {
        let here = self.course.here();
        let way = match self.course.ways.way() {
            Way::Http2 => v1::Way::Http2,
            Way::Post => v1::Way::Post,
        };
        v1::NetworkPath {
            way: way.into(),
            address: here.map(|place| place.address.clone()).unwrap_or_default(),
            proxy: here.and_then(|place| place.proxy.clone()).unwrap_or_default(),
            intercepted_by: self.course.intercepted_by.clone().unwrap_or_default(),
        }
    }

    pub(super) fn own_condition(&self) -> v1::AgentCondition {
        v1::AgentCondition {
            hold: self.condition.hold.clone().unwrap_or_default(),
            ending: self.condition.ending.clone().unwrap_or_default(),
            network: Some(self.network_path()),
            platform: Platform::here().to_string(),
            update: self.condition.update.clone().map(Into::into),
        }
    }
}
