//! A host that is asked to leave: one statement, said until it is answered, and nothing else any more.

use std::fs;

use cutover_agent::app::{Agent, Handle, LoopEnd, StartError};
use cutover_proto::{envelope, leaving::LastStatement, v1};
use prost::Message;
use tonic::Status;

use crate::{
    agents::{has_looked, removal},
    host::Host,
    server::{LONG, Server, quiet},
};

fn asks(server: &Server) {
    server.answers(|request| {
        let mut reply = quiet(request);
        reply.leave = Some(v1::LeaveAsked {
            request_id: "r-1".to_owned(),
        });
        Ok(reply)
    });
}

fn taken(statement: &v1::Envelope) -> v1::LeaveReply {
    v1::LeaveReply {
        durable: envelope::digest(statement).to_vec(),
        why_not: String::new(),
    }
}

/// Until so many statements came.
async fn statements(server: &Server, wanted: usize) -> Vec<v1::Envelope> {
    let mut came = server.shared.statements.subscribe();
    let found = tokio::time::timeout(LONG, came.wait_for(|all| all.len() >= wanted)).await;
    found.expect("a statement comes").unwrap().clone()
}

fn said(signed: &v1::Envelope) -> LastStatement {
    v1::LastStatement::decode(signed.body.as_slice())
        .unwrap()
        .try_into()
        .unwrap()
}

async fn end_of(agent: Handle) -> Option<LoopEnd> {
    tokio::time::timeout(LONG, agent.ended())
        .await
        .expect("it ends by itself");
    agent.shutdown().await
}

/// An enrolled host whose server asks it to leave.
async fn asked() -> (Server, Host) {
    let (server, host) = (Server::start().await, Host::plant());
    host.enrol(&server).await;
    asks(&server);
    (server, host)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_host_that_is_asked_says_its_last_word_and_ends() {
    let (server, host) = asked().await;
    server.script().leave = Box::new(|statement| Ok(taken(statement)));
    assert!(!host.state().has_left());
    assert_eq!(end_of(host.start()).await, Some(LoopEnd::Left));
    assert!(host.state().has_left());
    let all = statements(&server, 1).await;
    let requests = server.check_ins(has_looked).await;
    assert!(requests.iter().all(|request| request.can_leave));
    let (last, word) = (requests.last().unwrap(), said(&all[0]));
    assert_eq!(word.request_id, "r-1");
    assert_eq!(
        word.inventory_digest, last.inventory_digest,
        "the inventory that is durable"
    );
    assert_eq!(word.highest_order_begun, 0);
    assert_eq!(word.rules_revision, last.rules_revision);
}

/// Killed at each place: after the statement was made, while it is under way, after its acknowledgement was lost.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_agent_that_ends_in_the_middle_says_the_same_again_and_does_nothing_else() {
    let (server, host) = asked().await;
    server.script().leave = Box::new(|_| Err(Status::unavailable("the answer is lost")));
    let agent = host.start();
    let first = statements(&server, 1).await[0].clone();
    agent.shutdown().await;
    assert!(!host.state().has_left(), "nobody has acknowledged it");
    let kept = fs::read(host.state().path().join("last-statement")).unwrap();
    assert_eq!(v1::Envelope::decode(kept.as_slice()).unwrap(), first);

    // An order waits for it, and another request to leave.
    let before = server.check_ins(|_| true).await.len();
    let signing = server.shared.signing.public().clone();
    let order = removal(&said(&first).host_id.to_string())
        .sign(&server.shared.signing)
        .unwrap();
    assert!(envelope::open(&order, envelope::Context::WorkOrder, &[signing]).is_ok());
    server.answers(move |request| {
        let mut reply = quiet(request);
        reply.work_order = Some(order.clone());
        reply.leave = Some(v1::LeaveAsked {
            request_id: "r-2".to_owned(),
        });
        Ok(reply)
    });
    let agent = host.start();
    statements(&server, 2).await;
    agent.check_in();
    statements(&server, 3).await;
    agent.shutdown().await;
    server.script().leave = Box::new(|statement| Ok(taken(statement)));
    assert_eq!(end_of(host.start()).await, Some(LoopEnd::Left));

    let all = statements(&server, 4).await;
    assert!(all.iter().all(|one| *one == first), "one statement, byte for byte");
    assert_eq!(server.check_ins(|_| true).await.len(), before, "no check-in since");
    assert!(host.console().is_empty(), "{}", host.console());
    // Killed before it was taken away: the answer is the same, and so is the end.
    assert!(host.state().has_left());
    assert_eq!(end_of(host.start()).await, Some(LoopEnd::Left));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_statement_that_is_not_taken_is_forgotten_and_the_host_goes_on() {
    let (server, host) = asked().await;
    server.script().leave = Box::new(|_| {
        Ok(v1::LeaveReply {
            durable: vec![],
            why_not: "its target came back".to_owned(),
        })
    });
    let agent = host.start();
    statements(&server, 1).await;
    server.answers(|request| Ok(quiet(request)));
    let so_far = server.check_ins(|_| true).await.len();
    agent.check_in();
    server.check_ins(|requests| requests.len() > so_far).await;
    assert_eq!(agent.shutdown().await, Some(LoopEnd::Told));
    assert!(!host.state().path().join("last-statement").exists());
    assert!(!host.state().has_left());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_answer_about_something_else_acknowledges_nothing() {
    let (server, host) = asked().await;
    server.script().leave = Box::new(|_| {
        Ok(v1::LeaveReply {
            durable: vec![7; 32],
            why_not: String::new(),
        })
    });
    let agent = host.start();
    statements(&server, 2).await;
    assert!(!host.state().has_left());
    agent.shutdown().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_agent_that_cannot_take_itself_away_does_not_say_so_and_does_not_leave() {
    let (server, host) = asked().await;
    let parts = cutover_agent::app::Parts {
        can_leave: false,
        ..host.parts()
    };
    let agent = Agent::start(parts).unwrap();
    let requests = server
        .check_ins(|requests| has_looked(requests) && requests.len() > 1)
        .await;
    assert!(requests.iter().all(|request| !request.can_leave));
    assert_eq!(agent.shutdown().await, Some(LoopEnd::Told));
    assert!(server.shared.statements.borrow().is_empty());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_statement_that_cannot_be_read_keeps_the_agent_from_starting() {
    let (server, host) = asked().await;
    server.script().leave = Box::new(|_| Err(Status::unavailable("the answer is lost")));
    let agent = host.start();
    statements(&server, 1).await;
    agent.shutdown().await;
    fs::write(host.state().path().join("last-statement"), b"\xff\xff\xff").unwrap();
    let refused = Agent::start(host.parts()).unwrap_err();
    assert!(matches!(refused, StartError::Statement(_)), "{refused}");
}
