//! What a campaign is, for people.

use cutover_core::{campaign::zone::utc, rollout::RunState, waiting::Waiting};
use serde::{Deserialize, Serialize};

use super::{
    super::{PassedDate, Service, ServiceError, personal::revealed},
    InForce,
    passes::Pass,
};
use crate::store::{Reader, campaigns};

/// One version of a definition.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CampaignVersion {
    /// From 1.
    pub version: i64,
    /// When it came into force.
    pub made_ms: i64,
    /// Who applied it.
    pub made_by: String,
    /// The catalog's revision at that time.
    pub catalog_revision: i64,
}

/// A campaign.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct CampaignDetail {
    /// Its name.
    pub id: String,
    /// For people.
    pub title: String,
    /// What it forbids.
    pub kind: String,
    /// How much it does by itself.
    pub mode: String,
    /// Whether it runs.
    pub state: String,
    /// Why nothing starts: who paused, stopped or closed it, when and why, or what of the readiness list is open; empty where it
    /// runs.
    pub halted: String,
    /// The version in force.
    pub version: i64,
    /// Rises at each pause and stop.
    pub epoch: i64,
    /// Every version, the oldest first.
    pub versions: Vec<CampaignVersion>,
    /// The file in force, or of the version that was asked for.
    pub text: String,
    /// What is being done to many hosts, and to how many it was.
    pub going_on: Vec<String>,
    /// Its dates that passed while this server watched, and how the fleet stood then.
    #[serde(default)]
    pub passed: Vec<PassedDate>,
    /// What is not as it should be about it now.
    pub warnings: Vec<String>,
}

impl InForce {
    /// Why nothing starts: who paused, stopped or closed it, when and why, or what of the readiness list is open; empty where it
    /// runs.
    pub(in super::super) fn halted_text(&self, db: &mut impl Reader) -> Result<String, ServiceError> {
        if let Some(closed) = self.closed_text(db)? {
            return Ok(closed);
        }
        let Some(it) = &self.progress.halted else {
            let open = self.not_ready();
            return Ok(if open.is_empty() {
                String::new()
            } else {
                Waiting::Readiness { open }.text()
            });
        };
        let since = utc(it.at_ms);
        revealed(db, format!("{} since {since} by {}: {}", self.run, it.by, it.why))
    }
}

impl Service {
    /// Every campaign of this server.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn campaigns(&self) -> Result<Vec<CampaignDetail>, ServiceError> {
        let service = self.clone();
        self.0
            .store
            .read(move |tx| {
                let in_force = service.in_force(tx)?;
                Ok(vec![service.detail(tx, &in_force, None)?])
            })
            .await
    }

    /// One campaign, with the text of one of its versions, or of the one in force.
    ///
    /// # Errors
    /// When there is no such campaign or version.
    pub async fn campaign(&self, id: String, version: Option<i64>) -> Result<CampaignDetail, ServiceError> {
        let service = self.clone();
        self.0
            .store
            .read(move |tx| {
                service.is_run(&id)?;
                let in_force = service.in_force(tx)?;
                service.detail(tx, &in_force, version)
            })
            .await
    }

    /// Whether this server runs that campaign.
    ///
    /// # Errors
    /// When it runs another.
    pub fn is_run(&self, id: &str) -> Result<(), ServiceError> {
        if id == self.campaign_id().as_str() {
            return Ok(());
        }
        Err(ServiceError::NotFound {
            what: format!("campaign `{id}`; this server runs `{}`", self.campaign_id()),
        })
    }

    fn detail(
        &self,
        db: &mut impl Reader,
        in_force: &InForce,
        version: Option<i64>,
    ) -> Result<CampaignDetail, ServiceError> {
        let stored = campaigns::versions(db, self.campaign_id().as_str())?;
        let text = match version {
            None => in_force.row.body.clone(),
            Some(version) => {
                let found = stored.iter().find(|row| row.version == version);
                let row = found.ok_or_else(|| ServiceError::NotFound {
                    what: format!("version {version}; the campaign has 1 to {}", in_force.row.version),
                })?;
                row.body.clone()
            }
        };
        let halted = in_force.halted_text(db)?;
        let campaign = &in_force.campaign;
        Ok(CampaignDetail {
            id: campaign.id.to_string(),
            title: campaign.title.clone(),
            kind: campaign.kind.to_string(),
            mode: campaign.mode.to_string(),
            state: in_force.run.to_string(),
            halted,
            version: in_force.row.version,
            epoch: in_force.row.epoch,
            versions: stored
                .into_iter()
                .map(|row| CampaignVersion {
                    version: row.version,
                    made_ms: row.made_ms,
                    made_by: row.made_by,
                    catalog_revision: row.catalog_revision,
                })
                .collect(),
            text,
            going_on: in_force
                .progress
                .passes
                .iter()
                .map(|(name, reached)| format!("{}: {} so far", Pass::in_words(name), reached.done))
                .collect(),
            passed: in_force
                .progress
                .dates
                .as_ref()
                .map_or_else(Vec::new, |dates| dates.passed().to_vec()),
            // Nobody can do anything about a closed one.
            warnings: match in_force.run {
                RunState::Closed => Vec::new(),
                RunState::Running | RunState::Paused | RunState::Stopped => campaign
                    .warnings(self.now_ms())
                    .iter()
                    .map(ToString::to_string)
                    .collect(),
            },
        })
    }
}
