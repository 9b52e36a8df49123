//! Who reads the log finds a host's commits by host, by attempt, and by the request id that its agent logged as well.

use crate::{log::lines_with, machine::Machine, server::Server};

#[tokio::test(flavor = "multi_thread")]
async fn a_commit_is_logged_with_the_host_the_attempt_and_the_request_of_its_check_in() {
    let server = Server::start().await;
    let mut machine = Machine::enrol(&server, "pc-1").await;
    let host = format!("host={}", machine.host);
    let mut request = machine.carrying();
    request.request_id = "look-7b1".to_owned();
    machine.check_in(request).await.unwrap();
    let committed = lines_with(&["committed", "request_id=look-7b1"]);
    assert_eq!(committed.len(), 1, "one transaction takes a check-in in: {committed:?}");
    assert!(committed[0].contains(&host), "{committed:?}");
    assert!(!committed[0].contains("attempt="), "no order is out yet: {committed:?}");

    server.open_wave().await;
    let (_, order) = machine.fetch_order().await;
    let mut told = machine.hello();
    told.request_id = "steps-7b2".to_owned();
    told.step_records = machine.records_of(&order);
    machine.check_in(told).await.unwrap();
    let committed = lines_with(&["committed", "request_id=steps-7b2", &host, "attempt=1"]);
    assert_eq!(committed.len(), 1, "{:?}", lines_with(&["steps-7b2"]));
    // What a host says is not written into the log as it comes.
    let mut forged = machine.hello();
    forged.request_id = "x\nERROR the-server-is-on-fire".to_owned();
    machine.check_in(forged).await.unwrap();
    assert_eq!(lines_with(&["the-server-is-on-fire"]), [""; 0]);
    server.stop().await;
}
