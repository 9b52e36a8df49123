//! The campaign in force: its version, its epoch, and whether its wave is open.

use std::{
    collections::BTreeMap,
    sync::{Arc, PoisonError},
};

use cutover_core::{
    campaign::Campaign,
    catalog::Shelf,
    decide::{Cx, Input, Outage},
    judge,
    rollout::WaveState,
};
use cutover_proto::{ids::HostId, inventory::Inventory, v1};
use prost::Message as _;
use serde::{Deserialize, Serialize};

use super::{
    Service, ServiceError,
    plan_edit::{IN_FLIGHT, PlanEdit, signed, unsigned},
};
use crate::store::{Reader, StreamName, WriteTx, campaigns, events, host_seen, inventories, plans, slots};

/// How many plans one transaction of a mass change moves.
pub(super) const BATCH: i64 = 1000;

/// A campaign as a transaction sees it.
#[derive(Debug, Clone)]
pub(super) struct InForce {
    pub(super) campaign: Arc<Campaign>,
    pub(super) row: campaigns::CampaignRow,
    pub(super) progress: Progress,
    pub(super) shelf: Arc<Shelf>,
    outages: Arc<[Outage]>,
    seed: u64,
}

/// What the store keeps of waves.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Progress {
    /// State of each wave by name; a wave that is not there is closed.
    #[serde(default)]
    pub(super) waves: BTreeMap<String, WaveState>,
    /// Names what is bound to products at this moment: drawn anew with each change, so that who knows this name knows the
    /// shelf. Empty while nothing is bound.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub(super) shelf: String,
}

impl InForce {
    /// The state of a wave.
    pub(super) fn wave(&self, name: &str) -> WaveState {
        self.progress.waves.get(name).copied().unwrap_or(WaveState::Closed)
    }

    /// Whether nothing may start anywhere in it.
    pub(super) fn is_stopped(&self) -> bool {
        self.row.state == STOPPED
    }

    /// The circumstances of a decision at this time.
    pub(super) fn cx<'a>(&'a self, service: &'a Service, wave: &str) -> Cx<'a> {
        Cx {
            now_ms: service.now_ms(),
            campaign: &self.campaign,
            catalog: &service.0.catalog,
            shelf: &self.shelf,
            wave: self.wave(wave),
            round: 0,
            outages: &self.outages,
            seed: self.seed,
        }
    }
}

const RUNNING: &str = "running";
const STOPPED: &str = "stopped";

impl Service {
    /// The campaign that this server runs, as the transaction sees it.
    pub(super) fn in_force(&self, db: &mut impl Reader) -> Result<InForce, ServiceError> {
        let id = &self.0.campaign_id;
        let row = campaigns::load(db, id.as_str())?.ok_or_else(|| ServiceError::NotFound {
            what: format!("campaign `{id}`"),
        })?;
        let progress: Progress = serde_json::from_str(&row.progress).map_err(|error| ServiceError::Broken {
            why: format!("progress of campaign {id}: {error}"),
        })?;
        let campaign = self.parsed(&row)?;
        let shelf = self.shelf(db, &progress.shelf, &campaign)?;
        Ok(InForce {
            campaign,
            row,
            progress,
            shelf,
            outages: self.outages(),
            seed: self.0.entropy.seed()?,
        })
    }

    fn parsed(&self, row: &campaigns::CampaignRow) -> Result<Arc<Campaign>, ServiceError> {
        let key = (self.0.campaign_id.clone(), row.version);
        let mut parsed = self.0.parsed.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(campaign) = parsed.get(&key) {
            return Ok(Arc::clone(campaign));
        }
        let version = u32::try_from(row.version).unwrap_or(u32::MAX);
        let campaign = Campaign::parse("stored campaign", &row.body, version)
            .map(Arc::new)
            .map_err(|error| ServiceError::Broken { why: error.to_string() })?;
        parsed.insert(key, Arc::clone(&campaign));
        Ok(campaign)
    }

    /// Puts a campaign's text in force: a first version, the same again (nothing happens), or a new version, under
    /// which every plan is decided anew. Says which version is in force.
    ///
    /// # Errors
    /// When the store fails or the text is not a campaign.
    pub async fn apply_campaign(&self, text: String, by: String) -> Result<i64, ServiceError> {
        Campaign::parse("campaign", &text, 1).map_err(|error| ServiceError::Invalid { why: error.to_string() })?;
        let service = self.clone();
        let (version, changed) = self
            .0
            .store
            .write(move |tx| service.put_version(tx, &text, &by))
            .await?;
        if changed && version > 1 {
            self.decide_anew().await?;
            self.place_all().await?;
        }
        Ok(version)
    }

