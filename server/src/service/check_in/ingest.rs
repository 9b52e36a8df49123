//! What a check-in brings becomes rows and events, in one commit.

use cutover_core::{decide::Input, judge, rollout::RunState};
use cutover_proto::envelope;
use prost::Message as _;

use super::{
    super::{
        CallError, Service, ServiceError,
        campaign::{InForce, last_seen},
        known::known_of,
        plan_edit::{PlanEdit, signed},
        retire::superseded,
    },
    arrival::{Arrival, SignedInventory, SignedRecord},
    network::Network,
    release::OwnProgram,
    reply::Due,
    sessions::{CloneWords, is_disputed, session_is_news},
    vitals::{self, Vitals},
};
use crate::store::{Reader, StreamName, WriteTx, events, host_keys, hosts, image_pools, inventories, step_records};

impl Service {
    /// What goes back where there is nothing to write, by the same reading that finds so; `None` where there is something.
    pub(super) async fn due_without_news(&self, arrival: &Arrival) -> Result<Option<Due>, CallError> {
        if arrival.inventory.is_some()
            || !arrival.records.is_empty()
            || arrival.journal_fault.is_some()
            || arrival.ending.is_some()
        {
            return Ok(None);
        }
        let (service, arrival) = (self.clone(), arrival.clone());
        self.0
            .store
            .read(move |tx| {
                if service.says_something_new(tx, &arrival)? {
                    return Ok(None);
                }
                service.due(tx, &arrival).map(Some)
            })
            .await
    }

    /// Whether there is anything to write: a pure decision over what the store has.
    fn says_something_new(&self, db: &mut impl Reader, arrival: &Arrival) -> Result<bool, CallError> {
        let host = known_host(db, arrival)?;
        if let Some(member) = image_pools::member(db, &host.host_id)? {
            return self.member_says_something_new(db, &host, &member, arrival);
        }
        let mut edit = PlanEdit::load(db, self, arrival.host)?;
        let keys = host_keys::of_host(db, &host.host_id)?;
        let older_keys = !superseded(&keys, Some(&arrival.spki_hash)).is_empty() && !is_disputed(db, &edit.plan)?;
        let other_session = session_is_news(db, &edit.plan, arrival)?;
        if !edit.plan.is_enrolled() || host_differs(&host, arrival) || older_keys || other_session {
            return Ok(true);
        }
        let in_force = self.in_force(db)?;
        self.take_hold(&mut edit, &in_force, arrival)?;
        self.take_steps(&mut edit, &in_force, arrival)?;
        self.take_notices(&mut edit, &in_force, arrival)?;
        self.take_presence(&mut edit, &in_force, &host, arrival)?;
        Ok(edit.is_changed())
    }

    /// Stores and decides. Repeated, late and out-of-order records change nothing.
    pub(super) async fn ingest(&self, arrival: Arrival) -> Result<(), CallError> {
        let (service, words) = (self.clone(), CloneWords::draw(self)?);
        self.0
            .store
            .write(move |tx| service.ingest_in(tx, &arrival, &words))
            .await
    }

