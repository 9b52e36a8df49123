//! Rows of the store in the core's words, and back.

use cutover_core::{
    coverage::{
        AssetBucket, Attestation, Claim, Identifier, IdentifierKind, Identity, ImportedLook, Known, Ownership, Pin,
        Place, Record, bucket,
        import::{DiskReport, Health, Row, TargetSeen},
        next_change_ms,
    },
    findings::OtherWord,
};
use cutover_proto::ids::ProductId;
use serde::{Deserialize, Serialize, de::DeserializeOwned};

use super::super::ServiceError;
use crate::store::{StoreError, StreamName, assets::AssetRow};

/// What a source says of an asset. Stored as JSON; nothing of it is personal.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct Said {
    /// Empty where it is not said; so are the other texts.
    pub site: String,
    /// The protection that it sees there.
    pub product: String,
    /// Its version.
    pub version: String,
    /// Whether it works.
    pub health: Option<Health>,
    /// Whose it is.
    pub tenant: String,
    /// When the source last heard of it.
    pub last_seen_ms: Option<i64>,
    /// Whether the product that must go is there.
    pub target: Option<TargetSeen>,
    /// Whether the source counts it as in use.
    pub active: Option<bool>,
    /// Whose the machine is.
    pub ownership: Option<Ownership>,
    /// Who encrypts its disks.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub encryption: Option<DiskReport>,
}

impl Said {
    pub(super) fn of(row: &Row) -> Self {
        Self {
            site: row.site.clone(),
            product: row.product.clone(),
            version: row.version.clone(),
            health: row.health,
            tenant: row.tenant.clone(),
            last_seen_ms: row.last_seen_ms,
            target: row.target,
            active: row.active,
            ownership: row.ownership,
            encryption: row.encryption,
        }
    }
}

/// Where the personal values about an asset are kept, so that they can be erased together.
pub(super) fn stream(asset_id: &str) -> StreamName {
    StreamName::audit(&format!("asset/{asset_id}"))
}

pub(super) fn json(value: &impl Serialize) -> Result<String, ServiceError> {
    serde_json::to_string(value).map_err(|error| ServiceError::Broken { why: error.to_string() })
}

pub(super) fn stored<T: DeserializeOwned>(row: &AssetRow, text: &str) -> Result<T, ServiceError> {
    serde_json::from_str(text).map_err(|error| broken(row, error))
}

fn broken(row: &AssetRow, error: impl std::fmt::Display) -> ServiceError {
    ServiceError::Store(StoreError::Corrupt {
        what: format!("asset {}", row.asset_id),
        why: error.to_string(),
    })
}

pub(super) fn identity(row: &AssetRow) -> Result<Identity, ServiceError> {
    stored(row, &row.identity)
}

pub(super) fn place(row: &AssetRow) -> Result<Place, ServiceError> {
    stored(row, &row.place)
}

pub(super) fn pin(row: &AssetRow) -> Result<Option<Pin>, ServiceError> {
    if row.pin.is_empty() {
        Ok(None)
    } else {
        stored(row, &row.pin).map(Some)
    }
}

pub(super) fn record(row: &AssetRow) -> Result<Record, ServiceError> {
    Ok(Record {
        asset_id: row.asset_id.clone(),
        source: row.source.clone(),
        identity: identity(row)?,
        pin: pin(row)?,
    })
}

pub(super) fn attestation(row: &AssetRow) -> Result<Option<Attestation>, ServiceError> {
    let Some(ends_ms) = row.claim_ends_ms else {
        return Ok(None);
    };
    let claim = Claim::parse(&row.claim).map_err(|error| broken(row, error))?;
    let at_ms = row.claimed_ms.unwrap_or_default();
    Ok(Some(Attestation { claim, ends_ms, at_ms }))
}

/// Identifiers as the store keeps them.
pub(super) fn pairs(identity: &Identity) -> Vec<(String, String)> {
    identity
        .iter()
        .map(|it| (it.kind.as_str().to_owned(), it.value.clone()))
        .collect()
}

pub(super) fn of_pairs(pairs: &[(String, String)]) -> Result<Identity, ServiceError> {
    pairs
        .iter()
        .map(|(kind, value)| {
            let kind = IdentifierKind::parse(kind).map_err(|error| {
                ServiceError::Store(StoreError::Corrupt {
                    what: "identifier".to_owned(),
                    why: error.to_string(),
                })
            })?;
            Ok(Identifier {
                kind,
                value: value.clone(),
            })
        })
        .collect()
}

/// The newest look at the record itself.
pub(super) fn look(row: &AssetRow) -> Result<Option<ImportedLook>, ServiceError> {
    if row.look.is_empty() {
        return Ok(None);
    }
    stored(row, &row.look).map(Some)
}

/// What a record says that other words can be held against; `None` where its source no longer names it, or says nothing of
/// the kind.
pub(in super::super) fn other_word(row: &AssetRow) -> Result<Option<OtherWord>, ServiceError> {
    let said: Said = stored(row, &row.said)?;
    let is_silent = said.health.is_none()
        && said.target.is_none()
        && said.active.is_none()
        && said.last_seen_ms.is_none()
        && said.ownership.is_none()
        && said.site.is_empty();
    if row.missing_ms.is_some() || is_silent {
        return Ok(None);
    }
    Ok(Some(OtherWord {
        source: row.source.clone(),
        product: (!said.product.is_empty()).then(|| ProductId::new(said.product)),
        health: said.health,
        tenant: said.tenant,
        last_seen_ms: said.last_seen_ms,
        target: said.target,
        active: said.active,
        ownership: said.ownership,
        site: said.site,
    }))
}

/// Sets what follows from what the record is, and from what was said and seen of its machine.
pub(super) fn settle(row: &mut AssetRow, place: &Place, known: &Known<'_>, now_ms: i64) -> Result<(), ServiceError> {
    row.place = json(place)?;
    row.is_word = is_word(place).to_owned();
    row.host_id = match place {
        Place::Host { host_id, .. } => host_id.to_string(),
        Place::Same { .. } | Place::Alone | Place::Ambiguous { .. } => String::new(),
    };
    let counts = bucket(place, known, now_ms);
    row.bucket = counts.map_or("", AssetBucket::as_str).to_owned();
    row.wake_at_ms = counts.and_then(|_| next_change_ms(known, now_ms));
    let decides = counts.and_then(|_| known.rules.newest(known.looks));
    row.seen = decides.map(json).transpose()?.unwrap_or_default();
    Ok(())
}

/// The kind of a place, by which listings filter.
pub(super) const fn is_word(place: &Place) -> &'static str {
    match place {
        Place::Host { .. } => "host",
        Place::Same { .. } => "same",
        Place::Alone => "alone",
        Place::Ambiguous { .. } => "ambiguous",
    }
}
