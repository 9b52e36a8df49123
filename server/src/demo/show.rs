//! The show: set the stage, bring the fleet on, tell how it goes, end well.

use std::time::Duration;

use anyhow::{Context, bail};

use super::{cast, fleet::Fleet, stage, summary::Summary, this_machine};
use crate::{
    app::App,
    cli::{Demo, Format, install_crypto, install_logs, output, told_to_stop},
    clock::Clock,
    config::{Log, LogFormat},
    service::{Caller, NewToken, Role, Service},
};

/// A demo that is not over by then has a defect, and says where it stands.
const LIMIT: Duration = Duration::from_secs(600);

/// How often progress is told.
const TELL_EVERY: Duration = Duration::from_secs(2);

/// The end must hold for this long: a host may stand still between two of its moves.
const END_HOLDS: Duration = Duration::from_secs(3);

/// Runs the demo.
///
/// # Errors
/// When a port is taken, a directory cannot be made, or the fleet does not come to an end in time.
pub fn run(demo: &Demo, format: Format) -> anyhow::Result<()> {
    install_crypto();
    let filter = std::env::var("CUTOVER_LOG_FILTER").unwrap_or_else(|_| "error".to_owned());
    install_logs(&Log {
        format: LogFormat::Text,
        filter,
    })?;
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    runtime.block_on(play(demo, format))
}

async fn play(demo: &Demo, format: Format) -> anyhow::Result<()> {
    // Scripts read one object from stdout; people see the lines as they come, on stderr where stdout is the object.
    let tell = |line: &str| {
        if format == Format::Table {
            output::text(line)
        } else {
            output::message(line)
        }
    };
    tell(
        "Stood in for: the hands of the sandboxed hosts, which change a planted directory instead of a machine. The look, \
         the journal, the wire, the store, decide and all signatures are the real code.",
    );
    let began_ms = Clock::system().now_ms();
    let dir = tempfile::Builder::new()
        .prefix("cutover-demo-")
        .tempdir()
        .context("a directory for the demo")?;
    let app = stage::start(demo, &dir.path().join("server")).await?;
    let service = app.service.clone();
    tell(&this_machine::look());
    let login = service
        .create_one_time_login("demo".to_owned(), Role::Administrator)
        .await?;
    tell(&format!("dashboard  http://{}  one-time login  {login}", app.people));
    tell(&format!("campaign's clock runs {} times as fast as yours", demo.speed));

    let parts = cast::cast(demo.hosts);
    let ask = NewToken {
        uses: demo.hosts,
        hours: 1,
        pool: None,
    };
    let token = service.create_token(Caller::server(), ask).await?;
    let fleet = Fleet::enrol(&parts, &dir.path().join("hosts"), app.agents, &token).await?;
    let wave = service
        .summary()
        .await?
        .waves
        .first()
        .context("the campaign has a wave")?
        .name
        .clone();
    service.open_wave(Caller::server(), wave, false).await?;

    let ended = tokio::select! {
        ended = until_done(&service, &fleet, tell) => ended,
        stopped = told_to_stop() => stopped.and(Err(anyhow::anyhow!("stopped before the end"))),
    };
    if let Err(error) = ended {
        leave(app, fleet).await;
        return Err(error);
    }
    #[expect(clippy::cast_precision_loss, reason = "milliseconds of a demo")]
    let duration_seconds = (Clock::system().now_ms() - began_ms) as f64 / 1000.0;
    let summary = Summary::of(&service, &parts, duration_seconds).await?;
    for line in summary.lines() {
        tell(&line);
    }
    if format == Format::Json {
        output::json(&summary)?;
    }
    if !demo.exit_when_done {
        tell("the dashboard stays until Ctrl-C");
        told_to_stop().await?;
    }
    leave(app, fleet).await;
    if summary.chains_broken > 0 {
        bail!("{} hash chains do not verify", summary.chains_broken);
    }
    Ok(())
}

async fn leave(app: App, fleet: Fleet) {
    fleet.stop().await;
    app.stop().await;
}

/// Until no host can move without a person. Drives the awkward ones on the way.
async fn until_done(service: &Service, fleet: &Fleet, tell: impl Fn(&str)) -> anyhow::Result<()> {
    let began_ms = Clock::system().now_ms();
    let (mut told, mut quiet_since_ms) = (String::new(), None);
    loop {
        tokio::time::sleep(Duration::from_millis(500)).await;
        let now_ms = Clock::system().now_ms();
        let summary = service.summary().await?;
        fleet.direct(service).await?;
        let phases: Vec<String> = summary
            .phases
            .iter()
            .filter(|count| count.count > 0)
            .map(|count| format!("{} {}", count.count, count.name))
            .collect();
        let line = phases.join("  ");
        let seconds = (now_ms - began_ms) / 1000;
        if line != told && (told.is_empty() || seconds % TELL_EVERY.as_secs().cast_signed() == 0) {
            tell(&format!("{seconds:>4} s  {line}"));
            told = line;
        }
        let looked_at_all = summary
            .phases
            .iter()
            .all(|count| count.name != "unassessed" || count.count == 0);
        let done = looked_at_all && !fleet.is_waiting_to_act() && service.hosts_on_their_way().await? == 0;
        let since_ms = *quiet_since_ms.get_or_insert(now_ms);
        if !done {
            quiet_since_ms = None;
        } else if now_ms - since_ms >= i64::try_from(END_HOLDS.as_millis())? {
            return Ok(());
        }
        if now_ms - began_ms > i64::try_from(LIMIT.as_millis())? {
            bail!(
                "after {} s some hosts still move: {}",
                LIMIT.as_secs(),
                phases.join(", ")
            );
        }
    }
}
