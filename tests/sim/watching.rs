//! Asks what must hold: after each step, at intervals over the whole store, and at the end.

use anyhow::{Context as _, Result};
use cutover_core::{
    plan::{Phase, Plan},
    rollout::WaveState,
};
use cutover_proto::ids::HostId;

use crate::{
    calendar::DAY,
    course::{site, tag},
    invariants::{self, When},
    machine::Machine,
    situation::Situation,
    wall::{self, Says},
    world::{CALM, World},
};

impl World {
    /// Reads what is new and asks everything that must hold after a step.
    pub(crate) async fn watch(&mut self) -> Result<()> {
        if !std::mem::take(&mut self.is_called) {
            return Ok(());
        }
        let Some(service) = self.server.service() else {
            return Ok(());
        };
        if let Some(sabotage) = self.server.sabotage() {
            // The checks are no part of what may fail.
            sabotage.pause(true);
        }
        self.view.read(&service, self.now_ms, &self.names).await?;
        self.ledger.orders += u64::try_from(self.view.issued())?;
        if !self.view.is_quiet() {
            self.ask(When::Step);
        }
        self.take_course();
        if let Some(sabotage) = self.server.sabotage() {
            sabotage.pause(false);
        }
        Ok(())
    }

    pub(crate) async fn recount(&mut self) -> Result<()> {
        let Some(service) = self.server.service() else {
            return Ok(());
        };
        if let Some(sabotage) = self.server.sabotage() {
            sabotage.pause(true);
        }
        self.view.read(&service, self.now_ms, &self.names).await?;
        let acknowledged = self.acknowledged();
        self.view.recount(&service, acknowledged).await?;
        self.view.forget_looks();
        self.ask(When::Step);
        self.take_course();
        self.ask(When::Recount);
        self.see_who_waits();
        if let Some(sabotage) = self.server.sabotage() {
            sabotage.pause(false);
        }
        Ok(())
    }

    fn ask(&mut self, when: When) {
        for invariant in invariants::ALL.iter().filter(|it| it.when == when) {
            self.ledger.checks += 1;
            if let Err(why) = (invariant.holds)(&self.view) {
                self.broke(invariant.name, why);
            }
        }
    }

    /// What was counted event by event: what does not hold, and what occurred.
    fn take_course(&mut self) {
        for (invariant, why) in std::mem::take(&mut self.view.course.faults) {
            self.broke(invariant, why);
        }
        for situation in std::mem::take(&mut self.view.course.occurred) {
            self.ledger.situation(situation);
        }
    }

    /// Who could start, but for the hour or for others.
    fn see_who_waits(&mut self) {
        let view = &self.view;
        let is_open = |plan: &Plan| view.rules.waves.get(&plan.wave) == Some(&WaveState::Open);
        let queued = view
            .plans
            .values()
            .filter(|plan| plan.phase == Phase::Queued && is_open(plan));
        let mut seen = Vec::new();
        for plan in queued {
            let zone = view.zones.get(&plan.host_id).copied().unwrap_or("");
            match wall::says(&view.plot, site(plan), zone, view.now_ms) {
                Says::OutOfHours => seen.push(Situation::OutOfHours),
                Says::Dark => seen.push(Situation::Dark),
                Says::NoHours | Says::Within => {}
            }
            let mut others = view.plans.values().filter(|other| other.order.is_some());
            if tag(plan, "set").any(|set| others.any(|other| tag(other, "set").any(|it| it == set))) {
                seen.push(Situation::SetBusy);
            }
        }
        for situation in seen {
            self.ledger.situation(situation);
        }
    }

    /// What hosts were told is durable.
    fn acknowledged(&self) -> Vec<(HostId, u64, u32)> {
        let of = |machine: &Machine| {
            let host = machine.host?;
            let marks = machine.journal.marks().iter();
            Some(marks.map(|(order, mark)| (host, *order, *mark)).collect::<Vec<_>>())
        };
        self.machines.iter().filter_map(of).flatten().collect()
    }

    pub(crate) fn is_settled(&self) -> bool {
        self.server.service().is_some() && self.view.plans.values().all(|plan| !is_moving(plan))
    }

    /// A look at the whole in the calm.
    pub(crate) fn glance(&mut self) {
        let moving = self.view.plans.values().filter(|plan| is_moving(plan)).count();
        match self.fewest {
            Some((fewest, since_ms)) if moving >= fewest => {
                if self.now_ms > since_ms + CALM {
                    self.not_settled();
                }
            }
            Some(_) | None => self.fewest = Some((moving, self.now_ms)),
        }
    }

    fn not_settled(&mut self) {
        let moving: Vec<String> = self
            .view
            .plans
            .values()
            .filter(|plan| is_moving(plan))
            .map(|plan| format!("{} is {}", plan.host_id, plan.phase))
            .collect();
        let days = CALM / DAY;
        let why = format!(
            "for {days} days after the last fault no plan came to its end, and {} still move: {}",
            moving.len(),
            moving.join(", ")
        );
        self.broke("liveness", why);
    }

    pub(crate) async fn end(&mut self) -> Result<()> {
        self.recount().await?;
        let service = self.server.service().context("a settled world has a server")?;
        let (_, broken) = service.verify_chains().await?;
        if broken > 0 {
            self.broke("chains-verify", format!("{broken} chains do not verify"));
        }
        Ok(())
    }
}

/// Whether a plan goes on by itself. One that waits for an executor that is not Cutover waits for people.
fn is_moving(plan: &Plan) -> bool {
    plan.is_moving() && plan.pool.is_none()
}
