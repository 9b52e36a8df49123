//! `cutover serve` and `cutover check-config`.

use std::{io::IsTerminal, path::Path};

use anyhow::Context;
use cutover_core::catalog::Catalog;
use tokio::signal::unix::{SignalKind, signal};
use tracing_subscriber::EnvFilter;

use super::output;
use crate::{
    app::{App, ServiceManager},
    clock::Clock,
    config::{Config, Log, LogFormat},
};

/// Runs the server until SIGTERM or Ctrl-C.
///
/// # Errors
/// When it cannot start; the text says what to do.
pub(crate) fn run(config_file: Option<&Path>, catalog: Catalog) -> anyhow::Result<()> {
    install_crypto();
    let config = Config::load(config_file, &std::env::vars().collect())?;
    install_logs(&config.log)?;
    let runtime = tokio::runtime::Builder::new_multi_thread().enable_all().build()?;
    runtime.block_on(async {
        let app = App::start(&config, Clock::system(), catalog).await?;
        output::message(&format!("agents  {}", app.agents));
        output::message(&format!(
            "people  http{}://{}",
            if app.service.people_have_tls() { "s" } else { "" },
            app.people
        ));
        let manager = ServiceManager::of_this_process();
        let told = tokio::select! {
            told = told_to_stop() => told,
            never = manager.watch_over(&app) => match never {},
        };
        manager.stopping();
        app.stop().await;
        told
    })
}

/// Reads the configuration and says that it is good.
///
/// # Errors
/// When it is not; the text names file and key.
pub(crate) fn check_config(config_file: Option<&Path>) -> anyhow::Result<()> {
    let config = Config::load(config_file, &std::env::vars().collect())?;
    output::text(&toml::to_string(&config)?);
    output::message("the configuration is good; above is what is in force");
    Ok(())
}

/// Until SIGTERM or Ctrl-C.
pub(crate) async fn told_to_stop() -> anyhow::Result<()> {
    let mut terminate = signal(SignalKind::terminate()).context("cannot listen for SIGTERM")?;
    let mut interrupt = signal(SignalKind::interrupt()).context("cannot listen for Ctrl-C")?;
    tokio::select! {
        _ = terminate.recv() => {}
        _ = interrupt.recv() => {}
    }
    Ok(())
}

/// The one cryptographic provider of the process. A second call changes nothing.
pub(crate) fn install_crypto() {
    // An error means that it was installed before, by this very function.
    let _ = rustls::crypto::ring::default_provider().install_default();
}

/// Logs go to stderr.
pub(crate) fn install_logs(log: &Log) -> anyhow::Result<()> {
    let filter = EnvFilter::try_new(&log.filter).with_context(|| format!("log.filter `{}`", log.filter))?;
    let lines = tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_ansi(std::io::stderr().is_terminal())
        .with_writer(std::io::stderr);
    match log.format {
        LogFormat::Text => lines.init(),
        LogFormat::Json => lines.json().init(),
    }
    Ok(())
}
