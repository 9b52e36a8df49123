//! What would become of the fleet: the simulation over the plans as they stand, under the campaign in force or another one.

use std::{collections::BTreeMap, sync::Arc};

use cutover_core::{
    campaign::{Mode, span},
    outlook::{Experience, Outlook, outlook},
    plan::Plan,
    simulate::{Assumptions, Participant, PerMille, Setup, Simulated, simulate},
};
use cutover_proto::ids::HostId;
use serde::{Deserialize, Serialize};

use super::{
    Caller, Service, ServiceError,
    access::Role,
    campaign::{BATCH, InForce, broken_id, last_seen, under},
    habits::habits_of,
    plan_edit::PlanEdit,
};
use crate::store::plans;

/// The longest that is simulated, in days.
pub(super) const DAYS_MAX: u32 = 730;

/// A share that somebody made up counts as much as so many hosts that were seen.
const MADE_UP_WEIGHS: u64 = 50;

/// What is to be simulated.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AskSimulation {
    /// A campaign file instead of the one in force.
    #[serde(default)]
    pub campaign: Option<CampaignText>,
    /// How much the campaign does by itself, instead of what it says.
    #[serde(default)]
    pub mode: Option<Mode>,
    /// For how many days.
    #[serde(default = "ninety")]
    pub days: u32,
    /// What everything drawn is drawn from.
    #[serde(default = "one")]
    pub seed: u64,
    /// Waves that a person opens, and how long from now, such as `2d`.
    #[serde(default)]
    pub open: BTreeMap<String, String>,
    /// How soon people settle the readiness list, let hosts start and answer gates, such as `1d`; left out: not at all.
    #[serde(default)]
    pub people_within: Option<String>,
    /// Of a hundred attempts, how many fail; left out: as many as did so far.
    #[serde(default)]
    pub fails_percent: Option<f64>,
}

/// A campaign file.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CampaignText {
    /// What it is called, for what is said of it.
    pub file: String,
    /// It.
    pub text: String,
}

impl AskSimulation {
    /// Of the campaign in force, with nothing that anybody asked for.
    pub(super) fn plain(days: u32, seed: u64) -> Self {
        Self {
            campaign: None,
            mode: None,
            days,
            seed,
            open: BTreeMap::new(),
            people_within: None,
            fails_percent: None,
        }
    }
}

const fn ninety() -> u32 {
    90
}

const fn one() -> u64 {
    1
}

/// What became of it.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct SimulationDone {
    /// The version of the campaign in force when it was made.
    pub version: i64,
    /// Whether it was made under another file.
    pub is_other_file: bool,
    /// How much the campaign did by itself.
    pub mode: Mode,
    /// What was made up.
    pub assumptions: Assumptions,
    /// What became of the fleet.
    #[serde(flatten)]
    pub simulated: Simulated,
}

/// What is to be forecast.
#[derive(Debug, Clone, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AskForecast {
    /// How many days ahead.
    #[serde(default = "ninety")]
    pub days: u32,
    /// What everything drawn is drawn from.
    #[serde(default = "one")]
    pub seed: u64,
    /// How many courses it is made of; left out: fewer for larger fleets.
    #[serde(default)]
    pub courses: Option<u32>,
    /// How soon people do what is theirs, such as `1d`; left out: not at all.
    #[serde(default)]
    pub people_within: Option<String>,
}

/// What is likely.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct ForecastMade {
    /// The campaign's version.
    pub version: i64,
    /// What hosts are called that will probably miss the target.
    pub names: BTreeMap<HostId, String>,
    /// It.
    #[serde(flatten)]
    pub outlook: Outlook,
}

/// The most courses of a forecast.
const COURSES_MAX: u32 = 1000;

/// Enough to tell nine of ten cases from eight of ten, and fewer where each takes long.
fn enough_for(hosts: usize) -> u32 {
    let courses = 200_000 / hosts.max(1);
    u32::try_from(courses.clamp(20, 100)).unwrap_or(20)
}

pub(super) fn setup<'a>(
    service: &'a Service,
    in_force: &'a InForce,
    assumptions: &'a Assumptions,
    opens: Vec<(String, i64)>,
    from_ms: i64,
    ask: &AskSimulation,
) -> Setup<'a> {
    Setup {
        campaign: &in_force.campaign,
        catalog: &service.0.catalog,
        shelf: &in_force.shelf,
        secrets: &in_force.secrets,
        run: in_force.run,
        not_ready: in_force.not_ready(),
        waves: in_force.progress.waves.clone(),
        breakers: in_force.progress.breakers.clone(),
        gates: in_force.progress.gates.clone(),
        succeeded: in_force.progress.succeeded.clone(),
        soaking: in_force.progress.soaking.clone(),
        epoch: 1,
        opens,
        assumptions,
        from_ms,
        until_ms: from_ms + i64::from(ask.days) * 86_400_000,
        seed: ask.seed,
        jitter: None,
    }
}

