//! One asset, whole: with every look at its machine that was imported.

use std::collections::BTreeSet;

use cutover_core::{coverage::Vouched, report::instant};
use cutover_proto::inventory::Inventory;
use serde::{Deserialize, Serialize};

use super::{
    super::{
        FindingView, ProofView, Service, ServiceError,
        personal::revealed,
        views::{VerdictView, every_verdict},
    },
    AssetView,
    list::view,
    place::leader,
};
use crate::store::{
    Reader,
    imported_looks::{self, LookRow},
};

/// So many looks at one record are shown.
const SHOWN: i64 = 20;

/// An imported look.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct LookView {
    /// In words: what it found, when, by whom, who vouches for it.
    pub text: String,
    /// Hex SHA-256 of the file.
    pub sha256: String,
    /// What the file was called.
    pub file_name: String,
    /// `self-reported`: only the machine's own files say it.
    pub grade: String,
    /// `collected`, `signed` or `host-key`.
    pub vouched: String,
    /// When it was made, by the machine's clock.
    pub taken_ms: i64,
    /// When it was imported.
    pub imported_ms: i64,
    /// Who imported it. Personal.
    pub imported_by: String,
    /// `carries`, `unknown`, `free` or `replaced`.
    pub found: String,
    /// What judged it: revision of the rules.
    pub rules_revision: i64,
    /// Revision of the catalog.
    pub catalog_revision: i64,
    /// Version of the campaign.
    pub campaign_version: i64,
    /// Every product that was looked for.
    pub verdicts: Vec<VerdictView>,
}

/// An asset, whole.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct AssetDetail {
    /// As listings have it.
    #[serde(flatten)]
    pub asset: AssetView,
    /// Other records of the same machine: source and id.
    pub same: Vec<(String, String)>,
    /// What was true of it at each milestone.
    pub proofs: Vec<ProofView>,
    /// Where its sources contradict each other, or its host's own looks.
    pub findings: Vec<FindingView>,
    /// Looks at the machine, by whichever record, the last made first.
    pub looks: Vec<LookView>,
}

impl Service {
    /// One asset by id or name.
    ///
    /// # Errors
    /// When there is none, or the name fits several.
    pub async fn asset(&self, wanted: String) -> Result<AssetDetail, ServiceError> {
        let service = self.clone();
        self.0
            .store
            .read(move |tx| {
                let row = service.named_asset(tx, &wanted)?;
                let of_machine = service.records_of_machine(tx, &row)?;
                let mut rows = Vec::new();
                for record in &of_machine {
                    rows.extend(imported_looks::of_asset(tx, &record.asset_id, SHOWN)?);
                }
                if !row.host_id.is_empty() {
                    rows.extend(imported_looks::of_host(tx, &row.host_id, SHOWN)?);
                }
                let proofs = service.asset_proofs(tx, &of_machine)?;
                Ok::<_, ServiceError>(AssetDetail {
                    asset: view(tx, &row)?,
                    same: of_machine
                        .into_iter()
                        .filter(|other| other.asset_id != row.asset_id)
                        .map(|other| (other.source, other.asset_id))
                        .collect(),
                    proofs,
                    findings: service.findings_of(tx, &leader(&row)?)?,
                    looks: look_views(tx, rows)?,
                })
            })
            .await
    }

    /// Looks at an enrolled host that were imported: those that its key signed, and those at records that are it.
    pub(in super::super) fn looks_at_host(
        &self,
        db: &mut impl Reader,
        host_id: &str,
    ) -> Result<Vec<LookView>, ServiceError> {
        let mut rows = imported_looks::of_host(db, host_id, SHOWN)?;
        for record in crate::store::assets::by_hosts(db, [&host_id.to_owned()])? {
            rows.extend(imported_looks::of_asset(db, &record.asset_id, SHOWN)?);
        }
        look_views(db, rows)
    }
}

fn look_views(db: &mut impl Reader, mut rows: Vec<LookRow>) -> Result<Vec<LookView>, ServiceError> {
    rows.sort_by(|one, other| (other.taken_ms, &other.sha256).cmp(&(one.taken_ms, &one.sha256)));
    let mut seen = BTreeSet::new();
    rows.retain(|row| seen.insert(row.sha256.clone()));
    rows.into_iter().map(|row| look_view(db, row)).collect()
}

fn look_view(db: &mut impl Reader, row: LookRow) -> Result<LookView, ServiceError> {
    let broken = |error: String| ServiceError::Broken {
        why: format!("stored look {}: {error}", row.sha256),
    };
    let inventory: Inventory = serde_json::from_str(&row.inventory).map_err(|error| broken(error.to_string()))?;
    let vouched = Vouched::parse(&row.vouched).map_err(|error| broken(error.to_string()))?;
    let by = revealed(db, row.imported_by.clone())?;
    Ok(LookView {
        text: format!(
            "{} at {}, self-reported, {}; imported at {} by {by}; not watched",
            row.found,
            instant(row.taken_ms),
            vouched.in_words(),
            instant(row.imported_ms),
        ),
        grade: "self-reported".to_owned(),
        imported_by: by,
        verdicts: every_verdict(&inventory),
        sha256: row.sha256,
        file_name: row.file_name,
        vouched: row.vouched,
        taken_ms: row.taken_ms,
        imported_ms: row.imported_ms,
        found: row.found,
        rules_revision: row.rules_revision,
        catalog_revision: row.catalog_revision,
        campaign_version: row.campaign_version,
    })
}
