//! What people do at times that are thrown, to hosts, waves and the campaign; and when they undo it.

use cutover_core::{
    plan::{HoldKind, Phase, Plan},
    rollout::RunState,
};
use cutover_proto::ids::HostId;
use cutover_server::service::{
    ApplyCampaign, Caller, CloneDecision, EndHandwork, HaltCampaign, HoldHost, HoldKindAsked, NewExemption, Service,
    ServiceError, SettleClones,
};

use crate::{
    calendar::{HOUR, MINUTE, shown},
    course::site,
    happening::Happening,
    people::Deed,
    plot::LAB,
    situation::Situation,
    weather::campaign_text,
    world::World,
};

/// One of the things that people do.
#[derive(Debug, Clone, Copy)]
enum Thing {
    PauseWave,
    HaltCampaign,
    Apply,
    Clones,
    Retire,
    Personal,
    LeaveOut,
    MoveSite,
    Reset,
    Open,
    Approve,
    Gate,
    Hold,
    Exempt,
    Retry,
    Handwork,
}

/// In which proportion.
const THINGS: &[Thing] = &[
    Thing::PauseWave,
    Thing::PauseWave,
    Thing::HaltCampaign,
    Thing::Apply,
    Thing::Clones,
    Thing::Retire,
    Thing::Personal,
    Thing::LeaveOut,
    Thing::MoveSite,
    Thing::Reset,
    Thing::Reset,
    Thing::Open,
    Thing::Approve,
    Thing::Approve,
    Thing::Gate,
    Thing::Gate,
    Thing::Hold,
    Thing::Hold,
    Thing::Exempt,
    Thing::Exempt,
    Thing::Retry,
    Thing::Retry,
    Thing::Handwork,
];

impl World {
    pub(crate) async fn do_something(&mut self, service: &Service) -> Result<String, ServiceError> {
        let thing = self.dice.pick(THINGS).unwrap_or(Thing::Apply);
        let waves: Vec<&'static str> = self.view.plot.waves.iter().map(|wave| wave.name).collect();
        let wave = self.dice.pick(&waves).unwrap_or("all");
        let is_there = |plan: &Plan| plan.phase != Phase::Retired;
        match thing {
            Thing::PauseWave => self.pause(service, wave).await,
            Thing::HaltCampaign => self.halt(service).await,
            Thing::Apply => {
                let version = u32::try_from(self.dice.between(2, 1_000)).unwrap_or(2);
                self.apply(service, version).await
            }
            Thing::Clones => self.decide_about_clones(service).await,
            Thing::Reset => Ok(self.reset(service, wave).await?.unwrap_or_default()),
            Thing::Open => self.open(service, wave).await,
            Thing::Approve => self.approve(service, wave).await,
            Thing::Gate => self.answer_gate(service, wave).await,
            Thing::Retire if self.dice.once_in_a_thousand(500) => self.with(service, is_there, Self::retire).await,
            Thing::Personal if self.dice.once_in_a_thousand(500) => {
                self.with(service, is_there, Self::call_personal).await
            }
            Thing::Retire | Thing::Personal => Ok("nothing".to_owned()),
            Thing::LeaveOut => self.with(service, is_there, Self::leave_out).await,
            Thing::MoveSite => self.with(service, is_there, Self::move_site).await,
            Thing::Hold => self.with(service, is_moving, Self::hold).await,
            Thing::Exempt => self.with(service, is_moving, Self::exempt).await,
            Thing::Retry => {
                self.with(service, |plan| plan.phase == Phase::Failed, Self::retry)
                    .await
            }
            Thing::Handwork => {
                self.with(service, |plan| plan.phase == Phase::Handwork, Self::end_handwork)
                    .await
            }
        }
    }

    /// Does it to one of the hosts that fit.
    async fn with(
        &mut self,
        service: &Service,
        fits: impl Fn(&Plan) -> bool,
        what: impl AsyncFn(&mut Self, &Service, HostId) -> Result<String, ServiceError>,
    ) -> Result<String, ServiceError> {
        let plans = self
            .view
            .plans
            .values()
            .filter(|plan| fits(plan) && plan.pool.is_none());
        let fitting: Vec<HostId> = plans.map(|plan| plan.host_id).collect();
        match self.dice.pick(&fitting) {
            Some(host) => what(self, service, host).await,
            None => Ok("nothing".to_owned()),
        }
    }

    async fn pause(&mut self, service: &Service, wave: &'static str) -> Result<String, ServiceError> {
        let again_ms = self.now_ms + self.dice.between(MINUTE, 20 * HOUR);
        // A wave that was never opened would open by that; it is left to its gate.
        if !self.view.rules.waves.contains_key(wave) {
            return Ok("nothing".to_owned());
        }
        self.later(again_ms, Happening::People(Deed::Open(wave)));
        let said = service.pause_wave(Caller::server(), wave.to_owned(), false).await?;
        self.view.told.paused.insert(wave);
        self.ledger.situation(Situation::WavePaused);
        Ok(said)
    }

    async fn halt(&mut self, service: &Service) -> Result<String, ServiceError> {
        let to = if self.dice.once_in_a_thousand(500) {
            RunState::Stopped
        } else {
            RunState::Paused
        };
        let again_ms = self.now_ms + self.dice.between(10 * MINUTE, 20 * HOUR);
        self.later(again_ms, Happening::People(Deed::Resume));
        let out = self.view.in_flight();
        let ask = HaltCampaign {
            why: "something is wrong".to_owned(),
            dry_run: false,
        };
        let said = service.turn_campaign(Caller::server(), to, ask).await?;
        self.view.told.halted = true;
        if to == RunState::Paused {
            self.ledger.situation(Situation::Paused);
        } else if out > 0 {
            self.ledger.situation(Situation::Stopped);
        }
        Ok(said)
    }