/// Hosts are drained at once: nobody knows how long others take.
pub(super) fn nobody_drains(in_force: &mut InForce) {
    if !in_force.campaign.drains.is_empty() {
        Arc::make_mut(&mut in_force.campaign).drains.clear();
    }
}

fn names_of(hosts: &[Participant]) -> BTreeMap<HostId, String> {
    let named = hosts.iter().filter_map(|it| {
        let name = it.plan.assessment.as_ref()?.hostname.clone();
        (!name.is_empty()).then_some((it.plan.host_id, name))
    });
    named.collect()
}

/// The fleet as it stands, and what its orders came to so far.
#[derive(Default)]
pub(super) struct Fleet {
    pub(super) hosts: Vec<Participant>,
    pub(super) experience: Experience,
}

impl Service {
    /// Lets the fleet go on, in memory, as it would under the campaign in force or another file. Nothing changes.
    ///
    /// # Errors
    /// When the caller may not, the file is no sound campaign of this server, something asked for makes no sense, or another
    /// simulation is under way.
    pub async fn simulate(&self, caller: Caller, ask: AskSimulation) -> Result<SimulationDone, ServiceError> {
        caller.must_be(Role::Operator)?;
        let one_at_a_time = self.one_simulation()?;
        let service = self.clone();
        let now = self.0.store.read(move |tx| service.open_campaign(tx)).await?;
        let mut in_force = match &ask.campaign {
            Some(it) => under(&now, self.sound(&it.file, &it.text)?, it.text.clone()),
            None => now.clone(),
        };
        let wanted = Wanted::check(&ask, &in_force)?;
        if let Some(mode) = ask.mode {
            Arc::make_mut(&mut in_force.campaign).mode = mode;
        }
        nobody_drains(&mut in_force);
        let fleet = self
            .fleet(&in_force, ask.campaign.is_some() || ask.mode.is_some())
            .await?;
        let assumptions = wanted.assumptions(&fleet);
        let (from_ms, service) = (self.now_ms(), self.clone());
        let (version, mode) = (now.row.version, in_force.campaign.mode);
        let (made_up, is_other_file) = (assumptions.clone(), ask.campaign.is_some());
        let simulated = tokio::task::spawn_blocking(move || {
            let opens = wanted
                .open
                .iter()
                .map(|(wave, ms)| (wave.clone(), from_ms + ms))
                .collect();
            let setup = setup(&service, &in_force, &made_up, opens, from_ms, &ask);
            let simulated = simulate(setup, fleet.hosts, |_| ());
            drop(one_at_a_time);
            simulated
        });
        let simulated = simulated.await.map_err(|error| ServiceError::Broken {
            why: format!("a simulation failed: {error}"),
        })?;
        Ok(SimulationDone {
            version,
            is_other_file,
            mode,
            assumptions,
            simulated,
        })
    }

    /// When the campaign in force is likely done, and who will miss its target: many simulations, in each of which what is not
    /// known is drawn anew. Nothing changes.
    ///
    /// # Errors
    /// When the caller may not, something asked for makes no sense, or a simulation is under way.
    pub async fn forecast(&self, caller: Caller, ask: AskForecast) -> Result<ForecastMade, ServiceError> {
        caller.must_be(Role::Operator)?;
        let one_at_a_time = self.one_simulation()?;
        let service = self.clone();
        let mut in_force = self.0.store.read(move |tx| service.open_campaign(tx)).await?;
        nobody_drains(&mut in_force);
        let plain = AskSimulation {
            people_within: ask.people_within,
            ..AskSimulation::plain(ask.days, ask.seed)
        };
        let wanted = Wanted::check(&plain, &in_force)?;
        let fleet = self.fleet(&in_force, false).await?;
        let (from_ms, service, version) = (self.now_ms(), self.clone(), in_force.row.version);
        let courses = ask.courses.unwrap_or_else(|| enough_for(fleet.hosts.len()));
        if !(1..=COURSES_MAX).contains(&courses) {
            let why = format!("{courses} courses cannot be simulated; ask for 1 to {COURSES_MAX}");
            return Err(ServiceError::Invalid { why });
        }
        let outlook = tokio::task::spawn_blocking(move || {
            let setup = setup(&service, &in_force, &wanted.made_up, Vec::new(), from_ms, &plain);
            let made = outlook(&setup, &fleet.hosts, &fleet.experience, courses);
            drop(one_at_a_time);
            (made, names_of(&fleet.hosts))
        });
        let (outlook, names) = outlook.await.map_err(|error| ServiceError::Broken {
            why: format!("a forecast failed: {error}"),
        })?;
        let misses = outlook.misses.iter().flatten();
        let names = misses.filter_map(|miss| Some((miss.host, names.get(&miss.host)?.clone())));
        Ok(ForecastMade {
            version,
            names: names.collect(),
            outlook,
        })
    }

