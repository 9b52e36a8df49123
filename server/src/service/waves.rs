//! Opening and pausing waves, and letting hosts of them start.

use cutover_core::{
    campaign::{Mode, UNMATCHED},
    decide::Input,
    plan::Phase,
    rollout::{WaveState, approval_cause},
    waiting::Waiting,
};
use cutover_proto::{ids::HostId, inventory::HostRole};
use serde::{Deserialize, Serialize};

use super::{
    Caller, Service, ServiceError,
    access::Role,
    campaign::{BATCH, InForce, Pass, broken_id, last_seen},
    personal::PersonalValue,
    plan_edit::PlanEdit,
};
use crate::store::{StreamName, WriteTx, plans, totals};

/// Which hosts a person lets start.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct ApproveWave {
    /// Host ids or names; none: all of the wave that wait for it.
    pub hosts: Vec<String>,
    /// Only say how many there would be.
    pub dry_run: bool,
}

/// How many hosts a person let start.
#[derive(Debug, Clone, Copy, Default)]
struct LetStart {
    hosts: usize,
    /// So many were not, being each its site's only domain controller and not named.
    controllers: usize,
}

impl LetStart {
    const fn take_in(&mut self, other: Self) {
        self.hosts += other.hosts;
        self.controllers += other.controllers;
    }
}

impl Service {
    /// Lets a wave's hosts start; says what was done, or would be.
    ///
    /// # Errors
    /// When there is no such wave, the caller may not, or the campaign only observes.
    pub async fn open_wave(&self, caller: Caller, wave: String, dry_run: bool) -> Result<String, ServiceError> {
        caller.must_be(Role::Operator)?;
        let (service, name) = (self.clone(), wave.clone());
        let (mode, waiting, not_ready) = self
            .0
            .store
            .read(move |tx| {
                let in_force = service.open_campaign(tx)?;
                known_wave(&in_force, &name)?;
                let planned = totals::list(tx, service.campaign_id().as_str())?
                    .into_iter()
                    .filter(|total| total.bucket.wave == name && total.bucket.phase == Phase::Planned.as_str());
                let waiting: i64 = planned.map(|total| total.hosts).sum();
                Ok::<_, ServiceError>((in_force.campaign.mode, waiting, in_force.not_ready()))
            })
            .await?;
        match mode {
            Mode::Observe => {
                let why = "the campaign only observes: set mode = \"approve\" or \"automatic\" in its file first";
                return Err(ServiceError::Refused { why: why.to_owned() });
            }
            Mode::Approve | Mode::Automatic => {}
        }
        let but = if not_ready.is_empty() {
            String::new()
        } else {
            let waiting = Waiting::Readiness { open: not_ready };
            format!("; none starts yet: {} ({})", waiting.text(), waiting.remedy())
        };
        if dry_run {
            return Ok(format!("would open wave {wave} and queue {waiting} hosts{but}"));
        }
        let by = self.personal_user(caller.name())?;
        self.turn_wave(wave.clone(), WaveState::Open, by).await?;
        let is_going_on = self.run_passes().await?;
        Ok(format!("opened wave {wave}{}{but}", queued(waiting, is_going_on)))
    }

    /// Lets the hosts of a paused wave start again; says what was done, or would be.
    ///
    /// # Errors
    /// When there is no such wave, it was never opened, or the caller may not.
    pub async fn resume_wave(&self, caller: Caller, wave: String, dry_run: bool) -> Result<String, ServiceError> {
        caller.must_be(Role::Operator)?;
        let (service, name) = (self.clone(), wave.clone());
        let state = self
            .0
            .store
            .read(move |tx| {
                let in_force = service.open_campaign(tx)?;
                known_wave(&in_force, &name)?;
                Ok::<_, ServiceError>(in_force.progress.waves.state(&name))
            })
            .await?;
        match state {
            WaveState::Paused => {}
            WaveState::Open => return Ok(format!("wave {wave} is open already")),
            WaveState::Closed => {
                let why = format!("wave {wave} is closed, not paused; cutover wave open {wave} opens it");
                return Err(ServiceError::Refused { why });
            }
        }
        // From here on it is as if it were opened: in the mode that lets nobody start it is refused all the same.
        self.open_wave(caller, wave, dry_run).await
    }

