//! Rollout: who starts next. Sees the head of the queue, counters and limits, never the whole fleet.

use std::collections::BTreeMap;

use cutover_core::{
    decide::Input,
    plan::Phase,
    rollout::{Candidate, GroupState, WaveState, choose},
};
use cutover_proto::ids::HostId;

use super::{
    Service, ServiceError,
    campaign::{InForce, last_seen},
    plan_edit::{IN_FLIGHT, PlanEdit, read_plan, unsigned},
};
use crate::store::{Reader, WriteTx, campaigns, hosts, plans, slots};

/// How many queued plans one pass looks at. Held and waiting ones at the head must not hide those behind them.
const HEAD: i64 = 200;

impl Service {
    /// Starts who may start; says how many.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn start_hosts(&self) -> Result<usize, ServiceError> {
        let service = self.clone();
        let starts = self.0.store.read(move |tx| service.chosen(tx)).await?;
        let mut started = 0;
        for host in starts {
            let service = self.clone();
            match self.0.store.write(move |tx| service.start(tx, host)).await {
                Ok(()) => started += 1,
                // Held, stopped or out of slots since it was chosen: the next pass chooses anew.
                Err(ServiceError::Refused { why }) => tracing::debug!(%host, why, "not started"),
                Err(error) => return Err(error),
            }
        }
        Ok(started)
    }

    fn chosen(&self, db: &mut impl Reader) -> Result<Vec<HostId>, ServiceError> {
        let in_force = self.in_force(db)?;
        let wave = in_force.campaign.wave.name.clone();
        let group = self.group_state(db, &in_force)?;
        if group.wave != WaveState::Open || group.stopped {
            return Ok(Vec::new());
        }
        let id = self.campaign_id().as_str();
        let rows = plans::first_in_phase(db, id, &wave, Phase::Queued.as_str(), self.now_ms(), HEAD)?;
        let queued = rows.iter().map(read_plan).collect::<Result<Vec<_>, _>>()?;
        let mut seen = BTreeMap::new();
        for plan in &queued {
            seen.insert(plan.host_id, last_seen(db, plan.host_id)?);
        }
        let candidates: Vec<Candidate<'_>> = queued
            .iter()
            .map(|plan| Candidate {
                plan,
                last_seen_ms: seen[&plan.host_id],
            })
            .collect();
        Ok(choose(&candidates, &group, &in_force.campaign, self.now_ms()).starts)
    }

    /// What a wave's rows say at this moment.
    pub(super) fn group_state(&self, db: &mut impl Reader, in_force: &InForce) -> Result<GroupState, ServiceError> {
        let used = slots::list(db, self.campaign_id().as_str())?
            .into_iter()
            .find(|slot| slot.name == IN_FLIGHT)
            .map_or(0, |slot| slot.used);
        Ok(GroupState {
            wave: in_force.wave(&in_force.campaign.wave.name),
            stopped: in_force.is_stopped(),
            in_flight: u32::try_from(used).unwrap_or(u32::MAX),
        })
    }

    /// Issues a host's order: plan, order row, then the slot, under the campaign's epoch.
    fn start(&self, tx: &mut WriteTx<'_>, host: HostId) -> Result<(), ServiceError> {
        let in_force = self.in_force(tx)?;
        let mut edit = PlanEdit::load(tx, self.campaign_id(), host)?;
        let order_number = unsigned(hosts::take_order_number(tx, &host.to_string())?);
        let epoch = unsigned(in_force.row.epoch);
        let wave = edit.plan.wave.clone();
        edit.take(&Input::Started { order_number, epoch }, &in_force.cx(self, &wave))?;
        let last_seen_ms = last_seen(tx, host)?;
        edit.save(tx, self, &in_force, last_seen_ms)?;
        campaigns::hold_epoch(tx, self.campaign_id().as_str(), in_force.row.epoch)?;
        tx.after_commit(super::handle::nudge_topic(host));
        Ok(())
    }
}
