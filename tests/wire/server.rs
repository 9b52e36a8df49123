//! A server with all its parts, in a directory of its own and on ports that the system gives.

use std::net::SocketAddr;

use cutover_core::{
    campaign::PRESETS,
    catalog::Catalog,
    decide::{Event, Fact, replay},
    plan::Plan,
};
use cutover_proto::ids::HostId;
use cutover_server::{
    app::App,
    clock::Clock,
    config::Config,
    pki::Pki,
    service::{ApplyCampaign, Caller, CampaignApplied, NewToken, PoolImage, Role, Service},
    store::{
        ReadTx, StoreError, StreamName, WriteTx, causes, events, grades,
        outbox::{self, DeliveryState, Tried},
        plans, tallies, totals,
    },
};
use tempfile::TempDir;
use tracing_subscriber::fmt::{TestWriter, writer::MakeWriterExt as _};

use crate::log;

/// 2026-11-22T12:00:00Z, a Sunday: where manual clocks begin.
pub(crate) const BEGIN_MS: i64 = 1_795_348_800_000;

/// The running server.
pub(crate) struct Server {
    pub(crate) config: Config,
    pub(crate) clock: Clock,
    app: Option<App>,
    dir: TempDir,
}

impl Server {
    /// With a campaign clock that stands still until it is advanced.
    pub(crate) async fn start() -> Self {
        Self::with(|_| ()).await
    }

    /// The same, with other settings.
    pub(crate) async fn with(change: impl FnOnce(&mut Config)) -> Self {
        prepare();
        let dir = tempfile::tempdir().unwrap();
        Pki::create(&dir.path().join("pki"), Clock::system().now_ms()).unwrap();
        let mut config = config_in(&dir);
        change(&mut config);
        let clock = Clock::manual(BEGIN_MS);
        let app = App::start(&config, clock.clone(), Catalog::built_in().unwrap())
            .await
            .unwrap();
        Self {
            config,
            clock,
            app: Some(app),
            dir,
        }
    }

    pub(crate) fn app(&self) -> &App {
        self.app.as_ref().expect("it runs")
    }

    pub(crate) fn service(&self) -> &Service {
        &self.app().service
    }

    pub(crate) fn path(&self) -> &std::path::Path {
        self.dir.path()
    }

    /// Ends it, and starts another over the same directory and store.
    pub(crate) async fn restart(&mut self) {
        self.halt().await;
        self.resume().await;
    }

    pub(crate) async fn halt(&mut self) {
        self.app.take().expect("it runs").stop().await;
    }

    pub(crate) async fn resume(&mut self) {
        self.app = Some(
            App::start(&self.config, self.clock.clone(), Catalog::built_in().unwrap())
                .await
                .unwrap(),
        );
    }

    pub(crate) async fn stop(mut self) {
        self.halt().await;
    }

    /// The keys, as another process would read them.
    pub(crate) fn pki(&self) -> Pki {
        Pki::open(&self.config.data_dir.join("pki")).unwrap()
    }

    /// An enrolment token for so many hosts.
    pub(crate) async fn token(&self, uses: u32) -> String {
        let ask = NewToken {
            uses,
            hours: 1,
            pool: None,
        };
        self.service().create_token(Caller::server(), ask).await.unwrap().token
    }

    /// An enrolment token for machines of a pool that are made from this image.
    pub(crate) async fn pool_token(&self, pool: &str, image: &str) -> String {
        let ask = NewToken {
            uses: 100,
            hours: 1,
            pool: Some(PoolImage {
                pool: pool.to_owned(),
                image: image.to_owned(),
                owner: "the desktop team".to_owned(),
                within_days: 14,
            }),
        };
        self.service().create_token(Caller::server(), ask).await.unwrap().token
    }

    /// An access token of this role.
    pub(crate) async fn access(&self, role: Role) -> String {
        let name = format!("a-{role}");
        self.service().create_access_token(name, role).await.unwrap()
    }

    pub(crate) async fn open_wave(&self) {
        let wave = "all".to_owned();
        self.service().open_wave(Caller::server(), wave, false).await.unwrap();
    }

    /// Puts a campaign's text in force.
    pub(crate) async fn apply(&self, text: String) -> CampaignApplied {
        let ask = ApplyCampaign {
            file: "test.toml".to_owned(),
            text,
            if_version: None,
            dry_run: false,
        };
        self.service().apply_campaign(Caller::server(), ask).await.unwrap()
    }

    /// The address of a page or a resource.
    pub(crate) fn url(&self, path: &str) -> String {
        format!("http://{}{path}", self.app().people)
    }

    /// Reads the store beside the server.
    pub(crate) async fn read<T: Send + 'static>(
        &self,
        look: impl Fn(&mut ReadTx<'_>) -> Result<T, StoreError> + Send + 'static,
    ) -> T {
        self.service().store().read(look).await.unwrap()
    }

    /// Writes into the store, as time or another process would.
    pub(crate) async fn write<T: Send + 'static>(
        &self,
        change: impl Fn(&mut WriteTx<'_>) -> Result<T, StoreError> + Send + 'static,
    ) -> T {
        self.service().store().write(change).await.unwrap()
    }

    /// The position of the newest event.
    pub(crate) async fn last_pos(&self) -> i64 {
        self.read(|tx| events::last_pos(tx)).await
    }

