//! The whole way of one host, from enrolment to migrated.

use cutover_core::{
    decide::{Event, Fact},
    plan::OrderEnd,
};
use cutover_proto::{ids::HostId, order::WorkOrder, v1};
use cutover_server::clock::Clock;

use crate::{
    database::Database,
    machine::{Machine, bytes},
    server::Server,
    wait::until,
};

const MINUTE_MS: i64 = 60_000;

/// Where the server is stopped and started again.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Restarts {
    Never,
    /// While the order is out, in the middle of its records, and during the soak.
    Thrice,
}

async fn restart(server: &mut Server, machine: &mut Machine, restarts: Restarts) {
    if restarts == Restarts::Thrice {
        server.restart().await;
        machine.reconnect(server).await;
    }
}

async fn phase(server: &Server, host: HostId) -> String {
    server.plan(host).await.phase.to_string()
}

/// Sends records in one check-in while the order runs.
async fn tell(machine: &Machine, order: &WorkOrder, records: &[v1::Envelope]) -> v1::CheckInReply {
    let request = v1::CheckInRequest {
        step_records: records.to_vec(),
        running: Some(v1::RunningOrder {
            order_number: order.number,
            step: 0,
            past_last_safe_point: false,
        }),
        highest_order_begun: order.number,
        ..machine.hello()
    };
    machine.check_in(request).await.unwrap()
}

/// The order that comes when the wave opens: signed, the same bytes each time, whatever happens to the server.
async fn fetch(server: &mut Server, machine: &mut Machine, restarts: Restarts) -> WorkOrder {
    let (first, order) = machine.fetch_order().await;
    assert_eq!((order.host_id, order.number, order.attempt), (machine.host, 1, 1));
    assert!(order.expires_ms > server.clock.now_ms());
    restart(server, machine, restarts).await;
    let (again, _) = machine.fetch_order().await;
    assert_eq!(bytes(&again), bytes(&first));
    // A host that says that it runs an order gets none.
    let reply = tell(machine, &order, &[]).await;
    assert_eq!(reply.work_order, None);
    order
}

/// Enrols a host that carries the product and takes it to migrated. Gives the phases that it went through.
async fn go(mut server: Server, restarts: Restarts) -> Vec<String> {
    let mut machine = Machine::enrol(&server, "pc-1").await;
    let host = machine.host;
    assert_eq!(phase(&server, host).await, "unassessed");
    let request = machine.carrying();
    machine.check_in(request).await.unwrap();
    assert_eq!(phase(&server, host).await, "planned");
    server.open_wave().await;
    let order = fetch(&mut server, &mut machine, restarts).await;
    assert_eq!(phase(&server, host).await, "migrating");

    let records = machine.records_of(&order);
    let (before, after) = records.split_at(records.len() / 2);
    tell(&machine, &order, before).await;
    restart(&mut server, &mut machine, restarts).await;
    let reply = tell(&machine, &order, after).await;
    assert_eq!(reply.durable[0].sequence as usize, records.len());
    assert!(reply.want_look, "what was done is not looked at");
    assert_eq!(phase(&server, host).await, "verifying");

    let looked = machine.replaced();
    machine.check_in(looked.clone()).await.unwrap();
    restart(&mut server, &mut machine, restarts).await;
    // The look of before the end of the soak does not count, however late it is heard again.
    let confirmed = v1::CheckInRequest {
        inventory: None,
        ..looked
    };
    machine.check_in(confirmed.clone()).await.unwrap();
    assert_eq!(phase(&server, host).await, "verifying");
    server.clock.advance(5 * MINUTE_MS);
    until("the soak ends and a last look is asked for", || async {
        machine
            .check_in(confirmed.clone())
            .await
            .unwrap()
            .want_look
            .then_some(())
    })
    .await;
    assert_eq!(phase(&server, host).await, "verifying");
    let looked_at_ms = machine.tick();
    let last = v1::CheckInRequest {
        looked_at_ms,
        ..confirmed
    };
    let reply = machine.check_in(last).await.unwrap();
    assert_eq!(phase(&server, host).await, "migrated");
    assert_eq!((reply.work_order, reply.want_look), (None, false));

    server.holds_together(&[host]).await;
    let phases = server.phases(host).await;
    let shown = server.service().host("pc-1".to_owned()).await.unwrap();
    assert_eq!((shown.row.phase.as_str(), shown.chain_verified), ("migrated", true));
    assert_eq!(shown.steps.len(), records.len());
    let summary = server.service().summary().await.unwrap();
    assert_eq!((summary.replaced.part, summary.replaced.whole), (1, 1));
    server.stop().await;
    phases
}

/// The same, whatever the store is and however often the server was started.
const PHASES: [&str; 5] = ["planned", "queued", "migrating", "verifying", "migrated"];

#[tokio::test(flavor = "multi_thread")]
async fn a_host_goes_from_enrolment_to_migrated() {
    let server = Server::start().await;
    assert_eq!(go(server, Restarts::Never).await, PHASES);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_server_that_is_stopped_and_started_again_takes_a_host_to_the_same_end() {
    let server = Server::start().await;
    assert_eq!(go(server, Restarts::Thrice).await, PHASES);
}

#[tokio::test(flavor = "multi_thread")]
async fn on_postgresql_a_host_goes_from_enrolment_to_migrated() {
    let Some(database) = Database::create("way") else {
        return;
    };
    let url = database.url.clone();
    let server = Server::with(|config| config.store.url = url).await;
    assert_eq!(go(server, Restarts::Never).await, PHASES);
}

#[tokio::test(flavor = "multi_thread")]
async fn on_postgresql_a_restarted_server_takes_a_host_to_the_same_end() {
    let Some(database) = Database::create("restarts") else {
        return;
    };
    let url = database.url.clone();
    let server = Server::with(|config| config.store.url = url).await;
    assert_eq!(go(server, Restarts::Thrice).await, PHASES);
}

#[tokio::test(flavor = "multi_thread")]
async fn an_order_that_nobody_fetched_is_taken_back_and_uses_no_attempt() {
    let server = Server::start().await;
    let mut machine = Machine::enrol(&server, "pc-1").await;
    let request = machine.carrying();
    machine.check_in(request).await.unwrap();
    server.open_wave().await;
    until("the order is out", || async {
        (phase(&server, machine.host).await == "migrating").then_some(())
    })
    .await;
    server.clock.advance(60 * MINUTE_MS);
    until("the order is taken back", || async {
        let withdrawn = |event: &Event| {
            matches!(
                event.fact,
                Fact::OrderEnded {
                    number: 1,
                    end: OrderEnd::Withdrawn,
                    ..
                }
            )
        };
        server.told(machine.host).await.iter().any(withdrawn).then_some(())
    })
    .await;
    let (_, order) = machine.fetch_order().await;
    assert_eq!((order.number, order.attempt), (2, 1));
    server.holds_together(&[machine.host]).await;
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_real_clock_is_behind_certificates_whatever_the_campaigns_says() {
    let server = Server::start().await;
    // Far beyond the life of the certificate, by the campaign's clock.
    server.clock.advance(400 * 24 * 60 * MINUTE_MS);
    let machine = Machine::enrol(&server, "pc-1").await;
    let reply = machine.check_in(machine.hello()).await.unwrap();
    assert!(!reply.renew);
    assert_eq!(reply.server_time_ms, server.clock.now_ms());
    assert!(reply.server_time_ms > Clock::system().now_ms());
    server.stop().await;
}
