//! Pools of machines that come and go from one image (VDI). Each machine speaks for itself, and none has a plan: the pool has
//! one, under a record of its own. It is judged by the machine that is furthest from done, and counts once.

use std::time::Duration;

use cutover_core::{
    decide::Input,
    judge::{self, Assessment, Distance},
    plan::{Known, Pool},
};
use cutover_proto::{
    ids::HostId,
    inventory::{HostFacts, Inventory},
    verdict::Protection,
};

use super::{
    CallError, Service, ServiceError,
    campaign::{InForce, broken_id, read_inventory},
    known::known_of,
    plan_edit::PlanEdit,
};
use crate::store::{
    Reader, StoreError, StreamName, WriteTx, events, hosts,
    image_pools::{self, MemberLook, MemberRow, PoolToken},
    inventories,
};

/// A machine of a pool is noted as heard of no more often than this. One that was noted again and has not looked yet is not
/// known: its agent looks as soon as it has enrolled.
const NOTED_EVERY_MS: i64 = 3_600_000;
/// So many times `stale_after` a machine may be silent before its key is worth nothing any more: it was thrown away.
const GONE_AFTER: i64 = 4;
/// At most so many of them are put out with one that comes, and so many are judged anew with one look.
const AT_ONCE: i64 = 100;

/// What a machine's check-in is to its pool's plan.
#[derive(Debug)]
pub(super) struct ForPool {
    /// Whose plan.
    pub(super) record: HostId,
    /// What happens to it, if anything.
    pub(super) input: Option<Input>,
    /// The inventory by which it is judged from here on, where that is another one.
    judged_by: Option<inventories::InventoryRow>,
}

impl Service {
    /// The record that has the plan of a host: its own, or its pool's.
    pub(super) fn planned_as(&self, db: &mut impl Reader, host: HostId) -> Result<HostId, ServiceError> {
        match image_pools::member(db, &host.to_string())? {
            Some(member) => record_of(db, &member),
            None => Ok(host),
        }
    }

    /// Takes a machine in that enrolled by a pool's token.
    pub(super) fn admit_to_pool(
        &self,
        tx: &mut WriteTx<'_>,
        host: HostId,
        facts: &HostFacts,
        token: &PoolToken,
    ) -> Result<(), CallError> {
        let now_ms = self.now_ms();
        let in_force = self.in_force(tx)?;
        let record = match image_pools::record_of(tx, &token.pool)? {
            Some(record) => record.parse().map_err(broken_id)?,
            None => self.make_pool(tx, facts, token)?,
        };
        let member = MemberRow {
            host_id: host.to_string(),
            pool: token.pool.clone(),
            image: token.image.clone(),
            enrolled_ms: now_ms,
            seen_ms: now_ms,
            look: None,
        };
        image_pools::add_member(tx, &member)?;
        let mut edit = PlanEdit::load(tx, self, record)?;
        if !edit.plan.is_enrolled() || edit.plan.is_closed() {
            let known = self.known_of_pool(tx, record)?;
            edit.take(&Input::Enrolled { known }, &in_force.cx(self))?;
        }
        let pool = Pool {
            name: token.pool.clone(),
            owner: token.owner.clone(),
            within: Duration::from_millis(token.within_ms.unsigned_abs()),
        };
        edit.take(&Input::Pooled(pool), &in_force.cx(self))?;
        edit.save(tx, self, &in_force, now_ms)?;
        self.put_silent_out(tx, &token.pool, &in_force)
    }

    fn make_pool(&self, tx: &mut WriteTx<'_>, facts: &HostFacts, token: &PoolToken) -> Result<HostId, CallError> {
        let record = self.0.entropy.host_id(self.real_now_ms())?;
        image_pools::insert(tx, &token.pool, &record.to_string(), self.now_ms())?;
        self.add_host(tx, record, &facts_of_pool(facts, &token.pool), &[], "", "[]".to_owned())?;
        let body = serde_json::json!({ "pool": token.pool });
        let made = self.host_event("pool-made", &body, None);
        events::append_next(tx, &StreamName::host(&record.to_string()), &[made])?;
        Ok(record)
    }

    fn put_silent_out(&self, tx: &mut WriteTx<'_>, pool: &str, in_force: &InForce) -> Result<(), CallError> {
        let since_ms = self.now_ms() - GONE_AFTER * stale_after_ms(in_force);
        for member in image_pools::silent(tx, pool, since_ms, AT_ONCE)? {
            self.revoke_keys(tx, &member.host_id, None)?;
            image_pools::forget(tx, &member.host_id)?;
        }
        Ok(())
    }

