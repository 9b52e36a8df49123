//! One plan in one transaction: inputs are decided and applied in memory, then events, row and effects are written once.

use cutover_core::{
    decide::{self, Cx, Effect, Event, Fact, Input},
    forecast,
    plan::{DiskAttestation, Exemption, Plan, ShownBy},
    rollout::{Slot, answers_at, ready_at_ms},
    waiting,
};
use cutover_proto::{ids::HostId, order::WorkOrder, v1};
use prost::Message as _;

use super::{
    Service, ServiceError,
    blockers::keep_cause,
    campaign::InForce,
    disks, exemptions,
    handle::{PLAN_CHANGED, nudge_topic},
};
use crate::store::{Reader, StreamName, WriteTx, domain_controllers, events, grades, plans, slots, work_orders};

/// Version of the events' JSON in plan streams.
const EVENT_SCHEMA: i64 = 1;

/// A plan that is being moved.
#[derive(Debug)]
pub(super) struct PlanEdit {
    pub(super) plan: Plan,
    stored_seq: u64,
    stored_wake: Option<i64>,
    exempt_before: Option<Exemption>,
    disks_before: Option<DiskAttestation>,
    shown_before: Option<ShownBy>,
    /// The site at which it answered as a domain controller.
    answered_at: Option<String>,
    events: Vec<Event>,
    effects: Vec<Effect>,
    agent_at_ms: Option<i64>,
}

impl PlanEdit {
    /// Loads a host's plan, or begins one.
    pub(super) fn load(db: &mut impl Reader, service: &Service, host: HostId) -> Result<Self, ServiceError> {
        let campaign = service.campaign_id();
        let row = plans::load(db, campaign.as_str(), &host.to_string())?;
        let (plan, stored_wake) = match row {
            Some(row) => (service.0.read_plans.read(&row)?.as_ref().clone(), row.wake_at_ms),
            None => (Plan::unborn(host, campaign.clone()), None),
        };
        Ok(Self {
            stored_seq: plan.seq,
            stored_wake,
            exempt_before: exemptions::in_force(&plan).cloned(),
            disks_before: disks::in_force(&plan).cloned(),
            shown_before: plan.shown_by(),
            answered_at: answers_at(&plan).map(str::to_owned),
            plan,
            events: Vec::new(),
            effects: Vec::new(),
            agent_at_ms: None,
        })
    }

    /// Says what the host's clock showed, for the events of this edit.
    pub(super) fn told_at(&mut self, agent_at_ms: i64) {
        self.agent_at_ms = Some(agent_at_ms);
    }

    /// The stream that the events go to.
    pub(super) fn stream(&self) -> StreamName {
        StreamName::plan(self.plan.campaign_id.as_str(), &self.plan.host_id.to_string())
    }

    /// Decides one input and applies what follows.
    pub(super) fn take(&mut self, input: &Input, cx: &Cx<'_>) -> Result<(), ServiceError> {
        let (decision, plan) =
            decide::decide_and_apply(&self.plan, input, cx).map_err(|refused| ServiceError::Refused {
                why: refused.to_string(),
            })?;
        self.plan = plan;
        self.events.extend(decision.events);
        self.effects.extend(decision.effects);
        Ok(())
    }

    /// Whether anything is to be written besides a moved wake.
    pub(super) fn is_changed(&self) -> bool {
        !self.events.is_empty() || !self.effects.is_empty()
    }

    /// Whether the plan woke up for nothing and only its wake moves.
    fn next_wake(&self, service: &Service, in_force: &InForce, last_seen_ms: i64) -> Option<i64> {
        waiting::next_wake(&self.plan, last_seen_ms, &in_force.campaign, &service.outages()).map(|wake| wake.at_ms)
    }

