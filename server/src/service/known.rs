//! What people and records say of a host, and what follows where that changes.

use cutover_core::{coverage::ownership, decide::Input, judge, plan::Known};
use cutover_proto::ids::HostId;

use super::{
    Service, ServiceError,
    campaign::{InForce, broken_id, last_seen, present_inventory},
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
    /// Decides a plan by what is said of its host now, and by its newest look judged anew: under the version in force, or under
    /// another one to see what that would do.
    pub(super) fn decide_anew(
        &self,
        db: &mut impl Reader,
        edit: &mut PlanEdit,
        in_force: &InForce,
    ) -> Result<(), ServiceError> {
        let host = edit.plan.host_id;
        if let Some(row) = hosts::load(db, &host.to_string())? {
            let known = known_of(db, &row)?;
            edit.take(&Input::Described { known }, &in_force.cx(self))?;
        }
        let assessment = present_inventory(db, host)?.map(|inventory| {
            let known = &edit.plan.known;
            Box::new(judge::assess(&inventory, known, &in_force.campaign, &self.0.catalog))
        });
        edit.take(&Input::CampaignChanged { assessment }, &in_force.cx(self))
    }

    /// Decides a host's plan anew where people or records say something else of it than before.
    pub(super) fn describe(&self, tx: &mut WriteTx<'_>, in_force: &InForce, host_id: &str) -> Result<(), ServiceError> {
        let host: HostId = host_id.parse().map_err(broken_id)?;
        let mut edit = PlanEdit::load(tx, self, host)?;
        if !edit.plan.is_enrolled() || edit.plan.is_closed() {
            return Ok(());
        }
        // An import says of most hosts what it said before, and judging is dear.
        let row = hosts::load(tx, host_id)?;
        let known = row.map(|row| known_of(tx, &row)).transpose()?;
        if known.is_none_or(|known| edit.plan.known == known) {
            return Ok(());
        }
        self.decide_anew(tx, &mut edit, in_force)?;
        let last_seen_ms = last_seen(tx, host)?;
        edit.save(tx, self, in_force, last_seen_ms)?;
        Ok(())
    }
}
