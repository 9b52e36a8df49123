//! The calls of an enrolled host.

use std::{
    future::Future,
    sync::{
        Mutex, PoisonError,
        atomic::{AtomicBool, Ordering},
    },
    time::Duration,
};

use cutover_proto::{
    post::{CHECK_IN, LEAVE, RENEW, SPLIT},
    v1::{self, agent_client::AgentClient, enrollment_client::EnrollmentClient},
};
use tokio::sync::watch;
use tonic::{Request, Response, Status, transport::Channel};

use super::{
    Address, Identity, LinkError, Proxies,
    dial::{Alpn, Dialer, SWITCHED_OFF, SharedPlaces, locked, places},
    error::{Call, NO_ANSWER},
    post,
};

/// The largest message to a server; it takes no larger one.
pub const MAX_REQUEST_BYTES: usize = 1024 * 1024;
/// The largest message from a server: all rules, or an order with sealed onboarding files.
pub const MAX_REPLY_BYTES: usize = 4 * 1024 * 1024;
/// The header that carries a check-in's request id to the server's logs.
pub const REQUEST_ID_HEADER: &str = "cutover-request-id";

/// A unary call that takes longer is given up.
pub(super) const DEADLINE: Duration = Duration::from_secs(30);

/// The way to the server: one connection, made anew whenever it is gone or the certificate changes. Where HTTP/2 does not
/// come through, each call is an HTTPS POST over a connection of its own.
pub struct Link {
    places: SharedPlaces,
    proxies: Proxies,
    by_post: AtomicBool,
    current: Mutex<Current>,
    online: watch::Sender<bool>,
    /// Rises when the connection is replaced; what still runs over the old one ends.
    generation: watch::Sender<u64>,
}

#[derive(Clone)]
struct Current {
    dialer: Dialer,
    channel: Channel,
}

impl std::fmt::Debug for Link {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Link").finish_non_exhaustive()
    }
}

impl Link {
    /// Connects when it is first used. Addresses are tried in their order, at each new connection from the kept one on.
    ///
    /// # Errors
    /// When no address is given, or identity and TLS do not fit. Needs a tokio runtime around it.
    pub fn new(identity: &Identity, addresses: &[Address], proxies: Proxies) -> Result<Self, LinkError> {
        let online = watch::Sender::new(true);
        let places = places(addresses);
        let current = connect(&places, &proxies, identity, &online)?;
        Ok(Self {
            places,
            proxies,
            by_post: AtomicBool::new(false),
            current: Mutex::new(current),
            online,
            generation: watch::Sender::new(0),
        })
    }

    /// Goes on with a new certificate over a new connection; calls under way end as failures.
    ///
    /// # Errors
    /// As [`Self::new`]; the old connection stays then.
    pub fn swap(&self, identity: &Identity) -> Result<(), LinkError> {
        self.replace(connect(&self.places, &self.proxies, identity, &self.online)?);
        Ok(())
    }

    /// Other addresses, for the connections to come. An empty list changes nothing.
    pub fn set_addresses(&self, addresses: &[Address]) {
        if !addresses.is_empty() {
            locked(&self.places).replace(addresses);
        }
    }

    /// Connections to come are tried from this address of the list on; calls go by POST or over HTTP/2.
    pub fn hold_to(&self, address: &str, by_post: bool) {
        locked(&self.places).begin_at(address);
        self.by_post.store(by_post, Ordering::Relaxed);
    }

    /// Which address the newest connection went to; none before the first.
    #[must_use]
    pub fn reached(&self) -> Option<Address> {
        locked(&self.places).reached().cloned()
    }

    /// The first of these addresses at which a believed server answers the handshake. Nothing is sent to it.
    pub async fn first_that_answers(&self, addresses: &[Address]) -> Option<Address> {
        let dialer = self.dialer();
        if !*self.online.borrow() {
            return None;
        }
        for address in addresses {
            match dialer.dial_one(address, self.alpn()).await {
                Ok(_) => return Some(address.clone()),
                Err(failure) => tracing::debug!(%address, why = failure.why, "a better address does not answer"),
            }
        }
        None
    }

    /// Drops the connection; calls under way end as failures, and the next one connects anew.
    pub fn reconnect(&self) {
        // Where the dropped one went says nothing of where the next one goes.
        locked(&self.places).forget_reached();
        let dialer = self.current().dialer;
        match dialer.channel() {
            Ok(channel) => self.replace(Current { dialer, channel }),
            Err(error) => tracing::warn!(%error, "the connection could not be replaced"),
        }
    }

    fn alpn(&self) -> Alpn {
        if self.goes_by_post() { Alpn::Http1 } else { Alpn::Http2 }
    }

    pub(super) fn goes_by_post(&self) -> bool {
        self.by_post.load(Ordering::Relaxed)
    }

    /// Takes the host off the network, or puts it back: connections are cut, and no new one is made. For rehearsals.
    pub fn set_online(&self, online: bool) {
        let changed = self
            .online
            .send_if_modified(|now| std::mem::replace(now, online) != online);
        if changed {
            self.reconnect();
        }
    }

    /// Changes whenever the connection is replaced: another try may go through.
    #[must_use]
    pub fn replaced(&self) -> watch::Receiver<u64> {
        self.generation.subscribe()
    }

    fn replace(&self, current: Current) {
        *self.current.lock().unwrap_or_else(PoisonError::into_inner) = current;
        self.generation.send_modify(|generation| *generation += 1);
    }

    pub(super) fn dialer(&self) -> Dialer {
        self.current().dialer
    }

