//! The server of the demo: a directory that goes away, a campaign that starts by itself, ports of the system's choice.

use std::{net::SocketAddr, path::Path};

use anyhow::Context;
use cutover_core::{campaign::PRESETS, catalog::Catalog};
use jiff::{SignedDuration, Timestamp};

use crate::{
    app::App,
    cli::Demo,
    clock::Clock,
    config::{Agents, CheckIn, Config, People, Report},
    pki::Pki,
};

/// Where the dashboard listens unless told otherwise.
const DASHBOARD: &str = "127.0.0.1:7080";

/// Done by then: the cutoff of the preset is past.
const TARGET_IN: SignedDuration = SignedDuration::from_hours(30 * 24);

/// Starts the server under `dir`.
pub(super) async fn start(demo: &Demo, dir: &Path) -> anyhow::Result<App> {
    let clock = Clock::scaled(Clock::system().now_ms(), demo.speed);
    Pki::create(&dir.join("pki"), Clock::system().now_ms())?;
    let campaign = dir.join("campaign.toml");
    std::fs::write(&campaign, campaign_text(clock.now_ms())?).context("the demo's campaign")?;
    let mut config = Config {
        data_dir: dir.to_owned(),
        agents: Agents {
            listen: SocketAddr::from(([127, 0, 0, 1], 0)),
            names: vec!["localhost".into(), "127.0.0.1".into()],
            addresses: Vec::new(),
        },
        people: People {
            listen: demo.listen.unwrap_or(DASHBOARD.parse()?),
            ..People::default()
        },
        // Real seconds: the agents' own clocks are not scaled.
        check_in: CheckIn {
            seconds: 4,
            open_order_seconds: 1,
            look_seconds: 60,
            watch: true,
        },
        report: Report {
            schedule: String::new(),
            ..Report::default()
        },
        ..Config::default()
    };
    config.campaign.file = campaign;
    match App::start(&config, clock.clone(), Catalog::built_in()?).await {
        Err(_) if demo.listen.is_none() => {
            // The usual port is taken: any other does as well, and the address is printed.
            config.people.listen = SocketAddr::from(([127, 0, 0, 1], 0));
            App::start(&config, clock, Catalog::built_in()?).await
        }
        started => started,
    }
}

/// The built-in preset, in mode automatic and with limits that fit minutes instead of weeks.
fn campaign_text(now_ms: i64) -> anyhow::Result<String> {
    let (_, preset) = PRESETS.first().context("no preset is built in")?;
    let target = Timestamp::from_millisecond(now_ms)?.checked_add(TARGET_IN)?;
    let mut document: toml::Table = toml::from_str(preset)?;
    document.insert("mode".into(), "automatic".into());
    // No console stands around the sandboxes, and nobody is there to attest anything.
    document.remove("readiness");
    document.remove("notice");
    document.insert("accepted_grades".into(), toml::Value::Array(vec!["on-demand".into()]));
    document.insert("recovery_target".into(), target.to_string().into());
    let policy = [
        ("grace", "0s"),
        ("retry_base", "2m"),
        ("retry_cap", "4m"),
        ("soak", "4m"),
        ("fetch_within", "8m"),
        ("silence", "30m"),
        // Waited for by the agents' own clocks: real seconds.
        ("restart_notice", "4s"),
        ("restart_within", "40m"),
        ("stale_after", "15m"),
    ];
    let mut table: toml::Table = policy
        .into_iter()
        .map(|(key, value)| (key.to_owned(), toml::Value::String(value.to_owned())))
        .collect();
    table.insert("attempts".into(), 2.into());
    table.insert("max_in_flight".into(), 8.into());
    table.insert("first_canaries".into(), 0.into());
    table.insert(
        "trust_unproven".into(),
        "this is a demonstration, and its machines are directories".into(),
    );
    document.insert("policy".into(), toml::Value::Table(table));
    // One of its replacements detects nothing, which a test shows.
    let tests = toml::Table::from_iter([("on".to_owned(), "all".into())]);
    document.insert("detection_tests".into(), toml::Value::Table(tests));
    Ok(toml::to_string(&document)?)
}
