//! The core: decisions a second, a fleet simulated for weeks, a forecast. One processor, nothing on disk.

use std::{collections::BTreeSet, time::Duration};

use anyhow::{Context as _, Result};
use cutover_core::{
    campaign::{Campaign, PRESETS},
    catalog::{Catalog, Shelf},
    decide::{Cx, Input, decide_and_apply},
    judge::assess,
    outlook::{Experience, outlook},
    plan::{Known, Plan},
    rollout::{Breakers, Gates, RunState, WaveState, Waves},
    simulate::{Assumptions, Habit, Participant, Setup, simulate},
};
use cutover_proto::{ids::HostId, inventory::Inventory};

use crate::{clock::Stopwatch, look, setting::Setting, table, usage};

/// Monday, 2027-01-04T09:00:00Z.
const BEGIN_MS: i64 = 1_799_053_200_000;
const DAY_MS: i64 = 86_400_000;
/// So many hosts take part in the forecast.
const FORECAST: usize = 1_000;

/// What is measured.
#[derive(Debug, clap::Args)]
pub(crate) struct Options {
    /// How many hosts are simulated.
    #[arg(long, default_value_t = 100_000)]
    hosts: usize,
    /// For how many days.
    #[arg(long, default_value_t = 90)]
    days: i64,
}

/// The campaign: one wave, fifty at a time a site of a thousand hosts, and the default policy otherwise.
fn campaign(hosts: usize) -> Result<Campaign> {
    let (file, preset) = PRESETS.first().context("there is a preset")?;
    // Its readiness list is its end, and nobody is there to settle it.
    let preset = preset.split("[[readiness]]").next().context("a first part")?;
    let at_a_time = (hosts / 20).max(50);
    let policy = format!("[policy]\nmax_in_flight = {at_a_time}\nsite_in_flight = 50\n{TRUSTED}");
    let text = preset
        .replace("accepted_grades = []", "accepted_grades = [\"on-demand\"]")
        .replace("mode = \"observe\"", "mode = \"automatic\"")
        .replace("[wave]", &format!("{policy}\n[wave]"));
    let text = format!("recovery_target = \"2027-06-30T00:00:00-04:00\"\n{text}");
    Ok(Campaign::parse(file, &text, 1)?)
}

/// Nobody lets hosts go first.
const TRUSTED: &str = "first_canaries = 0\ntrust_unproven = \"these machines are made up\"\n";

/// What decisions are made in.
struct World {
    campaign: Campaign,
    catalog: Catalog,
    shelf: Shelf,
    waves: Waves,
    breakers: Breakers,
    succeeded: BTreeSet<String>,
    /// Of every host but for its names: reading the rules anew for each would be measured otherwise.
    seen: Inventory,
}

impl World {
    fn new(hosts: usize) -> Result<Self> {
        Ok(Self {
            campaign: campaign(hosts)?,
            catalog: Catalog::built_in()?,
            shelf: Shelf::default(),
            waves: Waves::from([("all", WaveState::Open)]),
            breakers: Breakers::default(),
            succeeded: BTreeSet::new(),
            seen: look::inventory(0, numbered(0)?, "boot", BEGIN_MS)?,
        })
    }

    fn cx(&self) -> Cx<'_> {
        Cx {
            now_ms: BEGIN_MS,
            campaign: &self.campaign,
            catalog: &self.catalog,
            shelf: &self.shelf,
            secrets: &cutover_core::secret::NO_SECRETS,
            run: RunState::Running,
            waves: &self.waves,
            breakers: &self.breakers,
            succeeded: &self.succeeded,
            outages: &[],
            seed: 1,
        }
    }

    /// A host that carries two targets, as its plan is after its first look.
    fn host(&self, n: usize) -> Result<Participant> {
        let host = numbered(n)?;
        let known = Known {
            site: format!("site-{}", n / 1_000),
            ..Known::default()
        };
        let mut inventory = self.seen.clone();
        inventory.host_id = host;
        inventory.facts = look::facts(n);
        let looked = Input::Looked {
            assessment: Box::new(assess(&inventory, &known, &self.campaign, &self.catalog)),
            looked_at_ms: BEGIN_MS,
            boot_id: "boot".to_owned(),
        };
        let mut plan = Plan::unborn(host, self.campaign.id.clone());
        for input in [Input::Enrolled { known }, looked] {
            plan = decide_and_apply(&plan, &input, &self.cx())?.1;
        }
        Ok(Participant {
            plan,
            last_seen_ms: BEGIN_MS,
            // Two of three are there in office hours.
            habit: Some(if n.is_multiple_of(3) {
                Habit::Always
            } else {
                Habit::office()
            }),
        })
    }

    fn setup<'a>(&'a self, assumptions: &'a Assumptions, days: i64) -> Setup<'a> {
        Setup {
            campaign: &self.campaign,
            catalog: &self.catalog,
            shelf: &self.shelf,
            secrets: &cutover_core::secret::NO_SECRETS,
            run: RunState::Running,
            not_ready: Vec::new(),
            waves: self.waves.clone(),
            breakers: self.breakers.clone(),
            gates: Gates::default(),
            succeeded: self.succeeded.clone(),
            soaking: std::collections::BTreeMap::new(),
            epoch: 1,
            opens: Vec::new(),
            assumptions,
            from_ms: BEGIN_MS,
            until_ms: BEGIN_MS + days * DAY_MS,
            seed: 1,
            jitter: None,
        }
    }
}