    /// Stops starts in a wave.
    ///
    /// # Errors
    /// When there is no such wave or the caller may not.
    pub async fn pause_wave(&self, caller: Caller, wave: String, dry_run: bool) -> Result<String, ServiceError> {
        caller.must_be(Role::Operator)?;
        if dry_run {
            let (service, name) = (self.clone(), wave.clone());
            self.0
                .store
                .read(move |tx| known_wave(&service.open_campaign(tx)?, &name))
                .await?;
            return Ok(format!("would pause wave {wave}; orders that are out run to their end"));
        }
        let by = self.personal_user(caller.name())?;
        self.turn_wave(wave.clone(), WaveState::Paused, by).await?;
        Ok(format!("paused wave {wave}; orders that are out run to their end"))
    }

    /// Lets hosts of a wave start that wait for a person; says how many.
    ///
    /// # Errors
    /// When there is no such wave or host, a host is of another wave, or the caller may not.
    pub async fn approve_wave(&self, caller: Caller, wave: String, ask: ApproveWave) -> Result<String, ServiceError> {
        caller.must_be(Role::Operator)?;
        let by = self.personal_user(caller.name())?;
        let mut count = LetStart::default();
        if ask.hosts.is_empty() {
            for phase in [Phase::Planned, Phase::Queued] {
                let mut after = None::<String>;
                loop {
                    let (service, wave, by, from) = (self.clone(), wave.clone(), by.clone(), after.clone());
                    let dry_run = ask.dry_run;
                    let (last, approved) = self
                        .0
                        .store
                        .write(move |tx| service.approve_batch(tx, &wave, phase, &by, from.as_deref(), dry_run))
                        .await?;
                    count.take_in(approved);
                    after = last;
                    if after.is_none() {
                        break;
                    }
                }
            }
        } else {
            let service = self.clone();
            let (name, dry_run) = (wave.clone(), ask.dry_run);
            count = self
                .0
                .store
                .write(move |tx| {
                    let in_force = service.open_campaign(tx)?;
                    known_wave(&in_force, &name)?;
                    let mut approved = LetStart::default();
                    for wanted in &ask.hosts {
                        let row = service.named_host(tx, wanted)?;
                        let host: HostId = row.host_id.parse().map_err(broken_id)?;
                        let edit = PlanEdit::load(tx, &service, host)?;
                        if edit.plan.wave != name {
                            let why = format!("{wanted} is in wave {}, not in {name}", edit.plan.wave);
                            return Err(ServiceError::Refused { why });
                        }
                        approved.take_in(service.approve(tx, &in_force, edit, &by, true, dry_run)?);
                    }
                    Ok(approved)
                })
                .await?;
        }
        let did = if ask.dry_run { "would let" } else { "let" };
        let LetStart { hosts, controllers } = count;
        let but = if controllers == 0 {
            String::new()
        } else {
            format!(
                "; {controllers} more are each the only domain controller that answers for its site, and start once they are \
                 named: --host NAME"
            )
        };
        Ok(format!(
            "{did} {hosts} hosts of wave {wave} start that waited for a person{but}"
        ))
    }

