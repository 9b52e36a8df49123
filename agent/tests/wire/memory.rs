//! The cap on the agent's own memory: it ends itself, says so, and never within an order.

use std::time::Duration;

use cutover_agent::app::{Agent, Limits, LoopEnd, Parts};
use cutover_proto::{record::RecordEvent, v1};

use crate::{
    agents::{has_looked, records, removal},
    hold::hands_out,
    host::Host,
    server::{LONG, Server},
};

/// Any process uses more than this.
fn greedy(parts: Parts, least_uptime: Duration) -> Parts {
    let limits = Limits {
        memory_mib: Some(1),
        every: Duration::from_millis(20),
        least_uptime,
        ..Limits::default()
    };
    Parts { limits, ..parts }
}

fn said(request: &v1::CheckInRequest) -> bool {
    request
        .condition
        .as_ref()
        .is_some_and(|condition| condition.ending.contains("memory_limit_mib allows 1;"))
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_agent_that_uses_too_much_tells_the_server_and_ends() {
    let (server, host) = (Server::start().await, Host::plant());
    host.enrol(&server).await;
    let agent = Agent::start(greedy(host.parts(), Duration::ZERO)).unwrap();
    tokio::time::timeout(LONG, agent.ended()).await.unwrap();
    let Some(LoopEnd::TooMuchMemory(why)) = agent.shutdown().await else {
        panic!("it ended otherwise");
    };
    assert!(why.contains("MiB of memory"), "{why}");
    // It was told before, and not in vain.
    let requests = server.check_ins(|requests| requests.iter().any(said)).await;
    assert!(requests.iter().any(said));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn it_ends_after_its_order_and_not_within_it() {
    let (server, host) = (Server::start().await, Host::waiting());
    host.enrol(&server).await;
    let host_id = host.state().identity().load().unwrap().unwrap().host_id().to_string();
    hands_out(&server, vec![removal(&host_id)]);
    // Time enough for the order to come.
    let agent = Agent::start(greedy(host.parts(), Duration::from_secs(4))).unwrap();
    // Told within the order.
    server
        .check_ins(|requests| {
            requests
                .iter()
                .any(|request| said(request) && request.running.is_some())
        })
        .await;
    host.let_remove();
    tokio::time::timeout(LONG, agent.ended()).await.unwrap();
    assert!(matches!(agent.shutdown().await, Some(LoopEnd::TooMuchMemory(_))));
    // The next agent has only the end to tell: nothing was interrupted or begun twice.
    let agent = host.start();
    let done = |requests: &[v1::CheckInRequest]| {
        records(requests)
            .iter()
            .any(|record| record.event == RecordEvent::OrderCompleted)
    };
    let requests = server.check_ins(done).await;
    let begun = |record: &&cutover_proto::record::StepRecord| record.event == RecordEvent::StepBegun;
    assert_eq!(records(&requests).iter().filter(begun).count(), 2);
    agent.shutdown().await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_limit_that_is_too_low_leaves_an_agent_that_works() {
    let (server, host) = (Server::start().await, Host::plant());
    host.enrol(&server).await;
    let agent = Agent::start(greedy(host.parts(), LONG * 10)).unwrap();
    let before = server.check_ins(has_looked).await.len();
    agent.check_in();
    let requests = server.check_ins(|requests| requests.len() > before).await;
    assert!(!requests.iter().any(said));
    let status = agent.status().await.unwrap();
    assert!(status.footprint.unwrap().resident_kib > 1024);
    assert_eq!((status.memory_limit_mib, status.ending), (Some(1), None));
    agent.shutdown().await;
}
