//! Holds the Watch stream while the server wants one and HTTP/2 comes through.

use super::life::{Input, Life};
use crate::{link::LinkError, session::StreamWaits};

impl Life {
    pub(super) fn watch_for_nudges(&mut self) {
        let (link, send, clock) = (self.link.clone(), self.sender(), self.clock.clone());
        let mut wanted = self.watch_wanted.subscribe();
        let mut replaced = link.replaced();
        self.tasks.spawn(async move {
            let mut waits = StreamWaits::default();
            while wanted.wait_for(|wanted| *wanted).await.is_ok() {
                let mut opened = None;
                let error = tokio::select! {
                    error = link.watch(|| opened = Some(clock.ticks()), || send(Input::Nudge)) => error,
                    // No longer wanted, or the agent ends.
                    _ = wanted.wait_for(|wanted| !*wanted) => continue,
                };
                tracing::debug!(%error, "no Watch stream");
                let wait = waits.lost(opened.map(|opened| clock.ticks().since(opened)));
                let asked = match error {
                    LinkError::Overloaded { retry_after } => retry_after.unwrap_or(StreamWaits::LONGEST),
                    LinkError::Refused { .. } => StreamWaits::LONGEST,
                    LinkError::Unreachable(_)
                    | LinkError::Cut(_)
                    | LinkError::Intercepted { .. }
                    | LinkError::Identity(_)
                    | LinkError::Address(_)
                    | LinkError::Proxy(_)
                    | LinkError::NoServer
                    | LinkError::Tls(_) => wait,
                };
                replaced.mark_unchanged();
                tokio::select! {
                    () = tokio::time::sleep(asked) => {}
                    // A new connection is a new chance.
                    _ = replaced.changed() => {}
                }
            }
        });
    }
}
