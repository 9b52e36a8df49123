//! The end: the last statement, and waiting until it is acknowledged.
//!
//! ```text
//! asked --> statement on disk --> sent, again and again --> acknowledged, on disk --> the loop ends, the agent goes
//!                                              \--> not taken: forgotten, and everything goes on
//! ```
//!
//! While a statement lies on disk nothing else is done: no check-in, no look, no order. The server has or has not taken it, and
//! only its answer tells. So there is never another statement beside it.

use std::{fs, io, time::Duration};

use cutover_proto::{
    envelope,
    leaving::LastStatement,
    v1::{self, LeaveReply},
};
use prost::Message as _;

use super::{
    life::{Input, Life, UNKNOWN_BOOT, VERSION},
    state_dir::StateDir,
};
use crate::{
    act::JournalState,
    disk::{self, write_private},
    link::LinkError,
    session::Ticks,
};

/// The statement that was made.
const STATEMENT: &str = "last-statement";
/// The same once it was acknowledged. Nothing but the agent's own removal is left to do.
const LEFT: &str = "left";
/// The first wait after a failure, and the longest.
const FIRST_WAIT: Duration = Duration::from_secs(2);
const LONGEST_WAIT: Duration = Duration::from_secs(300);

/// A host that has made its last statement.
#[derive(Debug)]
pub(super) struct Parting {
    statement: v1::Envelope,
    /// When it is sent next; none while it is on its way.
    next: Option<Ticks>,
    wait: Duration,
    is_acknowledged: bool,
}

impl Parting {
    fn of(statement: v1::Envelope, now: Ticks) -> Self {
        Self {
            statement,
            next: Some(now),
            wait: FIRST_WAIT,
            is_acknowledged: false,
        }
    }

    /// One that an earlier start made.
    ///
    /// # Errors
    /// When there is one that cannot be read: nobody can tell then whether the server has it.
    pub(super) fn kept(state: &StateDir, now: Ticks) -> io::Result<Option<Self>> {
        Ok(state.last_statement()?.map(|statement| Self::of(statement, now)))
    }
}

impl StateDir {
    /// Whether this host has left: its last statement was acknowledged, and all that remains is to take the agent away.
    #[must_use]
    pub fn has_left(&self) -> bool {
        self.path().join(LEFT).exists()
    }

    fn last_statement(&self) -> io::Result<Option<v1::Envelope>> {
        match fs::read(self.path().join(STATEMENT)) {
            Ok(bytes) => v1::Envelope::decode(bytes.as_slice())
                .map(Some)
                .map_err(io::Error::other),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
            Err(error) => Err(error),
        }
    }

    fn keep_last_statement(&self, statement: &v1::Envelope) -> io::Result<()> {
        write_private(&self.path().join(STATEMENT), &statement.encode_to_vec())
    }

    fn keep_left(&self, statement: &v1::Envelope) -> io::Result<()> {
        write_private(&self.path().join(LEFT), &statement.encode_to_vec())
    }

    fn forget_last_statement(&self) -> io::Result<()> {
        let path = self.path().join(STATEMENT);
        match fs::remove_file(&path) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => Err(error),
            Ok(()) | Err(_) => disk::sync_name(&path),
        }
    }
}

impl Life {
    /// The server asks this host to leave. What still has to be said or done comes first: it asks again.
    pub(super) fn take_leave(&mut self, request_id: String, inventory_digest: [u8; 32], now: Ticks) {
        let highest_order_begun = {
            let journal = self.journal();
            let is_busy = journal.is_open() || !journal.pending().is_empty() || journal.state() != JournalState::Sound;
            (!is_busy).then(|| journal.highest_begun())
        };
        let Some(highest_order_begun) = highest_order_begun.filter(|_| !self.order_at_work && self.parting.is_none())
        else {
            return;
        };
        let statement = LastStatement {
            host_id: self.identity.host_id(),
            request_id,
            at_ms: self.session.trusted().now_ms(now),
            boot_id: self.view.boot_id().found().unwrap_or_else(|| UNKNOWN_BOOT.to_owned()),
            inventory_digest: inventory_digest.to_vec(),
            highest_order_begun,
            rules_revision: self.rules.revision(),
            agent_version: VERSION.to_owned(),
        };
        let kept = statement
            .sign(&self.identity.signing())
            .map_err(io::Error::other)
            .and_then(|signed| self.state.keep_last_statement(&signed).map(|()| signed));
        match kept {
            Ok(signed) => {
                tracing::info!("this host is done; its last statement is made, and nothing else is done any more");
                self.parting = Some(Parting::of(signed, now));
            }
            Err(error) => {
                tracing::error!(%error, "the last statement cannot be kept, so the agent stays; see that the disk has room")
            }
        }
    }

    /// Sends it when that is due, and says how long nothing is; none where this host stays.
    pub(super) fn part(&mut self, now: Ticks) -> Option<Duration> {
        let (link, send) = (self.link(), self.sender());
        let parting = self.parting.as_mut()?;
        let Some(next) = parting.next else {
            return Some(LONGEST_WAIT);
        };
        if next > now {
            return Some(next.since(now));
        }
        parting.next = None;
        let request = v1::LeaveRequest {
            statement: Some(parting.statement.clone()),
        };
        self.tasks.spawn(async move {
            send(Input::Parted(link.leave(request).await));
        });
        Some(LONGEST_WAIT)
    }

    /// Whether nothing is left to do but to take the agent away.
    pub(super) fn has_parted(&self) -> bool {
        self.parting.as_ref().is_some_and(|parting| parting.is_acknowledged)
    }

    pub(super) fn parted(&mut self, answer: Result<LeaveReply, LinkError>, now: Ticks) {
        let Some(parting) = &mut self.parting else {
            return;
        };
        let error = match answer {
            Ok(reply) if reply.durable == envelope::digest(&parting.statement) => {
                parting.is_acknowledged = true;
                // Without it the next start sends the statement again, and hears the same.
                if let Err(error) = self.state.keep_left(&parting.statement) {
                    tracing::warn!(%error, "that the last statement was acknowledged is not kept");
                }
                tracing::info!("the last statement is acknowledged; the agent leaves");
                return;
            }
            Ok(reply) if reply.durable.is_empty() && !reply.why_not.is_empty() => {
                // Should the file come back, it is answered in the same way.
                match self.state.forget_last_statement() {
                    Ok(()) => {
                        tracing::warn!(
                            why = reply.why_not,
                            "the last statement is not taken; this host goes on as before"
                        );
                        self.parting = None;
                        self.session.handle_nudge(now);
                        return;
                    }
                    Err(error) => error.to_string(),
                }
            }
            Ok(_) => "the answer is about something else".to_owned(),
            Err(error) => {
                // Another connection, and where HTTP/2 does not come through another way.
                self.session.handle_failure(&super::answers::failure_of(&error), now);
                error.to_string()
            }
        };
        tracing::warn!(error, "the last statement is not acknowledged yet; it is sent again");
        let wait = parting.wait;
        parting.next = Some(now.after(wait));
        parting.wait = wait.saturating_mul(2).min(LONGEST_WAIT);
        self.link.reconnect();
        self.steer();
    }
}
