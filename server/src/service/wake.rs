//! Wakes: plans whose time has come. A pass reads only rows that are due.

use cutover_core::decide::Input;
use cutover_proto::ids::HostId;

use super::{
    Service, ServiceError,
    campaign::{InForce, broken_id, last_seen},
    plan_edit::PlanEdit,
};
use crate::store::{WriteTx, plans};

/// How many plans one pass wakes; the next pass takes the rest.
const BATCH: i64 = 200;

impl Service {
    /// Decides every plan that is due; says how many there were. Of a closed campaign none is any more.
    ///
    /// # Errors
    /// When the store fails. A plan that cannot be decided is logged and put off, so that it holds up no other.
    pub async fn wake_due(&self) -> Result<usize, ServiceError> {
        let (service, now_ms) = (self.clone(), self.now_ms());
        let due = self
            .0
            .store
            .read(move |tx| {
                if service.is_closed(tx)? {
                    return Ok(Vec::new());
                }
                Ok::<_, ServiceError>(plans::due(tx, now_ms, BATCH)?)
            })
            .await?;
        for row in &due {
            let host: HostId = row.host_id.parse().map_err(broken_id)?;
            let service = self.clone();
            let woken = self
                .0
                .store
                .write(move |tx| {
                    let in_force = service.in_force(tx)?;
                    service.wake(tx, &in_force, host)
                })
                .await;
            match woken {
                Ok(()) => {}
                Err(error @ ServiceError::Store(_)) => return Err(error),
                Err(error) => {
                    tracing::error!(%host, %error, "plan cannot be woken; it is put off by an hour");
                    self.put_off(row.clone()).await?;
                }
            }
        }
        Ok(due.len())
    }

    fn wake(&self, tx: &mut WriteTx<'_>, in_force: &InForce, host: HostId) -> Result<(), ServiceError> {
        let mut edit = PlanEdit::load(tx, self.campaign_id(), host)?;
        let last_seen_ms = last_seen(tx, host)?;
        edit.take(&Input::Woke { last_seen_ms }, &in_force.cx(self))?;
        edit.save(tx, self, in_force, last_seen_ms)?;
        Ok(())
    }

    async fn put_off(&self, row: plans::PlanRow) -> Result<(), ServiceError> {
        const HOUR_MS: i64 = 3_600_000;
        let until_ms = self.now_ms() + HOUR_MS;
        self.0
            .store
            .write(move |tx| {
                plans::rearm(tx, &row.campaign_id, &row.host_id, row.seq, Some(until_ms))?;
                Ok::<_, ServiceError>(())
            })
            .await
    }
}
