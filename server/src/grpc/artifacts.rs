//! `GET /artifacts/{sha256}`: the bytes of an artifact, or a part of them, for an admitted host.
//!
//! The tag of an artifact is its hash, so a part never belongs to something else.

use std::sync::Arc;

use axum::{
    Router,
    body::{Body, Bytes},
    extract::{Extension, Path, State},
    routing::get,
};
use cutover_proto::artifact::ArtifactDigest;
use futures_util::{Stream, stream::try_unfold};
use hyper::{HeaderMap, Response, StatusCode, header};
use tokio::{
    fs::File,
    io::{self, AsyncReadExt as _, AsyncSeekExt as _},
};

use super::{ArtifactLimits, NowMs, Peer, artifacts_limit::ArtifactBuckets, artifacts_range::Wanted};
use crate::service::{OpenArtifact, Service, ServiceError};

/// Read from disk at once.
const CHUNK: u64 = 64 * 1024;

/// When the store or the disk does not answer, a host comes again after so many seconds.
const TRY_AGAIN_SECONDS: u32 = 30;

#[derive(Clone)]
struct Artifacts {
    service: Service,
    buckets: Arc<ArtifactBuckets>,
    now: NowMs,
}

/// The route, to be put behind the same layer as the calls: it serves nobody whom that layer did not name.
pub fn artifact_routes(service: Service, limits: ArtifactLimits, now: NowMs) -> Router {
    let buckets = Arc::new(ArtifactBuckets::new(limits, now()));
    Router::new()
        .route("/artifacts/{sha256}", get(artifact))
        .with_state(Artifacts { service, buckets, now })
}

async fn artifact(
    peer: Option<Extension<Peer>>,
    State(artifacts): State<Artifacts>,
    Path(sha256): Path<String>,
    headers: HeaderMap,
) -> Response<Body> {
    // The layer in front admits nobody without it; a request that lacks it came by a way that must not exist.
    let Some(Extension(peer)) = peer else {
        return bare(StatusCode::UNAUTHORIZED);
    };
    let Ok(digest) = sha256.parse::<ArtifactDigest>() else {
        return bare(StatusCode::NOT_FOUND);
    };
    let opened = match artifacts.service.open_artifact(&digest).await {
        Ok(Some(opened)) => opened,
        Ok(None) => return bare(StatusCode::NOT_FOUND),
        Err(error) => return failed(&error),
    };
    let tag = format!("\"{digest}\"");
    let wanted = Wanted::read(&headers, opened.size, &tag);
    let (first, length) = match wanted {
        Wanted::Whole => (0, opened.size),
        Wanted::Part { first, last } => (first, last - first + 1),
        Wanted::NotThere => return not_there(opened.size),
    };
    if let Err(seconds) = artifacts.buckets.take(peer.host_id, length, (artifacts.now)()) {
        tracing::debug!(host = %peer.host_id, %digest, seconds, "download put off");
        return later(StatusCode::TOO_MANY_REQUESTS, seconds);
    }
    match answer(opened, wanted, first, length, &tag).await {
        Ok(response) => response,
        Err(error) => {
            tracing::error!(%digest, %error, "artifact cannot be read");
            later(StatusCode::SERVICE_UNAVAILABLE, TRY_AGAIN_SECONDS)
        }
    }
}

async fn answer(
    opened: OpenArtifact,
    wanted: Wanted,
    first: u64,
    length: u64,
    tag: &str,
) -> io::Result<Response<Body>> {
    let OpenArtifact { mut file, size } = opened;
    let mut response = Response::builder()
        .header(header::ACCEPT_RANGES, "bytes")
        .header(header::CONTENT_TYPE, "application/octet-stream")
        .header(header::CONTENT_LENGTH, length)
        .header(header::ETAG, tag);
    if let Wanted::Part { first, last } = wanted {
        file.seek(io::SeekFrom::Start(first)).await?;
        response = response
            .status(StatusCode::PARTIAL_CONTENT)
            .header(header::CONTENT_RANGE, format!("bytes {first}-{last}/{size}"));
    }
    tracing::debug!(tag, first, length, "artifact sent");
    response
        .body(Body::from_stream(bytes(file, length)))
        .map_err(io::Error::other)
}

/// The next `length` bytes of a file; its early end is an error, so that the connection breaks and the host knows.
fn bytes(file: File, length: u64) -> impl Stream<Item = io::Result<Bytes>> {
    try_unfold((file, length), |(mut file, left)| async move {
        if left == 0 {
            return Ok(None);
        }
        let size = usize::try_from(left.min(CHUNK)).map_err(io::Error::other)?;
        let mut part = vec![0; size];
        let read = file.read(&mut part).await?;
        if read == 0 {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
        part.truncate(read);
        Ok(Some((Bytes::from(part), (file, left - read as u64))))
    })
}

fn bare(status: StatusCode) -> Response<Body> {
    let mut response = Response::new(Body::empty());
    *response.status_mut() = status;
    response
}

fn later(status: StatusCode, seconds: u32) -> Response<Body> {
    let mut response = bare(status);
    response.headers_mut().insert(header::RETRY_AFTER, seconds.into());
    response
}

fn not_there(size: u64) -> Response<Body> {
    let mut response = bare(StatusCode::RANGE_NOT_SATISFIABLE);
    if let Ok(range) = format!("bytes */{size}").parse() {
        response.headers_mut().insert(header::CONTENT_RANGE, range);
    }
    response
}

fn failed(error: &ServiceError) -> Response<Body> {
    tracing::error!(%error, "artifact cannot be served");
    later(StatusCode::SERVICE_UNAVAILABLE, TRY_AGAIN_SECONDS)
}
