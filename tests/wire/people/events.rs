//! The event stream: in order, without gaps, from where the client was.

use cutover_proto::ids::HostId;
use cutover_server::{
    service::Role,
    store::{StoreError, StreamName, events},
};
use reqwest::{Method, Response, StatusCode};

use super::browser::{by_token, problem};
use crate::{machine::Machine, server::Server, wait::within};

/// A client of the stream that reads ids and data.
struct Listener {
    answer: Response,
    text: String,
}

impl Listener {
    async fn open(server: &Server, token: &str, last_seen: Option<i64>) -> Self {
        let mut request = by_token(server, Method::GET, "/api/v1/events", token);
        if let Some(pos) = last_seen {
            request = request.header("last-event-id", pos.to_string());
        }
        let answer = request.send().await.unwrap();
        assert_eq!(answer.status(), StatusCode::OK);
        let text = String::new();
        Self { answer, text }
    }

    /// The next event: its id and its data.
    async fn next(&mut self) -> (i64, serde_json::Value) {
        loop {
            if let Some((event, rest)) = self.text.split_once("\n\n") {
                let field = |name: &str| {
                    let line = event.lines().find_map(|line| line.strip_prefix(name));
                    line.map(|value| value.trim().to_owned())
                };
                let read = field("id:").zip(field("data:"));
                self.text = rest.to_owned();
                if let Some((id, data)) = read {
                    return (id.parse().unwrap(), serde_json::from_str(&data).unwrap());
                }
                continue;
            }
            let chunk = within("the next event", self.answer.chunk()).await.unwrap();
            let chunk = chunk.expect("the stream goes on");
            self.text.push_str(std::str::from_utf8(&chunk).unwrap());
        }
    }

    /// Ids up to one of them.
    async fn ids_to(&mut self, last: i64) -> Vec<i64> {
        let mut ids = Vec::new();
        while ids.last() != Some(&last) {
            ids.push(self.next().await.0);
            assert!(*ids.last().unwrap() <= last, "{ids:?} went past {last}");
        }
        ids
    }
}

/// The position of a host's newest plan event.
async fn newest(server: &Server, host: HostId) -> i64 {
    let stream = StreamName::plan(server.service().campaign_id().as_str(), &host.to_string());
    let events = server.read(move |tx| events::newest(tx, &stream, 1)).await;
    events[0].pos
}

#[tokio::test(flavor = "multi_thread")]
async fn a_client_that_names_the_last_event_it_saw_misses_none_and_sees_none_twice() {
    let server = Server::start().await;
    let token = server.access(Role::Viewer).await;
    let mut machine = Machine::enrol(&server, "pc-1").await;
    let request = machine.carrying();
    machine.check_in(request).await.unwrap();
    let end = newest(&server, machine.host).await;
    let whole = Listener::open(&server, &token, Some(0)).await.ids_to(end).await;
    assert!(whole.len() > 2, "{whole:?}");
    assert!(whole.is_sorted_by(|a, b| a < b), "{whole:?}");
    for (seen, id) in whole.iter().enumerate().take(whole.len() - 1) {
        let rest = Listener::open(&server, &token, Some(*id)).await.ids_to(end).await;
        assert_eq!(rest, whole[seen + 1..]);
    }
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_client_that_names_none_hears_what_happens_from_here_on() {
    let server = Server::start().await;
    let token = server.access(Role::Viewer).await;
    Machine::enrol(&server, "pc-1").await;
    let mut listener = Listener::open(&server, &token, None).await;
    let second = Machine::enrol(&server, "pc-2").await;
    let (_, told) = listener.next().await;
    assert_eq!(
        (told["host"].as_str(), told["host_id"].as_str()),
        (Some("pc-2"), Some(&*second.host.to_string()))
    );
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn many_events_of_other_kinds_do_not_hold_the_stream_up() {
    let server = Server::start().await;
    let token = server.access(Role::Viewer).await;
    let from = server.last_pos().await;
    server
        .write(|tx| {
            let event = events::NewEvent {
                kind: "signed-in".to_owned(),
                schema_version: 1,
                body: "{}".to_owned(),
                at_ms: 1,
                agent_at_ms: None,
            };
            let many = vec![event; 450];
            events::append_next(tx, &StreamName::audit("somebody"), &many).map(drop)?;
            Ok::<_, StoreError>(())
        })
        .await;
    let machine = Machine::enrol(&server, "pc-1").await;
    let end = newest(&server, machine.host).await;
    let ids = Listener::open(&server, &token, Some(from)).await.ids_to(end).await;
    assert!(ids[0] > from + 450, "{ids:?}");
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_last_event_id_that_is_no_number_is_a_problem() {
    let server = Server::start().await;
    let token = server.access(Role::Viewer).await;
    let request = by_token(&server, Method::GET, "/api/v1/events", &token);
    let answer = request.header("last-event-id", "yesterday").send().await.unwrap();
    assert!(problem(answer, StatusCode::BAD_REQUEST).await.contains("Last-Event-ID"));
    server.stop().await;
}
