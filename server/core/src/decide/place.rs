//! Where a plan belongs by what is known of its host: the table from conditions to phases.

use cutover_proto::{
    ids::ProductId,
    step::{Step, StepKind},
};

use super::{Fact, Refused, canaries, group, line, pen::Pen, restart, secrets};
use crate::{
    campaign::Mode,
    catalog::{ComposeError, Rank},
    judge::{Assessment, Condition, ReplacementState},
    plan::{Origin, Phase, Plan, Reason, Stop, Verify},
    rollout::WaveState,
    suspect::{Suspect, rank},
};

use super::Cx;

/// After so many returns of the target nobody takes it away again before a person has found what puts it there.
pub(super) const ROUNDS: u32 = 2;

/// A phase, and why.
pub(super) type Place = (Phase, Option<Reason>);

/// Where the plan belongs. Only `migrated`, and what is at work or being verified, is decided elsewhere.
pub(super) fn place(plan: &Plan, cx: &Cx<'_>) -> Place {
    if let Some(rule) = &plan.scoped_out_by {
        return (Phase::OutOfScope, Some(Reason::OutOfScope { rule: rule.clone() }));
    }
    if let Some(exemption) = &plan.exemption {
        let reason = Reason::Exempted {
            why: exemption.why.clone(),
            owner: exemption.owner.clone(),
            until_ms: exemption.until_ms,
        };
        return (Phase::Exempt, Some(reason));
    }
    let Some(it) = plan.judged(cx.now_ms) else {
        return (Phase::Unassessed, Some(Reason::NoInventory));
    };
    let it = it.as_ref();
    match it.condition {
        Condition::Carries => work(plan, it, cx),
        Condition::Unknown => (Phase::Unassessed, look_failed(it)),
        Condition::Embedded => (
            Phase::Handwork,
            Some(Reason::Embedded {
                products: it.embedded.clone(),
            }),
        ),
        Condition::Remnant | Condition::Free if !plan.ever_carried => (Phase::Clear, None),
        Condition::Remnant | Condition::Free => lost(plan, it, cx),
    }
}

pub(super) fn look_failed(it: &Assessment) -> Option<Reason> {
    it.unknown.first().map(|look| Reason::LookFailed {
        product: look.product.clone(),
        why: look.why.clone(),
    })
}

/// The target was there and is gone.
fn lost(plan: &Plan, it: &Assessment, cx: &Cx<'_>) -> Place {
    let Some(fault) = it.replacement_fault() else {
        if restart::is_owed(plan, it) {
            return work(plan, it, cx);
        }
        return (Phase::Verifying, None);
    };
    if let Some(product) = it.unapproved.first() {
        return (
            Phase::Unplanned,
            Some(Reason::UnapprovedReplacement {
                product: product.clone(),
            }),
        );
    }
    match it.replacement.as_ref().map(|seen| &seen.state) {
        None | Some(ReplacementState::Healthy { .. }) => (Phase::Unplanned, Some(fault)),
        Some(ReplacementState::Unhealthy { .. }) => (Phase::Handwork, Some(fault)),
        Some(ReplacementState::Absent) => work(plan, it, cx),
    }
}

/// What is known of what puts the target back.
fn came_back(plan: &Plan, it: &Assessment, cx: &Cx<'_>) -> Reason {
    Reason::CameBack {
        times: plan.rounds,
        agents: agents(it, cx),
        installed_day: it.targets.iter().filter_map(|target| target.dates.installed_day).max(),
        products: it.targets.iter().map(|target| target.product.clone()).collect(),
        suspect: Some(suspect(it, cx)),
    }
}

/// Targets that install what their console tells them.
fn agents(it: &Assessment, cx: &Cx<'_>) -> Vec<ProductId> {
    let is_agent = |product: &ProductId| {
        let removal = cx.catalog.removal(product);
        removal.is_some_and(|removal| removal.rank == Rank::Agent)
    };
    let products = it.targets.iter().map(|target| &target.product);
    products.filter(|product| is_agent(product)).cloned().collect()
}

/// What is held to have put the targets there.
pub(super) fn suspect(it: &Assessment, cx: &Cx<'_>) -> Suspect {
    rank(&it.targets, &agents(it, cx))
}