    fn ingest_in(&self, tx: &mut WriteTx<'_>, arrival: &Arrival, words: &CloneWords) -> Result<(), CallError> {
        let mut host = known_host(tx, arrival)?;
        let before = host.clone();
        let in_force = self.in_force(tx)?;
        if let Some(member) = image_pools::member(tx, &host.host_id)? {
            return self.ingest_of_member(tx, &in_force, host, member, arrival);
        }
        let mut edit = PlanEdit::load(tx, self, arrival.host)?;
        if let Some(order) = &edit.plan.order {
            tracing::Span::current().record("attempt", order.attempt);
        }
        let mut told = Vec::new();
        if !edit.plan.is_enrolled() {
            let known = known_of(tx, &host)?;
            edit.take(&Input::Enrolled { known }, &in_force.cx(self))?;
        }
        told.extend(self.follow_session(tx, &mut edit, &in_force, arrival, words)?);
        for signed_record in &arrival.records {
            if self.ingest_record(tx, &mut edit, &in_force, signed_record)? {
                told.push(self.record_event(signed_record));
            }
        }
        if let Some(fault) = arrival.journal_fault {
            edit.take(&Input::JournalDistrusted { fault }, &in_force.cx(self))?;
        }
        if let Some(why) = &arrival.ending {
            tracing::warn!(host = %arrival.host, why, "the agent ends itself, to be started again");
            told.push(self.host_event("agent-ending", &serde_json::json!({ "why": why }), None));
        }
        self.take_hold(&mut edit, &in_force, arrival)?;
        self.take_steps(&mut edit, &in_force, arrival)?;
        self.take_notices(&mut edit, &in_force, arrival)?;
        let known_ms = edit.plan.last_looked_ms;
        match &arrival.inventory {
            Some(inventory) if self.ingest_inventory(tx, &mut host, arrival, known_ms)? && !edit.plan.is_closed() => {
                told.push(self.inventory_event(inventory));
                if in_force.run != RunState::Closed {
                    self.recognise(tx, arrival.host, &inventory.inventory.facts)?;
                }
                let assessment = judge::assess(
                    &inventory.inventory,
                    &edit.plan.known,
                    &in_force.campaign,
                    &self.0.catalog,
                );
                let looked = Input::Looked {
                    assessment: Box::new(assessment),
                    looked_at_ms: arrival.news_ms(inventory.inventory.taken_at_ms, self.now_ms(), known_ms),
                    boot_id: arrival.session(&edit.plan, self.now_ms(), self.0.clock.speed()),
                };
                edit.told_at(inventory.inventory.taken_at_ms);
                edit.take(&looked, &in_force.cx(self))?;
            }
            Some(_) | None => self.take_presence(&mut edit, &in_force, &host, arrival)?,
        }
        told.extend(self.take_network(&mut host, arrival.network.as_ref())?);
        told.extend(self.take_program(tx, &mut host, arrival)?);
        vitals::take(&mut host, arrival.vitals.as_ref())?;
        host.agent_version.clone_from(&arrival.agent_version);
        host.rules_revision = signed(arrival.rules_revision);
        if host != before && told.is_empty() && !edit.is_changed() {
            // What can be asked as of an instant changes at a position of its own.
            told.push(self.host_event("told", &told_of(&before, &host), None));
        }
        hosts::update(tx, &host)?;
        hosts::note_begun(tx, &host.host_id, signed(arrival.highest_order_begun))?;
        if !told.is_empty() {
            events::append_next(tx, &StreamName::host(&host.host_id), &told)?;
        }
        // The other machines may have the older key, and need it to get an identity of their own.
        if !is_disputed(tx, &edit.plan)? {
            self.revoke_keys(tx, &host.host_id, Some(&arrival.spki_hash))?;
        }
        let last_seen_ms = last_seen(tx, arrival.host)?.max(self.now_ms());
        edit.save(tx, self, &in_force, last_seen_ms)?;
        Ok(())
    }

    fn take_hold(&self, edit: &mut PlanEdit, in_force: &InForce, arrival: &Arrival) -> Result<(), ServiceError> {
        if edit.plan.is_closed() {
            return Ok(());
        }
        let input = Input::HeldLocally {
            why: arrival.hold.clone(),
        };
        edit.take(&input, &in_force.cx(self))
    }

    fn take_steps(&self, edit: &mut PlanEdit, in_force: &InForce, arrival: &Arrival) -> Result<(), ServiceError> {
        if edit.plan.is_closed() {
            return Ok(());
        }
        let input = Input::SaidSteps {
            lacking: arrival.lacking_steps.clone(),
        };
        edit.take(&input, &in_force.cx(self))
    }

    fn take_presence(
        &self,
        edit: &mut PlanEdit,
        in_force: &InForce,
        host: &hosts::HostRow,
        arrival: &Arrival,
    ) -> Result<(), ServiceError> {
        if edit.plan.is_closed() {
            // It left, or was taken out; only enrolling again brings it back.
            return Ok(());
        }
        let input = Input::CheckedIn {
            looked_at_ms: arrival.confirmed_ms(host.inventory_digest.as_deref()),
            boot_id: arrival.session(&edit.plan, self.now_ms(), self.0.clock.speed()),
            running: arrival.running,
        };
        edit.take(&input, &in_force.cx(self))
    }

