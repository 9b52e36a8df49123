//! What people do while it runs: open and pause waves, apply a new version, retry, retire, decide about clones.

use anyhow::Result;
use cutover_core::{plan::Phase, rollout::BreakerState};
use cutover_proto::ids::HostId;
use cutover_server::service::{
    ApplyCampaign, Caller, ChangeTags, CloneDecision, ResetWave, Service, ServiceError, SettleClones,
};

use crate::{
    calendar::{HOUR, MINUTE},
    happening::Happening,
    weather::campaign_text,
    world::World,
};

const WAVE: &str = "all";

impl World {
    /// The first opens the wave; what the others do is thrown. In the calm the wave is opened again, and stays so.
    pub(crate) async fn people(&mut self, nth: u32) -> Result<()> {
        let Some(service) = self.server.service() else {
            self.later(self.now_ms + HOUR, Happening::People(nth));
            return Ok(());
        };
        let done = match nth {
            0 => self.open_and_reset(&service).await,
            _ if self.calm => self.open(&service).await,
            _ => self.do_something(&service).await,
        };
        match done {
            Ok(said) => self.tell(|| format!("people: {said}")),
            Err(error) => {
                self.refused("what people ask", &error);
                // Who opens the wave comes back until it is open.
                if nth == 0 || self.calm {
                    self.later(self.now_ms + 10 * MINUTE, Happening::People(nth));
                }
            }
        }
        // A wave that is halted in the calm needs somebody who comes again.
        if nth == 0 && self.calm {
            // A reset lets a few through, so the larger the fleet, the more often.
            let forties = i64::try_from(self.case.hosts.div_ceil(40))?.max(1);
            self.later(self.now_ms + 6 * HOUR / forties, Happening::People(nth));
        }
        self.after_call();
        Ok(())
    }

    /// Opens the wave, and lets it go on where it is halted.
    async fn open_and_reset(&mut self, service: &Service) -> Result<String, ServiceError> {
        let said = self.open(service).await?;
        let breaker = self.view.rules.breakers.of(WAVE);
        if !matches!(breaker.state, BreakerState::Tripped(_)) {
            return Ok(said);
        }
        let ask = ResetWave {
            why: "the cause is mended".to_owned(),
            first: Some(u32::try_from(self.dice.between(1, 6)).unwrap_or(1)),
            dry_run: false,
        };
        service.reset_wave(Caller::server(), WAVE.to_owned(), ask).await
    }

    async fn open(&mut self, service: &Service) -> Result<String, ServiceError> {
        let text = campaign_text(&self.weather, 2).map_err(|error| ServiceError::Broken { why: error.to_string() })?;
        if self.view.rules.campaign.mode == cutover_core::campaign::Mode::Observe {
            service.apply_campaign(Caller::server(), ask(text)).await?;
        }
        service.open_wave(Caller::server(), WAVE.to_owned(), false).await
    }

    async fn do_something(&mut self, service: &Service) -> Result<String, ServiceError> {
        match self.dice.between(0, 9) {
            0 | 1 => {
                let again_ms = self.now_ms + self.dice.between(MINUTE, 20 * HOUR);
                self.later(again_ms, Happening::People(0));
                service.pause_wave(Caller::server(), WAVE.to_owned(), false).await
            }
            2 => {
                let version = u32::try_from(self.dice.between(2, 1_000)).unwrap_or(2);
                let text = campaign_text(&self.weather, version);
                let text = text.map_err(|error| ServiceError::Broken { why: error.to_string() })?;
                let applied = service.apply_campaign(Caller::server(), ask(text)).await?;
                Ok(format!("version {} is in force", applied.version))
            }
            3 => self.decide_about_clones(service).await,
            5 => match self.a_host_that(|phase| phase != Phase::Retired) {
                Some(host) => {
                    let ask = ChangeTags {
                        add: vec!["ownership=personal".to_owned()],
                        remove: Vec::new(),
                        dry_run: false,
                    };
                    service.tag_host(Caller::server(), host.to_string(), ask).await
                }
                None => Ok("nothing".to_owned()),
            },
            4 if self.dice.once_in_a_thousand(300) => match self.a_host_that(|phase| phase != Phase::Retired) {
                Some(host) => {
                    let why = "scrapped, says the owner".to_owned();
                    service
                        .retire_host(Caller::server(), host.to_string(), why, false)
                        .await
                }
                None => Ok("nothing".to_owned()),
            },
            6 => self.open_and_reset(service).await,
            _ => match self.a_host_that(|phase| phase == Phase::Failed) {
                Some(host) => service.retry_host(Caller::server(), host.to_string(), false).await,
                None => Ok("nothing".to_owned()),
            },
        }
    }

    fn a_host_that(&mut self, fits: impl Fn(Phase) -> bool) -> Option<HostId> {
        let fitting = self
            .view
            .plans
            .values()
            .filter(|plan| fits(plan.phase) && plan.pool.is_none());
        let fitting: Vec<HostId> = fitting.map(|plan| plan.host_id).collect();
        self.dice.pick(&fitting)
    }

    async fn decide_about_clones(&mut self, service: &Service) -> Result<String, ServiceError> {
        let incidents = service.clone_incidents().await?;
        let Some(incident) = incidents.first() else {
            return Ok("no clones".to_owned());
        };
        let ask = SettleClones {
            decision: if self.dice.once_in_a_thousand(800) {
                CloneDecision::Keep
            } else {
                CloneDecision::Refuse
            },
            why: "they come of one image, says the owner".to_owned(),
            dry_run: false,
        };
        service
            .settle_clones(Caller::server(), incident.host_id.clone(), ask)
            .await
    }
}

fn ask(text: String) -> ApplyCampaign {
    ApplyCampaign {
        file: "campaign.toml".to_owned(),
        text,
        if_version: None,
        dry_run: false,
    }
}
