//! The agents' listener: mutual TLS 1.3, one layer that denies by default, and the calls behind it.
//!
//! A connection passes three doors. [`listen`] makes the TLS handshake; a certificate that does not chain to our
//! authorities ends it there, no certificate at all does not. [`AdmissionLayer`] stands in front of every method and
//! path and asks, at each call, whether the peer's key belongs to a host. The call then reads [`Peer`] from the request's
//! extensions; no message names its own host.
//!
//! Invariant: session resumption skips certificate checks, so nothing after the handshake relies on them: expiry and
//! revocation are judged at each call.

mod admission;
mod admission_enroll;
mod artifacts;
mod artifacts_limit;
mod artifacts_range;
mod bounds;
mod bucket;
mod calls;
mod host_keys;
mod hub;
mod listener;
mod listener_connections;
mod listener_identity;
mod listener_verifier;
mod peer;
mod post;

#[cfg(test)]
mod admission_tests;
#[cfg(test)]
mod listener_tests;
#[cfg(test)]
mod testing;

pub use admission::{
    Admission, AdmissionError, AdmissionLayer, AdmissionService, HostKeyFuture, HostKeyState, NowMs, RENEW_GRACE_MS,
    REQUEST_ID_HEADER,
};
pub use admission_enroll::EnrollLimits;
pub use artifacts::artifact_routes;
pub use artifacts_limit::ArtifactLimits;
pub use bounds::{MAX_REPLY_BYTES, MAX_REQUEST_BYTES, bounded_agent, bounded_enrollment, server_builder};
pub use bucket::Rate;
pub use calls::{AgentCalls, EnrollmentCalls};
pub use host_keys::HostKeys;
pub use hub::Hub;
pub use listener::{HandshakeLimits, Incoming, TlsIo, listen};
pub use listener_connections::Connections;
pub use listener_identity::{TlsIdentity, TlsIdentityError};
pub use peer::{Peer, PeerCertificate, PeerConnection};
pub use post::post_routes;
