//! The agent itself on a disk that was copied, against the server itself: nobody at either machine does anything.

use std::{collections::BTreeSet, fs, path::Path, sync::Arc};

use cutover_agent::{
    app::{Agent, Handle, HostClock, Limits, LoopEnd, Parts, StateDir},
    host::{
        hands::HostHands,
        sandbox::{Behaviour, Profile, SandboxHands, SandboxView, TargetProduct, plant},
    },
    link::{EnrollParts, enroll},
};
use cutover_core::plan::HoldKind;
use cutover_proto::{ids::HostId, inventory::DiskEncryption};
use tempfile::TempDir;

use crate::{inventories, server::Server, wait::until};

/// A machine with a root of its own.
struct Copy {
    directory: TempDir,
}

impl Copy {
    fn plant(hostname: &str, boot_id: &str) -> Self {
        let directory = tempfile::tempdir().unwrap();
        let profile = Profile {
            hostname: hostname.into(),
            machine_id: "0123456789abcdef".repeat(2),
            boot_id: boot_id.into(),
            targets: vec![TargetProduct::Kesl],
            encryption: DiskEncryption::None,
            free_disk_mib: 20_000,
            restart_wanted_by: Vec::new(),
            behaviour: Behaviour::default(),
        };
        fs::create_dir(directory.path().join("root")).unwrap();
        plant(&directory.path().join("root"), &profile).unwrap();
        Self { directory }
    }

    fn state(&self) -> StateDir {
        StateDir::new(self.directory.path().join("state"))
    }

    fn host(&self) -> HostId {
        self.state().identity().load().unwrap().unwrap().host_id()
    }

    fn start(&self) -> Handle {
        let root = self.directory.path().join("root");
        let hands_root = root.clone();
        let hands = move || {
            SandboxHands::open(&hands_root)
                .map(|hands| Box::new(hands) as Box<dyn HostHands>)
                .map_err(|error| error.to_string())
        };
        let parts = Parts {
            identity: self.state().identity().load().unwrap().unwrap(),
            state: self.state(),
            servers: vec![],
            proxies: cutover_agent::link::Proxies::none(),
            view: Arc::new(SandboxView::open(&root).unwrap()),
            hands: Box::new(hands),
            clock: HostClock::start(),
            hold_file: None,
            limits: Limits::default(),
            pulse: None,
            cache_mib: 16,
            metered_file: None,
            seed: 7,
        };
        Agent::start(parts).unwrap()
    }
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
    let server = Server::with(|config| config.check_in.seconds = 1).await;
    let original = Copy::plant("pc-1", "6f6b0f5e-0000-4000-8000-000000000001");
    let token = server.token(1).await;
    let address = format!("localhost:{}", server.app().agents.port());
    let enrolled = enroll(EnrollParts {
        dir: &original.state().identity(),
        servers: &[address.parse().unwrap()],
        proxies: cutover_agent::link::Proxies::none(),
        ca_fingerprint: server.pki().fingerprint().parse().unwrap(),
        token: &token,
        facts: inventories::facts("pc-1").into(),
        agent_version: "0.1.0",
    })
    .await
    .unwrap();
    let shared = enrolled.host_id();
    let copy = Copy::plant("pc-2", "6f6b0f5e-0000-4000-8000-000000000002");
    copy_tree(original.state().path(), copy.state().path());

    let machines = [&original, &copy];
    let agents = machines.map(Copy::start);
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
    let hosts: BTreeSet<HostId> = machines.map(Copy::host).into_iter().chain([shared]).collect();
    assert_eq!(hosts.len(), 3, "two machines, and the identity that they had");
    let agents = machines.map(Copy::start);
    for machine in machines {
        let host = machine.host();
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
