//! Holds that end by themselves, and handwork with an owner, a date and an end.

use cutover_core::plan::{HoldKind, Phase};
use cutover_proto::record::RecordEvent;
use cutover_server::service::{
    AssignHandwork, Caller, EndHandwork, HandworkFilter, HandworkView, HoldHost, HoldKindAsked, ReleaseHost, Role,
    ServiceError,
};
use reqwest::{Method, StatusCode};
use serde_json::json;

use super::browser::{by_token, problem};
use crate::{
    machine::Machine,
    server::{BEGIN_MS, Server},
    wait::until,
};

const HOUR: i64 = 3_600_000;
const DAY: i64 = 24 * HOUR;

async fn carrying(server: &Server, name: &str) -> Machine {
    let mut machine = Machine::enrol(server, name).await;
    let request = machine.carrying();
    machine.check_in(request).await.unwrap();
    machine
}

/// A host at which an order was interrupted in a step that must not run twice.
async fn by_hand(server: &Server, name: &str) -> Machine {
    let mut machine = carrying(server, name).await;
    let (_, order) = machine.fetch_order().await;
    let mut said = machine.hello();
    said.step_records = vec![
        machine.record(order.number, 1, RecordEvent::OrderAccepted, 0),
        machine.record(order.number, 2, RecordEvent::StepBegun, 2),
        machine.record(order.number, 3, RecordEvent::StepInterrupted, 2),
    ];
    machine.check_in(said).await.unwrap();
    assert_eq!(server.plan(machine.host).await.phase, Phase::Handwork);
    machine
}

async fn open(server: &Server) -> Vec<HandworkView> {
    let list = server.service().handwork(HandworkFilter::default()).await.unwrap();
    assert_eq!(list.next, None);
    list.handwork
}

fn hold(kind: HoldKindAsked, until: Option<&str>) -> HoldHost {
    HoldHost {
        kind,
        why: "the books are being closed".to_owned(),
        until: until.map(str::to_owned),
        dry_run: false,
    }
}

async fn set_on(server: &Server, host: &str) -> Vec<String> {
    server.service().host(host.to_owned()).await.unwrap().set
}

