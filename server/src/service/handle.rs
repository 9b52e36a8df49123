//! What every use case holds: the store, the keys, the clocks, and what is compiled in.

use std::{
    collections::BTreeMap,
    path::PathBuf,
    sync::{Arc, Mutex, PoisonError, RwLock},
    time::Duration,
};

use cutover_core::{campaign::Campaign, catalog::Catalog, decide::Outage, report::Schedule};
use cutover_proto::{
    envelope::{self, Context},
    ids::{CampaignId, HostId},
    v1,
};
use tokio::sync::broadcast;

use super::{
    ArtifactSettings, Entropy, ForecastSettings, ServiceError, keyring::KeyringCache, late::LateWatch,
    read_plans::ReadPlans, seen::SeenBuffer, shelf::ShelfCache,
};
use crate::{
    clock::Clock,
    pki::{Pki, SecretKey},
    store::{ArtifactFiles, Store, StoreEvent},
};

/// How often agents come and look, and where to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pace {
    /// Seconds between check-ins at rest.
    pub check_in_seconds: u32,
    /// The same while an order is open.
    pub open_order_seconds: u32,
    /// Seconds between full looks.
    pub look_seconds: u32,
    /// Whether agents keep a stream open.
    pub watch: bool,
    /// Where they come to, in this order; empty: where they were enrolled.
    pub addresses: Vec<String>,
}

/// The scheduled report.
#[derive(Debug, Clone)]
pub struct ReportSettings {
    /// When; `None` means never by itself.
    pub schedule: Option<Schedule>,
    /// Name of the schedule in the store: the expression and its zone.
    pub name: String,
    /// Where HTML and CSV go.
    pub directory: PathBuf,
    /// Where JSON goes; empty means nowhere.
    pub webhook_url: String,
}

/// How other systems are asked at gates.
#[derive(Clone, Default)]
pub struct GateSettings {
    /// What questions are signed with; empty: nobody is asked.
    pub secret: String,
    /// What stands before the path of the answer.
    pub answer_at: String,
}

impl std::fmt::Debug for GateSettings {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let secret = if self.secret.is_empty() { "none" } else { "set" };
        write!(
            f,
            "GateSettings {{ secret: {secret}, answer_at: {:?} }}",
            self.answer_at
        )
    }
}

/// What a service is made of.
#[derive(Debug)]
pub struct Parts {
    /// The store.
    pub store: Store,
    /// Certificate authority and signing keys.
    pub pki: Pki,
    /// Where they lie, to read them again when they were changed.
    pub pki_dir: PathBuf,
    /// Opens the secrets in the store.
    pub secret_key: SecretKey,
    /// Drives plans, wakes and events.
    pub campaign_clock: Clock,
    /// Drives certificates and sessions.
    pub real_clock: Clock,
    /// Where ids, tokens, salts and seeds come from.
    pub entropy: Entropy,
    /// Rules and recipes.
    pub catalog: Catalog,
    /// Which campaign it runs.
    pub campaign_id: CampaignId,
    /// How often agents come.
    pub pace: Pace,
    /// The scheduled report.
    pub report: ReportSettings,
    /// How who is late is judged.
    pub forecast: ForecastSettings,
    /// How other systems are asked at gates.
    pub gates: GateSettings,
    /// Where artifacts lie.
    pub artifacts: ArtifactSettings,
    /// Whether people reach it by TLS: then the session cookie is marked so.
    pub people_have_tls: bool,
}

/// The use cases. Cheap to clone; clones are the same server.
#[derive(Debug, Clone)]
pub struct Service(
    pub(super) Arc<Inner>,
    /// Where its clock stands still, for a question as of then.
    pub(super) Option<i64>,
);

#[derive(Debug)]
pub(super) struct Inner {
    pub(super) store: Store,
    pub(super) pki: RwLock<Pki>,
    pub(super) pki_dir: PathBuf,
    pub(super) secret_key: SecretKey,
    pub(super) clock: Clock,
    pub(super) real_clock: Clock,
    pub(super) entropy: Entropy,
    pub(super) catalog: Catalog,
    pub(super) campaign_id: CampaignId,
    pub(super) pace: Pace,
    pub(super) report: ReportSettings,
    pub(super) forecast: ForecastSettings,
    pub(super) gates: GateSettings,
    pub(super) artifacts: ArtifactSettings,
    pub(super) artifact_files: ArtifactFiles,
    pub(super) people_have_tls: bool,
    pub(super) rules: v1::Envelope,
    pub(super) seen: SeenBuffer,
    /// Names this process in leases.
    pub(super) holder: String,
    pub(super) outages: RwLock<Arc<[Outage]>>,
    /// Parsed campaigns by version; the text in the store decides.
    pub(super) parsed: Mutex<BTreeMap<(CampaignId, i64), Arc<Campaign>>>,
    pub(super) shelf: ShelfCache,
    pub(super) keyring: KeyringCache,
    /// Held by the simulation that is under way: each takes a processor and the fleet's memory.
    pub(super) simulating: Arc<tokio::sync::Mutex<()>>,
    pub(super) late: LateWatch,
    pub(super) read_plans: ReadPlans,
}

