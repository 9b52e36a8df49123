//! The layer in front of every method and path of the agents' listener. It denies unless it has a reason not to.
//!
//! Reasons to admit, judged at each call:
//!
//! | path | admitted when |
//! |---|---|
//! | `Enrollment/Enroll`, also by POST | the rate limit has room; the call itself checks the token |
//! | `Enrollment/Renew`, also by POST | the peer's key belongs to a host, is not revoked, and ended at most [`RENEW_GRACE_MS`] ago |
//! | `Agent/Leave`, also by POST | the peer's key belongs to a host and ended at most [`RENEW_GRACE_MS`] ago; the call itself tells one that is revoked no more than what it was told |
//! | anything else, known or not | the peer's key belongs to a host, is not revoked, and has not ended |

use std::{
    convert::Infallible,
    future::Future,
    pin::Pin,
    sync::Arc,
    task::{Context, Poll},
};

use cutover_proto::ids::HostId;
use hyper::{Request, Response, StatusCode, header};
use tonic::{Code, Status, body::Body};
use tower::{Layer, Service};
use tracing::{Instrument, Span, field, info_span};

use super::{EnrollLimits, Peer, PeerConnection, admission_enroll::EnrollBuckets, post};

/// How long after its end a key is still good for Renew: 400 days.
pub const RENEW_GRACE_MS: i64 = 400 * 24 * 3600 * 1000;

/// An agent that puts its request id here has it in the span from the first line on. At most 64 letters, digits and `-`.
pub const REQUEST_ID_HEADER: &str = "cutover-request-id";

/// Both ways to call it; nothing else is exempt.
const ENROLL: [&str; 2] = ["/cutover.v1.Enrollment/Enroll", post::ENROLL];
const RENEW: [&str; 2] = ["/cutover.v1.Enrollment/Renew", post::RENEW];

const LEAVE: [&str; 2] = ["/cutover.v1.Agent/Leave", post::LEAVE];

/// Tells the real time in milliseconds since the epoch. Never the campaign's clock: certificates follow the real one.
pub type NowMs = Arc<dyn Fn() -> i64 + Send + Sync>;

/// What the store knows of a host's key.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct HostKeyState {
    /// The host it belongs to.
    pub host_id: HostId,
    /// Good from here on, ms since the epoch: its certificate's start.
    pub from_ms: i64,
    /// Good until here, ms since the epoch: its certificate's end.
    pub to_ms: i64,
    /// When it was revoked. Any value denies, also one that lies ahead of this replica's clock.
    pub revoked_ms: Option<i64>,
}

/// The store could not answer. Nobody is admitted on that ground; the peer is told to come again.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("host keys cannot be read: {0}")]
pub struct AdmissionError(pub String);

/// The answer to come.
pub type HostKeyFuture<'a> = Pin<Box<dyn Future<Output = Result<Option<HostKeyState>, AdmissionError>> + Send + 'a>>;

/// Maps keys to hosts. Asked at every call, so that a revocation is in force at the next one.
pub trait Admission: Send + Sync + 'static {
    /// The state of the key with this hash (lower-case hex of SHA-256 over its SubjectPublicKeyInfo); none when no host
    /// has it.
    fn host_key<'a>(&'a self, spki_hash: &'a str) -> HostKeyFuture<'a>;
}

/// Puts [`AdmissionService`] in front of all routes.
#[derive(Clone)]
pub struct AdmissionLayer(Arc<Gate>);

struct Gate {
    keys: Arc<dyn Admission>,
    now: NowMs,
    enroll: EnrollBuckets,
}

impl std::fmt::Debug for AdmissionLayer {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("AdmissionLayer").finish_non_exhaustive()
    }
}

impl AdmissionLayer {
    /// Asks `keys` at every call and judges ends by `now`.
    #[must_use]
    pub fn new(keys: Arc<dyn Admission>, now: NowMs, limits: EnrollLimits) -> Self {
        let enroll = EnrollBuckets::new(limits, now());
        Self(Arc::new(Gate { keys, now, enroll }))
    }
}

impl<S> Layer<S> for AdmissionLayer {
    type Service = AdmissionService<S>;

    fn layer(&self, inner: S) -> AdmissionService<S> {
        AdmissionService {
            gate: self.0.clone(),
            inner,
        }
    }
}

/// All routes of the listener, behind the gate.
#[derive(Clone)]
pub struct AdmissionService<S> {
    gate: Arc<Gate>,
    inner: S,
}

impl<S: std::fmt::Debug> std::fmt::Debug for AdmissionService<S> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("AdmissionService")
            .field("inner", &self.inner)
            .finish_non_exhaustive()
    }
}

