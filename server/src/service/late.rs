//! Who is late: a forecast that is made by itself now and then, and what it says of each plan.
//!
//! It is made beside all other work, reads a batch at a time, takes one processor, and moves plans a thousand a transaction. One
//! that is cut off is made anew: what it turned stays, since the next turns only what still differs.

use std::{
    sync::{
        Arc, Mutex, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use cutover_core::{
    campaign::{Mode, Opens, span},
    decide::Input,
    outlook::{Misses, is_late, misses},
    rollout::{RunState, WaveState},
    simulate::{Assumptions, Setup},
};
use cutover_proto::ids::HostId;
use serde::{Deserialize, Serialize};

use super::{
    Service, ServiceError,
    campaign::{BATCH, InForce, broken_id, last_seen},
    plan_edit::{PlanEdit, read_plan},
    simulate::{AskSimulation, DAYS_MAX, nobody_drains, setup},
};
use crate::store::{StreamName, WriteTx, events, meta, plans, totals};

/// How who is late is judged.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ForecastSettings {
    /// How often, of the campaign's time, where something changed; zero: never.
    pub every: Duration,
    /// Of how many courses, at most.
    pub courses: u32,
    /// A larger fleet is judged by slack alone.
    pub hosts: u32,
    /// How soon people are taken to do what is theirs.
    pub people_within: Duration,
}

impl Default for ForecastSettings {
    fn default() -> Self {
        Self {
            every: Duration::from_secs(3600),
            courses: 40,
            hosts: 50_000,
            people_within: Duration::from_secs(2 * 86_400),
        }
    }
}

/// Of a large fleet fewer courses are made: so many hosts are followed in all of them together, or ten courses.
const FOLLOWED: u32 = 200_000;
const COURSES_LEAST: u32 = 10;

/// While nothing changes, one is made so often nevertheless: time alone makes late.
const ANYWAY_MS: i64 = 24 * 3_600_000;

/// Of the machine's time it takes no more than one part in so many.
const REST: i64 = 20;

/// How long one that failed is not tried again, by the machine's clock.
const AFTER_FAILURE_MS: i64 = 60_000;

/// Everything that is drawn is drawn from it, so that the same fleet is judged alike.
const SEED: u64 = 1;

/// When the next is due, as far as this process knows.
#[derive(Debug, Default)]
pub(super) struct LateWatch(Mutex<Next>);

#[derive(Debug, Clone, Copy, Default)]
struct Next {
    /// By the campaign's clock.
    at_ms: i64,
    /// By the machine's.
    real_ms: i64,
}

/// What is kept of the newest one.
#[derive(Debug, Clone, Copy, Serialize, Deserialize)]
struct Made {
    at_ms: i64,
    /// The last event before it was begun.
    pos: i64,
}

/// Who is late, judged anew.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct LateJudged {
    /// Of how many courses; none: by slack alone.
    pub courses: u32,
    /// How many are late.
    pub late: u64,
    /// How many plans turned.
    pub turned: u64,
}

