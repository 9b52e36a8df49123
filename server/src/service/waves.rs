//! Opening and pausing waves.

use cutover_core::{campaign::Mode, decide::Input, plan::Phase, rollout::WaveState};
use cutover_proto::ids::HostId;

use super::{
    Caller, Service, ServiceError,
    access::Role,
    campaign::{BATCH, InForce, broken_id, last_seen},
    personal::PersonalValue,
    plan_edit::PlanEdit,
};
use crate::store::{StreamName, WriteTx, campaigns, events, plans};

impl Service {
    /// Lets a wave's hosts start; says what was done, or would be.
    ///
    /// # Errors
    /// When there is no such wave, the caller may not, or the campaign only observes.
    pub async fn open_wave(&self, caller: Caller, wave: String, dry_run: bool) -> Result<String, ServiceError> {
        caller.must_be(Role::Operator)?;
        let (service, name) = (self.clone(), wave.clone());
        let (mode, waiting) = self
            .0
            .store
            .read(move |tx| {
                let in_force = service.in_force(tx)?;
                service.known_wave(&in_force, &name)?;
                let id = service.campaign_id().as_str();
                let waiting = plans::first_in_phase(tx, id, &name, Phase::Planned.as_str(), 0, i64::MAX)?.len();
                Ok::<_, ServiceError>((in_force.campaign.mode, waiting))
            })
            .await?;
        match mode {
            Mode::Observe => {
                let why = "the campaign only observes: set mode = \"approve\" or \"automatic\" in its file first";
                return Err(ServiceError::Refused { why: why.to_owned() });
            }
            Mode::Approve | Mode::Automatic => {}
        }
        if dry_run {
            return Ok(format!("would open wave {wave} and queue {waiting} hosts"));
        }
        self.turn_wave(wave.clone(), WaveState::Open, self.personal_user(caller.name())?)
            .await?;
        let queued = self.queue_planned(wave.clone()).await?;
        Ok(format!("opened wave {wave} and queued {queued} hosts"))
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
                .read(move |tx| service.known_wave(&service.in_force(tx)?, &name))
                .await?;
            return Ok(format!("would pause wave {wave}; orders that are out run to their end"));
        }
        self.turn_wave(wave.clone(), WaveState::Paused, self.personal_user(caller.name())?)
            .await?;
        Ok(format!("paused wave {wave}; orders that are out run to their end"))
    }

    fn known_wave(&self, in_force: &InForce, name: &str) -> Result<(), ServiceError> {
        if in_force.campaign.wave.name == name {
            return Ok(());
        }
        let what = format!("wave `{name}`; the campaign has `{}`", in_force.campaign.wave.name);
        Err(ServiceError::NotFound { what })
    }

    async fn turn_wave(&self, wave: String, state: WaveState, by: PersonalValue) -> Result<(), ServiceError> {
        let service = self.clone();
        self.0
            .store
            .write(move |tx| {
                let mut in_force = service.in_force(tx)?;
                service.known_wave(&in_force, &wave)?;
                if in_force.wave(&wave) == state {
                    return Ok(());
                }
                in_force.progress.waves.insert(wave.clone(), state);
                let event = events::NewEvent {
                    kind: "wave-turned".to_owned(),
                    schema_version: 1,
                    body: serde_json::json!({ "wave": wave, "to": state, "by": by.mention() }).to_string(),
                    at_ms: service.now_ms(),
                    agent_at_ms: None,
                };
                let (seq, stream) = (in_force.row.seq, StreamName::campaign(service.campaign_id().as_str()));
                by.keep(tx, &stream)?;
                events::append(tx, &stream, seq, &[event])?;
                let mut row = in_force.row.clone();
                row.seq = seq + 1;
                row.updated_ms = service.now_ms();
                row.progress = serde_json::to_string(&in_force.progress).map_err(|error| ServiceError::Broken {
                    why: format!("progress: {error}"),
                })?;
                Ok::<_, ServiceError>(campaigns::compare_and_set(tx, seq, &row)?)
            })
            .await
    }

    /// Tells every planned host that its wave is open: a cursor, a transaction a batch. Hosts that arrive meanwhile
    /// find it open by themselves.
    async fn queue_planned(&self, wave: String) -> Result<usize, ServiceError> {
        let (mut after, mut queued) = (None::<String>, 0);
        loop {
            let (service, wave, from) = (self.clone(), wave.clone(), after.clone());
            let (last, count) = self
                .0
                .store
                .write(move |tx| service.queue_batch(tx, &wave, from.as_deref()))
                .await?;
            queued += count;
            after = last;
            if after.is_none() {
                return Ok(queued);
            }
        }
    }

    fn queue_batch(
        &self,
        tx: &mut WriteTx<'_>,
        wave: &str,
        after: Option<&str>,
    ) -> Result<(Option<String>, usize), ServiceError> {
        let in_force = self.in_force(tx)?;
        let filter = plans::PlanFilter {
            phase: Some(Phase::Planned.as_str().to_owned()),
            wave: Some(wave.to_owned()),
            ..plans::PlanFilter::default()
        };
        let rows = plans::list(tx, self.campaign_id().as_str(), &filter, after, BATCH)?;
        for row in &rows {
            let host: HostId = row.host_id.parse().map_err(broken_id)?;
            let mut edit = PlanEdit::load(tx, self.campaign_id(), host)?;
            edit.take(&Input::WaveOpened, &in_force.cx(self, wave))?;
            let last_seen_ms = last_seen(tx, host)?;
            edit.save(tx, self, &in_force, last_seen_ms)?;
        }
        Ok((rows.last().map(|row| row.host_id.clone()), rows.len()))
    }
}
