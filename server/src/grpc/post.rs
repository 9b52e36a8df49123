//! The same calls as HTTPS POSTs of the same messages, for networks that break HTTP/2 or long streams.
//!
//! The answer is 200 with the reply, or another status with the code and words that gRPC would have, in its headers
//! (`grpc-status`, `grpc-message`): by them an agent also knows that the server answers and nobody on the way. There is no
//! Watch: an agent that speaks so hears of orders with its next check-in.

use axum::{
    Extension, Router,
    body::{Body, Bytes},
    extract::{DefaultBodyLimit, State},
    routing::post,
};
use cutover_proto::v1::{agent_server::Agent as _, enrollment_server::Enrollment as _};
use hyper::{HeaderMap, Response, StatusCode, header};
use prost::Message;
use tonic::{Code, Request, Status};

use super::{AgentCalls, EnrollmentCalls, MAX_REQUEST_BYTES, Peer};

/// `Agent.CheckIn`.
pub(super) const CHECK_IN: &str = cutover_proto::post::CHECK_IN;
/// `Agent.Leave`.
pub(super) const LEAVE: &str = cutover_proto::post::LEAVE;
/// `Enrollment.Enroll`.
pub(super) const ENROLL: &str = cutover_proto::post::ENROLL;
/// `Enrollment.Renew`.
pub(super) const RENEW: &str = cutover_proto::post::RENEW;
/// `Enrollment.Split`.
const SPLIT: &str = cutover_proto::post::SPLIT;

#[derive(Clone)]
struct Calls {
    agent: AgentCalls,
    enrollment: EnrollmentCalls,
}

/// The routes, to be put behind the same layer as the calls.
pub fn post_routes(agent: AgentCalls, enrollment: EnrollmentCalls) -> Router {
    Router::new()
        .route(CHECK_IN, post(check_in))
        .route(LEAVE, post(leave))
        .route(ENROLL, post(enroll))
        .route(RENEW, post(renew))
        .route(SPLIT, post(split))
        .layer(DefaultBodyLimit::max(MAX_REQUEST_BYTES))
        .with_state(Calls { agent, enrollment })
}

async fn check_in(
    peer: Option<Extension<Peer>>,
    State(calls): State<Calls>,
    headers: HeaderMap,
    body: Bytes,
) -> Response<Body> {
    answer(request(peer, &headers, &body), |it| calls.agent.check_in(it)).await
}

async fn leave(
    peer: Option<Extension<Peer>>,
    State(calls): State<Calls>,
    headers: HeaderMap,
    body: Bytes,
) -> Response<Body> {
    answer(request(peer, &headers, &body), |it| calls.agent.leave(it)).await
}

async fn enroll(State(calls): State<Calls>, headers: HeaderMap, body: Bytes) -> Response<Body> {
    answer(request(None, &headers, &body), |it| calls.enrollment.enroll(it)).await
}

async fn renew(
    peer: Option<Extension<Peer>>,
    State(calls): State<Calls>,
    headers: HeaderMap,
    body: Bytes,
) -> Response<Body> {
    answer(request(peer, &headers, &body), |it| calls.enrollment.renew(it)).await
}

async fn split(
    peer: Option<Extension<Peer>>,
    State(calls): State<Calls>,
    headers: HeaderMap,
    body: Bytes,
) -> Response<Body> {
    answer(request(peer, &headers, &body), |it| calls.enrollment.split(it)).await
}

/// What the call says to a request that can be read, or why it cannot be.
async fn answer<M, R: Message, A>(
    request: Result<Request<M>, Status>,
    call: impl FnOnce(Request<M>) -> A,
) -> Response<Body>
where
    A: Future<Output = Result<tonic::Response<R>, Status>>,
{
    respond(match request {
        Ok(request) => call(request).await,
        Err(refused) => Err(refused),
    })
}

/// As gRPC would hand it over: with the peer that the layer in front named; without one the calls refuse.
fn request<M: Message + Default>(
    peer: Option<Extension<Peer>>,
    headers: &HeaderMap,
    body: &[u8],
) -> Result<Request<M>, Status> {
    let kind = headers.get(header::CONTENT_TYPE).map(|kind| kind.as_bytes());
    if kind != Some(cutover_proto::post::CONTENT_TYPE.as_bytes()) {
        return Err(Status::invalid_argument(format!(
            "the content type has to be {}",
            cutover_proto::post::CONTENT_TYPE
        )));
    }
    let message = M::decode(body).map_err(|error| Status::invalid_argument(format!("the message: {error}")))?;
    let mut request = Request::new(message);
    if let Some(Extension(peer)) = peer {
        request.extensions_mut().insert(peer);
    }
    Ok(request)
}

fn respond<M: Message>(answer: Result<tonic::Response<M>, Status>) -> Response<Body> {
    match answer {
        Ok(reply) => {
            let mut response = Response::new(Body::from(reply.into_inner().encode_to_vec()));
            let kind = header::HeaderValue::from_static(cutover_proto::post::CONTENT_TYPE);
            response.headers_mut().insert(header::CONTENT_TYPE, kind);
            response
        }
        Err(status) => refusal(&status, http_status(status.code())),
    }
}

/// A refusal in HTTP's terms and in gRPC's.
pub(super) fn refusal<B: Default>(status: &Status, http: StatusCode) -> Response<B> {
    let mut response = Response::new(B::default());
    *response.status_mut() = http;
    if let Err(error) = status.add_header(response.headers_mut()) {
        tracing::warn!(%error, "a refusal goes out without its words");
    }
    response
}

/// The nearest that HTTP has; a person who looks at a proxy's log goes by it.
const fn http_status(code: Code) -> StatusCode {
    match code {
        Code::Ok => StatusCode::OK,
        Code::InvalidArgument | Code::FailedPrecondition | Code::OutOfRange => StatusCode::BAD_REQUEST,
        Code::Unauthenticated => StatusCode::UNAUTHORIZED,
        Code::PermissionDenied => StatusCode::FORBIDDEN,
        Code::NotFound => StatusCode::NOT_FOUND,
        Code::AlreadyExists | Code::Aborted => StatusCode::CONFLICT,
        Code::ResourceExhausted => StatusCode::TOO_MANY_REQUESTS,
        Code::Unimplemented => StatusCode::NOT_IMPLEMENTED,
        Code::Unavailable | Code::DeadlineExceeded | Code::Cancelled => StatusCode::SERVICE_UNAVAILABLE,
        Code::Unknown | Code::Internal | Code::DataLoss => StatusCode::INTERNAL_SERVER_ERROR,
    }
}
