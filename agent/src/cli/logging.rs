//! Logs on standard error.

use anyhow::{Context, Result};
use tracing_subscriber::EnvFilter;

use crate::config::{Config, LogFormat};

/// Begins to log as the configuration says.
pub(super) fn start(config: &Config) -> Result<()> {
    let filter = EnvFilter::try_new(&config.log_level)
        .with_context(|| format!("`log_level` is no level and no filter: {}", config.log_level))?;
    let builder = tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(std::io::stderr);
    let started = match config.log_format {
        LogFormat::Text => builder.with_ansi(false).try_init(),
        LogFormat::Json => builder.json().flatten_event(true).try_init(),
    };
    started.map_err(|error| anyhow::anyhow!("logging cannot be started: {error}"))
}

/// Begins to log as a service of Windows: what matters goes to the Application log, and all of it to standard error, for
/// whoever starts the program by hand.
#[cfg(windows)]
pub(super) fn start_service(config: &Config) -> Result<()> {
    use tracing_subscriber::{layer::SubscriberExt, util::SubscriberInitExt};

    let filter = EnvFilter::try_new(&config.log_level)
        .with_context(|| format!("`log_level` is no level and no filter: {}", config.log_level))?;
    let lines = tracing_subscriber::fmt::layer()
        .with_ansi(false)
        .with_writer(std::io::stderr);
    // Without the event log's service the agent works on.
    let events = crate::osservice::windows::EventLog::open().ok();
    let started = tracing_subscriber::registry()
        .with(filter)
        .with(lines)
        .with(events)
        .try_init();
    started.map_err(|error| anyhow::anyhow!("logging cannot be started: {error}"))
}
