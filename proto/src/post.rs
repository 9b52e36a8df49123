//! The calls as HTTPS POSTs: paths and content type. The bodies are the messages of the same calls over gRPC.
//!
//! A refusal carries the headers `grpc-status` and `grpc-message`, and `retry-after` where the server asks for a wait.

/// `Agent.CheckIn`.
pub const CHECK_IN: &str = "/cutover.v1/check-in";
/// `Agent.Leave`.
pub const LEAVE: &str = "/cutover.v1/leave";
/// `Enrollment.Enroll`.
pub const ENROLL: &str = "/cutover.v1/enroll";
/// `Enrollment.Renew`.
pub const RENEW: &str = "/cutover.v1/renew";
/// `Enrollment.Split`.
pub const SPLIT: &str = "/cutover.v1/split";
/// Of request and reply.
pub const CONTENT_TYPE: &str = "application/x-protobuf";
