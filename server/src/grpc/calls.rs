//! The calls of both services: from the wire to a use case and back.

use std::{pin::Pin, sync::Arc, time::Duration};

use cutover_proto::v1::{self, agent_server::Agent, enrollment_server::Enrollment};
use futures_util::Stream;
use tokio::sync::Notify;
use tonic::{Request, Response, Status};

use super::{admission::is_plain_id, hub::Hub, peer::Peer};
use crate::{
    service::{CallError, Service},
    store::StoreError,
};

/// A nudge is also sent this often without a cause, so that a dead connection is noticed by both sides.
const WATCH_PULSE: Duration = Duration::from_secs(50);

/// `Enrollment`: how a host comes to its certificate.
#[derive(Debug, Clone)]
pub struct EnrollmentCalls(pub Service);

/// `Agent`: what an enrolled host calls.
#[derive(Debug, Clone)]
pub struct AgentCalls {
    /// The use cases.
    pub service: Service,
    /// The open streams.
    pub hub: Hub,
}

#[tonic::async_trait]
impl Enrollment for EnrollmentCalls {
    async fn enroll(&self, request: Request<v1::EnrollRequest>) -> Result<Response<v1::EnrollReply>, Status> {
        let reply = self.0.enroll(request.into_inner()).await.map_err(status)?;
        Ok(Response::new(reply))
    }

    async fn renew(&self, request: Request<v1::RenewRequest>) -> Result<Response<v1::RenewReply>, Status> {
        let peer = peer(&request)?;
        let reply = self
            .0
            .renew(peer.host_id, peer.certificate.spki_der(), request.into_inner())
            .await
            .map_err(status)?;
        Ok(Response::new(reply))
    }

    async fn split(&self, request: Request<v1::SplitRequest>) -> Result<Response<v1::EnrollReply>, Status> {
        let peer = peer(&request)?;
        let reply = self
            .0
            .split(peer.host_id, peer.certificate.spki_der(), request.into_inner())
            .await
            .map_err(status)?;
        Ok(Response::new(reply))
    }
}

#[tonic::async_trait]
impl Agent for AgentCalls {
    async fn check_in(&self, request: Request<v1::CheckInRequest>) -> Result<Response<v1::CheckInReply>, Status> {
        let peer = peer(&request)?;
        let mut message = request.into_inner();
        if !is_plain_id(&message.request_id) {
            message.request_id.clear();
        }
        let renew = crate::pki::renew_due(
            peer.certificate.not_before_ms,
            peer.certificate.not_after_ms,
            self.service.real_now_ms(),
        );
        let mut reply = self
            .service
            .check_in(peer.host_id, peer.certificate.spki_der(), message)
            .await
            .map_err(status)?;
        // Another identity comes first, and with keys of its own.
        reply.renew = renew && !reply.split;
        Ok(Response::new(reply))
    }

    async fn leave(&self, request: Request<v1::LeaveRequest>) -> Result<Response<v1::LeaveReply>, Status> {
        let peer = peer(&request)?;
        let reply = self
            .service
            .leave(
                peer.host_id,
                peer.certificate.spki_der(),
                peer.revoked,
                request.into_inner(),
            )
            .await
            .map_err(status)?;
        Ok(Response::new(reply))
    }

    type WatchStream = Pin<Box<dyn Stream<Item = Result<v1::Nudge, Status>> + Send>>;

    async fn watch(&self, request: Request<v1::WatchRequest>) -> Result<Response<Self::WatchStream>, Status> {
        let notify = self.hub.listen(peer(&request)?.host_id);
        let stream = futures_util::stream::unfold(notify, next_nudge);
        Ok(Response::new(Box::pin(stream)))
    }
}

async fn next_nudge(notify: Arc<Notify>) -> Option<(Result<v1::Nudge, Status>, Arc<Notify>)> {
    let nudged = tokio::time::timeout(WATCH_PULSE, notify.notified()).await.is_ok();
    let reason = if nudged {
        v1::NudgeReason::CheckIn
    } else {
        v1::NudgeReason::Unspecified
    };
    Some((Ok(v1::Nudge { reason: reason as i32 }), notify))
}

fn peer<T>(request: &Request<T>) -> Result<Peer, Status> {
    // The layer in front admits nobody without it; a request that lacks it came by a way that must not exist.
    request
        .extensions()
        .get::<Peer>()
        .cloned()
        .ok_or_else(|| Status::unauthenticated("no enrolled host speaks here"))
}

fn status(error: CallError) -> Status {
    match error {
        CallError::Invalid { .. } => Status::invalid_argument(error.to_string()),
        CallError::Token { .. } => Status::permission_denied(error.to_string()),
        CallError::UnknownHost | CallError::Revoked => Status::unauthenticated(error.to_string()),
        CallError::Busy => {
            let mut status = Status::resource_exhausted(error.to_string());
            status
                .metadata_mut()
                .insert("retry-after", tonic::metadata::MetadataValue::from_static("30"));
            status
        }
        CallError::Store(cause @ StoreError::NoRoom { .. }) => {
            tracing::error!(error = %cause, "call refused");
            Status::unavailable(
                "the server's disk is full, so it takes nothing; it goes on by itself once there is room",
            )
        }
        CallError::Store(cause) => {
            tracing::error!(error = %cause, "call failed");
            Status::unavailable("the server's store does not answer; try again later")
        }
        CallError::Broken { .. } => {
            tracing::error!(%error, "call failed");
            Status::internal("the server failed; its log has the cause")
        }
    }
}
