//! Puts a server together: store, keys, use cases, both listeners, background work. The only place that knows them all.

mod notify;
mod service_manager;

use std::{future::IntoFuture, net::SocketAddr, path::Path, sync::Arc, time::Duration};

use anyhow::Context;
use cutover_core::{
    campaign::{Campaign, span},
    catalog::Catalog,
    report::Schedule,
};
use tokio::{
    net::TcpListener,
    signal::unix::{SignalKind, signal},
    sync::watch,
    task::JoinHandle,
};
use tonic::service::Routes;

use crate::{
    api,
    clock::Clock,
    config::Config,
    grpc::{
        AdmissionLayer, AgentCalls, ArtifactLimits, Connections, EnrollLimits, EnrollmentCalls, HandshakeLimits,
        HostKeys, Hub, NowMs, Rate, TlsIdentity, artifact_routes, bounded_agent, bounded_enrollment, listen,
        post_routes, server_builder,
    },
    pki::{Pki, SecretKey},
    service::{
        ArtifactSettings, Entropy, ForecastSettings, GateSettings, Notice, Pace, Parts, ReportSettings, Service,
    },
    store::{Address, Sole, Store, StoreOptions},
    tasks::Tasks,
    web::{self, PeopleListener},
};

pub use service_manager::ServiceManager;

/// A server that runs.
#[derive(Debug)]
pub struct App {
    /// Its use cases.
    pub service: Service,
    /// Where agents reach it.
    pub agents: SocketAddr,
    /// Where people reach it.
    pub people: SocketAddr,
    passes: watch::Receiver<u64>,
    stop: watch::Sender<bool>,
    running: Vec<JoinHandle<()>>,
    sole: Option<Sole>,
}

/// The service without listeners: what `init` and `serve` begin with.
///
/// # Errors
/// When store, keys or campaign cannot be used; the text says what to do.
pub fn open(config: &Config, campaign_clock: Clock, catalog: Catalog) -> anyhow::Result<(Service, String)> {
    let real_clock = Clock::system();
    let text = campaign_text(config)?;
    let campaign = Campaign::parse(&campaign_origin(config), &text, 1)?;
    let pki_dir = config.data_dir.join("pki");
    let pki = Pki::open(&pki_dir)
        .with_context(|| format!("{} holds no keys; run `cutover init` first", config.data_dir.display()))?;
    let secret_key = SecretKey::open_or_make(&config.secret_key_file()).context("the key for secrets")?;
    let store = Store::open(&store_options(config)?, real_clock.now_ms())?;
    let schedule = match config.report.schedule.as_str() {
        "" => None,
        expression => Some(Schedule::parse(expression, &config.report.zone).context("report.schedule")?),
    };
    let service = Service::new(Parts {
        store,
        pki,
        pki_dir,
        secret_key,
        campaign_clock,
        real_clock,
        entropy: Entropy::system(),
        catalog,
        campaign_id: campaign.id,
        pace: Pace {
            check_in_seconds: config.check_in.seconds,
            open_order_seconds: config.check_in.open_order_seconds,
            look_seconds: config.check_in.look_seconds,
            watch: config.check_in.watch,
            addresses: config.agents.addresses.clone(),
        },
        report: ReportSettings {
            schedule,
            name: format!("{} {}", config.report.schedule, config.report.zone),
            directory: config.report_directory(),
            webhook_url: config.report.webhook_url.clone(),
        },
        forecast: ForecastSettings {
            every: Duration::from_secs(u64::from(config.forecast.every_minutes) * 60),
            courses: config.forecast.courses,
            hosts: config.forecast.hosts,
            people_within: span::parse(&config.forecast.people_within)
                .map_err(|why| anyhow::anyhow!("forecast.people_within: {why}"))?,
        },
        gates: GateSettings {
            secret: config.gates.secret.clone(),
            answer_at: config.gates.answer_at.trim_end_matches('/').to_owned(),
        },
        artifacts: ArtifactSettings {
            directory: config.artifact_directory(),
            max_mib: config.artifacts.max_mib,
        },
        people_have_tls: config.people.behind_tls_proxy || !config.people.tls_certificate.as_os_str().is_empty(),
    })?;
    Ok((service, text))
}

/// Where the configuration says that the store is.
///
/// # Errors
/// When the address cannot be read.
pub fn store_options(config: &Config) -> anyhow::Result<StoreOptions> {
    if config.store.url.is_empty() {
        return Ok(StoreOptions::sqlite(&config.sqlite_path()));
    }
    Ok(StoreOptions::new(Address::parse(&config.store.url)?))
}

fn campaign_origin(config: &Config) -> String {
    if config.campaign.file.as_os_str().is_empty() {
        config.campaign.preset.clone()
    } else {
        config.campaign.file.display().to_string()
    }
}

