//! What a person does by hand: who, under which number, by when.

use serde::{Deserialize, Serialize};

use super::{Personal, Phase, Plan};
use crate::campaign::{Campaign, zone::utc};

/// What was arranged about the handwork that is open; nothing before somebody did.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Handwork {
    /// Who does it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub owner: Option<Personal>,
    /// Under which number elsewhere: a ticket, a vendor's case.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reference: Option<Personal>,
    /// By when; `None` is by the campaign's policy.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub due_ms: Option<i64>,
    /// Who arranged it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub by: Option<Personal>,
    /// Somebody was told that it is overdue.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub told: bool,
}

impl Plan {
    /// By when the handwork that is open is to be done; `None` where none is open.
    #[must_use]
    pub fn handwork_due_ms(&self, campaign: &Campaign) -> Option<i64> {
        if self.phase != Phase::Handwork {
            return None;
        }
        let arranged = self.handwork.as_ref().and_then(|handwork| handwork.due_ms);
        let policy = &campaign.policy;
        Some(arranged.unwrap_or_else(|| policy.end_ms(policy.handwork_within, self.phase_since_ms)))
    }

    /// The handwork that is open: whose it is, under which number, by when. `None` where none is open.
    #[must_use]
    pub fn handwork_text(&self, campaign: &Campaign, now_ms: i64) -> Option<String> {
        let due_ms = self.handwork_due_ms(campaign)?;
        let handwork = self.handwork.clone().unwrap_or_default();
        let role = self
            .reason
            .as_ref()
            .map_or("operator", |reason| reason.owner().as_str());
        let owner = handwork
            .owner
            .map_or_else(|| format!("a {role}, nobody is named"), |owner| owner.to_string());
        let reference = handwork
            .reference
            .map_or_else(String::new, |it| format!(", reference {it}"));
        let by = handwork.by.map_or_else(String::new, |by| format!("; arranged by {by}"));
        let overdue = if due_ms <= now_ms { ", which is past" } else { "" };
        Some(format!(
            "handwork for {owner}{reference}, due {}{overdue}{by}",
            utc(due_ms)
        ))
    }
}