    /// Whether the record is new. One past a gap is not taken: the host sends it again with those before it.
    fn ingest_record(
        &self,
        tx: &mut WriteTx<'_>,
        edit: &mut PlanEdit,
        in_force: &InForce,
        signed_record: &SignedRecord,
    ) -> Result<bool, CallError> {
        let record = &signed_record.record;
        let (host, order) = (record.host_id.to_string(), signed(record.order_number));
        if i64::from(record.sequence) > step_records::mark(tx, &host, order)? + 1 {
            return Ok(false);
        }
        let row = step_records::StepRecordRow {
            host_id: host,
            order_number: order,
            sequence: i64::from(record.sequence),
            received_ms: self.now_ms(),
            event: record.event.as_str().to_owned(),
            step: i64::from(record.step),
            envelope: signed_record.envelope.encode_to_vec(),
        };
        match step_records::insert(tx, &row)? {
            step_records::Arrival::New => {}
            step_records::Arrival::Repeated => return Ok(false),
            step_records::Arrival::Differs => {
                tracing::warn!(
                    host = %record.host_id, order = record.order_number, sequence = record.sequence,
                    "a step record came again with other bytes; the first one stays"
                );
                return Ok(false);
            }
        }
        edit.told_at(record.at_ms);
        edit.take(&Input::Recorded(Box::new(record.clone())), &in_force.cx(self))?;
        Ok(true)
    }

    /// Keeps the inventory that it carries, where it carries one, and says whether that is news after what is `known`. One that
    /// arrives after newer ones is not kept: the reply asks for a fresh look.
    pub(super) fn ingest_inventory(
        &self,
        tx: &mut WriteTx<'_>,
        host: &mut hosts::HostRow,
        arrival: &Arrival,
        known_ms: Option<i64>,
    ) -> Result<bool, CallError> {
        let Some(inventory) = &arrival.inventory else {
            return Ok(false);
        };
        if host.inventory_digest.as_ref() == Some(&inventory.digest) {
            return Ok(false);
        }
        if !arrival.is_in_order(known_ms, self.now_ms()) {
            tracing::info!(
                host = %arrival.host, digest = inventory.digest, known_ms,
                "an inventory is not known to be newer than the present one; a fresh look is asked for"
            );
            return Ok(false);
        }
        let row = inventories::InventoryRow {
            host_id: host.host_id.clone(),
            digest: inventory.digest.clone(),
            taken_agent_ms: inventory.inventory.taken_at_ms,
            received_ms: self.now_ms(),
            envelope: inventory.envelope.encode_to_vec(),
        };
        // Where the server's clock was set back a late one may have taken the place of the present one, which is kept, and
        // comes again.
        let is_news = inventories::insert(tx, &row)? || arrival.is_back_at(&inventory.digest, known_ms);
        if is_news {
            host.inventory_digest = Some(inventory.digest.clone());
            host.inventory_at_ms = Some(self.now_ms());
            host.name.clone_from(&inventory.inventory.facts.hostname);
            host.facts = serde_json::to_string(&inventory.inventory.facts).map_err(|error| CallError::Broken {
                why: format!("facts: {error}"),
            })?;
        }
        Ok(is_news)
    }

    fn record_event(&self, signed_record: &SignedRecord) -> events::NewEvent {
        let record = &signed_record.record;
        let body = serde_json::json!({
            "order": record.order_number,
            "sequence": record.sequence,
            "event": record.event,
            "digest": hex::encode(envelope::digest(&signed_record.envelope)),
        });
        self.host_event("step-record", &body, Some(record.at_ms))
    }

    pub(super) fn inventory_event(&self, inventory: &SignedInventory) -> events::NewEvent {
        let body = serde_json::json!({ "digest": inventory.digest, "boot_id": inventory.inventory.boot_id });
        self.host_event("inventory", &body, Some(inventory.inventory.taken_at_ms))
    }
}

fn known_host(db: &mut impl Reader, arrival: &Arrival) -> Result<hosts::HostRow, CallError> {
    hosts::load(db, &arrival.host.to_string())?.ok_or(CallError::UnknownHost)
}

fn told_of(before: &hosts::HostRow, after: &hosts::HostRow) -> serde_json::Value {
    serde_json::json!({
        "agent": before.agent_version != after.agent_version,
        "rules": before.rules_revision != after.rules_revision,
        "reported": before.reported != after.reported,
    })
}

pub(super) fn host_differs(host: &hosts::HostRow, arrival: &Arrival) -> bool {
    host.agent_version != arrival.agent_version
        || host.rules_revision != signed(arrival.rules_revision)
        || host.highest_begun < signed(arrival.highest_order_begun)
        || arrival.program != OwnProgram::of(&host.reported)
        || (arrival.network.is_some() && arrival.network != Network::of(&host.reported))
        || (arrival.vitals.is_some() && arrival.vitals != Vitals::of(&host.reported))
}
