//! How a host gets its certificate, and who gets none.

use cutover_proto::envelope::{self, Context};
use cutover_server::{
    clock::Clock,
    pki::host_uri,
    store::{enrol_tokens, hosts},
};
use sha2::{Digest, Sha256};
use tonic::Code;
use x509_parser::{extensions::GeneralName, prelude::*};

use crate::{
    keys::Keys,
    machine::{Machine, enroll, enrolment},
    server::Server,
};

const HOUR_MS: i64 = 3_600_000;

fn hash(token: &str) -> String {
    hex::encode(Sha256::digest(token.as_bytes()))
}

async fn uses_left(server: &Server, token: &str) -> i64 {
    let hash = hash(token);
    let row = server.read(move |tx| enrol_tokens::load(tx, &hash)).await;
    row.expect("a known token").uses_left
}

async fn hosts(server: &Server) -> i64 {
    server.read(|tx| hosts::count(tx)).await
}

/// Asks with this token and gives the refusal, which must be about the token.
async fn refusal(server: &Server, token: &str) -> String {
    let before = server.last_pos().await;
    let refused = enroll(server, enrolment(&Keys::new(), token, "pc-1"))
        .await
        .unwrap_err();
    assert_eq!(refused.code(), Code::PermissionDenied, "{refused}");
    assert_eq!(
        (hosts(server).await, server.last_pos().await),
        (0, before),
        "something was stored"
    );
    assert!(refused.message().contains("token create"), "no remedy: {refused}");
    refused.message().to_owned()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_token_that_is_wrong_expired_or_revoked_enrols_nobody_and_says_which() {
    let server = Server::start().await;
    assert!(
        refusal(&server, "enrol_of_somebody_else")
            .await
            .contains("is not known")
    );

    let (ended, revoked) = ("ended", "revoked");
    let now_ms = Clock::system().now_ms();
    server
        .write(move |tx| {
            for (token, ends_ms) in [(ended, now_ms - 1), (revoked, now_ms + HOUR_MS)] {
                let row = enrol_tokens::EnrolTokenRow {
                    token_hash: hash(token),
                    name: "by a test".to_owned(),
                    created_ms: now_ms - HOUR_MS,
                    ends_ms,
                    uses_left: 1,
                    tags: "[]".to_owned(),
                    revoked_ms: None,
                };
                enrol_tokens::insert(tx, &row)?;
            }
            enrol_tokens::revoke(tx, &hash(revoked), now_ms)
        })
        .await;
    assert!(refusal(&server, ended).await.contains("has expired"));
    assert!(refusal(&server, revoked).await.contains("was revoked"));
    assert_eq!(
        (uses_left(&server, ended).await, uses_left(&server, revoked).await),
        (1, 1)
    );
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_used_up_token_enrols_nobody_else() {
    let server = Server::start().await;
    let token = server.token(1).await;
    enroll(&server, enrolment(&Keys::new(), &token, "pc-1")).await.unwrap();
    let refused = enroll(&server, enrolment(&Keys::new(), &token, "pc-2"))
        .await
        .unwrap_err();
    assert_eq!(refused.code(), Code::PermissionDenied);
    assert!(refused.message().contains("used up"), "{refused}");
    assert!(refused.message().contains("token create"), "no remedy: {refused}");
    assert_eq!(hosts(&server).await, 1);
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_host_whose_reply_was_lost_asks_again_and_is_the_same_host_for_no_second_use() {
    let server = Server::start().await;
    let (keys, token) = (Keys::new(), server.token(2).await);
    let lost = enroll(&server, enrolment(&keys, &token, "pc-1")).await.unwrap();
    let before = server.last_pos().await;
    let again = enroll(&server, enrolment(&keys, &token, "pc-1")).await.unwrap();
    assert_eq!(again.host_id, lost.host_id);
    assert_eq!(uses_left(&server, &token).await, 1);
    assert_eq!((hosts(&server).await, server.last_pos().await), (1, before));
    // The second reply is worth as much as the first one.
    let mut machine = Machine::enrol(&server, "another").await;
    machine.host = again.host_id.parse().unwrap();
    machine
        .take_over(&server, keys, again.certificate_chain[0].clone())
        .await;
    let request = machine.carrying();
    machine.check_in(request).await.unwrap();
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_retired_host_comes_back_by_a_new_key_alone() {
    let server = Server::start().await;
    let (keys, token) = (Keys::new(), server.token(2).await);
    let reply = enroll(&server, enrolment(&keys, &token, "pc-1")).await.unwrap();
    let caller = cutover_server::service::Caller::server();
    let why = "scrapped".to_owned();
    server
        .service()
        .retire_host(caller, reply.host_id.clone(), why, false)
        .await
        .unwrap();
    let refused = enroll(&server, enrolment(&keys, &token, "pc-1")).await.unwrap_err();
    assert_eq!(refused.code(), Code::InvalidArgument, "{refused}");
    assert!(refused.message().contains("revoked"), "{refused}");
    let anew = enroll(&server, enrolment(&Keys::new(), &token, "pc-1")).await.unwrap();
    assert_ne!(anew.host_id, reply.host_id);
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn names_in_a_certificate_request_are_ignored() {
    let server = Server::start().await;
    let (keys, token) = (Keys::new(), server.token(1).await);
    let claimed = "urn:cutover:host:01890000-0000-7000-8000-000000000001";
    let mut request = enrolment(&keys, &token, "pc-1");
    request.csr_der = keys.request_named(Some(claimed));
    let reply = enroll(&server, request).await.unwrap();
    assert_ne!(format!("urn:cutover:host:{}", reply.host_id), claimed);

    let (_, certificate) = X509Certificate::from_der(&reply.certificate_chain[0]).unwrap();
    let names = certificate.subject_alternative_name().unwrap().unwrap();
    let given = host_uri(reply.host_id.parse::<cutover_proto::ids::HostId>().unwrap().uuid());
    assert_eq!(names.value.general_names, [GeneralName::URI(&given)]);
    let subject = certificate.subject().to_string();
    assert_eq!(subject, format!("CN={}", reply.host_id));
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_sealing_key_that_the_tls_key_did_not_sign_is_refused() {
    let server = Server::start().await;
    let (keys, token) = (Keys::new(), server.token(1).await);
    let good = enrolment(&keys, &token, "pc-1");
    let by_another = Some(Keys::new().sealing_statement());
    // Signed by the right key, but as something else.
    let as_renewal = envelope::seal(Context::Renewal, vec![7; 32], &keys.signing).ok();
    let too_short = envelope::seal(Context::SealingKey, vec![7; 31], &keys.signing).ok();
    for sealing_key in [by_another, as_renewal, too_short, None] {
        let request = cutover_proto::v1::EnrollRequest {
            sealing_key,
            ..good.clone()
        };
        let refused = enroll(&server, request).await.unwrap_err();
        assert_eq!(refused.code(), Code::InvalidArgument, "{refused}");
    }
    assert_eq!((hosts(&server).await, uses_left(&server, &token).await), (0, 1));
    // The same request, unharmed, is taken.
    enroll(&server, good).await.unwrap();
    server.stop().await;
}