    fn put_version(&self, tx: &mut WriteTx<'_>, text: &str, by: &str) -> Result<(i64, bool), ServiceError> {
        let id = self.0.campaign_id.as_str();
        let before = campaigns::load(tx, id)?;
        if let Some(row) = before.as_ref().filter(|row| row.body == *text) {
            return Ok((row.version, false));
        }
        let now_ms = self.now_ms();
        let version = before.as_ref().map_or(1, |row| row.version + 1);
        let campaign = Campaign::parse("campaign", text, u32::try_from(version).unwrap_or(u32::MAX))
            .map_err(|error| ServiceError::Invalid { why: error.to_string() })?;
        let seq = before.as_ref().map_or(0, |row| row.seq);
        let body = serde_json::json!({ "version": version, "by": by }).to_string();
        let event = events::NewEvent {
            kind: "version-applied".to_owned(),
            schema_version: 1,
            body,
            at_ms: now_ms,
            agent_at_ms: None,
        };
        events::append(tx, &StreamName::campaign(id), seq, &[event])?;
        let row = campaigns::CampaignRow {
            campaign_id: id.to_owned(),
            seq: seq + 1,
            version,
            epoch: before.as_ref().map_or(1, |row| row.epoch),
            mode: campaign.mode.as_str().to_owned(),
            state: before
                .as_ref()
                .map_or_else(|| RUNNING.to_owned(), |row| row.state.clone()),
            body: text.to_owned(),
            progress: before
                .as_ref()
                .map_or_else(|| "{}".to_owned(), |row| row.progress.clone()),
            created_ms: before.as_ref().map_or(now_ms, |row| row.created_ms),
            updated_ms: now_ms,
        };
        campaigns::compare_and_set(tx, seq, &row)?;
        let made = campaigns::CampaignVersionRow {
            campaign_id: id.to_owned(),
            version,
            catalog_revision: signed(self.0.catalog.revision),
            made_ms: now_ms,
            made_by: by.to_owned(),
            body: text.to_owned(),
        };
        campaigns::add_version(tx, &made)?;
        slots::set_cap(tx, id, IN_FLIGHT, i64::from(campaign.policy.max_in_flight))?;
        Ok((version, true))
    }

    /// Judges every host's newest inventory anew: a cursor over all plans, a transaction a batch.
    async fn decide_anew(&self) -> Result<(), ServiceError> {
        let mut after: Option<String> = None;
        loop {
            let (service, from) = (self.clone(), after.clone());
            after = self
                .0
                .store
                .write(move |tx| {
                    let in_force = service.in_force(tx)?;
                    let filter = plans::PlanFilter::default();
                    let id = service.0.campaign_id.as_str();
                    let rows = plans::list(tx, id, &filter, from.as_deref(), BATCH)?;
                    for row in &rows {
                        service.judge_anew(tx, &in_force, row.host_id.parse().map_err(broken_id)?)?;
                    }
                    Ok::<_, ServiceError>(rows.last().map(|row| row.host_id.clone()))
                })
                .await?;
            if after.is_none() {
                return Ok(());
            }
        }
    }

    fn judge_anew(&self, tx: &mut WriteTx<'_>, in_force: &InForce, host: HostId) -> Result<(), ServiceError> {
        let mut edit = PlanEdit::load(tx, &self.0.campaign_id, host)?;
        let assessment = newest_inventory(tx, host)?
            .map(|inventory| Box::new(judge::assess(&inventory, &in_force.campaign, &self.0.catalog)));
        let cx = in_force.cx(self, &edit.plan.wave.clone());
        edit.take(&Input::CampaignChanged { assessment }, &cx)?;
        let last_seen_ms = last_seen(tx, host)?;
        edit.save(tx, self, in_force, last_seen_ms)?;
        Ok(())
    }
}

/// The newest inventory of a host, as it was signed.
pub(super) fn newest_inventory(db: &mut impl Reader, host: HostId) -> Result<Option<Inventory>, ServiceError> {
    let newest = inventories::newest(db, &host.to_string(), 1)?;
    newest.first().map(read_inventory).transpose()
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

/// When a host was last heard of by what is written; 0 when never.
pub(super) fn last_seen(db: &mut impl Reader, host: HostId) -> Result<i64, ServiceError> {
    Ok(host_seen::load(db, &host.to_string())?.map_or(0, |row| row.seen_ms))
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
