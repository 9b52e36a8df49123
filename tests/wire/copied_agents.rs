//! The agent itself on a disk that was copied, against the server itself: nobody at either machine does anything.

use std::{collections::BTreeSet, fs, net::SocketAddr, path::Path};

use cutover_agent::{
    app::{Handle, LoopEnd},
    host::sandbox::TargetProduct,
};
use cutover_core::plan::HoldKind;
use cutover_proto::ids::HostId;

use crate::{
    middleboxes::{Passes, Relay},
    planted::Planted,
    server::Server,
    wait::until,
};

fn machine(hostname: &str, boot_id: &str) -> Planted {
    Planted::new(hostname, boot_id, &[TargetProduct::Kesl])
}

fn host(machine: &Planted) -> HostId {
    machine.identity().host_id()
}

fn copy_tree(from: &Path, to: &Path) {
    fs::create_dir_all(to).unwrap();
    for entry in fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        let to = to.join(entry.file_name());
        if entry.file_type().unwrap().is_dir() {
            copy_tree(&entry.path(), &to);
        } else {
            fs::copy(entry.path(), to).unwrap();
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn agents_on_a_copied_disk_each_become_a_host_of_their_own() {
    each_becomes_a_host_of_its_own(Passes::All).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn agents_on_a_copied_disk_each_become_a_host_of_their_own_where_http2_is_cut_off() {
    each_becomes_a_host_of_its_own(Passes::NoHttp2).await;
}

async fn each_becomes_a_host_of_its_own(passes: fn(SocketAddr) -> Passes) {
    let server = Server::with(|config| config.check_in.seconds = 1).await;
    let relay = Relay::start(passes(server.app().agents)).await;
    let original = machine("pc-1", "6f6b0f5e-0000-4000-8000-000000000001");
    let address = relay.address.to_string();
    let enrolled = original.enrol(&server, &[address.parse().unwrap()]).await.unwrap();
    let shared = enrolled.host_id();
    let copy = machine("pc-2", "6f6b0f5e-0000-4000-8000-000000000002");
    copy_tree(original.state().path(), copy.state().path());

    let machines = [&original, &copy];
    let agents = machines.map(Planted::start);
    until("both are told and have an identity that waits", || async {
        // Minutes pass, so that no word of theirs counts as one that was under way.
        server.clock.advance(120_000);
        agents.iter().for_each(Handle::check_in);
        let waiting = machines.map(|machine| machine.state().identity().next().unwrap());
        waiting.iter().all(Option::is_some).then_some(())
    })
    .await;
    for agent in agents {
        agent.ended().await;
        assert_eq!(agent.shutdown().await, Some(LoopEnd::NewIdentity));
    }

    // Their service managers start them again.
    for machine in machines {
        machine.state().settle_identity().unwrap();
    }
    let hosts: BTreeSet<HostId> = machines.map(host).into_iter().chain([shared]).collect();
    assert_eq!(hosts.len(), 3, "two machines, and the identity that they had");
    let agents = machines.map(Planted::start);
    for machine in machines {
        let host = host(machine);
        let plan = until("it is looked at under its own name", || async {
            Some(server.plan(host).await).filter(|plan| plan.assessment.is_some())
        })
        .await;
        assert_eq!(plan.forked_from, Some(shared));
        assert!(plan.holds.contains_key(&HoldKind::Clone));
    }
    let found = server.service().clone_incidents().await.unwrap();
    let names: BTreeSet<&str> = found[0].machines.iter().map(|machine| machine.name.as_str()).collect();
    assert_eq!(names, BTreeSet::from(["pc-1", "pc-2"]));
    for agent in agents {
        assert_eq!(agent.shutdown().await, Some(LoopEnd::Told));
    }
    server.holds_together(&hosts.into_iter().collect::<Vec<_>>()).await;
    server.stop().await;
}
