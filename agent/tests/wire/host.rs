//! A planted host with an enrolled agent on it.

use std::sync::Arc;

use cutover_agent::{
    app::{Agent, Handle, HostClock, Limits, Parts, StateDir},
    host::{
        hands::HostHands,
        sandbox::{Behaviour, Profile, SandboxHands, SandboxView, TargetProduct, plant},
    },
    link::Proxies,
};
use cutover_proto::inventory::DiskEncryption;
use tempfile::TempDir;

use crate::server::Server;

const GO: &str = "/.sandbox/go";

pub(crate) struct Host {
    directory: TempDir,
}

impl Host {
    pub(crate) fn plant() -> Self {
        Self::behaving(Behaviour::default())
    }

    /// Whose removals wait until [`Self::let_remove`].
    pub(crate) fn waiting() -> Self {
        Self::behaving(Behaviour {
            remove_when: GO.to_owned(),
            ..Behaviour::default()
        })
    }

    pub(crate) fn let_remove(&self) {
        std::fs::write(self.directory.path().join("root").join(GO.trim_start_matches('/')), b"").unwrap();
    }

    /// Everything that was told to whoever is there.
    pub(crate) fn console(&self) -> String {
        let console = self.directory.path().join("root/.sandbox/console");
        std::fs::read_to_string(console).unwrap_or_default()
    }

    /// Puts a file there.
    pub(crate) fn write(&self, path: &str, text: &str) {
        let path = self.directory.path().join("root").join(path);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, text).unwrap();
    }

    /// Whose hands behave so.
    pub(crate) fn behaving(behaviour: Behaviour) -> Self {
        let directory = tempfile::tempdir().unwrap();
        let profile = Profile {
            hostname: "ws-07".into(),
            machine_id: "0123456789abcdef".repeat(2),
            boot_id: "6f6b0f5e-0000-4000-8000-000000000001".into(),
            targets: TargetProduct::ALL.to_vec(),
            encryption: DiskEncryption::None,
            free_disk_mib: 20_000,
            restart_wanted_by: Vec::new(),
            behaviour,
        };
        std::fs::create_dir(directory.path().join("root")).unwrap();
        plant(&directory.path().join("root"), &profile).unwrap();
        Self { directory }
    }

    pub(crate) fn state(&self) -> StateDir {
        StateDir::new(self.directory.path().join("state"))
    }

    pub(crate) async fn enrol(&self, server: &Server) {
        server.enroll(&self.state().identity()).await;
    }

    pub(crate) fn parts(&self) -> Parts {
        let root = self.directory.path().join("root");
        let hands_root = root.clone();
        let hands = move || {
            SandboxHands::open(&hands_root)
                .map(|hands| Box::new(hands) as Box<dyn HostHands>)
                .map_err(|error| error.to_string())
        };
        Parts {
            identity: self.state().identity().load().unwrap().unwrap(),
            state: self.state(),
            servers: vec![],
            proxies: Proxies::none(),
            view: Arc::new(SandboxView::open(&root).unwrap()),
            hands: Box::new(hands),
            clock: HostClock::start(),
            hold_file: None,
            limits: Limits::default(),
            pulse: None,
            cache_mib: 16,
            metered_file: Some(self.directory.path().join("metered")),
            trial: None,
            can_leave: true,
            seed: 7,
        }
    }

    /// The agent of this host, enrolled beforehand.
    pub(crate) fn start(&self) -> Handle {
        Agent::start(self.parts()).unwrap()
    }
}
