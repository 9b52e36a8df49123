//! The head of a wave's queue: who is away hides nobody, and starts once it is heard of.

use crate::{inventories, machine::Machine, server::Server, wait::until};

const HOUR_MS: i64 = 3_600_000;

async fn ready_at_ms(server: &Server, machine: &Machine) -> i64 {
    let (campaign, host) = (server.service().campaign_id().to_string(), machine.host.to_string());
    let row = server
        .read(move |tx| cutover_server::store::plans::load(tx, &campaign, &host))
        .await;
    row.expect("a plan").ready_at_ms
}

#[tokio::test(flavor = "multi_thread")]
async fn a_host_that_is_away_when_its_wave_opens_is_put_off_and_gets_its_order_when_it_calls() {
    let server = Server::start().await;
    let mut machine = Machine::enrol(&server, "pc-1").await;
    let request = machine.showing(inventories::carrying(machine.host, "pc-1"));
    machine.check_in(request).await.unwrap();
    until("its last contact is written down", || async {
        let host = machine.host.to_string();
        server
            .read(move |tx| cutover_server::store::host_seen::load(tx, &host))
            .await
    })
    .await;
    server.clock.advance(HOUR_MS);
    server.open_wave().await;
    until("it is put off", || async {
        (ready_at_ms(&server, &machine).await == i64::MAX - 1).then_some(())
    })
    .await;
    assert_eq!(server.plan(machine.host).await.phase.to_string(), "queued");
    let (_, order) = machine.fetch_order().await;
    assert_eq!(order.number, 1);
    assert_eq!(ready_at_ms(&server, &machine).await, 0);
    assert_eq!(server.plan(machine.host).await.outcome.to_string(), "under-way");
    server.holds_together(&[machine.host]).await;
    server.stop().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_host_whose_first_contact_is_not_written_yet_counts_as_heard_of_since_it_enrolled() {
    let server = Server::start().await;
    let mut machine = Machine::enrol(&server, "pc-1").await;
    let request = machine.carrying();
    machine.check_in(request).await.unwrap();
    until("its contact is written down", || async {
        let host = machine.host.to_string();
        server
            .read(move |tx| cutover_server::store::host_seen::load(tx, &host))
            .await
    })
    .await;
    // As it is in the moment before.
    server
        .write(|tx| tx.execute("DELETE FROM host_seen", &[]).map(drop))
        .await;
    crate::campaigns::tag(&server, "pc-1", "pilot").await;
    server.service().wake_due().await.unwrap();
    let plan = server.plan(machine.host).await;
    assert!(!plan.agent_perhaps_lost && !plan.stale, "it has only just come");
    server.stop().await;
}
