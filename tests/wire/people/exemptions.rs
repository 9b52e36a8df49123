//! Exemptions: granted to all that are named or to none, and over by themselves.

use cutover_core::plan::Phase;
use cutover_proto::record::RecordEvent;
use cutover_server::service::{
    Caller, ExemptionFilter, ExemptionView, NewExemption, RevokeExemption, Role, ServiceError,
};
use reqwest::{Method, StatusCode};
use serde_json::json;

use super::browser::{by_token, problem};
use crate::{
    machine::Machine,
    server::{BEGIN_MS, Server},
    wait::until,
};

const DAY: i64 = 24 * 3_600_000;
/// Ten days after the clock begins.
const END: &str = "2026-12-02T12:00:00Z";

fn asking(hosts: &[&str]) -> NewExemption {
    NewExemption {
        hosts: hosts.iter().map(|host| (*host).to_owned()).collect(),
        why: "runs the old press until Christmas".to_owned(),
        owner: "Ada Lovelace".to_owned(),
        control: "off the network".to_owned(),
        until: END.to_owned(),
        dry_run: false,
    }
}

async fn exempt(server: &Server, ask: NewExemption) -> Result<String, ServiceError> {
    server.service().exempt(Caller::server(), ask).await
}

async fn listed(server: &Server) -> Vec<ExemptionView> {
    let list = server.service().exemptions(ExemptionFilter::default()).await.unwrap();
    assert_eq!(list.next, None);
    list.exemptions
}

/// A host that carries the product, in a wave that is open or not.
async fn carrying(server: &Server, name: &str) -> Machine {
    let mut machine = Machine::enrol(server, name).await;
    let request = machine.carrying();
    machine.check_in(request).await.unwrap();
    machine
}

