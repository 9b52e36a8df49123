//! What people and records say of a host, and what follows where that changes.

use cutover_core::{coverage::ownership, decide::Input, judge, plan::Known};
use cutover_proto::ids::HostId;

use super::{
    Service, ServiceError,
    campaign::{InForce, broken_id, last_seen, newest_inventory},
    findings::words_about,
    plan_edit::PlanEdit,
    tags,
};
use crate::store::{Reader, WriteTx, hosts};

/// A tag that says where the machine stands begins so.
const SITE: &str = "site";

/// What people and records say of a host. A person's word goes before any record's.
pub(super) fn known_of(db: &mut impl Reader, row: &hosts::HostRow) -> Result<Known, ServiceError> {
    let mut known = Known {
        tags: tags::read(row)?,
        ..Known::default()
    };
    let words = words_about(db, &row.host_id)?;
    let by_person = tags::ownership_said(&known.tags);
    let sources = words.iter().map(|word| (word.source.as_str(), word.ownership));
    known.ownership = ownership(by_person, sources).ownership;
    let by_record = words
        .iter()
        .map(|word| word.site.as_str())
        .find(|site| !site.is_empty());
    let by_tag = known.values(SITE).next().map(str::to_owned);
    known.site = by_tag.or_else(|| by_record.map(str::to_owned)).unwrap_or_default();
    Ok(known)
}

impl Service {
    /// Decides a host's plan anew where people or records say something else of it than before.
    pub(super) fn describe(&self, tx: &mut WriteTx<'_>, in_force: &InForce, host_id: &str) -> Result<(), ServiceError> {
        let Some(row) = hosts::load(tx, host_id)? else {
            return Ok(());
        };
        let host: HostId = host_id.parse().map_err(broken_id)?;
        let mut edit = PlanEdit::load(tx, self.campaign_id(), host)?;
        let known = known_of(tx, &row)?;
        if !edit.plan.is_enrolled() || edit.plan.is_closed() || edit.plan.known == known {
            return Ok(());
        }
        let assessment = newest_inventory(tx, host)?
            .map(|inventory| Box::new(judge::assess(&inventory, &known, &in_force.campaign, &self.0.catalog)));
        edit.take(&Input::Described { known }, &in_force.cx(self))?;
        edit.take(&Input::CampaignChanged { assessment }, &in_force.cx(self))?;
        let last_seen_ms = last_seen(tx, host)?;
        edit.save(tx, self, in_force, last_seen_ms)?;
        Ok(())
    }
}