fn numbered(n: usize) -> Result<HostId> {
    Ok(format!("01890000-0000-7000-8000-{n:012x}").parse()?)
}

/// # Errors
/// When the campaign or the catalog cannot be read.
pub(crate) fn run(options: &Options) -> Result<()> {
    let setting = Setting::of_this_run()?;
    let world = World::new(options.hosts)?;
    let mut rows = Vec::new();
    rows.push(at_rest(&world)?);

    table::progress(&format!("{} hosts are made", options.hosts));
    let watch = Stopwatch::start();
    let fleet = (0..options.hosts).map(|n| world.host(n)).collect::<Result<Vec<_>>>()?;
    rows.push([
        "first looks judged and decided".to_owned(),
        format!("{:.0} a second", options.hosts as f64 / watch.elapsed().as_secs_f64()),
    ]);
    let few: Vec<Participant> = fleet.iter().take(FORECAST).cloned().collect();

    table::progress(&format!("they are simulated for {} days", options.days));
    let assumptions = Assumptions::default();
    let watch = Stopwatch::start();
    let simulated = simulate(world.setup(&assumptions, options.days), fleet, |_| ());
    let took = watch.elapsed();
    let whole = format!(
        "{} hosts over {} days: {} decisions, {} of {} done",
        options.hosts, options.days, simulated.decisions, simulated.done, simulated.to_do
    );
    rows.push([whole, seconds(took)]);
    rows.push([
        "decisions in it, with all that is around them".to_owned(),
        format!("{:.0} a second", simulated.decisions as f64 / took.as_secs_f64()),
    ]);
    rows.push(["most memory until then".to_owned(), memory()?]);

    table::progress("a forecast is made");
    let watch = Stopwatch::start();
    let made = outlook(
        &world.setup(&assumptions, options.days),
        &few,
        &Experience::default(),
        100,
    );
    rows.push([
        format!(
            "a forecast of {FORECAST} hosts over {} days, {} courses",
            options.days, made.courses
        ),
        seconds(watch.elapsed()),
    ]);
    table::print("The core, on one processor", &setting, ["what", "figure"], &rows)
}

/// A check-in without news: the decision that is made most often.
fn at_rest(world: &World) -> Result<[String; 2]> {
    const TIMES: u32 = 200_000;
    let it = world.host(0)?;
    let checked_in = Input::CheckedIn {
        looked_at_ms: it.plan.last_looked_ms,
        boot_id: it.plan.last_boot_id.clone(),
        running: None,
    };
    let watch = Stopwatch::start();
    let mut events = 0;
    for _ in 0..TIMES {
        events += decide_and_apply(&it.plan, &checked_in, &world.cx())?.0.events.len();
    }
    let a_second = f64::from(TIMES) / watch.elapsed().as_secs_f64();
    anyhow::ensure!(events == 0, "a check-in without news had {events} events");
    Ok([
        "`decide` on a check-in without news".to_owned(),
        format!("{a_second:.0} a second"),
    ])
}

fn seconds(took: Duration) -> String {
    format!("{:.1} s", took.as_secs_f64())
}

/// The most that this process had in memory.
fn memory() -> Result<String> {
    let peak = usage::peak_memory(std::process::id()).context("this process has no peak of memory")?;
    Ok(format!("{:.0} MB", table::megabytes(peak)))
}