    pub(crate) async fn apply(&mut self, service: &Service, version: u32) -> Result<String, ServiceError> {
        let text = campaign_text(&self.weather, &self.view.plot, version);
        let text = text.map_err(|error| ServiceError::Broken { why: error.to_string() })?;
        let ask = ApplyCampaign {
            file: "campaign.toml".to_owned(),
            text,
            if_version: None,
            dry_run: false,
        };
        let applied = service.apply_campaign(Caller::server(), ask).await?;
        self.ledger.situation(Situation::Applied);
        Ok(format!("version {} is in force", applied.version))
    }

    async fn retire(&mut self, service: &Service, host: HostId) -> Result<String, ServiceError> {
        let why = "scrapped, says the owner".to_owned();
        let said = service
            .retire_host(Caller::server(), host.to_string(), why, false)
            .await?;
        self.view.told.retired.insert(host);
        self.ledger.situation(Situation::Retired);
        Ok(said)
    }

    async fn call_personal(&mut self, service: &Service, host: HostId) -> Result<String, ServiceError> {
        let said = self.tag(service, host, &["ownership=personal"], &[]).await?;
        self.view.told.personal.insert(host);
        self.ledger.situation(Situation::Personal);
        Ok(said)
    }

    async fn leave_out(&mut self, service: &Service, host: HostId) -> Result<String, ServiceError> {
        let said = self.tag(service, host, &[LAB], &[]).await?;
        self.view.told.left_out.insert(host);
        self.ledger.situation(Situation::LeftOut);
        let again_ms = self.now_ms + self.dice.between(HOUR, 60 * HOUR);
        self.later(again_ms, Happening::People(Deed::TakeIn(host)));
        Ok(said)
    }

    async fn move_site(&mut self, service: &Service, host: HostId) -> Result<String, ServiceError> {
        let from = self
            .view
            .plans
            .get(&host)
            .map(|plan| site(plan).to_owned())
            .unwrap_or_default();
        let sites: Vec<&'static str> = self.view.plot.sites.iter().map(|site| site.name).collect();
        let to = self.dice.pick(&sites).filter(|to| *to != from);
        let Some(to) = to else {
            return Ok("nothing".to_owned());
        };
        let (add, remove) = (format!("site={to}"), format!("site={from}"));
        let remove: &[&str] = if from.is_empty() { &[] } else { &[&remove] };
        let said = self.tag(service, host, &[&add], remove).await?;
        self.ledger.situation(Situation::Moved);
        Ok(said)
    }

    async fn hold(&mut self, service: &Service, host: HostId) -> Result<String, ServiceError> {
        let kind = if self.dice.once_in_a_thousand(300) {
            HoldKindAsked::Legal
        } else {
            HoldKindAsked::Operator
        };
        let ends_ms = self.now_ms + self.dice.between(2 * HOUR, 90 * HOUR);
        let until_ms = (kind == HoldKindAsked::Operator).then_some(ends_ms);
        let ask = HoldHost {
            kind,
            why: "payroll runs".to_owned(),
            until: until_ms.map(shown),
            dry_run: false,
        };
        let said = service.hold_host(Caller::server(), host.to_string(), ask).await?;
        self.view.told.held.insert(host, until_ms);
        self.ledger.situation(Situation::Held);
        if until_ms.is_none() || self.dice.once_in_a_thousand(400) {
            let again_ms = self.now_ms + self.dice.between(HOUR, 60 * HOUR);
            self.later(again_ms, Happening::People(Deed::Release(host)));
        }
        Ok(said)
    }

    async fn exempt(&mut self, service: &Service, host: HostId) -> Result<String, ServiceError> {
        let until_ms = self.now_ms + self.dice.between(2 * HOUR, 90 * HOUR);
        let ask = NewExemption {
            hosts: vec![host.to_string()],
            why: "its software does not run with another".to_owned(),
            owner: "plant engineering".to_owned(),
            control: "off the network".to_owned(),
            until: shown(until_ms),
            dry_run: false,
        };
        let said = service.exempt(Caller::server(), ask).await?;
        self.view.told.exempt.insert(host, until_ms);
        self.ledger.situation(Situation::Exempted);
        if self.dice.once_in_a_thousand(400) {
            let again_ms = self.now_ms + self.dice.between(HOUR, 60 * HOUR);
            self.later(again_ms, Happening::People(Deed::Revoke(host)));
        }
        Ok(said)
    }

    async fn retry(&mut self, service: &Service, host: HostId) -> Result<String, ServiceError> {
        let said = service.retry_host(Caller::server(), host.to_string(), false).await?;
        self.ledger.situation(Situation::Retried);
        Ok(said)
    }

    async fn end_handwork(&mut self, service: &Service, host: HostId) -> Result<String, ServiceError> {
        let ask = EndHandwork {
            evidence: "ticket 17".to_owned(),
            dry_run: false,
        };
        let said = service.end_handwork(Caller::server(), host.to_string(), ask).await?;
        self.ledger.situation(Situation::HandworkDone);
        Ok(said)
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

/// A host on which there is something to hold up, and which nobody holds yet.
fn is_moving(plan: &Plan) -> bool {
    let by_people = [HoldKind::Operator, HoldKind::Legal];
    plan.phase.is_moving() && !by_people.iter().any(|kind| plan.holds.contains_key(kind))
}
