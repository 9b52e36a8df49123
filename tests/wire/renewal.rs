//! How a host gets its next certificate.

use cutover_proto::envelope::{self, Context};
use tonic::{Code, Status};

use crate::{keys::Keys, machine::Machine, server::Server};

const DAY_MS: i64 = 24 * 3_600_000;

#[tokio::test(flavor = "multi_thread")]
async fn a_renewed_key_works_and_ends_the_old_one_by_its_first_use() {
    let server = Server::start().await;
    // Two thirds of its certificate's 90 days are over.
    let mut machine = Machine::enrolled_ago(&server, "pc-1", 61 * DAY_MS).await;
    let reply = machine.check_in(machine.hello()).await.unwrap();
    assert!(reply.renew, "it was not told to renew");

    let new = Keys::new();
    let reply = machine.renew(machine.renewal(&new)).await.unwrap();
    // The old one still speaks: the reply might have been lost.
    machine.check_in(machine.hello()).await.unwrap();

    let (keys, certificate) = machine
        .take_over(&server, new, reply.certificate_chain[0].clone())
        .await;
    let first = machine.check_in(machine.hello()).await.unwrap();
    assert!(!first.renew, "a new certificate is not due");

    let (new, new_certificate) = machine.take_over(&server, keys, certificate).await;
    for refused in [
        machine.check_in(machine.hello()).await.unwrap_err(),
        machine.renew(machine.renewal(&Keys::new())).await.unwrap_err(),
    ] {
        assert_eq!(refused.code(), Code::Unauthenticated);
        assert!(refused.message().contains("revoked"), "{refused}");
    }
    machine.take_over(&server, new, new_certificate).await;
    machine.check_in(machine.hello()).await.unwrap();
    server.holds_together(&[machine.host]).await;
    server.stop().await;
}

/// Certificates begin at full seconds, so the two keys are as good as equally old.
#[tokio::test(flavor = "multi_thread")]
async fn a_key_renewed_right_after_enrolment_ends_the_first_one_too() {
    let server = Server::start().await;
    let mut machine = Machine::enrol(&server, "pc-1").await;
    for _ in 0..3 {
        let new = Keys::new();
        let reply = machine.renew(machine.renewal(&new)).await.unwrap();
        let (keys, certificate) = machine
            .take_over(&server, new, reply.certificate_chain[0].clone())
            .await;
        machine.check_in(machine.hello()).await.unwrap();
        let (new, new_certificate) = machine.take_over(&server, keys, certificate).await;
        let refused = refusal(&mut machine, &server).await;
        assert!(refused.message().contains("revoked"), "{refused}");
        machine.take_over(&server, new, new_certificate).await;
    }
    server.stop().await;
}

/// What a key is told that is good no longer. That it was revoked also cuts its connections, and may do so in the middle of a
/// call: then it calls again.
async fn refusal(machine: &mut Machine, server: &Server) -> Status {
    for _ in 0..20 {
        let refused = machine.check_in(machine.hello()).await.unwrap_err();
        if refused.code() == Code::Unauthenticated {
            return refused;
        }
        machine.reconnect(server).await;
    }
    panic!("its connections break and nobody says why");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_host_whose_renewal_was_lost_asks_again_for_the_same_key() {
    let server = Server::start().await;
    let mut machine = Machine::enrolled_ago(&server, "pc-1", 61 * DAY_MS).await;
    let new = Keys::new();
    machine.renew(machine.renewal(&new)).await.unwrap();
    let again = machine.renew(machine.renewal(&new)).await.unwrap();
    machine
        .take_over(&server, new, again.certificate_chain[0].clone())
        .await;
    machine.check_in(machine.hello()).await.unwrap();
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_expired_certificate_is_good_for_renewal_alone() {
    let server = Server::start().await;
    let mut machine = Machine::enrolled_ago(&server, "pc-1", 91 * DAY_MS).await;
    let refused = machine.check_in(machine.hello()).await.unwrap_err();
    assert_eq!(refused.code(), Code::Unauthenticated);
    assert!(refused.message().contains("renew"), "{refused}");
    let watching = machine.agent().watch(cutover_proto::v1::WatchRequest {}).await;
    assert_eq!(watching.unwrap_err().code(), Code::Unauthenticated);

    let new = Keys::new();
    let reply = machine.renew(machine.renewal(&new)).await.unwrap();
    machine
        .take_over(&server, new, reply.certificate_chain[0].clone())
        .await;
    machine.check_in(machine.hello()).await.unwrap();
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_certificate_that_expired_more_than_400_days_ago_is_good_for_nothing() {
    let server = Server::start().await;
    let machine = Machine::enrolled_ago(&server, "pc-1", (90 + 401) * DAY_MS).await;
    let refused = machine.renew(machine.renewal(&Keys::new())).await.unwrap_err();
    assert_eq!(refused.code(), Code::Unauthenticated);
    assert!(refused.message().contains("enrol anew"), "{refused}");
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_renewal_that_the_old_key_did_not_prove_is_refused() {
    let server = Server::start().await;
    let machine = Machine::enrol(&server, "pc-1").await;
    let new = Keys::new();
    let good = machine.renewal(&new);
    let for_another_request = machine.renewal(&Keys::new()).proof;
    let by_the_new_key = envelope::seal(Context::Renewal, good.proof.clone().unwrap().body, &new.signing).ok();
    let before = server.last_pos().await;
    for proof in [for_another_request, by_the_new_key, None] {
        let request = cutover_proto::v1::RenewRequest { proof, ..good.clone() };
        let refused = machine.renew(request).await.unwrap_err();
        assert_eq!(refused.code(), Code::InvalidArgument, "{refused}");
    }
    assert_eq!(server.last_pos().await, before);
    machine.renew(good).await.unwrap();
    server.stop().await;
}
