//! The agent itself on a disk that was copied or restored, against the server itself: nobody at the machine does anything.

use std::{collections::BTreeSet, fs, net::SocketAddr, path::Path};

use cutover_agent::{
    app::{Handle, LoopEnd},
    host::sandbox::TargetProduct,
};
use cutover_core::{
    decide::Fact,
    plan::{HoldKind, JournalFault, Phase},
};
use cutover_proto::ids::HostId;
use cutover_server::store::step_records;

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

/// The state directory of before the work, on a machine that the work was done on. Its clock is another than the
/// server's.
#[tokio::test(flavor = "multi_thread")]
async fn an_agent_restored_from_a_backup_repeats_no_step_and_a_fresh_look_decides() {
    let server = Server::with(|config| {
        config.check_in.seconds = 1;
        config.check_in.open_order_seconds = 1;
    })
    .await;
    let machine = machine("pc-1", "6f6b0f5e-0000-4000-8000-000000000001");
    let address = format!("localhost:{}", server.app().agents.port());
    let enrolled = machine.enrol(&server, &[address.parse().unwrap()]).await.unwrap();
    let host = enrolled.host_id();
    let agent = machine.start();
    until("it is looked at", || async { server.plan(host).await.assessment }).await;
    agent.shutdown().await;
    let backup = tempfile::tempdir().unwrap();
    copy_tree(machine.state().path(), backup.path());

    let agent = machine.start();
    server.open_wave().await;
    until("the work is done", || async {
        agent.check_in();
        Some(server.plan(host).await).filter(|plan| plan.phase == Phase::Verifying)
    })
    .await;
    agent.shutdown().await;
    let records = |order| {
        let id = host.to_string();
        server.read(move |tx| step_records::list(tx, &id, order, 1))
    };
    let before = records(1).await;
    assert!(!before.is_empty());

    fs::remove_dir_all(machine.state().path()).unwrap();
    copy_tree(backup.path(), machine.state().path());
    let agent = machine.start();
    until("the server hears of it, and a look settles it", || async {
        // A look that is newer has a later time.
        server.clock.advance(100);
        agent.check_in();
        let told = server.told(host).await;
        let is_distrusted = |fact: &Fact| {
            matches!(
                fact,
                Fact::JournalDistrusted {
                    fault: JournalFault::Restored
                }
            )
        };
        let distrusted = told.iter().position(|event| is_distrusted(&event.fact))?;
        let mut since = told[distrusted..].iter();
        since
            .find(|event| matches!(event.fact, Fact::JournalSettled))
            .map(|_| ())
    })
    .await;
    assert_eq!(records(1).await, before, "no step of it ran again");
    assert!(records(2).await.is_empty(), "nor was anything else asked for");
    assert_eq!(server.plan(host).await.phase, Phase::Verifying);
    until("the agent hears that its look is durable", || async {
        agent.check_in();
        let status = agent.status().await.unwrap();
        (status.journal.state == "sound").then_some(())
    })
    .await;
    agent.shutdown().await;
    server.holds_together(&[host]).await;
    server.stop().await;
}
