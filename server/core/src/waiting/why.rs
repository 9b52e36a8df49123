//! Why a plan does not go on, computed when it is read: from its own row and the state of its group.

use super::{
    Waiting,
    wake::{restart_limits_ms, silent_at_ms},
};
use crate::{
    campaign::{Campaign, Mode, span},
    drain,
    hours::Closed,
    judge::Assessment,
    notice,
    plan::{OpenOrder, Phase, Plan, Verify},
    rollout::{BreakerState, GroupState, RunState, WaveState, is_first_place, slots},
};

/// Why the plan does not go on. `None` where nothing is awaited (clear, migrated). One that was not heard of for too long
/// waits for that, unless a person must act first anyhow.
#[must_use]
pub fn why(plan: &Plan, group: &GroupState, last_seen_ms: i64, campaign: &Campaign, now_ms: i64) -> Option<Waiting> {
    if plan.agent_perhaps_lost && !plan.is_closed() {
        return Some(Waiting::AgentPerhapsLost { last_seen_ms });
    }
    let is_done = matches!(plan.phase, Phase::Clear | Phase::Migrated);
    if plan.stale && (is_done || plan.phase.is_moving()) {
        return Some(Waiting::Away { last_seen_ms });
    }
    match plan.phase {
        Phase::Clear => None,
        Phase::Migrated => {
            let fault = plan.assessment.as_ref().and_then(Assessment::replacement_fault);
            fault.filter(|_| plan.unhealthy_since_ms.is_some()).map(Waiting::Stuck)
        }
        Phase::Planned => Some(planned(plan, group, campaign)),
        Phase::Queued => {
            let hindrance = hindrance(plan, group, last_seen_ms, campaign, now_ms);
            let turn = || group.lines.turn(plan, campaign).map(Waiting::Line);
            Some(hindrance.or_else(turn).unwrap_or(Waiting::NextPass))
        }
        Phase::Migrating => plan.order.as_ref().map(|order| steps(plan, order, campaign)),
        Phase::Rebooting => plan.order.as_ref().map(|order| restart(plan, order, campaign)),
        Phase::Verifying => Some(match (&plan.reason, &plan.verify) {
            (Some(reason), _) => Waiting::Stuck(reason.clone()),
            (None, Some(Verify::Soaking { until_ms })) => Waiting::Soak { until_ms: *until_ms },
            (
                None,
                Some(Verify::FirstContact | Verify::FirstLook { .. } | Verify::LastContact | Verify::LastLook { .. })
                | None,
            ) => Waiting::FreshLook,
        }),
        Phase::Unassessed
        | Phase::Unplanned
        | Phase::Blocked
        | Phase::Handwork
        | Phase::Failed
        | Phase::Exempt
        | Phase::Concluded
        | Phase::OutOfScope
        | Phase::Retired => plan.reason.clone().map(Waiting::Stuck),
    }
}

fn planned(plan: &Plan, group: &GroupState, campaign: &Campaign) -> Waiting {
    match (campaign.mode, group.wave) {
        (Mode::Observe, _) => Waiting::ObserveMode,
        (Mode::Approve | Mode::Automatic, WaveState::Closed) => Waiting::WaveClosed {
            wave: plan.wave.clone(),
        },
        (Mode::Approve | Mode::Automatic, WaveState::Paused) => Waiting::WavePaused {
            wave: plan.wave.clone(),
        },
        (Mode::Approve | Mode::Automatic, WaveState::Open) => Waiting::NextPass,
    }
}

fn restart(plan: &Plan, order: &OpenOrder, campaign: &Campaign) -> Waiting {
    if let Some(why) = &order.cancelling {
        return Waiting::Ending { why: why.clone() };
    }
    let due = order.restart.as_ref();
    let (latest_ms, back_by_ms) = restart_limits_ms(plan, order, campaign);
    Waiting::Restart {
        comes_ms: due.and_then(|due| due.comes_ms),
        is_deferred: due.is_some_and(|due| due.is_deferred),
        may_be_put_off: order.may_put_restart_off(),
        latest_ms,
        back_by_ms,
    }
}

fn steps(plan: &Plan, order: &OpenOrder, campaign: &Campaign) -> Waiting {
    if let Some(why) = &order.cancelling {
        return Waiting::Ending { why: why.clone() };
    }
    if order.fetched_ms.is_none() {
        return Waiting::Fetch {
            by_ms: order.fetch_by_ms,
        };
    }
    let index = order.last_step.unwrap_or(0);
    let what = usize::try_from(index)
        .ok()
        .and_then(|index| order.steps.get(index))
        .map_or_else(String::new, |step| step.action.describe());
    Waiting::Steps {
        step: index + 1,
        of: u32::try_from(order.steps.len()).unwrap_or(u32::MAX),
        what,
        until_ms: silent_at_ms(plan, campaign, &[]),
    }
}

