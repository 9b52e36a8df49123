//! How much a peer may send, hold and keep open.

use std::time::Duration;

use cutover_proto::v1::{
    agent_server::{Agent, AgentServer},
    enrollment_server::{Enrollment, EnrollmentServer},
};
use tonic::transport::Server;

/// Largest message from an agent. An inventory with evidence for every product of the catalog stays under 100 KiB; step
/// records that waited for the network come in several check-ins.
pub const MAX_REQUEST_BYTES: usize = 1024 * 1024;

/// Largest message to an agent: all rules, or a work order with sealed onboarding files.
pub const MAX_REPLY_BYTES: usize = 4 * 1024 * 1024;

/// Calls open at once on one connection. An agent has two: a check-in and its Watch.
const MAX_STREAMS: u32 = 16;

/// All headers of one request.
const MAX_HEADER_BYTES: u32 = 16 * 1024;

/// HTTP/2 flow control: what one call may send before it is read.
const STREAM_WINDOW: u32 = 64 * 1024;

/// The same for a connection.
const CONNECTION_WINDOW: u32 = 256 * 1024;

/// Middleboxes forget silent connections after a minute; a ping before that keeps them.
const KEEPALIVE: Duration = Duration::from_secs(45);
const _: () = assert!(
    KEEPALIVE.as_secs() < 60,
    "a silent connection would be forgotten on the way"
);

/// A peer that does not answer a ping for so long is gone.
const KEEPALIVE_TIMEOUT: Duration = Duration::from_secs(20);

/// The HTTP server of the agents' listener, with its bounds. Also takes HTTP/1.1: the check-in by POST and artifacts are
/// for networks that break HTTP/2.
#[must_use]
pub fn server_builder() -> Server {
    Server::builder()
        .accept_http1(true)
        .http2_keepalive_interval(Some(KEEPALIVE))
        .http2_keepalive_timeout(Some(KEEPALIVE_TIMEOUT))
        .http2_max_header_list_size(MAX_HEADER_BYTES)
        .max_concurrent_streams(MAX_STREAMS)
        .initial_stream_window_size(STREAM_WINDOW)
        .initial_connection_window_size(CONNECTION_WINDOW)
}

/// `Agent` with its message bounds.
pub fn bounded_agent<T: Agent>(calls: T) -> AgentServer<T> {
    AgentServer::new(calls)
        .max_decoding_message_size(MAX_REQUEST_BYTES)
        .max_encoding_message_size(MAX_REPLY_BYTES)
}

/// `Enrollment` with its message bounds.
pub fn bounded_enrollment<T: Enrollment>(calls: T) -> EnrollmentServer<T> {
    EnrollmentServer::new(calls)
        .max_decoding_message_size(MAX_REQUEST_BYTES)
        .max_encoding_message_size(MAX_REPLY_BYTES)
}
