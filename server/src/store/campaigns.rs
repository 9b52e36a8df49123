//! Campaigns, and every version of their definitions.

use super::error::StoreError;
use super::tx::{Reader, WriteTx};
use super::value::{Row, params};
use super::versions::CAMPAIGN;

/// A campaign as it stands.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CampaignRow {
    /// Kebab-case name, the key.
    pub campaign_id: String,
    /// Number of the last event of its stream; compare-and-set goes by it.
    pub seq: i64,
    /// Version of the definition in force.
    pub version: i64,
    /// Rises at each stop and pause; a work order is issued under one epoch.
    pub epoch: i64,
    /// `observe`, `approve` or `automatic`.
    pub mode: String,
    /// `running`, `paused`, `stopped` or `closed`, as the service names them.
    pub state: String,
    /// The definition in force, exactly as it was applied.
    pub body: String,
    /// JSON of what has become of it: waves opened, gates, cursors, who paused it and why.
    pub progress: String,
    /// Server time.
    pub created_ms: i64,
    /// Server time.
    pub updated_ms: i64,
}

/// One version of a definition.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CampaignVersionRow {
    /// The campaign.
    pub campaign_id: String,
    /// From 1.
    pub version: i64,
    /// The catalog's revision when it was applied.
    pub catalog_revision: i64,
    /// Server time.
    pub made_ms: i64,
    /// Name of the person or token.
    pub made_by: String,
    /// Exactly as it was applied.
    pub body: String,
}

const COLUMNS: &str = "campaign_id, seq, version, epoch, mode, state, body, progress, created_ms, updated_ms";

fn read(row: &Row) -> Result<CampaignRow, StoreError> {
    Ok(CampaignRow {
        campaign_id: row.text("campaign_id")?,
        seq: row.int("seq")?,
        version: row.int("version")?,
        epoch: row.int("epoch")?,
        mode: row.text("mode")?,
        state: row.text("state")?,
        body: row.text("body")?,
        progress: row.text("progress")?,
        created_ms: row.int("created_ms")?,
        updated_ms: row.int("updated_ms")?,
    })
}

fn what(campaign_id: &str) -> String {
    format!("campaign {campaign_id}")
}

/// One campaign.
///
/// # Errors
/// As [`Reader::query`].
pub fn load(db: &mut impl Reader, campaign_id: &str) -> Result<Option<CampaignRow>, StoreError> {
    db.query_opt(
        &format!("SELECT {COLUMNS} FROM campaign WHERE campaign_id = ?1"),
        params![campaign_id],
    )?
    .as_ref()
    .map(read)
    .transpose()
}

/// The same, with an empty text in place of the definition's where that is of version `known`: it is long, asked for at each call,
/// and of one version always the same.
///
/// # Errors
/// As [`Reader::query`].
pub fn load_but(db: &mut impl Reader, campaign_id: &str, known: i64) -> Result<Option<CampaignRow>, StoreError> {
    db.query_opt(
        "SELECT campaign_id, seq, version, epoch, mode, state, CASE WHEN version = ?2 THEN '' ELSE body END AS body, progress,
                created_ms, updated_ms
         FROM campaign WHERE campaign_id = ?1",
        params![campaign_id, known],
    )?
    .as_ref()
    .map(read)
    .transpose()
}

/// All campaigns, by name.
///
/// # Errors
/// As [`Reader::query`].
pub fn list(db: &mut impl Reader) -> Result<Vec<CampaignRow>, StoreError> {
    db.query(
        &format!("SELECT {COLUMNS} FROM campaign ORDER BY campaign_id"),
        params![],
    )?
    .iter()
    .map(read)
    .collect()
}