    /// Appends the events, sets the row, carries out the effects that are rows. Gives back the plan as stored.
    pub(super) fn save(
        self,
        tx: &mut WriteTx<'_>,
        service: &Service,
        in_force: &InForce,
        last_seen_ms: i64,
    ) -> Result<Plan, ServiceError> {
        let (campaign, host) = (self.plan.campaign_id.to_string(), self.plan.host_id.to_string());
        let wake_at_ms = self.next_wake(service, in_force, last_seen_ms);
        if self.events.is_empty() {
            if wake_at_ms != self.stored_wake && self.stored_seq > 0 {
                plans::rearm(tx, &campaign, &host, signed(self.stored_seq), wake_at_ms)?;
            }
        } else {
            let new = self
                .events
                .iter()
                .map(|event| written(event, self.agent_at_ms))
                .collect::<Result<Vec<_>, _>>()?;
            events::append(tx, &self.stream(), signed(self.stored_seq), &new)?;
            let row = self.row(
                wake_at_ms,
                service.now_ms(),
                forecast::turn_ms(&self.plan, &in_force.campaign),
                ready_at_ms(&self.plan, &in_force.campaign),
            )?;
            plans::compare_and_set(tx, signed(self.stored_seq), &row)?;
            grades::shift(tx, &campaign, self.shown_before, self.plan.shown_by());
            service.keep_exemption(tx, self.exempt_before.as_ref(), &self.plan)?;
            service.keep_disks(tx, self.disks_before.as_ref(), &self.plan)?;
            match answers_at(&self.plan) {
                Some(site) => domain_controllers::put(tx, &campaign, &host, site)?,
                None if self.answered_at.is_some() => domain_controllers::remove(tx, &campaign, &host)?,
                None => {}
            }
            keep_cause(tx, &self.plan, &self.events, in_force)?;
            service.compare_host(tx, &self.plan, in_force)?;
            tx.after_commit(PLAN_CHANGED);
        }
        for effect in &self.effects {
            self.carry_out(tx, service, in_force, effect)?;
        }
        Ok(self.plan)
    }

    fn row(
        &self,
        wake_at_ms: Option<i64>,
        now_ms: i64,
        latest_start_ms: i64,
        ready_at_ms: i64,
    ) -> Result<plans::PlanRow, ServiceError> {
        let bucket = self.plan.bucket();
        Ok(plans::PlanRow {
            campaign_id: bucket.campaign.to_string(),
            host_id: self.plan.host_id.to_string(),
            seq: signed(self.plan.seq),
            phase: bucket.phase.as_str().to_owned(),
            wave: bucket.wave,
            site: bucket.site,
            stale: bucket.stale,
            late: bucket.late,
            closed: bucket.closed,
            carried: bucket.carried,
            cover: self.plan.account.cover.as_str().to_owned(),
            state: serde_json::to_string(&self.plan).map_err(|error| unreadable("plan", &error))?,
            wake_at_ms,
            latest_start_ms: Some(latest_start_ms).filter(|ms| *ms != i64::MAX),
            updated_ms: now_ms,
            outcome: self.plan.outcome.as_str().to_owned(),
            tried_in: self.plan.tried_in.clone(),
            round: i64::from(self.plan.round),
            // What is ready already has no date, so that all of them lie in the order of their slack.
            ready_at_ms: if ready_at_ms <= now_ms { 0 } else { ready_at_ms },
        })
    }

    /// Slots come after the stream's rows, as the store's order of locks asks.
    fn carry_out(
        &self,
        tx: &mut WriteTx<'_>,
        service: &Service,
        in_force: &InForce,
        effect: &Effect,
    ) -> Result<(), ServiceError> {
        let (campaign, host) = (self.plan.campaign_id.to_string(), self.plan.host_id);
        let (host_text, now_ms) = (host.to_string(), service.now_ms());
        match effect {
            Effect::IssueOrder {
                number,
                attempt,
                epoch,
                not_before_ms,
                expires_ms,
                replacement: _,
                steps,
                catalog_revision,
                slots,
                secrets,
                fetches,
            } => {
                let order = WorkOrder {
                    host_id: host,
                    campaign_id: self.plan.campaign_id.clone(),
                    campaign_epoch: *epoch,
                    number: *number,
                    attempt: *attempt,
                    not_before_ms: *not_before_ms,
                    expires_ms: *expires_ms,
                    offline: false,
                    steps: steps.clone(),
                    secrets: service.sealed(tx, host, *number, secrets)?,
                    catalog_revision: *catalog_revision,
                };
                service.tell_of_test(tx, in_force, &order)?;
                work_orders::insert(
                    tx,
                    &work_orders::WorkOrderRow {
                        host_id: host_text,
                        number: signed(*number),
                        campaign_id: campaign.clone(),
                        attempt: i64::from(*attempt),
                        epoch: signed(*epoch),
                        state: work_orders::OrderState::Issued,
                        body: v1::WorkOrder::from(order).encode_to_vec(),
                        envelope: None,
                        cancel: None,
                        issued_ms: now_ms,
                        fetched_ms: None,
                        ended_ms: None,
                        expires_ms: *expires_ms,
                        outcome: None,
                        wave: self.plan.wave.clone(),
                        fetches: signed(fetches.bytes),
                        line_until_ms: fetches.until_ms,
                        site: fetches.site.clone(),
                        site_until_ms: fetches.site_until_ms,
                    },
                )?;
                take(tx, &campaign, slots)?;
            }
            Effect::AskDrain { slots } => {
                take(tx, &campaign, slots)?;
                service.write_to_drain(tx, in_force, &self.plan)?;
            }
            Effect::ReleaseDrained => service.write_to_release(tx, in_force, &self.plan)?,
            Effect::WithdrawOrder { number, slots } => {
                work_orders::withdraw(tx, &host_text, signed(*number), &self.end_of(*number), now_ms)?;
                give_back(tx, &campaign, slots)?;
            }
            Effect::FreeSlots { number, slots } => {
                work_orders::close(tx, &host_text, signed(*number), &self.end_of(*number), now_ms)?;
                give_back(tx, &campaign, slots)?;
            }
            Effect::GiveBack { slots } => give_back(tx, &campaign, slots)?,
            Effect::RecipesSucceeded { recipes, places } => service.recipes_succeeded(tx, recipes, places, host)?,
            Effect::CancelOrder { .. } | Effect::WantLook | Effect::Nudge => tx.after_commit(nudge_topic(host)),
            Effect::Alarm { kind, text } => {
                tracing::warn!(%host, alarm = %kind, text, "alarm");
                tx.after_commit(format!("alarm:{kind}"));
            }
        }
        Ok(())
    }

