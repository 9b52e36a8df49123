//! Names and free text of people stand apart from the events, and can be erased.

use cutover_server::{
    service::{Caller, HostFilter, Role, ServiceError},
    store::{StreamName, events},
};
use reqwest::{Method, StatusCode};

use super::browser::by_token;
use crate::{machine::Machine, server::Server};

const WHY: &str = "sold to Grace Hopper on 2026-11-20";

/// Every event of the store, as stored.
async fn stored(server: &Server) -> String {
    let rows = server.read(|tx| events::since(tx, 0, 10_000)).await;
    rows.iter()
        .map(|row| format!("{} {} {}\n", row.stream.as_str(), row.kind, row.body))
        .collect()
}

/// What people are shown of a host: listing, chain of reasons, timeline, stream of events.
async fn shown(server: &Server) -> [String; 4] {
    let service = server.service();
    let list = service.hosts(HostFilter::default()).await.unwrap();
    let host = service.host("pc-1".to_owned()).await.unwrap();
    let timeline: Vec<_> = host.timeline.iter().map(|event| event.text.clone()).collect();
    let (told, _) = service.events_after(0).await.unwrap();
    let stream: Vec<_> = told.iter().map(|event| event.text.clone()).collect();
    [
        list.hosts[0].reason.clone(),
        host.why.join("\n"),
        timeline.join("\n"),
        stream.join("\n"),
    ]
}

async fn caller(server: &Server, role: Role) -> Caller {
    let token = server.access(role).await;
    server
        .service()
        .caller_by_token(&token)
        .await
        .unwrap()
        .expect("a caller")
}

#[tokio::test(flavor = "multi_thread")]
async fn what_people_write_is_in_no_event_is_shown_to_people_and_can_be_erased() {
    let server = Server::start().await;
    let machine = Machine::enrol(&server, "pc-1").await;
    let operator = caller(&server, Role::Operator).await;
    let name = operator.name().to_owned();
    let service = server.service();
    service
        .retire_host(operator.clone(), "pc-1".to_owned(), WHY.to_owned(), false)
        .await
        .unwrap();

    let events = stored(&server).await;
    for plain in [WHY, "Hopper", name.as_str()] {
        assert!(!events.contains(plain), "`{plain}` stands in an event:\n{events}");
    }
    assert!(events.contains("audit:hosts host-retired"), "{events}");
    for text in shown(&server).await {
        assert!(text.contains(&format!("retired by {name}: {WHY}")), "{text}");
        assert!(!text.contains("personal:"), "{text}");
    }

    let refused = service.erase_personal(operator, "pc-1".to_owned(), false).await;
    assert!(matches!(refused, Err(ServiceError::Denied { .. })), "{refused:?}");
    let administrator = server.access(Role::Administrator).await;
    let erase = |dry_run: bool| {
        by_token(
            &server,
            Method::POST,
            "/api/v1/hosts/pc-1/erase-personal",
            &administrator,
        )
        .json(&serde_json::json!({ "dry_run": dry_run }))
        .send()
    };
    let would = erase(true).await.unwrap().text().await.unwrap();
    assert!(would.contains("would erase 2 names and notes about pc-1"), "{would}");
    assert!(shown(&server).await[0].contains(WHY), "a dry run changes nothing");
    let done = erase(false).await.unwrap();
    assert_eq!(done.status(), StatusCode::OK);
    assert!(done.text().await.unwrap().contains("erased 2 names and notes"));

    for text in shown(&server).await {
        assert!(text.contains("retired by (erased): (erased)"), "{text}");
    }
    assert!(
        stored(&server).await.starts_with(&events),
        "what was recorded stays as it was"
    );
    server.holds_together(&[machine.host]).await;
    let audit = StreamName::audit("hosts");
    let chain = server.read(move |tx| events::verify_chain(tx, &audit)).await;
    assert!(matches!(chain, events::ChainState::Whole { .. }), "{chain:?}");
    server.stop().await;
}