impl Service {
    /// Puts it together and signs the rules.
    ///
    /// # Errors
    /// When the rules cannot be signed or the store does not answer.
    pub fn new(parts: Parts) -> Result<Self, ServiceError> {
        let written = &parts.catalog.rule_files;
        let file = |(name, toml): &(String, String)| v1::RuleFile {
            name: name.clone(),
            toml: toml.clone(),
        };
        let rules = v1::Rules {
            revision: written.revision,
            files: written.files.iter().map(file).collect(),
        };
        let rules = envelope::seal_message(Context::Rules, &rules, parts.pki.signing().newest()).map_err(|error| {
            ServiceError::Broken {
                why: format!("rules cannot be signed: {error}"),
            }
        })?;
        let inner = Inner {
            holder: parts.entropy.hex::<16>()?,
            store: parts.store,
            pki: RwLock::new(parts.pki),
            pki_dir: parts.pki_dir,
            secret_key: parts.secret_key,
            clock: parts.campaign_clock,
            real_clock: parts.real_clock,
            entropy: parts.entropy,
            catalog: parts.catalog,
            campaign_id: parts.campaign_id,
            pace: parts.pace,
            report: parts.report,
            forecast: parts.forecast,
            gates: parts.gates,
            artifact_files: parts.artifacts.files(),
            artifacts: parts.artifacts,
            people_have_tls: parts.people_have_tls,
            rules,
            seen: SeenBuffer::default(),
            outages: RwLock::new(Arc::new([])),
            simulating: Arc::default(),
            late: LateWatch::default(),
            read_plans: ReadPlans::default(),
            parsed: Mutex::new(BTreeMap::new()),
            shelf: ShelfCache::default(),
            keyring: KeyringCache::default(),
        };
        let service = Self(Arc::new(inner), None);
        service.name_store()?;
        service.keep_catalog_revision()?;
        service.remember_outages()?;
        Ok(service)
    }

    /// The campaign's time in milliseconds since the epoch.
    #[must_use]
    pub fn now_ms(&self) -> i64 {
        self.1.unwrap_or_else(|| self.0.clock.now_ms())
    }

    /// The machine's time in milliseconds since the epoch.
    #[must_use]
    pub fn real_now_ms(&self) -> i64 {
        self.0.real_clock.now_ms()
    }

    /// Whether people reach it by TLS.
    #[must_use]
    pub fn people_have_tls(&self) -> bool {
        self.0.people_have_tls
    }

    /// The campaign that it runs.
    #[must_use]
    pub fn campaign_id(&self) -> &CampaignId {
        &self.0.campaign_id
    }

    /// The store, for those that watch it.
    #[must_use]
    pub fn store(&self) -> &Store {
        &self.0.store
    }

    /// Told after each commit.
    #[must_use]
    pub fn changes(&self) -> Changes {
        Changes(self.0.store.subscribe())
    }

    pub(super) fn with_pki<T>(&self, look: impl FnOnce(&Pki) -> T) -> T {
        look(&self.0.pki.read().unwrap_or_else(PoisonError::into_inner))
    }

    pub(super) fn outages(&self) -> Arc<[Outage]> {
        Arc::clone(&self.0.outages.read().unwrap_or_else(PoisonError::into_inner))
    }
}

/// The topic that nudges one host.
#[must_use]
pub(super) fn nudge_topic(host: HostId) -> String {
    format!("nudge:{host}")
}

/// The topic that says that some plan changed: pages and event streams look again.
pub(super) const PLAN_CHANGED: &str = "plan";

/// The topic that says that a key was revoked.
#[must_use]
pub(super) fn revoked_topic(spki_hash: &str) -> String {
    format!("revoked:{spki_hash}")
}

/// What a commit asks of the listeners of every replica.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Notice {
    /// Tell the host to check in.
    Nudge(HostId),
    /// Close the connections of this key.
    Revoked(String),
}

impl Notice {
    /// What a change in the store asks, if anything.
    #[must_use]
    pub fn of(event: &StoreEvent) -> Option<Self> {
        match event.topic.split_once(':')? {
            ("nudge", host) => host.parse().ok().map(Self::Nudge),
            ("revoked", spki_hash) => Some(Self::Revoked(spki_hash.to_owned())),
            _ => None,
        }
    }
}

/// Waits for commits.
#[derive(Debug)]
pub struct Changes(broadcast::Receiver<StoreEvent>);

/// How long a waiting reader sleeps at most: the safety net under notices between replicas.
const SAFETY_NET: Duration = Duration::from_secs(3);

impl Changes {
    /// Until something was committed, or a few seconds have passed. All that was committed until now counts as one.
    pub async fn wait(&mut self) {
        use broadcast::error::TryRecvError::{Closed, Empty};
        // A reader that fell behind, or a store that closed, simply looks again.
        let _ = tokio::time::timeout(SAFETY_NET, self.0.recv()).await;
        while !matches!(self.0.try_recv(), Err(Empty | Closed)) {}
    }

    /// The next notice; `None` when some were missed or a few seconds have passed.
    pub async fn next(&mut self) -> Option<StoreEvent> {
        match tokio::time::timeout(SAFETY_NET, self.0.recv()).await {
            Ok(Ok(event)) => Some(event),
            Ok(Err(broadcast::error::RecvError::Lagged(_))) | Err(_) => None,
            Ok(Err(broadcast::error::RecvError::Closed)) => {
                tokio::time::sleep(SAFETY_NET).await;
                None
            }
        }
    }
}