    /// Every letter that was tried is due again: time passes for them alone.
    pub(crate) async fn hurry_letters(&self) {
        self.write(|tx| {
            let rows = outbox::in_state(tx, DeliveryState::Pending, 10)?;
            for row in rows.into_iter().filter(|row| row.attempts > 0 && row.next_ms > 0) {
                let error = row.last_error.clone().unwrap_or_default();
                outbox::note(tx, &row.outbox_id, row.attempts, &Tried::Again { next_ms: 0, error }, 0)?;
            }
            Ok(())
        })
        .await;
    }

    /// A host's plan, as its row has it.
    pub(crate) async fn plan(&self, host: HostId) -> Plan {
        let campaign = self.service().campaign_id().to_string();
        let row = self
            .read(move |tx| plans::load(tx, &campaign, &host.to_string()))
            .await
            .expect("a plan");
        serde_json::from_str(&row.state).unwrap()
    }

    /// The events of a host's plan.
    pub(crate) async fn told(&self, host: HostId) -> Vec<Event> {
        let stream = StreamName::plan(self.service().campaign_id().as_str(), &host.to_string());
        let stored = self.read(move |tx| events::load(tx, &stream, 1, 10_000)).await;
        stored
            .iter()
            .map(|event| serde_json::from_str(&event.body).unwrap())
            .collect()
    }

    /// The phases that a plan went through, in order.
    pub(crate) async fn phases(&self, host: HostId) -> Vec<String> {
        let moved = |event: &Event| {
            let Fact::Moved { to, .. } = &event.fact else {
                return None;
            };
            Some(to.to_string())
        };
        self.told(host).await.iter().filter_map(moved).collect()
    }

    /// What must hold whatever happened: totals and tallies equal a recount, chains verify, each plan is the replay of its events.
    pub(crate) async fn holds_together(&self, hosts: &[HostId]) {
        let campaign = self.service().campaign_id().clone();
        let id = campaign.to_string();
        self.read(move |tx| {
            totals::check(tx, &id)
                .and_then(|()| tallies::check(tx, &id))
                .and_then(|()| causes::check(tx, &id))
                .and_then(|()| grades::check(tx, &id))
        })
        .await;
        let (whole, broken) = self.service().verify_chains().await.unwrap();
        assert_eq!(
            (whole, broken),
            (2 * hosts.len(), 0),
            "chains that verify, and that do not"
        );
        for host in hosts {
            let (id, host_id) = (campaign.to_string(), host.to_string());
            // Of one moment: a call of an agent that has just ended may still be carried out.
            let (stored, row) = self
                .read(move |tx| {
                    let stream = StreamName::plan(&id, &host_id);
                    Ok::<_, StoreError>((events::load(tx, &stream, 1, 10_000)?, plans::load(tx, &id, &host_id)?))
                })
                .await;
            let told: Vec<Event> = stored
                .iter()
                .map(|event| serde_json::from_str(&event.body).unwrap())
                .collect();
            let replayed = replay(Plan::unborn(*host, campaign.clone()), &told).unwrap();
            let row: Plan = serde_json::from_str(&row.expect("a plan").state).unwrap();
            assert_eq!(replayed, row, "the row is not the replay of its events");
        }
    }
}

/// One provider of cryptography, and the server's log where a failing test shows it; a second call changes nothing.
pub(crate) fn prepare() {
    let _ = rustls::crypto::ring::default_provider().install_default();
    let lines = tracing_subscriber::fmt()
        .with_env_filter("cutover_server=debug")
        .with_ansi(false)
        .with_writer((|| log::Kept).and(TestWriter::new));
    let _ = lines.try_init();
}

/// Everything on loopback and free ports, a campaign that starts by itself, no scheduled report.
pub(crate) fn config_in(dir: &TempDir) -> Config {
    let mut config = Config {
        data_dir: dir.path().to_owned(),
        ..Config::default()
    };
    config.agents.listen = SocketAddr::from(([127, 0, 0, 1], 0));
    config.people.listen = SocketAddr::from(([127, 0, 0, 1], 0));
    config.report.schedule = String::new();
    config.campaign.file = dir.path().join("campaign.toml");
    std::fs::write(&config.campaign.file, campaign_text()).unwrap();
    config
}

/// What the campaign says of those that go first: nobody is there who would let them.
pub(crate) const TRUSTED: &str = "first_canaries = 0\ntrust_unproven = \"these machines are made up\"\n";

/// The same as it was said before a reason was asked for.
pub(crate) const UNTRUSTED: &str = "first_canaries = 0\n";

/// The preset in mode automatic, without grace and with a soak of four minutes.
fn campaign_text() -> String {
    let mut document: toml::Table = toml::from_str(PRESETS[0].1).unwrap();
    document.insert("mode".into(), "automatic".into());
    document.remove("readiness");
    document.remove("notice");
    document.insert("accepted_grades".into(), toml::Value::Array(vec!["on-demand".into()]));
    document.insert("recovery_target".into(), "2027-06-30T00:00:00Z".into());
    let policy = [("grace", "0s"), ("soak", "4m"), ("stale_after", "60d")];
    let policy = policy.map(|(key, value)| (key.to_owned(), toml::Value::from(value)));
    document.insert("policy".into(), toml::Value::Table(policy.into_iter().collect()));
    let text = toml::to_string(&document).unwrap();
    text.replace("[policy]\n", &format!("[policy]\n{TRUSTED}"))
}
