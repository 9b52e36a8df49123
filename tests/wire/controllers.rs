//! Domain controllers: the only one that answers for a site starts by a word that names it, whatever the policy says.

use cutover_core::{plan::Phase, rollout::ApprovalCause, waiting::Waiting};
use cutover_proto::inventory::HostRole;
use cutover_server::service::{ApproveWave, Caller};

use crate::{campaigns::tag, inventories, machine::Machine, server::Server, wait::until};

async fn why(server: &Server, host: &str) -> String {
    server.service().host(host.to_owned()).await.unwrap().why.join("\n")
}

/// A controller that carries the product.
async fn controller(server: &Server, name: &str, site: &str) -> Machine {
    let mut machine = Machine::enrol(server, name).await;
    tag(server, name, &format!("site={site}")).await;
    let mut inventory = inventories::carrying(machine.host, name);
    inventory.facts.roles = vec![HostRole::DomainController];
    inventory.facts.roles_told = true;
    let shows = machine.showing(inventory);
    machine.check_in(shows).await.unwrap();
    machine
}

async fn approve(server: &Server, hosts: &[&str]) -> String {
    let ask = ApproveWave {
        hosts: hosts.iter().map(|host| (*host).to_owned()).collect(),
        ..ApproveWave::default()
    };
    let said = server.service().approve_wave(Caller::server(), "all".to_owned(), ask);
    said.await.unwrap()
}

#[tokio::test(flavor = "multi_thread")]
async fn a_sites_only_domain_controller_starts_once_a_person_names_it_and_others_by_the_policy() {
    let mut server = Server::with(|config| {
        let text = std::fs::read_to_string(&config.campaign.file).unwrap();
        let changed = text.replace("[policy]\n", "[policy]\napproval_for = []\n");
        assert_ne!(changed, text);
        std::fs::write(&config.campaign.file, changed).unwrap();
    })
    .await;
    let one = controller(&server, "dc-paris", "paris").await;
    let berlin = [
        controller(&server, "dc-berlin-1", "berlin").await,
        controller(&server, "dc-berlin-2", "berlin").await,
    ];
    server.open_wave().await;
    until("one of Berlin starts by itself", || async {
        let mut phases = Vec::new();
        for machine in &berlin {
            phases.push(server.plan(machine.host).await.phase);
        }
        phases.contains(&Phase::Migrating).then_some(())
    })
    .await;
    let cause = ApprovalCause::OnlyController;
    let told = why(&server, "dc-paris").await;
    assert!(told.contains(&Waiting::Approval { cause }.text()), "{told}");
    assert!(told.contains("cutover wave approve WAVE --host NAME"), "{told}");
    // All of the wave at once is no word of this one.
    let said = approve(&server, &[]).await;
    assert!(
        said.starts_with("let 0 hosts") && said.contains("1 more are each the only"),
        "{said}"
    );
    server.restart().await;
    assert_eq!(server.service().start_hosts().await.unwrap(), 0);
    let said = approve(&server, &["dc-paris"]).await;
    assert!(said.starts_with("let 1 hosts"), "{said}");
    until("it starts", || async {
        (server.plan(one.host).await.phase == Phase::Migrating).then_some(())
    })
    .await;
    assert!(server.plan(one.host).await.approval.unwrap().named);
    server.stop().await;
}