fn campaign_text(config: &Config) -> anyhow::Result<String> {
    let file = &config.campaign.file;
    if !file.as_os_str().is_empty() {
        return std::fs::read_to_string(file).with_context(|| format!("campaign.file {}", file.display()));
    }
    let wanted = format!("{}.toml", config.campaign.preset);
    let presets = cutover_core::campaign::PRESETS;
    let found = presets
        .iter()
        .find(|(name, _)| *name == wanted)
        .map(|(_, text)| (*text).to_owned());
    found.with_context(|| {
        let known: Vec<&str> = presets.iter().map(|(name, _)| name.trim_end_matches(".toml")).collect();
        format!(
            "campaign.preset `{}` is not built in; known: {}",
            config.campaign.preset,
            known.join(", ")
        )
    })
}

impl App {
    /// Starts everything, to go by this catalog. Must be called inside a tokio runtime.
    ///
    /// # Errors
    /// When a port is taken, or store, keys or campaign cannot be used.
    pub async fn start(config: &Config, campaign_clock: Clock, catalog: Catalog) -> anyhow::Result<Self> {
        config.check()?;
        let tls = tls_files(config);
        let people = PeopleListener::bind(config.people.listen, tls).await?;
        let agents = TcpListener::bind(config.agents.listen).await.with_context(|| {
            format!(
                "cannot listen on {} for agents; choose another agents.listen or stop what holds the port",
                config.agents.listen
            )
        })?;
        let options = store_options(config)?;
        let sole = match &options.address {
            Address::Sqlite(path) => Some(Sole::claim(path, options.file_system)?),
            Address::Postgres(_) => None,
        };
        let (service, campaign) = open(config, campaign_clock, catalog)?;
        service.configure_campaign(campaign, "configuration".to_owned()).await?;
        // No reason not to serve: all else goes on, and the secrets are there again with their key.
        for fault in service.secret_faults().await? {
            tracing::error!("{fault}");
        }
        let (people_address, agents_address) = (people.address(), agents.local_addr()?);
        let (stop, stopped) = watch::channel(false);
        let (hub, connections) = (Hub::default(), Connections::new());
        let listener = AgentsListener::new(&service, config, Arc::clone(&connections))?;
        let mut running = vec![
            listener.serve(agents, hub.clone(), stopped.clone()),
            tokio::spawn(listener.renew(stopped.clone())),
            serve_people(people, &service, stopped.clone()),
            tokio::spawn(route_notices(service.clone(), hub, connections, stopped.clone())),
        ];
        let http = reqwest::Client::builder().build().context("HTTP client for webhooks")?;
        // What opens waves is asked where it was told to ask, and nowhere that an answer sends it to.
        let asking = reqwest::Client::builder()
            .redirect(reqwest::redirect::Policy::none())
            .build()
            .context("HTTP client for gates")?;
        let tasks = Tasks::new(service.clone(), http, asking);
        let passes = tasks.passes();
        running.push(tokio::spawn(tasks.run(stopped)));
        tracing::info!(agents = %agents_address, people = %people_address, "serving");
        Ok(Self {
            service,
            agents: agents_address,
            people: people_address,
            passes,
            stop,
            running,
            sole,
        })
    }

    /// Counts the passes of the background work.
    #[must_use]
    pub fn passes(&self) -> watch::Receiver<u64> {
        self.passes.clone()
    }

    /// Stops taking calls, ends what runs, and closes the store.
    pub async fn stop(self) {
        // Receivers live in the tasks below; when all have ended already there is nobody left to tell.
        let _ = self.stop.send(true);
        for task in self.running {
            if let Err(error) = task.await {
                tracing::error!(%error, "a part of the server ended badly");
            }
        }
        if let Err(error) = self.service.give_up_lease().await {
            tracing::warn!(%error, "the lease of background work runs out by itself");
        }
        let store = self.service.store().clone();
        // Closing waits for threads; that must not hold up the runtime.
        if tokio::task::spawn_blocking(move || store.close()).await.is_err() {
            tracing::error!("the store did not close in order");
        }
        drop(self.sole);
    }
}

fn tls_files(config: &Config) -> Option<(&Path, &Path)> {
    let people = &config.people;
    let named = !people.tls_certificate.as_os_str().is_empty();
    named.then_some((people.tls_certificate.as_path(), people.tls_key.as_path()))
}

/// How many seconds of the lasting rate may leave at once after a quiet time.
const BURST_SECONDS: u32 = 10;

fn artifact_limits(config: &Config) -> ArtifactLimits {
    let rate = |mib_per_second: u32| Rate {
        burst: mib_per_second.saturating_mul(BURST_SECONDS),
        per_second: f64::from(mib_per_second),
    };
    ArtifactLimits {
        per_host: rate(config.artifacts.host_mib_per_second),
        server: rate(config.artifacts.server_mib_per_second),
    }
}

/// How often the server's certificate is looked at: it is renewed from two thirds of its life on.
const IDENTITY_EVERY: Duration = Duration::from_secs(3600);

