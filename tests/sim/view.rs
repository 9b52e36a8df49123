//! What the checks see: the store as it is after a step, beside what is true of the machines.

use std::{collections::BTreeMap, sync::Arc};

use anyhow::{Context as _, Result};
use cutover_core::{
    campaign::Campaign,
    decide::{self, ApplyError, Event},
    plan::Plan,
    rollout::{BreakerState, Breakers, WaveState, first_place},
};
use cutover_proto::ids::{CampaignId, HostId};
use cutover_server::{
    service::{HostFilter, Service, ServiceError},
    store::{campaigns, causes, events, grades, plans, slots, step_records, tallies, totals},
};
use sha2::{Digest, Sha256};

use crate::{
    calendar::{DAY, SECOND},
    course::Course,
    plot::Plot,
    server::{CAMPAIGN, SPEED},
    situation::Situation,
    told::Told,
};

/// A look that reached the server, and what was true when it was taken.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Look {
    pub(crate) taken_ms: i64,
    pub(crate) is_done: bool,
    pub(crate) is_locked: bool,
}

/// The campaign as its row says.
#[derive(Debug, Clone)]
pub(crate) struct Rules {
    pub(crate) campaign: Campaign,
    pub(crate) stopped: bool,
    pub(crate) waves: BTreeMap<String, WaveState>,
    pub(crate) breakers: Breakers,
}

/// A plan's event that is new, with the plan before and after it.
#[derive(Debug, Clone)]
pub(crate) struct Fresh {
    pub(crate) host: HostId,
    pub(crate) event: Event,
    pub(crate) before: Arc<Plan>,
    pub(crate) after: Arc<Plan>,
}

/// What only a reading of the whole store tells, at intervals.
#[derive(Debug, Default)]
pub(crate) struct Recount {
    pub(crate) rows: Vec<plans::PlanRow>,
    pub(crate) totals_fault: Option<String>,
    /// Phase and reason of every host, as a listing shows them.
    pub(crate) listed: Vec<(String, String, String)>,
    /// Marks of orders that are lower in the store than what hosts were told.
    pub(crate) lost_marks: Vec<String>,
    pub(crate) tallies_fault: Option<String>,
    /// Where the slots that are taken are not the orders that are out.
    pub(crate) slots_fault: Option<String>,
}

/// What the checks see.
#[derive(Debug)]
pub(crate) struct View {
    pub(crate) now_ms: i64,
    pub(crate) rules: Rules,
    /// What plans' events came to, replayed here.
    pub(crate) plans: BTreeMap<HostId, Arc<Plan>>,
    pub(crate) fresh: Vec<Fresh>,
    /// Newest looks of each host, in order of arrival.
    pub(crate) looks: BTreeMap<HostId, Vec<Look>>,
    /// Identities that are on several machines.
    pub(crate) shared: std::collections::BTreeSet<HostId>,
    /// Orders of which their host wrote down that they failed.
    pub(crate) failures: std::collections::BTreeSet<(HostId, u64)>,
    /// Times in which no server ran.
    pub(crate) down: Vec<(i64, i64)>,
    pub(crate) recount: Option<Recount>,
    /// Events whose stream and body do not fit the plan that they are of.
    pub(crate) misfits: Vec<String>,
    /// Orders that were issued while another was out.
    pub(crate) doubled: Vec<String>,
    /// The campaign as it was drawn.
    pub(crate) plot: Plot,
    /// What people were told.
    pub(crate) told: Told,
    /// The zones that machines tell.
    pub(crate) zones: BTreeMap<HostId, &'static str>,
    /// Orders, counted beside the server.
    pub(crate) course: Course,
    /// What the rules' waves and breakers were read from.
    progress: String,
    pos: i64,
    trace: Sha256,
    pub(crate) events: u64,
}

impl View {
    pub(crate) fn new(campaign: Campaign, plot: Plot) -> Self {
        Self {
            now_ms: 0,
            rules: Rules {
                campaign,
                stopped: false,
                waves: BTreeMap::new(),
                breakers: Breakers::default(),
            },
            plans: BTreeMap::new(),
            fresh: Vec::new(),
            looks: BTreeMap::new(),
            shared: std::collections::BTreeSet::new(),
            failures: std::collections::BTreeSet::new(),
            down: Vec::new(),
            recount: None,
            misfits: Vec::new(),
            doubled: Vec::new(),
            plot,
            told: Told::default(),
            zones: BTreeMap::new(),
            course: Course::default(),
            progress: String::new(),
            pos: 0,
            trace: Sha256::new(),
            events: 0,
        }
    }

    /// Of everything that happened so far: the same for the same seed.
    pub(crate) fn trace(&self) -> String {
        hex::encode(self.trace.clone().finalize())
    }

