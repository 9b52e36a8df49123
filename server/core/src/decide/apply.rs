//! How an event makes the next plan.

use crate::{
    plan::{Account, Cover, Gap, Given, Handwork, LastFailure, Phase, Plan, Reason, is_legal},
    upkeep,
};

use super::{Event, Fact, apply_order, apply_restart, outcome};

/// Why an event does not fit a plan: the stream is not this plan's.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ApplyError {
    /// The first event must be an enrolment.
    #[error("the first event of a plan must be enrolled, not {0}")]
    NotEnrolled(&'static str),
    /// That move is not in the table.
    #[error("a plan cannot move from {from} to {to}")]
    IllegalMove {
        /// From.
        from: Phase,
        /// To.
        to: Phase,
    },
    /// The event speaks of an order that is not out.
    #[error("event {fact} speaks of order {number}, which is not out")]
    NoSuchOrder {
        /// Which event.
        fact: &'static str,
        /// Which order.
        number: u64,
    },
    /// An order is out already.
    #[error("order {issued} was issued while order {open} is out")]
    OrderOut {
        /// The one that is out.
        open: u64,
        /// The other.
        issued: u64,
    },
}

/// The plan after an event.
///
/// # Errors
/// When the event cannot follow on this plan; then the stream is damaged or another plan's.
pub fn apply(plan: &Plan, event: &Event) -> Result<Plan, ApplyError> {
    let mut next = plan.clone();
    apply_to(&mut next, event)?;
    Ok(next)
}

/// Makes the plan the next one. After an error it is neither, and is to be dropped.
pub(super) fn apply_to(plan: &mut Plan, event: &Event) -> Result<(), ApplyError> {
    let before = outcome::Before::of(plan);
    take_in(plan, event)?;
    outcome::turn(before, plan, &event.fact);
    plan.seq += 1;
    Ok(())
}

/// The plan after all of them.
///
/// # Errors
/// As [`apply`].
pub fn replay<'a>(mut plan: Plan, events: impl IntoIterator<Item = &'a Event>) -> Result<Plan, ApplyError> {
    for event in events {
        apply_to(&mut plan, event)?;
    }
    Ok(plan)
}

