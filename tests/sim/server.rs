//! The real service on a real store, with clocks that only the simulation moves. It can die and come back.

use std::{path::PathBuf, sync::Arc, time::Duration};

use anyhow::{Context, Result};
use cutover_core::{catalog::Catalog, report::Schedule};
use cutover_proto::ids::CampaignId;
use cutover_server::{
    clock::Clock,
    pki::{Pki, SecretKey},
    service::{ArtifactSettings, Entropy, ForecastSettings, GateSettings, Pace, Parts, ReportSettings, Service},
    store::{Store, StoreEvent, StoreOptions},
};
use tempfile::TempDir;
use tokio::sync::broadcast;

use crate::conn::{Sabotage, around};

/// The preset that is run.
pub(crate) const CAMPAIGN: &str = "kaspersky-us-2024";

/// What campaigns say in which nobody goes first with a recipe: nobody is there who would let them.
pub(crate) const TRUSTED: &str = "first_canaries = 0\ntrust_unproven = \"these machines are made up\"\n";

/// So much faster than the clock that stands for the machine's: an outage is a pause of half a minute of that one.
pub(crate) const SPEED: i64 = 60;

/// Seconds between check-ins at rest, and between looks.
pub(crate) const CHECK_IN_SECONDS: u32 = 6 * 3600;
const LOOK_SECONDS: u32 = 24 * 3600;

/// Where databases lie: in memory where the machine has such a place, since durable is the database's own matter here.
fn place() -> PathBuf {
    let memory = PathBuf::from("/dev/shm");
    if memory.is_dir() { memory } else { std::env::temp_dir() }
}

/// A server that may be down.
pub(crate) struct Server {
    directory: TempDir,
    clock: Clock,
    real_clock: Clock,
    begins_ms: i64,
    entropy: Entropy,
    catalog: Catalog,
    forecast: ForecastSettings,
    reports: Option<Schedule>,
    up: Option<Up>,
}

struct Up {
    service: Service,
    sabotage: Arc<Sabotage>,
    changes: broadcast::Receiver<StoreEvent>,
}

impl Server {
    /// A new one with this campaign in force.
    pub(crate) async fn start(seed: u64, campaign: &str, begins_ms: i64) -> Result<Self> {
        // Each follows every host to the target: what a few courses say tests as much as what many do.
        let forecast = ForecastSettings {
            every: Duration::from_secs(5 * 86_400),
            courses: 2,
            ..ForecastSettings::default()
        };
        Self::start_with(seed, campaign, begins_ms, forecast).await
    }

    /// The same, with forecasts made by other settings.
    pub(crate) async fn start_with(
        seed: u64,
        campaign: &str,
        begins_ms: i64,
        forecast: ForecastSettings,
    ) -> Result<Self> {
        #[expect(clippy::cast_precision_loss, reason = "a small whole number")]
        let clock = Clock::manual_at_speed(begins_ms, SPEED as f64);
        let mut server = Self {
            directory: tempfile::Builder::new().prefix("cutover-sim.").tempdir_in(place())?,
            clock,
            real_clock: Clock::manual(begins_ms),
            begins_ms,
            entropy: Entropy::seeded(seed),
            catalog: Catalog::built_in()?,
            forecast,
            reports: None,
            up: None,
        };
        Pki::create(&server.authority(), begins_ms)?;
        server.open()?;
        let service = server.service().context("just opened")?;
        service
            .configure_campaign(campaign.to_owned(), "configuration".to_owned())
            .await?;
        Ok(server)
    }

    /// Makes reports by this schedule from now on: it comes up anew, as a server with another configuration does.
    #[cfg(test)]
    pub(crate) fn report(&mut self, schedule: Schedule) -> Result<()> {
        self.reports = Some(schedule);
        self.stop();
        self.open()
    }

    /// Keys of its own; nothing of a trace hangs on them.
    fn authority(&self) -> PathBuf {
        self.directory.path().join("pki")
    }

    /// Comes up on the same store.
    pub(crate) fn open(&mut self) -> Result<()> {
        let sabotage = Arc::new(Sabotage::default());
        let options = StoreOptions {
            // One thing happens at a time here.
            in_place: true,
            around: Some(around(&sabotage)),
            ..StoreOptions::sqlite(&self.directory.path().join("cutover.db"))
        };
        let store = Store::open(&options, self.real_clock.now_ms())?;
        let changes = store.subscribe();
        let service = Service::new(Parts {
            store,
            pki: Pki::open(&self.authority())?,
            pki_dir: self.authority(),
            secret_key: SecretKey::open_or_make(&self.authority().join("secrets.key"))?,
            campaign_clock: self.clock.clone(),
            real_clock: self.real_clock.clone(),
            entropy: self.entropy.clone(),
            catalog: self.catalog.clone(),
            campaign_id: CampaignId::new(CAMPAIGN),
            pace: Pace {
                check_in_seconds: CHECK_IN_SECONDS,
                open_order_seconds: 60,
                look_seconds: LOOK_SECONDS,
                watch: true,
                addresses: Vec::new(),
            },
            report: ReportSettings {
                schedule: self.reports.clone(),
                name: "weekly".to_owned(),
                directory: self.directory.path().join("reports"),
                webhook_url: String::new(),
            },
            forecast: self.forecast.clone(),
            gates: GateSettings::default(),
            artifacts: ArtifactSettings {
                directory: self.directory.path().join("artifacts"),
                max_mib: 1,
            },
            people_have_tls: false,
        })?;
        self.up = Some(Up {
            service,
            sabotage,
            changes,
        });
        Ok(())
    }

    /// Is gone, with all that it only remembered.
    pub(crate) fn stop(&mut self) {
        if let Some(up) = self.up.take() {
            up.service.store().close();
        }
    }

    pub(crate) fn service(&self) -> Option<Service> {
        self.up.as_ref().map(|up| up.service.clone())
    }

    pub(crate) fn sabotage(&self) -> Option<&Sabotage> {
        self.up.as_ref().map(|up| up.sabotage.as_ref())
    }

    /// Whether its process died at a commit.
    pub(crate) fn is_dead(&self) -> bool {
        self.sabotage().is_some_and(Sabotage::is_dead)
    }

    /// Topics of what was committed since this was asked last.
    pub(crate) fn heard(&mut self) -> Vec<String> {
        let mut topics = Vec::new();
        if let Some(up) = &mut self.up {
            while let Ok(event) = up.changes.try_recv() {
                topics.push(event.topic);
            }
        }
        topics
    }

    /// Moves both clocks on to this time.
    pub(crate) fn move_to(&self, now_ms: i64) {
        let ahead = now_ms - self.clock.now_ms();
        if ahead > 0 {
            self.clock.advance(ahead);
            let real_ms = self.begins_ms + (now_ms - self.begins_ms) / SPEED;
            self.real_clock.advance(real_ms - self.real_clock.now_ms());
        }
    }

    /// Seconds of the machine's clock in so many milliseconds of the campaign's.
    pub(crate) fn real_seconds(campaign_ms: i64) -> u64 {
        u64::try_from(campaign_ms / SPEED / 1000).unwrap_or(0)
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.stop();
    }
}
