//! Calls as HTTPS POSTs over HTTP/1.1, for networks that break HTTP/2 or long streams. A connection each: calls are rare,
//! and nothing is left open for a middlebox to forget.

use cutover_proto::post::CONTENT_TYPE;
use http_body_util::{BodyExt, Full, Limited};
use hyper::{
    Method, Request,
    body::{Bytes, Incoming},
    client::conn::http1,
    header::{CONTENT_TYPE as KIND, HOST},
};
use hyper_util::rt::TokioIo;
use prost::Message;
use tonic::{Response, Status};

use super::{
    client::{DEADLINE, MAX_REPLY_BYTES, REQUEST_ID_HEADER},
    dial::{Alpn, Dialer},
    error::NOT_FROM_THE_SERVER,
};

/// Sends a message and reads the reply; errors are as they would be over gRPC. The deadline counts from the connection on:
/// a list of addresses may take a while.
pub(super) async fn call<A: Message + Default>(
    dialer: &Dialer,
    path: &str,
    request_id: &str,
    message: &impl Message,
) -> Result<Response<A>, Status> {
    let stream = dialer.dial(Alpn::Http1).await.map_err(Status::unavailable)?;
    let talk = async {
        let (mut sender, connection) = http1::handshake(TokioIo::new(stream)).await.map_err(broken)?;
        let connection = tokio::spawn(connection);
        let answered = async {
            let request = request(dialer, path, request_id, message.encode_to_vec())?;
            read(sender.send_request(request).await.map_err(broken)?).await
        };
        let answered = answered.await;
        connection.abort();
        answered
    };
    match tokio::time::timeout(DEADLINE, talk).await {
        Ok(answer) => answer.map(Response::new),
        Err(elapsed) => Err(Status::from_error(Box::new(elapsed))),
    }
}

fn request(dialer: &Dialer, path: &str, request_id: &str, body: Vec<u8>) -> Result<Request<Full<Bytes>>, Status> {
    let host = dialer.reached().map(|address| address.to_string()).unwrap_or_default();
    let mut request = Request::builder()
        .method(Method::POST)
        .uri(path)
        .header(HOST, host)
        .header(KIND, CONTENT_TYPE);
    if !request_id.is_empty() {
        request = request.header(REQUEST_ID_HEADER, request_id);
    }
    request
        .body(Full::new(Bytes::from(body)))
        .map_err(|error| Status::internal(error.to_string()))
}

async fn read<A: Message + Default>(response: hyper::Response<Incoming>) -> Result<A, Status> {
    if let Some(refused) = Status::from_header_map(response.headers()) {
        return Err(refused);
    }
    let kind = response.headers().get(KIND).map(|kind| kind.as_bytes());
    if !response.status().is_success() || kind != Some(CONTENT_TYPE.as_bytes()) {
        let why = format!("{NOT_FROM_THE_SERVER}, HTTP {}", response.status());
        return Err(Status::unavailable(why));
    }
    let body = Limited::new(response.into_body(), MAX_REPLY_BYTES).collect().await;
    let body = body.map_err(Status::from_error)?.to_bytes();
    A::decode(body).map_err(|error| Status::internal(format!("the reply cannot be read: {error}")))
}

fn broken(error: hyper::Error) -> Status {
    Status::from_error(Box::new(error))
}
