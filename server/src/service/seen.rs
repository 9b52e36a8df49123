//! Last contacts: gathered in memory, written in batches, so that a check-in that changes nothing writes nothing.

use std::{
    collections::BTreeMap,
    mem,
    sync::{Arc, Mutex, PoisonError},
};

use cutover_core::{
    campaign::{Policy, span},
    decide::Outage,
};
use cutover_proto::ids::HostId;

use super::{Service, ServiceError, habits::HoursBuffer};
use crate::store::{availability, host_seen, leases, meta, queue};

/// A gap in the heartbeat of more than this is an outage.
const OUTAGE_FROM_MS: i64 = 30_000;

/// How far back outages are looked for: longer than any limit of a plan that is in progress.
const OUTAGES_BACK_MS: i64 = 30 * 86_400_000;

/// How often the heartbeat is written.
const HEARTBEAT_MS: i64 = 10_000;

/// How long a lease holds, by the machine's clock.
const LEASE_MS: i64 = 10_000;

/// The lease of all background work.
const LEASE: &str = "tasks";

/// What has not been written yet.
#[derive(Debug, Default)]
pub(super) struct SeenBuffer {
    hosts: Mutex<BTreeMap<HostId, host_seen::HostSeenRow>>,
    /// Hours in which hosts were heard of.
    pub(super) hours: HoursBuffer,
    beat_ms: Mutex<i64>,
    lease_until_ms: Mutex<i64>,
    /// Why the newest write of the background work failed; `None` where it did not.
    write_failed: Mutex<Option<ServiceError>>,
}

impl Service {
    /// Notes that a host was heard of.
    pub(super) fn note_seen(&self, host: HostId, boot_id: &str, looked_ms: Option<i64>) {
        let row = host_seen::HostSeenRow {
            host_id: host.to_string(),
            seen_ms: self.now_ms(),
            boot_id: boot_id.to_owned(),
            looked_agent_ms: looked_ms,
        };
        self.0
            .seen
            .hosts
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .insert(host, row);
    }

    /// Writes last contacts and the heartbeat; says how many contacts.
    ///
    /// # Errors
    /// When the store fails; the contacts are kept and written with the next batch.
    pub async fn flush_seen(&self) -> Result<usize, ServiceError> {
        let rows = mem::take(&mut *self.0.seen.hosts.lock().unwrap_or_else(PoisonError::into_inner));
        let hours = self.0.seen.hours.take();
        let beat = self.beat_is_due();
        if rows.is_empty() && hours.is_empty() && !beat {
            return Ok(0);
        }
        let (now_ms, batch): (i64, Vec<_>) = (self.now_ms(), rows.values().cloned().collect());
        let (gap_ms, service, of_hours) = (self.outage_from_ms(), self.clone(), hours.clone());
        let written = self
            .0
            .store
            .write(move |tx| {
                let silence_ms = service.silence_ms(tx)?;
                host_seen::flush(tx, &batch, now_ms, silence_ms)?;
                let heard_of: Vec<&str> = batch.iter().map(|row| row.host_id.as_str()).collect();
                queue::come_forward(tx, &heard_of)?;
                service.keep_hours(tx, &of_hours)?;
                let outage_ended = beat && availability::heartbeat(tx, now_ms, gap_ms)?;
                Ok::<_, ServiceError>((batch.len(), outage_ended))
            })
            .await;
        self.note_write(&written);
        let (count, outage_ended) = match written {
            Ok(written) => written,
            Err(error) => {
                let mut waiting = self.0.seen.hosts.lock().unwrap_or_else(PoisonError::into_inner);
                for (host, row) in rows {
                    waiting.entry(host).or_insert(row);
                }
                self.0.seen.hours.give_back(hours);
                // The next batch brings the heartbeat too, before anything is woken by limits that counted this time.
                *self.0.seen.beat_ms.lock().unwrap_or_else(PoisonError::into_inner) = 0;
                return Err(error);
            }
        };
        if outage_ended {
            self.reload_outages().await?;
        }
        Ok(count)
    }

    /// A silence of more than this changes what is said of a host.
    fn silence_ms(&self, db: &mut impl crate::store::Reader) -> Result<i64, ServiceError> {
        let campaign = self.row_and_text(db)?.map(|(_, campaign)| campaign);
        let silence = |policy: &Policy| span::ms(policy.fetch_within.min(policy.stale_after));
        Ok(campaign.map_or_else(|| silence(&Policy::default()), |campaign| silence(&campaign.policy)))
    }

    /// Why nothing can be written, where the newest write of the background work failed. It tries again every few seconds.
    pub(super) fn last_write_failed(&self) -> Option<ServiceError> {
        let failed = self.0.seen.write_failed.lock().unwrap_or_else(PoisonError::into_inner);
        failed.clone()
    }

