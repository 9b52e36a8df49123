//! Begins a step and carries it out.

use std::{sync::PoisonError, time::Duration};

use cutover_proto::{
    artifact::ArtifactRef,
    order::WorkOrder,
    record::{FailureCause, RecordEvent},
    step::{Action, Purpose, Replay, Step, StepKind},
};

use super::{
    ExecuteError, Executor,
    judge::Aim,
    records::{Entry, label},
    waits::CheckIn,
};
use crate::{
    act::{FetchError, artifacts::artifacts_of, attribution, cause, journal::Progress},
    detect::Trusted,
    host::hands::{Anchor, Detection, HandsError, PackageFile, ProcessMark, Run, ToolRun},
};

impl Executor {
    /// Begins a step that was never begun. Gives the reason when the order is to end here instead, at a safe point.
    pub(super) fn begin(&mut self, progress: &Progress, index: usize) -> Result<Option<String>, ExecuteError> {
        let order = &progress.order;
        let step = &order.steps[index];
        let kind = step.action.kind();
        if kind.is_destructive() && !order.offline && !progress.has_destroyed() {
            match self.wait_for_check_in(order, index) {
                CheckIn::Fresh => {}
                CheckIn::Stopped(why) => return Ok(Some(why)),
                CheckIn::TooLongAgo(why) => {
                    let cause = FailureCause::TooLongAway;
                    let entry = Entry::failed(RecordEvent::StepFailed, cause, &why);
                    self.write(order, entry.about(index))?;
                    return Ok(None);
                }
            }
        }
        if kind.replay() == Replay::Once && self.journal().acted_once(order.number, index) {
            tracing::error!(
                order = order.number,
                step = index,
                "the journal forgot that this step was begun"
            );
            let why = "the step was begun before, though the journal does not say so, and must not run twice";
            let entry = Entry::failed(RecordEvent::StepInterrupted, FailureCause::Interrupted, why);
            self.write(order, entry.about(index))?;
            return Ok(None);
        }
        // Whether nothing is left to do. An installation is asked for in any case: the rules know the product's own
        // packages, the step may name more.
        if takes_away(&step.action) && self.aim(&step.action) == Aim::Reached {
            self.write(order, Entry::of(RecordEvent::StepFoundDone).about(index))?;
            return Ok(None);
        }
        if self.has_nothing_to_stand_back_for(&step.action) {
            let mut entry = Entry::of(RecordEvent::StepFoundDone);
            entry.detail = "nothing else protects here, so there is nothing to stand back for".to_owned();
            self.write(order, entry.about(index))?;
            return Ok(None);
        }
        self.carry_out(order, index)
    }

    /// Journals, acts, looks, journals. Gives the reason when the order is to end here instead, at a safe point.
    pub(super) fn carry_out(&mut self, order: &WorkOrder, index: usize) -> Result<Option<String>, ExecuteError> {
        let step = &order.steps[index];
        let mut begun = Entry::of(RecordEvent::StepBegun).about(index);
        begun.detail = step.action.describe();
        self.write(order, begun)?;
        if step.action.kind().replay() == Replay::Once {
            self.journal().note_once(order.number, index)?;
        }
        let entry = match self.may_do(step) {
            Ok(()) if step.action.kind() == StepKind::Restart => return self.restart(order, index),
            Ok(()) => self.act(order, index, step),
            Err(entry) => entry,
        };
        self.scrub_logs(order);
        // The look after it also becomes the inventory that the server gets.
        self.parts.looker.look();
        self.write(order, entry.about(index))?;
        Ok(None)
    }

    /// The rules may have changed since the order was taken on, and so may the host.
    fn may_do(&mut self, step: &Step) -> Result<(), Entry> {
        let failed = |cause, why: &str| Entry::failed(RecordEvent::StepFailed, cause, why);
        let facts = self.parts.looker.look().facts;
        attribution::check(step, &self.parts.rules, &facts).map_err(|refused| failed(refused.cause, &refused.why))?;
        let removed = match step.action.purpose() {
            Purpose::Sweep(product) => self.is_removed(product),
            // Nothing is removed on the word of a look that saw nothing.
            Purpose::Remove(_) => match self.aim(&step.action) {
                Aim::Missed(_) | Aim::Reached => Aim::Reached,
                Aim::CannotTell(why) => Aim::CannotTell(why),
            },
            Purpose::Fetch(_)
            | Purpose::Repair
            | Purpose::Install(_)
            | Purpose::Configure(_)
            | Purpose::Start(_)
            | Purpose::Prove(_)
            | Purpose::Restart => Aim::Reached,
        };
        match removed {
            Aim::Reached => Ok(()),
            Aim::Missed(why) => Err(failed(FailureCause::StillThere, &why)),
            Aim::CannotTell(why) => Err(failed(FailureCause::NotAttributed, &why)),
        }
    }

