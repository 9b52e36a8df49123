use std::time::Duration;

use cutover_agent::link::{IdentityDir, Link, LinkError, Proxies};
use cutover_proto::v1;
use tonic::{Status, metadata::MetadataValue};

use crate::server::{LONG, Server, quiet};

fn request() -> v1::CheckInRequest {
    v1::CheckInRequest {
        request_id: "r-1".into(),
        ..Default::default()
    }
}

async fn linked(server: &Server) -> (tempfile::TempDir, Link) {
    let directory = tempfile::tempdir().unwrap();
    let identity = server.enroll(&IdentityDir::new(directory.path())).await;
    let link = Link::new(&identity, identity.servers(), Proxies::none()).unwrap();
    (directory, link)
}

#[tokio::test]
async fn a_check_in_is_answered_over_the_hosts_own_certificate() {
    let server = Server::start().await;
    let (_directory, link) = linked(&server).await;
    let reply = link.check_in(request()).await.unwrap();
    assert_eq!(reply, quiet(&request()));
}

#[tokio::test]
async fn overload_carries_the_wait_that_the_server_asks_for() {
    let server = Server::start().await;
    let (_directory, link) = linked(&server).await;
    server.answers(|_| {
        let mut status = Status::resource_exhausted("busy");
        status
            .metadata_mut()
            .insert("retry-after", MetadataValue::from_static("40"));
        Err(status)
    });
    let wait = Duration::from_secs(40);
    let error = link.check_in(request()).await.unwrap_err();
    assert!(
        matches!(error, LinkError::Overloaded { retry_after: Some(asked) } if asked == wait),
        "{error}"
    );
}

#[tokio::test]
async fn a_key_that_is_not_accepted_is_told_with_the_remedy() {
    let server = Server::start().await;
    let (_directory, link) = linked(&server).await;
    server.answers(|_| Err(Status::unauthenticated("this key was revoked; enrol anew")));
    let text = link.check_in(request()).await.unwrap_err().to_string();
    assert!(
        text.contains("this key was revoked") && text.contains("cutover-agent enroll --again"),
        "{text}"
    );
}

#[tokio::test]
async fn a_server_of_another_authority_is_not_believed_after_enrolment() {
    let enrolled_at = Server::start().await;
    let other = Server::start().await;
    let directory = tempfile::tempdir().unwrap();
    let identity = enrolled_at.enroll(&IdentityDir::new(directory.path())).await;
    let link = Link::new(&identity, std::slice::from_ref(&other.address), Proxies::none()).unwrap();
    let text = link.check_in(request()).await.unwrap_err().to_string();
    assert!(text.contains("Test authority") && text.contains("inspection"), "{text}");
}

#[tokio::test]
async fn a_host_off_the_network_reaches_nobody_until_it_is_back() {
    let server = Server::start().await;
    let (_directory, link) = linked(&server).await;
    link.check_in(request()).await.unwrap();
    link.set_online(false);
    let error = link.check_in(request()).await.unwrap_err();
    assert!(matches!(error, LinkError::Unreachable(_)), "{error}");
    link.set_online(true);
    link.check_in(request()).await.unwrap();
}

#[tokio::test]
async fn a_watch_stream_brings_nudges_and_ends_when_the_host_goes_off_the_network() {
    let server = Server::start().await;
    let (_directory, link) = linked(&server).await;
    let nudged = tokio::sync::Notify::new();
    let watching = link.watch(|| (), || nudged.notify_one());
    let then_cut = async {
        server.watchers(1).await;
        // A pulse without a reason is no nudge.
        server.nudge(v1::NudgeReason::Unspecified);
        server.nudge(v1::NudgeReason::CheckIn);
        nudged.notified().await;
        link.set_online(false);
    };
    let (ended, ()) = tokio::time::timeout(LONG, async { tokio::join!(watching, then_cut) })
        .await
        .unwrap();
    assert!(matches!(ended, LinkError::Unreachable(_)), "{ended}");
}
