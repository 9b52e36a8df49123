//! Inventories that arrive late, twice, or in another order than they were made.

use cutover_proto::{ids::HostId, v1};
use cutover_server::store::hosts;

use crate::{machine::Machine, server::Server};

/// The digest of the inventory that counts.
async fn present(server: &Server, host: HostId) -> Vec<u8> {
    let row = server.read(move |tx| hosts::load(tx, &host.to_string())).await;
    let digest = row.expect("an enrolled host").inventory_digest;
    hex::decode(digest.unwrap_or_default()).unwrap()
}

/// The agent looked again, saw the same and says so; it carries the inventory where the server asked for it.
async fn look_again(machine: &mut Machine, shown: &v1::CheckInRequest, carries: bool) -> v1::CheckInReply {
    let request = v1::CheckInRequest {
        looked_at_ms: machine.tick(),
        inventory: shown.inventory.clone().filter(|_| carries),
        ..shown.clone()
    };
    machine.check_in(request).await.unwrap()
}

/// To before all that the machine ever did.
fn set_back(server: &Server) {
    server.clock.advance(-server.clock.now_ms());
}

async fn is_free(server: &Server, host: HostId) -> bool {
    server
        .plan(host)
        .await
        .assessment
        .expect("an inventory counted")
        .is_free()
}

#[tokio::test(flavor = "multi_thread")]
async fn an_inventory_that_arrives_after_newer_ones_counts_for_nothing_and_a_fresh_look_is_asked_for() {
    let server = Server::start().await;
    let mut machine = Machine::enrol(&server, "pc-1").await;
    machine.check_in(machine.hello()).await.unwrap();
    let late = machine.carrying();
    let clean = machine.replaced();
    machine.check_in(clean.clone()).await.unwrap();
    let plan = server.plan(machine.host).await;

    // For the first time, and again.
    for _ in 0..2 {
        let reply = machine.check_in(late.clone()).await.unwrap();
        assert!(reply.want_look && reply.want_inventory);
        assert_eq!(reply.durable_inventory, clean.inventory_digest);
        assert_eq!(server.plan(machine.host).await, plan);
    }
    // Where the machine shows the same by a look of now, that is how it is.
    let carries = look_again(&mut machine, &late, true).await;
    assert_eq!(
        (carries.want_look, carries.durable_inventory),
        (false, late.inventory_digest.clone())
    );
    assert!(!is_free(&server, machine.host).await);
    server.holds_together(&[machine.host]).await;
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_inventory_of_a_look_that_the_hosts_own_clock_dates_counts_when_the_servers_dates_it() {
    let server = Server::start().await;
    let mut machine = Machine::enrol(&server, "pc-1").await;
    let carries = machine.carrying();
    machine.check_in(carries).await.unwrap();
    let clean = machine.replaced();
    let undated = v1::CheckInRequest {
        host_clock_ms: Some(clean.looked_at_ms),
        ..clean.clone()
    };
    let kept_from_an_earlier_start = v1::CheckInRequest {
        looked_at_ms: 0,
        ..clean.clone()
    };
    for request in [undated, kept_from_an_earlier_start] {
        let reply = machine.check_in(request).await.unwrap();
        assert!(reply.want_look && reply.want_inventory);
        assert!(!is_free(&server, machine.host).await);
    }
    machine.check_in(clean).await.unwrap();
    assert!(is_free(&server, machine.host).await);
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn what_changes_on_a_host_counts_while_a_clock_that_was_set_back_catches_up() {
    let server = Server::start().await;
    let mut machine = Machine::enrol(&server, "pc-1").await;
    let clean = machine.replaced();
    let carries = machine.carrying();
    machine.check_in(carries).await.unwrap();
    set_back(&server);
    let reply = machine.check_in(clean.clone()).await.unwrap();
    assert_eq!(reply.durable_inventory, clean.inventory_digest);
    assert!(is_free(&server, machine.host).await);
    server.holds_together(&[machine.host]).await;
    server.stop().await;
}

/// Late ones count while the server's clock is behind what is known, and the present one has to come back.
#[tokio::test(flavor = "multi_thread")]
async fn a_present_inventory_whose_place_a_late_one_took_counts_again_with_the_next_look() {
    let server = Server::start().await;
    let mut machine = Machine::enrol(&server, "pc-1").await;
    machine.check_in(machine.hello()).await.unwrap();
    let late = machine.carrying();
    let clean = machine.replaced();
    machine.check_in(clean.clone()).await.unwrap();
    assert!(is_free(&server, machine.host).await);
    set_back(&server);
    machine.check_in(late.clone()).await.unwrap();
    assert!(!is_free(&server, machine.host).await);
    assert!(!machine.check_in(machine.hello()).await.unwrap().want_look);

    let asked = look_again(&mut machine, &clean, false).await;
    assert!(asked.want_inventory);
    // Carried without a look since, it may as well be a copy of what was said then.
    let in_vain = machine.check_in(clean.clone()).await.unwrap();
    assert!(in_vain.want_look && in_vain.want_inventory);
    let taken = look_again(&mut machine, &clean, true).await;
    assert!(!taken.want_inventory);
    assert_eq!(taken.durable_inventory, clean.inventory_digest);
    assert!(is_free(&server, machine.host).await);

    // And by no copy of what was late, nor of what was said since.
    for copy in [&late, &clean, &late] {
        machine.check_in(copy.clone()).await.unwrap();
        assert_eq!(present(&server, machine.host).await, clean.inventory_digest);
        assert!(is_free(&server, machine.host).await);
    }
    server.holds_together(&[machine.host]).await;
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_look_that_showed_another_inventory_than_the_one_that_counts_confirms_nothing() {
    let server = Server::start().await;
    let mut machine = Machine::enrol(&server, "pc-1").await;
    let carries = machine.carrying();
    machine.check_in(carries.clone()).await.unwrap();
    server.open_wave().await;
    let (_, order) = machine.fetch_order().await;
    let done = v1::CheckInRequest {
        step_records: machine.records_of(&order),
        highest_order_begun: order.number,
        ..machine.hello()
    };
    machine.check_in(done).await.unwrap();
    let before = server.plan(machine.host).await;
    assert_eq!(before.phase.as_str(), "verifying");

    // What the work left has not arrived, though its digest has: whether the product is still there is not known.
    let clean = machine.replaced();
    let reply = look_again(&mut machine, &clean, false).await;
    assert!(reply.want_inventory);
    let after = server.plan(machine.host).await;
    assert_eq!((after.phase, after.attempts_used), (before.phase, before.attempts_used));
    assert_eq!(after.last_looked_ms, before.last_looked_ms);

    machine.check_in(clean).await.unwrap();
    let cleared = server.plan(machine.host).await;
    assert_eq!(
        (cleared.phase, cleared.attempts_used),
        (before.phase, before.attempts_used)
    );
    assert!(cleared.assessment.unwrap().is_free());
    server.holds_together(&[machine.host]).await;
    server.stop().await;
}
