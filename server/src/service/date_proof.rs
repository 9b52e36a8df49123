//! What was true of a machine at each milestone: everything that is kept of it, brought to the core's rule.

use cutover_core::{
    campaign::Campaign,
    coverage::{Found, import::TargetSeen},
    date_proof::{EarlierRecord, Look, date_proof},
    judge,
    plan::Plan,
};
use serde::{Deserialize, Serialize};

use super::{
    Service, ServiceError,
    campaign::{InForce, last_seen, read_inventory},
};
use crate::store::{
    Reader, StoreError,
    assets::{self, AssetRow},
    earlier_records, imported_looks, inventories,
};

/// So many imported looks of a record are weighed.
const LOOKS: i64 = 1000;

/// What was true at a milestone.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ProofView {
    /// Its name.
    pub milestone: String,
    /// When it was.
    pub at_ms: i64,
    /// What was true, in words: `clean, proven by …`, `carrying, proven by …`, `clean, attested by …`, `not knowable, …`.
    pub proof: String,
}

/// All that says something about a machine at some time.
#[derive(Default)]
struct Known {
    looks: Vec<Look>,
    records: Vec<EarlierRecord>,
}

impl Service {
    /// What was true of an enrolled host at each milestone.
    pub(super) fn host_proofs(
        &self,
        db: &mut impl Reader,
        plan: &Plan,
        in_force: &InForce,
    ) -> Result<Vec<ProofView>, ServiceError> {
        let host_id = plan.host_id.to_string();
        let mut known = Known::default();
        known.take_imported(&imported_looks::of_host(db, &host_id, LOOKS)?)?;
        for record in assets::by_hosts(db, [&host_id])? {
            known.take_record(db, &record)?;
        }
        self.take_inventories(db, &mut known, plan, &in_force.campaign)?;
        Ok(self.proofs(&known, &in_force.campaign))
    }

    /// What was true of a machine without agent at each milestone, by all records of it.
    pub(super) fn asset_proofs(
        &self,
        db: &mut impl Reader,
        records: &[AssetRow],
    ) -> Result<Vec<ProofView>, ServiceError> {
        let mut known = Known::default();
        for record in records {
            known.take_record(db, record)?;
        }
        let in_force = self.in_force(db)?;
        Ok(self.proofs(&known, &in_force.campaign))
    }

    fn proofs(&self, known: &Known, campaign: &Campaign) -> Vec<ProofView> {
        let now_ms = self.now_ms();
        let proof = |milestone: &cutover_core::campaign::Milestone| ProofView {
            milestone: milestone.name.clone(),
            at_ms: milestone.at_ms,
            proof: date_proof(milestone, &known.looks, &known.records, now_ms).to_string(),
        };
        campaign.milestones.iter().map(proof).collect()
    }

    /// An inventory is stored when it says something else than the one before; so those next to each milestone tell.
    fn take_inventories(
        &self,
        db: &mut impl Reader,
        known: &mut Known,
        plan: &Plan,
        campaign: &Campaign,
    ) -> Result<(), ServiceError> {
        let host_id = plan.host_id.to_string();
        let mut rows = inventories::first(db, &host_id, 1)?;
        for milestone in &campaign.milestones {
            rows.extend(inventories::beside(db, &host_id, milestone.at_ms)?);
        }
        let present = inventories::present(db, &host_id)?;
        rows.extend(present.iter().cloned());
        rows.sort_by(|one, other| (one.received_ms, &one.digest).cmp(&(other.received_ms, &other.digest)));
        rows.dedup_by(|one, other| one.digest == other.digest);
        let present = present.map(|row| row.digest);
        for row in rows {
            let found = Found::of(&judge::assess(
                &read_inventory(&row)?,
                &cutover_core::plan::Known::default(),
                campaign,
                &self.0.catalog,
            ));
            known.looks.push(Look {
                taken_ms: row.taken_agent_ms,
                received_ms: row.received_ms,
                found,
            });
            // Looks since then said the same, or another inventory would have come.
            if Some(&row.digest) == present.as_ref()
                && let Some(taken_ms) = plan.last_looked_ms.filter(|taken| *taken > row.taken_agent_ms)
            {
                known.looks.push(Look {
                    taken_ms,
                    received_ms: last_seen(db, plan.host_id)?.max(row.received_ms),
                    found,
                });
            }
        }
        Ok(())
    }
}

impl Known {
    fn take_record(&mut self, db: &mut impl Reader, record: &AssetRow) -> Result<(), ServiceError> {
        self.take_imported(&imported_looks::of_asset(db, &record.asset_id, LOOKS)?)?;
        for row in earlier_records::of_asset(db, &record.asset_id)? {
            let target =
                TargetSeen::parse(&row.says).map_err(|error| corrupt("earlier record", &row.asset_id, &error))?;
            self.records.push(EarlierRecord {
                source: format!(
                    "{} (SHA-256 {}…)",
                    row.source,
                    row.sha256.get(..12).unwrap_or(&row.sha256)
                ),
                at_ms: row.at_ms,
                target,
            });
        }
        Ok(())
    }

    fn take_imported(&mut self, rows: &[imported_looks::LookRow]) -> Result<(), ServiceError> {
        for row in rows {
            self.looks.push(Look {
                taken_ms: row.taken_ms,
                received_ms: row.imported_ms,
                found: Found::parse(&row.found).map_err(|error| corrupt("imported look", &row.sha256, &error))?,
            });
        }
        Ok(())
    }
}

fn corrupt(what: &str, id: &str, error: &impl std::fmt::Display) -> ServiceError {
    ServiceError::Store(StoreError::Corrupt {
        what: format!("{what} {id}"),
        why: error.to_string(),
    })
}