#[tokio::test(flavor = "multi_thread")]
async fn an_exemption_is_listed_shown_and_over_by_itself() {
    let server = Server::start().await;
    let (one, two) = (carrying(&server, "pc-1").await, carrying(&server, "pc-2").await);
    let ids = [one.host, two.host];
    let would = NewExemption {
        dry_run: true,
        ..asking(&["pc-1", "pc-2"])
    };
    let before = server.last_pos().await;
    let said = exempt(&server, would).await.unwrap();
    assert!(
        said.contains("would exempt 2 hosts until 2026-12-02T12:00:00Z"),
        "{said}"
    );
    assert!(said.contains("pc-1 (planned, then exempt)"), "{said}");
    assert_eq!((server.last_pos().await, listed(&server).await), (before, vec![]));

    let said = exempt(&server, asking(&["pc-1", "pc-2", &one.host.to_string()]))
        .await
        .unwrap();
    assert!(said.contains("exempted 2 hosts"), "{said}");
    for host in ids {
        assert_eq!(server.plan(host).await.phase, Phase::Exempt);
    }
    let rows = listed(&server).await;
    let names: Vec<&str> = rows.iter().map(|row| row.name.as_str()).collect();
    assert_eq!(names, ["pc-1", "pc-2"]);
    let row = &rows[0];
    assert_eq!(
        (row.owner.as_str(), row.control.as_str()),
        ("Ada Lovelace", "off the network")
    );
    assert_eq!((row.since_ms, row.until_ms), (BEGIN_MS, Some(BEGIN_MS + 10 * DAY)));
    assert_eq!(
        (row.why.as_str(), row.phase.as_str()),
        (asking(&[]).why.as_str(), "exempt")
    );
    let shown = server.service().host("pc-1".to_owned()).await.unwrap().set;
    assert_eq!(shown.len(), 1);
    for part in [
        "until 2026-12-02T12:00:00Z",
        "Ada Lovelace answers",
        "off the network",
        "granted by",
    ] {
        assert!(shown[0].contains(part), "no `{part}` in {shown:?}");
    }

    // What is said of one host is erased without that of the other.
    server
        .service()
        .erase_personal(Caller::server(), "pc-1".to_owned(), false)
        .await
        .unwrap();
    let owners: Vec<String> = listed(&server).await.into_iter().map(|row| row.owner).collect();
    assert_eq!(owners, ["(erased)", "Ada Lovelace"]);

    server.clock.advance(10 * DAY - 1);
    server.service().wake_due().await.unwrap();
    assert_eq!(server.plan(one.host).await.phase, Phase::Exempt);
    server.clock.advance(1);
    until("both come back by themselves", || async {
        let mut back = true;
        for host in ids {
            back &= server.plan(host).await.phase == Phase::Planned;
        }
        back.then_some(())
    })
    .await;
    assert_eq!(listed(&server).await, []);
    let told = server.service().host("pc-2".to_owned()).await.unwrap().timeline;
    assert!(
        told.iter().any(|event| event.text.contains("exemption ended")),
        "{told:?}"
    );
    server.holds_together(&ids).await;
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_order_that_is_out_ends_first_and_the_host_is_listed_meanwhile() {
    let server = Server::start().await;
    let mut machine = carrying(&server, "pc-1").await;
    server.open_wave().await;
    let (_, order) = machine.fetch_order().await;
    let said = exempt(&server, asking(&["pc-1"])).await.unwrap();
    assert!(
        said.contains("stays migrating, until order 1 has ended at its next safe point"),
        "{said}"
    );
    let row = listed(&server).await.remove(0);
    assert_eq!(row.phase, "migrating");
    let reply = machine.check_in(machine.hello()).await.unwrap();
    let cancel = reply.cancel.expect("the order is taken back");
    assert!(!cancel.body.is_empty());
    let mut ended = machine.hello();
    ended.step_records = vec![machine.record(order.number, 1, RecordEvent::OrderCancelled, 0)];
    machine.check_in(ended).await.unwrap();
    assert_eq!(server.plan(machine.host).await.phase, Phase::Exempt);

    // It comes back into the queue at the end, where its wave is open.
    server.clock.advance(10 * DAY);
    until("it comes back by itself", || async {
        (server.plan(machine.host).await.exemption.is_none()).then_some(())
    })
    .await;
    let phases = server.phases(machine.host).await;
    let last = phases.iter().rposition(|phase| phase == "exempt").unwrap();
    assert_eq!(phases[last + 1..], ["planned", "queued"]);
    server.holds_together(&[machine.host]).await;
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn one_host_that_cannot_be_exempted_keeps_all_others_from_it_and_is_named() {
    let server = Server::start().await;
    let one = carrying(&server, "pc-1").await;
    carrying(&server, "pc-2").await;
    let service = server.service();
    let gone = "sold".to_owned();
    service
        .retire_host(Caller::server(), "pc-2".to_owned(), gone, false)
        .await
        .unwrap();
    let before = server.last_pos().await;
    let refused = exempt(&server, asking(&["pc-1", "pc-2", "pc-9"]))
        .await
        .unwrap_err()
        .to_string();
    for part in ["nothing was changed", "pc-2: a plan in phase retired", "`pc-9`"] {
        assert!(refused.contains(part), "no `{part}` in {refused}");
    }
    assert_eq!((server.last_pos().await, listed(&server).await), (before, vec![]));
    assert_eq!(server.plan(one.host).await.phase, Phase::Planned);
    let nothing = exempt(&server, asking(&["pc-9"])).await;
    assert!(matches!(nothing, Err(ServiceError::NotFound { .. })), "{nothing:?}");
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_exemption_says_why_who_what_instead_and_until_when() {
    let server = Server::start().await;
    carrying(&server, "pc-1").await;
    let token = server.access(Role::Operator).await;
    let full = serde_json::to_value(asking(&["pc-1"])).unwrap();
    for (key, value, says) in [
        ("why", " ", "`why` is missing"),
        ("owner", "", "`owner` is missing"),
        ("control", "", "`control` is missing"),
        ("until", "", "`until` is missing"),
        ("until", "2027-01-31", "such as 2027-01-31T00:00:00-04:00"),
        ("until", "soon", "it is no instant"),
        ("until", "2026-11-01T00:00:00Z", "is past"),
    ] {
        let mut ask = full.clone();
        ask[key] = json!(value);
        let answer = by_token(&server, Method::POST, "/api/v1/exemptions", &token)
            .json(&ask)
            .send()
            .await
            .unwrap();
        let detail = problem(answer, StatusCode::BAD_REQUEST).await;
        assert!(detail.contains(says), "{key} = {value}: {detail}");
    }
    let mut ask = full.clone();
    ask["hosts"] = json!([]);
    let answer = by_token(&server, Method::POST, "/api/v1/exemptions", &token)
        .json(&ask)
        .send()
        .await
        .unwrap();
    assert!(problem(answer, StatusCode::BAD_REQUEST).await.contains("name hosts"));
    let viewer = server.access(Role::Viewer).await;
    let answer = by_token(&server, Method::POST, "/api/v1/exemptions", &viewer)
        .json(&full)
        .send()
        .await
        .unwrap();
    problem(answer, StatusCode::FORBIDDEN).await;
    assert_eq!(listed(&server).await, []);
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_exemption_is_revoked_with_a_reason() {
    let server = Server::start().await;
    let machine = carrying(&server, "pc-1").await;
    exempt(&server, asking(&["pc-1"])).await.unwrap();
    let revoke = |why: &str, dry_run: bool| RevokeExemption {
        why: why.to_owned(),
        dry_run,
    };
    let service = server.service();
    let silent = service
        .revoke_exemption(Caller::server(), "pc-1".to_owned(), revoke("", false))
        .await;
    assert!(matches!(silent, Err(ServiceError::Invalid { .. })), "{silent:?}");
    let would = service
        .revoke_exemption(Caller::server(), "pc-1".to_owned(), revoke("sold", true))
        .await;
    assert!(
        would
            .unwrap()
            .contains("would revoke the exemption of pc-1 (exempt, then planned)")
    );
    assert_eq!(listed(&server).await.len(), 1);
    let done = service
        .revoke_exemption(Caller::server(), "pc-1".to_owned(), revoke("the press is sold", false))
        .await;
    assert!(done.unwrap().contains("revoked"));
    assert_eq!(
        (server.plan(machine.host).await.phase, listed(&server).await),
        (Phase::Planned, vec![])
    );
    let told = service.host("pc-1".to_owned()).await.unwrap().timeline;
    assert!(
        told.iter().any(|event| event.text.contains("the press is sold")),
        "{told:?}"
    );
    let again = service
        .revoke_exemption(Caller::server(), "pc-1".to_owned(), revoke("again", false))
        .await;
    assert!(matches!(again, Err(ServiceError::Refused { .. })), "{again:?}");
    server.stop().await;
}
