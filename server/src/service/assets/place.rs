//! What assets are, worked out again for all that are linked with those that changed.

use std::collections::{BTreeMap, BTreeSet};

use cutover_core::{
    coverage::{self, Identity, Machine, Pin, Place, Record},
    findings::OtherWord,
};
use cutover_proto::{ids::HostId, inventory::HostFacts};

use super::{
    super::{Service, ServiceError, campaign::broken_id, findings::Subject, handle::PLAN_CHANGED},
    convert,
};
use crate::store::{
    Reader, StreamName, WriteTx,
    assets::{self, AssetRow},
    events, hosts,
    identifiers::{self, Owner},
};

/// Attestations that one pass ends.
const BATCH: i64 = 200;

/// Hosts whose identifiers are read at once.
const PAGE: i64 = 500;

/// Assets and hosts that share identifiers, directly or through others.
#[derive(Default)]
struct Linked {
    assets: BTreeMap<String, AssetRow>,
    hosts: BTreeMap<String, Identity>,
}

impl Linked {
    /// All that is linked with these.
    fn gather(db: &mut impl Reader, first: BTreeSet<Owner>) -> Result<Self, ServiceError> {
        let mut linked = Self::default();
        let mut open = first;
        while !open.is_empty() {
            let mut found = BTreeSet::new();
            let (mut asset_ids, mut host_ids) = (Vec::new(), Vec::new());
            for owner in open {
                match owner {
                    Owner::Asset(id) => asset_ids.push(id),
                    Owner::Host(id) => host_ids.push(id),
                }
            }
            let mut identifiers = BTreeSet::new();
            for row in assets::load_all(db, &asset_ids)? {
                identifiers.extend(convert::pairs(&convert::identity(&row)?));
                if let Some(Pin::Host(host_id)) = convert::pin(&row)? {
                    found.insert(Owner::Host(host_id.to_string()));
                }
                linked.assets.insert(row.asset_id.clone(), row);
            }
            let owners: Vec<Owner> = host_ids.iter().cloned().map(Owner::Host).collect();
            for (host_id, pairs) in host_ids.iter().zip(identifiers::of(db, &owners)?) {
                linked.hosts.insert(host_id.clone(), convert::of_pairs(&pairs)?);
                identifiers.extend(pairs);
            }
            // Those that a person called this host.
            found.extend(
                assets::by_hosts(db, &host_ids)?
                    .into_iter()
                    .map(|row| Owner::Asset(row.asset_id)),
            );
            let identifiers: Vec<(String, String)> = identifiers.into_iter().collect();
            found.extend(identifiers::sharing(db, &identifiers)?);
            open = found
                .into_iter()
                .filter(|owner| match owner {
                    Owner::Asset(id) => !linked.assets.contains_key(id),
                    Owner::Host(id) => !linked.hosts.contains_key(id),
                })
                .collect();
        }
        Ok(linked)
    }
}

/// What stands for the machine that a record names: a host, or the record that counts for it.
pub(super) fn leader(row: &AssetRow) -> Result<String, ServiceError> {
    Ok(stands_for(row, &convert::place(row)?))
}

fn stands_for(row: &AssetRow, place: &Place) -> String {
    match place {
        Place::Host { host_id, .. } => host_id.to_string(),
        Place::Same { asset_id, .. } => asset_id.clone(),
        Place::Alone | Place::Ambiguous { .. } => row.asset_id.clone(),
    }
}

impl Service {
    /// All records of the machine that a record names, itself among them.
    pub(super) fn records_of_machine(
        &self,
        db: &mut impl Reader,
        row: &AssetRow,
    ) -> Result<Vec<AssetRow>, ServiceError> {
        let own = leader(row)?;
        let linked = Linked::gather(db, BTreeSet::from([Owner::Asset(row.asset_id.clone())]))?;
        let mut found = Vec::new();
        for other in linked.assets.into_values() {
            if leader(&other)? == own {
                found.push(other);
            }
        }
        Ok(found)
    }

