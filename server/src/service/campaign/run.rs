//! Pause, resume, stop: what is in force at once, and after a restart too.

use cutover_core::rollout::RunState;
use serde::{Deserialize, Serialize};

use super::{
    super::{Caller, Service, ServiceError, access::Role},
    Halted,
    passes::Pass,
};
use crate::store::StreamName;

/// What turning a campaign is asked with.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct HaltCampaign {
    /// Why.
    pub why: String,
    /// Only say what would be done.
    #[serde(default)]
    pub dry_run: bool,
}

impl Service {
    /// Pauses, stops or resumes the campaign. Pausing takes back orders that no host has; stopping also ends those that hosts
    /// have, at their next safe point. Nothing new starts from the moment of the answer on.
    ///
    /// # Errors
    /// When the caller may not, no reason is given, or the campaign is closed.
    pub async fn turn_campaign(&self, caller: Caller, to: RunState, ask: HaltCampaign) -> Result<String, ServiceError> {
        caller.must_be(Role::Operator)?;
        let why = ask.why.trim().to_owned();
        if why.is_empty() {
            let why = "no reason is given; say why with --why, for whoever reads it later".to_owned();
            return Err(ServiceError::Invalid { why });
        }
        let (by, note) = (self.personal_user(caller.name())?, self.personal_note(&why)?);
        let (service, dry_run) = (self.clone(), ask.dry_run);
        let said = self
            .0
            .store
            .write(move |tx| {
                let mut in_force = service.open_campaign(tx)?;
                let from = in_force.run;
                if to == RunState::Closed {
                    let why = "two people close a campaign (cutover campaign close)".to_owned();
                    return Err(ServiceError::Refused { why });
                }
                if from == to {
                    return Ok(format!("the campaign is {to} already"));
                }
                if dry_run {
                    return Ok(format!("the campaign is {from} and would be {to}: {}", consequence(to)));
                }
                in_force.run = to;
                in_force.progress.halted = (to != RunState::Running).then(|| Halted {
                    by: by.mention(),
                    why: note.mention(),
                    at_ms: service.now_ms(),
                });
                if to != RunState::Running {
                    in_force.row.epoch += 1;
                    Pass::Halt.begin(&mut in_force.progress);
                }
                let stream = StreamName::campaign(service.campaign_id().as_str());
                by.keep(tx, &stream)?;
                note.keep(tx, &stream)?;
                let body = serde_json::json!({
                    "from": from, "to": to, "by": by.mention(), "why": note.mention(), "epoch": in_force.row.epoch,
                });
                service.put_campaign(tx, &in_force, Some(("turned", body)))?;
                Ok(format!("the campaign was {from} and is {to}: {}", consequence(to)))
            })
            .await?;
        self.run_passes().await?;
        Ok(said)
    }
}

const fn consequence(to: RunState) -> &'static str {
    match to {
        RunState::Running => "hosts of open waves start again",
        RunState::Paused => "nothing starts; orders that no host has are taken back, the others run to their end",
        RunState::Stopped => {
            "nothing starts; orders that no host has are taken back, the others end at their next safe point"
        }
        RunState::Closed => "nothing of it changes any more",
    }
}
