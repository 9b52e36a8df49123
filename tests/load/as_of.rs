//! The store: what a change costs that keeps its rows as they were, and what a question as of an instant costs.

use std::path::PathBuf;
use std::time::Duration;

use anyhow::{Context as _, Result};
use cutover_server::store::{
    Address, AsOf, ReadTx, Reader as _, Store, StoreError, StoreOptions, StreamName, WriteTx, events,
    hosts::{self, HostRow},
    plans::{self, PlanFilter, PlanRow},
    totals, views,
};

use crate::{clock::Stopwatch, setting::Setting, table};

const CAMPAIGN: &str = "load";
const BATCH: usize = 1_000;
/// What the demo's rows have on the average.
const STATE_BYTES: usize = 1_500;
const FACTS_BYTES: usize = 480;
const BEGIN_MS: i64 = 1_795_348_800_000;
/// Most hosts pass through all but the last, where one in a thousand ends.
const PHASES: [&str; 5] = ["unassessed", "planned", "queued", "migrating", "migrated"];
const RARE: &str = "failed";

/// What is measured, and where.
#[derive(Debug, clap::Args)]
pub(crate) struct Options {
    /// How many hosts there are.
    #[arg(long, default_value_t = 100_000)]
    hosts: usize,
    /// The store's address, such as postgres://USER@HOST/DATABASE, which must be empty; without it a file of SQLite's.
    #[arg(long)]
    store: Option<String>,
}

/// # Errors
/// When the store cannot be made or asked.
pub(crate) fn run(options: &Options) -> Result<()> {
    let setting = Setting::of_this_run()?;
    let directory = tempfile::tempdir()?;
    let file: PathBuf = directory.path().join("store.db");
    let store_options = match &options.store {
        Some(url) => StoreOptions::new(Address::parse(url)?),
        None => StoreOptions::sqlite(&file),
    };
    let store = Store::open(&store_options, BEGIN_MS)?;
    let mut rows = Vec::new();
    let mut ends = Vec::new();
    for (step, phase) in PHASES.into_iter().enumerate() {
        table::progress(&format!("{} hosts into {phase}", options.hosts));
        let watch = Stopwatch::start();
        for first in (0..options.hosts).step_by(BATCH) {
            let last = (first + BATCH).min(options.hosts);
            store.write_now(move |tx| (first..last).try_for_each(|host| change(tx, host, step)))?;
        }
        let batches = options.hosts.div_ceil(BATCH);
        let mean = watch.elapsed() / u32::try_from(batches)?;
        rows.push([format!("a transaction that moves {BATCH} hosts to {phase}"), ms(mean)]);
        ends.push(store.read_now(|tx| events::last_pos(tx))?);
    }
    rows.extend(single(&store, options.hosts)?);
    let middle = ends[PHASES.len() / 2];
    let host = options.hosts / 2;
    for (when, then) in [
        ("now", None),
        ("as of the middle", Some(middle)),
        ("as of the beginning", Some(ends[0])),
    ] {
        let mut ask = |what: &str, times: u32, question: fn(&mut ReadTx<'_>, usize) -> Result<usize, StoreError>| {
            let watch = Stopwatch::start();
            let mut found = 0;
            for _ in 0..times {
                found = store.read_now(move |tx| {
                    if let Some(pos) = then {
                        tx.go_back(AsOf { pos, at_ms: BEGIN_MS });
                    }
                    question(tx, host)
                })?;
            }
            let mean = watch.elapsed() / times;
            rows.push([format!("{what}, {when} ({found} rows)"), ms(mean)]);
            Ok::<_, StoreError>(())
        };
        ask("the totals", 20, |tx, _| Ok(totals::list(tx, CAMPAIGN)?.len()))?;
        ask("one host", 100, |tx, host| {
            Ok(usize::from(views::host_line(tx, CAMPAIGN, &id(host))?.is_some()))
        })?;
        ask("a page of 500 hosts", 20, |tx, host| page(tx, None, &id(host), 500))?;
        ask("50 hosts of a rare phase", 5, |tx, _| page(tx, Some(RARE), "", 50))?;
        ask("50 hosts of the first phase", 5, |tx, _| {
            page(tx, Some(PHASES[0]), "", 50)
        })?;
    }
    let size = size(&store, &file)?;
    #[expect(clippy::cast_precision_loss, reason = "no file is beyond 2^53 bytes")]
    rows.push([
        format!("the store, with {} versions of each plan", PHASES.len()),
        format!("{:.0} MB", size as f64 / 1e6),
    ]);
    store.close();
    let title = format!("Rows as they were, {} hosts", options.hosts);
    table::print(&title, &setting, ["figure", "value"], &rows)
}

