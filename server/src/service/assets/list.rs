//! Assets as pages and listings show them.

use cutover_core::{
    coverage::{AssetBucket, ImportedLook, Place},
    report::instant,
};
use serde::{Deserialize, Serialize};

use super::{
    super::{Service, ServiceError, personal::revealed},
    convert::{self, Said},
};
use crate::store::{
    Reader, StoreError, asset_totals,
    assets::{self, AssetRow},
    hosts,
};

/// Rows on a page.
const PAGE: usize = 100;

/// Which assets, and where a listing begins.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct AssetFilter {
    /// `host`, `same`, `alone` or `ambiguous`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub is: Option<String>,
    /// Only this source's.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub source: Option<String>,
    /// Only those that their source no longer names.
    pub missing: bool,
    /// What the page before gave as `next`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub after: Option<String>,
}

/// An asset.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct AssetView {
    /// Its id.
    pub asset_id: String,
    /// For people.
    pub name: String,
    /// Who names it.
    pub source: String,
    /// What kind of device.
    pub class: String,
    /// Who answers for it; empty where nobody is named.
    pub owner: String,
    /// `host`, `same`, `alone` or `ambiguous`.
    pub is: String,
    /// That in words.
    pub why: String,
    /// The host that it is; empty where it is none.
    pub host_id: String,
    /// Where it counts; empty where another counts for it.
    pub counts: String,
    /// What was attested, by whom, why, until when; empty where nobody did.
    pub attested: String,
    /// What the imported look shows that decides about its machine; empty where none does.
    #[serde(default)]
    pub seen: String,
    /// What its source says.
    pub said: Said,
    /// Since when its source no longer names it.
    pub missing_ms: Option<i64>,
}

/// One page of assets.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct AssetList {
    /// By id: in the order in which they were first named.
    pub assets: Vec<AssetView>,
    /// How many count as what: all that are no host.
    pub totals: Vec<(String, i64)>,
    /// Where the next page begins.
    pub next: Option<String>,
}

impl Service {
    /// A page of assets.
    ///
    /// # Errors
    /// When the filter makes no sense, or the store fails.
    pub async fn assets(&self, filter: AssetFilter) -> Result<AssetList, ServiceError> {
        if let Some(is) = &filter.is
            && !["host", "same", "alone", "ambiguous"].contains(&is.as_str())
        {
            return Err(ServiceError::Invalid {
                why: format!("`{is}` is nothing that an asset is; it is host, same, alone or ambiguous"),
            });
        }
        self.0
            .store
            .read(move |tx| {
                let wanted = assets::AssetFilter {
                    is_word: filter.is.clone(),
                    source: filter.source.clone(),
                    missing: filter.missing,
                };
                let limit = i64::try_from(PAGE).unwrap_or(i64::MAX) + 1;
                let mut rows = assets::list(tx, &wanted, filter.after.as_deref(), limit)?;
                let more = rows.len() > PAGE;
                rows.truncate(PAGE);
                let next = rows.last().filter(|_| more).map(|row| row.asset_id.clone());
                let assets = rows.iter().map(|row| view(tx, row)).collect::<Result<Vec<_>, _>>()?;
                Ok::<_, ServiceError>(AssetList {
                    assets,
                    totals: asset_totals::list(tx)?,
                    next,
                })
            })
            .await
    }

    /// How many assets are no host, by what they count as.
    pub(in super::super) fn asset_totals(&self, db: &mut impl Reader) -> Result<Vec<(AssetBucket, i64)>, ServiceError> {
        asset_totals::list(db)?
            .into_iter()
            .map(|(bucket, assets)| {
                let bucket = AssetBucket::parse(&bucket).map_err(|error| StoreError::Corrupt {
                    what: "asset_total".to_owned(),
                    why: error.to_string(),
                })?;
                Ok((bucket, assets))
            })
            .collect()
    }
}

pub(super) fn view(db: &mut impl Reader, row: &AssetRow) -> Result<AssetView, ServiceError> {
    let attested = match row.claim_ends_ms {
        None => String::new(),
        Some(ends_ms) => {
            let text = format!(
                "{} until {}, by {}: {}",
                row.claim,
                instant(ends_ms),
                row.claimed_by,
                row.claimed_why
            );
            revealed(db, text)?
        }
    };
    Ok(AssetView {
        asset_id: row.asset_id.clone(),
        name: row.name.clone(),
        source: row.source.clone(),
        class: row.class.clone(),
        owner: revealed(db, row.owner.clone())?,
        is: row.is_word.clone(),
        why: why(db, &convert::place(row)?)?,
        host_id: row.host_id.clone(),
        counts: row.bucket.clone(),
        attested,
        seen: seen(row)?,
        said: convert::stored(row, &row.said)?,
        missing_ms: row.missing_ms,
    })
}

pub(super) fn why(db: &mut impl Reader, place: &Place) -> Result<String, ServiceError> {
    Ok(match place {
        Place::Host { host_id, by } => {
            let name = host_name(db, &host_id.to_string())?;
            match by {
                Some(by) => format!("host {name}, by its {by}"),
                None => format!("host {name}, as a person says"),
            }
        }
        Place::Same { asset_id, by } => {
            let other = assets::load_all(db, [asset_id])?;
            let source = other.first().map_or("another source", |row| row.source.as_str());
            format!("counted where {source} names it, by its {by}")
        }
        Place::Alone => "no agent".to_owned(),
        Place::Ambiguous { hosts, why } => {
            let mut names = Vec::new();
            for host_id in hosts.iter().take(5) {
                names.push(format!("{} ({host_id})", host_name(db, &host_id.to_string())?));
            }
            let more = if hosts.len() > names.len() { ", …" } else { "" };
            format!("{why}: {}{more}", names.join(", "))
        }
    })
}

/// The look that decides, or where another record counts the one at this record.
fn seen(row: &AssetRow) -> Result<String, ServiceError> {
    let text = if row.seen.is_empty() { &row.look } else { &row.seen };
    if text.is_empty() {
        return Ok(String::new());
    }
    Ok(convert::stored::<ImportedLook>(row, text)?.in_words())
}

fn host_name(db: &mut impl Reader, host_id: &str) -> Result<String, ServiceError> {
    Ok(hosts::load(db, host_id)?.map_or_else(|| host_id.to_owned(), |row| row.name))
}