/// Stores `campaign` where the stored one still has number `expected_seq` (0: there is none yet).
///
/// # Errors
/// [`StoreError::Conflict`] when it has another.
pub fn compare_and_set(tx: &mut WriteTx<'_>, expected_seq: i64, campaign: &CampaignRow) -> Result<(), StoreError> {
    tx.keep_row(&CAMPAIGN, &[&campaign.campaign_id]);
    let changed =
        if expected_seq == 0 {
            tx.execute(
                &format!(
                    "INSERT INTO campaign ({COLUMNS}) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10)
                 ON CONFLICT (campaign_id) DO NOTHING"
                ),
                params![
                    campaign.campaign_id.as_str(),
                    campaign.seq,
                    campaign.version,
                    campaign.epoch,
                    campaign.mode.as_str(),
                    campaign.state.as_str(),
                    campaign.body.as_str(),
                    campaign.progress.as_str(),
                    campaign.created_ms,
                    campaign.updated_ms,
                ],
            )?
        } else {
            tx.execute(
            "UPDATE campaign SET seq = ?2, version = ?3, epoch = ?4, mode = ?5, state = ?6, body = ?7, progress = ?8,
                    updated_ms = ?9
             WHERE campaign_id = ?1 AND seq = ?10",
            params![
                campaign.campaign_id.as_str(), campaign.seq, campaign.version, campaign.epoch, campaign.mode.as_str(),
                campaign.state.as_str(), campaign.body.as_str(), campaign.progress.as_str(), campaign.updated_ms,
                expected_seq,
            ],
        )?
        };
    if changed == 1 {
        Ok(())
    } else {
        Err(tx.conflict(what(&campaign.campaign_id)))
    }
}

/// Makes sure that the campaign is what this transaction read of it when it commits, in its epoch and in all that its events
/// tell: whoever changes it waits, or is seen here. Part of issuing a work order, before its slots are taken.
///
/// # Errors
/// [`StoreError::Conflict`] when it is another by now.
pub fn hold(tx: &mut WriteTx<'_>, campaign_id: &str, epoch: i64, seq: i64) -> Result<(), StoreError> {
    let held = tx.execute(
        "UPDATE campaign SET epoch = epoch WHERE campaign_id = ?1 AND epoch = ?2 AND seq = ?3",
        params![campaign_id, epoch, seq],
    )?;
    if held == 1 {
        Ok(())
    } else {
        Err(tx.conflict(format!("the epoch and version of {}", what(campaign_id))))
    }
}

/// Keeps a version of a definition.
///
/// # Errors
/// [`StoreError::Conflict`] when the version is taken.
pub fn add_version(tx: &mut WriteTx<'_>, version: &CampaignVersionRow) -> Result<(), StoreError> {
    let made = tx.execute(
        "INSERT INTO campaign_version (campaign_id, version, catalog_revision, made_ms, made_by, body)
         VALUES (?1, ?2, ?3, ?4, ?5, ?6) ON CONFLICT (campaign_id, version) DO NOTHING",
        params![
            version.campaign_id.as_str(),
            version.version,
            version.catalog_revision,
            version.made_ms,
            version.made_by.as_str(),
            version.body.as_str(),
        ],
    )?;
    if made == 1 {
        Ok(())
    } else {
        Err(tx.conflict(format!("version {} of {}", version.version, what(&version.campaign_id))))
    }
}

/// All versions of a campaign, oldest first.
///
/// # Errors
/// As [`Reader::query`].
pub fn versions(db: &mut impl Reader, campaign_id: &str) -> Result<Vec<CampaignVersionRow>, StoreError> {
    db.query(
        "SELECT campaign_id, version, catalog_revision, made_ms, made_by, body FROM campaign_version
         WHERE campaign_id = ?1 ORDER BY version",
        params![campaign_id],
    )?
    .iter()
    .map(|row| {
        Ok(CampaignVersionRow {
            campaign_id: row.text("campaign_id")?,
            version: row.int("version")?,
            catalog_revision: row.int("catalog_revision")?,
            made_ms: row.int("made_ms")?,
            made_by: row.text("made_by")?,
            body: row.text("body")?,
        })
    })
    .collect()
}
