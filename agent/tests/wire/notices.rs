//! Work that is announced on a host whose agent runs: shown, put off by its user, kept through the agent's end, and told to
//! the server.

use std::{sync::Arc, time::Duration};

use cutover_agent::osservice::{UserAnswer, UserQuestion};
use cutover_proto::{record::RecordEvent, v1};

use crate::{
    agents::{records, removal},
    host::Host,
    restarts::Channel,
    server::{LONG, Server, quiet},
};

/// Three days after the time that the pretended server tells.
const STARTS_MS: i64 = 1_727_582_400_000 + 3 * 86_400_000;
const CODE: &str = "K7QM-2RTX";

fn notice(number: u32, put_off_ms: Option<i64>) -> v1::StartNotice {
    v1::StartNotice {
        code: CODE.into(),
        number,
        of: 2,
        starts_ms: STARTS_MS,
        from: "IT at Example".into(),
        why: "Kaspersky software is replaced".into(),
        contact: "extension 4711".into(),
        put_offs_left: 2,
        longest_seconds: 8 * 3600,
        put_off_ms,
        ..v1::StartNotice::default()
    }
}

/// Says with each reply that work is announced, and takes what it is told.
fn announces(server: &Server) {
    server.answers(|request| {
        Ok(v1::CheckInReply {
            notice: Some(notice(1, request.put_off.map(|it| it.until_ms))),
            ..quiet(request)
        })
    });
}

fn is_said(requests: &[v1::CheckInRequest]) -> bool {
    requests.last().is_some_and(|it| !it.notices.is_empty())
}

fn times_told(host: &Host) -> usize {
    host.console().matches(CODE).count()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_notice_is_shown_once_and_what_was_put_off_holds_when_the_agent_starts_again() {
    let (server, host) = (Server::start().await, Host::plant());
    host.enrol(&server).await;
    announces(&server);
    let agent = host.start();
    let said = server.check_ins(is_said).await;
    let first = &said.last().unwrap().notices[0];
    assert_eq!(
        (first.number, first.somebody),
        (1, None),
        "no register of sessions is there"
    );
    let text = host.console();
    assert!(text.contains("IT at Example: Kaspersky software is replaced"), "{text}");
    assert!(text.contains("UTC") && text.contains("cutover-agent defer"), "{text}");
    let too_long = agent.put_off(Duration::from_secs(9 * 3600)).await.unwrap();
    assert!(too_long.unwrap_err().to_string().contains("longer than is allowed"));
    let until_ms = agent
        .put_off(Duration::from_secs(2 * 3600))
        .await
        .unwrap()
        .unwrap()
        .until_ms;
    assert_eq!(until_ms, STARTS_MS + 2 * 3_600_000);
    // It is on disk when it is acknowledged, whether or not the server ever heard of it.
    agent.shutdown().await;

    let before = server.check_ins(|_| true).await.len();
    let agent = Arc::new(host.start());
    let said = server.check_ins(|requests| requests.len() > before).await;
    let request = &said[before];
    assert_eq!(request.put_off.map(|it| it.until_ms), Some(until_ms));
    assert_eq!(request.notices, said[before - 1].notices, "as it was shown");
    let channel = Channel::open(agent.clone());
    let UserAnswer::Told { text } = channel.ask(UserQuestion::Due).await else {
        panic!("asking is everybody's");
    };
    assert!(text.contains("as it was put off") && text.contains(CODE), "{text}");
    assert!(agent.status().await.unwrap().start.unwrap().is_put_off);
    // The answer to that check-in frees the next deferral.
    tokio::time::timeout(LONG, async {
        while agent.start_state().await.unwrap().left != 2 {
            tokio::task::yield_now().await;
        }
    })
    .await
    .unwrap();
    let answer = channel.ask(UserQuestion::Defer(Duration::from_secs(3600))).await;
    let UserAnswer::PutOff {
        until_ms: again_ms,
        text,
    } = answer
    else {
        panic!("{answer:?}");
    };
    assert_eq!(again_ms, until_ms + 3_600_000, "from when it would come");
    assert!(text.contains("start of the work is put off until"), "{text}");
    assert_eq!(times_told(&host), 1, "told by the agent before: {}", host.console());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn who_was_not_logged_in_is_told_with_a_later_check_in() {
    let (server, host) = (Server::start().await, Host::plant());
    host.enrol(&server).await;
    announces(&server);
    let agent = host.start();
    server.check_ins(is_said).await;
    assert_eq!(times_told(&host), 1);
    host.write("run/systemd/users/1000", "NAME=ann\nSTATE=active\n");
    agent.check_in();
    let seen = |requests: &[v1::CheckInRequest]| {
        let last = requests.last().and_then(|it| it.notices.first());
        last.is_some_and(|shown| shown.somebody == Some(true))
    };
    let requests = server.check_ins(seen).await;
    assert_eq!(times_told(&host), 2);
    assert!(!format!("{requests:?}").contains("ann"), "who it is is not told");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_order_that_comes_before_the_server_heard_of_a_deferral_ends_before_its_first_step() {
    let (server, host) = (Server::start().await, Host::plant());
    host.enrol(&server).await;
    let host_id = host.state().identity().load().unwrap().unwrap().host_id().to_string();
    let order = removal(&host_id).sign(&server.shared.signing).unwrap();
    server.answers(move |request| {
        // The order was issued while the user asked.
        let starts = request.put_off.is_some() && request.highest_order_begun == 0;
        Ok(v1::CheckInReply {
            notice: Some(notice(u32::from(!starts), request.put_off.map(|it| it.until_ms))),
            work_order: starts.then(|| order.clone()),
            ..quiet(request)
        })
    });
    let agent = host.start();
    server.check_ins(is_said).await;
    agent.put_off(Duration::from_secs(3600)).await.unwrap().unwrap();
    let ended = |requests: &[v1::CheckInRequest]| {
        let told = records(requests);
        told.iter().any(|record| record.event == RecordEvent::OrderCancelled)
    };
    let requests = server.check_ins(ended).await;
    let told = records(&requests);
    assert!(
        told.iter().all(|record| record.event != RecordEvent::StepBegun),
        "{told:?}"
    );
    let end = told.last().unwrap();
    assert!(
        end.detail.contains("its user put the start off until"),
        "{}",
        end.detail
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn people_are_told_when_the_work_begins_and_cannot_put_it_off_any_more() {
    let (server, host) = (Server::start().await, Host::waiting());
    host.enrol(&server).await;
    let host_id = host.state().identity().load().unwrap().unwrap().host_id().to_string();
    let order = removal(&host_id).sign(&server.shared.signing).unwrap();
    server.answers(move |request| {
        let starts = request.highest_order_begun == 0 && !request.inventory_digest.is_empty();
        Ok(v1::CheckInReply {
            notice: starts.then(|| notice(0, None)),
            work_order: starts.then(|| order.clone()),
            ..quiet(request)
        })
    });
    let agent = host.start();
    let begun = |requests: &[v1::CheckInRequest]| {
        let said = requests
            .iter()
            .flat_map(|it| &it.notices)
            .any(|shown| shown.number == 0);
        said && records(requests).iter().any(|it| it.event == RecordEvent::StepBegun)
    };
    server.check_ins(begun).await;
    let text = host.console();
    assert!(
        text.contains("work on this machine begins now") && text.contains(CODE),
        "{text}"
    );
    let refused = agent.put_off(Duration::from_secs(60)).await.unwrap().unwrap_err();
    assert!(refused.to_string().contains("has begun"), "{refused}");
    host.let_remove();
}
