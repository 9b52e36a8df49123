//! Another identity, where other machines have this one too.

use super::life::{Input, Life, UNKNOWN_BOOT, VERSION};
use crate::{
    detect,
    link::{LinkError, SplitParts},
};

/// How far this host is with getting an identity of its own.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Splitting {
    /// It has one, as far as anybody knows.
    No,
    /// It is being asked for.
    Asking,
    /// It lies on disk; the next start takes it.
    Done,
}

impl Life {
    /// Asks for it, unless something of the present identity is under way: an order, or records that the server lacks.
    /// The server says so again with each reply, so nothing is asked again here.
    pub(super) fn split(&mut self) {
        let busy = self.order_at_work || {
            let journal = self.journal();
            journal.is_open() || !journal.pending().is_empty()
        };
        if busy || self.splitting != Splitting::No {
            return;
        }
        let boot_id = self.view.boot_id().found().unwrap_or_default();
        if boot_id.is_empty() || boot_id == UNKNOWN_BOOT {
            tracing::error!(
                "other machines have this identity, and this system does not tell its kernel session; enrol this host \
                 again with a token: `cutover-agent enroll --again`"
            );
            return;
        }
        tracing::warn!("other machines have this identity; this one asks for its own");
        self.splitting = Splitting::Asking;
        let (link, send, view) = (self.link.clone(), self.sender(), self.view.clone());
        let (dir, present) = (self.state.identity(), self.identity.clone());
        self.tasks.spawn(async move {
            let looked = tokio::task::spawn_blocking(move || detect::host_facts(&*view)).await;
            let split = match looked {
                Ok(facts) => {
                    let parts = SplitParts {
                        boot_id,
                        facts: facts.into(),
                        agent_version: VERSION,
                    };
                    link.split_off(&dir, &present, parts).await
                }
                Err(error) => Err(LinkError::Unreachable(format!("facts could not be looked at: {error}"))),
            };
            send(Input::Split(split));
        });
    }

    pub(super) fn split_ended(&mut self, split: Result<(), LinkError>) {
        match split {
            Ok(()) => {
                tracing::warn!("this machine has an identity of its own; the agent starts anew with it");
                self.splitting = Splitting::Done;
            }
            Err(error) => {
                tracing::warn!(%error, "no identity of its own yet; it is asked for again");
                self.splitting = Splitting::No;
            }
        }
    }
}
