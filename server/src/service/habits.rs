//! In which hours hosts are usually heard of: noted once an hour a host, beside last contacts, and read by forecasts and pages.

use std::{
    collections::BTreeMap,
    mem,
    sync::{Mutex, PoisonError},
};

use cutover_core::{
    decide::Outage,
    habit::{HOUR_MS, Heard},
    plan::Plan,
};
use cutover_proto::ids::HostId;
use jiff::Timestamp;

use super::{Service, ServiceError};
use crate::store::{Reader, WriteTx, host_habits};

/// An hour in which a host was heard of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct HeardIn {
    /// By the server's clock, since the epoch.
    utc_hour: i64,
    /// So far ahead of it is the clock on the host's wall.
    offset_ms: i64,
}

impl HeardIn {
    /// By the clock on the host's wall, since the epoch.
    const fn wall_hour(self) -> i64 {
        (self.utc_hour * HOUR_MS + self.offset_ms).div_euclid(HOUR_MS)
    }
}

/// Hours that have not been written yet, and which were noted.
#[derive(Debug, Default)]
pub(super) struct HoursBuffer {
    /// Of each host the last hour that was noted here, by the server's clock: the others of the same hour cost a look at this.
    noted: Mutex<BTreeMap<HostId, i64>>,
    waiting: Mutex<BTreeMap<HostId, HeardIn>>,
}

impl HoursBuffer {
    pub(super) fn take(&self) -> BTreeMap<HostId, HeardIn> {
        mem::take(&mut *self.waiting.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// They could not be written; what was noted since is newer.
    pub(super) fn give_back(&self, hours: BTreeMap<HostId, HeardIn>) {
        let mut waiting = self.waiting.lock().unwrap_or_else(PoisonError::into_inner);
        for (host, heard) in hours {
            waiting.entry(host).or_insert(heard);
        }
    }
}

impl Service {
    /// The present hour of a host that is heard of, where it is to be noted: once an hour, and not where hosts that are there are
    /// not heard of in each.
    pub(super) fn hour_to_note(&self, db: &mut impl Reader, plan: &Plan) -> Result<Option<HeardIn>, ServiceError> {
        let now_ms = self.now_ms();
        let utc_hour = now_ms.div_euclid(HOUR_MS);
        let noted = self.0.seen.hours.noted.lock().unwrap_or_else(PoisonError::into_inner);
        let is_noted = noted.get(&plan.host_id) == Some(&utc_hour);
        drop(noted);
        if is_noted || self.longest_interval_ms(false) > HOUR_MS {
            return Ok(None);
        }
        let Some((_, campaign)) = self.row_and_text(db)? else {
            return Ok(None);
        };
        let zone = campaign.zone_for(&plan.traits());
        let offset = Timestamp::from_millisecond(now_ms).map(|at| zone.to_offset(at).seconds());
        Ok(Some(HeardIn {
            utc_hour,
            offset_ms: offset.map_or(0, |seconds| i64::from(seconds) * 1000),
        }))
    }

    /// Notes it; it is written with last contacts.
    pub(super) fn note_hour(&self, host: HostId, heard: HeardIn) {
        let hours = &self.0.seen.hours;
        let mut noted = hours.noted.lock().unwrap_or_else(PoisonError::into_inner);
        noted.insert(host, heard.utc_hour);
        drop(noted);
        let mut waiting = hours.waiting.lock().unwrap_or_else(PoisonError::into_inner);
        waiting.insert(host, heard);
    }

    /// Counts the hours of hosts. Those in which no server took check-ins are nobody's absence.
    pub(super) fn keep_hours(
        &self,
        tx: &mut WriteTx<'_>,
        hours: &BTreeMap<HostId, HeardIn>,
    ) -> Result<(), ServiceError> {
        if hours.is_empty() {
            return Ok(());
        }
        let ids: Vec<String> = hours.keys().map(ToString::to_string).collect();
        let mut kept = habits_of(tx, &ids)?;
        let outages = self.outages();
        let rows: Vec<host_habits::HostHabitRow> = hours
            .iter()
            .map(|(host, heard)| {
                let (host_id, hour) = (host.to_string(), heard.wall_hour());
                let mut it = kept.remove(&host_id).unwrap_or_else(|| Heard::first(hour));
                it.note(hour, |wall| is_out(&outages, wall * HOUR_MS - heard.offset_ms));
                host_habits::HostHabitRow {
                    host_id,
                    shares: it.shares().to_vec(),
                    counted: i64::from(it.counted()),
                    last_hour: it.last_hour(),
                }
            })
            .collect();
        Ok(host_habits::put(tx, &rows)?)
    }
}

impl Service {
    /// When a host is usually heard of, in a sentence.
    pub(super) fn hours_in_words(&self, db: &mut impl Reader, host: &str) -> Result<String, ServiceError> {
        let heard = habits_of(db, &[host.to_owned()])?.remove(host);
        let unknown = || "its hours are not known yet".to_owned();
        Ok(heard.map_or_else(unknown, |heard| heard.in_words()))
    }
}

/// Whether nobody could be heard of in some part of the hour that begins then.
fn is_out(outages: &[Outage], from_ms: i64) -> bool {
    outages
        .iter()
        .any(|outage| outage.from_ms < from_ms + HOUR_MS && from_ms < outage.until_ms)
}

/// What is kept of these hosts, by host. What cannot be read is as if nothing was: it is counted anew.
pub(super) fn habits_of(db: &mut impl Reader, hosts: &[String]) -> Result<BTreeMap<String, Heard>, ServiceError> {
    let rows = host_habits::of_hosts(db, hosts)?;
    let heard = |(host, row): (String, host_habits::HostHabitRow)| {
        Some((host, Heard::from_parts(&row.shares, row.counted, row.last_hour)?))
    };
    Ok(rows.into_iter().filter_map(heard).collect())
}