/// One transaction each: an event alone, and a plan that moves.
fn single(store: &Store, hosts: usize) -> Result<Vec<[String; 2]>> {
    const TIMES: u32 = 500;
    let step = PHASES.len();
    let watch = Stopwatch::start();
    for _ in 0..TIMES {
        store.write_now(|tx| events::append_next(tx, &StreamName::audit("load"), &[event(0)]).map(drop))?;
    }
    let alone = watch.elapsed() / TIMES;
    let watch = Stopwatch::start();
    for n in 0..TIMES as usize {
        let host = n * 7919 % hosts;
        store.write_now(move |tx| change(tx, host, step))?;
    }
    let moved = watch.elapsed() / TIMES;
    Ok(vec![
        ["a transaction of one event".to_owned(), ms(alone)],
        ["a transaction that moves one host".to_owned(), ms(moved)],
    ])
}

fn page(tx: &mut ReadTx<'_>, phase: Option<&str>, after: &str, limit: i64) -> Result<usize, StoreError> {
    let filter = PlanFilter {
        phase: phase.map(str::to_owned),
        ..PlanFilter::default()
    };
    Ok(views::host_lines(tx, CAMPAIGN, &filter, Some(after), limit)?.len())
}

fn id(host: usize) -> String {
    format!("01900000-0000-7000-8000-{host:012}")
}

fn event(step: usize) -> events::NewEvent {
    events::NewEvent {
        kind: "moved".to_owned(),
        schema_version: 1,
        body: format!("{{\"step\":{step},\"why\":\"{}\"}}", "x".repeat(240)),
        at_ms: BEGIN_MS + i64::try_from(step).unwrap_or(i64::MAX),
        agent_at_ms: None,
    }
}

/// Moves a host on: its first step is its enrolment.
fn change(tx: &mut WriteTx<'_>, host: usize, step: usize) -> Result<(), StoreError> {
    let host_id = id(host);
    if step == 0 {
        hosts::insert(tx, &host_row(&host_id, host, BEGIN_MS, "x".repeat(FACTS_BYTES)))?;
    }
    let seq = plans::load(tx, CAMPAIGN, &host_id)?.map_or(0, |row| row.seq);
    let stream = StreamName::plan(CAMPAIGN, &host_id);
    events::append(tx, &stream, seq, &[event(step)])?;
    let phase = match PHASES.get(step) {
        Some(_) if step >= 3 && host.is_multiple_of(1_000) => RARE,
        Some(phase) => phase,
        None => PHASES[step % PHASES.len()],
    };
    let row = PlanRow {
        campaign_id: CAMPAIGN.to_owned(),
        host_id,
        seq: seq + 1,
        phase: phase.to_owned(),
        wave: format!("wave-{}", host % 5),
        site: format!("site-{}", host % 20),
        stale: false,
        late: false,
        closed: false,
        carried: true,
        cover: "protected".to_owned(),
        state: "x".repeat(STATE_BYTES),
        wake_at_ms: Some(BEGIN_MS),
        latest_start_ms: None,
        updated_ms: BEGIN_MS,
        outcome: "none".to_owned(),
        tried_in: String::new(),
        round: 0,
        ready_at_ms: 0,
    };
    plans::compare_and_set(tx, seq, &row)
}

pub(crate) fn host_row(host_id: &str, host: usize, created_ms: i64, facts: String) -> HostRow {
    HostRow {
        host_id: host_id.to_owned(),
        created_ms,
        name: format!("pc-{host}"),
        site: None,
        tags: "[]".to_owned(),
        facts,
        reported: "{}".to_owned(),
        agent_version: "0.1.0".to_owned(),
        rules_revision: 1,
        inventory_digest: None,
        inventory_at_ms: None,
        sealing_key: None,
        next_order_number: 1,
        highest_begun: 0,
    }
}

fn size(store: &Store, file: &std::path::Path) -> Result<u64> {
    if file.exists() {
        return Ok(std::fs::metadata(file)?.len());
    }
    let size = store.read_now(|tx| {
        tx.query_opt("SELECT pg_database_size(current_database()) AS bytes", &[])?
            .map_or(Ok(0), |row| row.int("bytes"))
    })?;
    u64::try_from(size).context("a size")
}

fn ms(time: Duration) -> String {
    format!("{:.2} ms", time.as_secs_f64() * 1e3)
}