    fn one_simulation(&self) -> Result<tokio::sync::OwnedMutexGuard<()>, ServiceError> {
        Arc::clone(&self.0.simulating)
            .try_lock_owned()
            .map_err(|_| ServiceError::Refused {
                why: "another simulation is under way; wait for it, and ask again".to_owned(),
            })
    }

    /// Every plan that is still watched, decided anew where the campaign is to be another one. Reads a batch at a time, so that
    /// it holds nobody up; hosts that change meanwhile take part as they were read.
    pub(super) async fn fleet(&self, in_force: &InForce, is_other: bool) -> Result<Fleet, ServiceError> {
        let mut fleet = Fleet::default();
        let mut after: Option<String> = None;
        loop {
            let (service, in_force, from) = (self.clone(), in_force.clone(), after.clone());
            let (batch, last) = self
                .0
                .store
                .read(move |tx| {
                    let id = service.campaign_id().as_str();
                    let rows = plans::list(tx, id, &plans::PlanFilter::default(), from.as_deref(), BATCH)?;
                    let mut batch = Vec::new();
                    let ids: Vec<String> = rows.iter().map(|row| row.host_id.clone()).collect();
                    let mut habits = habits_of(tx, &ids)?;
                    for row in &rows {
                        let host = row.host_id.parse().map_err(broken_id)?;
                        let mut edit = PlanEdit::load(tx, &service, host)?;
                        if edit.plan.is_closed() {
                            continue;
                        }
                        if is_other {
                            service.decide_anew(tx, &mut edit, &in_force)?;
                        }
                        // Whoever is to be drained is, at once: nobody knows how long that takes.
                        edit.plan.drain = None;
                        batch.push(Participant {
                            last_seen_ms: last_seen(tx, host)?,
                            plan: edit.plan,
                            habit: habits.remove(&row.host_id).and_then(|heard| heard.habit()),
                        });
                    }
                    Ok::<_, ServiceError>((batch, rows.last().map(|row| row.host_id.clone())))
                })
                .await?;
            for it in batch {
                fleet.note(&it.plan);
                fleet.hosts.push(it);
            }
            after = last;
            if after.is_none() {
                return Ok(fleet);
            }
        }
    }
}

impl Fleet {
    fn note(&mut self, plan: &Plan) {
        self.experience.note(plan);
    }
}

/// What is asked for, checked.
struct Wanted {
    open: Vec<(String, i64)>,
    made_up: Assumptions,
    is_told_failures: bool,
}

impl Wanted {
    fn check(ask: &AskSimulation, in_force: &InForce) -> Result<Self, ServiceError> {
        let invalid = |why: String| ServiceError::Invalid { why };
        if !(1..=DAYS_MAX).contains(&ask.days) {
            return Err(invalid(format!(
                "{} days cannot be simulated; ask for 1 to {DAYS_MAX}",
                ask.days
            )));
        }
        let mut open = Vec::new();
        for (wave, after) in &ask.open {
            super::waves::known_wave(in_force, wave)?;
            let after = span::parse(after).map_err(|why| invalid(format!("open {wave}: {why}")))?;
            open.push((wave.clone(), span::ms(after)));
        }
        let mut made_up = Assumptions::default();
        if let Some(within) = &ask.people_within {
            let within = span::parse(within).map_err(|why| invalid(format!("people_within: {why}")))?;
            made_up.people_within = Some(within);
        }
        if let Some(percent) = ask.fails_percent {
            if !(0.0..=100.0).contains(&percent) {
                return Err(invalid(format!("{percent} of a hundred attempts cannot fail")));
            }
            #[expect(
                clippy::cast_possible_truncation,
                clippy::cast_sign_loss,
                reason = "it was checked to be between 0 and 1000"
            )]
            let in_thousand = (percent * 10.0).round() as u16;
            made_up.fails = PerMille(in_thousand);
        }
        Ok(Self {
            open,
            made_up,
            is_told_failures: ask.fails_percent.is_some(),
        })
    }

    /// What was seen so far counts the more the more it is.
    fn assumptions(&self, fleet: &Fleet) -> Assumptions {
        let mut it = self.made_up.clone();
        let Experience {
            succeeded,
            failed,
            gone,
        } = fleet.experience;
        let settled = gone + failed + succeeded;
        if !self.is_told_failures {
            it.fails = PerMille::seen(failed, settled, it.fails, MADE_UP_WEIGHS);
        }
        it.goes_dark = PerMille::seen(gone, settled, it.goes_dark, MADE_UP_WEIGHS);
        it
    }
}
