//! How a host gets its identity.

use cutover_proto::{
    post::ENROLL,
    v1::{self, enrollment_client::EnrollmentClient},
};
use tokio::sync::watch;
use tonic::{Request, Response, Status};

use super::{
    Address, Fingerprint, Identity, IdentityDir, IdentityError, LinkError, MAX_REPLY_BYTES, Proxies,
    client::DEADLINE,
    dial::{Dialer, places},
    error::{Call, NO_ANSWER},
    post,
    trust::Trust,
};

/// What enrolment needs.
#[derive(Debug)]
pub struct EnrollParts<'a> {
    /// Where keys and identity are kept.
    pub dir: &'a IdentityDir,
    /// In the order in which they are tried, now and later.
    pub servers: &'a [Address],
    /// What leads to them.
    pub proxies: Proxies,
    /// Of the authority that the server's certificate has to come from.
    pub ca_fingerprint: Fingerprint,
    /// As the server printed it.
    pub token: &'a str,
    /// What the machine says of itself.
    pub facts: v1::HostFacts,
    /// Of this program.
    pub agent_version: &'a str,
}

/// Enrols this host and keeps its identity. Safe to repeat: after a lost answer the same keys are shown again, which
/// costs no second use of the token.
///
/// # Errors
/// When the server is not the expected one, cannot be reached or refuses, or the identity cannot be kept.
pub async fn enroll(parts: EnrollParts<'_>) -> Result<Identity, LinkError> {
    let identity = ask(&parts).await?;
    parts.dir.keep(&identity)?;
    Ok(identity)
}

/// As [`enroll`], and leaves the identity to be put in force by [`IdentityDir::take_next`], once nothing lies beside it that
/// belongs to a host before.
///
/// # Errors
/// As there.
pub async fn enroll_next(parts: EnrollParts<'_>) -> Result<Identity, LinkError> {
    let identity = ask(&parts).await?;
    parts.dir.keep_for_the_next_start(&identity)?;
    Ok(identity)
}

async fn ask(parts: &EnrollParts<'_>) -> Result<Identity, LinkError> {
    let keys = parts.dir.next_keys()?;
    let made = |error: super::keys::KeyError| IdentityError::Keys(error.to_string());
    let request = v1::EnrollRequest {
        token: parts.token.to_owned(),
        csr_der: keys.request().map_err(made)?,
        sealing_key: Some(keys.sealing_statement().map_err(made)?),
        facts: Some(parts.facts.clone()),
        agent_version: parts.agent_version.to_owned(),
    };
    let (_online, receiver) = watch::channel(true);
    let dialer = Dialer::anonymous(
        places(parts.servers),
        parts.proxies.clone(),
        Trust::Pinned(parts.ca_fingerprint),
        receiver,
    )?;
    let reply = match by_grpc(&dialer, request.clone()).await {
        // Somebody is there, and HTTP/2 brings nothing back.
        Err(LinkError::Cut(why)) => {
            tracing::info!(why, "HTTP/2 does not come through; enrolling by POST");
            let by_post = post::call(&dialer, ENROLL, "", &request).await;
            let reply: Result<Response<v1::EnrollReply>, Status> = by_post;
            reply.map_err(|status| LinkError::from_status(&status, Call::Enroll, dialer.failure()))?
        }
        answered => answered?,
    }
    .into_inner();
    Ok(Identity::of_reply(reply, parts.servers.to_vec(), keys)?)
}

async fn by_grpc(dialer: &Dialer, request: v1::EnrollRequest) -> Result<Response<v1::EnrollReply>, LinkError> {
    let mut call = Request::new(request);
    call.set_timeout(DEADLINE);
    let mut client = EnrollmentClient::new(dialer.channel()?).max_decoding_message_size(MAX_REPLY_BYTES);
    match tokio::time::timeout(DEADLINE, client.enroll(call)).await {
        Ok(answered) => answered.map_err(|status| LinkError::from_status(&status, Call::Enroll, dialer.failure())),
        Err(_) => Err(LinkError::of_dial(dialer.failure(), NO_ANSWER.to_owned())),
    }
}
