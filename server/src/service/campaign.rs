//! The campaign in force: its version, its epoch, whether it runs, and which waves are open.

mod apply;
mod close;
mod closing;
mod passes;
mod preview;
mod run;
mod show;
mod soak;

use std::{
    collections::{BTreeMap, BTreeSet},
    sync::{Arc, PoisonError},
};

use cutover_core::{
    campaign::Campaign,
    catalog::Shelf,
    closing::Closing,
    decide::{Cx, Outage},
    findings::DutyCourse,
    plan::Personal,
    readiness::Answers,
    rollout::{Breakers, Gates, RunState, Waves},
    secret::Keyring,
};
use cutover_proto::{ids::HostId, inventory::Inventory, v1};
use prost::Message as _;
use serde::{Deserialize, Serialize};

pub(super) use self::{apply::under, passes::Pass};
pub use self::{
    apply::{ApplyCampaign, CampaignApplied},
    close::{ConfirmClosing, ProposeClosing, WithdrawClosing},
    closing::{ClosedView, ClosingView, ProposalView, ResidualView},
    preview::{CampaignPreview, Moved},
    run::HaltCampaign,
    show::{CampaignDetail, CampaignVersion},
};
use super::{Service, ServiceError, dates::Dates, plan_edit::unsigned};
use crate::store::{Reader, StreamName, WriteTx, campaigns, events, host_seen, hosts, inventories};

/// How many plans one transaction of a mass change moves.
pub(super) const BATCH: i64 = 1000;

/// A campaign as a transaction sees it.
#[derive(Debug, Clone)]
pub(super) struct InForce {
    pub(super) campaign: Arc<Campaign>,
    pub(super) row: campaigns::CampaignRow,
    pub(super) run: RunState,
    pub(super) progress: Progress,
    pub(super) shelf: Arc<Shelf>,
    pub(super) secrets: Arc<Keyring>,
    outages: Arc<[Outage]>,
    seed: u64,
}

/// What the store keeps of a campaign's course.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Progress {
    /// The states of its waves.
    #[serde(default)]
    pub(super) waves: Waves,
    /// The breakers of its waves.
    #[serde(default)]
    pub(super) breakers: Breakers,
    /// How far the gates of its waves have come.
    #[serde(default, skip_serializing_if = "Gates::is_empty")]
    pub(super) gates: Gates,
    /// Recipes that succeeded here and have soaked: nobody need go first with them any more. Until there was a soak one success
    /// was enough.
    #[serde(default, skip_serializing_if = "BTreeSet::is_empty")]
    pub(super) succeeded: BTreeSet<String>,
    /// Recipes that succeeded while others that went first are not through, each with how many places stay taken for it.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub(super) soaking: BTreeMap<String, u32>,
    /// What was said of the readiness list.
    #[serde(default, skip_serializing_if = "Answers::is_empty")]
    pub(super) readiness: Answers,
    /// Passes over many plans that have begun and are not through, by name.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub(super) passes: BTreeMap<String, PassReached>,
    /// Who paused or stopped it, and why; the mentions of them.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) halted: Option<Halted>,
    /// What was proposed for its end, and who confirmed it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) closing: Option<Closing>,
    /// Duties to report that were called for, by name.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub(super) duties: BTreeMap<String, DutyCourse>,
    /// Its dates that passed, and how the fleet stood then; none in a campaign from before they were watched.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub(super) dates: Option<Dates>,
    /// Names what is bound to products at this moment: drawn anew with each change, so that who knows this name knows the
    /// shelf. Empty while nothing is bound.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub(super) shelf: String,
    /// Names the secrets that are set, in the same way. Empty until one is set or removed while there is a campaign.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub(super) secrets: String,
}

/// How far a pass has come.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct PassReached {
    /// The last host that it has done; empty before the first.
    pub(super) after: String,
    /// How many it has done.
    pub(super) done: u64,
}

/// Why a campaign does not run.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Halted {
    pub(super) by: Personal,
    pub(super) why: Personal,
    pub(super) at_ms: i64,
}

impl InForce {
    /// The circumstances of a decision at this time.
    pub(super) fn cx<'a>(&'a self, service: &'a Service) -> Cx<'a> {
        Cx {
            now_ms: service.now_ms(),
            campaign: &self.campaign,
            catalog: &service.0.catalog,
            shelf: &self.shelf,
            secrets: &self.secrets,
            run: self.run,
            waves: &self.progress.waves,
            breakers: &self.progress.breakers,
            succeeded: &self.progress.succeeded,
            outages: &self.outages,
            seed: self.seed,
        }
    }
}

impl Service {
    /// The campaign that this server runs, as the transaction sees it.
    pub(super) fn in_force(&self, db: &mut impl Reader) -> Result<InForce, ServiceError> {
        let id = &self.0.campaign_id;
        let (row, campaign) = self.row_and_text(db)?.ok_or_else(|| ServiceError::NotFound {
            what: format!("campaign `{id}`"),
        })?;
        let progress: Progress = serde_json::from_str(&row.progress).map_err(|error| ServiceError::Broken {
            why: format!("progress of campaign {id}: {error}"),
        })?;
        let run = RunState::parse(&row.state).map_err(|error| ServiceError::Broken {
            why: format!("state of campaign {id}: {error}"),
        })?;
        // What lies on the shelf, and which secrets there are, decides what is issued, and nothing that is shown.
        let (shelf, secrets) = if self.is_gone_back() {
            (Arc::new(Shelf::new(Vec::new())), Arc::default())
        } else {
            let shelf = self.shelf(db, &progress.shelf, &campaign)?;
            (shelf, self.keyring(db, &progress.secrets, &campaign)?)
        };
        Ok(InForce {
            campaign,
            row,
            run,
            progress,
            shelf,
            secrets,
            outages: self.outages(),
            seed: self.0.entropy.seed()?,
        })
    }

