//! What a site's line carries: the second host waits until there is room, says so, and also after the server was started anew.

use cutover_core::plan::Phase;

use crate::{campaigns::tag, machine::Machine, server::Server, wait::until};

const MINUTE: i64 = 60_000;

async fn why(server: &Server, host: &str) -> String {
    server.service().host(host.to_owned()).await.unwrap().why.join("\n")
}

#[tokio::test(flavor = "multi_thread")]
async fn a_host_waits_until_its_sites_line_has_room_also_after_the_server_was_started_anew() {
    let mut server = Server::with(|config| {
        let text = std::fs::read_to_string(&config.campaign.file).unwrap();
        let site = "[[site]]\nname = \"kiel\"\nbandwidth = \"1 Mbit/s\"\n[policy]\n";
        let changed = text
            .replace("[policy]\n", site)
            .replace("[[replacement]]\n", "[[replacement]]\ndownload = \"300 MB\"\n");
        std::fs::write(&config.campaign.file, changed).unwrap();
    })
    .await;
    let mut machines = Vec::new();
    for name in ["pc-1", "pc-2"] {
        let mut machine = Machine::enrol(&server, name).await;
        let carries = machine.carrying();
        machine.check_in(carries).await.unwrap();
        tag(&server, name, "site=kiel").await;
        machines.push(machine);
    }
    server.open_wave().await;
    let first = until("one of them starts", || async {
        for (index, machine) in machines.iter().enumerate() {
            if server.plan(machine.host).await.phase == Phase::Migrating {
                return Some(index);
            }
        }
        None
    })
    .await;
    machines[first].fetch_order().await;
    let second = 1 - first;
    let (name, host) = (machines[second].name.clone(), machines[second].host);
    let waits = "it fetches 300 MB, and the line of site kiel carries 1 Mbit/s, all taken: there is room again from";
    let told = why(&server, &name).await;
    assert!(told.contains(waits), "{told}");
    server.restart().await;
    server.clock.advance(59 * MINUTE);
    for machine in &mut machines {
        machine.reconnect(&server).await;
        machine.check_in(machine.hello()).await.unwrap();
    }
    server.service().flush_seen().await.unwrap();
    assert_eq!(server.service().start_hosts().await.unwrap(), 0);
    let told = why(&server, &name).await;
    assert!(told.contains(waits), "{told}");
    server.clock.advance(MINUTE);
    until("the other starts", || async {
        (server.plan(host).await.phase == Phase::Migrating).then_some(())
    })
    .await;
    server.stop().await;
}
