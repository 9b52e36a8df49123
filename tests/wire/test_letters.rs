//! Detection tests are told before they are made.

use cutover_proto::step::{Action, Step};
use cutover_server::{
    service::{Caller, HoldHost, HoldKindAsked, TestTold},
    store::outbox::{self, DeliveryState, OutboxRow},
};

use crate::{
    gate_questions::{SECRET, is_signed},
    machine::Machine,
    server::Server,
    sink::Sink,
    wait::until,
};

async fn telling(sink: &Sink) -> (Server, Machine) {
    let tell = format!("\n[detection_tests]\ntell = \"http://{}/soc\"\n", sink.address);
    let server = Server::with(|config| {
        let text = std::fs::read_to_string(&config.campaign.file).unwrap();
        std::fs::write(&config.campaign.file, text + &tell).unwrap();
        config.gates.secret = SECRET.to_owned();
    })
    .await;
    let mut machine = Machine::enrol(&server, "pc-1").await;
    let carries = machine.carrying();
    machine.check_in(carries).await.unwrap();
    server.open_wave().await;
    (server, machine)
}

/// The letter, once it is in this state.
async fn letter(server: &Server, state: DeliveryState) -> OutboxRow {
    until("the letter got so far", || async {
        let rows = server.read(move |tx| outbox::in_state(tx, state, 10)).await;
        rows.into_iter()
            .find(|row| row.kind == "detection-test" && (row.attempts > 0 || state != DeliveryState::Pending))
    })
    .await
}

async fn said(server: &Server) -> String {
    server.service().host("pc-1".to_owned()).await.unwrap().set.join("\n")
}

#[tokio::test(flavor = "multi_thread")]
async fn an_order_with_a_detection_test_leaves_once_that_was_told_and_not_before() {
    let sink = Sink::answering(&[503]).await;
    let (server, machine) = telling(&sink).await;
    letter(&server, DeliveryState::Pending).await;
    assert!(server.plan(machine.host).await.order.is_some(), "it is made");
    let reply = machine.check_in(machine.hello()).await.unwrap();
    assert!(reply.work_order.is_none(), "and stays here");
    let said_then = said(&server).await;
    assert!(
        said_then.contains("has taken that it makes a detection test; the last try: ") && said_then.contains("503"),
        "{said_then}"
    );

    // Time passes for the letter alone.
    server.hurry_letters().await;
    letter(&server, DeliveryState::Delivered).await;
    let (_, order) = machine.fetch_order().await;
    assert!(!said(&server).await.contains("detection test"));
    let got = sink.got();
    assert_eq!(got.len(), 2, "{got:?}");
    assert!(got.iter().all(is_signed));
    let told: TestTold = serde_json::from_str(&got[1].body).unwrap();
    assert_eq!(got[0].body, got[1].body);
    let tests =
        |step: &Step| matches!(&step.action, Action::DetectionTest { product } if product.as_str() == told.product);
    assert!(order.steps.iter().any(tests), "{order:?}");
    assert_eq!(
        (told.host.as_str(), told.host_id, told.order, told.until_ms),
        ("pc-1", machine.host.to_string(), order.number, order.expires_ms)
    );
    assert_eq!(told.tests, order.steps.iter().filter(|step| tests(step)).count());
    assert!(told.says.contains("EICAR"), "{}", told.says);
    server.holds_together(&[machine.host]).await;
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_refusal_holds_the_order_back_and_one_that_was_taken_back_is_told_no_more() {
    let refused = "{\"decision\":\"refused\",\"change\":\"CHG-9\"}";
    let sink = Sink::saying(&[(200, refused); 20]).await;
    let (server, machine) = telling(&sink).await;
    let waits = letter(&server, DeliveryState::Pending).await;
    assert_eq!(waits.last_error.as_deref(), Some("refused, in change CHG-9"));
    assert!(machine.check_in(machine.hello()).await.unwrap().work_order.is_none());

    let posted = sink.got().len();
    let ask = HoldHost {
        kind: HoldKindAsked::Operator,
        why: "the watch is changing".to_owned(),
        until: Some("2027-06-01T00:00:00Z".to_owned()),
        dry_run: false,
    };
    let held = server.service().hold_host(Caller::server(), "pc-1".to_owned(), ask);
    held.await.unwrap();
    server.hurry_letters().await;
    let dead = letter(&server, DeliveryState::Dead).await;
    assert_eq!(
        dead.last_error.as_deref(),
        Some("the order was taken back before it left")
    );
    assert_eq!(sink.got().len(), posted, "it is not posted any more");
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn an_order_waits_for_nobody_whom_the_campaign_no_longer_names() {
    let sink = Sink::answering(&[503; 50]).await;
    let (server, machine) = telling(&sink).await;
    letter(&server, DeliveryState::Pending).await;
    assert!(machine.check_in(machine.hello()).await.unwrap().work_order.is_none());
    let text = std::fs::read_to_string(&server.config.campaign.file).unwrap();
    let (without, _) = text.split_once("\n[detection_tests]").unwrap();
    server.apply(without.to_owned()).await;
    machine.fetch_order().await;
    server.hurry_letters().await;
    let dead = letter(&server, DeliveryState::Dead).await;
    assert_eq!(
        dead.last_error.as_deref(),
        Some("the campaign has it told elsewhere, or nowhere")
    );
    server.stop().await;
}
