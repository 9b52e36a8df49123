//! A check-in of a machine that comes and goes from an image: it has no plan of its own, and gets no orders.

use cutover_core::rollout::RunState;

use super::{
    super::{CallError, Service, campaign::InForce, plan_edit::signed, retire::superseded},
    arrival::Arrival,
    ingest::host_differs,
    vitals,
};
use crate::store::{
    Reader, StreamName, WriteTx, events, host_keys, hosts,
    image_pools::{MemberLook, MemberRow},
};

impl Service {
    /// Whether there is anything to write beside its look.
    pub(super) fn member_says_something_new(
        &self,
        db: &mut impl Reader,
        host: &hosts::HostRow,
        member: &MemberRow,
        arrival: &Arrival,
    ) -> Result<bool, CallError> {
        let keys = host_keys::of_host(db, &host.host_id)?;
        if host_differs(host, arrival)
            || !superseded(&keys, Some(&arrival.spki_hash)).is_empty()
            || self.is_member_due(member)
        {
            return Ok(true);
        }
        let in_force = self.in_force(db)?;
        let is_judged = |look: &MemberLook| look.campaign_version == in_force.row.version;
        if !member.look.as_ref().is_none_or(is_judged) {
            return Ok(true);
        }
        let confirms = arrival.confirmed_ms(host.inventory_digest.as_deref()).is_some();
        let it = self.for_pool(db, &in_force, member, &arrival.boot_id, confirms)?;
        Ok(self.moves_pool(db, &in_force, &it)?)
    }

    /// Stores what it brings, and moves its pool's plan.
    pub(super) fn ingest_of_member(
        &self,
        tx: &mut WriteTx<'_>,
        in_force: &InForce,
        mut host: hosts::HostRow,
        mut member: MemberRow,
        arrival: &Arrival,
    ) -> Result<(), CallError> {
        let mut told = Vec::new();
        self.note_member_seen(tx, &member)?;
        // It has no plan that says when it looked last: what is known arrived by then.
        let known_ms = host.inventory_at_ms;
        if let Some(inventory) = &arrival.inventory
            && self.ingest_inventory(tx, &mut host, arrival, known_ms)?
        {
            told.push(self.inventory_event(inventory));
            if in_force.run != RunState::Closed {
                self.recognise(tx, arrival.host, &inventory.inventory.facts)?;
            }
            self.note_member_look(tx, in_force, &mut member, &inventory.digest, &inventory.inventory)?;
        }
        if let Some(why) = &arrival.ending {
            told.push(self.host_event("agent-ending", &serde_json::json!({ "why": why }), None));
        }
        told.extend(self.take_network(&mut host, arrival.network.as_ref())?);
        told.extend(self.take_program(tx, &mut host, arrival)?);
        vitals::take(&mut host, arrival.vitals.as_ref())?;
        host.agent_version.clone_from(&arrival.agent_version);
        host.rules_revision = signed(arrival.rules_revision);
        let confirms = arrival.confirmed_ms(host.inventory_digest.as_deref()).is_some();
        hosts::update(tx, &host)?;
        if !told.is_empty() {
            events::append_next(tx, &StreamName::host(&host.host_id), &told)?;
        }
        self.revoke_keys(tx, &host.host_id, Some(&arrival.spki_hash))?;
        self.judge_members_anew(tx, in_force, &member.pool)?;
        let it = self.for_pool(tx, in_force, &member, &arrival.boot_id, confirms)?;
        self.move_pool(tx, in_force, &it)
    }
}
