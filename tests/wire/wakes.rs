//! Plans whose time has come.

use cutover_server::store::{host_seen, plans};

use crate::{machine::Machine, server::Server, wait::until};

const HOUR_MS: i64 = 3_600_000;

#[tokio::test(flavor = "multi_thread")]
async fn a_plan_that_cannot_be_read_is_put_off_and_holds_up_no_other() {
    let server = Server::start().await;
    let mut machines = Vec::new();
    for name in ["pc-1", "pc-2", "pc-3"] {
        let mut machine = Machine::enrol(&server, name).await;
        let request = machine.carrying();
        machine.check_in(request).await.unwrap();
        machines.push(machine);
    }
    until("their contacts are written down", || async {
        let seen = server.read(|tx| host_seen::list(tx, None, 10)).await;
        (seen.len() == 3).then_some(())
    })
    .await;
    let (campaign, broken) = (server.service().campaign_id().to_string(), machines[1].host);
    let sound = server
        .write(move |tx| {
            let row = plans::load(tx, &campaign, &broken.to_string())?.expect("a plan");
            tx.execute(
                "UPDATE plan SET state = ?1 WHERE host_id = ?2",
                &["{}".into(), broken.to_string().into()],
            )?;
            Ok(row)
        })
        .await;
    let before_ms = server.clock.now_ms();
    server.clock.advance(3 * HOUR_MS);
    until("the agents of the others count as perhaps removed", || async {
        let (first, last) = (server.plan(machines[0].host).await, server.plan(machines[2].host).await);
        (first.agent_perhaps_lost && last.agent_perhaps_lost).then_some(())
    })
    .await;
    let campaign = server.service().campaign_id().to_string();
    let put_off = until("it is put off", || {
        let campaign = campaign.clone();
        async {
            let row = server
                .read(move |tx| plans::load(tx, &campaign, &broken.to_string()))
                .await
                .expect("a plan");
            (row.wake_at_ms != sound.wake_at_ms).then_some(row)
        }
    })
    .await;
    assert_eq!(put_off.seq, sound.seq);
    assert_eq!(put_off.wake_at_ms, Some(before_ms + 4 * HOUR_MS));
    server.stop().await;
}