    fn act(&mut self, order: &WorkOrder, index: usize, step: &Step) -> Entry {
        if let Some(artifact) = step.action.fetched_file() {
            return self.fetch(order, artifact, step.time_limit);
        }
        let files = match self.package_files(step.action.files()) {
            Ok(files) => files,
            Err(error) => return Entry::failed(RecordEvent::StepFailed, error.cause, &error.why),
        };
        let number = order.number;
        let journal = self.parts.journal.clone();
        let mut started = |mark: ProcessMark| {
            let mut journal = journal.lock().unwrap_or_else(PoisonError::into_inner);
            let step = u32::try_from(index).unwrap_or(u32::MAX);
            // The tool runs already; ending it now would do more harm than an agent that cannot wait for it later.
            if let Err(error) = journal.process(number, step, mark) {
                tracing::error!(%error, "process not kept in the journal");
            }
        };
        let mut run = Run {
            label: label(number, index),
            time_limit: step.time_limit,
            said: Vec::new(),
            started: &mut started,
        };
        if let Action::EnableService { services, .. } = &step.action {
            return self.start_services(services, &mut run);
        }
        if let Action::SetUp { product, state, .. } = &step.action {
            return self.set_up(&step.action, product, *state, &mut run);
        }
        let own = self.own_packages(&step.action);
        if let Action::RemovePackages { manager, product, .. } = &step.action {
            let tries = self.secrets.tries(product);
            if !tries.is_empty() {
                return self.remove_by_secrets(*manager, &own, (number, index), step, &tries, &mut run);
            }
        }
        let hands = &mut self.parts.hands;
        let ran = match &step.action {
            Action::FetchPackages { manager, packages } => hands.fetch_packages(*manager, packages, &mut run),
            Action::RemovePackages { manager, .. } => hands.remove_packages(*manager, &own, &mut run),
            Action::InstallPackages { manager, packages, .. } => hands.install_packages(*manager, packages, &mut run),
            Action::Sweep { paths, .. } => {
                paths
                    .iter()
                    .try_for_each(|path| hands.delete_leftover(path))
                    .map(|()| ToolRun {
                        exit_code: Some(0),
                        ..ToolRun::default()
                    })
            }
            Action::SweepGroups { groups, .. } => groups.iter().try_fold(ToolRun::default(), |so_far, group| {
                hands.delete_group(group, &mut run).map(|ran| worse(so_far, ran))
            }),
            Action::SweepCertificates { subjects, .. } => {
                // What cannot be told now is told by the look after the step.
                let trusted = self.parts.looker.trusted(subjects).found().unwrap_or_default();
                let anchors: Vec<Anchor> = trusted.into_iter().filter_map(anchor).collect();
                hands.remove_anchors(&anchors, &mut run)
            }
            Action::DetectionTest { product } => {
                return detected(hands.detection_test(product, &mut run));
            }
            Action::RepairPackages { manager } => hands.repair_packages(*manager, &mut run),
            Action::WriteConfig {
                path, contents, mode, ..
            } => hands.write_config(path, contents, *mode).map(|()| ToolRun {
                exit_code: Some(0),
                ..ToolRun::default()
            }),
            Action::InstallArtifact { manager, .. } => hands.install_files(*manager, &files, &mut run),
            Action::FetchArtifact { .. }
            | Action::Restart { .. }
            | Action::EnableService { .. }
            | Action::SetUp { .. } => Err(HandsError::Unsupported("this step has a way of its own".to_owned())),
        };
        let is_tool = !matches!(step.action, Action::Sweep { .. } | Action::WriteConfig { .. });
        let aim = self.aim(&step.action);
        judged(ran, aim, is_tool)
    }
}

