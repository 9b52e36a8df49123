//! What people do while it runs, and when they come again: what must be done for a run to end is done by who tends it.

use anyhow::Result;
use cutover_core::{
    plan::{HoldKind, Phase, Plan},
    rollout::{BreakerState, RunState, WaveState},
};
use cutover_proto::ids::HostId;
use cutover_server::service::{
    AnswerGate, ApproveWave, Caller, ChangeTags, HaltCampaign, HoldHost, HoldKindAsked, ReleaseHost, ResetWave,
    RevokeExemption, Service, ServiceError,
};

use crate::{
    calendar::{DAY, HOUR, MINUTE, shown},
    habit::Habit,
    happening::Happening,
    plot::LAB,
    situation::Situation,
    world::World,
};

/// What somebody comes for.
#[derive(Debug, Clone)]
pub(crate) enum Deed {
    /// To open the first wave, and to let halted ones go on; in the calm to see that everything does.
    Tend,
    /// For whatever is thrown.
    Thrown,
    /// To let the campaign go on.
    Resume,
    /// To open a wave.
    Open(&'static str),
    /// To end what holds a host, its exemption, or that it is out of scope.
    Release(HostId),
    Revoke(HostId),
    TakeIn(HostId),
    /// To say of a new host where it is.
    Describe(usize),
}

impl World {
    pub(crate) async fn people(&mut self, deed: Deed) -> Result<()> {
        let Some(service) = self.server.service() else {
            self.later(self.now_ms + HOUR, Happening::People(deed));
            return Ok(());
        };
        let done = match &deed {
            Deed::Tend => self.tend(&service).await,
            Deed::Thrown if self.calm => Ok("nothing any more".to_owned()),
            Deed::Thrown => self.do_something(&service).await,
            Deed::Resume => self.resume(&service).await,
            Deed::Open(wave) => self.open(&service, wave).await,
            Deed::Release(host) => self.release(&service, *host).await,
            Deed::Revoke(host) => self.revoke(&service, *host).await,
            Deed::TakeIn(host) => self.take_in(&service, *host).await,
            Deed::Describe(index) => self.describe(&service, *index).await,
        };
        match done {
            Ok(said) => self.tell(|| format!("people: {said}")),
            Err(error) => {
                self.refused("what people ask", &error);
                let is_lost = matches!(error, ServiceError::Store(_));
                if is_lost && !matches!(deed, Deed::Thrown | Deed::Tend) || matches!(deed, Deed::Tend) && !self.calm {
                    self.later(self.now_ms + 10 * MINUTE, Happening::People(deed.clone()));
                }
            }
        }
        // A wave that is halted in the calm needs somebody who comes again.
        if matches!(deed, Deed::Tend) && self.calm {
            // A reset lets a few through, so the larger the fleet, the more often.
            let forties = i64::try_from(self.case.hosts.div_ceil(40))?.max(1);
            self.later(self.now_ms + 6 * HOUR / forties, Happening::People(Deed::Tend));
        }
        self.after_call();
        Ok(())
    }

    async fn tend(&mut self, service: &Service) -> Result<String, ServiceError> {
        if self.calm {
            self.resume(service).await?;
        }
        let mut said = Vec::new();
        let waves: Vec<&'static str> = self.view.plot.waves.iter().map(|wave| wave.name).collect();
        for (nth, wave) in waves.into_iter().enumerate() {
            // Others open by their gates, or when somebody thinks of it.
            if self.calm || nth == 0 {
                said.push(self.open(service, wave).await?);
            }
            said.extend(self.reset(service, wave).await?);
            if self.calm {
                said.extend(self.approve_those_that_wait(service, wave).await?);
            }
        }
        if self.calm {
            said.extend(self.set_aside(service).await?);
        }
        Ok(said.join("; "))
    }

    /// Decides about those that failed while they went first with a recipe, and do not go on by themselves: they are held, and others
    /// may go.
    async fn set_aside(&mut self, service: &Service) -> Result<Vec<String>, ServiceError> {
        let by_people = [HoldKind::Operator, HoldKind::Legal];
        let is_left = |plan: &Plan| {
            let stands = plan.stale || !matches!(plan.phase, Phase::Planned | Phase::Queued) && !plan.phase.is_moving();
            !plan.kept_places.is_empty() && stands && !by_people.iter().any(|kind| plan.holds.contains_key(kind))
        };
        let plans = self.view.plans.values();
        let left: Vec<HostId> = plans.filter(|plan| is_left(plan)).map(|plan| plan.host_id).collect();
        let mut said = Vec::new();
        for host in left {
            let until_ms = self.now_ms + 90 * DAY;
            let ask = HoldHost {
                kind: HoldKindAsked::Operator,
                why: "somebody has to look at it first".to_owned(),
                until: Some(shown(until_ms)),
                dry_run: false,
            };
            said.push(service.hold_host(Caller::server(), host.to_string(), ask).await?);
            self.view.told.held.insert(host, Some(until_ms));
            self.ledger.situation(Situation::SetAside);
        }
        Ok(said)
    }

    /// Lets a wave go on that is halted.
    pub(crate) async fn reset(&mut self, service: &Service, wave: &str) -> Result<Option<String>, ServiceError> {
        if !matches!(self.view.rules.breakers.of(wave).state, BreakerState::Tripped(_)) {
            return Ok(None);
        }
        let ask = ResetWave {
            why: "the cause is mended".to_owned(),
            first: Some(u32::try_from(self.dice.between(1, 6)).unwrap_or(1)),
            dry_run: false,
        };
        let said = service.reset_wave(Caller::server(), wave.to_owned(), ask).await?;
        self.ledger.situation(Situation::Reset);
        Ok(Some(said))
    }

