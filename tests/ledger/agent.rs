//! The agent's own executor on a machine of the ledger, in time that passes only by waiting.

use std::{
    path::PathBuf,
    sync::{
        Arc, Mutex,
        atomic::{AtomicI64, Ordering},
    },
    time::Duration,
};

use cutover_agent::{
    act::{Artifacts, Clock, Control, End, Executor, FetchError, HostLooker, Identity, Journal, Looker, Parts},
    detect::RuleSet,
};
use cutover_proto::{
    artifact::{ArtifactDigest, ArtifactRef},
    envelope::SigningKey,
    ids::{CampaignId, HostId},
    inventory::Inventory,
    order::WorkOrder,
    seal::SealingKey,
    secret::SecretUse,
    step::Step,
};
use ring::{
    rand::SystemRandom,
    signature::{ECDSA_P256_SHA256_ASN1_SIGNING, EcdsaKeyPair, Ed25519KeyPair},
};
use tempfile::TempDir;

use crate::{
    hands::LedgerHands,
    machine::{Entry, Machine, NOW_MS, Shared, held},
    orders::catalog,
    view::LedgerView,
};

/// The server is heard of all the time.
struct Virtual {
    now_ms: AtomicI64,
    control: Arc<Control>,
}

impl Clock for Virtual {
    fn now_ms(&self) -> i64 {
        self.now_ms.load(Ordering::SeqCst)
    }
    fn ticks_ms(&self) -> u64 {
        u64::try_from(self.now_ms() - NOW_MS).unwrap()
    }
    fn wait(&self, at_most: Duration) {
        let passed = i64::try_from(at_most.as_millis()).unwrap();
        let now_ms = self.now_ms.fetch_add(passed, Ordering::SeqCst) + passed;
        self.control.checked_in(now_ms);
    }
}

/// Files of the campaign, each brought once.
struct Files(Shared);

impl Artifacts for Files {
    fn fetch(&mut self, artifact: &ArtifactRef, _: Duration, _: &[ArtifactDigest]) -> Result<(), FetchError> {
        let name = artifact.file_name.clone();
        held(&self.0).asked(format!("bring file {name}"), |state| {
            state.fetched.insert(name);
        });
        Ok(())
    }
    fn verified(&mut self, artifact: &ArtifactRef) -> Result<Option<PathBuf>, FetchError> {
        let is_here = held(&self.0).state().fetched.contains(&artifact.file_name);
        Ok(is_here.then(|| PathBuf::from(&artifact.file_name)))
    }
}

/// A secret of an order: what it is for, and the secret.
pub(crate) type Secret = (SecretUse, &'static str);

/// One agent, through all orders of its machine.
pub(crate) struct Agent {
    pub(crate) machine: Shared,
    state: TempDir,
    clock: Arc<Virtual>,
    identity: Arc<Identity>,
    server: SigningKey,
    rules: Arc<RuleSet>,
    orders: u64,
}

impl Agent {
    pub(crate) fn on(machine: Machine) -> Self {
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
        let control = Arc::new(Control::new(None));
        control.checked_in(NOW_MS);
        let files = catalog().rule_files;
        let texts = files.files.iter().map(|(name, text)| (name.as_str(), text.as_str()));
        Self {
            machine: Arc::new(Mutex::new(machine)),
            state: tempfile::tempdir().unwrap(),
            clock: Arc::new(Virtual {
                now_ms: AtomicI64::new(NOW_MS),
                control,
            }),
            identity: Arc::new(identity),
            server,
            rules: Arc::new(RuleSet::from_files(files.revision, texts)),
            orders: 0,
        }
    }

    fn looker(&self) -> HostLooker<LedgerView> {
        HostLooker::new(
            LedgerView::new(&self.machine),
            self.rules.clone(),
            self.identity.host_id,
            self.clock.clone(),
            Box::new(|_| {}),
        )
    }

    /// What a check-in would tell.
    pub(crate) fn look(&self) -> Inventory {
        self.looker().look()
    }

    /// Has these steps carried out as the next order, to their end, and gives the ledger.
    pub(crate) fn run(&mut self, steps: &[Step], secrets: &[Secret]) -> Vec<Entry> {
        self.orders += 1;
        let (host_id, number) = (self.identity.host_id, self.orders);
        let key = self.identity.sealing.public();
        let sealed = secrets
            .iter()
            .map(|(goes_to, plain)| goes_to.seal(key, host_id, number, plain.as_bytes()).unwrap());
        let order = WorkOrder {
            host_id,
            campaign_id: CampaignId::new("ledger"),
            campaign_epoch: 1,
            number,
            attempt: 1,
            not_before_ms: NOW_MS - 60_000,
            expires_ms: self.clock.now_ms() + 3_600_000,
            offline: false,
            steps: steps.to_vec(),
            secrets: sealed.collect(),
            catalog_revision: 1,
        };
        let journal = Journal::open(self.state.path()).unwrap();
        let mut executor = Executor::new(Parts {
            hands: Box::new(LedgerHands::new(&self.machine)),
            artifacts: Box::new(Files(self.machine.clone())),
            looker: Box::new(self.looker()),
            clock: self.clock.clone(),
            journal: Arc::new(Mutex::new(journal)),
            control: self.clock.control.clone(),
            identity: self.identity.clone(),
            rules: self.rules.clone(),
            on_record: Box::new(|| {}),
        });
        let end = executor.run(&order.sign(&self.server).unwrap()).unwrap();
        let ledger = held(&self.machine).take_ledger();
        assert_eq!(end, End::Completed { number }, "{ledger:#?}");
        ledger
    }
}