impl Service {
    /// Whether it is time to judge anew who is late: so long after the last time, where something happened since.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn late_is_due(&self) -> Result<bool, ServiceError> {
        let every_ms = span::ms(self.0.forecast.every);
        let (now_ms, next) = (self.now_ms(), self.next_judgement());
        if every_ms == 0 || now_ms < next.at_ms || self.real_now_ms() < next.real_ms {
            return Ok(false);
        }
        let service = self.clone();
        let read = self.0.store.read(move |tx| {
            let made = meta::get(tx, meta::LATE_JUDGED)?;
            Ok::<_, ServiceError>((made, events::last_pos(tx)?, service.is_closed(tx)?))
        });
        let (made, pos, is_closed) = read.await?;
        if is_closed {
            self.judge_next(now_ms + every_ms);
            return Ok(false);
        }
        let Some(made) = made else {
            // Nobody was ever judged, because nobody was there: the first time is a while from now.
            let begins = Made { at_ms: now_ms, pos: 0 };
            self.0.store.write(move |tx| keep(tx, begins)).await?;
            self.judge_next(now_ms + every_ms);
            return Ok(false);
        };
        let made: Made = serde_json::from_str(&made).map_err(|error| ServiceError::Broken {
            why: format!("stored time at which lateness was judged: {error}"),
        })?;
        let since_ms = now_ms - made.at_ms;
        if (0..every_ms).contains(&since_ms) {
            self.judge_next(made.at_ms + every_ms);
            return Ok(false);
        }
        if made.pos == pos && (0..ANYWAY_MS).contains(&since_ms) {
            self.judge_next(now_ms + every_ms);
            return Ok(false);
        }
        Ok(true)
    }

    /// Makes a forecast and turns the plans of which it says something else than before. `None` where it was told to stop.
    ///
    /// # Errors
    /// When the store fails; what was turned stays so, and the next time goes on.
    pub async fn judge_late(&self, stop: Arc<AtomicBool>) -> Result<Option<LateJudged>, ServiceError> {
        let began_ms = self.real_now_ms();
        self.rest_until(began_ms + AFTER_FAILURE_MS);
        let service = self.clone();
        let read = self.0.store.read(move |tx| {
            let in_force = service.in_force(tx)?;
            Ok::<_, ServiceError>((in_force, events::last_pos(tx)?))
        });
        let (in_force, pos) = read.await?;
        let Some(misses) = self.foresee(&in_force, Arc::clone(&stop)).await? else {
            return Ok(None);
        };
        let Some(judged) = self.turn_late(Arc::new(misses), &stop).await? else {
            return Ok(None);
        };
        let (service, version) = (self.clone(), in_force.row.version);
        self.0
            .store
            .write(move |tx| service.note_judged(tx, judged, version, pos))
            .await?;
        if judged.turned > 0 {
            tracing::info!(
                late = judged.late,
                turned = judged.turned,
                courses = judged.courses,
                "who is late was judged"
            );
        }
        self.judge_next(self.now_ms() + span::ms(self.0.forecast.every));
        let now_ms = self.real_now_ms();
        self.rest_until(now_ms + REST * (now_ms - began_ms).max(0));
        Ok(Some(judged))
    }

    /// The courses, until the target: as if the campaign ran, and people did what is theirs within the time that is set for it.
    async fn foresee(&self, in_force: &InForce, stop: Arc<AtomicBool>) -> Result<Option<Misses>, ServiceError> {
        let (from_ms, settings) = (self.now_ms(), self.0.forecast.clone());
        let ahead = from_ms + 1..from_ms + i64::from(DAYS_MAX) * 86_400_000;
        let Some(until_ms) = in_force.campaign.target_ms().filter(|at_ms| ahead.contains(at_ms)) else {
            return Ok(Some(Misses::default()));
        };
        let id = self.campaign_id().clone();
        let buckets = self.0.store.read(move |tx| totals::list(tx, id.as_str())).await?;
        let hosts: i64 = buckets.iter().map(|total| total.hosts).sum();
        let hosts = u32::try_from(hosts).unwrap_or(u32::MAX);
        if hosts == 0 || hosts > settings.hosts {
            return Ok(Some(Misses::default()));
        }
        let mut in_force = in_force.clone();
        let only_looks = in_force.campaign.mode == Mode::Observe;
        if only_looks {
            Arc::make_mut(&mut in_force.campaign).mode = Mode::Automatic;
        }
        nobody_drains(&mut in_force);
        let fleet = self.fleet(&in_force, only_looks).await?;
        let opens = opened_by_people(&in_force, from_ms + span::ms(settings.people_within));
        let courses = settings.courses.min((FOLLOWED / hosts).max(COURSES_LEAST));
        let service = self.clone();
        let foreseen = tokio::task::spawn_blocking(move || {
            let assumptions = Assumptions {
                people_within: Some(settings.people_within),
                ..Assumptions::default()
            };
            let plain = AskSimulation::plain(DAYS_MAX, SEED);
            let setup = Setup {
                run: RunState::Running,
                until_ms,
                ..setup(&service, &in_force, &assumptions, opens, from_ms, &plain)
            };
            misses(&setup, &fleet.hosts, &fleet.experience, courses, || {
                !stop.load(Ordering::Relaxed)
            })
        });
        foreseen.await.map_err(|error| ServiceError::Broken {
            why: format!("a forecast failed: {error}"),
        })
    }

    /// Turns the plans that are to be, a batch a transaction. Batches in which nobody turns are only read.
    async fn turn_late(&self, misses: Arc<Misses>, stop: &AtomicBool) -> Result<Option<LateJudged>, ServiceError> {
        let mut judged = LateJudged {
            courses: misses.courses(),
            ..LateJudged::default()
        };
        let mut after: Option<String> = None;
        loop {
            if stop.load(Ordering::Relaxed) {
                return Ok(None);
            }
            let (service, said) = (self.clone(), Arc::clone(&misses));
            let read = self
                .0
                .store
                .read(move |tx| service.differing(tx, after.as_deref(), &said));
            let batch = read.await?;
            judged.late += batch.late;
            if !batch.differ.is_empty() {
                let (service, said) = (self.clone(), Arc::clone(&misses));
                let write = self
                    .0
                    .store
                    .write(move |tx| service.turn_batch(tx, &batch.differ, &said));
                judged.turned += write.await?;
            }
            after = batch.last;
            if after.is_none() {
                return Ok(Some(judged));
            }
        }
    }

    fn differing(
        &self,
        tx: &mut impl crate::store::Reader,
        after: Option<&str>,
        misses: &Misses,
    ) -> Result<Batch, ServiceError> {
        let (in_force, now_ms) = (self.in_force(tx)?, self.now_ms());
        let id = self.campaign_id().as_str();
        let rows = plans::list(tx, id, &plans::PlanFilter::default(), after, BATCH)?;
        let mut batch = Batch {
            last: rows.last().map(|row| row.host_id.clone()),
            ..Batch::default()
        };
        for row in &rows {
            let plan = read_plan(row)?;
            let late = is_late(&plan, &in_force.campaign, now_ms, misses);
            batch.late += u64::from(late);
            if late != plan.late {
                batch.differ.push(row.host_id.parse().map_err(broken_id)?);
            }
        }
        Ok(batch)
    }

    /// Judged again as they are now: a plan may have moved since it was read.
    fn turn_batch(&self, tx: &mut WriteTx<'_>, hosts: &[HostId], misses: &Misses) -> Result<u64, ServiceError> {
        let in_force = self.in_force(tx)?;
        let mut turned = 0;
        for host in hosts {
            let mut edit = PlanEdit::load(tx, self, *host)?;
            let late = is_late(&edit.plan, &in_force.campaign, self.now_ms(), misses);
            turned += u64::from(late != edit.plan.late);
            edit.take(&Input::Forecast { late }, &in_force.cx(self))?;
            let last_seen_ms = last_seen(tx, *host)?;
            edit.save(tx, self, &in_force, last_seen_ms)?;
        }
        Ok(turned)
    }

    fn note_judged(
        &self,
        tx: &mut WriteTx<'_>,
        judged: LateJudged,
        version: i64,
        pos: i64,
    ) -> Result<(), ServiceError> {
        if judged.turned > 0 {
            let body = serde_json::json!({
                "campaign_version": version, "catalog_revision": self.0.catalog.revision, "seed": SEED,
                "courses": judged.courses, "late": judged.late, "turned": judged.turned,
            });
            // In a stream of its own: the campaign's is what people did.
            let event = self.host_event("late-judged", &body, None);
            events::append_next(tx, &StreamName::audit("forecasts"), &[event])?;
        }
        // What happened while it was made is a reason for another one.
        keep(
            tx,
            Made {
                at_ms: self.now_ms(),
                pos,
            },
        )
    }

    fn next_judgement(&self) -> Next {
        *self.0.late.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn judge_next(&self, at_ms: i64) {
        self.0.late.0.lock().unwrap_or_else(PoisonError::into_inner).at_ms = at_ms;
    }

    fn rest_until(&self, real_ms: i64) {
        self.0.late.0.lock().unwrap_or_else(PoisonError::into_inner).real_ms = real_ms;
    }
}

#[derive(Debug, Default)]
struct Batch {
    differ: Vec<HostId>,
    late: u64,
    last: Option<String>,
}

fn keep(tx: &mut WriteTx<'_>, made: Made) -> Result<(), ServiceError> {
    let text = serde_json::to_string(&made).map_err(|error| ServiceError::Broken {
        why: format!("time at which lateness was judged: {error}"),
    })?;
    Ok(meta::set(tx, meta::LATE_JUDGED, &text)?)
}

/// Waves that are not open and wait for a person.
fn opened_by_people(in_force: &InForce, at_ms: i64) -> Vec<(String, i64)> {
    let campaign = &in_force.campaign;
    let by_gate = |name: &str| {
        campaign
            .waves
            .iter()
            .any(|it| it.name == name && it.opens == Opens::ByGate)
    };
    let waits = |name: &&str| match in_force.progress.waves.state(name) {
        WaveState::Open => false,
        WaveState::Paused => true,
        WaveState::Closed => !by_gate(name),
    };
    let waiting = campaign.wave_names().filter(waits);
    waiting.map(|name| (name.to_owned(), at_ms)).collect()
}
