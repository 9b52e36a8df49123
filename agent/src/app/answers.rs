//! Check-ins: what is asked, and what follows from the answer.

use cutover_proto::artifact::ArtifactRef;
use tokio::runtime::Handle;
use tracing::Instrument;

use super::{
    life::{Input, Life},
    orders::OrderJob,
    state_dir::{refused, rule_set},
};
use crate::{
    act::{self, JournalState, artifacts_of},
    detect::vitals,
    link::LinkError,
    session::{Effect, Failure, JournalSays, Ticks},
};

impl Life {
    pub(super) fn check_in(&mut self, now: Ticks) {
        let says = {
            let journal = self.journal();
            JournalSays {
                state: journal.state().number(),
                running: journal.running(),
                highest_begun: journal.highest_begun(),
                pending: journal.pending(),
            }
        };
        let distrusted = self.journal().state() != JournalState::Sound;
        let request_id = self.request_id();
        let Some((mut request, why)) = self.session.next_request(now, request_id.clone(), says) else {
            return;
        };
        // It may be time to try HTTP/2 again.
        self.steer();
        self.distrust_told = distrusted;
        request.session_seconds = act::session_seconds(&self.view);
        let span = tracing::info_span!(
            "check_in",
            host = %self.identity.host_id(),
            order = tracing::field::Empty,
            attempt = tracing::field::Empty,
            request_id
        );
        if let Some(order) = self.session.order() {
            span.record("order", order.number);
            order.attempt.map(|attempt| span.record("attempt", attempt));
        }
        let (link, send) = (self.link.clone(), self.sender());
        let call = async move {
            tracing::debug!(
                why = why.as_str(),
                inventory = request.inventory.is_some(),
                records = request.step_records.len(),
                "checking in"
            );
            send(Input::Answered(link.check_in(request).await.map(Box::new)));
        };
        self.tasks.spawn(call.instrument(span));
        self.read_vitals();
    }

    /// For the next check-in: on some systems a program tells them, and a check-in waits for none.
    fn read_vitals(&mut self) {
        let (view, send) = (self.view.clone(), self.sender());
        self.tasks.spawn_blocking(move || send(Input::Vitals(vitals(&*view))));
    }

    /// UUIDv7 of trusted time; where the system has no randomness, of time alone.
    fn request_id(&self) -> String {
        use crate::act::Clock;
        let mut random = [0; 10];
        if let Err(error) = ring::rand::SecureRandom::fill(&ring::rand::SystemRandom::new(), &mut random) {
            tracing::warn!(%error, "no randomness for a request id");
        }
        let ms = u64::try_from(self.clock.now_ms()).unwrap_or(0);
        uuid::Builder::from_unix_timestamp_millis(ms, &random)
            .into_uuid()
            .to_string()
    }

    pub(super) fn answered(&mut self, mut reply: cutover_proto::v1::CheckInReply, now: Ticks) {
        // The executor would refuse it too, but an order thread at work would keep the journal from being settled: a server
        // that goes on sending could do so for ever.
        if self.journal().state() != JournalState::Sound && reply.work_order.take().is_some() {
            tracing::warn!(
                "an order came while the journal cannot be trusted; it is left to the server to send it again"
            );
        }
        let effects = self.session.handle_reply(reply, now);
        let trusted = self.session.trusted();
        self.control.checked_in(trusted.now_ms(now));
        for effect in effects {
            self.follow(effect, now);
        }
        // Last: whoever waits for a check-in finds what it brought.
        self.clock.trust(trusted);
    }