    /// The campaign's row and its definition; `None` before the first version.
    pub(super) fn row_and_text(
        &self,
        db: &mut impl Reader,
    ) -> Result<Option<(campaigns::CampaignRow, Arc<Campaign>)>, ServiceError> {
        let newest = {
            let parsed = self.0.parsed.lock().unwrap_or_else(PoisonError::into_inner);
            parsed
                .last_key_value()
                .map(|((_, version), campaign)| (*version, Arc::clone(campaign)))
        };
        let known = newest.as_ref().map_or(0, |(version, _)| *version);
        let Some(mut row) = campaigns::load_but(db, self.campaign_id().as_str(), known)? else {
            return Ok(None);
        };
        if let Some((version, campaign)) = newest
            && version == row.version
        {
            row.body.clone_from(&campaign.source);
            return Ok(Some((row, campaign)));
        }
        let campaign = self.parsed(db, &row)?;
        Ok(Some((row, campaign)))
    }

    /// The definition of a row, read once a version. A version is kept from where it is committed: one that never came to be may
    /// have had another text under the same number.
    fn parsed(&self, db: &impl Reader, row: &campaigns::CampaignRow) -> Result<Arc<Campaign>, ServiceError> {
        let key = (self.0.campaign_id.clone(), row.version);
        let known = {
            let parsed = self.0.parsed.lock().unwrap_or_else(PoisonError::into_inner);
            parsed.get(&key).map(Arc::clone)
        };
        if let Some(campaign) = known.filter(|campaign| campaign.source == row.body) {
            return Ok(campaign);
        }
        let version = u32::try_from(row.version).unwrap_or(u32::MAX);
        let campaign = Campaign::parse("stored campaign", &row.body, version)
            .map(Arc::new)
            .map_err(|error| ServiceError::Broken { why: error.to_string() })?;
        if db.sees_what_is_committed() {
            let mut parsed = self.0.parsed.lock().unwrap_or_else(PoisonError::into_inner);
            parsed.insert(key, Arc::clone(&campaign));
        }
        Ok(campaign)
    }
}

impl Service {
    /// Writes what became of the campaign: an event of its stream and its row, or, without an event, the row alone. Nothing is
    /// written of one that was closed when the transaction read it.
    pub(super) fn put_campaign(
        &self,
        tx: &mut WriteTx<'_>,
        in_force: &InForce,
        event: Option<(&str, serde_json::Value)>,
    ) -> Result<(), ServiceError> {
        let mut row = in_force.row.clone();
        if row.state == RunState::Closed.as_str() {
            in_force.must_be_open()?;
        }
        let seq = row.seq;
        if let Some((kind, body)) = event {
            let event = events::NewEvent {
                kind: kind.to_owned(),
                schema_version: 1,
                body: body.to_string(),
                at_ms: self.now_ms(),
                agent_at_ms: None,
            };
            events::append(tx, &StreamName::campaign(self.campaign_id().as_str()), seq, &[event])?;
            row.seq = seq + 1;
        }
        row.state = in_force.run.as_str().to_owned();
        row.updated_ms = self.now_ms();
        row.progress = serde_json::to_string(&in_force.progress).map_err(|error| ServiceError::Broken {
            why: format!("progress: {error}"),
        })?;
        campaigns::compare_and_set(tx, seq, &row)?;
        tx.after_commit(super::handle::PLAN_CHANGED);
        Ok(())
    }
}

/// The present inventory of a host, as it was signed.
pub(super) fn present_inventory(db: &mut impl Reader, host: HostId) -> Result<Option<Inventory>, ServiceError> {
    let present = inventories::present(db, &host.to_string())?;
    present.as_ref().map(read_inventory).transpose()
}

/// Reads a stored inventory.
pub(super) fn read_inventory(row: &inventories::InventoryRow) -> Result<Inventory, ServiceError> {
    let broken = |why: String| ServiceError::Broken {
        why: format!("stored inventory of {}: {why}", row.host_id),
    };
    let envelope = v1::Envelope::decode(row.envelope.as_slice()).map_err(|error| broken(error.to_string()))?;
    let wire = v1::Inventory::decode(envelope.body.as_slice()).map_err(|error| broken(error.to_string()))?;
    wire.try_into()
        .map_err(|error: cutover_proto::WireError| broken(error.to_string()))
}

/// When a host was last heard of by what is written: its enrolment, until its first contact is; 0 when there is no such host.
pub(super) fn last_seen(db: &mut impl Reader, host: HostId) -> Result<i64, ServiceError> {
    let host_id = host.to_string();
    if let Some(row) = host_seen::load(db, &host_id)? {
        return Ok(row.seen_ms);
    }
    // Contacts are gathered before they are written: a host that has just come was not silent since the beginning of time.
    Ok(hosts::load(db, &host_id)?.map_or(0, |row| row.created_ms))
}

/// An id in the store that is none.
pub(super) fn broken_id(error: cutover_proto::WireError) -> ServiceError {
    ServiceError::Broken {
        why: format!("stored id: {error}"),
    }
}

/// The campaign's version as wire and pages print it.
pub(super) fn version_of(in_force: &InForce) -> u64 {
    unsigned(in_force.row.version)
}
