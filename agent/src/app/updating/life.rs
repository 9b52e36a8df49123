//! Releases, as the loop meets them.

use std::sync::Arc;

use cutover_proto::release::{AgentRelease, AgentUpdate, Platform};

use super::{
    super::{
        life::{Input, Life, VERSION},
        state_dir::StateDir,
    },
    record::{Staged, UpdateRecord},
    trial::Gate,
};
use crate::session::Ticks;

/// How far this host is with the newest release.
#[derive(Debug)]
enum Stage {
    /// There is nothing to do.
    No,
    /// It is being fetched and looked at.
    UnderWay,
    /// It lies on disk and waits for a moment between two orders.
    Ready { release: AgentRelease, program: Staged },
}

/// The agent's own program.
#[derive(Debug)]
pub(in super::super) struct Updating {
    record: UpdateRecord,
    stage: Stage,
    /// While this process is the program that is tried.
    gate: Option<Arc<Gate>>,
    /// A release that was not believed, so that the record says nothing of it.
    not_believed: Option<AgentUpdate>,
}

/// How fetching and looking at a program ended.
pub(in super::super) enum StageEnd {
    /// It can be started.
    Ready,
    /// It cannot be had now; the server says so again.
    Later(String),
    /// It is none for this host.
    Never(String),
}

impl Updating {
    pub(in super::super) fn new(state: &StateDir, gate: Option<Arc<Gate>>) -> Self {
        Self {
            record: state.update_record(),
            stage: Stage::No,
            gate,
            not_believed: None,
        }
    }

    /// As the server is told it.
    pub(in super::super) fn said(&self) -> Option<AgentUpdate> {
        self.not_believed.clone().or_else(|| self.record.outcome.clone())
    }
}

impl Life {
    /// The server wants this host to go on with a release.
    pub(in super::super) fn take_release(&mut self, release: AgentRelease, now: Ticks) {
        let is_known = release.revision <= self.updating.record.revision;
        if is_known || !matches!(self.updating.stage, Stage::No) {
            return;
        }
        self.updating.not_believed = None;
        let Some(file) = release.program(&Platform::here()).cloned() else {
            let why = format!("it has no program for {}", Platform::here());
            self.refuse_release(release.revision, &why, now);
            return;
        };
        tracing::info!(
            revision = release.revision,
            version = release.version,
            "a release is to be gone on with"
        );
        self.updating.stage = Stage::UnderWay;
        let (fetching, state, send) = (self.fetching.clone(), self.state.clone(), self.sender());
        self.tasks.spawn(async move {
            let end = match fetching.for_release(&file).await {
                Err(error) => StageEnd::Later(error.to_string()),
                Ok(fetched) => {
                    let version = release.version.clone();
                    let staging = move || state.stage(&fetched, &file.sha256, &version);
                    match tokio::task::spawn_blocking(staging).await {
                        Ok(Ok(())) => StageEnd::Ready,
                        Ok(Err(why)) => StageEnd::Never(why),
                        Err(error) => StageEnd::Later(error.to_string()),
                    }
                }
            };
            send(Input::Staged(Box::new(release), end));
        });
    }

    pub(in super::super) fn not_believed(&mut self, update: AgentUpdate, now: Ticks) {
        self.updating.not_believed = Some(update);
        self.tell_condition(now);
    }

    pub(in super::super) fn staged(&mut self, release: AgentRelease, end: StageEnd, now: Ticks) {
        self.updating.stage = Stage::No;
        match end {
            StageEnd::Later(why) => {
                tracing::warn!(
                    revision = release.revision,
                    why,
                    "the release cannot be had now; it is tried again"
                );
            }
            StageEnd::Never(why) => self.refuse_release(release.revision, &why, now),
            StageEnd::Ready => {
                let Some(file) = release.program(&Platform::here()) else {
                    return;
                };
                let in_force = self.updating.record.in_force.as_ref();
                let program = Staged {
                    version: release.version.clone(),
                    sha256: file.sha256,
                    // What is in force knows in whose place it came; only then is this not the installed program.
                    installed: in_force.map_or_else(|| VERSION.to_owned(), |program| program.installed.clone()),
                };
                self.updating.stage = Stage::Ready { release, program };
            }
        }
    }

    /// Puts a release to the trial where one waits and nothing else is at work. Its version where the loop ends for it.
    pub(in super::super) fn may_change_program(&mut self, now: Ticks) -> Option<String> {
        let Stage::Ready { .. } = &self.updating.stage else {
            return None;
        };
        if self.order_at_work || self.journal().is_open() {
            return None;
        }
        let Stage::Ready { release, program } = std::mem::replace(&mut self.updating.stage, Stage::No) else {
            return None;
        };
        let mut record = self.updating.record.clone();
        record.try_out(release.revision, program, release.trial_seconds);
        if let Err(error) = self.state.keep_update_record(&record) {
            tracing::error!(%error, "the release cannot be noted, so it is not tried; see that the disk has room");
            return None;
        }
        tracing::info!(
            revision = release.revision,
            version = release.version,
            "the agent ends, to go on as a release"
        );
        self.updating.record = record;
        self.tell_condition(now);
        Some(release.version)
    }

    /// A check-in was answered: a program that is tried stays.
    pub(in super::super) fn confirm_program(&mut self, now: Ticks) {
        let Some(gate) = self.updating.gate.take() else {
            return;
        };
        let mut record = self.updating.record.clone();
        record.confirm();
        // Without the record the next start would go back; the next answer tries again, and the trial goes on.
        if let Err(error) = self.state.keep_update_record(&record) {
            tracing::error!(%error, "it cannot be noted that this program works; see that the disk has room");
            self.updating.gate = Some(gate);
            return;
        }
        gate.open();
        tracing::info!(version = VERSION, "this program stays: a check-in was answered");
        self.state.sweep_programs(&record);
        self.updating.record = record;
        self.tell_condition(now);
    }

    fn refuse_release(&mut self, revision: u64, why: &str, now: Ticks) {
        tracing::error!(revision, why, "the release is refused");
        let mut record = self.updating.record.clone();
        record.refuse(revision, why);
        match self.state.keep_update_record(&record) {
            Ok(()) => self.updating.record = record,
            Err(error) => tracing::error!(%error, "the refusal cannot be noted; the release may come again"),
        }
        self.tell_condition(now);
    }
}
