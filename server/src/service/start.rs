//! Rollout: who starts next. Sees the head of the queue, counters and limits, never the whole fleet.

use std::collections::BTreeMap;

use cutover_core::{
    decide::Input,
    plan::Phase,
    rollout::{Candidate, Groups, LineUse, Lines, RunState, Starts, WaveState, choose},
    waiting::hindrance,
};
use cutover_proto::ids::HostId;

use super::{
    Service, ServiceError,
    campaign::{InForce, last_seen},
    plan_edit::{PlanEdit, unsigned},
};
use crate::store::{Reader, WriteTx, campaigns, domain_controllers, hosts, plans, slots, tallies, work_orders};

/// How many queued plans one pass looks at. Held and waiting ones at the head must not hide those behind them.
const HEAD: i64 = 200;

impl Service {
    /// Starts who may start; says how many.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn start_hosts(&self) -> Result<usize, ServiceError> {
        let service = self.clone();
        let read = self.0.store.read(move |tx| {
            let in_force = service.in_force(tx)?;
            service.chosen(tx, &in_force)
        });
        let starts = read.await?;
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

    pub(super) fn chosen(&self, db: &mut impl Reader, in_force: &InForce) -> Result<Vec<HostId>, ServiceError> {
        if in_force.run != RunState::Running {
            return Ok(Vec::new());
        }
        let mut groups = self.groups(db, in_force)?;
        let id = self.campaign_id().as_str();
        let mut starts = Vec::new();
        for wave in in_force.campaign.wave_names() {
            let mut group = groups.of(wave);
            if group.wave != WaveState::Open {
                continue;
            }
            // While a wave is full, as it is most of the time, its queue is not read, and never further than it has room.
            // Hosts that are drained hold their places already, and lie before all others.
            let is_full = group.room(wave, &in_force.campaign) == 0;
            let limit = if is_full {
                i64::from(groups.drained()).min(HEAD)
            } else {
                HEAD
            };
            if limit == 0 {
                continue;
            }
            for row in plans::first_in_phase(db, id, wave, Phase::Queued.as_str(), self.now_ms(), limit)? {
                let plan = self.0.read_plans.read(&row)?;
                if plan.drain.is_none() && group.room(wave, &in_force.campaign) == 0 {
                    break;
                }
                let candidate = Candidate {
                    last_seen_ms: last_seen(db, plan.host_id)?,
                    plan: &plan,
                };
                starts.extend(choose(&[candidate], &mut group, &in_force.campaign, self.now_ms()).starts);
            }
            // What this wave takes, the next ones no longer have.
            groups.take_in(group);
        }
        Ok(starts)
    }

    /// What the rows of all waves say at this moment.
    pub(super) fn groups(&self, db: &mut impl Reader, in_force: &InForce) -> Result<Groups, ServiceError> {
        let id = self.campaign_id().as_str();
        let taken = slots::list(db, id)?
            .into_iter()
            .filter(|slot| slot.used > 0)
            .map(|slot| (slot.name, u32::try_from(slot.used).unwrap_or(u32::MAX)))
            .collect();
        let mut groups = Groups {
            run: in_force.run,
            waves: in_force.progress.waves.clone(),
            taken,
            starts: Starts::default(),
            wave_starts: BTreeMap::new(),
            lines: Lines::default(),
            controllers: BTreeMap::new(),
            breakers: in_force.progress.breakers.clone(),
            not_ready: in_force.not_ready(),
            tallies: BTreeMap::new(),
        };
        for wave in in_force.campaign.wave_names() {
            if in_force.progress.waves.state(wave) == WaveState::Open {
                let round = groups.breakers.round(wave);
                groups
                    .tallies
                    .insert(wave.to_owned(), tallies::of_wave(db, id, wave, round)?);
            }
        }
        let after_ms = self.now_ms() - Starts::WITHIN_MS;
        if in_force.campaign.policy.starts_per_hour.is_some() {
            groups.starts = starts(work_orders::issued_since(db, id, None, after_ms)?);
        }
        for wave in in_force
            .campaign
            .waves
            .iter()
            .filter(|wave| wave.starts_per_hour.is_some())
        {
            let of_wave = starts(work_orders::issued_since(db, id, Some(&wave.name), after_ms)?);
            groups.wave_starts.insert(wave.name.clone(), of_wave);
        }
        for (site, hosts) in domain_controllers::by_site(db, id)? {
            groups
                .controllers
                .insert(site, u32::try_from(hosts).unwrap_or(u32::MAX));
        }
        groups.count_drains(self.now_ms());
        if in_force.campaign.limits_lines() {
            for carried in work_orders::carried(db, id, self.now_ms())? {
                let line = LineUse::new(unsigned(carried.bytes), carried.next_ms);
                match carried.site {
                    None => groups.lines.all = line,
                    Some(site) => {
                        groups.lines.sites.insert(site, line);
                    }
                }
            }
        }
        Ok(groups)
    }

    /// Issues a host's order, or has the host drained first: plan, order row, then the slot, under the campaign's epoch.
    fn start(&self, tx: &mut WriteTx<'_>, host: HostId) -> Result<(), ServiceError> {
        let in_force = self.in_force(tx)?;
        let mut edit = PlanEdit::load(tx, self, host)?;
        // Between choosing and starting anything may have happened, also to the limits.
        let group = self.groups(tx, &in_force)?.of(&edit.plan.wave);
        let seen_ms = last_seen(tx, host)?;
        if let Some(waiting) = hindrance(&edit.plan, &group, seen_ms, &in_force.campaign, self.now_ms()) {
            return Err(ServiceError::Refused { why: waiting.text() });
        }
        let order_number = unsigned(hosts::take_order_number(tx, &host.to_string())?);
        let epoch = unsigned(in_force.row.epoch);
        edit.take(&Input::Started { order_number, epoch }, &in_force.cx(self))?;
        edit.save(tx, self, &in_force, seen_ms)?;
        let row = &in_force.row;
        campaigns::hold(tx, self.campaign_id().as_str(), row.epoch, row.seq)?;
        tx.after_commit(super::handle::nudge_topic(host));
        Ok(())
    }
}

fn starts((count, first_ms): (i64, Option<i64>)) -> Starts {
    Starts {
        count: u32::try_from(count).unwrap_or(u32::MAX),
        oldest_ms: first_ms.unwrap_or_default(),
    }
}
