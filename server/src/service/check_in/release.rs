//! Releases of the agent at a check-in: what the host says of the one that it was offered, and whether it gets one now.

use cutover_core::{
    plan::Plan,
    rollout::{ReleasePace, ReleaseTally, may_be_offered},
};
use cutover_proto::{
    envelope::{self, Context},
    release::{AgentProgram, AgentRelease, AgentUpdate, UpdateState},
    v1,
};
use serde::{Deserialize, Serialize};

use super::{
    super::{CallError, Service, ServiceError, plan_edit::unsigned},
    arrival::Arrival,
    network::put_reported,
};
use crate::store::{
    Reader, WriteTx,
    agent_releases::{self, AgentReleaseRow, AgentUpdateRow},
    events::NewEvent,
    hosts::HostRow,
};

/// The keys of [`HostRow::reported`].
const UPDATE: &str = "update";
const PLATFORM: &str = "platform";
/// A release that was offered to a host, and the host has not said a word of it.
pub(in super::super) const OFFERED: &str = "offered";

/// What a host says of its own program.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(in super::super) struct OwnProgram {
    /// What it was built for; none where it cannot replace itself.
    pub(in super::super) platform: Option<String>,
    /// What became of the newest release.
    pub(in super::super) update: Option<AgentUpdate>,
}

impl OwnProgram {
    /// What this version cannot read is taken as not said.
    pub(super) fn said(platform: &str, update: Option<v1::AgentUpdate>) -> Self {
        let update = update.and_then(|wire| AgentUpdate::try_from(wire).ok());
        Self {
            platform: super::arrival::said(platform),
            update: update.map(|update| AgentUpdate {
                why: super::arrival::said(&update.why).unwrap_or_default(),
                ..update
            }),
        }
    }

    /// For people.
    pub(in super::super) fn in_words(&self, version: &str) -> String {
        let platform = self
            .platform
            .as_ref()
            .map_or_else(String::new, |platform| format!(" on {platform}"));
        let update = self.update.as_ref().map_or_else(String::new, |update| {
            let (revision, state) = (update.revision, update.state);
            let why = if update.why.is_empty() {
                String::new()
            } else {
                format!(": {}", update.why)
            };
            format!("; release {revision} {state}{why}")
        });
        format!("{version}{platform}{update}")
    }

    /// As the host said it last.
    pub(in super::super) fn of(reported: &str) -> Self {
        serde_json::from_str(reported).unwrap_or_default()
    }
}

impl Service {
    /// Keeps what the host says of its program. A release that a host went back from, or refused, goes to no other host until
    /// somebody says so.
    pub(super) fn take_program(
        &self,
        tx: &mut WriteTx<'_>,
        host: &mut HostRow,
        arrival: &Arrival,
    ) -> Result<Option<NewEvent>, CallError> {
        let said = &arrival.program;
        let before = OwnProgram::of(&host.reported);
        if *said == before {
            return Ok(None);
        }
        put_reported(host, PLATFORM, &said.platform)?;
        put_reported(host, UPDATE, &said.update)?;
        let Some(update) = said.update.as_ref().filter(|_| said.update != before.update) else {
            return Ok(None);
        };
        self.follow_update(tx, host, update)?;
        let body = serde_json::json!({ "revision": update.revision, "state": update.state, "why": update.why });
        Ok(Some(self.host_event("agent-update", &body, None)))
    }

    fn follow_update(&self, tx: &mut WriteTx<'_>, host: &HostRow, update: &AgentUpdate) -> Result<(), CallError> {
        let revision = i64::try_from(update.revision).unwrap_or(i64::MAX);
        // A host that came from another server may speak of what was never offered here.
        let Some(row) = agent_releases::update_of(tx, revision, &host.host_id)? else {
            return Ok(());
        };
        let state = update.state.as_str().to_owned();
        let is_news = row.state != state || row.why != update.why;
        agent_releases::put_update(
            tx,
            &AgentUpdateRow {
                state,
                why: update.why.clone(),
                told_ms: Some(self.now_ms()),
                ..row
            },
        )?;
        if is_news && matches!(update.state, UpdateState::RolledBack | UpdateState::Refused) {
            let why = format!("{} {}: {}", host.name, failed_as(update.state), update.why);
            tracing::warn!(host = host.host_id, revision, why, "the agent release is halted");
            agent_releases::halt(tx, revision, Some(&why))?;
        }
        Ok(())
    }

