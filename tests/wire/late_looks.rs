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

#[tokio::test(flavor = "multi_thread")]
async fn a_present_inventory_whose_place_a_late_one_took_counts_again_with_the_next_look() {
    let server = Server::start().await;
    let mut machine = Machine::enrol(&server, "pc-1").await;
    machine.check_in(machine.hello()).await.unwrap();
    let late = machine.carrying();
    let clean = machine.replaced();
    machine.check_in(clean.clone()).await.unwrap();
    assert!(server.plan(machine.host).await.assessment.unwrap().is_free());
    machine.check_in(late.clone()).await.unwrap();
    assert!(!server.plan(machine.host).await.assessment.unwrap().is_free());

    let asked = look_again(&mut machine, &clean, false).await;
    assert!(asked.want_inventory);
    let taken = look_again(&mut machine, &clean, true).await;
    assert!(!taken.want_inventory);
    assert_eq!(taken.durable_inventory, clean.inventory_digest);
    assert!(server.plan(machine.host).await.assessment.unwrap().is_free());

    // And by no copy of what was late, nor of what was said since.
    for copy in [&late, &clean, &late] {
        machine.check_in(copy.clone()).await.unwrap();
        assert_eq!(present(&server, machine.host).await, clean.inventory_digest);
        assert!(server.plan(machine.host).await.assessment.unwrap().is_free());
    }
    server.holds_together(&[machine.host]).await;
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_inventory_that_was_carried_in_vain_is_asked_for_by_a_fresh_look() {
    let server = Server::start().await;
    let mut machine = Machine::enrol(&server, "pc-1").await;
    let late = machine.carrying();
    let clean = machine.replaced();
    machine.check_in(clean.clone()).await.unwrap();
    machine.check_in(late).await.unwrap();
    assert!(!machine.check_in(machine.hello()).await.unwrap().want_look);
    // It did not look since, so that this may as well be a copy of what it said then.
    let reply = machine.check_in(clean.clone()).await.unwrap();
    assert!(reply.want_look && reply.want_inventory);
    let reply = look_again(&mut machine, &clean, true).await;
    assert_eq!(
        (reply.want_inventory, reply.durable_inventory),
        (false, clean.inventory_digest)
    );
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