/// There is something to remove, or to install.
fn work(plan: &Plan, it: &Assessment, cx: &Cx<'_>) -> Place {
    if let Some(ownership) = plan.known.ownership.filter(|it| !it.is_ours()) {
        return (Phase::Handwork, Some(Reason::NotOurs { ownership }));
    }
    if let Some(blocker) = it.blockers.iter().find(|blocker| blocker.is_encryption()) {
        return (Phase::Blocked, Some(blocker.reason()));
    }
    if it.carries() && plan.rounds >= ROUNDS {
        return (Phase::Handwork, Some(came_back(plan, it, cx)));
    }
    let Some(seen) = &it.replacement else {
        return (Phase::Unplanned, Some(Reason::NoReplacementRule));
    };
    if let Some(install) = cx.catalog.installation(&seen.product)
        && !cx.campaign.accepts(install.grade)
    {
        let reason = Reason::GradeNotAccepted {
            product: seen.product.clone(),
            grade: install.grade,
        };
        return (Phase::Unplanned, Some(reason));
    }
    if let Some(blocker) = it.blockers.first() {
        return (Phase::Blocked, Some(blocker.reason()));
    }
    if let Some(reason) = stopped(plan, it, cx).or_else(|| secrets::spent(plan, it, cx)) {
        return (Phase::Blocked, Some(reason));
    }
    if plan.executor(cx.campaign).is_some() {
        // Whoever does the work needs no recipe of ours, and uses no attempt.
        return started_or_planned(plan, cx);
    }
    match restart::steps(plan, it, &seen.product, cx) {
        Ok(steps) => {
            let missing = secrets::lacking(&steps, cx);
            let steps = lacking(plan, &steps);
            if !steps.is_empty() {
                return (Phase::Blocked, Some(Reason::AgentTooOld { steps }));
            }
            if let Some(reason) = missing {
                return (Phase::Blocked, Some(reason));
            }
        }
        // The recipe fits; what it needs is not there yet.
        Err(ComposeError::Missing(missing)) => {
            return (Phase::Blocked, Some(Reason::ArtifactMissing { missing: *missing }));
        }
        Err(ComposeError::ByOthers(others)) => return (Phase::Handwork, Some(Reason::RemovedByOthers(*others))),
        Err(error) => return (Phase::Unplanned, Some(Reason::NoRecipe { why: error.to_string() })),
    }
    if plan.attempts_used >= cx.campaign.policy.attempts {
        let last = plan.last_failure.as_ref();
        let reason = Reason::AttemptsUsed {
            attempts: plan.attempts_used,
            last: last.and_then(|failure| failure.cause),
            detail: last.map(|failure| failure.detail.clone()).unwrap_or_default(),
        };
        return (Phase::Failed, Some(reason));
    }
    started_or_planned(plan, cx)
}

/// What the last failure demands, where that has not come yet.
fn stopped(plan: &Plan, it: &Assessment, cx: &Cx<'_>) -> Option<Reason> {
    let failure = plan.last_failure.as_ref()?;
    let by = failure.stop.as_ref().filter(|stop| stop.is_believed())?;
    // Where no attempt is left, a person is told, whatever a look would show.
    let is_over = plan.attempts_used >= cx.campaign.policy.attempts;
    let holds = match by {
        Stop::Room { .. } | Stop::Unfit { .. } if is_over => false,
        // What no look tells is left to the next attempt: its download comes first, needs the room, and changes nothing else.
        Stop::Room { fresh_after_ms } => plan.last_looked_ms <= Some(*fresh_after_ms) || it.has_room == Some(false),
        Stop::Unfit { sha256, .. } => needs_file(plan, it, sha256, cx),
        // The next order restarts the machine.
        Stop::RestartFirst { .. } => false,
        // What was not tried yet is: another value, or one that was set since.
        Stop::Secret { product, .. } => !secrets::is_any_left(plan, product, cx),
        Stop::Forbidden { .. } | Stop::Orphan { .. } | Stop::Source { .. } | Stop::Ours { .. } => true,
    };
    holds.then(|| Reason::Stopped {
        by: by.clone(),
        detail: failure.detail.clone(),
        exit_code: failure.exit_code,
    })
}

