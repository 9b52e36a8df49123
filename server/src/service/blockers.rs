//! What holds hosts up and can be mended, ranked by how many hosts that is; and what mending it is worth.

use std::collections::BTreeMap;

use cutover_core::{
    blockers::{Cause, Pace, WORKING_DAYS, cause, day_of},
    campaign::{Mode, Opens},
    decide::{Event, Fact},
    plan::{Phase, Plan},
    rollout::{BreakerState, RunState, WaveState},
    waiting::Waiting,
};
use serde::{Deserialize, Serialize};

use super::{
    Service, ServiceError,
    campaign::InForce,
    plan_edit::{read_plan, unsigned},
};
use crate::store::{
    Reader, WriteTx,
    causes::{self, HeldBy},
    hosts, plans, totals,
};

/// How many hosts are named of each cause.
const EXAMPLES: i64 = 5;

/// How many days are read for the pace: its working days with the weekends between them, and holidays.
const DAYS: i64 = WORKING_DAYS as i64 * 3;

/// A host that a cause holds up.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct BlockedHost {
    /// Its id.
    pub host_id: String,
    /// What the machine calls itself.
    pub name: String,
}

/// A cause.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct BlockerView {
    /// What hosts are counted by: the phase, what it is, and of what.
    pub cause: String,
    /// What is so.
    pub text: String,
    /// What to do.
    pub remedy: String,
    /// Who does.
    pub owner: String,
    /// So many hosts it holds up. Each host counts at one cause: its own, and else its group's.
    pub hosts: u64,
    /// By so many working days the end comes later, at the most, where this is mended only when all else is done. `None` where
    /// the pace is not known.
    pub days_sooner: Option<String>,
    /// Some of them.
    pub examples: Vec<BlockedHost>,
}

/// What holds hosts up.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Blockers {
    /// When it was so, in milliseconds since the epoch.
    pub as_of_ms: i64,
    /// How many hosts all causes hold up together.
    pub hosts: u64,
    /// How fast hosts were done lately.
    pub pace: String,
    /// The causes, the one that holds up most first.
    pub causes: Vec<BlockerView>,
}

/// A cause with its hosts.
struct Found {
    cause: Cause,
    hosts: u64,
    examples: Vec<String>,
}

/// Keeps what holds a plan's host up, and counts the host where it is done by these events. Belongs to the writing of its row.
pub(super) fn keep_cause(
    tx: &mut WriteTx<'_>,
    plan: &Plan,
    events: &[Event],
    in_force: &InForce,
) -> Result<(), ServiceError> {
    let (campaign_id, host_id) = (plan.campaign_id.as_str(), plan.host_id.to_string());
    let by = cause(plan, &in_force.campaign).map(|cause| HeldBy {
        cause: cause.key,
        phase: plan.phase.as_str().to_owned(),
        wave: plan.wave.clone(),
    });
    causes::set(tx, campaign_id, &host_id, by)?;
    for event in events {
        if matches!(
            event.fact,
            Fact::Moved {
                to: Phase::Migrated,
                ..
            }
        ) {
            let day = day_of(event.at_ms, &in_force.campaign.policy.time_zone);
            causes::note_done(tx, campaign_id, &day.to_string());
        }
    }
    Ok(())
}

