//! What started this process and ends it, on systems that do it by variables and signals.

use std::{io, sync::Arc};

use super::{Heart, Notifier, until_told_to_end};
use crate::app::Pulse;

/// systemd, another service manager that speaks like it, or a person at a terminal.
#[derive(Debug)]
pub struct Manager(Option<Arc<Notifier>>);

impl Manager {
    /// Of this process.
    #[must_use]
    pub fn of_this_process() -> Self {
        Self(Notifier::of_this_process().map(Arc::new))
    }

    /// The service does its work from here on.
    pub fn ready(&self) {
        if let Some(notifier) = &self.0 {
            notifier.ready();
        }
    }

    /// The service is about to end.
    pub fn stopping(&self) {
        if let Some(notifier) = &self.0 {
            notifier.stopping();
        }
    }

    /// What tells the service manager how the agent stands.
    #[must_use]
    pub fn pulse(&self) -> Option<Box<dyn Pulse>> {
        let notifier = self.0.clone()?;
        Some(Box::new(Heart::new(notifier)))
    }

    /// Waits until the service is told to end, and names what told it.
    ///
    /// # Errors
    /// When the system lets no handler be set.
    pub async fn told_to_end(&self) -> io::Result<&'static str> {
        until_told_to_end().await
    }
}
