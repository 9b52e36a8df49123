//! What was done in the campaign as a whole: orders, steps, time under protection, chains.

use super::{
    super::{
        Service, ServiceError,
        plan_edit::{read_state, unsigned},
    },
    ProtectionTime,
    host::protection,
};
use crate::store::{plans::PlanFilter, step_records, views as store_views, work_orders};

/// How many rows one read takes.
const READ: i64 = 500;

/// Sums over the campaign.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Work {
    /// Orders that were issued.
    pub work_orders: u64,
    /// Steps that were carried out or found done.
    pub steps: u64,
    /// Time under protection of each host.
    pub protection: Vec<ProtectionTime>,
    /// Hash chains that were recomputed and hold.
    pub chains_whole: usize,
    /// Hash chains that do not.
    pub chains_broken: usize,
}

impl Service {
    /// Sums over the campaign. Reads every plan: for the end of a demo or an export, not for a page.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn work(&self) -> Result<Work, ServiceError> {
        let (chains_whole, chains_broken) = self.verify_chains().await?;
        let service = self.clone();
        self.0
            .store
            .read(move |tx| {
                let id = service.campaign_id().as_str();
                let mut work = Work {
                    work_orders: unsigned(work_orders::count(tx, id)?),
                    steps: unsigned(step_records::count_done(tx)?),
                    protection: Vec::new(),
                    chains_whole,
                    chains_broken,
                };
                let mut after = None::<String>;
                loop {
                    let filter = PlanFilter::default();
                    let lines = store_views::host_lines(tx, id, &filter, after.as_deref(), READ)?;
                    for line in &lines {
                        work.protection
                            .push(protection(&read_state(&line.state)?, service.now_ms()));
                    }
                    match lines.last() {
                        Some(last) => after = Some(last.host_id.clone()),
                        None => return Ok::<_, ServiceError>(work),
                    }
                }
            })
            .await
    }

    /// Hosts that can still go on by themselves: in a phase that moves, and heard of.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn hosts_on_their_way(&self) -> Result<u64, ServiceError> {
        let service = self.clone();
        self.0
            .store
            .read(move |tx| {
                let totals = service.totals(tx)?;
                let moving = totals
                    .iter()
                    .filter(|(bucket, _)| bucket.phase.is_moving() && !bucket.stale);
                Ok::<_, ServiceError>(unsigned(moving.map(|(_, hosts)| hosts).sum()))
            })
            .await
    }
}
