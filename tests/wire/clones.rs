//! One identity on several machines.

use cutover_core::plan::{HoldKind, Phase};
use cutover_server::{
    service::{Caller, CloneDecision, CloneIncident, Role, SettleClones},
    store::{StreamName, events},
};
use tonic::Code;

use crate::{keys::Keys, machine::Machine, server::Server};

const MINUTES_5: i64 = 5 * 60_000;

/// Both check in, one after the other, until the server has seen that they are two.
pub(crate) async fn alternate(server: &Server, machines: &[&Machine]) {
    for _ in 0..2 {
        for machine in machines {
            server.clock.advance(MINUTES_5);
            machine.check_in(machine.hello()).await.unwrap();
        }
    }
}

async fn settle(server: &Server, host: &str, decision: CloneDecision) -> String {
    let ask = SettleClones {
        decision,
        why: "imaged by the helpdesk, ticket 12".to_owned(),
        dry_run: false,
    };
    let host = host.to_owned();
    server
        .service()
        .settle_clones(Caller::server(), host, ask)
        .await
        .unwrap()
}

async fn incidents(server: &Server) -> Vec<CloneIncident> {
    server.service().clone_incidents().await.unwrap()
}

async fn kinds(server: &Server, machine: &Machine) -> Vec<String> {
    let stream = StreamName::host(&machine.host.to_string());
    let told = server.read(move |tx| events::load(tx, &stream, 1, 1000)).await;
    told.iter().map(|event| event.kind.clone()).collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_lone_clone_is_split_without_a_person_at_it_and_nothing_starts_until_it_is_settled() {
    let server = Server::start().await;
    let mut first = Machine::enrol(&server, "pc-1").await;
    let carrying = first.carrying();
    first.check_in(carrying).await.unwrap();
    server.open_wave().await;
    let mut second = first.copied(&server, "pc-2", "boot-2").await;
    let ancestor = first.host;

    alternate(&server, &[&first, &second]).await;
    let plan = server.plan(ancestor).await;
    assert!(plan.holds.contains_key(&HoldKind::Clone));
    // Looking goes on, and nobody gets an order.
    let carrying = first.carrying();
    let reply = first.check_in(carrying).await.unwrap();
    assert!(reply.split && reply.work_order.is_none() && !reply.renew);

    first.split_off(&server).await;
    second.split_off(&server).await;
    assert_ne!(first.host, second.host);
    assert_eq!(
        server.plan(ancestor).await.phase,
        Phase::Retired,
        "no machine is it any more"
    );
    for machine in [&mut first, &mut second] {
        let carrying = machine.carrying();
        let reply = machine.check_in(carrying).await.unwrap();
        assert!(!reply.split, "it has its own now");
        let plan = server.plan(machine.host).await;
        assert_eq!(plan.forked_from, Some(ancestor));
        assert!(plan.ever_carried && plan.holds.contains_key(&HoldKind::Clone));
        assert_eq!(plan.order, None);
    }

    let found = incidents(&server).await;
    assert_eq!(found.len(), 1, "{found:?}");
    assert_eq!((found[0].waiting, found[0].sessions), (2, 2));
    let detail = server.service().host(ancestor.to_string()).await.unwrap();
    assert!(
        detail.identity.iter().any(|line| line.contains("clones settle")),
        "{detail:?}"
    );
    // Named by one of its machines: there is one decision for all.
    let said = settle(&server, &second.host.to_string(), CloneDecision::Keep).await;
    assert!(said.starts_with("2 machines"), "{said}");
    for machine in [&first, &second] {
        let (_, order) = machine.fetch_order().await;
        assert_eq!(order.host_id, machine.host, "each gets its own work");
    }
    assert_eq!(incidents(&server).await[0].waiting, 0);
    assert_eq!(
        kinds(&server, &first).await.first().map(String::as_str),
        Some("enrolled"),
        "a history of its own, that names the one before"
    );
    server.holds_together(&[ancestor, first.host, second.host]).await;
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_order_that_one_of_two_machines_runs_is_cancelled_at_its_next_safe_point() {
    let server = Server::start().await;
    let mut first = Machine::enrol(&server, "pc-1").await;
    let carrying = first.carrying();
    first.check_in(carrying).await.unwrap();
    server.open_wave().await;
    let (_, order) = first.fetch_order().await;
    let second = first.copied(&server, "pc-2", "boot-2").await;
    alternate(&server, &[&first, &second]).await;
    let running = cutover_proto::v1::CheckInRequest {
        running: Some(cutover_proto::v1::RunningOrder {
            order_number: order.number,
            step: 0,
            past_last_safe_point: false,
        }),
        ..first.hello()
    };
    let reply = first.check_in(running).await.unwrap();
    assert!(reply.cancel.is_some() && reply.split);
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn many_clones_of_one_ancestor_are_one_incident_with_one_decision() {
    let server = Server::start().await;
    let master = Machine::enrol(&server, "image").await;
    let mut machines = Vec::new();
    for number in 0..20 {
        let (name, session) = (format!("vm-{number}"), format!("session-{number}"));
        machines.push(master.copied(&server, &name, &session).await);
    }
    let all: Vec<&Machine> = machines.iter().collect();
    alternate(&server, &all).await;
    for machine in &mut machines {
        machine.split_off(&server).await;
        machine.check_in(machine.hello()).await.unwrap();
    }
    let found = incidents(&server).await;
    assert_eq!((found.len(), found[0].waiting), (1, 20));
    let said = settle(&server, &master.host.to_string(), CloneDecision::Keep).await;
    assert!(said.starts_with("20 machines"), "{said}");

    // One that was switched off all the time is still found, and waits for a decision of its own.
    let mut late = master.copied(&server, "vm-late", "session-late").await;
    assert!(late.check_in(late.hello()).await.unwrap().split);
    late.split_off(&server).await;
    late.check_in(late.hello()).await.unwrap();
    assert!(server.plan(late.host).await.holds.contains_key(&HoldKind::Clone));
    assert_eq!(incidents(&server).await[0].waiting, 1);
    let mut hosts: Vec<_> = machines.iter().map(|machine| machine.host).collect();
    hosts.extend([master.host, late.host]);
    server.holds_together(&hosts).await;
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_snapshot_that_is_restored_is_noted_and_splits_nothing() {
    let server = Server::start().await;
    let mut machine = Machine::enrol(&server, "pc-1").await;
    for session in ["boot-1", "boot-2", "boot-1", "boot-3", "boot-1", "boot-4"] {
        session.clone_into(&mut machine.boot_id);
        server.clock.advance(MINUTES_5);
        let reply = machine.check_in(machine.hello()).await.unwrap();
        assert!(!reply.split, "{session}");
    }
    let returned = kinds(&server, &machine).await;
    assert_eq!(returned.iter().filter(|kind| *kind == "session-returned").count(), 2);
    assert!(incidents(&server).await.is_empty());
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_check_in_of_the_session_that_spoke_last_writes_nothing() {
    let server = Server::start().await;
    let machine = Machine::enrol(&server, "pc-1").await;
    machine.check_in(machine.hello()).await.unwrap();
    let other = machine.copied(&server, "pc-2", "boot-2").await;
    alternate(&server, &[&machine, &other]).await;
    // Known to be two: their turns are written down no longer.
    let before = server.last_pos().await;
    let id = machine.host.to_string();
    let sessions = || {
        let id = id.clone();
        server.read(move |tx| cutover_server::store::host_sessions::of_host(tx, &id))
    };
    let known = sessions().await;
    alternate(&server, &[&machine, &other]).await;
    assert_eq!((server.last_pos().await, sessions().await), (before, known));
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn another_identity_is_given_once_for_each_session_and_again_for_a_lost_reply() {
    let server = Server::start().await;
    let first = Machine::enrol(&server, "pc-1").await;
    let new = Keys::new();
    let refused = first.split(first.splitting(&new)).await.unwrap_err();
    assert_eq!(refused.code(), Code::InvalidArgument, "nobody disputes it: {refused}");

    let second = first.copied(&server, "pc-2", "boot-2").await;
    alternate(&server, &[&first, &second]).await;
    let reply = first.split(first.splitting(&new)).await.unwrap();
    let again = first.split(first.splitting(&new)).await.unwrap();
    assert_eq!(reply.host_id, again.host_id);

    let before = server.last_pos().await;
    let stranger = first.copied(&server, "pc-3", "never-heard-of").await;
    let by_nobody = {
        let mut request = second.splitting(&Keys::new());
        request.proof = first.splitting(&Keys::new()).proof;
        request
    };
    let of_another_session = {
        let mut request = second.splitting(&Keys::new());
        request.boot_id.clone_from(&first.boot_id);
        request
    };
    for (what, request) in [
        ("a second one for one session", first.splitting(&Keys::new())),
        ("a session that did not check in", stranger.splitting(&Keys::new())),
        ("a proof for another request", by_nobody),
        ("a proof for another session", of_another_session),
        (
            "a key that another machine has",
            second.splitting(&second.keys.copied()),
        ),
    ] {
        let refused = first.split(request).await.unwrap_err();
        assert_eq!(refused.code(), Code::InvalidArgument, "{what}: {refused}");
    }
    assert_eq!(server.last_pos().await, before, "a refusal leaves nothing");
    assert_eq!(incidents(&server).await[0].machines.len(), 1);
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn machines_that_are_refused_are_shut_out_and_nobody_comes_after_them() {
    let server = Server::start().await;
    let mut first = Machine::enrol(&server, "pc-1").await;
    let mut second = first.copied(&server, "pc-2", "boot-2").await;
    alternate(&server, &[&first, &second]).await;
    let ancestor = first.host;
    second.split_off(&server).await;
    second.check_in(second.hello()).await.unwrap();
    settle(&server, &ancestor.to_string(), CloneDecision::Refuse).await;
    for machine in [&mut first, &mut second] {
        // The refusal cut the connections that were open.
        machine.reconnect(&server).await;
        let refused = machine.check_in(machine.hello()).await.unwrap_err();
        assert_eq!(refused.code(), Code::Unauthenticated, "{refused}");
        assert_eq!(server.plan(machine.host).await.phase, Phase::Retired);
    }
    assert!(incidents(&server).await[0].refused);
    server.holds_together(&[ancestor, second.host]).await;
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_machine_whose_key_was_renewed_by_the_other_one_is_not_shut_out() {
    let server = Server::start().await;
    let mut first = Machine::enrol(&server, "pc-1").await;
    let second = first.copied(&server, "pc-2", "boot-2").await;
    alternate(&server, &[&first, &second]).await;
    let new = Keys::new();
    let reply = first.renew(first.renewal(&new)).await.unwrap();
    first.take_over(&server, new, reply.certificate_chain[0].clone()).await;
    first.check_in(first.hello()).await.unwrap();
    assert!(second.check_in(second.hello()).await.unwrap().split);
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn only_an_operator_decides_about_the_machines() {
    let server = Server::start().await;
    let mut first = Machine::enrol(&server, "pc-1").await;
    let second = first.copied(&server, "pc-2", "boot-2").await;
    alternate(&server, &[&first, &second]).await;
    first.split_off(&server).await;
    let viewer = server.access(Role::Viewer).await;
    let answer = reqwest::Client::new()
        .post(server.url(&format!("/api/v1/clones/{}/settle", first.host)))
        .bearer_auth(viewer)
        .json(&serde_json::json!({ "decision": "keep", "why": "mine" }))
        .send()
        .await
        .unwrap();
    assert_eq!(answer.status(), 403, "a viewer decides nothing");
    let plan = server.plan(first.host).await;
    assert!(plan.holds.contains_key(&HoldKind::Clone), "{plan:?}");
    server.stop().await;
}