/// What stands against starting a queued plan; `None` when it may start. The rollout, the transaction that starts it, and
/// [`why`] ask the same question.
#[must_use]
pub fn hindrance(
    plan: &Plan,
    group: &GroupState,
    last_seen_ms: i64,
    campaign: &Campaign,
    now_ms: i64,
) -> Option<Waiting> {
    let policy = &campaign.policy;
    if group.run != RunState::Running {
        return Some(Waiting::Halted { run: group.run });
    }
    if let Some(hold) = plan.holds.values().next() {
        return Some(Waiting::Held {
            kind: hold.kind,
            who: hold.who.clone(),
            why: hold.why.clone(),
            until_ms: hold.until_ms,
        });
    }
    if let Some(why) = &plan.local_hold {
        return Some(Waiting::HeldLocally { why: why.clone() });
    }
    if plan.journal_fault.is_some() {
        return Some(Waiting::Journal);
    }
    match group.wave {
        WaveState::Open => {}
        WaveState::Closed => {
            return Some(Waiting::WaveClosed {
                wave: plan.wave.clone(),
            });
        }
        WaveState::Paused => {
            return Some(Waiting::WavePaused {
                wave: plan.wave.clone(),
            });
        }
    }
    if let BreakerState::Tripped(trip) = &group.breaker.state {
        return Some(Waiting::Tripped {
            wave: plan.wave.clone(),
            cause: trip.cause,
            since_ms: trip.at_ms,
        });
    }
    if let Some(waiting) = drain::hindrance(plan, campaign) {
        return Some(waiting);
    }
    if let Some(external) = plan.executor(campaign) {
        let by_ms = plan.phase_since_ms.saturating_add(span::ms(external.within));
        return Some(Waiting::External {
            name: external.name,
            owner: external.owner,
            is_image: plan.pool.is_some(),
            by_ms,
            is_late: now_ms >= by_ms,
        });
    }
    match campaign.mode {
        Mode::Observe => return Some(Waiting::ObserveMode),
        Mode::Automatic if !group.not_ready.is_empty() => {
            return Some(Waiting::Readiness {
                open: group.not_ready.clone(),
            });
        }
        Mode::Approve | Mode::Automatic => {}
    }
    if let Some(cause) = group.lacks_approval(plan, campaign) {
        return Some(Waiting::Approval { cause });
    }
    if let Some(waiting) = notice::hindrance(plan, campaign, now_ms) {
        return Some(waiting);
    }
    if let Some(at_ms) = plan.retry_at_ms.filter(|at_ms| now_ms < *at_ms) {
        return Some(Waiting::Retry {
            at_ms,
            used: plan.attempts_used,
            of: policy.attempts,
            why: last_words(plan),
        });
    }
    let until_ms = policy.grace_end_ms(plan.grace_from_ms);
    if now_ms < until_ms {
        return Some(Waiting::Grace { until_ms });
    }
    if let Some(waiting) = hours(plan, campaign, now_ms) {
        return Some(waiting);
    }
    if plan.stale || now_ms.saturating_sub(last_seen_ms) > span::ms(policy.fetch_within) {
        return Some(Waiting::Away { last_seen_ms });
    }
    if let Some((allowed, begun)) = group.first_ones_but(plan, campaign.wave(&plan.wave)) {
        return Some(Waiting::FewFirst {
            wave: plan.wave.clone(),
            allowed,
            begun,
        });
    }
    pace(plan, group, campaign)
        .or_else(|| slot(plan, group, campaign))
        .or_else(|| group.lines.wait(plan, campaign).map(Waiting::Line))
}

/// Windows and blackouts, by the clock on the host's wall.
pub(crate) fn hours(plan: &Plan, campaign: &Campaign, now_ms: i64) -> Option<Waiting> {
    let host = plan.traits();
    let calendar = campaign.calendar_for(&host);
    let zone = campaign.zone_for(&host);
    let closed = calendar.closed_by(now_ms, &zone)?;
    let opens_ms = calendar.next_open_ms(now_ms, &zone);
    Some(match closed {
        Closed::Blackout(blackout) => Waiting::Blackout {
            name: blackout.name.clone(),
            opens_ms,
        },
        Closed::Hours => Waiting::Hours { opens_ms },
        Closed::NoWindow => Waiting::NoWindow,
    })
}

/// Limits on how many start within an hour.
fn pace(plan: &Plan, group: &GroupState, campaign: &Campaign) -> Option<Waiting> {
    if drain::counts_as_begun(plan) {
        // It was counted when it was to be drained.
        return None;
    }
    let wave = campaign.wave(&plan.wave);
    let limits = [
        (
            campaign.policy.starts_per_hour,
            &group.starts,
            "the campaign".to_owned(),
        ),
        (
            wave.and_then(|wave| wave.starts_per_hour),
            &group.wave_starts,
            format!("wave {}", plan.wave),
        ),
    ];
    limits.into_iter().find_map(|(limit, starts, of)| {
        let at_ms = starts.next_ms(limit)?;
        Some(Waiting::Pace {
            of,
            limit: limit?,
            at_ms,
        })
    })
}

/// Limits on how many are at work at a time.
fn slot(plan: &Plan, group: &GroupState, campaign: &Campaign) -> Option<Waiting> {
    let slots = slots(plan, campaign);
    let full = slots.into_iter().find(|slot| group.taken(slot) >= slot.cap)?;
    Some(Waiting::Slot {
        in_flight: group.taken(&full),
        limit: full.cap,
        is_first: is_first_place(&full.name),
        of: full.of,
    })
}

fn last_words(plan: &Plan) -> String {
    let Some(failure) = &plan.last_failure else {
        return "nothing".to_owned();
    };
    let cause = failure.cause.map_or_else(String::new, |cause| cause.to_string());
    match (cause.is_empty(), failure.detail.is_empty()) {
        (false, false) => format!("{cause}: {}", failure.detail),
        (false, true) => cause,
        (true, _) => failure.detail.clone(),
    }
}
