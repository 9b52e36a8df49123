//! A planted host with an agent's executor on it.

use std::{
    fs,
    panic::{AssertUnwindSafe, catch_unwind, resume_unwind},
    path::{Path, PathBuf},
    sync::{
        Arc, Mutex,
        atomic::{AtomicI64, Ordering},
    },
    time::Duration,
};

use cutover_proto::{
    artifact::{ArtifactDigest, ArtifactRef},
    envelope::{Context, PublicKey, SigningKey, open_message},
    ids::{CampaignId, HostId},
    inventory::{DiskEncryption, PackageManager},
    order::WorkOrder,
    record::{FailureCause, RecordEvent, StepRecord},
    seal::SealingKey,
    step::{Action, Step},
    subject::Subject,
    v1,
    verdict::Sighting,
};
use ring::{
    rand::SystemRandom,
    signature::{ECDSA_P256_SHA256_ASN1_SIGNING, EcdsaKeyPair, Ed25519KeyPair},
};
use tempfile::TempDir;

use super::{
    super::{End, ExecuteError, Executor, Parts},
    faults::{Crash, CrashingHands, CrashingMedium, Faults, Ledger},
};
use crate::{
    act::{
        ArtifactCache, Artifacts, Clock, Control, FetchError, HostLooker, Identity, Journal, Looker, SharedJournal,
        journal::{FileMedium, NAME},
    },
    detect::RuleSet,
    host::{
        hands::HostHands,
        sandbox::{Behaviour, Profile, SandboxHands, SandboxView, TargetProduct, plant},
    },
};

pub(super) const APT: PackageManager = PackageManager::Apt;
pub(super) fn words(words: &[&str]) -> Vec<String> {
    words.iter().map(|word| (*word).to_owned()).collect()
}

/// Time that passes only by waiting.
pub(super) struct VirtualClock {
    start_ms: i64,
    now_ms: AtomicI64,
    /// Time that the monotonic clock does not count.
    slept_ms: AtomicI64,
}

impl VirtualClock {
    /// The machine sleeps.
    pub(super) fn sleep(&self, ms: i64) {
        self.slept_ms.fetch_add(ms, Ordering::SeqCst);
        self.now_ms.fetch_add(ms, Ordering::SeqCst);
    }
}

impl VirtualClock {
    /// How much time passed.
    pub(super) fn waited(&self) -> Duration {
        Duration::from_millis(self.ticks_ms())
    }
}

impl Clock for VirtualClock {
    fn now_ms(&self) -> i64 {
        self.now_ms.load(Ordering::SeqCst)
    }
    fn ticks_ms(&self) -> u64 {
        u64::try_from(self.now_ms() - self.start_ms - self.slept_ms.load(Ordering::SeqCst)).unwrap()
    }
    fn wait(&self, at_most: Duration) {
        let passed = i64::try_from(at_most.as_millis()).unwrap();
        self.now_ms.fetch_add(passed, Ordering::SeqCst);
    }
}

/// A host without a network: what is in the cache is all that there is.
pub(super) struct CacheAlone(ArtifactCache);

impl Artifacts for CacheAlone {
    fn fetch(&mut self, artifact: &ArtifactRef, _: Duration, _: &[ArtifactDigest]) -> Result<(), FetchError> {
        match self.verified(artifact)? {
            Some(_) => Ok(()),
            None => Err(FetchError::new(FailureCause::Network, "no network")),
        }
    }
    fn verified(&mut self, artifact: &ArtifactRef) -> Result<Option<PathBuf>, FetchError> {
        self.0.verified(artifact, 0)
    }
}

/// A planted host, its server's keys, and what outlives its agent.
pub(super) struct World {
    /// When it was planted: its files are dated by it.
    pub start_ms: i64,
    pub root: TempDir,
    pub state: TempDir,
    pub clock: Arc<VirtualClock>,
    pub control: Arc<Control>,
    pub identity: Arc<Identity>,
    pub server: SigningKey,
    pub faults: Faults,
    pub ledger: Ledger,
    /// Printed by every tool before its own words.
    pub says: Arc<Mutex<String>>,
    /// What is kept of it.
    pub kept: Arc<Mutex<String>>,
}

