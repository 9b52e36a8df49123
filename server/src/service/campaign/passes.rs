//! Passes over many plans: a batch a transaction, with the place that was reached kept beside it, so that a server that was
//! stopped goes on where it was.

use cutover_core::{
    decide::Input,
    plan::Phase,
    rollout::{RunState, WaveState},
};
use cutover_proto::ids::HostId;

use super::{
    super::{
        Service, ServiceError,
        blockers::keep_cause,
        plan_edit::{PlanEdit, read_plan},
    },
    BATCH, InForce, PassReached, Progress, broken_id, last_seen,
};
use crate::store::{StreamName, WriteTx, events, meta, plans};

/// What is done to many plans, one after another.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(in super::super) enum Pass {
    /// Each is decided anew under the version in force.
    Anew,
    /// What is said of assets is worked out anew under it.
    Assets,
    /// Orders that are out are taken back, or end.
    Halt,
    /// What holds hosts up is counted, in a store that was made before that was.
    Causes,
    /// Queued hosts are decided anew once a recipe has soaked.
    Recipes,
    /// Blocked hosts are decided anew once a secret was set or removed.
    Secrets,
    /// Planned hosts of a wave are told that it is open.
    Queue(String),
}

const QUEUE: &str = "queue:";

/// So many batches are done before whoever asked for a pass is answered: a fleet of ten thousand is done with then.
const AT_ONCE: usize = 12;

impl Pass {
    /// What it does, for people.
    pub(super) fn in_words(name: &str) -> String {
        match Self::parse(name) {
            Ok(Self::Anew) => "hosts are decided anew under the version in force".to_owned(),
            Ok(Self::Assets) => "assets are placed anew under the version in force".to_owned(),
            Ok(Self::Halt) => "orders that are out are taken back or ended".to_owned(),
            Ok(Self::Causes) => "what holds hosts up is counted".to_owned(),
            Ok(Self::Recipes) => "hosts that waited for a recipe to soak are decided anew".to_owned(),
            Ok(Self::Secrets) => "hosts that may have waited for a secret are decided anew".to_owned(),
            Ok(Self::Queue(wave)) => format!("hosts of wave {wave} are queued"),
            Err(_) => name.to_owned(),
        }
    }

    fn name(&self) -> String {
        match self {
            Self::Anew => "anew".to_owned(),
            Self::Assets => "assets".to_owned(),
            Self::Halt => "halt".to_owned(),
            Self::Causes => "causes".to_owned(),
            Self::Recipes => "recipes".to_owned(),
            Self::Secrets => "secrets".to_owned(),
            Self::Queue(wave) => format!("{QUEUE}{wave}"),
        }
    }

    fn parse(name: &str) -> Result<Self, ServiceError> {
        match name {
            "anew" => Ok(Self::Anew),
            "assets" => Ok(Self::Assets),
            "halt" => Ok(Self::Halt),
            "causes" => Ok(Self::Causes),
            "recipes" => Ok(Self::Recipes),
            "secrets" => Ok(Self::Secrets),
            _ => match name.strip_prefix(QUEUE) {
                Some(wave) => Ok(Self::Queue(wave.to_owned())),
                None => Err(ServiceError::Broken {
                    why: format!("stored pass `{name}` is not known to this version"),
                }),
            },
        }
    }

    /// From the first plan on.
    pub(in super::super) fn begin(&self, progress: &mut Progress) {
        progress.passes.insert(self.name(), PassReached::default());
    }
}

impl Service {
    /// Goes on with what was begun and is not through, for as long as whoever asked for it may be kept waiting. What is left is
    /// done in the background. Says whether anything is.
    ///
    /// # Errors
    /// When the store fails; what was done stays done, and the next call goes on.
    pub(in super::super) async fn run_passes(&self) -> Result<bool, ServiceError> {
        for _ in 0..AT_ONCE {
            if !self.go_on().await? {
                return Ok(false);
            }
        }
        Ok(true)
    }

    /// One batch of what was begun and is not through; says whether there was any.
    ///
    /// # Errors
    /// When the store fails.
    pub async fn go_on(&self) -> Result<bool, ServiceError> {
        let service = self.clone();
        let next = self
            .0
            .store
            .read(move |tx| {
                // Before the first version there is nothing to go on with.
                match service.row_and_text(tx)? {
                    None => Ok(None),
                    Some(_) => Ok::<_, ServiceError>(service.in_force(tx)?.progress.passes.into_keys().next()),
                }
            })
            .await?;
        let Some(name) = next else { return Ok(false) };
        let pass = Pass::parse(&name)?;
        if pass == Pass::Assets {
            self.place_all().await?;
        }
        let service = self.clone();
        self.0.store.write(move |tx| service.batch(tx, &pass)).await?;
        Ok(true)
    }