impl<S, B> Service<Request<B>> for AdmissionService<S>
where
    S: Service<Request<B>, Response = Response<Body>, Error = Infallible> + Clone + Send + 'static,
    S::Future: Send,
    B: Send + 'static,
{
    type Response = Response<Body>;
    type Error = Infallible;
    type Future = Pin<Box<dyn Future<Output = Result<Response<Body>, Infallible>> + Send>>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        self.inner.poll_ready(cx)
    }

    fn call(&mut self, mut request: Request<B>) -> Self::Future {
        let gate = self.gate.clone();
        // The one that was polled ready goes on; its clone waits for the next call.
        let waiting = self.inner.clone();
        let mut inner = std::mem::replace(&mut self.inner, waiting);
        let span = info_span!(
            "call",
            path = request.uri().path(),
            host = field::Empty,
            request_id = field::Empty
        );
        if let Some(id) = request_id(&request) {
            span.record("request_id", id);
        }
        let within = span.clone();
        let answer = async move {
            let connection = request.extensions().get();
            match gate.judge(request.uri().path(), connection, &within).await {
                Ok(peer) => {
                    if let Some(peer) = peer {
                        request.extensions_mut().insert(peer);
                    }
                    inner.call(request).await
                }
                Err(denial) => {
                    tracing::debug!(reason = denial.why, "denied");
                    Ok(denial.answer(is_grpc(&request)))
                }
            }
        };
        Box::pin(answer.instrument(span))
    }
}

impl Gate {
    /// The peer; none for Enroll, which is admitted without one.
    async fn judge(
        &self,
        path: &str,
        connection: Option<&PeerConnection>,
        span: &Span,
    ) -> Result<Option<Peer>, Denial> {
        let Some(connection) = connection else {
            return Err(Denial::unauthenticated("the connection is not known to this listener"));
        };
        if ENROLL.contains(&path) {
            return match self.enroll.take(connection.address, (self.now)()) {
                Ok(()) => Ok(None),
                Err(seconds) => Err(Denial::too_many(seconds)),
            };
        }
        let Some(certificate) = &connection.certificate else {
            return Err(Denial::unauthenticated("a client certificate is needed; enrol first"));
        };
        let key = self.keys.host_key(&certificate.spki_hash).await.map_err(|error| {
            tracing::warn!(%error, "nobody can be admitted");
            Denial::unavailable()
        })?;
        let Some(key) = key else {
            return Err(Denial::unauthenticated("this key belongs to no host; enrol anew"));
        };
        span.record("host", field::display(key.host_id));
        let leaves = LEAVE.contains(&path);
        let revoked = key.revoked_ms.is_some();
        if revoked && !leaves {
            return Err(Denial::unauthenticated("this key was revoked; enrol anew"));
        }
        let now_ms = (self.now)();
        if now_ms < key.from_ms {
            return Err(Denial::unauthenticated(
                "this key is not good yet; check the server's clock",
            ));
        }
        let end_ms = key.to_ms.min(certificate.not_after_ms);
        let expired = now_ms >= end_ms;
        if expired && !leaves && !RENEW.contains(&path) {
            return Err(Denial::unauthenticated("this certificate has expired; renew it"));
        }
        if expired && now_ms - end_ms > RENEW_GRACE_MS {
            return Err(Denial::unauthenticated(
                "this certificate expired too long ago; enrol anew",
            ));
        }
        let certificate = certificate.clone();
        Ok(Some(Peer {
            host_id: key.host_id,
            certificate,
            expired,
            revoked,
        }))
    }
}

/// A refusal, for gRPC and for plain HTTP.
struct Denial {
    code: Code,
    http: StatusCode,
    why: &'static str,
    retry_after: Option<u32>,
}

impl Denial {
    const fn unauthenticated(why: &'static str) -> Self {
        Self {
            code: Code::Unauthenticated,
            http: StatusCode::UNAUTHORIZED,
            why,
            retry_after: None,
        }
    }

    const fn too_many(seconds: u32) -> Self {
        Self {
            code: Code::ResourceExhausted,
            http: StatusCode::TOO_MANY_REQUESTS,
            why: "too many hosts enrol at once; try again later",
            retry_after: Some(seconds),
        }
    }

    const fn unavailable() -> Self {
        Self {
            code: Code::Unavailable,
            http: StatusCode::SERVICE_UNAVAILABLE,
            why: "the server cannot read its store; try again later",
            retry_after: Some(10),
        }
    }

    fn answer(&self, grpc: bool) -> Response<Body> {
        let status = Status::new(self.code, self.why);
        let mut response = if grpc {
            status.into_http()
        } else {
            post::refusal(&status, self.http)
        };
        if let Some(seconds) = self.retry_after {
            response.headers_mut().insert(header::RETRY_AFTER, seconds.into());
        }
        response
    }
}

fn is_grpc<B>(request: &Request<B>) -> bool {
    let kind = request.headers().get(header::CONTENT_TYPE);
    kind.is_some_and(|kind| kind.as_bytes().starts_with(b"application/grpc"))
}

/// Bounded, and plain enough to stand in a log line.
pub(super) fn request_id<B>(request: &Request<B>) -> Option<&str> {
    let id = request.headers().get(REQUEST_ID_HEADER)?.to_str().ok()?;
    is_plain_id(id).then_some(id)
}

/// What a peer says may stand in a log line only when it cannot be taken for one.
pub(super) fn is_plain_id(id: &str) -> bool {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-';
    !id.is_empty() && id.len() <= 64 && id.bytes().all(plain)
}