    fn approve_batch(
        &self,
        tx: &mut WriteTx<'_>,
        wave: &str,
        phase: Phase,
        by: &PersonalValue,
        after: Option<&str>,
        dry_run: bool,
    ) -> Result<(Option<String>, LetStart), ServiceError> {
        let in_force = self.open_campaign(tx)?;
        known_wave(&in_force, wave)?;
        let filter = plans::PlanFilter {
            phase: Some(phase.as_str().to_owned()),
            wave: Some(wave.to_owned()),
            ..plans::PlanFilter::default()
        };
        let rows = plans::list(tx, self.campaign_id().as_str(), &filter, after, BATCH)?;
        let mut approved = LetStart::default();
        for row in &rows {
            let host: HostId = row.host_id.parse().map_err(broken_id)?;
            let edit = PlanEdit::load(tx, self, host)?;
            approved.take_in(self.approve(tx, &in_force, edit, by, false, dry_run)?);
        }
        Ok((rows.last().map(|row| row.host_id.clone()), approved))
    }

    fn approve(
        &self,
        tx: &mut WriteTx<'_>,
        in_force: &InForce,
        mut edit: PlanEdit,
        by: &PersonalValue,
        named: bool,
        dry_run: bool,
    ) -> Result<LetStart, ServiceError> {
        let plan = &edit.plan;
        // Few hosts are domain controllers: the rows of groups are read for these alone.
        let is_only = plan.traits().has_role(HostRole::DomainController)
            && self.groups(tx, in_force)?.of(&plan.wave).is_only_controller(plan);
        let waits = match &plan.approval {
            Some(approval) => is_only && !approval.named,
            None => is_only || approval_cause(plan, &in_force.campaign).is_some(),
        };
        if waits && is_only && !named {
            return Ok(LetStart {
                hosts: 0,
                controllers: 1,
            });
        }
        let count = LetStart {
            hosts: usize::from(waits),
            controllers: 0,
        };
        if !waits || dry_run {
            return Ok(count);
        }
        by.keep(tx, &edit.stream())?;
        let by = by.mention();
        let approved = if named {
            Input::ApprovedByName { by }
        } else {
            Input::Approved { by }
        };
        edit.take(&approved, &in_force.cx(self))?;
        let last_seen_ms = last_seen(tx, edit.plan.host_id)?;
        edit.save(tx, self, in_force, last_seen_ms)?;
        Ok(count)
    }

    async fn turn_wave(&self, wave: String, state: WaveState, by: PersonalValue) -> Result<(), ServiceError> {
        let service = self.clone();
        self.0
            .store
            .write(move |tx| {
                let mut in_force = service.open_campaign(tx)?;
                known_wave(&in_force, &wave)?;
                if in_force.progress.waves.state(&wave) == state {
                    return Ok(());
                }
                in_force.progress.waves.turn(&wave, state);
                if state == WaveState::Open {
                    // Hosts that arrive meanwhile find it open by themselves.
                    Pass::Queue(wave.clone()).begin(&mut in_force.progress);
                }
                by.keep(tx, &StreamName::campaign(service.campaign_id().as_str()))?;
                let body = serde_json::json!({ "wave": wave, "to": state, "by": by.mention() });
                service.put_campaign(tx, &in_force, Some(("wave-turned", body)))
            })
            .await
    }
}

/// What is said of the hosts of a wave that opens: those of a large one are queued a batch at a time, after the answer too.
fn queued(hosts: i64, is_going_on: bool) -> String {
    if is_going_on {
        format!("; its {hosts} hosts are being queued")
    } else {
        format!(" and queued {hosts} hosts")
    }
}

pub(super) fn known_wave(in_force: &InForce, name: &str) -> Result<(), ServiceError> {
    if name == UNMATCHED || in_force.campaign.wave(name).is_some() {
        return Ok(());
    }
    let names: Vec<&str> = in_force.campaign.wave_names().collect();
    let what = format!("wave `{name}`; the campaign has {}", names.join(", "));
    Err(ServiceError::NotFound { what })
}

#[cfg(test)]
mod tests {
    use super::queued;

    #[test]
    fn hosts_of_a_large_wave_are_said_to_be_queued_only_once_they_are() {
        assert_eq!(queued(7, false), " and queued 7 hosts");
        assert_eq!(queued(100_000, true), "; its 100000 hosts are being queued");
    }
}