    fn follow(&mut self, effect: Effect, now: Ticks) {
        match effect {
            Effect::TakeMarks { store_epoch, durable } => {
                let before = self.journal().state();
                // Forced to disk under the loop: it is one line, and the next request has to know it.
                let taken = self.journal().take_marks(&store_epoch, &durable);
                if let Err(error) = taken {
                    tracing::warn!(%error, "the server's marks are not kept; records go again");
                }
                let after = self.journal().state();
                if after != before {
                    tracing::error!(state = ?after, "the journal is not what the server knows of it");
                    self.session.handle_records(now);
                }
            }
            Effect::TakeRules {
                revision,
                files,
                envelope,
            } => {
                self.rules = std::sync::Arc::new(rule_set(revision, &files));
                self.state.keep_rules(&envelope);
                tracing::info!(revision, files = files.len(), "rules taken");
                self.session.handle_rules(revision, refused(&self.rules), now);
            }
            Effect::TakeNotice { notice, told } => self.take_notice(notice.as_ref(), &told, now),
            Effect::Cancel(envelope) => {
                if let Err(error) = self.control.take_cancel(&envelope, &self.acting_identity()) {
                    tracing::warn!(%error, "a cancel is not taken");
                }
            }
            Effect::RunOrder(envelope) => self.start_order(OrderJob::Run(envelope)),
            Effect::InventoryDurable => {
                // Settled only once the server knows that there was something to settle.
                if self.distrust_told && !self.order_at_work && self.journal().state() != JournalState::Sound {
                    self.start_order(OrderJob::Settle);
                }
            }
            Effect::TakeRelease(release) => self.take_release(release, now),
            Effect::RefuseRelease(update) => self.not_believed(update, now),
            Effect::Split => self.split(),
            Effect::Leave {
                request_id,
                inventory_digest,
            } => self.take_leave(request_id, inventory_digest, now),
            Effect::Prefetch(artifacts) => self.prefetch(artifacts),
            Effect::TakeAddresses(addresses) => self.take_addresses(&addresses, now),
        }
    }

    /// On a thread of its own: hashing and writing are no work for the loop. It ends by itself, or with the agent.
    fn prefetch(&self, artifacts: Vec<ArtifactRef>) {
        let keep = self.journal().progress().map(|open| artifacts_of(&open.order));
        let (fetching, runtime) = (self.fetching.clone(), Handle::current());
        let work = move || runtime.block_on(fetching.ahead(&artifacts, &keep.unwrap_or_default()));
        if let Err(error) = std::thread::Builder::new().name("prefetch".to_owned()).spawn(work) {
            tracing::warn!(%error, "nothing is fetched ahead: no thread can be started");
        }
    }

    pub(super) fn unanswered(&mut self, error: &LinkError, now: Ticks) {
        let failure = failure_of(error);
        match &failure {
            Failure::Overloaded { .. } => tracing::debug!(%error, "check-in put off"),
            Failure::Unreachable(_) | Failure::Cut(_) => tracing::info!(%error, "check-in not answered"),
            Failure::Intercepted { .. } | Failure::Refused(_) => tracing::warn!(%error, "check-in refused"),
        }
        self.session.handle_failure(&failure, now);
        if matches!(failure, Failure::Cut(_)) {
            // What brought nothing back once is not waited for again.
            self.link.reconnect();
        }
    }

    pub(super) fn acting_identity(&self) -> act::Identity {
        act::Identity {
            host_id: self.identity.host_id(),
            signing: self.identity.signing(),
            sealing: self.identity.sealing(),
            server_keys: self.identity.server_keys().to_vec(),
        }
    }
}

/// What the session makes of a call that brought nothing.
pub(super) fn failure_of(error: &LinkError) -> Failure {
    match error {
        LinkError::Overloaded { retry_after } => Failure::Overloaded {
            retry_after: *retry_after,
        },
        LinkError::Refused { .. } => Failure::Refused(error.to_string()),
        LinkError::Cut(_) => Failure::Cut(error.to_string()),
        LinkError::Intercepted { by, .. } => Failure::Intercepted {
            by: by.clone(),
            why: error.to_string(),
        },
        LinkError::Unreachable(_)
        | LinkError::Identity(_)
        | LinkError::Address(_)
        | LinkError::Proxy(_)
        | LinkError::NoServer
        | LinkError::Tls(_) => Failure::Unreachable(error.to_string()),
    }
}
