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

/// So many of them a transaction. A commit costs more than a wake does, and who writes meanwhile waits for no more than these.
const TOGETHER: usize = 50;

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
        for rows in due.chunks(TOGETHER) {
            let hosts = rows
                .iter()
                .map(|row| row.host_id.parse().map_err(broken_id))
                .collect::<Result<Vec<HostId>, _>>()?;
            match self.wake(hosts.clone()).await {
                Ok(()) => {}
                Err(error @ ServiceError::Store(_)) => return Err(error),
                Err(_) => {
                    for (row, host) in rows.iter().zip(hosts) {
                        self.wake_alone(row, host).await?;
                    }
                }
            }
        }
        Ok(due.len())
    }

    /// After one of several could not be decided: it is put off, and holds up no other.
    async fn wake_alone(&self, row: &plans::PlanRow, host: HostId) -> Result<(), ServiceError> {
        match self.wake(vec![host]).await {
            Err(error) if !matches!(error, ServiceError::Store(_)) => {
                tracing::error!(%host, %error, "plan cannot be woken; it is put off by an hour");
                self.put_off(row.clone()).await
            }
            done => done,
        }
    }

    /// All of them in one transaction, or none.
    async fn wake(&self, hosts: Vec<HostId>) -> Result<(), ServiceError> {
        let service = self.clone();
        self.0
            .store
            .write(move |tx| {
                let in_force = service.in_force(tx)?;
                hosts.iter().try_for_each(|host| service.wake_one(tx, &in_force, *host))
            })
            .await
    }

    fn wake_one(&self, tx: &mut WriteTx<'_>, in_force: &InForce, host: HostId) -> Result<(), ServiceError> {
        let mut edit = PlanEdit::load(tx, self, host)?;
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