    /// Reads what is new. `names` stand for what is not made from the seed: keys.
    pub(crate) async fn read(
        &mut self,
        service: &Service,
        now_ms: i64,
        names: &BTreeMap<String, String>,
    ) -> Result<()> {
        const PAGE: i64 = 5_000;
        self.now_ms = now_ms;
        self.fresh.clear();
        self.recount = None;
        let (waves, breakers) = (self.rules.waves.clone(), self.rules.breakers.clone());
        loop {
            let from = self.pos;
            let (row, new) = service
                .store()
                .read(move |tx| {
                    let row = campaigns::load(tx, CAMPAIGN)?;
                    Ok::<_, ServiceError>((row, events::since(tx, from, PAGE)?))
                })
                .await?;
            self.take_rules(&row.context("the campaign has a row")?)?;
            let is_last = i64::try_from(new.len()).unwrap_or(PAGE) < PAGE;
            for event in new {
                self.take(&event, names)?;
            }
            if is_last {
                self.see_waves(&waves, &breakers);
                return Ok(());
            }
        }
    }

    fn take_rules(&mut self, row: &campaigns::CampaignRow) -> Result<()> {
        if self.rules.campaign.source != row.body {
            let version = u32::try_from(row.version).unwrap_or(u32::MAX);
            self.rules.campaign = Campaign::parse("stored", &row.body, version)?;
        }
        self.rules.stopped = row.state != "running";
        if self.progress == row.progress {
            return Ok(());
        }
        self.progress.clone_from(&row.progress);
        let progress: serde_json::Value = serde_json::from_str(&row.progress)?;
        self.rules.waves = match progress.get("waves") {
            Some(waves) => serde_json::from_value(waves.clone())?,
            None => BTreeMap::new(),
        };
        self.rules.breakers = match progress.get("breakers") {
            Some(breakers) => serde_json::from_value(breakers.clone())?,
            None => Breakers::default(),
        };
        Ok(())
    }

    /// Waves that opened or were halted since.
    fn see_waves(&mut self, before: &BTreeMap<String, WaveState>, breakers: &Breakers) {
        for (wave, state) in &self.rules.waves {
            let was_closed = matches!(before.get(wave), None | Some(WaveState::Closed));
            let is_closed = *state == WaveState::Closed;
            if was_closed && !is_closed && !self.told.asked_open.contains(wave) {
                self.course.opened(wave, self.now_ms, &self.plot, &self.told);
            }
            let is_halted = |breakers: &Breakers| matches!(breakers.of(wave).state, BreakerState::Tripped(_));
            if is_halted(&self.rules.breakers) && !is_halted(breakers) {
                self.course.occurred.push(Situation::Halted);
            }
        }
    }

    fn take(&mut self, event: &events::Event, names: &BTreeMap<String, String>) -> Result<()> {
        self.pos = event.pos;
        self.events += 1;
        if event.kind == "recipes-soaked" {
            self.course.occurred.push(Situation::Soaked);
        }
        let stream = event.stream.as_str();
        let body = without_keys(&event.body, names);
        self.trace.update(format!(
            "{} {stream} {} {} {} {body}\n",
            event.pos, event.seq, event.kind, event.at_ms
        ));
        let Some(host) = stream.strip_prefix("plan:").and_then(|rest| rest.rsplit('/').next()) else {
            return Ok(());
        };
        let host: HostId = host.parse().with_context(|| format!("stream {stream}"))?;
        let fact: Event = serde_json::from_str(&event.body)?;
        let known = self.plans.get(&host).cloned();
        let before = known.unwrap_or_else(|| Arc::new(Plan::unborn(host, CampaignId::new(CAMPAIGN))));
        match decide::apply(&before, &fact) {
            Ok(after) => {
                let after = Arc::new(after);
                self.plans.insert(host, Arc::clone(&after));
                let fresh = Fresh {
                    host,
                    event: fact,
                    before,
                    after,
                };
                let zone = self.zones.get(&host).copied().unwrap_or("");
                self.course.take(&fresh, &self.plot, zone, &self.told);
                self.fresh.push(fresh);
            }
            Err(ApplyError::OrderOut { open, issued }) => {
                self.doubled.push(format!(
                    "order {issued} was issued for {host} while order {open} is out"
                ));
            }
            Err(error) => self.misfits.push(format!("{stream} {}: {error}", event.seq)),
        }
        Ok(())
    }

    /// Places among those that go first with a recipe, that hosts hold or those that succeeded left taken.
    fn first_places(&self) -> Result<BTreeMap<String, i64>> {
        let mut held: BTreeMap<String, i64> = BTreeMap::new();
        for plan in self.plans.values() {
            for place in plan.first_places.iter().chain(&plan.kept_places) {
                *held.entry(place.clone()).or_default() += 1;
            }
        }
        let progress: serde_json::Value = serde_json::from_str(&self.progress)?;
        for (recipe, count) in progress
            .get("soaking")
            .and_then(|it| it.as_object())
            .into_iter()
            .flatten()
        {
            *held.entry(first_place(recipe)).or_default() += count.as_i64().unwrap_or_default();
        }
        held.retain(|_, count| *count > 0);
        Ok(held)
    }