    /// Begins to count what holds hosts up, once in the life of a store.
    pub(super) fn begin_causes(&self, tx: &mut WriteTx<'_>) -> Result<(), ServiceError> {
        if meta::get(tx, meta::CAUSES_COUNTED)?.is_some() {
            return Ok(());
        }
        meta::set(tx, meta::CAUSES_COUNTED, "begun")?;
        let mut in_force = self.in_force(tx)?;
        Pass::Causes.begin(&mut in_force.progress);
        self.put_campaign(tx, &in_force, None)
    }

    fn batch(&self, tx: &mut WriteTx<'_>, pass: &Pass) -> Result<(), ServiceError> {
        let mut in_force = self.in_force(tx)?;
        let Some(reached) = in_force.progress.passes.get(&pass.name()).cloned() else {
            return Ok(());
        };
        let filter = match pass {
            Pass::Anew | Pass::Causes => Some(plans::PlanFilter::default()),
            Pass::Queue(wave) => Some(plans::PlanFilter {
                phase: Some(Phase::Planned.as_str().to_owned()),
                wave: Some(wave.clone()),
                ..plans::PlanFilter::default()
            }),
            Pass::Recipes => Some(plans::PlanFilter {
                phase: Some(Phase::Queued.as_str().to_owned()),
                ..plans::PlanFilter::default()
            }),
            Pass::Secrets => Some(plans::PlanFilter {
                phase: Some(Phase::Blocked.as_str().to_owned()),
                ..plans::PlanFilter::default()
            }),
            Pass::Halt => None,
            Pass::Assets => {
                in_force.progress.passes.remove(&pass.name());
                return self.put_pass(tx, &in_force, pass);
            }
        };
        let after = Some(reached.after.as_str()).filter(|after| !after.is_empty());
        let id = self.campaign_id().as_str();
        let rows = match &filter {
            Some(filter) => plans::list(tx, id, filter, after, BATCH)?,
            None => plans::with_order(tx, id, after, BATCH)?,
        };
        for row in &rows {
            let host: HostId = row.host_id.parse().map_err(broken_id)?;
            match pass {
                Pass::Anew => self.judge_anew(tx, &in_force, host)?,
                Pass::Causes => {
                    plans::hold(tx, row)?;
                    keep_cause(tx, &read_plan(row)?, &[], &in_force)?;
                }
                Pass::Recipes | Pass::Secrets => {
                    self.take(tx, &in_force, host, &Input::CampaignChanged { assessment: None })?
                }
                Pass::Halt if in_force.run != RunState::Running => self.take(tx, &in_force, host, &Input::Halted)?,
                Pass::Queue(wave) if in_force.progress.waves.state(wave) == WaveState::Open => {
                    self.take(tx, &in_force, host, &Input::WaveOpened)?;
                }
                // It was turned back meanwhile.
                Pass::Halt | Pass::Queue(_) | Pass::Assets => {}
            }
        }
        match rows.last() {
            Some(last) => {
                let reached = PassReached {
                    after: last.host_id.clone(),
                    done: reached.done + rows.len() as u64,
                };
                in_force.progress.passes.insert(pass.name(), reached);
            }
            None => {
                in_force.progress.passes.remove(&pass.name());
                if *pass == Pass::Anew {
                    Pass::Assets.begin(&mut in_force.progress);
                }
            }
        }
        self.put_pass(tx, &in_force, pass)
    }

    /// Writes how far a pass has come.
    fn put_pass(&self, tx: &mut WriteTx<'_>, in_force: &InForce, pass: &Pass) -> Result<(), ServiceError> {
        let name = pass.name();
        let done = in_force.progress.passes.get(&name).map(|reached| reached.done);
        let body = serde_json::json!({ "pass": name, "done": done });
        // In a stream of its own: the campaign's is what people did.
        let event = self.host_event("pass-moved", &body, None);
        events::append_next(tx, &StreamName::audit("passes"), &[event])?;
        self.put_campaign(tx, in_force, None)
    }

    /// Judges a host's newest inventory anew.
    fn judge_anew(&self, tx: &mut WriteTx<'_>, in_force: &InForce, host: HostId) -> Result<(), ServiceError> {
        let mut edit = PlanEdit::load(tx, self, host)?;
        self.decide_anew(tx, &mut edit, in_force)?;
        let last_seen_ms = last_seen(tx, host)?;
        edit.save(tx, self, in_force, last_seen_ms)?;
        Ok(())
    }

    /// One input for one plan.
    pub(in super::super) fn take(
        &self,
        tx: &mut WriteTx<'_>,
        in_force: &InForce,
        host: HostId,
        input: &Input,
    ) -> Result<(), ServiceError> {
        let mut edit = PlanEdit::load(tx, self, host)?;
        edit.take(input, &in_force.cx(self))?;
        let last_seen_ms = last_seen(tx, host)?;
        edit.save(tx, self, in_force, last_seen_ms)?;
        Ok(())
    }
}