    pub(crate) async fn open(&mut self, service: &Service, wave: &'static str) -> Result<String, ServiceError> {
        if self.view.rules.campaign.mode == cutover_core::campaign::Mode::Observe {
            self.apply(service, 2).await?;
        }
        let before = self.view.rules.waves.get(wave).copied().unwrap_or(WaveState::Closed);
        if before == WaveState::Open {
            return Ok(format!("{wave} is open"));
        }
        self.view.told.asked_open.insert(wave.to_owned());
        self.view.told.paused.remove(wave);
        let said = service.open_wave(Caller::server(), wave.to_owned(), false).await?;
        self.ledger.situation(Situation::OpenedByHand);
        Ok(said)
    }

    /// Only where somebody waits for it: asking reads the wave's plans.
    async fn approve_those_that_wait(&mut self, service: &Service, wave: &str) -> Result<Option<String>, ServiceError> {
        let waits = |phase| matches!(phase, Phase::Planned | Phase::Queued);
        let mut plans = self.view.plans.values();
        if !plans.any(|plan| plan.wave == wave && waits(plan.phase) && plan.approval.is_none()) {
            return Ok(None);
        }
        self.approve(service, wave).await.map(Some)
    }

    pub(crate) async fn approve(&mut self, service: &Service, wave: &str) -> Result<String, ServiceError> {
        let ask = ApproveWave::default();
        let said = service.approve_wave(Caller::server(), wave.to_owned(), ask).await?;
        if !said.contains("let 0 hosts") {
            self.ledger.situation(Situation::Approved);
        }
        Ok(said)
    }

    async fn resume(&mut self, service: &Service) -> Result<String, ServiceError> {
        if !self.view.rules.stopped {
            return Ok("the campaign runs".to_owned());
        }
        self.view.told.halted = false;
        let ask = HaltCampaign {
            why: "it is mended".to_owned(),
            dry_run: false,
        };
        let said = service.turn_campaign(Caller::server(), RunState::Running, ask).await?;
        self.ledger.situation(Situation::Resumed);
        Ok(said)
    }

    async fn release(&mut self, service: &Service, host: HostId) -> Result<String, ServiceError> {
        self.view.told.held.remove(&host);
        let ask = ReleaseHost::default();
        let said = service.release_host(Caller::server(), host.to_string(), ask).await?;
        self.ledger.situation(Situation::Released);
        Ok(said)
    }

    async fn revoke(&mut self, service: &Service, host: HostId) -> Result<String, ServiceError> {
        self.view.told.exempt.remove(&host);
        let ask = RevokeExemption {
            why: "what it was for is gone".to_owned(),
            dry_run: false,
        };
        let said = service
            .revoke_exemption(Caller::server(), host.to_string(), ask)
            .await?;
        self.ledger.situation(Situation::Revoked);
        Ok(said)
    }

    async fn take_in(&mut self, service: &Service, host: HostId) -> Result<String, ServiceError> {
        self.view.told.left_out.remove(&host);
        let said = self.tag(service, host, &[], &[LAB]).await?;
        self.ledger.situation(Situation::InAgain);
        Ok(said)
    }

    /// What is known of a machine from the beginning is said once it has enrolled.
    async fn describe(&mut self, service: &Service, index: usize) -> Result<String, ServiceError> {
        let machine = &self.machines[index];
        let tags: Vec<&str> = machine.tags.iter().map(String::as_str).collect();
        let (Some(host), false) = (machine.host, tags.is_empty() || machine.traits.habit == Habit::Pooled) else {
            return Ok("nothing".to_owned());
        };
        let tags: Vec<String> = tags.into_iter().map(str::to_owned).collect();
        let tags: Vec<&str> = tags.iter().map(String::as_str).collect();
        let said = self.tag(service, host, &tags, &[]).await?;
        if tags.contains(&LAB) {
            self.view.told.left_out.insert(host);
            self.ledger.situation(Situation::LeftOut);
        }
        Ok(said)
    }

    pub(crate) async fn tag(
        &mut self,
        service: &Service,
        host: HostId,
        add: &[&str],
        remove: &[&str],
    ) -> Result<String, ServiceError> {
        let owned = |tags: &[&str]| tags.iter().map(|tag| (*tag).to_owned()).collect();
        let ask = ChangeTags {
            add: owned(add),
            remove: owned(remove),
            dry_run: false,
        };
        service.tag_host(Caller::server(), host.to_string(), ask).await
    }

    /// What a wave's gate asks people for, or another system.
    pub(crate) async fn answer_gate(&mut self, service: &Service, wave: &str) -> Result<String, ServiceError> {
        let Some(gate) = self.view.plot.wave(wave).and_then(|wave| wave.gate) else {
            return Ok("nothing".to_owned());
        };
        let is_outside = gate.outside && (!gate.approval || self.dice.once_in_a_thousand(500));
        let granted = self.dice.once_in_a_thousand(850);
        let change = is_outside.then(|| "CHG-7".to_owned());
        if !is_outside && !gate.approval {
            return Ok("nothing".to_owned());
        }
        if granted {
            let told = &mut self.view.told;
            let asked = if is_outside {
                &mut told.granted
            } else {
                &mut told.approved
            };
            asked.insert(wave.to_owned());
        }
        let ask = AnswerGate {
            granted,
            change,
            dry_run: false,
        };
        let said = service.answer_gate(Caller::server(), wave.to_owned(), ask).await?;
        let situation = if is_outside {
            Situation::GateGranted
        } else {
            Situation::GateApproved
        };
        if granted {
            self.ledger.situation(situation);
        }
        Ok(said)
    }
}