fn take_in(plan: &mut Plan, event: &Event) -> Result<(), ApplyError> {
    let (at_ms, fact) = (event.at_ms, &event.fact);
    if !plan.is_enrolled() && !matches!(fact, Fact::Enrolled { .. }) {
        return Err(ApplyError::NotEnrolled(fact.name()));
    }
    match fact {
        Fact::Enrolled {
            wave,
            site,
            campaign_version,
        } => enrol(plan, at_ms, wave, site, *campaign_version),
        Fact::Described { known } => plan.known.clone_from(known),
        Fact::Grouped {
            wave,
            site,
            is_late_joiner,
        } => {
            wave.clone_into(&mut plan.wave);
            site.clone_into(&mut plan.site);
            plan.is_late_joiner = *is_late_joiner;
        }
        Fact::Looked {
            looked_at_ms,
            boot_id,
            assessment,
        } => {
            plan.last_looked_ms = Some(*looked_at_ms);
            plan.last_boot_id.clone_from(boot_id);
            apply_restart::settle(plan, boot_id);
            if let Some(assessment) = assessment {
                take_assessment(plan, assessment);
            }
        }
        Fact::TargetSeen { .. } => {
            plan.ever_carried = true;
            plan.first_carried_ms.get_or_insert(at_ms);
        }
        Fact::TargetVanished => {}
        Fact::ProtectionTurned { grade, cover, since_ms } => {
            plan.account.turn(*grade, *cover, *since_ms);
            // A host that is not heard of any more is still in its gap.
            if *cover == Cover::Protected {
                plan.gap = None;
            }
        }
        Fact::GapBegan { bound_ms } => {
            plan.gap = Some(Gap {
                since_ms: at_ms,
                bound_ms: *bound_ms,
                told: false,
            });
        }
        Fact::GapExceeded => {
            if let Some(gap) = &mut plan.gap {
                gap.told = true;
            }
        }
        Fact::Moved { to, reason } => move_to(plan, at_ms, *to, reason.as_ref())?,
        Fact::ReasonTurned { reason } => plan.reason.clone_from(reason),
        Fact::ReplacementChosen { product } => plan.replacement = Some(product.clone()),
        Fact::FetchSized { bytes } => plan.fetches = *bytes,
        Fact::RecipesUntried { recipes } => plan.untried.clone_from(recipes),
        Fact::PlacesKept { places } => {
            plan.kept_places.clone_from(places);
            plan.first_places.retain(|place| !places.contains(place));
        }
        Fact::Approved { by, named } => {
            let (by, named) = (by.clone(), *named);
            plan.approval = Some(crate::plan::Approval { by, at_ms, named });
        }
        Fact::OrderIssued { .. } => apply_order::issue(plan, at_ms, fact)?,
        Fact::OrderFetched { number } => {
            let order = apply_order::open(plan, fact, *number)?;
            order.fetched_ms = Some(at_ms);
            order.last_progress_ms = at_ms;
        }
        Fact::StepReported { number, .. } => apply_order::report(apply_order::open(plan, fact, *number)?, at_ms, fact),
        Fact::OrderCancelling { number, why } => {
            apply_order::open(plan, fact, *number)?.cancelling = Some(why.clone());
        }
        Fact::OrderEnded { number, .. } => {
            apply_order::open(plan, fact, *number)?;
            apply_order::end(plan, at_ms, fact);
        }
        Fact::RetrySet { due_ms, hindrance } => {
            plan.retry_at_ms = Some(*due_ms);
            plan.hindrances = if *hindrance { plan.hindrances + 1 } else { 0 };
        }
        Fact::RetryDue => plan.retry_at_ms = None,
        Fact::RestartOwed { need, product, boot_id } => apply_restart::owe(plan, *need, product, boot_id),
        Fact::RestartSeen { boot_id } => {
            plan.last_boot_id.clone_from(boot_id);
            plan.restarted_into.clone_from(boot_id);
            apply_restart::settle(plan, boot_id);
        }
        Fact::VerifyTurned { verify } => plan.verify = Some(verify.clone()),
        Fact::NotConfirmed { why, used_attempt } => {
            plan.attempts_used += u32::from(*used_attempt);
            plan.last_failure = Some(LastFailure {
                cause: None,
                detail: why.clone(),
                at_ms,
                used_attempt: *used_attempt,
                exit_code: None,
                stop: None,
            });
        }
        Fact::WorkSeen { origin } => plan.origin = Some(*origin),
        Fact::Regressed { .. } => {
            plan.regressions += 1;
            plan.rounds += 1;
            plan.grade = None;
        }
        Fact::ProtectionDoubtful => plan.unhealthy_since_ms = Some(at_ms),
        Fact::ProtectionRestored => plan.unhealthy_since_ms = None,
        Fact::ProtectionLost { .. } => {
            plan.protection_losses += 1;
            plan.unhealthy_since_ms = None;
        }
        Fact::WentStale { .. } => plan.stale = true,
        Fact::SeenAgain => {
            plan.stale = false;
            plan.grace_from_ms = at_ms;
            // Who comes back is told anew.
            plan.notices.lapse();
        }
        Fact::AgentPerhapsLost { .. } => plan.agent_perhaps_lost = true,
        Fact::AgentBack => plan.agent_perhaps_lost = false,
        Fact::Forked { from, first_carried_ms } => {
            plan.forked_from = Some(*from);
            plan.ever_carried |= first_carried_ms.is_some();
            plan.first_carried_ms = plan.first_carried_ms.or(*first_carried_ms);
        }
        Fact::Pooled { pool } => plan.pool = Some(pool.clone()),
        Fact::HoldPlaced { hold } => {
            plan.holds.insert(hold.kind, hold.clone());
        }
        Fact::HoldLifted { kind, .. } => {
            plan.holds.remove(kind);
        }
        Fact::HeldLocally { why } => plan.local_hold = Some(why.clone()),
        Fact::LocalHoldGone => plan.local_hold = None,
        Fact::StepsLacking { kinds } => plan.lacking_steps.clone_from(kinds),
        Fact::NoticeDue { number } => plan.notices.asked = *number,
        Fact::NoticeGiven {
            number,
            shown_ms,
            somebody,
            how,
        } => {
            let given = Given {
                at_ms,
                shown_ms: *shown_ms,
                somebody: *somebody,
                how: how.clone(),
            };
            plan.notices
                .tell(*number, given, plan.order.as_ref().map(|order| order.number));
        }
        Fact::NoticesLapsed => plan.notices.lapse(),
        Fact::DrainTurned { turn } => plan.turn_drain(turn, at_ms),
        Fact::StartPutOff { until_ms, .. } => {
            plan.notices.put_off_ms = Some(*until_ms);
            plan.notices.put_offs += 1;
        }
        Fact::Exempted { exemption } => plan.exemption = Some(exemption.clone()),
        Fact::ExemptionEnded { .. } => plan.exemption = None,
        Fact::DisksAttested { disks } => plan.disks = Some(disks.clone()),
        Fact::DisksDoubted { .. } => plan.disks = None,
        Fact::CampaignChanged { version, assessment } => {
            plan.campaign_version = *version;
            if let Some(assessment) = assessment {
                take_assessment(plan, assessment);
            }
        }
        Fact::SecretsTried { product, digests } => {
            let tried = plan.secrets_tried.entry(product.clone()).or_default();
            tried.extend(digests.iter().cloned());
        }
        Fact::Retried { .. } => {
            plan.attempts_used = 0;
            plan.hindrances = 0;
            plan.retry_at_ms = None;
            // Whoever asks for it says that what stopped it is mended.
            plan.last_failure.iter_mut().for_each(|failure| failure.stop = None);
            plan.secrets_tried.clear();
        }
        Fact::HandworkAssigned {
            by,
            owner,
            reference,
            due_ms,
        } => {
            plan.handwork = Some(Handwork {
                owner: Some(owner.clone()),
                reference: reference.clone(),
                due_ms: *due_ms,
                by: Some(by.clone()),
                told: false,
            });
        }
        Fact::HandworkOverdue { .. } => plan.handwork.get_or_insert_default().told = true,
        Fact::HandworkDone { .. } => plan.rounds = 0,
        Fact::JournalDistrusted { fault } => {
            plan.journal_fault = Some(*fault);
            plan.journal_look_after_ms = None;
        }
        Fact::JournalMarked { fresh_after_ms } => plan.journal_look_after_ms = Some(*fresh_after_ms),
        Fact::JournalSettled => {
            plan.journal_fault = None;
            plan.journal_look_after_ms = None;
        }
        Fact::ScopeTurned { rule } => plan.scoped_out_by.clone_from(rule),
        Fact::LateTurned { late } => plan.late = *late,
    }
    Ok(())
}

