//! Work that others do: Cutover follows it by what looks find.

use std::fs;

use cutover_core::plan::{Origin, Phase};

use crate::{machine::Machine, server::Server};

const MINUTES_5: i64 = 5 * 60_000;

#[tokio::test(flavor = "multi_thread")]
async fn what_an_executor_does_waits_with_owner_and_limit_and_ends_by_what_looks_find() {
    let server = Server::with(|config| {
        let text = fs::read_to_string(&config.campaign.file).unwrap();
        let executor = "\n[executor]\nname = \"intune\"\nowner = \"the endpoint team\"\nwithin = \"14d\"\n";
        fs::write(&config.campaign.file, text + executor).unwrap();
    })
    .await;
    let mut machine = Machine::enrol(&server, "pc-1").await;
    server.open_wave().await;
    let carries = machine.carrying();
    machine.check_in(carries).await.unwrap();
    for _ in 0..3 {
        server.clock.advance(MINUTES_5);
        let reply = machine.check_in(machine.hello()).await.unwrap();
        assert!(reply.work_order.is_none());
    }
    let plan = server.plan(machine.host).await;
    assert_eq!((plan.phase, plan.highest_order), (Phase::Queued, 0));
    let detail = server.service().host("pc-1".to_owned()).await.unwrap();
    let why = detail.why.join("\n");
    for part in ["intune does the work", "the endpoint team", "2026-12-06"] {
        assert!(why.contains(part), "{why}");
    }

    // Somebody replaced it. Two looks a soak apart confirm that.
    for _ in 0..4 {
        let replaced = machine.replaced();
        machine.check_in(replaced).await.unwrap();
        server.clock.advance(MINUTES_5);
    }
    let plan = server.plan(machine.host).await;
    assert_eq!((plan.phase, plan.origin), (Phase::Migrated, Some(Origin::External)));
    assert_eq!((plan.highest_order, plan.attempts_used), (0, 0));
    let told = server.service().host("pc-1".to_owned()).await.unwrap().timeline;
    assert!(
        told.iter().any(|event| event.text.contains("not done by us")),
        "{told:?}"
    );
    server.holds_together(&[machine.host]).await;
    server.stop().await;
}