    /// The newest release, where this host is to get it: with the row to write first where it is offered for the first time.
    pub(super) fn release_for(
        &self,
        db: &mut impl Reader,
        host: &HostRow,
        arrival: &Arrival,
        plan: &Plan,
    ) -> Result<Option<DueRelease>, CallError> {
        // No work and no release at one time, so that what goes wrong has one cause.
        let Some(platform) = arrival.program.platform.as_ref().filter(|_| plan.order.is_none()) else {
            return Ok(None);
        };
        let Some(row) = agent_releases::newest(db)?.filter(|row| !row.is_halted) else {
            return Ok(None);
        };
        let release = read_release(&row)?;
        let is_for_it = |program: &AgentProgram| program.platform.to_string() == *platform;
        if !release.programs.iter().any(is_for_it) {
            return Ok(None);
        }
        match agent_releases::update_of(db, row.revision, &host.host_id)? {
            Some(known) => Ok((known.state == OFFERED).then_some(DueRelease { release, first: None })),
            None if arrival.agent_version == row.version => Ok(None),
            None => {
                let may = may_be_offered(pace(&row)?, tally(db, &row)?);
                Ok(may.then_some(DueRelease {
                    release,
                    first: Some(row),
                }))
            }
        }
    }

    /// The release as it goes out. It is noted before that this host has it, so that no more hosts get it than may.
    pub(super) async fn send_release(&self, arrival: &Arrival, due: DueRelease) -> Result<v1::Envelope, CallError> {
        if let Some(row) = due.first {
            let (host_id, now_ms) = (arrival.host.to_string(), self.now_ms());
            let noted = self.0.store.write(move |tx| {
                agent_releases::count_offer(tx, &row)?;
                let offered = AgentUpdateRow {
                    revision: row.revision,
                    host_id: host_id.clone(),
                    state: OFFERED.to_owned(),
                    why: String::new(),
                    offered_ms: now_ms,
                    told_ms: None,
                };
                agent_releases::put_update(tx, &offered)?;
                Ok::<_, CallError>(())
            });
            noted.await?;
        }
        let wire = v1::AgentRelease::from(due.release);
        self.with_pki(|pki| envelope::seal_message(Context::AgentRelease, &wire, pki.signing().newest()))
            .map_err(|error| CallError::Broken {
                why: format!("the agent release cannot be signed: {error}"),
            })
    }
}

/// A release for a host.
#[derive(Debug, Clone)]
pub(super) struct DueRelease {
    release: AgentRelease,
    /// Where it is offered to it for the first time.
    first: Option<AgentReleaseRow>,
}

const fn failed_as(state: UpdateState) -> &'static str {
    match state {
        UpdateState::Refused => "refused it",
        UpdateState::RolledBack | UpdateState::Tried | UpdateState::InForce => "went back from it",
    }
}

/// A stored release.
pub(in super::super) fn read_release(row: &AgentReleaseRow) -> Result<AgentRelease, ServiceError> {
    let programs = serde_json::from_str(&row.programs).map_err(|error| broken(row, &error))?;
    Ok(AgentRelease {
        revision: unsigned(row.revision),
        version: row.version.clone(),
        programs,
        trial_seconds: u32::try_from(row.trial_seconds).map_err(|error| broken(row, &error))?,
    })
}

/// How fast it goes out.
pub(in super::super) fn pace(row: &AgentReleaseRow) -> Result<ReleasePace, ServiceError> {
    serde_json::from_str(&row.pace).map_err(|error| broken(row, &error))
}

/// How far it got, counted no further than its pace asks.
fn tally(db: &mut impl Reader, row: &AgentReleaseRow) -> Result<ReleaseTally, ServiceError> {
    let pace = pace(row)?;
    let tried = UpdateState::Tried.as_str();
    let in_force = UpdateState::InForce.as_str();
    let on_their_way = agent_releases::count(db, row.revision, [OFFERED, tried], pace.at_once.into())?;
    let in_force = agent_releases::count(db, row.revision, [in_force, in_force], pace.canaries.into())?;
    Ok(ReleaseTally {
        on_their_way: unsigned(on_their_way),
        in_force: unsigned(in_force),
        failed: 0,
    })
}

fn broken(row: &AgentReleaseRow, error: &dyn std::fmt::Display) -> ServiceError {
    ServiceError::Broken {
        why: format!("stored agent release {}: {error}", row.revision),
    }
}
