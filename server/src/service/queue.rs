//! Keeps the heads of the queues free of those who cannot start, so that they hide nobody behind them.

use cutover_core::{campaign::span, plan::Phase, rollout::WaveState};

use super::{Service, ServiceError};
use crate::store::{
    Reader, WriteTx,
    queue::{self, Queue},
};

/// How many plans of a wave are moved at once.
const BATCH: i64 = 500;

/// What is to be done in one wave.
#[derive(Debug, Clone)]
struct Work {
    wave: String,
    is_ripe: bool,
    away: Vec<String>,
    seen_before_ms: i64,
}

impl Service {
    /// Puts off who is away until it is heard of, and lets come forward whose time has come; says how many plans were moved.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn tend_queues(&self) -> Result<usize, ServiceError> {
        let service = self.clone();
        let work = self.0.store.read(move |tx| service.queue_work(tx)).await?;
        if work.is_empty() {
            return Ok(0);
        }
        let (service, now_ms) = (self.clone(), self.now_ms());
        let moved = self.0.store.write(move |tx| service.tend(tx, &work, now_ms)).await?;
        Ok(usize::try_from(moved).unwrap_or(usize::MAX))
    }

    fn queue_work(&self, db: &mut impl Reader) -> Result<Vec<Work>, ServiceError> {
        let in_force = self.in_force(db)?;
        let wave = in_force.campaign.wave.name.clone();
        if in_force.is_stopped() || in_force.wave(&wave) != WaveState::Open {
            return Ok(Vec::new());
        }
        let now_ms = self.now_ms();
        let seen_before_ms = now_ms - span::ms(in_force.campaign.policy.fetch_within);
        let queue = self.queue(&wave);
        let work = Work {
            is_ripe: queue::is_ripe(db, queue, now_ms)?,
            away: queue::away(db, queue, seen_before_ms, BATCH)?,
            seen_before_ms,
            wave: wave.clone(),
        };
        let is_needed = work.is_ripe || !work.away.is_empty();
        Ok(is_needed.then_some(work).into_iter().collect())
    }

    fn tend(&self, tx: &mut WriteTx<'_>, work: &[Work], now_ms: i64) -> Result<u64, ServiceError> {
        let mut moved = 0;
        for work in work {
            let queue = self.queue(&work.wave);
            if work.is_ripe {
                moved += queue::ripen(tx, queue, now_ms, BATCH)?;
            }
            moved += queue::put_off(tx, queue, work.away.clone(), work.seen_before_ms)?;
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