impl World {
    pub(super) fn new(behaviour: Behaviour) -> Self {
        let root = tempfile::tempdir().unwrap();
        let profile = Profile {
            hostname: "ws-07".to_owned(),
            machine_id: "0123456789abcdef0123456789abcdef".to_owned(),
            boot_id: "6f6b0f5e-0000-4000-8000-000000000001".to_owned(),
            targets: TargetProduct::ALL.to_vec(),
            encryption: DiskEncryption::None,
            free_disk_mib: 20_000,
            restart_wanted_by: Vec::new(),
            behaviour,
        };
        plant(root.path(), &profile).unwrap();
        let planted = fs::metadata(root.path()).unwrap().modified().unwrap();
        let planted = planted.duration_since(std::time::UNIX_EPOCH).unwrap();
        let start_ms = i64::try_from(planted.as_millis()).unwrap();
        let random = SystemRandom::new();
        let server = Ed25519KeyPair::generate_pkcs8(&random).unwrap();
        let server = SigningKey::server(server.as_ref()).unwrap();
        let host = EcdsaKeyPair::generate_pkcs8(&ECDSA_P256_SHA256_ASN1_SIGNING, &random).unwrap();
        let identity = Identity {
            host_id: HostId::new(uuid::Uuid::from_u128(7)),
            signing: Arc::new(SigningKey::host(host.as_ref()).unwrap()),
            sealing: Arc::new(SealingKey::generate()),
            server_keys: vec![server.public().clone()],
        };
        let state = tempfile::tempdir().unwrap();
        let control = Control::new(Some(state.path().join("hold")));
        control.checked_in(start_ms);
        Self {
            start_ms,
            root,
            state,
            clock: Arc::new(VirtualClock {
                start_ms,
                now_ms: AtomicI64::new(start_ms),
                slept_ms: AtomicI64::new(0),
            }),
            control: Arc::new(control),
            identity: Arc::new(identity),
            server,
            faults: Faults::default(),
            ledger: Ledger::default(),
            says: Arc::default(),
            kept: Arc::default(),
        }
    }

    /// The usual order: everything from three products to a tested replacement, swept.
    pub(super) fn usual(&self) -> WorkOrder {
        self.order(&[
            (fetch(), true),
            (remove("kesl-gui", &["kesl-gui"]), false),
            (remove("kesl", &["kesl"]), false),
            (remove("klnagent64", &["klnagent64"]), false),
            (install(), true),
            (test(), true),
            (
                sweep("kesl", &["/var/opt/kaspersky/kesl", "/var/log/kaspersky/kesl"]),
                false,
            ),
            (sweep("klnagent64", &["/var/opt/kaspersky/klnagent"]), false),
            (sweep_groups(&["kesladmin", "kesluser", "keslaudit", "nokesl"]), false),
            (sweep_certificates(), false),
        ])
    }

    pub(super) fn order(&self, steps: &[(Action, bool)]) -> WorkOrder {
        let step = |(action, safe): &(Action, bool)| Step {
            action: action.clone(),
            time_limit: Duration::from_secs(600),
            safe_point_after: *safe,
        };
        WorkOrder {
            host_id: self.identity.host_id,
            campaign_id: CampaignId::new("kaspersky-us-2024"),
            campaign_epoch: 1,
            number: 1,
            attempt: 1,
            not_before_ms: self.start_ms - 60_000,
            expires_ms: self.start_ms + 3_600_000,
            offline: false,
            steps: steps.iter().map(step).collect(),
            secrets: Vec::new(),
            catalog_revision: 1,
        }
    }

    pub(super) fn sign(&self, order: &WorkOrder) -> v1::Envelope {
        order.sign(&self.server).unwrap()
    }

    pub(super) fn journal(&self) -> Journal {
        let medium = CrashingMedium {
            inner: FileMedium::new(self.state.path(), NAME),
            faults: self.faults.clone(),
        };
        Journal::open_on(self.state.path(), Box::new(medium)).unwrap()
    }

    /// A freshly started agent.
    pub(super) fn executor(&self) -> Executor {
        let inner = SandboxHands::open(self.root.path()).unwrap();
        self.executor_with(Box::new(CrashingHands {
            inner,
            faults: self.faults.clone(),
            ledger: self.ledger.clone(),
            says: self.says.clone(),
            kept: self.kept.clone(),
        }))
    }

    pub(super) fn clock_ms(&self) -> i64 {
        self.clock.now_ms()
    }

    pub(super) fn executor_with(&self, hands: Box<dyn HostHands>) -> Executor {
        self.executor_on(hands, Arc::new(Mutex::new(self.journal())))
    }