/// How long calls that run may go on after the server was told to stop.
const DRAIN: Duration = Duration::from_secs(3);

/// The agents' listener and the identity it shows.
struct AgentsListener {
    service: Service,
    names: Vec<String>,
    identity: Arc<TlsIdentity>,
    connections: Arc<Connections>,
    now: NowMs,
    artifacts: ArtifactLimits,
}

impl AgentsListener {
    fn new(service: &Service, config: &Config, connections: Arc<Connections>) -> anyhow::Result<Self> {
        let clock = service.clone();
        let now: NowMs = Arc::new(move || clock.real_now_ms());
        let (identity, roots) = service.server_identity(&config.agents.names)?;
        let identity = TlsIdentity::new(&identity, &roots, Arc::clone(&now))?;
        Ok(Self {
            service: service.clone(),
            names: config.agents.names.clone(),
            identity,
            connections,
            now,
            artifacts: artifact_limits(config),
        })
    }

    fn serve(&self, tcp: TcpListener, hub: Hub, mut stopped: watch::Receiver<bool>) -> JoinHandle<()> {
        let incoming = listen(
            tcp,
            Arc::clone(&self.identity),
            Arc::clone(&self.connections),
            HandshakeLimits::default(),
        );
        let keys = Arc::new(HostKeys(self.service.clone()));
        let admission = AdmissionLayer::new(keys, Arc::clone(&self.now), EnrollLimits::default());
        let agent = AgentCalls {
            service: self.service.clone(),
            hub,
        };
        let enrollment = EnrollmentCalls(self.service.clone());
        let posts = post_routes(agent.clone(), enrollment.clone());
        let routes = Routes::new(bounded_agent(agent)).add_service(bounded_enrollment(enrollment));
        let artifacts = artifact_routes(self.service.clone(), self.artifacts, Arc::clone(&self.now));
        let routes = Routes::from(routes.prepare().into_axum_router().merge(artifacts).merge(posts));
        let server = server_builder().layer(admission).add_routes(routes);
        tokio::spawn(async move {
            let mut told = stopped.clone();
            let stop = async move {
                // An error means that the sender is gone: the server ends then too.
                let _ = told.wait_for(|stop| *stop).await;
            };
            let serving = server.serve_with_incoming_shutdown(incoming, stop);
            let drained = async move {
                let _ = stopped.wait_for(|stop| *stop).await;
                // Watch streams never end by themselves; agents come again when the server is back.
                tokio::time::sleep(DRAIN).await;
            };
            tokio::select! {
                () = drained => {}
                ended = serving => if let Err(error) = ended {
                    tracing::error!(%error, "the agents' listener ended");
                },
            }
        })
    }

    /// Takes up a renewed certificate and changed roots, every hour and when told by SIGHUP.
    async fn renew(self, mut stopped: watch::Receiver<bool>) {
        let mut hangup = signal(SignalKind::hangup()).ok();
        loop {
            let told = async {
                match &mut hangup {
                    Some(hangup) => hangup.recv().await,
                    None => std::future::pending().await,
                }
            };
            tokio::select! {
                _ = stopped.wait_for(|stop| *stop) => return,
                () = tokio::time::sleep(IDENTITY_EVERY) => {}
                _ = told => {}
            }
            let taken = self.service.server_identity(&self.names).map_err(anyhow::Error::from);
            match taken.and_then(|(identity, roots)| Ok(self.identity.swap(&identity, &roots)?)) {
                Ok(()) => tracing::info!("server certificate and roots are looked at again"),
                Err(error) => tracing::error!(%error, "the server's certificate cannot be renewed"),
            }
        }
    }
}

fn serve_people(listener: PeopleListener, service: &Service, mut stopped: watch::Receiver<bool>) -> JoinHandle<()> {
    let router = api::router(service.clone())
        .merge(web::router(service.clone()))
        .layer(axum::middleware::from_fn(web::guard));
    tokio::spawn(async move {
        let serve = axum::serve(listener, router).into_future();
        tokio::select! {
            // Event streams never end by themselves, so there is nothing to wait for.
            _ = stopped.wait_for(|stop| *stop) => {}
            ended = serve => if let Err(error) = ended {
                tracing::error!(%error, "the people's listener ended");
            },
        }
    })
}

/// Brings what commits ask for, of this process or another, to open streams and connections.
async fn route_notices(service: Service, hub: Hub, connections: Arc<Connections>, mut stopped: watch::Receiver<bool>) {
    let mut changes = service.changes();
    loop {
        tokio::select! {
            _ = stopped.wait_for(|stop| *stop) => return,
            change = changes.next() => match change.as_ref().and_then(Notice::of) {
                Some(Notice::Nudge(host)) => {
                    hub.nudge(host);
                }
                Some(Notice::Revoked(spki_hash)) => {
                    connections.close(&spki_hash);
                }
                None => {}
            },
        }
    }
}
