//! Keeps the heads of the queues free of those who cannot start, so that they hide nobody behind them.

use cutover_core::{
    campaign::{Campaign, span},
    plan::Phase,
    rollout::{RunState, WaveState},
};

use super::{Service, ServiceError, campaign::InForce};
use crate::store::{
    Reader, WriteTx, plans,
    queue::{self, Queue},
};

/// How many plans of a wave are moved at once.
const BATCH: i64 = 500;

/// What is to be done in one wave.
#[derive(Debug, Clone)]
pub(super) struct Work {
    wave: String,
    is_ripe: bool,
    away: Vec<String>,
    closed: Vec<(String, i64)>,
    seen_before_ms: i64,
}

impl Service {
    /// Puts off who is away until it is heard of, and who is outside of its hours until these come; lets come forward whose time has come; says how many plans were moved.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn tend_queues(&self) -> Result<usize, ServiceError> {
        let service = self.clone();
        let read = self.0.store.read(move |tx| {
            let in_force = service.in_force(tx)?;
            service.queue_work(tx, &in_force)
        });
        let work = read.await?;
        if work.is_empty() {
            return Ok(0);
        }
        let (service, now_ms) = (self.clone(), self.now_ms());
        let moved = self.0.store.write(move |tx| service.tend(tx, &work, now_ms)).await?;
        Ok(usize::try_from(moved).unwrap_or(usize::MAX))
    }

    pub(super) fn queue_work(&self, db: &mut impl Reader, in_force: &InForce) -> Result<Vec<Work>, ServiceError> {
        if in_force.run != RunState::Running {
            return Ok(Vec::new());
        }
        let campaign = &in_force.campaign;
        let now_ms = self.now_ms();
        let seen_before_ms = now_ms - span::ms(campaign.policy.fetch_within);
        let mut all = Vec::new();
        for wave in campaign.wave_names() {
            if in_force.progress.waves.state(wave) != WaveState::Open {
                continue;
            }
            let queue = self.queue(wave);
            let work = Work {
                is_ripe: queue::is_ripe(db, queue, now_ms)?,
                away: queue::away(db, queue, seen_before_ms, BATCH)?,
                closed: self.closed(db, campaign, queue)?,
                seen_before_ms,
                wave: wave.to_owned(),
            };
            if work.is_ripe || !work.away.is_empty() || !work.closed.is_empty() {
                all.push(work);
            }
        }
        Ok(all)
    }

    /// Of the first plans without a date, those for which no work may start at this hour, and when it may. What was in its
    /// hours when it was written may be outside of them now.
    fn closed(
        &self,
        db: &mut impl Reader,
        campaign: &Campaign,
        queue: Queue<'_>,
    ) -> Result<Vec<(String, i64)>, ServiceError> {
        if campaign.windows.is_empty() && campaign.blackouts.is_empty() {
            return Ok(Vec::new());
        }
        let now_ms = self.now_ms();
        let mut closed = Vec::new();
        for row in plans::first_in_phase(db, queue.campaign_id, queue.wave, queue.phase, 0, BATCH)? {
            let plan = self.0.read_plans.read(&row)?;
            let host = plan.traits();
            let (calendar, zone) = (campaign.calendar_for(&host), campaign.zone_for(&host));
            if !calendar.is_open(now_ms, &zone) {
                let opens_ms = calendar.next_open_ms(now_ms, &zone).unwrap_or(i64::MAX);
                closed.push((row.host_id, opens_ms));
            }
        }
        Ok(closed)
    }

    fn tend(&self, tx: &mut WriteTx<'_>, work: &[Work], now_ms: i64) -> Result<u64, ServiceError> {
        let mut moved = 0;
        for work in work {
            let queue = self.queue(&work.wave);
            if work.is_ripe {
                moved += queue::ripen(tx, queue, now_ms, BATCH)?;
            }
            moved += queue::put_off(tx, queue, work.away.clone(), work.seen_before_ms)?;
            moved += queue::put_off_until(tx, queue, work.closed.clone())?;
        }
        Ok(moved)
    }

    fn queue<'a>(&'a self, wave: &'a str) -> Queue<'a> {
        Queue {
            campaign_id: self.campaign_id().as_str(),
            wave,
            phase: Phase::Queued.as_str(),
        }
    }
}