/// Whether the next order would bring the very same file.
fn needs_file(plan: &Plan, it: &Assessment, sha256: &str, cx: &Cx<'_>) -> bool {
    let Some(seen) = &it.replacement else {
        return false;
    };
    let steps = restart::steps(plan, it, &seen.product, cx).unwrap_or_default();
    let mut files = steps.iter().filter_map(|step| step.action.fetched_file());
    files.any(|file| file.sha256.to_string() == sha256)
}

/// Work is due: once its wave is open the host is queued for it.
fn started_or_planned(plan: &Plan, cx: &Cx<'_>) -> Place {
    let is_open = match cx.waves.state(&plan.wave) {
        WaveState::Open | WaveState::Paused => true,
        WaveState::Closed => matches!(plan.phase, Phase::Migrating | Phase::Rebooting),
    };
    match cx.campaign.mode {
        Mode::Observe => (Phase::Planned, None),
        Mode::Approve | Mode::Automatic if is_open => (Phase::Queued, None),
        Mode::Approve | Mode::Automatic => (Phase::Planned, None),
    }
}

/// Of the kinds of these steps, those that the host's agent does not know.
pub(super) fn lacking(plan: &Plan, steps: &[Step]) -> Vec<StepKind> {
    let is_needed = |kind: &&StepKind| steps.iter().any(|step| step.action.kind() == **kind);
    plan.lacking_steps.iter().filter(is_needed).copied().collect()
}

/// Takes the plan to where it belongs. Does nothing while an order is out: its end does.
pub(super) fn settle(pen: &mut Pen<'_>) -> Result<(), Refused> {
    if pen.plan.order.is_some() {
        return Ok(());
    }
    group::regroup(pen)?;
    let (phase, reason) = place(&pen.plan, pen.cx);
    match phase {
        Phase::Planned | Phase::Queued => {
            choose_replacement(pen)?;
            let is_near = matches!(
                pen.plan.phase,
                Phase::Planned | Phase::Queued | Phase::Migrating | Phase::Rebooting | Phase::Verifying
            );
            if phase == Phase::Queued && !is_near {
                pen.go(Phase::Planned, None)?;
            }
            pen.go(phase, reason)?;
            canaries::turn(pen)?;
            line::turn(pen)
        }
        Phase::Verifying => {
            let fresh_after_ms = pen.plan.last_looked_ms.unwrap_or(i64::MIN);
            begin_verifying(pen, origin_of_loss(&pen.plan), Verify::FirstLook { fresh_after_ms })
        }
        Phase::Unassessed
        | Phase::Clear
        | Phase::Unplanned
        | Phase::Blocked
        | Phase::Handwork
        | Phase::Failed
        | Phase::Exempt
        | Phase::OutOfScope
        | Phase::Migrating
        | Phase::Rebooting
        | Phase::Migrated
        | Phase::Concluded
        | Phase::Retired => pen.go(phase, reason),
    }
}

/// Who took the target away: other hands, unless an order of ours had begun.
fn origin_of_loss(plan: &Plan) -> Origin {
    if plan.last_failure.is_some() {
        Origin::Unclear
    } else {
        Origin::External
    }
}

pub(super) fn begin_verifying(pen: &mut Pen<'_>, origin: Origin, verify: Verify) -> Result<(), Refused> {
    if pen.plan.phase != Phase::Verifying {
        if pen.plan.origin != Some(origin) {
            pen.write(Fact::WorkSeen { origin })?;
        }
        pen.go(Phase::Verifying, None)?;
    }
    pen.write(Fact::VerifyTurned { verify })?;
    pen.effect(super::Effect::WantLook);
    Ok(())
}

fn choose_replacement(pen: &mut Pen<'_>) -> Result<(), Refused> {
    let chosen = pen
        .plan
        .assessment
        .as_ref()
        .and_then(|it| it.replacement.as_ref())
        .map(|seen| seen.product.clone());
    match chosen {
        Some(product) if pen.plan.replacement.as_ref() != Some(&product) => {
            pen.write(Fact::ReplacementChosen { product })
        }
        Some(_) | None => Ok(()),
    }
}
