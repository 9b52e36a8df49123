//! CPU of the server for one check-in, beside the bare server in the same minutes.

use std::{
    path::PathBuf,
    sync::{
        Arc,
        atomic::{AtomicBool, AtomicU64, Ordering},
    },
    time::Duration,
};

use anyhow::{Context, Result, ensure};
use tokio::task::JoinSet;

use crate::{
    clock::Stopwatch,
    echo::BareServer,
    fleet::{self, Host, Shape},
    installation::Installation,
    program::{built, pin_self},
    rounds::{LEAST_BUSY, Summary, Window, median, summary},
    setting::Setting,
    table, usage,
};

/// Check-ins before a window: connections, caches and the processor's clock settle.
const WARM_UP: Duration = Duration::from_millis(500);

/// Both shapes of a check-in with their names in the table.
const SHAPES: [(Shape, &str); 2] = [
    (Shape::Unchanged, "nothing changed"),
    (Shape::Changed, "changed inventory, durable"),
];

/// What is measured.
#[derive(Debug, clap::Args)]
pub(crate) struct Options {
    /// The server [default: `cutover` beside this program].
    #[arg(long)]
    server: Option<PathBuf>,
    /// Directory on a disk for the server's data [default: the system's temporary directory].
    #[arg(long)]
    place: Option<PathBuf>,
    /// Hosts, each with a connection and one call under way.
    #[arg(long, default_value_t = 64)]
    connections: usize,
    /// Alternations of ours and bare.
    #[arg(long, default_value_t = 9)]
    rounds: usize,
    /// Length of one window in seconds.
    #[arg(long, default_value_t = 4)]
    seconds: u64,
    /// Core of the server that is measured.
    #[arg(long, default_value_t = 0)]
    server_core: usize,
    /// Core of the load.
    #[arg(long, default_value_t = 1)]
    load_core: usize,
    /// Only the bare server: what this machine gives at best.
    #[arg(long)]
    bare_only: bool,
}

/// Measures and prints.
///
/// # Errors
/// When a server does not come up, or a call fails.
pub(crate) fn run(options: &Options) -> Result<()> {
    ensure!(
        options.server_core != options.load_core,
        "server and load need a core each"
    );
    ensure!(
        options.connections > 0,
        "without a connection there is nothing to measure"
    );
    pin_self(options.load_core)?;
    let setting = Setting::of_this_run()?;
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    if options.bare_only {
        runtime.block_on(bare_only(options, &setting))
    } else {
        runtime.block_on(both(options, &setting))
    }
}

async fn both(options: &Options, setting: &Setting) -> Result<()> {
    let program = built("cutover", options.server.as_deref())?;
    let place = options.place.clone().unwrap_or_else(std::env::temp_dir);
    let mut installation = Installation::start(
        &program,
        &place,
        cutover_server::config::CheckIn::default().seconds,
        Some(options.server_core),
    )?;
    let token = installation.token(options.connections)?;
    table::progress(&format!("enrolling {} hosts", options.connections));
    let mut ours = fleet::enrolled(&installation, &token, options.connections).await?;
    let mut bare_server = BareServer::start(options.server_core)?;
    let mut bare = fleet::bare(&bare_server, options.connections).await?;

    let mut pairs = SHAPES.map(|_| Vec::new());
    for round in 1..=options.rounds {
        for (pairs, (shape, name)) in pairs.iter_mut().zip(SHAPES) {
            table::progress(&format!("round {round} of {}: {name}", options.rounds));
            let mut pair = [None, None];
            // Who is first changes, so that a machine that slows down or speeds up favours nobody.
            let order = if round % 2 == 0 { [0, 1] } else { [1, 0] };
            for side in order {
                let (hosts, pid) = if side == 0 {
                    (&mut ours, installation.pid())
                } else {
                    (&mut bare, bare_server.pid())
                };
                let measured = window(hosts, shape, pid, options.seconds).await;
                if measured.is_err() {
                    // A server that ended says more about the failure than its clients do.
                    installation.must_run()?;
                    bare_server.must_run()?;
                }
                let measured = measured?;
                table::progress(&format!("  {}: {measured}", ["ours", "bare"][side]));
                pair[side] = Some(measured);
            }
            if let [Some(ours), Some(bare)] = pair {
                pairs.push((ours, bare));
            }
        }
    }

    let mut rows = Vec::new();
    let mut idle = Vec::new();
    for (pairs, (shape, name)) in pairs.iter().zip(SHAPES) {
        let bytes = ours.first_mut().context("there is a host")?.bytes(shape)?;
        match summary(pairs) {
            Some(summary) => rows.push(row(name, bytes, &summary, pairs.len())),
            None => idle.push(name),
        }
    }
    let memory = usage::memory(installation.pid())?;
    table::print(
        &format!(
            "Server: CPU for one check-in, {} connections, store on {}; afterwards {:.1} MB resident, {:.1} MB anonymous",
            options.connections,
            installation.store_on(),
            table::megabytes(memory.resident),
            table::megabytes(memory.anonymous),
        ),
        setting,
        [
            "check-in",
            "bytes",
            "ours µs",
            "bare µs",
            "ours / bare",
            "ours per second",
            "busy ours, bare",
            "rounds kept",
        ],
        &rows,
    )?;
    ensure!(
        idle.is_empty(),
        "not measured, because in no round both servers were {:.0} % busy: {}; is something else running here?",
        LEAST_BUSY * 100.0,
        idle.join(", ")
    );
    Ok(())
}