#[tokio::test(flavor = "multi_thread")]
async fn a_hold_stops_what_is_out_is_shown_and_ends_by_itself() {
    let server = Server::start().await;
    let mut machine = carrying(&server, "pc-1").await;
    server.open_wave().await;
    let (_, order) = machine.fetch_order().await;
    let service = server.service();
    let one = || "pc-1".to_owned();
    let ask = hold(HoldKindAsked::Operator, Some("2026-11-23T12:00:00Z"));
    let would = HoldHost {
        dry_run: true,
        ..ask.clone()
    };
    let said = service.hold_host(Caller::server(), one(), would).await.unwrap();
    assert!(
        said.starts_with("would hold pc-1 (stays migrating, until order 1 has ended"),
        "{said}"
    );
    assert!(server.plan(machine.host).await.holds.is_empty());
    service.hold_host(Caller::server(), one(), ask).await.unwrap();
    let set = set_on(&server, "pc-1").await;
    for part in [
        "held (operator) until 2026-11-23T12:00:00Z by ",
        "the books are being closed",
    ] {
        assert!(set[0].contains(part), "no `{part}` in {set:?}");
    }
    let reply = machine.check_in(machine.hello()).await.unwrap();
    assert!(reply.cancel.is_some(), "the order is to end");
    let mut ended = machine.hello();
    ended.step_records = vec![machine.record(order.number, 1, RecordEvent::OrderCancelled, 0)];
    machine.check_in(ended).await.unwrap();
    let plan = server.plan(machine.host).await;
    assert_eq!((plan.phase, plan.order), (Phase::Queued, None));
    let why = service.host(one()).await.unwrap().why.join("\n");
    assert!(why.contains("held (operator)"), "{why}");

    server.clock.advance(DAY);
    until("the hold ends by itself", || async {
        server.plan(machine.host).await.holds.is_empty().then_some(())
    })
    .await;
    // It is heard of, and goes on.
    machine.check_in(machine.hello()).await.unwrap();
    machine.fetch_order().await;
    server.holds_together(&[machine.host]).await;
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_legal_hold_may_have_no_end_and_is_lifted_by_its_kind() {
    let server = Server::start().await;
    let machine = carrying(&server, "pc-1").await;
    let service = server.service();
    let one = || "pc-1".to_owned();
    let endless = service
        .hold_host(Caller::server(), one(), hold(HoldKindAsked::Operator, None))
        .await;
    assert!(endless.unwrap_err().to_string().contains("`until` is missing"));
    service
        .hold_host(Caller::server(), one(), hold(HoldKindAsked::Legal, None))
        .await
        .unwrap();
    let until = Some("2026-12-24T00:00:00Z");
    service
        .hold_host(Caller::server(), one(), hold(HoldKindAsked::Operator, until))
        .await
        .unwrap();
    assert_eq!(set_on(&server, "pc-1").await.len(), 2);
    let which = service
        .release_host(Caller::server(), one(), ReleaseHost::default())
        .await;
    assert!(which.unwrap_err().to_string().contains("--kind legal"));
    let legal = ReleaseHost {
        kind: Some(HoldKindAsked::Legal),
        dry_run: false,
    };
    let said = service.release_host(Caller::server(), one(), legal).await.unwrap();
    assert!(said.starts_with("released pc-1"), "{said}");
    let left: Vec<HoldKind> = server.plan(machine.host).await.holds.keys().copied().collect();
    assert_eq!(left, [HoldKind::Operator]);
    service
        .release_host(Caller::server(), one(), ReleaseHost::default())
        .await
        .unwrap();
    let nothing = service
        .release_host(Caller::server(), one(), ReleaseHost::default())
        .await;
    assert!(nothing.unwrap_err().to_string().contains("pc-1: nobody holds it"));
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn handwork_is_listed_given_away_overdue_once_and_ended_with_evidence() {
    let server = Server::start().await;
    server.open_wave().await;
    let machine = by_hand(&server, "pc-1").await;
    let service = server.service();
    let one = || "pc-1".to_owned();
    let row = open(&server).await.remove(0);
    // A Sunday: five working days end with the Friday after it, and the weekend is none.
    assert_eq!((row.since_ms, row.due_ms), (BEGIN_MS, BEGIN_MS + 7 * DAY + 12 * HOUR));
    assert_eq!(
        (row.role.as_str(), row.owner.as_str(), row.overdue),
        ("technician", "", false)
    );
    assert!(
        row.reason.contains("was interrupted") && row.ends_when.contains("mark the handwork done"),
        "{row:?}"
    );
    assert!(set_on(&server, "pc-1").await[0].contains("nobody is named, due 2026-11-30T00:00:00Z"));

    let assign = AssignHandwork {
        owner: "Grace Hopper".to_owned(),
        reference: Some("INC-4711".to_owned()),
        due: Some("2026-11-23T12:00:00Z".to_owned()),
        dry_run: false,
    };
    service.assign_handwork(Caller::server(), one(), assign).await.unwrap();
    let row = open(&server).await.remove(0);
    assert_eq!(
        (row.owner.as_str(), row.reference.as_str()),
        ("Grace Hopper", "INC-4711")
    );
    assert_eq!((row.due_ms, row.overdue), (BEGIN_MS + DAY, false));

    server.clock.advance(DAY);
    until("somebody is told that it is overdue", || async {
        let handwork = server.plan(machine.host).await.handwork;
        handwork.is_some_and(|it| it.told).then_some(())
    })
    .await;
    assert!(open(&server).await[0].overdue);
    assert!(set_on(&server, "pc-1").await[0].contains("due 2026-11-23T12:00:00Z, which is past"));
    server.clock.advance(HOUR);
    service.wake_due().await.unwrap();
    let told = service.host(one()).await.unwrap().timeline;
    let overdue = told
        .iter()
        .filter(|event| event.text.contains("and is not done"))
        .count();
    assert_eq!(overdue, 1, "{told:?}");

    let done = |evidence: &str| EndHandwork {
        evidence: evidence.to_owned(),
        dry_run: false,
    };
    let silent = service.end_handwork(Caller::server(), one(), done(" ")).await;
    assert!(matches!(silent, Err(ServiceError::Invalid { .. })), "{silent:?}");
    let said = service
        .end_handwork(Caller::server(), one(), done("photo in INC-4711"))
        .await
        .unwrap();
    assert!(said.contains("pc-1 (handwork, then verifying)"), "{said}");
    assert_eq!(open(&server).await, []);
    let again = service.end_handwork(Caller::server(), one(), done("once more")).await;
    assert!(again.unwrap_err().to_string().contains("no handwork is open"));
    server.holds_together(&[machine.host]).await;
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_is_not_as_it_should_be_is_refused_with_what_to_say() {
    let server = Server::start().await;
    carrying(&server, "pc-1").await;
    let token = server.access(Role::Operator).await;
    for (path, body, status, says) in [
        (
            "handwork/pc-1/assign",
            json!({"owner": ""}),
            StatusCode::BAD_REQUEST,
            "`owner` is missing",
        ),
        (
            "handwork/pc-1/assign",
            json!({"owner": "x"}),
            StatusCode::CONFLICT,
            "no handwork is open",
        ),
        (
            "handwork/pc-1/assign",
            json!({"owner": "x", "due": "2027-01-31"}),
            StatusCode::BAD_REQUEST,
            "-04:00",
        ),
        (
            "handwork/pc-9/done",
            json!({"evidence": "x"}),
            StatusCode::NOT_FOUND,
            "host `pc-9`",
        ),
        (
            "hosts/pc-1/hold",
            json!({"why": ""}),
            StatusCode::BAD_REQUEST,
            "`why` is missing",
        ),
        (
            "hosts/pc-1/hold",
            json!({"why": "x", "until": "2026-01-31T00:00:00Z"}),
            StatusCode::BAD_REQUEST,
            "is past",
        ),
        ("hosts/pc-1/release", json!({}), StatusCode::CONFLICT, "nobody holds it"),
    ] {
        let request = by_token(&server, Method::POST, &format!("/api/v1/{path}"), &token).json(&body);
        let detail = problem(request.send().await.unwrap(), status).await;
        assert!(detail.contains(says), "{path} {body}: {detail}");
    }
    server.stop().await;
}