fn enrol(plan: &mut Plan, at_ms: i64, wave: &str, site: &str, campaign_version: u32) {
    if !plan.is_enrolled() {
        plan.phase_since_ms = at_ms;
        plan.account = Account::open(at_ms);
    }
    wave.clone_into(&mut plan.wave);
    site.clone_into(&mut plan.site);
    plan.campaign_version = campaign_version;
    plan.enrolled_ms = at_ms;
    plan.grace_from_ms = at_ms;
    plan.stale = false;
    plan.agent_perhaps_lost = false;
    // A new installation of the agent: its clock and journal begin anew, and nothing that it looked at is known.
    plan.assessment = None;
    // It was said of the machine as it was.
    plan.disks = None;
    plan.grade = None;
    plan.last_looked_ms = None;
    plan.last_boot_id.clear();
    plan.journal_fault = None;
    plan.journal_look_after_ms = None;
    plan.local_hold = None;
    plan.lacking_steps.clear();
    plan.notices.lapse();
}

fn take_assessment(plan: &mut Plan, assessment: &crate::judge::Assessment) {
    plan.leftovers = assessment
        .leftovers
        .iter()
        .map(|leftover| leftover.product.clone())
        .collect();
    upkeep::remember(&mut plan.dates, assessment);
    plan.assessment = Some(assessment.clone());
}

fn move_to(plan: &mut Plan, at_ms: i64, to: Phase, reason: Option<&Reason>) -> Result<(), ApplyError> {
    if !is_legal(plan.phase, to) {
        return Err(ApplyError::IllegalMove { from: plan.phase, to });
    }
    plan.phase = to;
    plan.phase_since_ms = at_ms;
    plan.reason = reason.cloned();
    plan.verify = None;
    plan.unhealthy_since_ms = None;
    plan.handwork = None;
    if !matches!(to, Phase::Planned | Phase::Queued) {
        plan.retry_at_ms = None;
    }
    if !matches!(to, Phase::Migrating | Phase::Rebooting | Phase::Verifying) {
        plan.first_places.clear();
    }
    if to == Phase::Migrated {
        plan.notices.begin_anew();
        plan.attempts_used = 0;
        plan.hindrances = 0;
        plan.approval = None;
    }
    Ok(())
}