    pub(super) fn executor_on(&self, hands: Box<dyn HostHands>, journal: SharedJournal) -> Executor {
        Executor::new(Parts {
            hands,
            artifacts: Box::new(CacheAlone(self.cache())),
            looker: Box::new(self.looker()),
            clock: self.clock.clone(),
            journal,
            control: self.control.clone(),
            identity: self.identity.clone(),
            rules: Arc::new(RuleSet::built_in()),
            on_record: Box::new(|| {}),
        })
    }

    pub(super) fn cache(&self) -> ArtifactCache {
        ArtifactCache::new(self.state.path().join("artifacts"), 16)
    }

    pub(super) fn looker(&self) -> HostLooker<SandboxView> {
        HostLooker::new(
            SandboxView::open(self.root.path()).unwrap(),
            Arc::new(RuleSet::built_in()),
            self.identity.host_id,
            self.clock.clone(),
            Box::new(|_| {}),
        )
    }

    pub(super) fn run(&self, order: &WorkOrder) -> Result<End, ExecuteError> {
        self.executor().run(&self.sign(order))
    }

    /// Runs something in an agent; `None` when the agent ended in the middle.
    pub(super) fn survive<T>(&self, act: impl FnOnce() -> T) -> Option<T> {
        match catch_unwind(AssertUnwindSafe(act)) {
            Ok(value) => Some(value),
            Err(thrown) if thrown.is::<Crash>() => None,
            Err(other) => resume_unwind(other),
        }
    }

    /// Every record, believed by its signature.
    pub(super) fn records(&self) -> Vec<StepRecord> {
        let key = PublicKey::host(self.identity.signing.spki_der()).unwrap();
        let read = |envelope: &v1::Envelope| {
            let wire: v1::StepRecord = open_message(envelope, Context::StepRecord, std::slice::from_ref(&key)).unwrap();
            StepRecord::try_from(wire).unwrap()
        };
        self.journal().pending().iter().map(read).collect()
    }

    pub(super) fn events(&self) -> Vec<(u32, RecordEvent)> {
        let pair = |record: StepRecord| (record.step, record.event);
        self.records().into_iter().map(pair).collect()
    }

    pub(super) fn sighting(&self, product: &str) -> Sighting {
        let inventory = self.looker().look();
        inventory.sighting(&product.into()).unwrap().clone()
    }

    /// Every file of the planted host with its contents.
    pub(super) fn contents(&self) -> Vec<(String, Vec<u8>)> {
        let mut all = Vec::new();
        gather(self.root.path(), &mut all);
        all.sort();
        all
    }
}

fn gather(directory: &Path, all: &mut Vec<(String, Vec<u8>)>) {
    for entry in fs::read_dir(directory).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            gather(&path, all);
        } else {
            all.push((path.display().to_string(), fs::read(&path).unwrap()));
        }
    }
}

pub(super) fn fetch() -> Action {
    Action::FetchPackages {
        manager: APT,
        packages: words(&["clamav", "clamav-freshclam"]),
    }
}

pub(super) fn remove(product: &str, packages: &[&str]) -> Action {
    Action::RemovePackages {
        manager: APT,
        product: product.into(),
        packages: words(packages),
    }
}

pub(super) fn install() -> Action {
    Action::InstallPackages {
        manager: APT,
        product: "clamav".into(),
        packages: words(&["clamav-freshclam", "clamav"]),
    }
}

pub(super) fn test() -> Action {
    Action::DetectionTest {
        product: "clamav".into(),
    }
}

pub(super) fn sweep_groups(groups: &[&str]) -> Action {
    Action::SweepGroups {
        product: "kesl".into(),
        groups: words(groups),
    }
}

pub(super) fn sweep_certificates() -> Action {
    let subject = "CN=Kaspersky Anti-Virus Personal Root Certificate, O=AO Kaspersky Lab";
    Action::SweepCertificates {
        product: "kesl".into(),
        subjects: vec![Subject::parse(subject).unwrap()],
    }
}

pub(super) fn sweep(product: &str, paths: &[&str]) -> Action {
    Action::Sweep {
        product: product.into(),
        paths: words(paths),
    }
}

pub(super) fn restart() -> Action {
    Action::Restart {
        reason: "drivers of the removed product".to_owned(),
        notice: Duration::ZERO,
        defer: Duration::ZERO,
    }
}