impl Executor {
    fn fetch(&mut self, order: &WorkOrder, artifact: &ArtifactRef, limit: Duration) -> Entry {
        let keep = artifacts_of(order);
        match self.parts.artifacts.fetch(artifact, limit, &keep) {
            Ok(()) => Entry {
                detail: format!("{} bytes, SHA-256 {}", artifact.size, artifact.sha256),
                ..Entry::of(RecordEvent::StepDone)
            },
            Err(error) => Entry::failed(RecordEvent::StepFailed, error.cause, &error.why),
        }
    }

    /// The files of artifacts, hashed just now: what is installed is what the order states.
    fn package_files(&mut self, artifacts: &[ArtifactRef]) -> Result<Vec<PackageFile>, FetchError> {
        let file = |artifact: &ArtifactRef| {
            let path = self.parts.artifacts.verified(artifact)?.ok_or_else(|| {
                let why = format!("{} is not in the cache; an earlier step fetches it", artifact.file_name);
                FetchError::new(FailureCause::Network, why)
            })?;
            Ok(PackageFile {
                path,
                file_name: artifact.file_name.clone(),
                package: artifact.package().unwrap_or_default().to_owned(),
            })
        };
        artifacts.iter().map(file).collect()
    }
}

/// What may be deleted for a certificate: a file that has no other.
fn anchor(trusted: Trusted) -> Option<Anchor> {
    trusted.is_alone.then(|| Anchor {
        path: trusted.file.to_string(),
        sha256: trusted.sha256,
    })
}

/// Whether a look beforehand can find that nothing is left to take away.
const fn takes_away(action: &Action) -> bool {
    match action.purpose() {
        Purpose::Remove(_) | Purpose::Sweep(_) => true,
        Purpose::Fetch(_)
        | Purpose::Repair
        | Purpose::Install(_)
        | Purpose::Configure(_)
        | Purpose::Start(_)
        | Purpose::Prove(_)
        | Purpose::Restart => false,
    }
}

/// Of several runs of one step: the words of all, and the end of the first that went wrong.
fn worse(so_far: ToolRun, ran: ToolRun) -> ToolRun {
    let failed = so_far.exit_code.is_some_and(|code| code != 0) || so_far.timed_out;
    let log_tail = so_far.log_tail + &ran.log_tail;
    ToolRun {
        exit_code: if failed { so_far.exit_code } else { ran.exit_code },
        timed_out: so_far.timed_out || ran.timed_out,
        log_tail,
    }
}

/// The look decides; the tool's words only explain.
pub(super) fn judged(ran: Result<ToolRun, HandsError>, aim: Aim, is_tool: bool) -> Entry {
    let (cause, said, run) = match ran {
        Ok(run) => (cause::of_run(&run), None, run),
        Err(error) => (cause::of_error(&error), Some(error.to_string()), ToolRun::default()),
    };
    let entry = match (aim, said) {
        (Aim::Reached, _) => Entry::of(RecordEvent::StepDone),
        (Aim::Missed(_), Some(said)) => Entry::failed(RecordEvent::StepFailed, cause, &said),
        (Aim::Missed(why), None) => Entry::failed(RecordEvent::StepFailed, cause, &why),
        (Aim::CannotTell(why), _) => Entry::failed(
            RecordEvent::StepFailed,
            FailureCause::StillThere,
            &format!("the look after it could not tell: {why}"),
        ),
    };
    Entry {
        exit_code: run.exit_code.filter(|_| is_tool),
        log: run.log_tail,
        ..entry
    }
}

fn detected(test: Result<Detection, HandsError>) -> Entry {
    let failed = |cause, why: &str| Entry::failed(RecordEvent::StepFailed, cause, why);
    let test = match test {
        Ok(test) => test,
        Err(error) => return failed(cause::of_error(&error), &error.to_string()),
    };
    let entry = match &test.named {
        Some(name) => Entry {
            detail: format!("named the test file {name}"),
            ..Entry::of(RecordEvent::StepDone)
        },
        None if test.run.timed_out => failed(FailureCause::TimeLimit, "the scanner took longer than the step allows"),
        None => failed(
            FailureCause::NotDetected,
            "the scanner did not name the test file; see its log",
        ),
    };
    Entry {
        exit_code: test.run.exit_code,
        log: test.run.log_tail,
        ..entry
    }
}
