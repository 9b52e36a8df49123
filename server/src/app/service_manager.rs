//! The service manager is told that the server is ready, how it stands, and that its background work goes on.

use std::{convert::Infallible, time::Duration};

use super::{App, notify::Notifier};
use crate::service::ServiceError;

/// How often the status is made anew where no watchdog asks for more.
const STATUS_EVERY: Duration = Duration::from_secs(60);

/// A store that is away is not waited for.
const PATIENCE: Duration = Duration::from_secs(5);

/// Whoever started this process as a service; nobody, for one that was started by hand.
#[derive(Debug)]
pub struct ServiceManager(Option<Notifier>);

impl ServiceManager {
    /// Of this process, by its environment.
    #[must_use]
    pub fn of_this_process() -> Self {
        Self(Notifier::of_this_process())
    }

    /// Says that listeners are bound and the store is migrated, then gives signs of life for as long as it is polled:
    /// one after a pass of the background work, so that a loop that hangs falls silent. A pass that fails because the
    /// database is away is a turn too: a restart would not bring that back.
    pub async fn watch_over(&self, app: &App) -> Infallible {
        let Some(notifier) = &self.0 else {
            return std::future::pending().await;
        };
        notifier.status(&status(app).await);
        notifier.ready();
        // A third of the time, so that one late turn is not taken for the end.
        let every = notifier.watchdog().map_or(STATUS_EVERY, |watchdog| watchdog / 3);
        let mut passes = app.passes();
        loop {
            if passes.changed().await.is_err() {
                // The background work has ended, which it does only with the server: nothing lives here.
                return std::future::pending().await;
            }
            if notifier.watchdog().is_some() {
                notifier.alive();
            }
            notifier.status(&status(app).await);
            tokio::time::sleep(every).await;
            passes.mark_unchanged();
        }
    }

    /// Says that the server is about to end.
    pub fn stopping(&self) {
        if let Some(notifier) = &self.0 {
            notifier.stopping();
        }
    }
}

async fn status(app: &App) -> String {
    let asked = async {
        let hosts = app.service.host_count().await?;
        app.service.store_answers().await?;
        Ok::<_, ServiceError>(hosts)
    };
    let hosts = match tokio::time::timeout(PATIENCE, asked).await {
        Ok(Ok(hosts)) => format!("{hosts} hosts"),
        Ok(Err(error)) => format!("the store does not answer: {error}"),
        Err(_) => "the store does not answer in time".to_owned(),
    };
    let tls = if app.service.people_have_tls() { "s" } else { "" };
    format!(
        "{hosts}; agents on {}, people on http{tls}://{}",
        app.agents, app.people
    )
}
