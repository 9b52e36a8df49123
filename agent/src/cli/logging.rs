//! Logs on standard error.

use anyhow::{Context, Result};
use tracing_subscriber::{
    filter::Targets, fmt::layer, layer::SubscriberExt as _, registry, util::SubscriberInitExt as _,
};

use crate::config::{Config, LogFormat};

/// Begins to log as the configuration says.
pub(super) fn start(config: &Config) -> Result<()> {
    let filter = filter(config)?;
    let lines = layer().with_ansi(false).with_writer(std::io::stderr);
    let started = match config.log_format {
        LogFormat::Text => registry().with(filter).with(lines).try_init(),
        LogFormat::Json => registry()
            .with(filter)
            .with(lines.json().flatten_event(true))
            .try_init(),
    };
    started.map_err(|error| anyhow::anyhow!("logging cannot be started: {error}"))
}

/// Levels by target. A filter that knows spans and fields too would bring an engine for regular expressions.
fn filter(config: &Config) -> Result<Targets> {
    config
        .log_level
        .parse()
        .with_context(|| format!("`log_level` is no level and no filter: {}", config.log_level))
}

/// Begins to log as a service of Windows: what matters goes to the Application log, and all of it to standard error, for
/// whoever starts the program by hand.
#[cfg(windows)]
pub(super) fn start_service(config: &Config) -> Result<()> {
    let filter = filter(config)?;
    let lines = layer().with_ansi(false).with_writer(std::io::stderr);
    // Without the event log's service the agent works on.
    let events = crate::osservice::windows::EventLog::open().ok();
    let started = registry().with(filter).with(lines).with(events).try_init();
    started.map_err(|error| anyhow::anyhow!("logging cannot be started: {error}"))
}