    fn note_write<T>(&self, written: &Result<T, ServiceError>) {
        let mut failed = self.0.seen.write_failed.lock().unwrap_or_else(PoisonError::into_inner);
        match written {
            Ok(_) if failed.take().is_some() => tracing::info!("the store takes writes again"),
            Ok(_) => {}
            Err(error) => *failed = Some(error.clone()),
        }
    }

    /// The campaign's clock may run faster than the heartbeat's: the same pause is then a longer time.
    fn outage_from_ms(&self) -> i64 {
        #[expect(
            clippy::cast_possible_truncation,
            reason = "a pause of half a minute times any sane speed fits"
        )]
        let scaled = (OUTAGE_FROM_MS as f64 * self.0.clock.speed()) as i64;
        scaled.max(OUTAGE_FROM_MS)
    }

    fn beat_is_due(&self) -> bool {
        let now_ms = self.real_now_ms();
        let mut last = self.0.seen.beat_ms.lock().unwrap_or_else(PoisonError::into_inner);
        let due = now_ms - *last >= HEARTBEAT_MS;
        if due {
            *last = now_ms;
        }
        due
    }

    /// Reads the times in which no server took check-ins, so that no limit counts them.
    pub(super) fn remember_outages(&self) -> Result<(), ServiceError> {
        let (now_ms, gap_ms) = (self.now_ms(), self.outage_from_ms());
        let intervals = self.0.store.write_now(move |tx| {
            availability::heartbeat(tx, now_ms, gap_ms)?;
            Ok::<_, ServiceError>(availability::between(tx, now_ms - OUTAGES_BACK_MS, now_ms + 1)?)
        })?;
        self.set_outages(&intervals);
        Ok(())
    }

    /// The same while the server runs: one has just ended, because nothing could be written or the machine slept.
    async fn reload_outages(&self) -> Result<(), ServiceError> {
        let now_ms = self.now_ms();
        let intervals = self
            .0
            .store
            .read(move |tx| Ok::<_, ServiceError>(availability::between(tx, now_ms - OUTAGES_BACK_MS, now_ms + 1)?))
            .await?;
        self.set_outages(&intervals);
        Ok(())
    }

    fn set_outages(&self, intervals: &[availability::Interval]) {
        let outages: Vec<Outage> = intervals
            .windows(2)
            .map(|pair| Outage {
                from_ms: pair[0].to_ms,
                until_ms: pair[1].from_ms,
            })
            .collect();
        *self.0.outages.write().unwrap_or_else(PoisonError::into_inner) = Arc::from(outages);
    }

    /// Whether this process does the background work; another takes over within seconds when it stops.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn leads(&self) -> Result<bool, ServiceError> {
        let now_ms = self.real_now_ms();
        let until_ms = *self
            .0
            .seen
            .lease_until_ms
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        // Renewed at half its time, so that an idle server writes a row every few seconds and not at every pass.
        if until_ms - now_ms > LEASE_MS / 2 {
            return Ok(true);
        }
        let holder = self.0.holder.clone();
        let held = self
            .0
            .store
            .write(move |tx| {
                let database_ms = tx.database_now_ms()?;
                Ok::<_, ServiceError>(leases::take(tx, LEASE, &holder, database_ms, LEASE_MS)?.is_some())
            })
            .await;
        self.note_write(&held);
        let held = held?;
        let mut until = self
            .0
            .seen
            .lease_until_ms
            .lock()
            .unwrap_or_else(PoisonError::into_inner);
        *until = if held { now_ms + LEASE_MS } else { 0 };
        Ok(held)
    }

    /// Gives the lease back at the end, so that another takes over at once.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn give_up_lease(&self) -> Result<(), ServiceError> {
        let holder = self.0.holder.clone();
        self.0
            .store
            .write(move |tx| Ok::<_, ServiceError>(leases::release(tx, LEASE, &holder)?))
            .await
    }

    /// Gives a new store its epoch, once.
    pub(super) fn name_store(&self) -> Result<(), ServiceError> {
        let epoch = self.0.entropy.hex::<16>()?;
        self.0.store.write_now(move |tx| {
            meta::ensure(tx, meta::STORE_EPOCH, &epoch)?;
            Ok(())
        })
    }

    /// Changes when the store was restored; agents then send again what lies above its marks.
    pub(super) fn store_epoch(db: &mut impl crate::store::Reader) -> Result<String, ServiceError> {
        Ok(meta::get(db, meta::STORE_EPOCH)?.unwrap_or_default())
    }
}