    fn current(&self) -> Current {
        self.current.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// One check-in.
    ///
    /// # Errors
    /// What went wrong, by what follows from it.
    pub async fn check_in(&self, request: v1::CheckInRequest) -> Result<v1::CheckInReply, LinkError> {
        let current = self.current();
        if self.goes_by_post() {
            let answer = post::call(&current.dialer, CHECK_IN, &request.request_id, &request);
            return self.finish(Call::CheckIn, &current.dialer, ended(answer)).await;
        }
        let mut call = Request::new(request);
        if let Ok(id) = call.get_ref().request_id.parse() {
            call.metadata_mut().insert(REQUEST_ID_HEADER, id);
        }
        call.set_timeout(DEADLINE);
        let mut client = AgentClient::new(current.channel)
            .max_encoding_message_size(MAX_REQUEST_BYTES)
            .max_decoding_message_size(MAX_REPLY_BYTES);
        let answer = tokio::time::timeout(DEADLINE, client.check_in(call));
        self.finish(Call::CheckIn, &current.dialer, answer).await
    }

    /// Asks for a certificate for a new key.
    pub(super) async fn ask_to_renew(&self, request: v1::RenewRequest) -> Result<v1::RenewReply, LinkError> {
        let current = self.current();
        if self.goes_by_post() {
            let answer = post::call(&current.dialer, RENEW, "", &request);
            return self.finish(Call::Renew, &current.dialer, ended(answer)).await;
        }
        let mut call = Request::new(request);
        call.set_timeout(DEADLINE);
        let mut client = EnrollmentClient::new(current.channel).max_decoding_message_size(MAX_REPLY_BYTES);
        let answer = tokio::time::timeout(DEADLINE, client.renew(call));
        self.finish(Call::Renew, &current.dialer, answer).await
    }

    /// Asks for another identity, over the one that several machines have.
    pub(super) async fn split(&self, request: v1::SplitRequest) -> Result<v1::EnrollReply, LinkError> {
        let current = self.current();
        if self.goes_by_post() {
            let answer = post::call(&current.dialer, SPLIT, "", &request);
            return self.finish(Call::Split, &current.dialer, ended(answer)).await;
        }
        let mut call = Request::new(request);
        call.set_timeout(DEADLINE);
        let mut client = EnrollmentClient::new(current.channel).max_decoding_message_size(MAX_REPLY_BYTES);
        let answer = tokio::time::timeout(DEADLINE, client.split(call));
        self.finish(Call::Split, &current.dialer, answer).await
    }

    /// The host's last word, sent until it is answered.
    ///
    /// # Errors
    /// As [`Self::check_in`].
    pub async fn leave(&self, request: v1::LeaveRequest) -> Result<v1::LeaveReply, LinkError> {
        let current = self.current();
        if self.goes_by_post() {
            let answer = post::call(&current.dialer, LEAVE, "", &request);
            return self.finish(Call::Leave, &current.dialer, ended(answer)).await;
        }
        let mut call = Request::new(request);
        call.set_timeout(DEADLINE);
        let mut client = AgentClient::new(current.channel).max_decoding_message_size(MAX_REPLY_BYTES);
        let answer = tokio::time::timeout(DEADLINE, client.leave(call));
        self.finish(Call::Leave, &current.dialer, answer).await
    }

    /// Holds a Watch stream until it ends. `on_open` is called once it stands, `on_nudge` for each nudge.
    ///
    /// Keepalive finds out when the server is gone without a word.
    ///
    /// # Errors
    /// Always, in the end: why it ended.
    pub async fn watch(&self, on_open: impl FnOnce(), on_nudge: impl Fn()) -> LinkError {
        let current = self.current();
        let dialer = current.dialer.clone();
        let held = async {
            let mut client = AgentClient::new(current.channel).max_decoding_message_size(MAX_REPLY_BYTES);
            let mut stream = client.watch(v1::WatchRequest {}).await?.into_inner();
            on_open();
            while let Some(nudge) = stream.message().await? {
                // A nudge without a reason only shows that the stream lives.
                if nudge.reason != i32::from(v1::NudgeReason::Unspecified) {
                    on_nudge();
                }
            }
            Ok::<_, Status>(Response::new(()))
        };
        match self.finish(Call::Watch, &dialer, ended(held)).await {
            Ok(()) => LinkError::Unreachable("the server ended the stream".to_owned()),
            Err(error) => error,
        }
    }

    /// Waits for an answer, or for the connection to be replaced under it.
    async fn finish<T, E>(
        &self,
        call: Call,
        dialer: &Dialer,
        answer: impl Future<Output = Result<Result<Response<T>, Status>, E>>,
    ) -> Result<T, LinkError> {
        let mut generation = self.generation.subscribe();
        let answer = tokio::select! {
            answer = answer => answer,
            _ = generation.changed() => {
                let why = if *self.online.borrow() { "the connection was replaced" } else { SWITCHED_OFF };
                return Err(LinkError::Unreachable(why.to_owned()));
            }
        };
        match answer {
            Ok(Ok(response)) => Ok(response.into_inner()),
            Ok(Err(status)) => Err(LinkError::from_status(&status, call, dialer.failure())),
            Err(_) => Err(LinkError::of_dial(dialer.failure(), NO_ANSWER.to_owned())),
        }
    }
}

fn connect(
    places: &SharedPlaces,
    proxies: &Proxies,
    identity: &Identity,
    online: &watch::Sender<bool>,
) -> Result<Current, LinkError> {
    let dialer = Dialer::enrolled(places.clone(), proxies.clone(), identity, online.subscribe())?;
    let channel = dialer.channel()?;
    Ok(Current { dialer, channel })
}

/// Something that ends by itself.
async fn ended<T>(answer: impl Future<Output = T>) -> Result<T, tokio::time::error::Elapsed> {
    Ok(answer.await)
}
