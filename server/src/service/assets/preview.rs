//! What an import would do: worked out over everything that is known, and nothing is written.

use std::collections::{BTreeMap, BTreeSet};

use cutover_core::coverage::{self, Identity, Machine, Place, Record, import::Row};
use cutover_proto::inventory::HostFacts;

use super::{
    super::{Service, ServiceError, campaign::broken_id},
    convert,
    import::AssetsImported,
};
use crate::store::{
    Reader,
    assets::{self, AssetRow},
    hosts,
};

const PAGE: i64 = 1000;

impl Service {
    /// Adds to `done` what would become of the rows.
    pub(super) fn preview(
        &self,
        db: &mut impl Reader,
        source: &str,
        rows: &[Row],
        done: &mut AssetsImported,
    ) -> Result<(), ServiceError> {
        let mut known = every_asset(db)?;
        let keys: BTreeSet<&str> = rows.iter().map(|row| row.key.as_str()).collect();
        let mut named = BTreeMap::new();
        for row in known.iter().filter(|row| row.source == source) {
            if keys.contains(row.source_key.as_str()) {
                named.insert(row.source_key.clone(), row.asset_id.clone());
            } else {
                done.missing.push(row.name.clone());
            }
        }
        let mut records = Vec::new();
        for (at, row) in rows.iter().enumerate() {
            let pin = match named.get(&row.key) {
                Some(id) => known
                    .iter()
                    .find(|it| it.asset_id == *id)
                    .map(convert::pin)
                    .transpose()?
                    .flatten(),
                None => None,
            };
            records.push(Record {
                // A new one is younger than all that are there.
                asset_id: named.get(&row.key).cloned().unwrap_or_else(|| format!("new {at:08}")),
                source: source.to_owned(),
                identity: row.identity.clone(),
                pin,
            });
        }
        done.updated = named.len();
        done.new = rows.len() - named.len();
        known.retain(|row| row.source != source || !keys.contains(row.source_key.as_str()));
        for row in &known {
            records.push(convert::record(row)?);
        }
        let places = coverage::resolve(&records, &every_machine(db)?);
        for place in places.iter().take(rows.len()) {
            done.count(place);
        }
        Ok(())
    }
}

impl Service {
    /// What one record would be among everything that is known.
    pub(super) fn would_be(&self, db: &mut impl Reader, record: Record) -> Result<Place, ServiceError> {
        let own = record.asset_id.clone();
        let mut records = vec![record];
        for row in every_asset(db)?.iter().filter(|row| row.asset_id != own) {
            records.push(convert::record(row)?);
        }
        let places = coverage::resolve(&records, &every_machine(db)?);
        Ok(places.into_iter().next().unwrap_or(Place::Alone))
    }
}

impl AssetsImported {
    pub(super) fn count(&mut self, place: &Place) {
        match place {
            Place::Host { .. } => self.hosts += 1,
            Place::Same { .. } => self.same += 1,
            Place::Alone => self.alone += 1,
            Place::Ambiguous { .. } => self.ambiguous += 1,
        }
    }
}

fn every_asset(db: &mut impl Reader) -> Result<Vec<AssetRow>, ServiceError> {
    let mut all: Vec<AssetRow> = Vec::new();
    loop {
        let after = all.last().map(|row| row.asset_id.clone());
        let page = assets::list(db, &assets::AssetFilter::default(), after.as_deref(), PAGE)?;
        if page.is_empty() {
            return Ok(all);
        }
        all.extend(page);
    }
}

fn every_machine(db: &mut impl Reader) -> Result<Vec<Machine>, ServiceError> {
    let (mut all, mut after) = (Vec::new(), None::<String>);
    loop {
        let page = hosts::list(db, after.as_deref(), PAGE)?;
        let Some(last) = page.last() else { return Ok(all) };
        after = Some(last.host_id.clone());
        for row in &page {
            let identity = serde_json::from_str::<HostFacts>(&row.facts).map_or_else(
                |_| Identity::of("", "", "", &row.name),
                |facts| Identity::of_facts(&facts),
            );
            all.push(Machine {
                host_id: row.host_id.parse().map_err(broken_id)?,
                identity,
            });
        }
    }
}