    fn end_of(&self, order: u64) -> String {
        let end = self.events.iter().rev().find_map(|event| {
            if let Fact::OrderEnded { number, end, .. } = &event.fact
                && *number == order
            {
                return Some(end.as_str());
            }
            None
        });
        end.unwrap_or("ended").to_owned()
    }
}

/// All of them, or nothing at all comes of it.
fn take(tx: &mut WriteTx<'_>, campaign: &str, slots: &[Slot]) -> Result<(), ServiceError> {
    // In one order, so that two that need the same ones never wait for each other.
    let mut slots: Vec<&Slot> = slots.iter().collect();
    slots.sort_by_key(|slot| &slot.name);
    for slot in slots {
        if !slots::take(tx, campaign, &slot.name, i64::from(slot.cap))? {
            return Err(ServiceError::Refused {
                why: format!("every slot of {} is taken", slot.of),
            });
        }
    }
    Ok(())
}

fn give_back(tx: &mut WriteTx<'_>, campaign: &str, slots: &[String]) -> Result<(), ServiceError> {
    let mut slots: Vec<&String> = slots.iter().collect();
    slots.sort();
    for slot in slots {
        slots::give(tx, campaign, slot)?;
    }
    Ok(())
}

/// Reads a stored plan.
pub(super) fn read_plan(row: &plans::PlanRow) -> Result<Plan, ServiceError> {
    read_state(&row.state)
}

/// Reads a stored plan from its JSON.
pub(super) fn read_state(state: &str) -> Result<Plan, ServiceError> {
    serde_json::from_str(state).map_err(|error| unreadable("plan", &error))
}

/// Reads a stored event of a plan's stream.
pub(super) fn read_event(event: &events::Event) -> Result<Event, ServiceError> {
    serde_json::from_str(&event.body).map_err(|error| unreadable("event", &error))
}

fn written(event: &Event, agent_at_ms: Option<i64>) -> Result<events::NewEvent, ServiceError> {
    Ok(events::NewEvent {
        kind: event.fact.name().to_owned(),
        schema_version: EVENT_SCHEMA,
        body: serde_json::to_string(event).map_err(|error| unreadable("event", &error))?,
        at_ms: event.at_ms,
        agent_at_ms,
    })
}

fn unreadable(what: &str, error: &serde_json::Error) -> ServiceError {
    ServiceError::Broken {
        why: format!("stored {what} cannot be read or written by this version: {error}"),
    }
}

/// Numbers in the store are signed; none of ours comes near the sign.
pub(super) fn signed(number: u64) -> i64 {
    i64::try_from(number).unwrap_or(i64::MAX)
}

/// And back.
pub(super) fn unsigned(number: i64) -> u64 {
    u64::try_from(number).unwrap_or_default()
}
