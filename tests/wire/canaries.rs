//! Recipes that have not succeeded here yet: one host goes first, by a person's leave, and the others follow by themselves.

use cutover_core::rollout::IN_FLIGHT;
use cutover_server::{
    service::{ApproveWave, Caller},
    store::slots,
};

use crate::{gates::migrate, machine::Machine, server::Server, wait::until};

async fn why(server: &Server, host: &str) -> String {
    server.service().host(host.to_owned()).await.unwrap().why.join("\n")
}

/// Slots that are taken.
async fn taken(server: &Server) -> Vec<(String, i64)> {
    let id = server.service().campaign_id().to_string();
    let rows = server.read(move |tx| slots::list(tx, &id)).await;
    rows.into_iter()
        .filter(|slot| slot.used > 0)
        .map(|slot| (slot.name, slot.used))
        .collect()
}

#[tokio::test(flavor = "multi_thread")]
async fn with_a_recipe_that_never_succeeded_one_goes_first_by_a_persons_leave_and_the_others_follow() {
    let server = Server::with(|config| {
        let text = std::fs::read_to_string(&config.campaign.file).unwrap();
        let changed = text.replace("[policy]\n", "[policy]\nfirst_canaries = 1\n");
        assert_ne!(changed, text);
        std::fs::write(&config.campaign.file, changed).unwrap();
    })
    .await;
    let mut machines = Vec::new();
    for name in ["pc-1", "pc-2", "pc-3"] {
        let mut machine = Machine::enrol(&server, name).await;
        let carries = machine.carrying();
        machine.check_in(carries).await.unwrap();
        machines.push(machine);
    }
    server.open_wave().await;
    for name in ["pc-1", "pc-2", "pc-3"] {
        let told = why(&server, name).await;
        assert!(
            told.contains("a recipe of its work has not succeeded here yet"),
            "{told}"
        );
    }
    let ask = ApproveWave {
        hosts: vec!["pc-1".to_owned(), "pc-2".to_owned()],
        ..ApproveWave::default()
    };
    server
        .service()
        .approve_wave(Caller::server(), "all".to_owned(), ask)
        .await
        .unwrap();
    let first = until("one of them starts", || async {
        let mut out = Vec::new();
        for (index, machine) in machines.iter().enumerate() {
            out.extend(server.plan(machine.host).await.order.is_some().then_some(index));
        }
        out.first().copied()
    })
    .await;
    let second = 1 - first;
    let told = why(&server, &machines[second].name).await;
    assert!(told.contains("1 of 1 slots of hosts that go first"), "{told}");
    assert!(taken(&server).await.len() > 2, "{:?}", taken(&server).await);
    migrate(&server, &mut machines[first]).await;
    // The second had leave, the third never did.
    for index in [second, 2] {
        until("it starts by itself", || async {
            let machine = &machines[index];
            machine.check_in(machine.hello()).await.unwrap().work_order
        })
        .await;
    }
    assert_eq!(taken(&server).await, [(IN_FLIGHT.to_owned(), 2)]);
    let hosts: Vec<_> = machines.iter().map(|machine| machine.host).collect();
    server.holds_together(&hosts).await;
    server.stop().await;
}