    /// Notes what the newest look at a machine came to.
    pub(super) fn note_member_look(
        &self,
        tx: &mut WriteTx<'_>,
        in_force: &InForce,
        member: &mut MemberRow,
        digest: &str,
        inventory: &Inventory,
    ) -> Result<(), ServiceError> {
        let record = record_of(tx, member)?;
        let known = self.known_of_pool(tx, record)?;
        let look = MemberLook {
            digest: digest.to_owned(),
            distance: self.assess(in_force, &known, inventory).distance().number(),
            campaign_version: in_force.row.version,
        };
        image_pools::note_look(tx, &member.host_id, &look)?;
        member.look = Some(look);
        Ok(())
    }

    /// Notes that a machine was heard of, where that was not noted lately.
    pub(super) fn note_member_seen(&self, tx: &mut WriteTx<'_>, member: &MemberRow) -> Result<(), ServiceError> {
        if self.is_member_due(member) {
            image_pools::note_seen(tx, &member.host_id, self.now_ms())?;
        }
        Ok(())
    }

    /// Whether it is time to note that it was heard of.
    pub(super) fn is_member_due(&self, member: &MemberRow) -> bool {
        self.now_ms() - member.seen_ms >= NOTED_EVERY_MS
    }

    /// Judges the looks anew that another version of the campaign judged.
    pub(super) fn judge_members_anew(
        &self,
        tx: &mut WriteTx<'_>,
        in_force: &InForce,
        pool: &str,
    ) -> Result<(), ServiceError> {
        let (since_ms, version) = (self.now_ms() - stale_after_ms(in_force), in_force.row.version);
        for mut member in image_pools::judged_otherwise(tx, pool, since_ms, version, AT_ONCE)? {
            let Some(look) = member.look.clone() else {
                continue;
            };
            if let Some(row) = inventories::load(tx, &member.host_id, &look.digest)? {
                let inventory = read_inventory(&row)?;
                self.note_member_look(tx, in_force, &mut member, &look.digest, &inventory)?;
            }
        }
        Ok(())
    }

    /// What a machine's check-in is to its pool's plan. `looked` says whether it comes with a look that counts.
    pub(super) fn for_pool(
        &self,
        db: &mut impl Reader,
        in_force: &InForce,
        member: &MemberRow,
        boot_id: &str,
        looked: bool,
    ) -> Result<ForPool, ServiceError> {
        let record = record_of(db, member)?;
        let edit = PlanEdit::load(db, self, record)?;
        let mut out = ForPool {
            record,
            input: None,
            judged_by: None,
        };
        let since_ms = self.now_ms() - stale_after_ms(in_force);
        let untold = (Distance::Unknown.number(), NOTED_EVERY_MS);
        let furthest = image_pools::furthest(db, &member.pool, since_ms, untold)?;
        let Some(furthest) = furthest.filter(|_| !edit.plan.is_closed()) else {
            return Ok(out);
        };
        // By the server's time, and after all that is known: the machines' own clocks are of many machines.
        let now_ms = self.now_ms();
        let looked_at_ms = edit.plan.last_looked_ms.map_or(now_ms, |known| now_ms.max(known + 1));
        let Some(look) = furthest.look else {
            out.input = Some(Input::Looked {
                assessment: Box::new(self.assess(in_force, &edit.plan.known, &untold_by(&furthest.host_id, db)?)),
                looked_at_ms,
                boot_id: boot_id.to_owned(),
            });
            return Ok(out);
        };
        let judged_by = inventories::present(db, &record.to_string())?;
        // The same look counts anew where another judged the pool meanwhile, or another version of the campaign.
        let counts = edit.plan.assessment.as_ref().map(|it| it.distance().number());
        if judged_by.is_none_or(|row| row.digest != look.digest) || counts != Some(look.distance) {
            let stored = inventories::load(db, &furthest.host_id, &look.digest)?;
            let row = stored.ok_or_else(|| ServiceError::Broken {
                why: format!("the newest look of {} is not stored", furthest.host_id),
            })?;
            let inventory = read_inventory(&row)?;
            out.input = Some(Input::Looked {
                assessment: Box::new(self.assess(in_force, &edit.plan.known, &inventory)),
                looked_at_ms,
                boot_id: inventory.boot_id,
            });
            out.judged_by = Some(row);
        } else if looked && member.look.as_ref().is_some_and(|own| own.distance == look.distance) {
            out.input = Some(Input::CheckedIn {
                looked_at_ms: Some(looked_at_ms),
                boot_id: boot_id.to_owned(),
                running: None,
            });
        }
        Ok(out)
    }

    /// Whether it changes the plan.
    pub(super) fn moves_pool(
        &self,
        db: &mut impl Reader,
        in_force: &InForce,
        it: &ForPool,
    ) -> Result<bool, ServiceError> {
        let Some(input) = &it.input else {
            return Ok(false);
        };
        let mut edit = PlanEdit::load(db, self, it.record)?;
        edit.take(input, &in_force.cx(self))?;
        Ok(it.judged_by.is_some() || edit.is_changed())
    }