    /// Reads all of it.
    pub(crate) async fn recount(&mut self, service: &Service, acknowledged: Vec<(HostId, u64, u32)>) -> Result<()> {
        let out = i64::try_from(self.in_flight()).unwrap_or(i64::MAX);
        let held = self.first_places()?;
        let mut recount = service
            .store()
            .read(move |tx| {
                let rows = plans::list(tx, CAMPAIGN, &plans::PlanFilter::default(), None, i64::MAX)?;
                let totals_fault = totals::check(tx, CAMPAIGN).err().map(|error| error.to_string());
                let counted = tallies::check(tx, CAMPAIGN)
                    .and_then(|()| causes::check(tx, CAMPAIGN))
                    .and_then(|()| grades::check(tx, CAMPAIGN));
                let tallies_fault = counted.err().map(|error| error.to_string());
                let mut lost_marks = Vec::new();
                for (host, order, told) in &acknowledged {
                    let number = i64::try_from(*order).unwrap_or(i64::MAX);
                    let mark = step_records::mark(tx, &host.to_string(), number)?;
                    if mark < i64::from(*told) {
                        lost_marks.push(format!(
                            "{host}, order {order}: {told} were acknowledged, {mark} are there"
                        ));
                    }
                }
                let rows_of_slots = slots::list(tx, CAMPAIGN)?;
                let taken = rows_of_slots.iter().find(|slot| slot.name == "in-flight");
                let taken = taken.map_or(0, |slot| slot.used);
                let first = rows_of_slots
                    .iter()
                    .filter(|slot| slot.name.starts_with("first:") && slot.used > 0)
                    .map(|slot| (slot.name.clone(), slot.used))
                    .collect::<BTreeMap<_, _>>();
                let slots_fault = (taken != out)
                    .then(|| format!("{taken} slots are taken by {out} orders"))
                    .or_else(|| (first != held).then(|| format!("places are taken {first:?}, and held {held:?}")));
                Ok::<_, ServiceError>(Recount {
                    slots_fault,
                    tallies_fault,
                    rows,
                    totals_fault,
                    listed: Vec::new(),
                    lost_marks,
                })
            })
            .await?;
        let mut filter = HostFilter::default();
        loop {
            let page = service.hosts(filter.clone()).await?;
            let rows = page.hosts.into_iter();
            recount.listed.extend(rows.map(|row| (row.name, row.phase, row.reason)));
            match page.next {
                None => break,
                next => filter.after = next,
            }
        }
        self.recount = Some(recount);
        Ok(())
    }

    /// For so many milliseconds between two instants a server ran. A pause that is too short to be called an outage counts
    /// as time in which it did.
    pub(crate) fn available_ms(&self, from_ms: i64, until_ms: i64) -> i64 {
        const OUTAGE: i64 = 30 * SECOND * SPEED;
        let outages = self.down.iter().filter(|(from, until)| until - from >= OUTAGE);
        let gone = outages.map(|(from, until)| (until.min(&until_ms) - from.max(&from_ms)).max(0));
        until_ms - from_ms - gone.sum::<i64>()
    }

    /// Whether nothing new was read that could break anything.
    pub(crate) fn is_quiet(&self) -> bool {
        self.fresh.is_empty() && self.misfits.is_empty() && self.doubled.is_empty() && self.course.faults.is_empty()
    }

    /// Orders that were issued since the last reading.
    pub(crate) fn issued(&self) -> usize {
        let issued = |it: &&Fresh| matches!(it.event.fact, decide::Fact::OrderIssued { .. });
        self.fresh.iter().filter(issued).count()
    }

    /// Orders that are out.
    pub(crate) fn in_flight(&self) -> usize {
        self.plans.values().filter(|plan| plan.order.is_some()).count()
    }

    /// Forgets looks that no plan can wait for any more.
    pub(crate) fn forget_looks(&mut self) {
        let before_ms = self.now_ms - 40 * DAY;
        for looks in self.looks.values_mut() {
            looks.retain(|look| look.taken_ms >= before_ms);
        }
    }
}

/// A body with names in place of hashes of keys, which no seed makes.
fn without_keys(body: &str, names: &BTreeMap<String, String>) -> String {
    const HASH: usize = 64;
    if !body.contains("key") {
        return body.to_owned();
    }
    let parts = body.split('"');
    let named = parts.map(|part| match names.get(part).filter(|_| part.len() == HASH) {
        Some(name) => name.as_str(),
        None => part,
    });
    named.collect::<Vec<_>>().join("\"")
}
