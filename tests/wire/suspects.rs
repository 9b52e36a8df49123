//! What put a product back on a machine is named to whoever has to stop it: in the alarm, on the page, in the history, and
//! among the causes that hold hosts up.

use cutover_proto::{
    placed::{Placed, PlacedBy, PlacedRecord, PlacedTrace},
    upkeep::Upkeep,
    v1,
};
use cutover_server::service::Role;

use crate::{inventories, machine::Machine, people::browser::Browser, server::Server};

const MINUTE: i64 = 60_000;

/// A look at a machine on which `kesl` is, put there by a call of apt by somebody; its agent is not there.
fn put_back(machine: &mut Machine) -> v1::CheckInRequest {
    let mut inventory = inventories::carrying(machine.host, &machine.name);
    for sighting in &mut inventory.sightings {
        if sighting.product.as_str() == "kesl" {
            sighting.upkeep = Some(Upkeep {
                placed: Some(Placed {
                    traces: vec![PlacedTrace {
                        record: PlacedRecord::AptHistory,
                        what: "apt-get install kesl".to_owned(),
                        by: Some(PlacedBy::Person),
                        day: Some(20_000),
                    }],
                    deployers: vec!["puppet".to_owned()],
                }),
                ..Upkeep::default()
            });
        }
    }
    machine.showing(inventory)
}

/// Others replace the product, and what they did holds.
async fn is_replaced(server: &Server, machine: &mut Machine) {
    for _ in 0..20 {
        let request = machine.replaced();
        machine.check_in(request).await.unwrap();
        if server.plan(machine.host).await.phase.as_str() == "migrated" {
            // Of two looks of one instant nobody could say which is the newer.
            server.clock.advance(MINUTE);
            return;
        }
        server.clock.advance(5 * MINUTE);
        server.service().wake_due().await.unwrap();
    }
    panic!("{:?}", server.phases(machine.host).await);
}

#[tokio::test(flavor = "multi_thread")]
async fn what_put_the_product_back_is_named_wherever_the_return_is_told() {
    let server = Server::start().await;
    let mut machine = Machine::enrol(&server, "pc-1").await;
    let request = machine.carrying();
    machine.check_in(request).await.unwrap();
    is_replaced(&server, &mut machine).await;
    let request = put_back(&mut machine);
    machine.check_in(request).await.unwrap();

    let named = "put back by: apt: `apt-get install kesl` by a person (recorded: somebody who was logged in asked for kesl; \
                 also there: Puppet)";
    let host = server.service().host("pc-1".to_owned()).await.unwrap();
    assert!(
        host.why[0].contains("regression") && host.why[0].contains(named),
        "{:?}",
        host.why
    );
    assert!(host.timeline.iter().any(|event| event.text.contains(named)));
    let evidence: Vec<&String> = host.verdicts.iter().flat_map(|it| &it.evidence).collect();
    let told = "put there, by apt-history: apt-get install kesl, asked for by somebody who was logged in";
    assert!(evidence.iter().any(|line| line.as_str() == told), "{evidence:?}");
    let browser = Browser::signed_in(&server, Role::Viewer).await;
    let page = browser.page(&server, &format!("/hosts/{}", machine.host)).await;
    assert!(page.contains("apt-get install kesl"), "{page}");

    // A second return is a person's, and the cause that holds hosts up is what has to be stopped.
    is_replaced(&server, &mut machine).await;
    let request = put_back(&mut machine);
    machine.check_in(request).await.unwrap();
    let blockers = server.service().blockers().await.unwrap();
    let cause = &blockers.causes[0];
    assert_eq!(
        (cause.cause.as_str(), cause.hosts),
        ("handwork/came-back/apt/person", 1)
    );
    assert!(
        cause
            .text
            .ends_with("put back by: apt: `apt-get install kesl` by a person (recorded)"),
        "{}",
        cause.text
    );
    assert!(
        cause.remedy.starts_with("ask who administers the machine"),
        "{}",
        cause.remedy
    );
    server.holds_together(&[machine.host]).await;
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_older_agent_that_tells_nothing_leaves_it_unknown() {
    let server = Server::start().await;
    let mut machine = Machine::enrol(&server, "pc-1").await;
    let request = machine.carrying();
    machine.check_in(request).await.unwrap();
    is_replaced(&server, &mut machine).await;
    let request = machine.carrying();
    machine.check_in(request).await.unwrap();
    let host = server.service().host("pc-1".to_owned()).await.unwrap();
    assert!(host.why[0].contains("put back by: "), "{:?}", host.why);
    assert!(
        !host.why[0].contains("nobody") && !host.why[0].contains("recorded"),
        "{:?}",
        host.why
    );
}