    /// Decides it and keeps what it was judged by, as evidence of the pool too.
    pub(super) fn move_pool(&self, tx: &mut WriteTx<'_>, in_force: &InForce, it: &ForPool) -> Result<(), CallError> {
        let Some(input) = &it.input else {
            return Ok(());
        };
        let id = it.record.to_string();
        if let Some(row) = &it.judged_by {
            let body = serde_json::json!({ "digest": row.digest, "of": row.host_id });
            let told = self.host_event("inventory", &body, Some(row.taken_agent_ms));
            events::append_next(tx, &StreamName::host(&id), &[told])?;
            let row = inventories::InventoryRow {
                host_id: id.clone(),
                received_ms: self.now_ms(),
                ..row.clone()
            };
            inventories::insert(tx, &row)?;
            if let Some(mut host) = hosts::load(tx, &id)? {
                let facts = facts_of_pool(&read_inventory(&row)?.facts, &host.name);
                host.facts = serde_json::to_string(&facts).map_err(|error| CallError::Broken {
                    why: format!("facts: {error}"),
                })?;
                host.inventory_digest = Some(row.digest);
                host.inventory_at_ms = Some(row.received_ms);
                hosts::update(tx, &host)?;
            }
        }
        let mut edit = PlanEdit::load(tx, self, it.record)?;
        edit.take(input, &in_force.cx(self))?;
        edit.save(tx, self, in_force, self.now_ms())?;
        Ok(())
    }

    fn assess(&self, in_force: &InForce, known: &Known, inventory: &Inventory) -> Assessment {
        judge::assess(inventory, known, &in_force.campaign, &self.0.catalog)
    }

    /// What people and records say of a pool.
    fn known_of_pool(&self, db: &mut impl Reader, record: HostId) -> Result<Known, ServiceError> {
        let row = hosts::load(db, &record.to_string())?;
        row.map_or_else(|| Ok(Known::default()), |row| known_of(db, &row))
    }

    /// What a pool's machines are, in words; nothing of a record that is no pool's.
    pub(super) fn pool_lines(
        &self,
        db: &mut impl Reader,
        in_force: &InForce,
        host_id: &str,
    ) -> Result<Vec<String>, ServiceError> {
        let Some(pool) = image_pools::of_record(db, host_id)? else {
            return Ok(Vec::new());
        };
        let since_ms = self.now_ms() - stale_after_ms(in_force);
        let days = stale_after_ms(in_force) / 86_400_000;
        let mut lines = vec![format!(
            "a pool: it counts once, and the machine furthest from done stands for all that were heard of within {days} days"
        )];
        for (image, number, machines) in image_pools::images(db, &pool, since_ms)? {
            let distance = Distance::ALL.iter().find(|distance| Some(distance.number()) == number);
            let what = distance.map_or("not looked at yet", |distance| distance.text());
            lines.push(format!("image {image}: {machines} {what}"));
        }
        Ok(lines)
    }

    /// Why a machine has no plan, where a pool has it.
    pub(super) fn pool_of(&self, db: &mut impl Reader, host_id: &str) -> Result<Option<String>, StoreError> {
        Ok(image_pools::member(db, host_id)?.map(|member| member.pool))
    }
}

fn record_of(db: &mut impl Reader, member: &MemberRow) -> Result<HostId, ServiceError> {
    let record = image_pools::record_of(db, &member.pool)?.ok_or_else(|| ServiceError::Broken {
        why: format!("pool `{}` has machines and no record", member.pool),
    })?;
    record.parse().map_err(broken_id)
}

/// What a machine shows that was heard of and never looked: nothing of any product.
fn untold_by(host_id: &str, db: &mut impl Reader) -> Result<Inventory, ServiceError> {
    let broken = |why: String| ServiceError::Broken { why };
    let host = hosts::load(db, host_id)?.ok_or_else(|| broken(format!("no host {host_id}, which is of a pool")))?;
    Ok(Inventory {
        host_id: host_id.parse().map_err(broken_id)?,
        taken_at_ms: 0,
        boot_id: String::new(),
        rules_revision: 0,
        facts: serde_json::from_str(&host.facts).map_err(|error| broken(format!("facts of {host_id}: {error}")))?,
        sightings: Vec::new(),
        protection: Protection::Unobserved,
    })
}

/// Of one of its machines, without what tells that one from the others.
fn facts_of_pool(facts: &HostFacts, pool: &str) -> HostFacts {
    HostFacts {
        hostname: pool.to_owned(),
        machine_id: String::new(),
        serial: String::new(),
        system_uuid: String::new(),
        fqdn: String::new(),
        ..facts.clone()
    }
}

fn stale_after_ms(in_force: &InForce) -> i64 {
    i64::try_from(in_force.campaign.policy.stale_after.as_millis()).unwrap_or(i64::MAX / 8)
}
