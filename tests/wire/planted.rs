//! A planted machine with the real agent on it.

use std::{
    fs,
    path::{Path, PathBuf},
    sync::Arc,
};

use cutover_agent::{
    app::{Agent, Handle, HostClock, Limits, Parts, StateDir},
    config::DEFAULT_CACHE_MIB,
    host::{
        hands::HostHands,
        sandbox::{Behaviour, Profile, SandboxHands, SandboxView, TargetProduct, plant},
    },
    link::{Address, EnrollParts, Fingerprint, Identity, LinkError, Proxies, enroll},
};
use cutover_proto::inventory::DiskEncryption;
use tempfile::TempDir;

use crate::{inventories, server::Server};

/// A machine with a root of its own, and an agent's state beside it.
pub(crate) struct Planted {
    directory: TempDir,
    pub(crate) proxies: Proxies,
}

impl Planted {
    pub(crate) fn new(hostname: &str, boot_id: &str, targets: &[TargetProduct]) -> Self {
        let planted = Self {
            directory: tempfile::tempdir().unwrap(),
            proxies: Proxies::none(),
        };
        let profile = Profile {
            hostname: hostname.into(),
            machine_id: "0123456789abcdef".repeat(2),
            boot_id: boot_id.into(),
            targets: targets.to_vec(),
            encryption: DiskEncryption::None,
            free_disk_mib: 20_000,
            restart_wanted_by: Vec::new(),
            behaviour: Behaviour::default(),
        };
        fs::create_dir(planted.root()).unwrap();
        plant(&planted.root(), &profile).unwrap();
        planted
    }

    pub(crate) fn path(&self) -> &Path {
        self.directory.path()
    }

    fn root(&self) -> PathBuf {
        self.path().join("root")
    }

    pub(crate) fn state(&self) -> StateDir {
        StateDir::new(self.path().join("state"))
    }

    pub(crate) fn identity(&self) -> Identity {
        self.state().identity().load().unwrap().unwrap()
    }

    /// As the host `pc-1`, at these addresses.
    pub(crate) async fn enrol(&self, server: &Server, at: &[Address]) -> Result<Identity, LinkError> {
        let token = server.token(1).await;
        enroll(EnrollParts {
            dir: &self.state().identity(),
            servers: at,
            proxies: self.proxies.clone(),
            ca_fingerprint: Fingerprint::of(&server.pki().roots()[0]),
            token: &token,
            facts: inventories::facts("pc-1").into(),
            agent_version: "0.1.0",
        })
        .await
    }

    pub(crate) fn start(&self) -> Handle {
        let root = self.root();
        let hands = move || {
            SandboxHands::open(&root)
                .map(|hands| Box::new(hands) as Box<dyn HostHands>)
                .map_err(|error| error.to_string())
        };
        let parts = Parts {
            identity: self.identity(),
            state: self.state(),
            servers: vec![],
            proxies: self.proxies.clone(),
            view: Arc::new(SandboxView::open(&self.root()).unwrap()),
            hands: Box::new(hands),
            clock: HostClock::start(),
            hold_file: None,
            limits: Limits::default(),
            pulse: None,
            cache_mib: DEFAULT_CACHE_MIB,
            metered_file: None,
            trial: None,
            can_leave: true,
            seed: 7,
        };
        Agent::start(parts).unwrap()
    }
}
