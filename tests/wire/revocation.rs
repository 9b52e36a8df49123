//! A host that was taken out is heard no more.

use cutover_proto::v1::WatchRequest;
use cutover_server::service::Caller;
use tonic::Code;

use crate::{machine::Machine, server::Server, wait::within};

#[tokio::test(flavor = "multi_thread")]
async fn a_retired_host_is_denied_at_its_next_call_and_its_open_stream_ends() {
    let server = Server::start().await;
    let mut machine = Machine::enrol(&server, "pc-1").await;
    let other = Machine::enrol(&server, "pc-2").await;
    let mut stream = machine.agent().watch(WatchRequest {}).await.unwrap().into_inner();
    let why = "sold on 2026-11-20, says the asset list".to_owned();
    let done = server
        .service()
        .retire_host(Caller::server(), "pc-1".to_owned(), why, false)
        .await
        .unwrap();
    assert!(done.contains("revoked"), "{done}");

    let ended = within("the stream of a retired host ends", async {
        while let Ok(Some(_)) = stream.message().await {}
    });
    ended.await;
    machine.reconnect(&server).await;
    for refused in [
        machine.check_in(machine.hello()).await.unwrap_err(),
        machine.agent().watch(WatchRequest {}).await.unwrap_err(),
        machine
            .renew(machine.renewal(&crate::keys::Keys::new()))
            .await
            .unwrap_err(),
    ] {
        assert_eq!(refused.code(), Code::Unauthenticated, "{refused}");
    }
    other.check_in(other.hello()).await.unwrap();
    assert_eq!(server.plan(machine.host).await.phase.as_str(), "retired");
    server.holds_together(&[machine.host, other.host]).await;
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_open_stream_is_nudged_when_an_order_is_issued() {
    let server = Server::start().await;
    let mut machine = Machine::enrol(&server, "pc-1").await;
    let mut stream = machine.agent().watch(WatchRequest {}).await.unwrap().into_inner();
    let request = machine.carrying();
    machine.check_in(request).await.unwrap();
    server.open_wave().await;
    let nudge = within("a nudge comes", stream.message())
        .await
        .unwrap()
        .expect("a nudge");
    assert_eq!(nudge.reason, cutover_proto::v1::NudgeReason::CheckIn as i32);
    // A server that stops waits a moment for open streams.
    drop((stream, machine));
    server.stop().await;
}
