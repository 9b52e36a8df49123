//! What the service manager is told at each turn of the agent's loop: that it turns, and how the agent stands.

use std::{sync::Arc, time::Duration};

use super::notify::Notifier;
use crate::{
    app::{AgentStatus, Pulse, utc},
    session::Ticks,
};

/// Where no watchdog asks for more, the loop is left alone for so long.
const RARELY: Duration = Duration::from_secs(3600);

/// Beats over the service manager's socket.
#[derive(Debug)]
pub struct Heart {
    notifier: Arc<Notifier>,
    told: String,
    beaten: Option<Ticks>,
}

impl Heart {
    /// Over this socket.
    #[must_use]
    pub const fn new(notifier: Arc<Notifier>) -> Self {
        Self {
            notifier,
            told: String::new(),
            beaten: None,
        }
    }
}

impl Pulse for Heart {
    fn every(&self) -> Duration {
        // A third of the time, so that one late turn is not taken for the end.
        self.notifier.watchdog().map_or(RARELY, |watchdog| watchdog / 3)
    }

    fn beat(&mut self, status: &AgentStatus, now: Ticks) {
        // Many turns in a row are one sign of life.
        let due = |last: Ticks| now.since(last) >= self.every() / 2;
        if self.notifier.watchdog().is_some() && self.beaten.is_none_or(due) {
            self.notifier.alive();
            self.beaten = Some(now);
        }
        let words = words(status);
        if words != self.told {
            self.notifier.status(&words);
            self.told = words;
        }
    }
}

/// What matters to whoever reads `systemctl status`: in one line, most urgent first.
pub(super) fn words(status: &AgentStatus) -> String {
    let session = &status.session;
    let mut parts = Vec::new();
    parts.extend(status.ending.clone());
    parts.extend(status.hold.clone());
    if let Some(trouble) = &status.journal.trouble {
        parts.push(format!("journal {}: {trouble}", status.journal.state));
    }
    if let Some(order) = &status.order {
        let step = (order.step + 1).min(order.steps);
        let what = order
            .what
            .as_ref()
            .map_or_else(String::new, |what| format!(" ({what})"));
        parts.push(format!("order {}, step {step} of {}{what}", order.number, order.steps));
    }
    match (&session.last_failure, session.last_check_in_ms) {
        (Some(why), last) => {
            let last = last.map_or_else(|| "never since the start".to_owned(), utc);
            parts.push(format!("server not reached: {why}; last check-in {last}"));
        }
        (None, Some(last)) => parts.push(format!("last check-in {}", utc(last))),
        (None, None) => parts.push("no check-in yet".to_owned()),
    }
    if let (Some(at), Some(why)) = (session.next_check_in_ms, &session.next_check_in_why) {
        parts.push(format!("next {} ({why})", utc(at)));
    }
    parts.join("; ")
}
