//! Passes over a large store: plans that are due among very many, and a wave that opens.

use std::{
    path::Path,
    sync::{
        Arc,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use anyhow::{Context as _, Result, ensure};
use cutover_core::{
    campaign::PRESETS,
    catalog::{Catalog, Shelf},
    decide::{Cx, Input, decide_and_apply},
    judge::assess,
    plan::{Known, Phase, Plan},
    rollout::{Breakers, RunState, Waves},
};
use cutover_proto::ids::{CampaignId, HostId};
use cutover_server::{
    clock::Clock,
    pki::{Pki, SecretKey},
    service::{
        ArtifactSettings, Caller, Entropy, ForecastSettings, GateSettings, Pace, Parts, ReportSettings, Service,
    },
    store::{
        Address, Store, StoreError, StoreOptions, StreamName, WriteTx, events, host_seen, hosts,
        plans::{self, PlanRow},
    },
};

use crate::{as_of::host_row, clock::Stopwatch, look, setting::Setting, table};

/// Monday, 2027-01-04T09:00:00Z.
const BEGIN_MS: i64 = 1_799_053_200_000;
const DAY_MS: i64 = 86_400_000;
const CAMPAIGN: &str = "kaspersky-us-2024";
const BATCH: usize = 1_000;
const WAVE: &str = "early";

/// What is measured, and where.
#[derive(Debug, clap::Args)]
pub(crate) struct Options {
    /// How many plans there are.
    #[arg(long, default_value_t = 1_000_000)]
    hosts: usize,
    /// How many of them are in the wave that opens.
    #[arg(long, default_value_t = 100_000)]
    wave: usize,
    /// How many are due.
    #[arg(long, default_value_t = 1_000)]
    due: usize,
    /// The store's address, such as postgres://USER@HOST/DATABASE, which must be empty; without it a file of SQLite's.
    #[arg(long)]
    store: Option<String>,
}

/// # Errors
/// When the store cannot be made, or what was measured is not what was to be.
pub(crate) fn run(options: &Options) -> Result<()> {
    let setting = Setting::of_this_run()?;
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    let rows = runtime.block_on(measure(options))?;
    let title = format!("Passes over {} plans", options.hosts);
    table::print(&title, &setting, ["what", "figure"], &rows)
}

async fn measure(options: &Options) -> Result<Vec<[String; 2]>> {
    ensure!(
        options.wave + 2 * options.due <= options.hosts,
        "the wave and those that are due, twice, are more than all hosts"
    );
    let directory = tempfile::tempdir()?;
    let store_options = match &options.store {
        Some(url) => StoreOptions::new(Address::parse(url)?),
        None => StoreOptions::sqlite(&directory.path().join("cutover.db")),
    };
    let store = Store::open(&store_options, BEGIN_MS)?;
    let text = campaign()?;
    fill(&store, options, &text)?;
    let clock = Clock::manual(BEGIN_MS);
    let service = service(directory.path(), store, &clock)?;
    table::progress("what holds hosts up is counted");
    let watch = Stopwatch::start();
    service.configure_campaign(text, "configuration".to_owned()).await?;
    while service.go_on().await? {}
    let mut rows = vec![[
        "what holds hosts up, counted anew for all".to_owned(),
        seconds(watch.elapsed()),
    ]];

    table::progress("those that are due are woken");
    let watch = Stopwatch::start();
    let none = service.wake_due().await?;
    ensure!(none == 0, "{none} plans are due before their time");
    rows.push([
        "a pass in which nothing is due".to_owned(),
        milliseconds(watch.elapsed()),
    ]);
    // Half of them were heard of since, and only their wake moves; the others have gone stale, which is written.
    clock.advance(7 * DAY_MS + 1);
    rows.push(pass(&service, options.due, "were heard of since: their wakes move").await?);
    clock.advance(DAY_MS / 2);
    rows.push(pass(&service, options.due, "have gone stale: an event each").await?);

    table::progress("the wave is opened");
    let opened = Arc::new(AtomicBool::new(false));
    let others = tokio::spawn(longest_wait(service.clone(), opened.clone()));
    let watch = Stopwatch::start();
    service.open_wave(Caller::server(), WAVE.to_owned(), false).await?;
    rows.push([
        format!("opening a wave of {}, until it is answered", options.wave),
        seconds(watch.elapsed()),
    ]);
    while service.go_on().await? {}
    rows.push(["until all of its hosts are queued".to_owned(), seconds(watch.elapsed())]);
    opened.store(true, Ordering::Relaxed);
    let (longest, writes) = others.await??;
    ensure!(writes > 0, "nobody else wrote while the wave was opened");
    rows.push([
        format!("the longest that one of {writes} other writes waited meanwhile"),
        milliseconds(longest),
    ]);
    let queued = service.store().read_now(|tx| {
        Ok::<_, StoreError>(
            cutover_server::store::totals::list(tx, CAMPAIGN)?
                .into_iter()
                .filter(|total| total.bucket.phase == Phase::Queued.as_str())
                .map(|total| total.hosts)
                .sum::<i64>(),
        )
    })?;
    ensure!(
        usize::try_from(queued) == Ok(options.wave),
        "{queued} hosts are queued, not {}",
        options.wave
    );
    service.store().close();
    Ok(rows)
}

/// Writes next to nothing time and again, as a check-in does, until it is over; says how long one took at most, and how many
/// there were.
async fn longest_wait(service: Service, is_over: Arc<AtomicBool>) -> Result<(Duration, u32)> {
    let (mut longest, mut writes) = (Duration::ZERO, 0);
    while !is_over.load(Ordering::Relaxed) {
        let one = Stopwatch::start();
        service.store().write(|_| Ok::<_, StoreError>(())).await?;
        longest = longest.max(one.elapsed());
        writes += 1;
        tokio::time::sleep(Duration::from_millis(5)).await;
    }
    Ok((longest, writes))
}

/// One pass over so many that are due.
async fn pass(service: &Service, due: usize, what: &str) -> Result<[String; 2]> {
    let watch = Stopwatch::start();
    let mut woken = 0;
    loop {
        match service.wake_due().await? {
            0 => break,
            more => woken += more,
        }
    }
    ensure!(woken == due, "{woken} plans were due, not {due}");
    Ok([
        format!("a pass over {due} that are due and {what}"),
        milliseconds(watch.elapsed()),
    ])
}

/// Two waves, both closed, in mode automatic.
fn campaign() -> Result<String> {
    let (_, preset) = PRESETS.first().context("there is a preset")?;
    // Its readiness list is its end, and nobody is there to settle it.
    let preset = preset.split("[[readiness]]").next().context("a first part")?;
    let waves =
        format!("[[wave]]\nname = \"{WAVE}\"\nmatch = {{ site = [\"{WAVE}\"] }}\n\n[[wave]]\nname = \"rest\"\n");
    let text = preset
        .replace("accepted_grades = []", "accepted_grades = [\"on-demand\"]")
        .replace("mode = \"observe\"", "mode = \"automatic\"")
        .replace("[wave]\nname = \"all\"\n", &waves);
    ensure!(text.contains(&waves), "the preset's wave is another than it was");
    // Its own policy is behind that list.
    let policy = "[policy]\nfirst_canaries = 0\ntrust_unproven = \"these machines are made up\"\n";
    Ok(format!(
        "recovery_target = \"2027-06-30T00:00:00-04:00\"\n{text}\n{policy}"
    ))
}

/// Makes the rows as they are after each host's first look, a thousand hosts a transaction.
fn fill(store: &Store, options: &Options, text: &str) -> Result<()> {
    let templates = Arc::new((template(text, WAVE)?, template(text, "rest")?));
    let (hosts, due, wave) = (options.hosts, options.due, options.wave);
    for first in (0..hosts).step_by(BATCH) {
        if first.is_multiple_of(100_000) {
            table::progress(&format!("{first} of {hosts} plans are there"));
        }
        let last = (first + BATCH).min(hosts);
        let templates = templates.clone();
        store.write_now(move |tx| {
            (first..last).try_for_each(|n| {
                // The last of all are due, so that reading the first ones would not find them.
                let from_end = hosts - 1 - n;
                let (begun_ms, is_heard) = if from_end < due {
                    (BEGIN_MS, true)
                } else if from_end < 2 * due {
                    (BEGIN_MS + DAY_MS / 2, false)
                } else {
                    (BEGIN_MS + 6 * DAY_MS, false)
                };
                let template = if n < wave { &templates.0 } else { &templates.1 };
                add(tx, template, n, begun_ms, is_heard)
            })
        })?;
    }
    Ok(())
}

/// A plan after its host's first look, at a site.
fn template(text: &str, site: &str) -> Result<Plan> {
    let campaign = cutover_core::campaign::Campaign::parse("campaign", text, 1)?;
    let catalog = Catalog::built_in()?;
    let cx = Cx {
        now_ms: BEGIN_MS,
        campaign: &campaign,
        catalog: &catalog,
        shelf: &Shelf::default(),
        secrets: &cutover_core::secret::NO_SECRETS,
        run: RunState::Running,
        waves: &Waves::default(),
        breakers: &Breakers::default(),
        succeeded: &std::collections::BTreeSet::new(),
        outages: &[],
        seed: 1,
    };
    let host = numbered(0)?;
    let known = Known {
        site: site.to_owned(),
        ..Known::default()
    };
    let looked = Input::Looked {
        assessment: Box::new(assess(
            &look::inventory(0, host, "boot", BEGIN_MS)?,
            &known,
            &campaign,
            &catalog,
        )),
        looked_at_ms: BEGIN_MS,
        boot_id: "boot".to_owned(),
    };
    let mut plan = Plan::unborn(host, campaign.id.clone());
    for input in [Input::Enrolled { known }, looked] {
        plan = decide_and_apply(&plan, &input, &cx)?.1;
    }
    ensure!(
        plan.phase == Phase::Planned && plan.wave == if site == WAVE { WAVE } else { "rest" },
        "a host is {} in wave {}",
        plan.phase,
        plan.wave
    );
    Ok(plan)
}

fn add(tx: &mut WriteTx<'_>, template: &Plan, n: usize, begun_ms: i64, is_heard: bool) -> Result<(), StoreError> {
    let id = numbered(n).map_err(|error| StoreError::Corrupt {
        what: "an id".to_owned(),
        why: error.to_string(),
    })?;
    let host_id = id.to_string();
    hosts::insert(tx, &host_row(&host_id, n, begun_ms, "{}".to_owned()))?;
    if is_heard {
        let seen = host_seen::HostSeenRow {
            host_id: host_id.clone(),
            seen_ms: begun_ms + 6 * DAY_MS,
            boot_id: "boot".to_owned(),
            looked_agent_ms: None,
        };
        host_seen::flush(tx, &[seen], begun_ms + 6 * DAY_MS, 30 * DAY_MS)?;
    }
    let plan = Plan {
        host_id: id,
        seq: 1,
        ..template.clone()
    };
    let born = events::NewEvent {
        kind: "born".to_owned(),
        schema_version: 1,
        body: "{}".to_owned(),
        at_ms: begun_ms,
        agent_at_ms: None,
    };
    events::append(tx, &StreamName::plan(CAMPAIGN, &host_id), 0, &[born])?;
    let bucket = plan.bucket();
    let row = PlanRow {
        campaign_id: CAMPAIGN.to_owned(),
        host_id,
        seq: 1,
        phase: bucket.phase.as_str().to_owned(),
        wave: bucket.wave,
        site: bucket.site,
        stale: bucket.stale,
        late: bucket.late,
        closed: bucket.closed,
        carried: bucket.carried,
        cover: plan.account.cover.as_str().to_owned(),
        state: serde_json::to_string(&plan).map_err(|error| StoreError::Corrupt {
            what: "a plan".to_owned(),
            why: error.to_string(),
        })?,
        wake_at_ms: Some(begun_ms + 7 * DAY_MS),
        latest_start_ms: None,
        updated_ms: begun_ms,
        outcome: plan.outcome.as_str().to_owned(),
        tried_in: String::new(),
        round: 0,
        ready_at_ms: 0,
    };
    plans::compare_and_set(tx, 0, &row)
}

fn numbered(n: usize) -> Result<HostId> {
    Ok(format!("01890000-0000-7000-8000-{n:012x}").parse()?)
}

/// The service over the store, with nobody else on it.
fn service(directory: &Path, store: Store, clock: &Clock) -> Result<Service> {
    let authority = directory.join("pki");
    Pki::create(&authority, BEGIN_MS)?;
    Ok(Service::new(Parts {
        store,
        pki: Pki::open(&authority)?,
        secret_key: SecretKey::open_or_make(&authority.join("secrets.key"))?,
        pki_dir: authority,
        campaign_clock: clock.clone(),
        real_clock: clock.clone(),
        entropy: Entropy::seeded(1),
        catalog: Catalog::built_in()?,
        campaign_id: CampaignId::new(CAMPAIGN),
        pace: Pace {
            check_in_seconds: 300,
            open_order_seconds: 60,
            look_seconds: 14_400,
            watch: true,
            addresses: Vec::new(),
        },
        report: ReportSettings {
            schedule: None,
            name: String::new(),
            directory: directory.join("reports"),
            webhook_url: String::new(),
        },
        forecast: ForecastSettings::default(),
        gates: GateSettings::default(),
        artifacts: ArtifactSettings {
            directory: directory.join("artifacts"),
            max_mib: 1,
        },
        people_have_tls: false,
    })?)
}

fn seconds(took: Duration) -> String {
    format!("{:.1} s", took.as_secs_f64())
}

fn milliseconds(took: Duration) -> String {
    format!("{:.1} ms", took.as_secs_f64() * 1e3)
}
