//! Holds the Watch stream while the server wants one.

use std::time::Duration;

use super::life::{Input, Life};
use crate::link::LinkError;

/// After the first loss.
const FIRST_WAIT: Duration = Duration::from_secs(1);
/// After many: a check-in comes at least as often.
const LONGEST_WAIT: Duration = Duration::from_secs(120);

impl Life {
    pub(super) fn watch_for_nudges(&mut self) {
        let (link, send) = (self.link.clone(), self.sender());
        let mut wanted = self.watch_wanted.subscribe();
        let mut replaced = link.replaced();
        self.tasks.spawn(async move {
            let mut wait = FIRST_WAIT;
            while wanted.wait_for(|wanted| *wanted).await.is_ok() {
                let mut opened = false;
                let error = tokio::select! {
                    error = link.watch(|| opened = true, || send(Input::Nudge)) => error,
                    // No longer wanted, or the agent ends.
                    _ = wanted.wait_for(|wanted| !*wanted) => continue,
                };
                if opened {
                    wait = FIRST_WAIT;
                }
                tracing::debug!(%error, "no Watch stream");
                let asked = match error {
                    LinkError::Overloaded { retry_after } => retry_after.unwrap_or(LONGEST_WAIT),
                    LinkError::Refused { .. } => LONGEST_WAIT,
                    LinkError::Unreachable(_)
                    | LinkError::Identity(_)
                    | LinkError::Address(_)
                    | LinkError::NoServer
                    | LinkError::Tls(_) => wait,
                };
                replaced.mark_unchanged();
                tokio::select! {
                    () = tokio::time::sleep(asked) => wait = (wait * 2).min(LONGEST_WAIT),
                    // A new connection is a new chance.
                    _ = replaced.changed() => {}
                }
            }
        });
    }
}