impl Service {
    /// What holds hosts up, from counts: nobody scans the fleet for it.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn blockers(&self) -> Result<Blockers, ServiceError> {
        let service = self.clone();
        self.0.store.read(move |tx| service.blockers_in(tx)).await
    }

    fn blockers_in(&self, db: &mut impl Reader) -> Result<Blockers, ServiceError> {
        let in_force = self.in_force(db)?;
        let mut own: BTreeMap<String, u64> = BTreeMap::new();
        let mut own_by_group: BTreeMap<(String, String), u64> = BTreeMap::new();
        for total in causes::list(db, self.campaign_id().as_str())? {
            let hosts = unsigned(total.hosts);
            *own.entry(total.by.cause).or_default() += hosts;
            *own_by_group.entry((total.by.phase, total.by.wave)).or_default() += hosts;
        }
        let mut found = Vec::new();
        for (key, hosts) in own {
            found.extend(self.own_cause(db, &in_force, &key, hosts)?);
        }
        found.extend(self.group_causes(db, &in_force, &own_by_group)?);
        found.sort_by(|a, b| b.hosts.cmp(&a.hosts).then_with(|| a.cause.key.cmp(&b.cause.key)));
        let pace = self.pace(db, &in_force)?;
        let mut views = Vec::new();
        for it in found {
            views.push(view(db, it, &pace)?);
        }
        Ok(Blockers {
            as_of_ms: self.now_ms(),
            hosts: views.iter().map(|it| it.hosts).sum(),
            pace: pace.text(),
            causes: views,
        })
    }

    /// A cause that hosts have by themselves. Its words are those of the first host that still has it.
    fn own_cause(
        &self,
        db: &mut impl Reader,
        in_force: &InForce,
        key: &str,
        hosts: u64,
    ) -> Result<Option<Found>, ServiceError> {
        let id = self.campaign_id().as_str();
        let examples = causes::hosts(db, id, key, EXAMPLES)?;
        for host in &examples {
            let Some(row) = plans::load(db, id, host)? else {
                continue;
            };
            let its = cause(&read_plan(&row)?, &in_force.campaign).filter(|its| its.key == key);
            if let Some(cause) = its {
                return Ok(Some(Found { cause, hosts, examples }));
            }
        }
        // The campaign says otherwise by now, and a pass decides these hosts anew.
        Ok(None)
    }

    /// What holds up all hosts of a wave, or of the campaign, that nothing of their own does.
    fn group_causes(
        &self,
        db: &mut impl Reader,
        in_force: &InForce,
        own: &BTreeMap<(String, String), u64>,
    ) -> Result<Vec<Found>, ServiceError> {
        let id = self.campaign_id().as_str();
        let mut free: BTreeMap<(String, String), u64> = BTreeMap::new();
        for total in totals::list(db, id)? {
            let bucket = total.bucket;
            if [Phase::Planned.as_str(), Phase::Queued.as_str()].contains(&bucket.phase.as_str()) {
                *free.entry((bucket.phase, bucket.wave)).or_default() += unsigned(total.hosts);
            }
        }
        let mut found: BTreeMap<String, Found> = BTreeMap::new();
        for ((phase, wave), hosts) in free {
            let hosts = hosts.saturating_sub(own.get(&(phase.clone(), wave.clone())).copied().unwrap_or_default());
            let phase = Phase::parse(&phase).map_err(|error| ServiceError::Broken { why: error.to_string() })?;
            let Some((what, waiting)) = group_cause(in_force, phase, &wave).filter(|_| hosts > 0) else {
                continue;
            };
            let heads = plans::first_in_phase(db, id, &wave, phase.as_str(), self.now_ms(), EXAMPLES)?;
            let it = found.entry(what.clone()).or_insert_with(|| Found {
                cause: Cause {
                    key: what,
                    text: waiting.text(),
                    remedy: waiting.remedy(),
                    owner: waiting.owner(),
                },
                hosts: 0,
                examples: Vec::new(),
            });
            it.hosts += hosts;
            it.examples.extend(heads.into_iter().map(|row| row.host_id));
            it.examples.truncate(usize::try_from(EXAMPLES).unwrap_or_default());
        }
        Ok(found.into_values().collect())
    }

    fn pace(&self, db: &mut impl Reader, in_force: &InForce) -> Result<Pace, ServiceError> {
        let mut done = BTreeMap::new();
        for (day, hosts) in causes::done(db, self.campaign_id().as_str(), DAYS)? {
            let day = day.parse().map_err(|error| ServiceError::Broken {
                why: format!("stored day `{day}`: {error}"),
            })?;
            done.insert(day, unsigned(hosts));
        }
        Ok(Pace::of(
            &done,
            day_of(self.now_ms(), &in_force.campaign.policy.time_zone),
        ))
    }
}

/// What a person can end that holds up hosts of that phase and wave, and what it is called.
fn group_cause(in_force: &InForce, phase: Phase, wave: &str) -> Option<(String, Waiting)> {
    let (campaign, progress) = (&in_force.campaign, &in_force.progress);
    let named = wave.to_owned();
    if campaign.mode == Mode::Observe {
        return Some(("campaign/observe-mode".to_owned(), Waiting::ObserveMode));
    }
    if in_force.run != RunState::Running {
        return Some((
            format!("campaign/{}", in_force.run),
            Waiting::Halted { run: in_force.run },
        ));
    }
    match progress.waves.state(wave) {
        WaveState::Closed => {
            // One that opens by its gate waits for other hosts, not for a person.
            let by_hand = campaign.wave(wave).is_none_or(|wave| wave.opens == Opens::ByHand);
            return by_hand.then(|| (format!("wave-closed/{wave}"), Waiting::WaveClosed { wave: named }));
        }
        WaveState::Paused => return Some((format!("wave-paused/{wave}"), Waiting::WavePaused { wave: named })),
        WaveState::Open => {}
    }
    if phase != Phase::Queued {
        return None;
    }
    if let BreakerState::Tripped(trip) = &progress.breakers.of(wave).state {
        let waiting = Waiting::Tripped {
            wave: named,
            cause: trip.cause,
            since_ms: trip.at_ms,
        };
        return Some((format!("wave-halted/{wave}"), waiting));
    }
    let open = in_force.not_ready();
    (!open.is_empty()).then(|| ("campaign/readiness".to_owned(), Waiting::Readiness { open }))
}

fn view(db: &mut impl Reader, it: Found, pace: &Pace) -> Result<BlockerView, ServiceError> {
    let mut examples = Vec::new();
    for host_id in it.examples {
        let name = hosts::load(db, &host_id)?.map_or_else(|| host_id.clone(), |row| row.name);
        examples.push(BlockedHost { host_id, name });
    }
    let days = |tenths: u64| format!("{}.{}", tenths / 10, tenths % 10);
    Ok(BlockerView {
        cause: it.cause.key,
        text: it.cause.text,
        remedy: it.cause.remedy,
        owner: it.cause.owner.to_string(),
        hosts: it.hosts,
        days_sooner: pace.tenths_for(it.hosts).map(days),
        examples,
    })
}