fn row(name: &str, bytes: usize, summary: &Summary, rounds: usize) -> [String; 8] {
    [
        name.to_owned(),
        bytes.to_string(),
        format!("{:.1}", summary.ours_us),
        format!("{:.1}", summary.bare_us),
        format!("{:.2}", summary.ratio),
        format!("{:.0}", summary.ours_rate),
        format!("{:.0} %, {:.0} %", summary.ours_busy * 100.0, summary.bare_busy * 100.0),
        format!("{} of {rounds}", summary.kept),
    ]
}

async fn bare_only(options: &Options, setting: &Setting) -> Result<()> {
    let server = BareServer::start(options.server_core)?;
    let mut hosts = fleet::bare(&server, options.connections).await?;
    let mut rows = Vec::new();
    for (shape, name) in SHAPES {
        table::progress(&format!("bare: {name}"));
        let mut windows = Vec::new();
        for _ in 0..options.rounds {
            let measured = window(&mut hosts, shape, server.pid(), options.seconds).await?;
            table::progress(&format!("  {measured}"));
            windows.push(measured);
        }
        let over = |figure: fn(&Window) -> f64| {
            let kept = windows.iter().filter(|window| window.counts());
            median(kept.map(figure).collect()).context("no round kept the server busy")
        };
        rows.push([
            name.to_owned(),
            hosts.first_mut().context("there is a host")?.bytes(shape)?.to_string(),
            format!("{:.1}", over(Window::cpu_per_call_us)?),
            format!("{:.0}", over(Window::rate)?),
            format!("{:.0} %", over(Window::busy)? * 100.0),
        ]);
    }
    let title = format!("Bare server: CPU for one call, {} connections", options.connections);
    table::print(
        &title,
        setting,
        ["message of a check-in", "bytes", "µs", "per second", "busy"],
        &rows,
    )
}

/// All hosts check in until the window is over. Counters are read while the load is on, so neither its beginning nor its
/// end is in the figure.
async fn window(hosts: &mut Vec<Host>, shape: Shape, pid: u32, seconds: u64) -> Result<Window> {
    let progress = Arc::new((AtomicBool::new(false), AtomicU64::new(0)));
    let mut tasks = JoinSet::new();
    for mut host in hosts.drain(..) {
        let progress = Arc::clone(&progress);
        tasks.spawn(async move {
            let (over, calls) = &*progress;
            while !over.load(Ordering::Relaxed) {
                host.check_in(shape).await?;
                calls.fetch_add(1, Ordering::Relaxed);
            }
            anyhow::Ok(host)
        });
    }
    tokio::time::sleep(WARM_UP).await;
    let (calls, cpu, watch) = (progress.1.load(Ordering::Relaxed), usage::cpu(pid)?, Stopwatch::start());
    tokio::time::sleep(Duration::from_secs(seconds)).await;
    let window = Window {
        calls: progress.1.load(Ordering::Relaxed) - calls,
        cpu: usage::cpu(pid)?.saturating_sub(cpu),
        length: watch.elapsed(),
    };
    progress.0.store(true, Ordering::Relaxed);
    while let Some(host) = tasks.join_next().await {
        hosts.push(host.context("a host's task broke off")??);
    }
    Ok(window)
}