    /// Works out anew what these are, and all that are linked with them. The caller has taken its turn.
    pub(super) fn place_around(&self, tx: &mut WriteTx<'_>, first: BTreeSet<Owner>) -> Result<(), ServiceError> {
        let linked = Linked::gather(tx, first)?;
        let records = linked
            .assets
            .values()
            .map(convert::record)
            .collect::<Result<Vec<Record>, _>>()?;
        let machines = linked
            .hosts
            .into_iter()
            .map(|(host_id, identity)| {
                Ok(Machine {
                    host_id: host_id.parse().map_err(broken_id)?,
                    identity,
                })
            })
            .collect::<Result<Vec<_>, ServiceError>>()?;
        let places = coverage::resolve(&records, &machines);
        // What was said or seen of any record of a machine is said or seen of the machine.
        let mut attested: BTreeMap<String, Vec<coverage::Attestation>> = BTreeMap::new();
        let mut looks: BTreeMap<String, Vec<coverage::ImportedLook>> = BTreeMap::new();
        for (row, place) in linked.assets.values().zip(&places) {
            let leader = match place {
                Place::Same { asset_id, .. } => asset_id,
                Place::Host { .. } | Place::Alone | Place::Ambiguous { .. } => &row.asset_id,
            };
            attested
                .entry(leader.clone())
                .or_default()
                .extend(convert::attestation(row)?);
            looks.entry(leader.clone()).or_default().extend(convert::look(row)?);
        }
        let campaign = self.in_force(tx)?.campaign;
        let rules = campaign.policy.look_rules();
        let mut words: BTreeMap<String, Vec<OtherWord>> = BTreeMap::new();
        for (row, place) in linked.assets.values().zip(&places) {
            let words = words.entry(stands_for(row, place)).or_default();
            words.extend(convert::other_word(row)?);
        }
        let host_ids: Vec<String> = machines.iter().map(|machine| machine.host_id.to_string()).collect();
        let asset_ids: Vec<String> = linked.assets.keys().cloned().collect();
        let (mut is_changed, mut moved) = (false, 0);
        for (before, place) in linked.assets.into_values().zip(&places) {
            let mut row = before.clone();
            let known = coverage::Known {
                attested: attested.get(&row.asset_id).map_or(&[][..], Vec::as_slice),
                looks: looks.get(&row.asset_id).map_or(&[][..], Vec::as_slice),
                rules,
            };
            convert::settle(&mut row, place, &known, self.now_ms())?;
            if row != before {
                assets::put(tx, &row, &before.bucket)?;
                is_changed = true;
                moved += usize::from(row.bucket != before.bucket);
            }
        }
        if moved > 0 {
            // Figures change at a position of their own.
            let body = serde_json::json!({ "moved": moved });
            let event = self.host_event("assets-placed", &body, None);
            events::append_next(tx, &StreamName::audit("assets"), &[event])?;
        }
        if is_changed {
            tx.after_commit(PLAN_CHANGED);
        }
        let of = |id: &String| words.get(id).map_or(&[][..], Vec::as_slice);
        for id in &host_ids {
            self.compare_words(tx, Subject::Host(id), of(id), &campaign)?;
        }
        for id in &asset_ids {
            self.compare_words(tx, Subject::Asset(id), of(id), &campaign)?;
        }
        Ok(())
    }

    /// A host says by what it is recognised. Assets that it is are matched with it from now on.
    pub(in super::super) fn recognise(
        &self,
        tx: &mut WriteTx<'_>,
        host: HostId,
        facts: &HostFacts,
    ) -> Result<(), ServiceError> {
        let owner = Owner::Host(host.to_string());
        let mut pairs = convert::pairs(&Identity::of_facts(facts));
        pairs.sort();
        let known = identifiers::of(tx, std::slice::from_ref(&owner))?;
        if known.first() == Some(&pairs) {
            return Ok(());
        }
        assets::take_turn(tx)?;
        // Who was linked with it until now may be something else without it.
        let old: Vec<(String, String)> = known.into_iter().flatten().collect();
        let mut first = identifiers::sharing(tx, &old)?;
        identifiers::set(tx, &owner, &pairs)?;
        first.insert(owner);
        self.place_around(tx, first)
    }

    /// Hosts that enrolled before there were identifiers get theirs.
    pub(super) async fn recognise_all(&self) -> Result<(), ServiceError> {
        let mut after: Option<String> = None;
        loop {
            let (service, from) = (self.clone(), after.clone());
            let last = self
                .0
                .store
                .write(move |tx| {
                    let page = hosts::list(tx, from.as_deref(), PAGE)?;
                    for row in &page {
                        // Facts of a version that this one cannot read are read again with the next inventory.
                        if let Ok(facts) = serde_json::from_str::<HostFacts>(&row.facts) {
                            service.recognise(tx, row.host_id.parse().map_err(broken_id)?, &facts)?;
                        }
                    }
                    Ok::<_, ServiceError>(page.last().map(|row| row.host_id.clone()))
                })
                .await?;
            match last {
                Some(last) => after = Some(last),
                None => return Ok(()),
            }
        }
    }

    /// Works every asset out anew: a new version of the campaign may weigh looks otherwise, and ask for another tenant.
    pub(in super::super) async fn place_all(&self) -> Result<(), ServiceError> {
        let mut after: Option<String> = None;
        loop {
            let (service, from) = (self.clone(), after.clone());
            let last = self
                .0
                .store
                .write(move |tx| {
                    assets::take_turn(tx)?;
                    let page = assets::list(tx, &assets::AssetFilter::default(), from.as_deref(), BATCH)?;
                    let last = page.last().map(|row| row.asset_id.clone());
                    service.place_around(tx, page.into_iter().map(|row| Owner::Asset(row.asset_id)).collect())?;
                    Ok::<_, ServiceError>(last)
                })
                .await?;
            match last {
                Some(last) => after = Some(last),
                None => return Ok(()),
            }
        }
    }

    /// Ends attestations, and what looks say, whose time has come; says how many there were.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn end_attestations(&self) -> Result<usize, ServiceError> {
        let (service, now_ms) = (self.clone(), self.now_ms());
        let due = self
            .0
            .store
            .read(move |tx| {
                if service.is_closed(tx)? {
                    return Ok(Vec::new());
                }
                Ok::<_, ServiceError>(assets::due(tx, now_ms, BATCH)?)
            })
            .await?;
        if due.is_empty() {
            return Ok(0);
        }
        let (service, count) = (self.clone(), due.len());
        let first: BTreeSet<Owner> = due.into_iter().map(|row| Owner::Asset(row.asset_id)).collect();
        self.0
            .store
            .write(move |tx| {
                assets::take_turn(tx)?;
                service.place_around(tx, first.clone())
            })
            .await?;
        Ok(count)
    }
}
